"""What a table is about, from what stands above it: its benchmark, its model, or no scores at all.

Tables leave out what their heading says. Below "C-Eval" the columns "Valid" and "Test" are parts of
that benchmark; below a model's name every figure is that model's; and a table of sizes, speeds or
counts of data holds no scores, however much its figures look like them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from evalkit.reported.comparing import is_object
from evalkit.reported.labels import Label, clean, read_benchmark, read_model
from evalkit.reported.layout import Layout
from evalkit.reported.roles import EVALUATION, Role, is_part, is_quality, is_split, leaning
from evalkit.reported.vocabulary import Vocabulary, What

_MORE_WORDS = 4  # beside a benchmark's name in a heading that says no more than that

_TASK_WORDS = 8  # in a caption that names a task
_TASK = re.compile(
    r"retriev|classif|recogni|translat|summari|detect|caption|segment|question answering|\bqa\b"
    r"|reasoning|understanding|extract|parsing|entail|completion|repair"
    r"|检索|分类|识别|翻译|摘要|问答|検索|分類|認識",
    re.IGNORECASE,
)
_NO_SCORES = re.compile(
    r"\bstatistics?\b|\bhyper-?param|\bin (?:milli)?seconds\b|\blatency\b|\bthroughput\b"
    r"|\b(?:inference|training|decoding|generation|running|wall[- ]?clock)[- ](?:time|speeds?"
    r"|costs?)\b"
    r"|\bdata(?:set)? (?:mix\w*|composition|distribution|sizes?|splits?)\b|\bcarbon\b|\benergy\b"
    r"|统计|超参|推理速度|训练成本|显存|数据(?:分布|配比|规模)|統計|推論速度|통계|статистик\w+",
    re.IGNORECASE,
)
_SCORES = re.compile(r"accura|score|performance|benchmark|results? (?:on|of|for)\b|成绩", re.I)
# Words of a heading that say of anything that it was measured.
_GENERAL = re.compile(
    r"^\d+(?:\.\d+)*\.?\s+|\b(?:evaluations?|results?|performance|experiments?|benchmarks?|main"
    r"|scores?|metrics?|tables?|leaderboards?|comparisons?|our|the|model|models|on|of|for)\b"
    r"|评测|评估|性能|结果|成绩|対比|評価|結果|평가|결과",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Around:
    """What stands around a table, for what its cells leave out.

    Attributes:
        heading: The headings above it, nearest last.
        caption: Its caption, or the paragraph that introduces it.
        model: The document's main model, where one is clear.
    """

    heading: str = ""
    caption: str = ""
    model: str | None = None


class Subject:
    """What the text above one table says of all its cells.

    Args:
        layout: The table's layout.
        around: What stands around it.
        caption: What is printed with it.
        rows: The labels of its rows.
        vocabulary: Names.

    Attributes:
        title: A first header row that spans the whole table.
        whole: The benchmark that the table's own labels are parts of.
        context: All text above it.
    """

    def __init__(
        self,
        layout: Layout,
        around: Around,
        caption: str,
        rows: Sequence[str],
        vocabulary: Vocabulary,
    ) -> None:
        self._layout = layout
        self._around = around
        self._caption = caption
        self._vocabulary = vocabulary
        self._names = (
            [p for c in layout.values for p in layout.heads[c]]
            if layout.columns_are is Role.BENCHMARK
            else list(rows)
        )
        self.context = f"{around.heading} {around.caption} {caption}"
        self.title = self._title_row()
        self.whole = self._whole()

    def _title_row(self) -> str:
        """A first header row that spans the whole table names what is measured."""
        tops = {heads[0] for heads in self._layout.heads if len(heads) > 1}
        if len(tops) != 1 or any(len(heads) < 2 for heads in self._layout.heads):
            return ""
        (title,) = tops
        return title if EVALUATION.search(title) else ""

    def _whole(self) -> Label | None:
        """The benchmark above the table, where the table's own labels are only parts of it."""
        layout = self._layout
        if Role.BENCHMARK not in (layout.columns_are, layout.rows_are):
            return None
        below = [n for n in self._names if n != self.title and not is_part(n, self._vocabulary)]
        most = max((leaning(name, self._vocabulary)[1] for name in below), default=0.0)
        alone = self._alone()
        if alone and not self.title and most < 3:
            others = any(re.search(r"bench|eval(?!uat)|arena", name, re.I) for name in below)
            return None if others else alone
        if most >= 2:
            return None
        if self.title:
            return read_benchmark(self.title, self._vocabulary)
        if most >= 1:
            return None
        few = len(below) * 4 <= len(self._names)
        return self.benchmark(None, "") or (self._task() if few else None)

    def _task(self) -> Label | None:
        """A task that the caption or the heading names, above columns of settings and metrics."""
        for text in (self._caption, self._around.caption, self._heading()):
            words = clean(re.sub(r"\s*[(（][^()（）]*[)）]|[:：]\s*$", "", text))
            short = len(words.split()) <= _TASK_WORDS and not re.search("[。，；]", words)
            if words and short and _TASK.search(words):
                return self._called(words)
        words = clean(self._heading())
        if self._splits() and _GENERAL.sub("", words).strip() and len(words.split()) <= _MORE_WORDS:
            return self._called(words)
        return None

    def _called(self, words: str) -> Label:
        """What a heading calls a benchmark: "Sentiment analysis: FooSent" means FooSent."""
        name = re.split(r"[:：]\s*", words)[-1].strip() or words
        return read_benchmark(name, self._vocabulary)

    def _splits(self) -> bool:
        """All columns are splits of one set of data."""
        heads = [self._layout.heads[c] for c in self._layout.values]
        return all(bool(head) and is_split(head[-1]) for head in heads)

    def _alone(self) -> Label | None:
        """The benchmark that the nearest heading names, and nothing beside it."""
        heading, caption = self._heading(), self._around.caption
        found = self._only(heading)
        if found:
            rest = heading.replace(found.raw, " ")
            if len(_GENERAL.sub(" ", rest).split()) <= _MORE_WORDS:
                return found
        # "FooBench has six parts, ...": a paragraph that starts with what the table is of.
        found = self._only(caption)
        return found if found and clean(caption).startswith(found.raw) else None

    def _only(self, text: str) -> Label | None:
        """The one benchmark that a text names; None when it names several, or a model beside."""
        found = [m for m in self._vocabulary.find(text, prose=True) if m.what is not What.DEVELOPER]
        if len({m.name for m in found}) != 1 or not found[0].known:
            return None
        benchmark = found[0].what is What.BENCHMARK
        return read_benchmark(found[0].raw, self._vocabulary) if benchmark else None

    def _heading(self) -> str:
        return self._around.heading.rpartition(" | ")[2]

    # scores ---------------------------------------------------------------------------------

    def is_scores(self) -> bool:
        """A table of sizes or speeds names no benchmark anywhere, or says what it is."""
        layout = self._layout
        said = self._caption or self._heading()
        if _NO_SCORES.search(said) and not _SCORES.search(said):
            return False
        if layout.columns_are is Role.METRIC and layout.rows_are is Role.SETTING:
            return True
        if layout.known or self.title:
            return layout.columns_are is not Role.OTHER
        if self.whole and (self._qualities() or self._splits()):
            return True
        mentions = self._vocabulary.find(self.context, prose=True)
        if any(m.what is What.BENCHMARK for m in mentions):
            return layout.columns_are in (Role.METRIC, Role.MODEL, Role.BENCHMARK)
        shaped = sum(leaning(name, self._vocabulary)[1] >= 1 for name in self._names)
        enough = shaped * 3 >= len(self._names) and shaped > 0
        evaluated = EVALUATION.search(self.context) is not None
        return (enough and (evaluated or shaped * 2 >= len(self._names))) or self._measured()

    def _measured(self) -> bool:
        """Metrics of quality above the columns, with models in the rows."""
        return (
            self._layout.columns_are is Role.METRIC
            and self._layout.rows_are is Role.MODEL
            and self._qualities()
        )

    def _qualities(self) -> bool:
        heads = [self._layout.heads[c] for c in self._layout.values]
        return sum(bool(head) and is_quality(head[-1]) for head in heads) * 2 >= len(heads)

    # names ----------------------------------------------------------------------------------

    def benchmark(self, group: str | None, head: str) -> Label | None:
        """The benchmark that a head, a group or the text above names; the nearest one."""
        for text in (head, group or "", self._around.caption, self._around.heading):
            found = [m for m in self._vocabulary.find(text, prose=True) if m.what is What.BENCHMARK]
            if found:
                return read_benchmark(found[-1].raw, self._vocabulary)
        return None

    def measured(self, group: str | None, head: str) -> Label | None:
        """What a column of a metric measures: the benchmark above it, a group, or the metric."""
        named = self.benchmark(group, head)
        if named:
            return named
        parts = [clean(part) for part in head.split("\n")]
        above = group or self.title
        if above and is_quality(parts[-1]):
            return replace(read_benchmark(above, self._vocabulary), metric=parts[-1])
        return read_benchmark(head, self._vocabulary) if self._qualities() else None

    def model(self, group: str | None) -> Label | None:
        """The model that a group or the text above names, or else the document's own."""
        for text in (group or "", self._around.caption, self._around.heading):
            found = [m for m in self._vocabulary.find(text, prose=True) if m.what is What.MODEL]
            # A rival or a bare family ("First Claude that...") is not whose scores these are.
            found = [
                m
                for m in found
                if (m.known or any(c.isdigit() for c in m.raw)) and not is_object(text, 0, m)
            ]
            if found:
                return read_model(found[-1].raw, self._vocabulary)
        if self._around.model:
            return read_model(self._around.model, self._vocabulary)
        return None
