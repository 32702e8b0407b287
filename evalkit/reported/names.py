"""A name at its place in a text, and the tables in which names are looked up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from evalkit.reported.shapes import JOIN, LONGEST, ends, norm


class What(StrEnum):
    """What a name names."""

    BENCHMARK = "benchmark"
    MODEL = "model"
    DEVELOPER = "developer"


@dataclass(frozen=True, slots=True)
class Mention:
    """A name at its place in a text.

    Attributes:
        what: Benchmark, model or developer.
        start: First character in the text.
        end: One behind the last.
        name: Canonical name, or as printed when unknown.
        raw: As printed.
        known: The name is in the vocabulary.
    """

    what: What
    start: int
    end: int
    name: str
    raw: str
    known: bool = True


@dataclass(frozen=True, slots=True)
class Shape:
    """What looks like a benchmark's name, at its place."""

    start: int
    end: int
    raw: str


def index(entries: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Normal forms of names and their aliases, each with its canonical name."""
    found: dict[str, str] = {}
    for name in entries:
        found[norm(name)] = name
    for name, aliases in entries.items():
        for alias in aliases:
            found.setdefault(norm(alias), name)
    found.pop("", None)  # a name of nothing but signs would equal every other one
    return found


class Trie:
    """Names letter by letter, to be found in a text whatever their spaces and hyphens."""

    def __init__(self, names: Mapping[str, tuple[What, str]]) -> None:
        self._root: dict[str, Any] = {}
        self._keys: dict[str, str] = {}  # characters and their normal forms, as they come up
        for key, entry in names.items():
            node = self._root
            for char in key:
                node = node.setdefault(char, {})
            node[""] = entry  # an empty key ends a name

    def _key(self, char: str) -> str:
        key = self._keys.get(char)
        if key is None:
            key = self._keys[char] = norm(char)
        return key

    def names_at(self, text: str, start: int) -> list[Mention]:
        """All names that start at ``start``, shortest first."""
        node, found, gap = self._root, [], 0
        for i in range(start, min(len(text), start + LONGEST)):
            char = text[i]
            key = self._key(char)
            if key:
                for piece in key:
                    node = node.get(piece)  # type: ignore[assignment]
                    if node is None:
                        return found
                gap = 0
                entry = node.get("")
                if entry and ends(text, i + 1):
                    found.append(Mention(entry[0], start, i + 1, entry[1], text[start : i + 1]))
            else:
                gap += 1
                after = text[i + 1 : i + 2]
                if gap > 2 or char not in JOIN or (char == "." and not after.isalnum()):
                    return found
        return found

    def ends_at(self, text: str, start: int) -> list[int]:
        """Ends of names that start here, whatever follows but another letter."""
        node, found = self._root, []
        for i in range(start, min(len(text), start + LONGEST // 2)):
            key = self._key(text[i])
            if not key:
                if text[i] not in JOIN:
                    break
                continue
            for piece in key:
                node = node.get(piece)  # type: ignore[assignment]
                if node is None:
                    return found
            after = text[i + 1 : i + 2]
            if "" in node and (not after.isalpha() or (after.isascii() and not text[i].isascii())):
                found.append(i + 1)
        return found
