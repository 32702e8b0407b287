"""Short names: "Maverick" in a text that names Llama 4 Maverick.

Which words may stand for a model is data (``[lines]`` in the vocabulary); which model they stand
for is what the document itself says: the last one named in full, or else the first, or else the
line of a family that is named. A maker's name stands for the one model that is named after it.
What ends a name in full may stand for it as well: the size ("the 70B", "235B-A22B") or the version
("Medium 3", "v0.2", "4.5 Air").
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from evalkit.reported.coined import Coined
from evalkit.reported.cues import OWN_NUMBER
from evalkit.reported.document import Block, Kind, Part
from evalkit.reported.vocabulary import Mention, Vocabulary, What, norm

_VERSION = re.compile(
    r"(?<![\w.-])(?P<letter>[A-Z])\d(?:\.\d)?(?![\w-]|\.\d|\s(?:chips?|Ultra|Max|Pro|Mac)\b)",
    re.ASCII,
)
# The size in a name, and the words with a version that end one.
_SIZE = re.compile(r"(?<![\w.])\d+(?:\.\d+)?B(?:-A\d+(?:\.\d+)?B)?(?![\w.]*\w)", re.ASCII)
_END = re.compile(
    r"(?<=[ -])(?:[A-Z][a-z]+[ -]\d(?:\.\d)?|\d\.\d[ -][A-Z][a-z]+|[vV]\d(?:\.\d)?)$", re.ASCII
)
_NO_SIZE_BEFORE = re.compile(
    r"(?:\$|€|£|¥|\b(?:an?|other|any|all|every|many|most|similar|eine?[mnrs]?|une?|otros?|altri|der"
    r"|with|of|over|from the|from our|von|mit|avec|de|di|con) |[-–/~≈<>×x({（]|\dB, ?)$",
    re.IGNORECASE,
)
_NO_SIZE_BEHIND = re.compile(
    r"\s?(?:[-+]?(?:class|size|scale|level|parameter|param|token|dense|MoE|models\b|active|total"
    r"|activated|users|Parameter|paramètres|parámetros|parametri|параметр|토큰|파라미터|매개|급|규모|パラメ|級|クラス|规模|级"
    r"|参数|參數|량)|[-–/]\s?\d|,? (?:and |or |und )?\d+(?:\.\d+)?B\b)"
)
# A bare size that some sentence speaks of as a model: "235B-A22B", "das 7B-Modell".
_ANY_SIZE = re.compile(
    r"(?<![\w.$-])(?:\d+(?:\.\d+)?B-A\d+(?:\.\d+)?B(?![\w-])"
    r"|\d+(?:\.\d+)?B(?=\s?(?:は|が|でも|では|는|은|이\s|가\s|의|모델|model\b|-Modell\b|模型|版|модел)))"
)
_NUMBERED = re.compile(r"(?P<stem>[^\W\d]+)[ -]?(?P<version>\d+(?:\.\d+)?)(?![\w.]*\d)")


class ShortNames:
    """Resolves the short names of one document.

    Args:
        vocabulary: Names.
        parts: The document, for models that it names in full only later.
    """

    def __init__(self, vocabulary: Vocabulary, parts: Iterable[Part] = ()) -> None:
        self._vocabulary = vocabulary
        self._full: dict[str, Mention] = {}
        self._families: dict[str, None] = {}
        self._by_maker: dict[str, set[tuple[str, bool]]] = {}
        self._stems: set[str] = set()
        self._ends: dict[str, Mention] = {}
        self._sizeless: Counter[str] = Counter()
        texts = [p.text.text for p in parts if isinstance(p, Block) and p.kind is not Kind.CODE]
        self._coined = Coined(vocabulary, texts)
        for text in texts:
            for mention in vocabulary.find(text, prose=True):
                self._learn(mention, again=False)
                if mention.what is What.MODEL and not re.search(r"\dB", mention.raw):
                    self._sizeless[vocabulary.latin(mention.raw)] += 1

    def _learn(self, mention: Mention, *, again: bool) -> None:
        self._stems |= {
            letter
            for letter, stem in self._vocabulary.versions.items()
            if norm(mention.raw).startswith(norm(stem))
        }
        if mention.what is not What.MODEL:
            return
        self._families.setdefault(mention.name)
        maker = self._vocabulary.developers.get(norm(mention.raw.split()[0].split("-")[0]))
        if maker and any(c.isdigit() for c in mention.raw):
            self._by_maker.setdefault(maker, set()).add((mention.name, mention.known))
        for word in self._vocabulary.lines_in(mention.raw):
            if again or word[0] not in self._full:
                self._full[word[0]] = mention
        for part in (*_SIZE.finditer(mention.raw), *_END.finditer(mention.raw)):
            if part.start() > 0 and (again or part[0] not in self._ends):
                self._ends[part[0]] = mention

    def full(self, word: str) -> tuple[str, bool] | None:
        """The model that a short name stands for, so far, and whether it is a listed one."""
        named = self._full.get(word)
        if named is not None:
            return named.name, named.known
        families = [f for f in self._families if self._vocabulary.of_line(word, f)]
        if not families:
            return None
        name = self._newest(word, families) or self._vocabulary.of_line(word, families[0]) or word
        known = self._vocabulary.model(name)
        return known or name, known is not None

    def _newest(self, word: str, families: Sequence[str]) -> str | None:
        """The line with the newest version of its family: "Deep Think" is of Gemini 3."""
        numbered = [m for f in families if (m := _NUMBERED.match(f))]
        if not numbered:
            return None
        newest = max(numbered, key=lambda m: float(m["version"]))
        return f"{newest['stem']} {newest['version']} {word}"

    def read(self, text: str, named: Sequence[Mention]) -> list[Mention]:
        """The short names in a text, beside the names that it has in full."""
        found: list[Mention] = []
        rest = list(named)
        for word in self._vocabulary.lines_in(text):
            while rest and rest[0].start <= word.start():
                self._learn(rest.pop(0), again=True)
            inside = any(m.start < word.end() and word.start() < m.end for m in named)
            versioned = re.match(r"[ ]?\d", text[word.end() :])
            full = None if inside or versioned else self.full(word[0])
            if full is not None:
                found.append(Mention(What.MODEL, *word.span(), full[0], word[0], full[1]))
        for mention in rest:
            self._learn(mention, again=True)
        coined = self._coined.read(text, named)
        taken = (*named, *found, *coined)
        more = [*coined, *self._owned(text, named)]
        for read in (
            self._versioned(text, taken),
            self._ended(text, taken),
            self._sized(text, taken),
        ):
            more += [m for m in read if not any(n.start < m.end and m.start < n.end for n in more)]
        return sorted((*found, *more), key=lambda m: m.start)

    def _versioned(self, text: str, named: Sequence[Mention]) -> list[Mention]:
        """Bare versions of a line whose maker is named: "M2.7"."""
        found: list[Mention] = []
        for word in _VERSION.finditer(text):
            inside = any(m.start < word.end() and word.start() < m.end for m in named)
            if word["letter"] in self._stems and not inside:
                raw = f"{self._vocabulary.versions[word['letter']]}{word[0]}"
                name = self._vocabulary.model(raw)
                found.append(Mention(What.MODEL, *word.span(), name or raw, word[0], bool(name)))
        return found

    def _ended(self, text: str, named: Sequence[Mention]) -> list[Mention]:
        """Sizes and versions that end the name of a model which the document names in full."""
        if not self._ends:
            return []
        found: list[Mention] = []
        ends = "|".join(sorted(map(re.escape, self._ends), key=len, reverse=True))
        for word in re.finditer(rf"(?<![\w.-])(?:{ends})(?![A-Za-z0-9-]|\.\d)", text, re.ASCII):
            if any(m.start < word.end() and word.start() < m.end for m in named):
                continue
            before = text[max(0, word.start() - 16) : word.start()]
            sized = _SIZE.fullmatch(word[0])
            if sized and _NO_SIZE_BEFORE.search(before):
                continue
            if sized and _NO_SIZE_BEHIND.match(text, word.end()):
                continue
            full = self._ends[word[0]]
            found.append(Mention(What.MODEL, *word.span(), full.name, word[0], full.known))
        return found

    def _sized(self, text: str, named: Sequence[Mention]) -> list[Mention]:
        """Sizes of the one family that a document speaks of without them most often."""
        (family, times), *others = self._sizeless.most_common(2) or [("", 0)]
        if times < 2 or (others and others[0][1] >= times):
            return []
        found: list[Mention] = []
        for size in _ANY_SIZE.finditer(text):
            if any(m.start < size.end() and size.start() < m.end for m in named):
                continue
            if _NO_SIZE_BEFORE.search(text[max(0, size.start() - 16) : size.start()]):
                continue
            name = f"{family} {size[0]}"
            known = self._vocabulary.model(name)
            found.append(Mention(What.MODEL, *size.span(), known or name, size[0], bool(known)))
        return found

    def _owned(self, text: str, named: Sequence[Mention]) -> list[Mention]:
        """A maker whose number it is stands for the one model named after it: "Mistral's 80"."""
        found: list[Mention] = []
        for mention in named:
            if mention.what is What.DEVELOPER and OWN_NUMBER.match(text, mention.end):
                models = self._by_maker.get(mention.name, set())
                if len(models) == 1:
                    name, known = next(iter(models))
                    found.append(
                        Mention(What.MODEL, mention.start, mention.end, name, mention.raw, known)
                    )
        return found
