"""How well a piece of a header reads as the name above one column.

The words of a header have to be dealt out to the columns; the best deal is the one whose pieces
read best as names. A name of the vocabulary reads best, a name by its family or shape well, words
that only follow names ("Base", "Thinking") badly at a start, and two names in one piece not at all.
"""

from __future__ import annotations

import re

from evalkit.reported.labels import METRIC, clean, read_benchmark
from evalkit.reported.roles import Role, is_category, is_change, leaning
from evalkit.reported.vocabulary import EDITION, Vocabulary, What, norm

_FOLLOWING = re.compile(
    r"(?:-?(?:base|instruct|inst\.?|chat|it|thinking|think|no-?think\w*|non-?thinking|preview|exp"
    r"|reasoning|pro|flash|lite|mini|max|plus|turbo|high|low|medium|large|small|ultra|air|sonnet"
    r"|opus|haiku|linear|next|vl|omni|coder|research|air|distill|\.?inst|rl|sft|moe|dense|w/o?|with|\+.*|\(.*\)|v\d+(?:\.\d+)?"
    r"|a?\d+(?:\.\d+)?[bmt](?:-?a\d+(?:\.\d+)?b)?(?:-\w+)*|\d{4}(?:-\d\d){0,2}|\d\.\d)"
    r"(?:-\d{4}|\(.*\))?)",
    re.IGNORECASE,
)
_SIZED = re.compile(r"\d+(?:\.\d+)?[bmt](?:-?a?\d.*|\(.*\))?", re.IGNORECASE)
_LAST = re.compile(r"-?(?:base|instruct|inst\.?|chat)", re.IGNORECASE)
_ENDS_WELL = re.compile(
    r"(?:scores?|rate|level|acc\.?|accuracy|average|avg\.?|overall|total|turn|index|f1|em"
    r"|mean)(?:\s*\(.*\))?$",
    re.IGNORECASE,
)
_AVERAGE = re.compile(
    r"(?:macro |overall |total )?(?:avg|average|mean|overall|平均|总分)\.?", re.IGNORECASE
)
_SCORE = re.compile(r"(?:scores?|results?|values?)", re.IGNORECASE)
_FRAGMENT = re.compile(r"(?:bench|eval|qa|code|arena)", re.IGNORECASE)  # the end of a broken name
_LISTED = 2.4  # a name that the vocabulary knows rates so
_GRADE = re.compile(r"long|short|hard|easy|medium|open|big|large|small", re.IGNORECASE)
_RESULTS = re.compile(r"\s(?:results?|scores?|accuracy|ergebnis\w*|résultats?)\b", re.IGNORECASE)
_BRACKET = re.compile(r"\s*\([^()]*\)")
_LONGEST_KNOWN = 4  # words of a name with its edition and metric
_WORD_COST = 0.35  # of a word more in a name that nothing vouches for


class Names:
    """Rates pieces of headers; remembers what it rated."""

    def __init__(self, vocabulary: Vocabulary, role: Role) -> None:
        self.vocabulary = vocabulary
        self.role = role
        self.least = 0.3 if role is Role.MODEL else 0.1
        self._rated: dict[str, float] = {}

    def rate(self, text: str) -> float:
        """How well a piece reads as one name: 3 is a listed name, below 0 is none."""
        if text not in self._rated:
            rating = self._model if self.role is Role.MODEL else self._benchmark
            broken = 1.0 if text.endswith("-") else 0.0  # the rest stands in the next line
            self._rated[text] = rating(clean(text) or text) - broken
        return self._rated[text]

    def part_of(self, part: str, whole: str) -> bool:
        """A word may stand below a group's name: no benchmark of another name, no mean, no sign."""
        if not any(c.isalnum() for c in part) or (is_average(part) and not is_average(whole)):
            return False
        first, key = norm(whole), norm(part)
        related = key[:1] == first[:1] or first.startswith(key) or key.startswith(first)
        return related or self.rate(part) < _LISTED

    def listed(self, line: str) -> list[str]:
        """The listed benchmarks in a header; words that were glued together come apart."""
        words: list[str] = []
        for word in line.split():
            cut = next((i for i in range(4, len(word) - 2) if self._glued(word, i)), len(word))
            words += [word[:cut], word[cut:]] if cut < len(word) else [word]
        return [
            m.raw
            for m in self.vocabulary.find(" ".join(words), prose=False)
            if m.what is What.BENCHMARK and not EDITION.fullmatch(m.raw)
        ]

    def with_results(self, line: str) -> list[str]:
        """Names that are said to have results below them: "A prompt | A results | B results"."""
        return [
            m.raw
            for m in self.vocabulary.find(line, prose=False)
            if m.what is What.MODEL and _RESULTS.match(line, m.end)
        ]

    def _glued(self, word: str, cut: int) -> bool:
        return (
            word[cut].isupper()
            and self.vocabulary.benchmark(word[:cut]) is not None
            and norm(word[cut:]) in self.vocabulary.variant_words
        )

    def _model(self, text: str) -> float:
        if self.vocabulary.model(spelled(text, self.vocabulary)):
            return 3.0
        words = text.split()
        found = self.vocabulary.find(text, prose=False)
        models = [m for m in found if m.what is What.MODEL]
        several = any(self._begins(word) for word in words[1:]) or len(models) > 1
        pieces = [p.casefold() for p in re.split(r"[\s-]+", text) if p]
        if several or len(set(pieces)) < len(pieces):
            return -3.0
        sizes = sum(_SIZED.fullmatch(word) is not None for word in words)
        if _FOLLOWING.fullmatch(words[0]) or sizes > 1:
            return -1.5
        if any(_LAST.fullmatch(word) for word in words[:-1]):
            return 0.8  # "Base Exp": names end in "Base"
        if models and models[0].start == 0:
            rest = text[models[0].end :].split()
            numbered = any(c.isdigit() for c in models[0].raw)
            if numbered and rest and re.fullmatch(r"\d\.\d", rest[0]):
                return -1.0  # a second version
            if all(_FOLLOWING.fullmatch(word) for word in rest):
                return 2.0 if numbered else 1.7 if rest else 1.4
            return 1.0 - 0.8 * len(rest)
        if models and len(text[: models[0].start].split()) > 1:
            return -2.0
        if is_change(text):
            return 0.8
        known = 1.6 if self.vocabulary.family_at_start(text) else 0.0
        shaped = 0.6 if leaning(text, self.vocabulary)[0] >= 1 else 0.0
        benchmark = any(m.what is What.BENCHMARK and m.known for m in found)
        extra = sum(_FOLLOWING.fullmatch(word) is None for word in words[1:])
        return max(known, 0.7 + shaped) - _WORD_COST * extra - 1.5 * benchmark

    def _begins(self, word: str) -> bool:
        """A word that begins another model's name: "Llama-3.2"."""
        listed = self.vocabulary.model(word) is not None
        return not follows(word) and (
            listed or (self.vocabulary.family_at_start(word) and any(c.isdigit() for c in word))
        )

    def _benchmark(self, text: str) -> float:
        if self.vocabulary.benchmark(text) and not text.isdigit():
            return 3.0
        if _AVERAGE.fullmatch(text):
            return 2.6
        words = text.split()
        if any("=" in word for word in words):
            return -1.5
        metrics = sum(METRIC.fullmatch(word) is not None for word in words)
        if metrics > 1 or self.vocabulary.is_edition(words[0]) or words[0].isdigit():
            return -1.5
        found = self.vocabulary.find(text, prose=False)
        names = [m for m in found if m.what is What.BENCHMARK]
        listed = sum(self.vocabulary.benchmark(word) is not None for word in words)
        if len(names) > 1 or listed > 1:
            return -2.0
        if re.search(r"\S\s+(?:avg|average|overall)\.?$", text, re.IGNORECASE) and names:
            return -1.0
        read = read_benchmark(text, self.vocabulary)
        if read.known and len(_BRACKET.sub("", text).split()) <= _LONGEST_KNOWN:
            return 2.7
        if any(m.what is What.MODEL for m in found):
            return -1.0
        if _SCORE.fullmatch(text):
            return 0.5
        if METRIC.fullmatch(text) or is_change(text):
            return 1.5
        if names and names[0].start == 0:
            return 1.8 - 0.8 * len(text[names[0].end :].split())
        if words[0][0] in "([" or (words[0].islower() and len(words) > 1):
            return -1.0
        if _FRAGMENT.fullmatch(words[0]):
            return -0.9
        if _GRADE.fullmatch(text):
            return 0.0  # in a row of names it is the beginning of another name
        if _ENDS_WELL.search(text):
            return 1.3 - 0.15 * (len(words) - 1)
        shaped = leaning(text, self.vocabulary)[1] >= 1 or is_category(text)
        return (1.1 if shaped else 0.5) - _WORD_COST * (len(words) - 1)


def follows(word: str) -> bool:
    """A word that stands behind a model's name: "Base", "7B"."""
    return _FOLLOWING.fullmatch(word) is not None


def spelled(text: str, vocabulary: Vocabulary) -> str:
    """A model's name with a word that headers cut short in full, where that is a listed name."""
    if vocabulary.model(text):
        return text
    full = re.sub(r"\bInst\b\.?", "Instruct", text)
    return full if vocabulary.model(full) else text


def is_average(text: str) -> bool:
    """A column of means: nothing stands below its head."""
    return _AVERAGE.fullmatch(clean(text)) is not None
