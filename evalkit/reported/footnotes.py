"""What the marks beside scores mean: "* quoted from the model's own report", "† with thinking".

The same star means another thing in every document; its note stands below the table or at the
foot of the section. Only the meaning is kept, never the note's sentence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from evalkit.reported import cues
from evalkit.reported.document import Block, Kind, Part, Table

_MARK = r"\*{1,3}|[†‡§¶◇♦★☆△▲⋄✝]|\^?[¹²³⁴⁵⁶⁷⁸⁹]|\^[a-z0-9]|\[\d\]"
_LEADS = re.compile(
    rf"(?:^|[\n.。;；]\s*|\s{{2,}}|\s(?=[†‡§¶]))[(（]?(?P<mark>{_MARK})[)）:：]?\s*"
    r"(?P<note>(?:(?!\s[†‡§¶◇♦★☆△▲⋄✝*])[^\n]){6,400})"
)
_MARKED = re.compile(
    rf"(?:marked|denoted|indicated|labeled|flagged|with|gekennzeichnet mit|marqués? (?:par"
    rf"|d['’]un)|标记为|标有|带|标注)\s*"
    rf"(?:with |by |an? "
    rf"|the )?(?:asterisks? )?[`\"“'(（]?\s*(?P<mark>{_MARK})[`\"”')）]?(?P<note>[^\n]{{0,300}})",
    re.IGNORECASE,
)
_QUOTED = re.compile(
    r"\b(?:reported|official|publicly|public|published|sourced|cited|quoted|taken|copied"
    r"|tech(?:nical)? report|paper|blog|"
    r"leaderboard|original|from the|übernommen|laut|offiziell|rapporté|officiel|repris"
    r"|riportat|ufficial|tomad|oficial|"
    r"официальн|опубликован|взят)\b|公开|官方|报告|论文|引用|公式|論文|報告|공식|논문|보고",
    re.IGNORECASE,
)
_OWN = re.compile(
    r"\btech(?:nical)? reports?\b|\bown\b|\btheir\b|\brespective\b|\bofficial|技术报告|各自|官方"
    r"|公式|공식|официальн|offiziell|officiel|ufficial|oficial",
    re.IGNORECASE,
)
_BRACKETED = re.compile(
    r"[(（][^()]{0,12}report|(?:brackets|parenthes[ie]s|klammern|parenthèses|paréntesis|parentesi|括号|括弧|괄호|скобк)"
    r".{0,60}(?:report|official|官方|公式|공식|официальн|offiziell)|report.{0,60}(?:brackets|parenthes[ie]s)",
    re.IGNORECASE,
)
_THINKING = re.compile(r"think|reason|思考|推理|추론|raisonn|razona|ragiona|рассужд", re.IGNORECASE)
_NEAR = 8


@dataclass(frozen=True, slots=True)
class Note:
    """The meaning of a mark.

    Attributes:
        mark: As printed.
        quoted: The score is quoted from somewhere else, not measured by who reports.
        own: It is quoted from the report of the model's own maker.
        setting: What it says of how was measured, in a few words.
        span: Where the note stands in the source.
    """

    mark: str
    quoted: bool
    own: bool
    setting: str | None
    span: tuple[int, int]


def notes_near(parts: list[Part], table: int) -> dict[str, Note]:
    """The notes that belong to the table at an index: below it up to the next heading or table."""
    found: dict[str, Note] = {}
    below = parts[table + 1 : table + 1 + _NEAR]
    above = [p for p in parts[max(0, table - 3) : table]]
    for part in (*below, *above):
        if isinstance(part, Table) and part is not parts[table]:
            continue
        if not isinstance(part, Block) or part.kind in (Kind.CODE, Kind.HEADING):
            continue
        for pattern in (_MARKED, _LEADS):
            for match in pattern.finditer(part.text.text[:3000]):
                mark = match["mark"].lstrip("^")
                whole = _sentence(part.text.text, match)
                span = part.text.span(match.start("mark"), match.end())
                found.setdefault(mark, _note(mark, whole, span))
    return found


def _sentence(text: str, match: re.Match[str]) -> str:
    start = max(text.rfind("\n", 0, match.start()), text.rfind(". ", 0, match.start())) + 1
    return text[start : match.end()]


def _note(mark: str, text: str, span: tuple[int, int]) -> Note:
    setting = cues.WITH_TOOLS.search(text)
    words = setting[0] if setting else ("thinking" if _THINKING.search(text) else None)
    quoted = _QUOTED.search(text) is not None
    return Note(mark, quoted, quoted and _OWN.search(text) is not None, words, span)


def reported_in_brackets(parts: list[Part], table: int) -> bool:
    """The text around a table says that figures in brackets are those officially reported."""
    near = (*parts[max(0, table - 6) : table], *parts[table + 1 : table + 1 + _NEAR])
    return any(
        isinstance(part, Block) and _BRACKETED.search(part.text.text[:3000]) for part in near
    )


def meaning(marks: str, notes: dict[str, Note]) -> list[Note]:
    """The notes of the marks on one score, the longest marks first."""
    rest, found = marks, []
    for mark in sorted(notes, key=len, reverse=True):
        if mark and mark in rest:
            found.append(notes[mark])
            rest = rest.replace(mark, " ")
    return found
