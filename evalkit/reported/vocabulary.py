"""Canonical names of benchmarks, models and makers, and where they occur in a text.

The names are data (``vocabulary.toml``). Matching ignores case, spaces, hyphens and punctuation;
the longest name wins and must start and end at a word boundary. A model that is not listed is still
recognised by its family ("Qwen4-Max" begins with a family of Alibaba's), and a benchmark that is
not listed by its shape ("FooBench"); both come through as printed with ``known=False``::

    >>> [m.name for m in Vocabulary.load().find("GPT-5 scores 41.7 on HLE", prose=True)]
    ['GPT-5', "Humanity's Last Exam"]
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from evalkit.errors import DataError
from evalkit.reported.names import Mention, Shape, Trie, What, index
from evalkit.reported.shapes import (
    BENCH_SHAPE,
    CALLED_BENCH,
    CALLED_MODEL,
    COMMON_EDITIONS,
    COMMON_FAMILIES,
    EDITION,
    LAST_SIZE,
    LEADING_WORD,
    MEASURED_ON,
    MORE_SIZES,
    NO_BENCH_NAME,
    NO_NAME,
    NOT_A_BENCH,
    OF_MAKER,
    PLAIN,
    SIZED_MODEL,
    WORD_START,
    YEAR_BEFORE,
    YEAR_BEHIND,
    ends,
    grow,
    is_no_model,
    norm,
)

__all__ = ["EDITION", "Mention", "Vocabulary", "What", "norm"]


_GLUED = re.compile(r"^(Claude|Gemini|Grok)(?=\d)")
_LINE = re.compile(r"^(?=(?:Opus|Sonnet|Haiku)[ -]?\d)")  # of a family that goes unsaid


class Vocabulary:
    """Looks names up. Build it once and pass it on."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.benchmarks: dict[str, str] = index(data.get("benchmarks", {}))
        self.models: dict[str, str] = index(data.get("models", {}))
        self.items: dict[str, tuple[int, ...]] = {
            norm(name): tuple(sizes) for name, sizes in data.get("items", {}).items()
        }
        self.developers: dict[str, str] = {}
        self.families: dict[str, str] = {}
        # A paragraph is asked about several times: for the topic, the reporter and its scores.
        self._found = lru_cache(maxsize=4096)(self._find)
        self._maker = lru_cache(maxsize=4096)(self._made_by)
        self._scripts: dict[str, str] = dict(
            sorted(data.get("scripts", {}).items(), key=lambda pair: -len(pair[0]))
        )
        self._words: dict[str, str] = dict(data.get("script_words", {}))
        prose = data.get("prose", {})
        self._spellings = frozenset(prose.get("exact_case", ()))
        self._exact = frozenset(norm(name) for name in self._spellings)
        self._phrases = frozenset(
            name.casefold()
            for canonical, aliases in data.get("benchmarks", {}).items()
            for name in (canonical, *aliases)
            if " " in name
        )
        self._tables_only = {norm(name) for name in prose.get("tables_only", ())}
        self._lines: dict[str, str] = dict(data.get("lines", {}))
        self._line = re.compile(
            rf"(?<![A-Za-z0-9-])(?:{'|'.join(self._lines) or '(?!)'})(?![A-Za-z0-9-])"
        )
        self.versions: dict[str, str] = dict(data.get("versions", {}))
        self._yearly = frozenset(data.get("yearly", {}).get("names", ()))
        scored_in = data.get("scored_in", {})
        self._money = frozenset(scored_in.get("dollars", ()))
        self._ratings = frozenset(scored_in.get("rating", ()))
        self.variant_words: frozenset[str] = frozenset(
            norm(word) for word in data.get("variants", {}).get("words", ())
        )
        named = [n for name, also in data.get("benchmarks", {}).items() for n in (name, *also)]
        for developer, entry in data.get("developers", {}).items():
            named += (*entry.get("aliases", ()), *entry.get("families", ()))
            for alias in (developer, *entry.get("aliases", ())) if developer != "Various" else ():
                self.developers.setdefault(norm(alias), developer)
            for family in entry.get("families", ()):
                self.families.setdefault(norm(family), developer)
        unspaced = [n for n in named if "\u2e80" <= n[0] <= "\u9fff"]
        self._unspaced = re.compile("|".join(map(re.escape, unspaced)) or "(?!)")
        if "" in self.families or "" in self.developers:
            raise DataError("the vocabulary has a name without a letter or a digit")

    @classmethod
    def load(cls, path: Path | None = None) -> Vocabulary:
        """The shipped vocabulary, or another file of the same form.

        Raises:
            DataError: The file is not TOML.
        """
        if path is None:
            text = (files("evalkit.reported") / "vocabulary.toml").read_text(encoding="utf-8")
        else:
            text = path.read_text(encoding="utf-8")
        try:
            return cls(tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            raise DataError(f"{path or 'vocabulary.toml'}: not valid TOML: {error}") from None

    # labels ---------------------------------------------------------------------------------

    def benchmark(self, label: str) -> str | None:
        """The canonical benchmark that a whole label names."""
        return self.benchmarks.get(norm(label))

    def model(self, label: str) -> str | None:
        """The canonical model that a whole label names."""
        return self.models.get(norm(self.latin(label)))

    def lines_in(self, text: str) -> Iterator[re.Match[str]]:
        """Words of a family's lines: "Maverick", "the largest Opus"."""
        return self._line.finditer(text)

    def of_line(self, word: str, family: str) -> str | None:
        """What a family's line is called in full: "Llama 4 Maverick"; None of another family."""
        stem = self._lines.get(word, "")
        return f"{stem} {word}" if stem and norm(family).startswith(norm(stem)) else None

    def counts_money(self, benchmark: str) -> bool:
        """Scores of a benchmark are sums of dollars."""
        return benchmark in self._money

    def is_rating(self, benchmark: str) -> bool:
        """Scores of a benchmark are ratings, as of players of chess."""
        return benchmark in self._ratings

    def latin(self, label: str) -> str:
        """A label in Latin letters, with the space that its family is printed with: "Claude4"."""
        if label.isascii():
            return _GLUED.sub(r"\1 ", _LINE.sub("Claude ", label))
        label = label.translate(PLAIN)
        for script, family in self._scripts.items():
            if label.startswith(script):
                rest = label[len(script) :].lstrip()
                label = f"{family} {rest}" if rest[:1].isalnum() else f"{family}{rest}"
                break
        for script, word in self._words.items():
            label = label.replace(script, word)
        return _GLUED.sub(r"\1 ", _LINE.sub("Claude ", label))

    def developer_of(self, model: str) -> str | None:
        """Who made a model, by its family."""
        return self._maker(norm(model))

    def _made_by(self, key: str) -> str | None:
        best = next((key[:n] for n in range(len(key), 0, -1) if key[:n] in self.families), None)
        if best is None:
            best = max((f for f in self.families if len(f) > 3 and f in key), key=len, default=None)
        developer = self.families[best] if best else None
        return None if developer == "Various" else developer

    def family_at_start(self, label: str) -> bool:
        """A label begins with a family of models (an organisation before it is skipped)."""
        text = label.strip().lstrip("*_`([ ")
        text = re.sub(r"^[\w.-]{2,30}/", "", text)
        return any(m.start == 0 for m in self._family_trie.names_at(text, 0))

    # running text ---------------------------------------------------------------------------

    @cached_property
    def _trie(self) -> Trie:
        names: dict[str, tuple[What, str]] = {}
        for key, name in self.developers.items():
            names[key] = (What.DEVELOPER, name)
        for key, name in self.models.items():
            names[key] = (What.MODEL, name)
        for key, name in self.benchmarks.items():
            names.setdefault(key, (What.BENCHMARK, name))
        return Trie(names)

    @cached_property
    def _family_trie(self) -> Trie:
        return Trie({key: (What.MODEL, name) for key, name in self.families.items()})

    def find(self, text: str, *, prose: bool) -> list[Mention]:
        """Names in a text, left to right, without overlaps.

        Args:
            text: Running text or a label.
            prose: Running text: names that are also words need their exact spelling.
        """
        return list(self._found(text, prose))

    def _find(self, text: str, prose: bool) -> tuple[Mention, ...]:
        found: list[Mention] = []
        done = 0
        shapes = self._shapes(text)
        called = {m.start("name"): m.end("name") for m in CALLED_MODEL.finditer(text)}
        for start in self._starts(text):
            if start < done:
                continue
            best = self._best(text, start, prose, shapes.get(start))
            if best is None and start in called:
                best = self._named(text, start, called[start])
            if best is not None:
                several = self._several(text, best)
                found += several
                done = several[-1].end
        return tuple(found)

    def _starts(self, text: str) -> list[int]:
        """Where names may start: at words, and anywhere in a script without spaces."""
        starts = [word.start() for word in WORD_START.finditer(text)]
        if text.isascii():
            return starts
        return sorted({*starts, *(m.start() for m in self._unspaced.finditer(text))})

    def _several(self, text: str, first: Mention) -> list[Mention]:
        """Names that share a stem: "Qwen2.5-Math-1.5B/7B/72B-Instruct" names three models."""
        more = MORE_SIZES.match(text, first.end) if first.what is What.MODEL else None
        stem = LAST_SIZE.search(first.raw) if more else None
        if more is None or stem is None:
            return [first]
        unit = stem[2] or more["sizes"][-1]
        tail = more["tail"] or ""
        places = [(first.start, first.end, stem[1])]
        for found_size in re.finditer(r"\d+(?:\.\d+)?", more["sizes"]):
            at = more.start("sizes")
            places.append((at + found_size.start(), at + found_size.end() + 1, found_size[0]))
        places[-1] = (places[-1][0], more.end(), places[-1][2])
        head = first.raw[: stem.start()]
        found = []
        for start, end, size in places:
            raw = f"{head}{size}{unit}{tail}"
            name = self.model(raw)
            found.append(Mention(What.MODEL, start, end, name or raw, raw, name is not None))
        return found

    def _shapes(self, text: str) -> dict[int, Shape]:
        """Names by shape, without a preposition or a listed name's neighbour in front."""
        found: dict[int, Shape] = {}
        for match in BENCH_SHAPE.finditer(text):
            start = match.start()
            while True:
                word = LEADING_WORD.match(text, start, match.end())
                if word is None:
                    break
                inner = word.end()
                plain = norm(word[1]) in NO_NAME
                listed = any(
                    m.what is What.BENCHMARK and m.end >= match.end() - 12
                    for m in self._trie.names_at(text, inner)
                )
                if not plain and not listed:
                    break
                start = inner
            again = match if start == match.start() else BENCH_SHAPE.match(text, start)
            if again:
                found[start] = Shape(start, again.end(), again[0])
        for called in (*CALLED_BENCH.finditer(text), *MEASURED_ON.finditer(text)):
            start, end = called.span("name")
            if self._is_benchmark_name(text, start, end):
                joined = called.end() if called.re is CALLED_BENCH else end
                found.setdefault(start, Shape(start, joined, text[start:joined]))
        return found

    def _is_benchmark_name(self, text: str, start: int, end: int) -> bool:
        """What stands before "benchmark" looks like a name, and no listed name is in it."""
        parts = re.split(r"[ -]", text[start:end])
        if any(part.casefold() in NO_BENCH_NAME | NO_NAME for part in parts):
            return False
        if norm(parts[0]) in self.developers or self.family_at_start(text[start:end]):
            return False
        starts = (word.start() for word in WORD_START.finditer(text, start, end))
        if any(self._trie.names_at(text, at) for at in starts):
            return False
        return any(sum(c.isupper() for c in p) > 1 or re.search(r"\d", p) for p in parts)

    def _best(self, text: str, start: int, prose: bool, shape: Shape | None) -> Mention | None:
        listed = [m for m in self._trie.names_at(text, start) if self._admits(m, prose)]
        best = listed[-1] if listed else None
        model = self._family_model(text, start, prose)
        if best and best.what is What.MODEL:
            grown = grow(text, best.start, best.end, prose)
            if grown > best.end and norm(text[best.end : grown]):
                model = self._named(text, start, grown)
                best = model
        if model and (best is None or model.end > best.end):
            best = model
        if best and best.what is What.DEVELOPER and (size := OF_MAKER.match(text, best.end)):
            raw = text[start : size.end()]
            name = self.model(raw) or f"{best.name} {size['size']}"
            best = Mention(What.MODEL, start, size.end(), name, raw, self.model(raw) is not None)
        named = shape and norm(shape.raw) not in NOT_A_BENCH
        longer = best is None or (shape and best.what is not What.MODEL and shape.end > best.end)
        if shape and named and longer:
            best = self._shaped(best, shape)
        if best and best.what is What.BENCHMARK:
            best = self._edition(text, self._of_year(text, best))
        sized = SIZED_MODEL.match(text, start) if best is None or not best.known else None
        if sized and (best is None or sized.end() > best.end):
            best = self._named(text, start, sized.end())
        if prose and best and best.what is What.MODEL and is_no_model(text, start, best.end):
            return None
        return best

    def _shaped(self, listed: Mention | None, shape: Shape) -> Mention:
        """A name by its shape; a listed name with an edition behind it stays that name."""
        name = self.benchmark(shape.raw)
        if name is None and listed and listed.what is What.BENCHMARK:
            if shape.raw[len(listed.raw) :][:1] == " ":
                return listed
            words = re.split(r"[\s\-_]+", shape.raw[len(listed.raw) :].strip(" -_"))
            if all(self.is_edition(word) for word in words):
                name = listed.name
        printed = shape.raw.strip()
        return Mention(What.BENCHMARK, shape.start, shape.end, name or printed, printed, bool(name))

    def is_edition(self, word: str) -> bool:
        """A word that names a part or an edition: "Verified", "v6", "2.0"."""
        return norm(word) in self.variant_words or EDITION.fullmatch(word) is not None

    def _of_year(self, text: str, found: Mention) -> Mention:
        """A contest with the year that stands beside it: "2025 IMO", "MIR de 2024"."""
        if found.name not in self._yearly:
            return found
        behind = YEAR_BEHIND.match(text, found.end)
        before = YEAR_BEFORE.search(text, max(0, found.start - 8), found.start)
        year = behind or before
        if year is None:
            return found
        name = f"{found.name} {year['year']}"
        end = behind.end() if behind else found.end
        raw = text[found.start : end]
        return Mention(found.what, found.start, end, self.benchmark(name) or name, raw, found.known)

    def _edition(self, text: str, found: Mention) -> Mention:
        """Take the words of an edition behind a name into it: "LiveCodeBench v6"."""
        end = found.end
        while True:
            word = re.compile(
                r"[ \-\u00a0](v\d+(?:\.\d+)?|[A-Z][a-z]+|\d\.\d(?!\d|\s?%))(?![\w])"
            ).match(text, end)
            if word is None or not self.is_edition(word[1]) or word[1] in ("Chinese", "English"):
                break
            if word[1] in COMMON_EDITIONS and text[end] == " " and found.known:
                break
            end = word.end()
        if end == found.end:
            return found
        raw = text[found.start : end]
        return Mention(
            found.what, found.start, end, self.benchmark(raw) or found.name, raw, found.known
        )

    def _named(self, text: str, start: int, end: int) -> Mention:
        raw = text[start:end]
        name = self.model(raw)
        return Mention(What.MODEL, start, end, name or self.latin(raw), raw, name is not None)

    def _family_model(self, text: str, start: int, prose: bool) -> Mention | None:
        families = self._family_trie.ends_at(text, start)
        for end in reversed(families):
            grown = grow(text, start, end, prose)
            if not ends(text, grown):
                continue
            raw = text[start:grown]
            latin = any(c.isascii() and c.isalpha() for c in raw)
            written = raw[0].isupper() or (latin and not raw[0].isascii())
            short = len(norm(raw)) < (3 if raw[:1].isupper() and raw[-1:].isupper() else 4)
            if grown == end and (short or raw.islower() or not written):
                continue
            if prose and not re.search(r"\d", raw) and norm(raw) in COMMON_FAMILIES:
                continue
            return self._named(text, start, grown)
        return None

    def _admits(self, mention: Mention, prose: bool) -> bool:
        if not prose or mention.what is not What.BENCHMARK:
            return True
        key = norm(mention.raw)
        if key in self._exact:
            return mention.raw.strip() in self._spellings
        words = " " in mention.raw and mention.raw.islower() and not re.search(r"\d", mention.raw)
        if words and mention.raw not in self._phrases:
            return False  # words that only happen to spell a name: "swe-agent if"
        return key not in self._tables_only
