"""Claims from a table: every score cell with the model, benchmark and settings its labels name."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

from evalkit.reported.cells import Score, read_score
from evalkit.reported.document import Cell, Table
from evalkit.reported.finding import Finding
from evalkit.reported.labels import Label, clean, read_benchmark, read_model
from evalkit.reported.layout import Layout, read_layout
from evalkit.reported.mapped import Mapped
from evalkit.reported.roles import (
    Role,
    is_category,
    is_change,
    is_metric,
    is_quality,
    leaning,
)
from evalkit.reported.rows import Rows
from evalkit.reported.sections import sections
from evalkit.reported.several import own_label
from evalkit.reported.subject import Around, Subject
from evalkit.reported.vocabulary import Vocabulary

__all__ = ["Around", "read_table"]

_PRECISION = re.compile(
    r"(?:bf16|fp16|fp8|fp32|int[48]|w\da\d+|\d{1,2}[- ]?bits?|awq|gptq|bf16 ?/ ?fp16"
    r"|q\d_\w{1,3}|nf4|fp4|mxfp4)"
    r"(?: ?(?:quant\w*|量化))?(?: ?\(.*\))?",
    re.IGNORECASE,
)
_NOT_A_MODEL = re.compile(
    r"^(?:average |avg\.? |skilled |non-|domain |phd )?(?:humans?|experts?|random)\b"
    r"|\bhuman (?:expert|performance|baseline)"
    r"|\brandom (?:guess|chance|baseline)|^(?:人类|人間|인간|человек|mensch|humain|humano"
    r"|umano)|^(?:Δ|delta|gap|diff)",
    re.IGNORECASE,
)
_BASE = re.compile(
    r"\bbase (?:language )?models?\b|\bpre-?train(?:ed|ing)?\b|基座|预训练|基础模型|事前学習"
    r"|ベースモデル"
    r"|사전학습|базов|Basismodell|modèles? de base|modelos? base|modell[oi] base",
    re.IGNORECASE,
)
# A row or column of whoever is best: the cells say who ("81.6 (FooVLM)").
_BEST = re.compile(
    r"\b(?:best|sota|state[- ]of[- ]the[- ]art|previous|prior|other|others|top|leading)\b"
    r"|最佳|最好|最优|最高|最先端|최고",
    re.IGNORECASE,
)
_RESULTS = re.compile(r"results?|performance|结果|性能|結果|결과", re.IGNORECASE)  # of no metric
_HOLDER = re.compile(r"[(（\[]\s*([^\W\d_][^()（）\[\]%]{2,40}?)\s*[)）\]]\s*$")
_SHOTS = re.compile(r"\bshots?\b|샷|ショット", re.IGNORECASE)


def read_table(
    table: Table, around: Around, vocabulary: Vocabulary, language: str
) -> list[Finding]:
    """The scores of one table."""
    found: list[Finding] = []
    for section in sections(table, vocabulary, language):
        layout = read_layout(section, vocabulary, language)
        if layout is not None:
            found += _Reader(section, layout, around, vocabulary, language).read()
    return found


class _Reader:
    """Reads the cells of one table with its layout in hand."""

    def __init__(
        self, table: Table, layout: Layout, around: Around, vocabulary: Vocabulary, language: str
    ) -> None:
        self._rows = Rows(table, layout, vocabulary, language)
        self._layout = layout
        self._vocabulary = vocabulary
        self._language = language
        self._subject = Subject(layout, around, table.caption, self._rows.names(), vocabulary)
        self._base = _BASE.search(self._subject.context) is not None
        self._repeated = self._rows.repeated()
        self._sizes = self._told_by_size()
        self._shifted = self._rows.uneven()

    def _part(self, label: Label, head: str = "") -> Label:
        """A label as what it stands for: a part of the benchmark above the table, or itself."""
        averaged = label.name.startswith("Average")
        if self._subject.whole is None or (label.known and not averaged):
            return label
        if self._subject.title and head:
            label = read_benchmark(head, self._vocabulary)
        return replace(
            self._subject.whole,
            variant="; ".join(v for v in (self._subject.whole.variant, label.raw) if v),
            metric=label.metric or self._subject.whole.metric,
        )

    def read(self) -> list[Finding]:
        """All scores."""
        if not self._subject.is_scores():
            return []
        found: list[Finding] = []
        seen: set[int] = set()
        if self._rows.count_items():
            return found
        for i in self._rows.body():
            if i in self._shifted:
                continue
            for column in self._layout.values:
                cell = self._rows.cells[i][column]
                if id(cell) not in seen:
                    seen.add(id(cell))
                    found += self._cell(i, column, cell)
        return found

    # labels ---------------------------------------------------------------------------------

    def _told_by_size(self) -> set[str]:
        """Names that several models of the table share but for a size in brackets."""
        layout = self._layout
        heads = [self._head_model(c) for c in layout.values if layout.heads[c]]
        texts = heads if layout.columns_are is Role.MODEL else self._rows.names()
        labels = {read_model(text, self._vocabulary) for text in set(texts)}
        counts = Counter(label.name for label in labels if not label.known)
        return {name for name, n in counts.items() if n > 1}

    def _model(self, text: str, i: int) -> Label:
        label = read_model(text, self._vocabulary)
        if label.name in self._sizes:
            label = replace(label, name=label.raw)  # only its size tells it from its siblings
        if self._base and label.known and "base" not in label.name.casefold():
            # Among base models a short name is the base model, not the chat model of that name.
            name = self._vocabulary.model(f"{label.name}-Base")
            label = replace(label, name=name or label.raw, known=name is not None)
        if _PRECISION.fullmatch(label.raw):
            # Rows of one model at several precisions: the model is named above the table.
            above = self._subject.model(self._layout.groups[i])
            if above:
                return replace(above, setting=(*above.setting, label.raw))
        size = self._rows.size(i) if self._layout.rows_are is Role.MODEL else None
        if size and size.casefold() not in label.raw.casefold():
            sized = self._vocabulary.model(f"{label.raw} {size}")
            if sized:
                return replace(label, name=sized, known=True)
            if not label.known and clean(text) in self._repeated:
                return replace(label, name=f"{label.raw} {size}", raw=f"{label.raw} {size}")
        return label

    def _pair(self, i: int, column: int, line: str | None) -> tuple[Label, Label] | None:
        """Model and benchmark of a cell; ``line`` is its line of a stacked row label."""
        layout = self._layout
        head = " ".join(layout.heads[column])
        row = line if line is not None else self._rows.label(i)[0]
        group = layout.groups[i]
        if layout.columns_are is Role.MODEL:
            benchmark = self._part(self._row_benchmark(row, group))
            return (self._model(self._head_model(column), i), benchmark) if head else None
        if layout.columns_are is Role.BENCHMARK:
            below = layout.heads[column][-1] if layout.heads[column] else ""
            if self._lost(column):
                return None
            return self._model(row, i), self._part(self._head_benchmark(column), below)
        return self._long(i, column, row, group, head)

    def _lost(self, column: int) -> bool:
        """A metric without the name that the other columns have above theirs."""
        heads = self._layout.heads
        if len(heads[column]) != 1 or not is_metric(heads[column][0]):
            return False
        return any(
            len(heads[c]) > 1 and is_metric(heads[c][-1]) and not is_metric(heads[c][0])
            for c in self._layout.values
        )

    def _head_model(self, column: int) -> str:
        """The part of a header that names the model; a word above it may be a family or a group."""
        parts = self._layout.heads[column]
        if all(is_metric(part) for part in parts):
            model = self._subject.model(None)  # "Results": whose they are is said above
            return model.raw if model else ""
        best = max(parts, key=lambda p: (leaning(p, self._vocabulary)[0], parts.index(p)))
        return best if leaning(best, self._vocabulary)[0] > 0 else parts[-1]

    def _head_benchmark(self, column: int) -> Label:
        parts = self._layout.heads[column]
        whole = read_benchmark(" ".join(parts), self._vocabulary)
        if whole.known or len(parts) < 2:
            return whole
        reads = [read_benchmark(p, self._vocabulary) for p in parts]
        known = [r for r in reads if r.known]
        named = (
            known[-1]
            if known
            else next((r for r in reversed(reads) if not is_metric(r.raw)), reads[-1])
        )
        rest = [r for r in reads if r is not named]
        metric = next((r.raw for r in rest if is_metric(r.raw)), None)
        below = rest[-1].raw if rest and reads.index(rest[-1]) > reads.index(named) else None
        variant = named.variant
        if below and not is_metric(below):
            variant = f"{variant}; {below}" if variant else below
        return replace(named, metric=named.metric or metric, variant=variant)

    def _row_benchmark(self, row: str, group: str | None) -> Label:
        label = read_benchmark(row, self._vocabulary)
        if label.known or not group:
            return label
        above = read_benchmark(group, self._vocabulary)
        if above.known and (is_metric(row) or leaning(row, self._vocabulary)[1] < 1):
            if is_metric(row):
                return replace(above, metric=clean(row))
            return replace(above, variant=label.raw)
        return label

    def _long(
        self, i: int, column: int, row: str, group: str | None, head: str
    ) -> tuple[Label, Label] | None:
        """Both names in rows, or one of them only above the table."""
        layout = self._layout
        model_column, bench_column = (
            self._rows.naming(Role.MODEL),
            self._rows.naming(Role.BENCHMARK),
        )
        if layout.rows_are in (Role.MODEL, Role.SETTING):
            benchmark = self._subject.measured(group, head)
            if benchmark and is_category(head):
                benchmark = replace(benchmark, variant=clean(head))
            if layout.rows_are is Role.MODEL:
                return (self._model(row, i), benchmark) if benchmark else None
            if group and self._rows.twice(row):
                return None  # models or benchmarks, in groups of the others: nobody knows which
            model = self._subject.model(group)
            if model and clean(row):
                model = replace(model, setting=(*model.setting, clean(row)))
            return (model, benchmark) if model and benchmark else None
        if layout.rows_are is Role.BENCHMARK:
            model = self._subject.model(group)
            if group and self._rows.twice(row) and not self._row_benchmark(group, None).known:
                model = self._model(group, i)  # the same benchmarks again below each model
            benchmark = self._row_benchmark(row, None)
            if is_category(head) and benchmark.known:
                benchmark = replace(benchmark, variant=clean(head))
            return (model, benchmark) if model else None
        if model_column is None or bench_column is None:
            return None
        model = self._model(self._rows.text(i, model_column), i)
        benchmark = read_benchmark(self._rows.text(i, bench_column), self._vocabulary)
        return model, self._below(benchmark, layout.heads[column])

    def _below(self, benchmark: Label, heads: tuple[str, ...]) -> Label:
        """A benchmark of a row with the part and the metric that its column stands for."""
        reads = [read_benchmark(head, self._vocabulary) for head in heads]
        metric = next((r.metric or r.raw for r in reads if r.metric or is_quality(r.raw)), None)
        parts = [r.raw for r in reads if not is_metric(r.raw) and not is_metric(r.name)]
        variant = "; ".join(v for v in (benchmark.variant, *parts) if v) or None
        return replace(benchmark, variant=variant, metric=benchmark.metric or metric)

    # cells ----------------------------------------------------------------------------------

    def _cell(self, i: int, column: int, cell: Cell) -> list[Finding]:
        lines = cell.text.lines()
        labels = [line for line in self._rows.label(i)[0].split("\n") if clean(line)]
        if (
            len(lines) > 1
            and len(lines) == len(labels)
            and all(read_score(line.text, self._language) for line in lines)
        ):
            found = []
            for line, label in zip(lines, labels, strict=True):
                found += self._line(i, column, line, label)
            return found
        found = self._line(i, column, cell.text, None)
        if found or len(lines) < 2:
            return found
        first = self._line(i, column, lines[0], None)
        more = [f for line in lines[1:] for f in self._line(i, column, line, None)]
        return first + [replace(f, second=True) for f in more]

    def _line(self, i: int, column: int, text: Mapped, label: str | None) -> list[Finding]:
        flat = Mapped(text.text.replace("\n", " "), text.at)
        scores = read_score(flat.text, self._language)
        if not scores or (scores[0].value < 0 and self._rows.is_change(i, column)):
            return []
        pair = self._pair(i, column, label)
        if pair is None or not pair[0].raw or not pair[1].raw or is_change(pair[1].raw):
            return []
        if _BEST.search(pair[0].raw) and not pair[0].known:
            holder = _HOLDER.search(flat.text)
            pair = (read_model(holder[1], self._vocabulary), pair[1]) if holder else pair
        if _NOT_A_MODEL.search(pair[0].raw):
            return []
        model, whole = pair
        named = self._rows.naming(Role.BENCHMARK)
        row = self._rows.text(i, named) if named is not None else ""
        labels = [own_label(whole, score, scores, row, self._vocabulary) for score in scores]
        return [
            self._finding(i, column, flat, score, (model, label))
            for score, label in zip(scores, labels, strict=True)
        ]

    def _finding(
        self, i: int, column: int, text: Mapped, score: Score, pair: tuple[Label, Label]
    ) -> Finding:
        model, benchmark = pair
        metric, settings = benchmark.metric, [*model.setting, *benchmark.setting]
        for other, role in self._layout.labels.items():
            words = clean(self._rows.text(i, other))
            if role is Role.METRIC and words.strip("-–—"):
                metric = metric or words
            elif role is Role.SETTING and words.strip("-–—"):
                counted = words.isdigit() and _SHOTS.search(" ".join(self._layout.heads[other]))
                settings.append(f"{words}-shot" if counted else words)
        if self._base and not any("base" in s.casefold() for s in settings):
            settings.append("base model")
        head = self._layout.heads[column]
        if metric is None and head and is_metric(head[-1]):
            metric = (
                clean(head[-1]) if is_quality(head[-1]) or not _RESULTS.search(head[-1]) else None
            )
        return Finding(
            model,
            benchmark,
            score.value,
            text.span(score.start, score.end),
            text.text.strip(),
            score.unit,
            metric,
            tuple(dict.fromkeys([*settings, score.note] if score.note else settings)),
            score.marks + model.marks + benchmark.marks,
            score.bound,
            None,
            score.spread,
            score.second,
            None,
            0.95 if benchmark.known and model.known else 0.85,
        )
