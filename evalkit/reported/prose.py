"""Scores stated in running text, with the model and the benchmark that they belong to.

:mod:`evalkit.reported.reading` says what each sentence holds and leaves out,
:mod:`evalkit.reported.linking` which of its numbers are whose scores; here they become findings. A
sentence without scores may still compare models.
"""

from __future__ import annotations

from dataclasses import replace

from evalkit.reported import cues
from evalkit.reported.document import Kind
from evalkit.reported.finding import Finding
from evalkit.reported.labels import Label, read_benchmark
from evalkit.reported.linking import Learned, Link, Linker
from evalkit.reported.mapped import Mapped
from evalkit.reported.number_cues import PERCENT, POINTS
from evalkit.reported.qualitative import read_comparisons
from evalkit.reported.reading import Reading
from evalkit.reported.sentence import AVERAGE, Figure, Sentence
from evalkit.reported.vocabulary import Vocabulary

_LEFT, _RIGHT = 90, 60  # characters around a number that say how it was measured
_METRIC = 80


class Prose:
    """Reads the paragraphs of one document in order.

    Args:
        reading: Gives the sentences.
        vocabulary: Names.
        linker: Decides which numbers are whose scores; by default what was learned.
    """

    def __init__(
        self, reading: Reading, vocabulary: Vocabulary, linker: Linker | None = None
    ) -> None:
        self._reading = reading
        self._vocabulary = vocabulary
        self._linker = linker or Learned()

    def heading(self, text: str, level: int) -> None:
        """A heading may name the model or the benchmark of what follows."""
        self._reading.heading(text, level)

    def paragraph(self, text: Mapped, kind: Kind = Kind.PARAGRAPH) -> list[Finding]:
        """The scores and comparisons of one paragraph."""
        found: list[Finding] = []
        for sentence in self._reading.sentences(text, kind):
            links = self._linker.links(sentence)
            found += [self._finding(sentence, link) for link in links]
            if not links:
                topic = sentence.topic.raw if sentence.topic else None
                start, end, mentions = sentence.start, sentence.end, [*sentence.mentions]
                found += read_comparisons(text, start, end, mentions, topic, self._vocabulary)
        return found

    def _finding(self, sentence: Sentence, link: Link) -> Finding:
        number = link.figure.number
        name, owner = link.benchmark.mention, link.model.mention
        benchmark = read_benchmark(name.raw, self._vocabulary)
        if name.name == AVERAGE:
            benchmark = Label(AVERAGE, name.raw, True)
        if name.known and not benchmark.known:
            benchmark = replace(benchmark, name=name.name, known=True)
        text = sentence.text
        near = text[
            max(sentence.start, number.start - _METRIC) : min(sentence.end, number.end + _METRIC)
        ]
        metric = cues.METRIC_NEAR.search(near)
        return Finding(
            Label(owner.name, owner.raw, owner.known),
            benchmark,
            number.value,
            sentence.span(link.figure),
            text[sentence.start : sentence.end],
            _unit(sentence, link.figure),
            benchmark.metric or (metric[0] if metric else None),
            (*benchmark.setting, *_settings(sentence, link.figure)),
            "",
            link.figure.judged.bound if link.figure.judged else "=",
            confidence=round(link.chance, 2),
        )


def _unit(sentence: Sentence, figure: Figure) -> str | None:
    """As judged, or as printed behind a number that was not."""
    if figure.judged:
        return figure.judged.unit
    behind = sentence.text[figure.number.end : sentence.end]
    if PERCENT.match(behind):
        return "%"
    return "points" if POINTS.match(behind) else None


def _settings(sentence: Sentence, figure: Figure) -> list[str]:
    """What the clause around the number states: with tools, five shots, greedy."""
    left = max(sentence.start, figure.start - _LEFT)
    right = min(sentence.end, figure.end + _RIGHT)
    return [m[0] for m in cues.WITH_TOOLS.finditer(sentence.text, left, right)][:2]
