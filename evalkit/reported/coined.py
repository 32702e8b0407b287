"""Names that a document gives its own models and tests: "Tiny Recursion Model (TRM)", "Agent S3".

No list has them. A document tells them by an acronym in brackets behind the name in full, or by
what they do: a name with a version that scores, reaches or achieves something is a model's::

    >>> coined = Coined(Vocabulary.load(), ["Sparse Echo Model (SEM) scores 71 on MMLU."])
    >>> [m.name for m in coined.read("SEM-Large gets 80.", [])]
    ['SEM-Large']
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from evalkit.reported.shapes import words
from evalkit.reported.vocabulary import Mention, Vocabulary, What, norm

_BRACKET = re.compile(
    r"(?P<long>\b[A-Z][\w-]+(?:[ -](?:of|for|the|and|in|on|with|to|[A-Z][\w-]*)){1,7})"
    r"(?:\s?[(（]|, (?:kurz|short|abgekürzt|abrégé|abreviado|in breve|сокращённо)[: ]+)"
    r"(?P<short>[A-Z][A-Za-z]{0,6}[A-Z]\d?)(?![\w-])",
    re.ASCII,
)
# What the last word of a name in full says that it names.
_MODEL_KINDS = words(
    "model modell network transformer agent reasoner machine coder assistant llm lm engine solver"
)
_BENCH_KINDS = words(
    "benchmark exam examination evaluation test challenge leaderboard suite arena olympiad"
    " tournament contest competition index"
)
# Names of kinds of models: "Large Language Model (LLM)" is nobody's.
_KINDS = words(
    "large small language vision visual reward process outcome foundation world diffusion mixture"
    " multimodal multi-modal multi modal deep neural recurrent convolutional state space latent"
    " masked autoregressive auto-regressive pretrained pre-trained generative reasoning policy"
    " value markov hidden graph gaussian statistical linear model models network transformer agent"
    " action video image text audio speech embedding causal base open ai of for the and in on with"
    " to bert encoder decoder adversarial attention residual feedforward feed-forward virtual"
    " intelligence general artificial machine finite turing learning natural processing"
)
_SCORER = re.compile(
    r"(?<![\w./@-])(?P<name>[A-Z][A-Za-z]+(?:[ -][A-Z][A-Za-z]*){0,2}[ -]?[A-Z]?\d+(?:\.\d+)?"
    r"(?:-[A-Za-z]\w*)*)"
    r"\s(?:(?:now|even|already|also|still|then)\s)?(?:scor(?:es|ed)|achiev(?:es|ed)|reach(?:es|ed)"
    r"|attain(?:s|ed)|obtain(?:s|ed)|surpass(?:es|ed)|outperform(?:s|ed)|erreicht|erzielt|atteint"
    r"|obtient|obtiene|alcanza|logra|ottiene|raggiunge|набирает|набрал\w*|достиг\w*)\b(?=[^.;\n]{0,40}\d)",
    re.ASCII,
)
# What bears a number and is no model.
_NUMBERED = words(
    "in on at by from since until table figure fig section chapter version step stage phase round"
    " day week month year level part task group class page appendix equation note line row column"
    " team top run trial test exam season episode act article item question problem set batch seed"
    " epoch layer tier rank category type case example experiment option method baseline config"
    " january february march april may june july august september october november december"
    " q1 q2 q3 q4 h1 h2 both all only about over under nearly almost series cluster gpu tpu cpu"
    " windows android ios python ubuntu cuda gen generation web area nvidia apple amd intel"
)
_TAIL = r"(?:-(?:[A-Z][A-Za-z]*|\d+(?:\.\d+)?[BM])(?![a-z]))*(?![\w-])"


class Coined:
    """Finds the names that one document coins.

    Args:
        vocabulary: Names; what it knows already is not coined.
        texts: The paragraphs of the document.
    """

    def __init__(self, vocabulary: Vocabulary, texts: Iterable[str] = ()) -> None:
        self._vocabulary = vocabulary
        self._names: dict[str, tuple[What, str]] = {}
        for text in texts:
            for printed, what, name in self._told(text):
                self._names.setdefault(printed, (what, name))
        longest = sorted(self._names, key=len, reverse=True)
        self._any = re.compile(
            rf"(?<![\w./@-])(?P<name>{'|'.join(map(re.escape, longest))}){_TAIL}"
            if longest
            else r"(?!)",
            re.ASCII,
        )

    def _told(self, text: str) -> Iterator[tuple[str, What, str]]:
        """Names that a text introduces, each as printed, what it names and its name."""
        for match in _BRACKET.finditer(text):
            long, what = _in_full(match["long"], match["short"])
            if what is None or self._is_known(match["short"]) or self._is_known(long):
                continue
            yield match["short"], what, match["short"]
            yield long, what, match["short"]
        for match in _SCORER.finditer(text):
            first = re.split(r"[ -]", match["name"])[0]
            if norm(first) not in _NUMBERED and not self._is_known(match["name"]):
                yield match["name"], What.MODEL, match["name"]

    def _is_known(self, name: str) -> bool:
        return bool(self._vocabulary.find(name, prose=False))

    def read(self, text: str, named: Sequence[Mention]) -> list[Mention]:
        """The coined names in a text, beside the names that are found already."""
        found: list[Mention] = []
        for match in self._any.finditer(text):
            if any(m.start < match.end() and match.start() < m.end for m in named):
                continue
            what, name = self._names[match["name"]]
            tail = match[0][len(match["name"]) :]
            found.append(Mention(what, *match.span(), f"{name}{tail}", match[0], known=False))
        return found


def _in_full(long: str, short: str) -> tuple[str, What | None]:
    """The end of a phrase whose first letters spell an acronym, and what it names."""
    parts = [m for m in re.finditer(r"[A-Za-z][\w]*", long)]
    letters = [c.lower() for c in short if c.isupper()]
    at = len(letters) - 1
    for part in reversed(parts):
        if at >= 0 and part[0][0].lower() == letters[at]:
            at -= 1
        elif part[0][0].isupper():
            break
        if at < 0:
            full = long[part.start() :]
            own = [p for p in re.findall(r"[A-Za-z][\w-]*", full.lower())]
            last = own[-1]
            if all(word in _KINDS for word in own):
                return full, None
            if last in _MODEL_KINDS:
                return full, What.MODEL
            return full, What.BENCHMARK if last in _BENCH_KINDS else None
    return long, None
