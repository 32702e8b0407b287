"""Scores in running text: nine languages, our own sentences."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from evalkit.reported.claim import Claim
from evalkit.reported.extract import extract
from evalkit.reported.numbers import worth
from evalkit.reported.source import read_sources
from evalkit.reported.vocabulary import Vocabulary

NAMES = Vocabulary.load()
READ = tomllib.loads((Path(__file__).parent / "prose_cases.toml").read_text())["case"]
CASES = [
    pytest.param(
        case["language"],
        case["text"],
        {(m, b, v) for m, b, v in case["scores"]},
        marks=[pytest.mark.xfail(reason=case["missed"], strict=True)] if "missed" in case else [],
    )
    for case in READ
]


def claims(
    tmp_path: Path, text: str, language: str | None = None, name: str = "note.txt"
) -> tuple[Claim, ...]:
    path = tmp_path / name
    path.write_bytes(text.encode())
    (source,) = read_sources(str(path))
    return extract(source, NAMES, language).claims


@pytest.mark.parametrize(("language", "text", "expected"), CASES, ids=range(len(CASES)))
def test_sentence(
    tmp_path: Path, language: str, text: str, expected: set[tuple[str, str, float]]
) -> None:
    found = claims(tmp_path, text, language)
    assert {(c.model, c.benchmark, c.value) for c in found if c.value is not None} == expected


@pytest.mark.parametrize(
    ("language", "text"), [(c["language"], c["text"]) for c in READ], ids=range(len(CASES))
)
def test_a_span_points_at_the_printed_number(tmp_path: Path, language: str, text: str) -> None:
    for claim in claims(tmp_path, text, language):
        if claim.value is not None:
            assert claim.span is not None
            start, end = claim.span
            assert worth(text[start:end], language) == claim.value


def test_the_topic_comes_from_the_paragraph_before_a_pronoun(tmp_path: Path) -> None:
    found = claims(
        tmp_path,
        "# Grok 5\n\nGrok 5 is out. GPT-4o is older.\n\nIt reaches 88.4% on GPQA Diamond.\n",
        name="note.md",
    )
    assert [(c.model, c.value) for c in found] == [("Grok 5", 88.4)]


def test_words_broken_at_a_line_end_are_one_name(tmp_path: Path) -> None:
    text = (
        "In a series of runs that we describe below, the distilled model DeepSeek-\n"
        "R1-Distill-Qwen-7B achieves 55.5% on AIME 2024, which is more than the base has, and the\n"
        "larger sibling is better still on nearly everything that we have tried so far this year.\n"
        "It was trained with the same data, and nothing else was changed in the recipe at all.\n"
        "The next section shows more of it.\n"
    )
    found = claims(tmp_path, text)
    assert [(c.model, c.benchmark, c.value) for c in found] == [
        ("DeepSeek-R1-Distill-Qwen-7B", "AIME 2024", 55.5)
    ]


@pytest.mark.parametrize(
    ("text", "comparator", "versus", "benchmark"),
    [
        ("Grok 5 beats GPT-4o on HLE.", ">", "GPT-4o", "Humanity's Last Exam"),
        ("GLM-5 ist besser als DeepSeek-V3 auf MMLU.", ">", "DeepSeek-V3", "MMLU"),
        ("Kimi K3 è alla pari con GPT-5 nei test di coding.", "~", "GPT-5", "unspecified"),
        ("GLM-5 登顶 EQ-Bench 3。", "best", None, "EQ-Bench 3"),
        ("Step-4 trails Claude Opus 4.5 on MMLU-Pro.", "<", "Claude Opus 4.5", "MMLU-Pro"),
        ("PLaMo 3 は MMLU で GPT-4o を上回る性能を示した。", ">", "GPT-4o", "MMLU"),
    ],
)
def test_comparisons_have_a_comparator_and_no_number(
    tmp_path: Path, text: str, comparator: str, versus: str | None, benchmark: str
) -> None:
    (claim,) = claims(tmp_path, text)
    assert (claim.comparator, claim.versus, claim.benchmark, claim.value) == (
        comparator,
        versus,
        benchmark,
        None,
    )


def test_who_reports(tmp_path: Path) -> None:
    found = claims(
        tmp_path,
        "According to Moonshot AI, Kimi K3 gets 68.2% on BrowseComp, ahead of GPT-5 with 54.9%.\n",
    )
    assert {(c.model, c.reported_by, c.reporter) for c in found} == {
        ("Kimi K3", "vendor", "Moonshot AI"),
        ("GPT-5", "third party", "Moonshot AI"),
    }


def test_an_unknown_benchmark_comes_through_as_printed_and_marked(tmp_path: Path) -> None:
    (claim,) = claims(tmp_path, "Jamba 2 reaches 43.5% on QuuxBench v2.")
    assert claim.benchmark == "QuuxBench v2"
    assert "benchmark" in claim.setting["unknown_name"]


def test_a_maker_quoted_on_something_else_does_not_report_rivals(tmp_path: Path) -> None:
    found = claims(
        tmp_path,
        "Baidu said that its cloud grew by a third.\n\n"
        "Tencent's Hunyuan Image 3.0 topped the LMArena ranking of image models.\n",
    )
    assert {(c.model, c.benchmark, c.reporter) for c in found} == {
        ("Hunyuan Image 3.0", "LMArena", None)
    }


def test_a_name_without_its_space_is_compared_with_under_one_name(tmp_path: Path) -> None:
    found = claims(
        tmp_path, "GLM-5 beats Claude4 on MMLU.\n\nGLM-5 is on par with Claude 4 on GPQA.\n"
    )
    assert {c.versus for c in found} == {"Claude 4"}


def test_small_coder_models_are_known(tmp_path: Path) -> None:
    found = claims(
        tmp_path,
        "Qwen2.5-Coder-0.5B-Instruct gets 60.2% and Qwen2.5-Coder-1.5B-Instruct 69.9% "
        "on HumanEval.\n",
    )
    assert {c.model for c in found} == {
        "Qwen2.5-Coder-0.5B-Instruct",
        "Qwen2.5-Coder-1.5B-Instruct",
    }
    assert not any("unknown_name" in c.setting for c in found)
