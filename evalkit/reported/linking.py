"""Which benchmark and which model a number of a sentence belongs to, and whether it is a score.

Three linear models over the traits of :mod:`evalkit.reported.evidence` and
:mod:`evalkit.reported.scoring`: one shares a number's probability out among the benchmarks that may
be meant (a softmax), one among the models, and one says whether the number is a score at all (a
logistic regression that is told how sure the first two are). Their weights are data
(``linking.json``), learned from labelled documents by ``python -m evalkit.reported.train``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Protocol

from evalkit.reported.evidence import Evidence
from evalkit.reported.scoring import traits
from evalkit.reported.sentence import Figure, Name, Sentence


@dataclass(frozen=True, slots=True)
class Link:
    """A number that is taken for a score.

    Attributes:
        figure: The number.
        benchmark: Of what.
        model: Whose.
        chance: How likely all three are right, 0..1, as learned.
    """

    figure: Figure
    benchmark: Name
    model: Name
    chance: float


class Linker(Protocol):
    """Decides which numbers of a sentence are whose scores."""

    def links(self, sentence: Sentence) -> list[Link]:
        """The scores of a sentence, in its order."""
        ...


@dataclass(frozen=True, slots=True)
class Weights:
    """What is learned.

    Attributes:
        benchmark: Weight of each trait of a benchmark for a number.
        model: The same for models.
        number: The same for being a score.
        least: The chance, of all three together, from which a number is taken.
    """

    benchmark: Mapping[str, float]
    model: Mapping[str, float]
    number: Mapping[str, float]
    least: float

    @staticmethod
    @cache
    def load() -> Weights:
        """The shipped ones."""
        text = files("evalkit.reported").joinpath("linking.json").read_text(encoding="utf-8")
        data = json.loads(text)
        return Weights(data["benchmark"], data["model"], data["number"], data["least"])


@dataclass(frozen=True, slots=True)
class Choice:
    """The likeliest of some names.

    Attributes:
        name: Which.
        chance: The share of all names that are spelled like it, 0..1.
        how: How it is given, for the traits of the number.
    """

    name: Name
    chance: float
    how: str


def total(weights: Mapping[str, float], found: Iterable[str]) -> float:
    """The sum of the weights of some traits."""
    return sum(weights.get(trait, 0.0) for trait in found)


def choose(
    weights: Mapping[str, float], names: Sequence[Name], found: Sequence[Sequence[str]]
) -> Choice:
    """The likeliest name, by the softmax of the sums of its traits' weights."""
    sums = [total(weights, one) for one in found]
    top = max(sums)
    shares = [math.exp(s - top) for s in sums]
    best = sums.index(top)
    name = names[best]
    alike = sum(
        share
        for share, other in zip(shares, names, strict=True)
        if other.mention.name == name.mention.name
    )
    how = name.how or next(t for t in found[best] if t in _NEAR)
    return Choice(name, alike / sum(shares), how)


_NEAR = frozenset(("nearest left", "nearest right", "far"))


class Learned:
    """The linker with learned weights.

    Args:
        weights: By default the shipped ones.
    """

    def __init__(self, weights: Weights | None = None) -> None:
        self._weights = weights or Weights.load()

    def links(self, sentence: Sentence) -> list[Link]:
        """The scores of a sentence, in its order."""
        benchmarks, models = sentence.candidates(False), sentence.candidates(True)
        if not sentence.figures or not benchmarks or not models:
            return []
        of_benchmarks = Evidence(sentence, models=False)
        of_models = Evidence(sentence, models=True)
        found: list[Link] = []
        for figure in sentence.figures:
            benchmark = choose(
                self._weights.benchmark,
                benchmarks,
                [of_benchmarks.of(figure, name) for name in benchmarks],
            )
            model = choose(
                self._weights.model,
                models,
                [of_models.of_model(figure, name, benchmark.name) for name in models],
            )
            seen = traits(
                sentence, figure, (benchmark.how, benchmark.chance), (model.how, model.chance)
            )
            is_score = 1 / (1 + math.exp(min(500.0, -total(self._weights.number, seen))))
            chance = is_score * benchmark.chance * model.chance
            if chance >= self._weights.least:
                found.append(Link(figure, benchmark.name, model.name, chance))
        return found
