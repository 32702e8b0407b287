"""A sentence with all that is known when it is read: its numbers, its names, what it leaves out.

Whose score a number is depends on the names in the sentence and on those that earlier sentences,
headings and keys left behind. Reading collects them here; linking decides (``linking.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from evalkit.reported.candidates import Candidate
from evalkit.reported.comparing import comparison
from evalkit.reported.gaps import bracket, rows
from evalkit.reported.mapped import Mapped
from evalkit.reported.numbers import Number
from evalkit.reported.vocabulary import Mention, What

PARTICLES_BEHIND = frozenset(("zh", "ja", "ko"))
"""Languages that set particles behind names, and verbs last."""

AVERAGE = "Average (doc-defined)"
"""The canonical name of a mean over benchmarks that only its document defines."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A printed number.

    Attributes:
        number: Where and what.
        judged: What the words around it make of it; None for no score.
    """

    number: Number
    judged: Candidate | None

    @property
    def start(self) -> int:
        """First digit."""
        return self.number.start

    @property
    def end(self) -> int:
        """Behind its unit."""
        return self.judged.span_end if self.judged else self.number.end


@dataclass(frozen=True, slots=True)
class Name:
    """A benchmark or model that a number of the sentence may belong to.

    Attributes:
        mention: Where and what.
        how: Empty for a name in the sentence itself; else what left it behind: ``topic``,
            ``section``, ``key``, ``main``, ``under`` (a heading or a line that leads in to a
            list), ``field``, ``average``, or ``before0`` for the last name before the sentence.
        far: How many sentences back it stands; 0 where it stands in none.
    """

    mention: Mention
    how: str = ""
    far: int = 0

    @property
    def kind(self) -> str:
        """How it is given, whichever of several it is."""
        return self.how.rstrip("0123456789")


@dataclass(frozen=True)
class Sentence:
    """One sentence of a paragraph.

    Attributes:
        source: The paragraph, with its places in the document.
        start: Where the sentence begins in it.
        end: Where it ends.
        language: ISO 639-1 code.
        figures: Its numbers that are in no name, left to right.
        mentions: Names in it, left to right.
        topic: The model that is spoken of, as far as the sentences before tell.
        left_benchmarks: What went before and may be meant.
        left_models: The same for models.
        listed_benchmarks: Names of the last sentence before that names several.
        listed_models: The same for models.
        is_result: A line of its own that gives "Score: 88.4 %".
        follows: The sentence before had figures.
    """

    source: Mapped
    start: int
    end: int
    language: str
    figures: tuple[Figure, ...]
    mentions: tuple[Mention, ...]
    topic: Mention | None = None
    left_benchmarks: tuple[Name, ...] = ()
    left_models: tuple[Name, ...] = ()
    listed_benchmarks: tuple[str, ...] = ()
    listed_models: tuple[str, ...] = ()
    is_result: bool = False
    follows: bool = False

    @property
    def text(self) -> str:
        """The paragraph."""
        return self.source.text

    def span(self, figure: Figure) -> tuple[int, int]:
        """Where a number stands in the document."""
        return self.source.span(figure.number.start, figure.number.end)

    @cached_property
    def benchmarks(self) -> tuple[Mention, ...]:
        """Named in it."""
        named = (m for m in self.mentions if m.what is What.BENCHMARK)
        return tuple(m for m in named if m.name != AVERAGE)

    @cached_property
    def models(self) -> tuple[Mention, ...]:
        """Named in it."""
        return tuple(m for m in self.mentions if m.what is What.MODEL)

    @cached_property
    def likely(self) -> tuple[Figure, ...]:
        """The figures that nothing speaks against."""
        return tuple(f for f in self.figures if f.judged is not None)

    @cached_property
    def rows(self) -> dict[int, tuple[Figure, ...]]:
        """By the place of a likely figure: those that stand in one row with it."""
        places = rows(self.text, [(f.start, f.end) for f in self.likely])
        return {
            figure.start: tuple(self.likely[i] for i in row)
            for figure, row in zip(self.likely, places, strict=True)
        }

    @cached_property
    def brackets(self) -> dict[int, tuple[int, int] | None]:
        """By the place of a name or figure: the two ends of the innermost bracket around it."""
        places = (*(m.start for m in self.mentions), *(f.start for f in self.figures))
        return {at: bracket(self.text, self.start, self.end, at) for at in places}

    @cached_property
    def compared(self) -> dict[int, str]:
        """By the place of a model: how the sentence compares another with it (``>``, ``<`` ...)."""
        found = ((m.start, comparison(self.text, self.start, m)) for m in self.models)
        return {start: how for start, how in found if how is not None}

    @cached_property
    def subject(self) -> Mention | None:
        """The first model that is not merely compared with."""
        return next((m for m in self.models if m.start not in self.compared), None)

    def names(self, models: bool) -> tuple[Mention, ...]:
        """The models or the benchmarks in it."""
        return self.models if models else self.benchmarks

    def candidates(self, models: bool) -> tuple[Name, ...]:
        """All names that its numbers may belong to."""
        left = self.left_models if models else self.left_benchmarks
        return (*(Name(m) for m in self.names(models)), *left)
