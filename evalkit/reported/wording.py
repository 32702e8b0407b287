"""What the wording of a sentence says of its models and numbers, apart from which belong together.

A sentence that presents a model is about that one; a family that owns the next name is no model of
its own; a number behind a name that nobody knows is of none that is known.
"""

from __future__ import annotations

import re
from dataclasses import replace

from evalkit.reported.vocabulary import Mention, What

SEVERAL = re.compile(
    r"(?<![\d.,])\d{1,2}\s?(?:[\w-]+ ){0,3}(?:benchmarks|Benchmarks|бенчмарк\w*|évaluations)\b"
    r"|\d{1,2}\s?(?:个|项)[^，。]{0,12}(?:基准|评测|评估)"
    r"|(?:across|over|on) (?:\w+(?:-\w+)*,? ){0,9}(?:benchmarks|tasks|datasets|evaluations)\b"
    r"|\d{1,2}\s?(?:個|種|つ)?の[^、。]{0,14}ベンチマーク|\d{1,2}개[^,.]{0,12}벤치마크"
)


_OWNING = re.compile(r"の|의\s?|的|['’]s\s")


# A sentence that presents a model is about that one, whoever else it names.
_PRESENTS = re.compile(
    r"\b(?:released?|releases|releasing|unveil(?:s|ed|ing)?|launch(?:es|ed|ing)?|introduc(?:es|ed"
    r"|ing)|announc(?:es|ed|ing)"
    r"|debut(?:s|ed)|veröffentlicht\w*|vorgestellt|stellt|präsentiert|kündigt|(?:a )?(?:lancé"
    r"|présenté|dévoilé|publié|annoncé)"
    r"|lance|présente|dévoile|(?:ha )?(?:lanzado|presentado|anunciado)|lanzó|presentó|anunció"
    r"|(?:ha )?(?:rilasciato|presentato"
    r"|annunciato|lanciato)|presenta|annuncia|выпустила?|представила?"
    r"|анонсировала?)\b(?P<rest>[^.;:]{0,60})",
    re.IGNORECASE,
)


_LICENCE = re.compile(
    r"\s(?:\w+\s)?[Ll]i[cz]en[csz]", re.ASCII
)  # "the Llama 3.3 Community License"


def joined(text: str, found: list[Mention]) -> list[Mention]:
    """Without families that only own the next name: "Claude 4のSonnet" is about Sonnet."""
    kept: list[Mention] = []
    for mention in found:
        if mention.what is What.MODEL and _LICENCE.match(text, mention.end):
            continue
        last = kept[-1] if kept else None
        of = _OWNING.match(text, last.end) if last else None
        both = last is not None and last.what is mention.what is What.MODEL
        if last and of and both and of.end() == mention.start:
            mention = replace(mention, start=last.start)
            kept.pop()
        kept.append(mention)
    return kept


def released(text: str, models: list[Mention]) -> Mention | None:
    """The model that a sentence presents: "to counter X, the firm released Y"."""
    for said in _PRESENTS.finditer(text, models[0].start, models[-1].end):
        behind = [m for m in models if said.start("rest") <= m.start <= said.end("rest")]
        if behind:
            return behind[0]
    return None
