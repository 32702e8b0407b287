"""What speaks for a number belonging to a name: traits of the sentence, each a short string.

A trait says one thing that can be seen: the name stands left of the number, two commas between
them, another number between them, both in the same bracket, as many names as numbers and this one
in the same place. Of words only those right beside the number and the name count (Chinese, Japanese
and Korean, which set their particles behind, are told apart from the others). Which traits count
how much is learned (``train.py``); :mod:`evalkit.reported.linking` adds the weights up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from evalkit.reported import cues
from evalkit.reported.gaps import (
    commas,
    contrasts,
    depth,
    first_token,
    last_token,
    marks,
    rows,
    small_word,
    step,
    word_count,
)
from evalkit.reported.sentence import PARTICLES_BEHIND, Figure, Name, Sentence
from evalkit.reported.vocabulary import Mention, norm

_FROM_TO = re.compile(
    r"\s*(?:%|％|points?|分)?\s*(?:to|auf|à|a|до|→|->|提升(?:到|至|到了)|提高(?:到|至)|增(?:加"
    r"|长)(?:到|至)|大幅提升至|から|에서)\s*(?:an? )?(?:impressive |remarkable )?",
    re.IGNORECASE,
)
_VERSUS = re.compile(
    r"\s*(?:%|％)?\s*(?:vs\.?|versus|против|gegenüber|contre|contra|frente a|contro|对比?|対"
    r"|대비?)\s*(?:about |around |roughly |nearly |approximately |only |just |etwa |rund |environ "
    r"|circa |约|約|~|≈)?",
    re.IGNORECASE,
)
_QUOTE = re.compile(r"^['’\"”»」』*]+")
_PRONOUN = re.compile(
    r"\b(?:it|its|the model|they|le modèle|il modello|das modell|el modelo|модель|он|она|es|sie"
    r"|il|elle)\b|该模型|这款|它|同モデル|このモデル|이 모델|해당 모델",
    re.IGNORECASE,
)
_OWN = 14  # characters between a name and a number of its own
_OWN_BEHIND = 8


class Evidence:
    """The traits of one sentence's names for its numbers.

    Args:
        sentence: The sentence.
        models: Of its models; else of its benchmarks.
    """

    def __init__(self, sentence: Sentence, *, models: bool) -> None:
        self._s = sentence
        self._models = models
        self._names = sentence.names(models)
        self._others = sentence.names(not models)
        text = sentence.text
        self._name_rows = rows(text, [(m.start, m.end) for m in self._names])
        self._index = {f.start: i for i, f in enumerate(sentence.likely)}
        self._here = {norm(m.raw) for m in self._names} | {norm(m.name) for m in self._names}
        self._distinct = len({m.name for m in self._names})

    def of(self, figure: Figure, name: Name) -> list[str]:
        """The traits of one name for one number."""
        if name.how:
            return list(self._left_behind(figure, name))
        return list(self._in_sentence(figure, name.mention))

    def of_model(self, figure: Figure, name: Name, benchmark: Name) -> list[str]:
        """The traits of one model for one number whose benchmark is known.

        Args:
            figure: The number.
            name: The model.
            benchmark: Of what the number is a score.
        """
        return [
            *self.of(figure, name),
            *self._in_turn(figure, name, benchmark),
        ]

    def _in_turn(self, figure: Figure, name: Name, given: Name) -> Iterator[str]:
        """Whose turn it is: the first number of a benchmark is the subject's, the second not."""
        s, likely, benchmark = self._s, self._s.likely, given.mention
        place = name.kind
        if not place:
            side = "left" if name.mention.end <= figure.start else "right"
            place = f"{side} compared={s.compared.get(name.mention.start, 'no')}"
            place += " subject" if name.mention is s.subject else ""
        if not given.how:
            low = min(benchmark.end, figure.end)
            high = max(benchmark.start, figure.start)
            between = sum(low <= f.start < high and f is not figure for f in likely)
            turn = f"{min(4, between)}"
            turn += "" if benchmark.start < figure.start else " right"
        else:
            turn = f"{min(4, sum(f.start < figure.start for f in likely))} none"
        before = [f.number.end for f in likely if f.start < figure.start]
        gap = s.text[max(before, default=s.start) : figure.start]
        contrast = int(contrasts(gap))
        inside = int(self._s.brackets[figure.start] is not None)
        pairs = list(self._paired(figure)) or ["no pair"]
        yield f"{place}: turn={turn}"
        yield f"{place}: contrast={contrast} after={int(bool(before))}"
        yield f"{place}: turn={turn} contrast={contrast} inside={inside}"
        yield from (f"{place}: {pair}" for pair in pairs)

    # names in the sentence ------------------------------------------------------------------

    def _in_sentence(self, figure: Figure, name: Mention) -> Iterator[str]:
        text = self._s.text
        side = "left" if name.end <= figure.start else "right"
        left = side == "left"
        start, end = (name.end, figure.start) if left else (figure.end, max(name.start, figure.end))
        gap = text[start:end]
        numbers = sum(start <= f.start < end and f is not figure for f in self._s.likely)
        same = self._between(self._names, start, end, name)
        yield side
        yield f"cjk={int(self._s.language in PARTICLES_BEHIND)} {side}"
        yield from (f"{side} {mark}" for mark in marks(gap))
        yield f"{side} numbers={min(3, numbers)}"
        yield f"{side} same kind={min(3, same)}"
        yield f"{side} other kind={min(3, self._between(self._others, start, end, None))}"
        yield f"{side} numbers={min(2, numbers)} same kind={min(2, same)}"
        yield f"{side} numbers={min(2, numbers)} commas={min(3, commas(gap))}"
        yield f"{side} numbers={min(2, numbers)} depth={max(-2, min(2, depth(gap)))}"
        yield from self._words(figure, name, gap, left)
        yield from self._place(figure, name, left)
        yield from self._in_rows(figure, name)
        yield from self._taken(figure, name, side, numbers)
        if self._models:
            yield from self._as_model(figure, name, side, numbers)

    def _sides(self, figure: Figure) -> tuple[list[Mention], list[Mention]]:
        """The names left of a number, and those right of it."""
        lefts = [m for m in self._names if m.end <= figure.start]
        return lefts, [m for m in self._names if m.start >= figure.end]

    def _between(self, names: Sequence[Mention], start: int, end: int, but: Mention | None) -> int:
        """How many other names of a kind stand in a gap."""
        return sum(
            start <= m.start and m.end <= end and (but is None or m.name != but.name) for m in names
        )

    def _words(self, figure: Figure, name: Mention, gap: str, left: bool) -> Iterator[str]:
        """The small words beside the name and the number."""
        before = self._s.text[self._s.start : name.start]
        if left:
            yield f"small word before the number={small_word(gap)}"
            yield f"before the number={last_token(gap)}"
            yield f"small word before the name={small_word(before)}"
            yield f"behind the name={first_token(gap)}"
        else:
            yield f"small word to the name={small_word(gap)}"
            yield f"behind the number={first_token(gap)}"
            yield f"leads to the right={int(cues.TO_RIGHT.search(gap) is not None)}"
            yield f"breaks={int(cues.BREAKS.search(gap) is not None)}"

    def _place(self, figure: Figure, name: Mention, left: bool) -> Iterator[str]:
        """Which name of several it is, and in which brackets the two stand."""
        lefts, rights = self._sides(figure)
        near = "far"
        if lefts and name is max(lefts, key=lambda m: m.end):
            near = "nearest left"
        elif rights and name is min(rights, key=lambda m: m.start):
            near = "nearest right"
        around, of_name = self._s.brackets[figure.start], self._s.brackets[name.start]
        if around is None and of_name is None:
            brackets = "none"
        elif around == of_name:
            brackets = "same"
        elif of_name is None:
            brackets = "number in"
        else:
            brackets = "name in" if around is None else "both"
        yield near
        yield f"{near} of left={int(bool(lefts))} right={int(bool(rights))}"
        yield f"{near} brackets={brackets}"
        yield f"brackets={brackets}"
        if around and left:
            heads = around[0] >= name.end and not self._s.text[name.end : around[0]].strip()
            yield f"heads the bracket={int(heads)}"
        if of_name and not left and of_name[0] >= figure.end:
            tight = not self._s.text[figure.end : of_name[0]].strip(" %％")
            yield f"bracket behind the number={int(tight)}"
        yield f"names={min(3, self._distinct)} numbers={min(4, len(self._s.likely))}"
        yield f"{near} only={int(self._distinct == 1)}"
        yield f"only={int(self._distinct == 1)}"
        index = self._names.index(name)
        yield f"index={min(3, index)}"
        yield f"known={int(name.known)}"

    def _in_rows(self, figure: Figure, name: Mention) -> Iterator[str]:
        """A list of names beside a list of as many numbers: the same place in both or another."""
        at = self._index.get(figure.start)
        if at is None:
            return
        place = self._names.index(name)
        numbers, names = self._s.rows[figure.start], self._name_rows[place]
        if len(numbers) == len(names) > 1:
            same = int(numbers.index(figure) == names.index(place))
            said = cues.RESPECTIVELY.search(self._s.text, self._s.start, self._s.end) is not None
            side = "left" if name.end <= figure.start else "right"
            yield f"same place in rows={same}"
            yield f"same place in rows={same} {side}"
            yield f"same place in rows={same} of {min(3, len(names))}"
            yield f"same place in rows={same} respectively={int(said)}"
        if len(self._s.likely) == len(self._names) > 1:
            yield f"same place of all={int(at == place)}"
        elif self._names[1:] and not len(self._s.likely) % len(self._names):
            yield f"same place in turn={int(at % len(self._names) == place)}"
        if len(numbers) > 1 and len(names) == 1:
            yield "one name for a row"

    def _taken(self, figure: Figure, name: Mention, side: str, numbers: int) -> Iterator[str]:
        """Another number stands right beside the name."""
        text = self._s.text
        behind = any(
            f is not figure
            and name.end <= f.start < name.end + _OWN
            and not re.search(r"[,;，；]\s", text[name.end : f.start])
            for f in self._s.likely
        )
        before = any(
            f is not figure and f.end <= name.start < f.end + _OWN_BEHIND for f in self._s.likely
        )
        yield f"own number behind={int(behind)}"
        yield f"own number behind={int(behind)} {side} numbers={min(1, numbers)}"
        yield f"own number before={int(before)}"

    def _as_model(self, figure: Figure, name: Mention, side: str, numbers: int) -> Iterator[str]:
        """What only models have: being the subject, or the one that is compared with."""
        text = self._s.text
        how = self._s.compared.get(name.start, "no")
        subject = int(name is self._s.subject)
        yield f"compared={how}"
        yield f"compared={how} {side} numbers={min(3, numbers)}"
        yield f"subject={subject}"
        yield f"subject={subject} {side}"
        if side == "left":
            gap = _QUOTE.sub("", text[name.end : figure.start])
            yield f"bound={int(cues.BOUND_TO_MODEL.fullmatch(gap) is not None)}"
        else:
            gap = text[figure.number.end : name.start]
            yield f"of the model={int(cues.OF_MODEL.fullmatch(gap) is not None)}"
        yield from (f"{pair} compared={how} subject={subject}" for pair in self._paired(figure))
        again = any(m is not name and m.name == name.name for m in self._names)
        yield f"named again={int(again)}"

    def _paired(self, figure: Figure) -> Iterator[str]:
        """The number is one of two: "56 vs. 51", "from 48 to 81"."""
        at = self._index.get(figure.start)
        if at is None:
            return
        likely = self._s.likely
        for place, first, second in (("second", at - 1, at), ("first", at, at + 1)):
            if first < 0 or second >= len(likely):
                continue
            gap = self._s.text[likely[first].number.end : likely[second].start]
            if _VERSUS.fullmatch(gap):
                yield f"{place} of versus"
            elif _FROM_TO.fullmatch(gap):
                yield f"{place} of from to"

    # names from before ------------------------------------------------------------------------

    def _left_behind(self, figure: Figure, name: Name) -> Iterator[str]:
        text, how, kind = self._s.text, name.how, name.kind
        inside = min(3, self._distinct)
        lefts, rights = self._sides(figure)
        free = [m for m in self._names if m.start not in self._s.compared]
        at = self._index.get(figure.start)
        yield f"from before: {how}"
        yield f"from before, any place: {kind}"
        yield f"from before: {how} inside={inside}"
        yield f"from before: inside={inside}"
        yield f"from before: {how} left={int(bool(lefts))} right={int(bool(rights))}"
        yield f"from before: {how} free={min(2, len(free))}"
        yield (f"from before: {how} free left={min(2, sum(m.end <= figure.start for m in free))}")
        yield f"from before: {how} follows={int(self._s.follows)}"
        yield f"from before: number={min(2, at or 0)} inside={min(1, inside)}"
        if name.far:
            yield f"from before: far={min(4, name.far)}"
            yield f"from before: far={min(4, name.far)} inside={int(bool(self._names))}"
        yield from self._in_list_before(name, at)
        if self._models:
            yield from self._model_before(figure, name, lefts, rights)
        else:
            start, end = self._s.start, self._s.end
            yield f"same test={int(cues.SAME_TEST.search(text, start, end) is not None)}"
            yield f"other test={int(cues.OTHER_TEST.search(text, start, end) is not None)}"
            yield f"many tests={int(cues.MANY_TESTS.search(text, start, end) is not None)}"
            yield f"from before: {how} result={int(self._s.is_result)}"

    def _in_list_before(self, name: Name, at: int | None) -> Iterator[str]:
        """As many numbers as an earlier sentence listed names."""
        listed = self._s.listed_models if self._models else self._s.listed_benchmarks
        if at is None or not len(listed) == len(self._s.likely) > 1:
            return
        if name.mention.name in listed:
            same = int(listed.index(name.mention.name) == at)
            said = cues.RESPECTIVELY.search(self._s.text, self._s.start, self._s.end) is not None
            yield f"same place in the list before={same}"
            yield f"same place in the list before={same} respectively={int(said)}"

    def _model_before(
        self,
        figure: Figure,
        name: Name,
        lefts: Sequence[Mention],
        rights: Sequence[Mention],
    ) -> Iterator[str]:
        text = self._s.text
        if lefts:
            nearest = max(lefts, key=lambda m: m.end)
            gap = text[nearest.end : figure.start]
            words = step(word_count(gap), (0, 1, 2, 4, 7, 12))
            how = self._s.compared.get(nearest.start, "no")
            yield f"from before: left words={words}"
            yield f"from before: left compared={how}"
            yield f"from before: left compared={how} words={words}"
            yield f"from before: left bound={int(cues.BOUND_TO_MODEL.fullmatch(gap) is not None)}"
        if rights:
            nearest = min(rights, key=lambda m: m.start)
            gap = text[figure.number.end : nearest.start]
            yield f"from before: right of={int(cues.OF_MODEL.fullmatch(gap) is not None)}"
            yield f"from before: right compared={self._s.compared.get(nearest.start, 'no')}"
        pronoun = _PRONOUN.search(text, self._s.start, figure.start) is not None
        yield f"from before: also here={int(norm(name.mention.raw) in self._here)}"
        yield f"from before: pronoun={int(pronoun)}"
