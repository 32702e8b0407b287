"""How all of a table was measured, as the text of its section says without a mark.

"All models are evaluated with an output length of 8K", "X and Y ran in non-thinking mode": such
sentences stand above or below the table, between two headings. A limit is put into words of one
form ("8k output tokens"), whatever the sentence's own; nothing of the sentence itself is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from evalkit.reported import cues
from evalkit.reported.document import Block, Kind, Part
from evalkit.reported.finding import Finding
from evalkit.reported.sentences import split
from evalkit.reported.vocabulary import Vocabulary, What, norm

_LONGEST = 3_000  # characters of a paragraph; notes are shorter
_BRACKET = 40  # characters behind a benchmark's name that may hold its part in brackets

# "For all our models, ..." holds for the tables of the chapter's later sections too.
_OURS = re.compile(
    r"\ball (?:of )?our (?:\w+ )?models|alle unsere \w*modelle|tous nos modèles"
    r"|todos nuestros modelos|tutti i nostri modelli|все наши модели|我们的所有模型"
    r"|我们所有的?模型",
    re.IGNORECASE,
)

# "All metrics, except for X, ...": a sentence that speaks of everything in the table.
_ALL = re.compile(
    r"\b(?:all|every|each|alle[rn]?|tous les|toutes les|todos los|todas las|tutti i|tutte le"
    r"|все[хм]?)\s"
    r"(?:(?:the|our|of|reported|unsere|nos|nuestros|nostri)\s){0,2}(?:[\w-]+\s){0,2}?"
    r"(?:metrics|results|scores|models?|benchmarks?|evaluations?|numbers|figures|tasks|ergebnisse"
    r"|werte|modelle|résultats|modèles|resultados|modelos|risultati|modelli|результат\w*|модел\w+)"
    r"|(?:所有|全部|すべての|全ての|모든)\s?(?:以上|上記の)?(?:结果|成绩|模型|评测|指标|結果|モデル|スコア|評価|결과|모델|점수)",
    re.IGNORECASE,
)
_BUT = re.compile(
    r"\b(?:except|apart from|other than|außer|sauf|salvo|excepto|tranne|кроме)(?:\sfor)?\s"
    r"(?P<but>[^,;]{2,80}?(?:\([^()]*\))?)[,;)]|除(?P<aus>[^,，;；]{2,40}?)外",
    re.IGNORECASE,
)
_COUNT = r"(?P<{0}>\d{{1,3}}(?:,\d{{3}})+|\d+)\s?(?P<{0}k>k\b)?"
_LIMIT = re.compile(
    r"(?:\b(?:max(?:imum)?|output|generation|response|completion)[\s-](?:[\w-]+\s){0,3}?"
    r"(?:length|tokens|limit|budget)\b[^.;\n\d]{0,40}?"
    + _COUNT.format("a")
    + r"|\b"
    + _COUNT.format("b")
    + r"[\s-](?:max(?:imum)?\s)?(?:output|generation|response|completion)[\s-]?"
    r"(?:tokens?|length|budget|limit)"
    r"|(?:最大|输出|生成|出力|最大出力)(?:输出|生成|出力)?(?:长度|トークン数|長|token数?|tokens?)[^。;；\d]{0,16}?"
    + _COUNT.format("c")
    + ")",
    re.IGNORECASE,
)
_BUDGET = re.compile(
    r"\b(?P<n>\d{1,3}(?:,\d{3})+|\d+k?)[\s-](?:tokens?[\s-])?thinking[\s-](?:tokens?[\s-])?"
    r"(?:budget|length)"
    r"|\bthinking (?:budget|length) (?:of|is|=) (?P<m>\d{1,3}(?:,\d{3})+|\d+k?)\b",
    re.IGNORECASE,
)
_TEMPERATURE = re.compile(
    r"\b(?:temperature|temperatur|température|temperatura|температур\w+|温度|温度)\s?"
    r"(?:of|=|:|is|to|set to|von|de|di|为|设为)?\s?\$?(?P<t>\d(?:\.\d+)?)(?![\d.]*\d)",
    re.IGNORECASE,
)
_OFF = re.compile(
    r"\bnon-?thinking\b|\b(?:without|no|disabl\w+) (?:extended )?thinking|\bthinking (?:is |was "
    r"|mode )?(?:disabled|off)|非思考|ohne (?:Denk|Thinking)|sans réflexion|비사고",
    re.IGNORECASE,
)
_MEASURED = re.compile(
    r"\b(?:evaluat|assess|test|measur|benchmark|run|ran|report|obtain|conduct|limit|config"
    r"|perform|set|getestet|gemessen|bewert|évalu|mesur|evalu|medid|valutat|misurat|оцен|измер)"
    r"|评测|评估|测试|設定|設置|设置|限制|評価|測定|평가|측정",
    re.IGNORECASE,
)
_SOME = re.compile(
    r"\b(?:some|several|certain|few|einige|quelques|algun[oa]s|alcun[ie]|некотор\w+)\b|部分|一部|일부",
    re.IGNORECASE,
)
# What is said of the benchmarks that are drawn several times is not said of all.
_PARTLY = re.compile(
    r"\b(?:for|on|in) (?:the )?(?:benchmarks?|tasks|datasets|problems|tests)\b[^,.]{0,60}\b"
    r"(?:requir|with|that|contain|fewer|less)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Condition:
    """What a sentence says of how a table's figures were measured.

    Attributes:
        setting: In a few words of one form.
        models: Names of the models it speaks of; empty for all.
        only: The one benchmark it speaks of, as printed; empty for all.
        but: What it excepts, as printed; empty when nothing.
    """

    setting: str
    models: frozenset[str] = frozenset()
    only: str = ""
    but: str = ""

    def holds(self, finding: Finding, vocabulary: Vocabulary) -> bool:
        """Whether it speaks of a figure."""
        if self.models and finding.model.name not in self.models:
            return False
        if self.only and not _means(self.only, finding, vocabulary):
            return False
        return not self.but or _means(self.but, finding, vocabulary) is False


def _means(printed: str, finding: Finding, vocabulary: Vocabulary) -> bool | None:
    """Whether printed words mean a figure's benchmark; None when they name none that is known."""
    said = [m for m in vocabulary.find(printed, prose=False) if m.what is What.BENCHMARK]
    if not said or finding.benchmark is None:
        return None
    if finding.benchmark.name not in {m.name for m in said}:
        return False
    bracket = re.search(r"[(（]([^()（）]+)", printed[said[-1].end :])
    return bracket is None or norm(bracket[1]) in norm(finding.benchmark.raw)


def conditions(parts: list[Part], table: int, vocabulary: Vocabulary) -> list[Condition]:
    """What the section of the table at an index says of its figures."""
    heading = _heading_above(parts, table)
    found = [c for said in _sentences(parts, heading) for c in _sentence(said, vocabulary)]
    while (heading := _sister(parts, heading)) >= 0:
        for said in _sentences(parts, heading):
            if _OURS.search(said):
                found += _sentence(said, vocabulary)
    return list(dict.fromkeys(found))


def _sentences(parts: list[Part], heading: int) -> Iterator[str]:
    """The sentences below a heading, up to the next one."""
    for part in parts[heading + 1 :]:
        if _level(part):
            return
        if isinstance(part, Block) and part.kind is not Kind.CODE:
            text = part.text.text[:_LONGEST]
            yield from (text[start:end] for start, end in split(text))


def _heading_above(parts: list[Part], at: int) -> int:
    """Index of the heading that a part stands under; -1 without one."""
    return max((i for i in range(at) if _level(parts[i])), default=-1)


def _sister(parts: list[Part], heading: int) -> int:
    """Index of the heading of the same level before it, in the same chapter; -1 without one."""
    level = _level(parts[heading]) if heading >= 0 else 0
    for i in range(heading - 1, -1, -1):
        if 0 < _level(parts[i]) < level:
            return -1
        if level and _level(parts[i]) == level:
            return i
    return -1


def _level(part: Part) -> int:
    """Of a heading; 0 for anything else."""
    return part.level if isinstance(part, Block) and part.kind is Kind.HEADING else 0


def _sentence(said: str, vocabulary: Vocabulary) -> Iterator[Condition]:
    everything = _ALL.search(said)
    if not _MEASURED.search(said) or _PARTLY.search(said) or _SOME.search(said):
        return
    except_for = _BUT.search(said)
    but = (except_for["but"] or except_for["aus"] or "").strip() if except_for else ""
    mentions = vocabulary.find(said, prose=True)
    named = frozenset(m.name for m in mentions if m.what is What.MODEL)
    tests = [m for m in mentions if m.what is What.BENCHMARK]
    limit = _LIMIT.search(said)
    if limit and (everything or not (named or tests)):
        yield Condition(_words(limit), but=but)
    elif limit and len({m.name for m in tests}) == 1:
        yield Condition(_words(limit), only=said[tests[0].start : tests[0].end + _BRACKET])
    if everything or named:
        models = frozenset() if everything else named
        if _OFF.search(said):
            yield Condition("non-thinking", models, but=but)
        elif budget := _BUDGET.search(said):
            yield Condition(f"{budget['n'] or budget['m']} thinking budget", models, but=but)
    if everything:
        if temperature := _TEMPERATURE.search(said):
            yield Condition(f"temperature {temperature['t']}", but=but)
        for tools in cues.WITH_TOOLS.finditer(said):
            if not _OFF.search(tools[0]):
                yield Condition(tools[0], but=but)


def _words(limit: re.Match[str]) -> str:
    for key in "abc":
        if limit[key]:
            return f"{limit[key]}{'k output tokens' if limit[key + 'k'] else ' max output tokens'}"
    raise AssertionError("a limit has a number")
