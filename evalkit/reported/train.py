"""Learns the weights of :mod:`evalkit.reported.linking` from labelled documents, and tests them.

``python -m evalkit.reported.train CORPUS... [--out FILE] [--folds 8]`` reads corpora of one layout:
``index.jsonl`` (``id``, ``file``, ``language``), ``gold/ID.jsonl`` (``value``, ``value_span``,
``model``, ``model_raw``, ``benchmark``, ``benchmark_raw``) and ``vocabulary.json`` (spellings of
each name). It prints precision and recall by cross-validation: every document is read with weights
that were learned without it and without its translations. Then the weights of all are written.

The names' weights maximise the conditional likelihood of the right names (McFadden 1974,
"Conditional logit analysis of qualitative choice behavior"), those of the number are a logistic
regression; both with a penalty on their squares, by L-BFGS. Rare traits are left out. A corpus that
is given twice counts twice.
"""

from __future__ import annotations

import argparse
import json
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from evalkit.reported.evidence import Evidence
from evalkit.reported.extract import extract
from evalkit.reported.labels import read_benchmark, read_model
from evalkit.reported.linking import Choice, Learned, Link, Weights, choose
from evalkit.reported.scoring import traits
from evalkit.reported.sentence import Figure, Name, Sentence
from evalkit.reported.source import read_sources
from evalkit.reported.vocabulary import Vocabulary, norm

RAREST = 6  # numbers that a trait was seen at; a rarer one is left out
PENALTY = 3.0
NUMBER_PENALTY = 2.0
LEAST = 0.5  # the chance from which a number is taken
SMALLEST = 0.03  # a weight nearer to nothing is left out
_DIGITS = 2  # of a weight


@dataclass(frozen=True, slots=True)
class Gold:
    """Whose score a number is: the spellings that are right, normalised."""

    models: frozenset[str]
    benchmarks: frozenset[str]


@dataclass(slots=True)
class Example:
    """One number of one sentence.

    Attributes:
        document: Its document's id.
        gold: What is right; None for no score.
        names: The benchmarks and the models that may be meant.
        found: The traits of each of them.
        right: Which of them are right.
        sentence: Where the number stands.
        figure: The number.
    """

    document: str
    gold: Gold | None
    names: tuple[Sequence[Name], Sequence[Name]]
    found: tuple[list[list[str]], list[list[str]]]
    right: tuple[list[bool], list[bool]]
    sentence: Sentence
    figure: Figure


@dataclass(slots=True)
class Recorder:
    """A linker that decides nothing and keeps what it is asked."""

    sentences: list[Sentence] = field(default_factory=list)

    def links(self, sentence: Sentence) -> list[Link]:
        """None."""
        self.sentences.append(sentence)
        return []


def examples(corpus: Path, vocabulary: Vocabulary) -> Iterator[Example]:
    """Every number in the prose of a corpus that has names to belong to."""
    spellings = json.loads((corpus / "vocabulary.json").read_text(encoding="utf-8"))
    for row in map(json.loads, (corpus / "index.jsonl").read_text(encoding="utf-8").splitlines()):
        lines = (corpus / "gold" / f"{row['id']}.jsonl").read_text(encoding="utf-8").splitlines()
        gold = [g for g in map(json.loads, lines) if g["value"] is not None]
        recorder = Recorder()
        for source in read_sources(str(corpus / row["file"])):
            extract(source, vocabulary, linker=recorder)
        for sentence in recorder.sentences:
            yield from _of_sentence(row["id"], sentence, gold, spellings, vocabulary)


def _of_sentence(
    document: str,
    sentence: Sentence,
    gold: Sequence[Mapping[str, Any]],
    spellings: Mapping[str, Any],
    vocabulary: Vocabulary,
) -> Iterator[Example]:
    names = (sentence.candidates(False), sentence.candidates(True))
    if not names[0] or not names[1]:
        return
    of_benchmarks = Evidence(sentence, models=False)
    of_models = Evidence(sentence, models=True)
    for figure in sentence.figures:
        start, end = sentence.span(figure)
        said = [
            _gold(g, spellings, vocabulary)
            for g in gold
            if g["value_span"][0] < end
            and start < g["value_span"][1]
            and abs(g["value"] - figure.number.value) < 1e-9
        ]
        right = _either(said) if said else None
        rights = (
            [_is(n, right.benchmarks if right else frozenset(), vocabulary) for n in names[0]],
            [_is(n, right.models if right else frozenset(), None) for n in names[1]],
        )
        found = [of_benchmarks.of(figure, name) for name in names[0]]
        benchmark = names[0][rights[0].index(True)] if any(rights[0]) else names[0][0]
        yield Example(
            document,
            right,
            names,
            (found, [of_models.of_model(figure, n, benchmark) for n in names[1]]),
            rights,
            sentence,
            figure,
        )


def _gold(said: Mapping[str, Any], spellings: Mapping[str, Any], vocabulary: Vocabulary) -> Gold:
    """All right spellings of a claim's names, as printed and as the vocabulary reads them."""
    models = {said["model"], said["model_raw"] or said["model"]}
    models |= set(spellings["models"].get(said["model"], {}).get("aliases", ()))
    benchmarks = {said["benchmark"], said["benchmark_raw"] or said["benchmark"]}
    benchmarks |= set(spellings["benchmarks"].get(said["benchmark"], ()))
    read_models = [read_model(name, vocabulary) for name in models]
    read_benchmarks = [read_benchmark(name, vocabulary) for name in benchmarks]
    return Gold(
        frozenset(norm(n) for n in (*models, *(r.name for r in read_models if r.known))),
        frozenset(norm(n) for n in (*benchmarks, *(r.name for r in read_benchmarks if r.known))),
    )


def _either(said: Sequence[Gold]) -> Gold:
    """A number that several models share is right for each of them."""
    models = frozenset().union(*(g.models for g in said))
    return Gold(models, frozenset().union(*(g.benchmarks for g in said)))


def _is(name: Name, right: frozenset[str], vocabulary: Vocabulary | None) -> bool:
    spelled = {norm(name.mention.name), norm(name.mention.raw)}
    if vocabulary is not None:
        label = read_benchmark(name.mention.raw, vocabulary)
        spelled |= {norm(label.name), norm(label.name + (label.variant or "").split(";")[0])}
    return bool(spelled & right)


# learning -------------------------------------------------------------------------------------


def learn(given: Sequence[Example]) -> Weights:
    """The weights of all examples."""
    benchmark, model = (_names(given, kind) for kind in (0, 1))
    first = Weights(benchmark, model, {}, LEAST)
    rows = [_number_traits(first, example) for example in given]
    number = _numbers(rows, [example.gold is not None for example in given])
    return Weights(benchmark, model, number, LEAST)


def _names(given: Sequence[Example], kind: int) -> dict[str, float]:
    """The weights of benchmarks (0) or models (1): a conditional logit over the candidates."""
    import numpy as np

    groups = [e for e in given if any(e.right[kind])]
    if not groups:
        return {}
    rows = [found for e in groups for found in e.found[kind]]
    right = np.array([one for e in groups for one in e.right[kind]], dtype=float)
    matrix, columns = _matrix(rows)
    sizes = [len(e.right[kind]) for e in groups]
    firsts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    group = np.repeat(np.arange(len(groups)), sizes)

    def loss(weights: Any) -> tuple[float, Any]:
        sums = matrix @ weights
        shares = np.exp(sums - np.maximum.reduceat(sums, firsts)[group])
        everything = np.add.reduceat(shares, firsts)
        rights = np.add.reduceat(shares * right, firsts)
        slope = shares / everything[group] - shares * right / rights[group]
        value = np.log(everything / rights).sum() + PENALTY / 2 * weights @ weights
        return float(value), matrix.T @ slope + PENALTY * weights

    return _minimum(loss, columns)


def _numbers(rows: Sequence[Sequence[str]], are: Sequence[bool]) -> dict[str, float]:
    """The weights of being a score: a logistic regression."""
    import numpy as np

    if not rows:
        return {}
    matrix, columns = _matrix(rows)
    sign = np.where(np.array(are), 1.0, -1.0)

    def loss(weights: Any) -> tuple[float, Any]:
        margins = sign * (matrix @ weights)
        value = np.logaddexp(0.0, -margins).sum() + NUMBER_PENALTY / 2 * weights @ weights
        slope = -sign / (1.0 + np.exp(np.minimum(margins, 500.0)))
        return float(value), matrix.T @ slope + NUMBER_PENALTY * weights

    return _minimum(loss, columns)


def _matrix(rows: Sequence[Sequence[str]]) -> tuple[Any, list[str]]:
    import numpy as np
    from scipy.sparse import csr_matrix

    counts = Counter(trait for row in rows for trait in set(row))
    columns = sorted(trait for trait, count in counts.items() if count >= RAREST)
    index = {trait: i for i, trait in enumerate(columns)}
    cells = [(r, index[t]) for r, row in enumerate(rows) for t in set(row) if t in index]
    at = ([r for r, _ in cells], [c for _, c in cells])
    return csr_matrix((np.ones(len(cells)), at), shape=(len(rows), len(columns))), columns


def _minimum(loss: Callable[[Any], tuple[float, Any]], columns: Sequence[str]) -> dict[str, float]:
    import numpy as np
    from scipy.optimize import minimize

    best = minimize(
        loss, np.zeros(len(columns)), jac=True, method="L-BFGS-B", options={"maxiter": 400}
    )
    found = {name: round(float(w), _DIGITS) for name, w in zip(columns, best.x, strict=True)}
    return {name: weight for name, weight in found.items() if abs(weight) >= SMALLEST}


def _chosen(weights: Weights, example: Example) -> tuple[Choice, Choice]:
    return (
        choose(weights.benchmark, example.names[0], example.found[0]),
        choose(weights.model, example.names[1], example.found[1]),
    )


def _number_traits(weights: Weights, example: Example) -> list[str]:
    benchmark, model = _chosen(weights, example)
    return traits(
        example.sentence,
        example.figure,
        (benchmark.how, benchmark.chance),
        (model.how, model.chance),
    )


# testing --------------------------------------------------------------------------------------


@dataclass(slots=True)
class Tally:
    """Counts of claims whose number has names to belong to: all, those taken, those taken right."""

    gold: int = 0
    taken: int = 0
    right: int = 0
    reachable: int = 0

    def __str__(self) -> str:
        precision = self.right / self.taken if self.taken else 1.0
        recall = self.right / self.gold if self.gold else 1.0
        return (
            f"claims {self.gold:5}  taken {self.taken:5}  P {precision:.3f}  R {recall:.3f}  "
            f"both names among the candidates {self.reachable / max(1, self.gold):.3f}"
        )


def group(document: str) -> str:
    """The documents that are kept together: a text and its translations."""
    bare = re.sub(r"^k?\d*-?\d+-", "", document)
    return re.sub(r"[-.](?:en|de|fr|es|it|zh|ja|ko|ru|ca|pt|fi|tr|jp|kr|cn)\b.*$", "", bare)


def cross_validate(given: Sequence[Example], folds: int) -> dict[str, Tally]:
    """Counts over all documents, each read with weights learned without it."""
    fold = [zlib.crc32(group(e.document).encode()) % folds for e in given]
    tallies: dict[str, Tally] = {}
    for k in range(folds):
        linker = Learned(learn([e for e, f in zip(given, fold, strict=True) if f != k]))
        left_out = [e for e, f in zip(given, fold, strict=True) if f == k]
        for _, examples_of in groupby(left_out, key=lambda e: id(e.sentence)):
            _count(linker, list(examples_of), tallies)
    return tallies


def _count(linker: Learned, of_sentence: Sequence[Example], tallies: dict[str, Tally]) -> None:
    links = {link.figure.start: link for link in linker.links(of_sentence[0].sentence)}
    for example in of_sentence:
        link = links.get(example.figure.start)
        chosen = (link.benchmark, link.model) if link else ()
        right = link is not None and all(
            ok[list(names).index(one)]
            for one, names, ok in zip(chosen, example.names, example.right, strict=True)
        )
        for key in ("all", example.sentence.language):
            tally = tallies.setdefault(key, Tally())
            tally.gold += example.gold is not None
            tally.taken += link is not None
            tally.right += right
            tally.reachable += example.gold is not None and all(any(r) for r in example.right)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("corpus", nargs="+", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--folds", type=int, default=8)
    arguments = parser.parse_args()
    vocabulary = Vocabulary.load()
    given = [e for corpus in arguments.corpus for e in examples(corpus, vocabulary)]
    if arguments.folds > 1:
        for key, tally in sorted(cross_validate(given, arguments.folds).items()):
            print(f"{key:6} {tally}")
    if arguments.out:
        weights = learn(given)
        arguments.out.write_text(
            json.dumps(
                {
                    "documents": len({e.document for e in given}),
                    "claims": sum(e.gold is not None for e in given),
                    "least": weights.least,
                    "benchmark": weights.benchmark,
                    "model": weights.model,
                    "number": weights.number,
                },
                ensure_ascii=False,
                indent=0,
                sort_keys=True,
            )
            + "\n",
            encoding="utf-8",
        )


if __name__ == "__main__":
    main()
