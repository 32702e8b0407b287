"""Several figures in one cell: which benchmark, part or metric each of them belongs to.

"76.2 (70.7)" under "HumanEval (+)" holds a score of HumanEval and one of HumanEval+; "90.9/84.1"
under "SQuAD F1/EM" holds two metrics; "2.1 | - | 5.5" beside "dev | test | other" three parts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from evalkit.reported.cells import Score
from evalkit.reported.labels import Label, clean, read_benchmark
from evalkit.reported.vocabulary import Vocabulary

_BAR = re.compile(r"\s*[|/]\s*")


def own_label(
    benchmark: Label, score: Score, scores: Sequence[Score], row: str, vocabulary: Vocabulary
) -> Label:
    """The benchmark of one figure of a cell.

    Args:
        benchmark: Of the cell.
        score: The figure.
        scores: All figures of the cell.
        row: The label that names the benchmark; the lines below the first may list parts.
        vocabulary: Names.
    """
    if len(scores) == 2 and benchmark.variant == "+":
        if not score.second:
            return replace(benchmark, variant=None)
        return replace(read_benchmark(f"{benchmark.name}+", vocabulary), raw=benchmark.raw)
    places = max(s.place for s in scores) + 1
    if places < 2:
        return benchmark
    if benchmark.metric and (metrics := _parts(benchmark.metric, places)):
        benchmark = replace(benchmark, metric=metrics[score.place])
    below = " ".join(row.strip().split("\n")[1:])
    # A slash may also stand inside of a name; a bar never does.
    if "|" in below and (parts := _parts(below, places)):
        benchmark = replace(benchmark, variant=clean(parts[score.place]))
    return benchmark


def _parts(listed: str, places: int) -> list[str]:
    """The parts of a list with one for each figure."""
    parts = [part for part in _BAR.split(listed.strip()) if part]
    return parts if len(parts) >= places else []
