"""Reads paragraphs sentence by sentence and remembers what later sentences leave out.

The model may be named in an earlier clause: the topic of the paragraph, its heading or the document
holds until another one takes its place. What a sentence may mean is collected here, near things
first; nothing is decided about its numbers.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evalkit.reported import cues
from evalkit.reported.candidates import Candidate, candidates
from evalkit.reported.comparing import is_object
from evalkit.reported.document import Kind
from evalkit.reported.mapped import Mapped
from evalkit.reported.numbers import Number, find_numbers
from evalkit.reported.scope import Scope
from evalkit.reported.sentence import AVERAGE, Figure, Name, Sentence
from evalkit.reported.sentences import split
from evalkit.reported.shortnames import ShortNames
from evalkit.reported.vocabulary import Mention, Vocabulary, What, norm
from evalkit.reported.wording import SEVERAL, joined, released

_MOST = 40  # numbers, and names, in one sentence; one with more is none
_UNMARKED = 6  # the level of a title that is not marked as a heading
_TITLE = 90  # characters; a longer line is a sentence
_BACK = 12  # sentences
_KEPT = 5  # names of the sentences before, of each kind
_KEPT_SILENT = 2  # and of those without a number
_LIST_BACK = 3  # sentences


@dataclass(frozen=True, slots=True)
class _Past:
    """A sentence that was read: its names, and which of its models are only compared with."""

    paragraph: str
    benchmarks: tuple[Mention, ...]
    models: tuple[Mention, ...]
    compared: frozenset[int]
    silent: bool

    def names(self, models: bool) -> tuple[Mention, ...]:
        return self.models if models else self.benchmarks

    def how(self, paragraph: str, mention: Mention) -> str:
        """How a sentence of a paragraph is given one of its names."""
        return (
            ("silent" if self.silent else "before")
            + ("" if self.paragraph is paragraph else " paragraph")
            + (" compared" if mention.start in self.compared else "")
        )


class Reading:
    """Reads one document's paragraphs in order.

    Args:
        vocabulary: Names.
        language: Of the document, for numbers.
        main: The document's main model, where one is clear.
        only: The one benchmark that the document names.
        short: Short names of the document's models.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        language: str,
        main: str | None,
        only: Mention | None,
        short: ShortNames,
    ) -> None:
        self._vocabulary = vocabulary
        self._language = language
        self._main = main
        self._topic: Mention | None = None
        self._section: Mention | None = None
        self._spoken_of: set[str] = set()  # topics of the paragraph before; of several none is left
        self._past: deque[_Past] = deque(maxlen=_BACK)
        self._scope = Scope(vocabulary, only)
        self._short = short

    def heading(self, text: str, level: int = _UNMARKED) -> None:
        """A heading that names one model makes it the topic, one benchmark that of its section."""
        self._scope.heading(text, level)
        named = [m for m in self._vocabulary.find(text, prose=True) if m.what is What.MODEL]
        spoken_of = [m for m in named if not is_object(text, 0, m)]
        if len({m.name for m in spoken_of}) == 1:
            self._section = self._topic = spoken_of[0]
        elif named:
            self._section = self._topic = None

    def sentences(self, text: Mapped, kind: Kind = Kind.PARAGRAPH) -> Iterator[Sentence]:
        """The sentences of one paragraph that may hold scores or comparisons."""
        self._scope.enter(text.text, kind)
        if kind is not Kind.ITEM and (self._is_title(text.text) or self._scope.is_title(text.text)):
            self.heading(text.text)
        if self._section or self._main or len(self._spoken_of) > 1:
            self._topic = self._section
        mentions = self._mentions(text.text)
        self._scope.learn(text.text, mentions)
        self._spoken_of.clear()
        result = self._scope.is_result(text.text)
        if result or any(m.what is not What.DEVELOPER for m in mentions):
            yield from self._each(text, mentions, result)
        self._scope.leave(text.text)

    def _each(self, text: Mapped, mentions: list[Mention], result: bool) -> Iterator[Sentence]:
        follows = False
        for start, end in split(text.text):
            inside = tuple(m for m in mentions if start <= m.start and m.end <= end)
            judged = self._judged(text.text, start, end, inside)
            figures = self._figures(text.text, start, end, inside, judged)
            sentence = Sentence(
                text,
                start,
                end,
                self._language,
                figures if max(len(figures), len(inside)) <= _MOST else (),
                inside,
                self._topic or self._named(self._main),
                tuple(self._left_benchmarks(text.text, start, end, inside)),
                tuple(self._left_models(text.text)),
                self._listed(models=False),
                self._listed(models=True),
                result,
                follows,
            )
            yield sentence
            follows = any(n.strong for n in judged)
            self._remember(sentence, judged, silent=not figures)

    # numbers ----------------------------------------------------------------------------------

    def _judged(
        self, text: str, start: int, end: int, mentions: Sequence[Mention]
    ) -> list[Candidate]:
        """The numbers of a sentence that nothing speaks against."""
        names = {m.name for m in mentions if m.what is What.BENCHMARK}
        if not names and (under := self._scope.benchmark):
            names = {under.name}
        money = any(self._vocabulary.counts_money(name) for name in names)
        rated = any(self._vocabulary.is_rating(name) for name in names)
        return candidates(text, start, end, mentions, self._language, money=money, rated=rated)

    def _figures(
        self,
        text: str,
        start: int,
        end: int,
        mentions: Sequence[Mention],
        judged: Sequence[Candidate],
    ) -> tuple[Figure, ...]:
        """All numbers of a sentence that are in no name."""
        by_start = {c.number.start: c for c in judged}
        found: list[Figure] = []
        for n in find_numbers(text[start:end], self._language):
            number = Number(n.start + start, n.end + start, n.value, n.text)
            if not any(m.start <= number.start and number.start < m.end for m in mentions):
                found.append(Figure(number, by_start.get(number.start)))
        return tuple(found)

    # names ------------------------------------------------------------------------------------

    def _mentions(self, text: str) -> list[Mention]:
        """Names, without bare ones of families ("Kimi", the product) where a model is the topic."""
        found = self._vocabulary.find(text, prose=True)
        if self._main is not None:
            key = norm(self._main)
            found = [m for m in found if self._is_meant(text, m, key)]
        found = sorted((*found, *self._short.read(text, found)), key=lambda m: m.start)
        mentions = joined(text, found)
        if any(m.what is What.BENCHMARK for m in mentions):
            return mentions
        # "On 12 benchmarks ... a score of 63.2": an average that only this document defines.
        averages = (
            Mention(What.BENCHMARK, m.start(), m.end(), AVERAGE, m[0])
            for m in SEVERAL.finditer(text)
        )
        return sorted((*mentions, *averages), key=lambda m: m.start)

    @staticmethod
    def _is_meant(text: str, mention: Mention, main: str) -> bool:
        """Not a family's bare name, unless a number says that it stands for a model."""
        if mention.what is not What.MODEL or mention.known:
            return True
        if any(c.isdigit() for c in mention.raw) or norm(mention.raw) == main:
            return True
        if cues.OWN_NUMBER.match(text, mention.end):
            return True
        says = cues.SCORES.match(text, mention.end) is not None
        return says and not main.startswith(norm(mention.raw))

    def _named(self, raw: str | None) -> Mention | None:
        """The model that a printed name stands for."""
        if raw is None:
            return None
        name = self._vocabulary.model(raw)
        if name is None and (full := self._short.full(raw)):
            return Mention(What.MODEL, -1, -1, full[0], raw, full[1])
        printed = name or self._vocabulary.latin(raw)
        return Mention(What.MODEL, -1, -1, printed, raw, name is not None)

    def _left_models(self, paragraph: str) -> Iterator[Name]:
        """Models that a sentence may leave out."""
        given = (
            ("topic", self._topic),
            ("section", self._section),
            ("key", self._named(self._scope.model)),
            ("main", self._named(self._main)),
        )
        kinds: dict[str, list[str]] = {}
        mentions: dict[str, Mention] = {}
        for how, mention in given:
            if mention is not None:
                kinds.setdefault(mention.raw, []).append(how)
                mentions.setdefault(mention.raw, mention)
        for raw, hows in kinds.items():
            yield Name(mentions[raw], "+".join(hows))
        yield from self._before(paragraph, set(kinds), models=True)

    def _left_benchmarks(
        self, paragraph: str, start: int, end: int, inside: Sequence[Mention]
    ) -> Iterator[Name]:
        """Benchmarks that a sentence may leave out."""
        yield from self._before(paragraph, set(), models=False)
        if under := self._scope.benchmark:
            yield Name(under, "under")
        if field := self._scope.of_field(paragraph[start:end]):
            yield Name(field, "field")
        yield from [Name(m, "average") for m in inside if m.name == AVERAGE][:1]

    def _before(self, paragraph: str, but: set[str], *, models: bool) -> Iterator[Name]:
        """The last names of the sentences before, nearest first, each once.

        Those of sentences with numbers, and behind them a few of sentences without.
        """
        seen = set(but)
        for silent, most in ((False, _KEPT), (True, _KEPT_SILENT)):
            kept = 0
            for far, past in enumerate(reversed(self._past), start=1):
                for mention in reversed(past.names(models) if past.silent is silent else ()):
                    key = mention.raw if models else mention.name
                    if kept == most or key in seen:
                        continue
                    seen.add(key)
                    yield Name(mention, f"{past.how(paragraph, mention)}{kept}", far)
                    kept += 1

    def _listed(self, *, models: bool) -> tuple[str, ...]:
        """The names of the last sentence that names several."""
        for past in list(self._past)[: -_LIST_BACK - 1 : -1]:
            names = tuple(dict.fromkeys(m.name for m in past.names(models)))
            if len(names) > 1:
                return names
        return ()

    # memory -----------------------------------------------------------------------------------

    def _is_title(self, text: str) -> bool:
        """A short line without an end, a number or a cue of a score, that names one model.

        Articles set such titles in bold, and text taken from pages has lost its headings.
        """
        line = text.strip()
        if len(line) > _TITLE or "\n" in line or re.search(r"[.!?。！？:：,，;；]$", line):
            return False
        mentions = self._vocabulary.find(text, prose=True)
        if len({m.name for m in mentions if m.what is What.MODEL}) != 1:
            return False
        if cues.SCORE_VERB.search(line) or is_object(text, 0, mentions[0]):
            return False
        numbers = candidates(text, 0, len(text), mentions, self._language)
        return not any(n.strong for n in numbers)

    def _remember(self, sentence: Sentence, numbers: Sequence[Candidate], *, silent: bool) -> None:
        """The first model of a sentence becomes the topic, unless it is only compared with."""
        models, compared = sentence.models, frozenset(sentence.compared)
        if models or sentence.benchmarks:
            self._past.append(_Past(sentence.text, sentence.benchmarks, models, compared, silent))
        if not models:
            return
        first = released(sentence.text, [*models]) or sentence.subject
        if first and all(first.start < n.number.start for n in numbers if n.strong):
            self._topic = first
            self._spoken_of.add(first.name)
