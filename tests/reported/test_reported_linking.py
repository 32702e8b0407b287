"""Linking numbers to names, and learning how: our own sentences, a corpus of our own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evalkit.reported.extract import extract
from evalkit.reported.gaps import bracket, rows, small_word
from evalkit.reported.linking import Learned, Weights
from evalkit.reported.sentence import Sentence
from evalkit.reported.source import read_sources
from evalkit.reported.train import Recorder, cross_validate, examples, group, learn
from evalkit.reported.vocabulary import Vocabulary

NAMES = Vocabulary.load()
MODELS = ["GPT-5", "Claude Opus 4.5", "DeepSeek-V3", "Grok 5"]
TESTS = ["MMLU", "HumanEval", "BrowseComp", "MATH-500"]


def sentences(tmp_path: Path, text: str) -> list[Sentence]:
    path = tmp_path / "note.md"
    path.write_text(text, encoding="utf-8")
    recorder = Recorder()
    for source in read_sources(str(path)):
        extract(source, NAMES, linker=recorder)
    return recorder.sentences


def test_a_sentence_knows_what_it_leaves_out(tmp_path: Path) -> None:
    text = "# Grok 5\n\nGrok 5 and GPT-5 were tested on MMLU.\n\nThe model reaches 88.4%.\n"
    # A paragraph that names nothing is not read: nothing says that it is about scores.
    assert sentences(tmp_path, text)[-1].text == "Grok 5 and GPT-5 were tested on MMLU."
    text = "# Grok 5\n\nOn MMLU, GPT-5 gets 91.0%.\n\nGPT-4o is behind. Grok 5 reaches 88.4%.\n"
    (found,) = [s for s in sentences(tmp_path, text) if "88.4" in s.text[s.start : s.end]]
    assert [m.name for m in found.models] == ["Grok 5"]
    assert next((n.mention.name, n.how) for n in found.left_benchmarks) == (
        "MMLU",
        "before paragraph0",
    )
    assert "topic" in found.left_models[0].how
    assert [f.number.value for f in found.figures] == [88.4]


def test_a_sentence_of_hundreds_of_numbers_has_none(tmp_path: Path) -> None:
    (found,) = sentences(tmp_path, "On MMLU GPT-5 has " + ", ".join(["71.5"] * 200) + ".\n")
    assert found.figures == ()
    assert Learned().links(found) == []


def test_chances_are_chances_and_the_same_every_time(tmp_path: Path) -> None:
    text = "GPT-5 reaches 91.0% on MMLU, ahead of Grok 5 (88.4%) and DeepSeek-V3 with 87.1%.\n"
    (one,) = sentences(tmp_path, text)
    links = Learned().links(one)
    assert [(x.model.mention.name, x.figure.number.value) for x in links] == [
        ("GPT-5", 91.0),
        ("Grok 5", 88.4),
        ("DeepSeek-V3", 87.1),
    ]
    assert all(0.5 <= x.chance <= 1 for x in links)
    assert links == Learned().links(one)


def test_without_weights_nothing_is_sure_enough(tmp_path: Path) -> None:
    (one,) = sentences(tmp_path, "GPT-5 reaches 91.0% on MMLU.\n")
    assert Learned(Weights({}, {}, {}, 0.6)).links(one) == []
    assert len(Learned(Weights({}, {}, {}, 0.4)).links(one)) == 1


def corpus(folder: Path) -> Path:
    """Documents in which the benchmark stands before its number and the model before both."""
    for name in ("docs", "gold"):
        (folder / name).mkdir(parents=True)
    index = []
    for i, model in enumerate(MODELS):
        for j, test in enumerate(TESTS):
            key, score, other = f"{i}-{j}-own", f"{60 + 7 * i + j}.5", f"{40 + 3 * i + j}.5"
            text = (
                f"{model} reaches {score}% on {test}, up 3.1 points; "
                f"{MODELS[i - 1]} has {other}%. It has 70B parameters.\n"
            )
            gold = [
                {
                    "value": float(value),
                    "value_span": [text.index(value), text.index(value) + len(value)],
                    "model": owner,
                    "model_raw": owner,
                    "benchmark": test,
                    "benchmark_raw": test,
                }
                for value, owner in ((score, model), (other, MODELS[i - 1]))
            ]
            (folder / "docs" / f"{key}.txt").write_text(text, encoding="utf-8")
            (folder / "gold" / f"{key}.jsonl").write_text(
                "".join(json.dumps(g) + "\n" for g in gold), encoding="utf-8"
            )
            index.append({"id": key, "file": f"docs/{key}.txt", "language": "en"})
    (folder / "index.jsonl").write_text("".join(json.dumps(r) + "\n" for r in index))
    (folder / "vocabulary.json").write_text('{"models": {}, "benchmarks": {}}')
    return folder


def test_weights_are_learned_from_a_corpus(tmp_path: Path) -> None:
    given = list(examples(corpus(tmp_path / "corpus"), NAMES))
    assert sum(e.gold is not None for e in given) == 2 * len(MODELS) * len(TESTS)
    weights = learn(given)
    assert weights.number
    assert weights.model
    (one,) = sentences(tmp_path, "Kimi K2 reaches 71.5% on GPQA, up 4.4 points; GLM-5 has 50.1%.\n")
    found = Learned(weights).links(one)
    assert [(x.model.mention.raw, x.figure.number.value) for x in found] == [
        ("Kimi K2", 71.5),
        ("GLM-5", 50.1),
    ]


def test_cross_validation_reads_no_document_with_what_it_taught(tmp_path: Path) -> None:
    given = list(examples(corpus(tmp_path / "corpus"), NAMES))
    for example in given:
        example.document = "one"  # all in one fold: the others teach nothing
    everything = cross_validate(given, 4)["all"]
    assert (everything.gold, everything.taken) == (2 * len(MODELS) * len(TESTS), 0)


def test_translations_are_one_group() -> None:
    assert group("k2-07-mixtral.ru") == group("k1-05-mixtral.en") == "mixtral"
    assert group("peg-gemini-de") == group("peg-gemini-zh")


@pytest.mark.parametrize(
    ("text", "at", "expected"),
    [("a (b 1) c", 5, (2, 6)), ("a (b) 1", 6, None), ("a (b (c) 1", 9, (2, 10))],
)
def test_the_bracket_around_a_place(text: str, at: int, expected: tuple[int, int] | None) -> None:
    assert bracket(text, 0, len(text), at) == expected


def test_rows_and_small_words() -> None:
    text = "1, 2 and 3 but 4"
    places = [(i, i + 1) for i, c in enumerate(text) if c.isdigit()]
    assert rows(text, places) == [(0, 1, 2), (0, 1, 2), (0, 1, 2), (3,)]
    assert small_word("holt 71 % auf dem ") == "auf"
    assert small_word("得分") == ""
