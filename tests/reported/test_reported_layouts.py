"""Scores in tables with unusual cells, heads, rows and columns: small tables of our own."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalkit.reported.claim import Claim
from tests.reported.test_reported_tables import read, triples


def scored(claims: tuple[Claim, ...]) -> set[tuple[str, str, str | None, float | None]]:
    return {(c.model, c.benchmark, c.variant, c.value) for c in claims}


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("Elo 1937", 1937.0),
        ("1937 Elo", 1937.0),
        ("Rating: 1937", 1937.0),
        ("🏆 76.0", 76.0),
        ("🥇 **76.0**", 76.0),
        ("76.0 🔥", 76.0),
        ("[76.0](https://example.org/run)", 76.0),
        ("[76.0]", 76.0),
        ("76.0% <sup>1</sup>", 76.0),
        ("76.0<sup>a</sup>", 76.0),
        ("1234.6", 1234.6),
        ("2024.6", 2024.6),
        ("76.0 (†)", 76.0),
    ],
)
def test_a_figure_with_something_beside_it(tmp_path: Path, cell: str, value: float) -> None:
    text = f"| Model | Codeforces | MMLU |\n|---|---|---|\n| GPT-5 | {cell} | 91.5 |\n"
    text += "| Grok 5 | 1812.5 | 90.5 |\n"
    assert ("GPT-5", "Codeforces", value) in triples(read(tmp_path, text))


@pytest.mark.parametrize(
    "cell", ["62-65", "🟢 12 🔴 8", "164 ✓ / 36 ✗", "$3.10", "3.0e-5", "+2.1", "5th"]
)
def test_what_is_no_score_in_a_cell(tmp_path: Path, cell: str) -> None:
    text = f"| Model | GPQA | MMLU |\n|---|---|---|\n| GPT-5 | {cell} | 91.5 |\n"
    assert triples(read(tmp_path, text)) == {("GPT-5", "MMLU", 91.5)}


def test_scores_below_zero_stand_among_scores_above(tmp_path: Path) -> None:
    text = (
        "| Model | FollowIR | MMLU |\n|---|---|---|\n| GPT-5 | -0.7 | 91.5 |\n"
        "| Grok 5 | 5.1 | 90.0 |\n"
    )
    assert ("GPT-5", "FollowIR", -0.7) in triples(read(tmp_path, text))
    text = text.replace("5.1", "+5.1")
    assert not any(c.value == -0.7 for c in read(tmp_path, text))


def test_release_months_are_no_scores(tmp_path: Path) -> None:
    text = (
        "| Model | Since | MMLU |\n|---|---|---|\n| GPT-5 | 2025.8 | 91.5 |\n"
        "| Grok 5 | 2025.11 | 90.0 |\n"
    )
    assert {c.benchmark for c in read(tmp_path, text)} == {"MMLU"}


@pytest.mark.parametrize(
    "head",
    ["Average Sparsity", "in ($/M)", "out", "Input", "Bitwidth", "Phase", "# Tokens", "Speedup"],
)
def test_columns_of_sizes_and_prices_are_no_benchmarks(tmp_path: Path, head: str) -> None:
    text = (
        f"| Model | {head} | MMLU |\n|---|---|---|\n| GPT-5 | 12.5 | 91.0 |\n"
        f"| Grok 5 | 9.5 | 90.5 |\n"
    )
    assert {c.benchmark for c in read(tmp_path, text)} == {"MMLU"}


def test_a_row_with_cells_too_few_or_too_many_is_left_out(tmp_path: Path) -> None:
    head = "| Model | MMLU | GPQA |\n|---|---|---|\n| GPT-5 | 91.0 | 85.0 |\n"
    for row in ("| Grok 5 | 90.5 |\n", "| Grok | 5 | 90.5 | 88.4 |\n"):
        assert {c.model for c in read(tmp_path, head + row + "| Grok 4 | 88.0 | 87.0 |\n")} == {
            "GPT-5",
            "Grok 4",
        }
    padded = head + "| Grok 5 | 90.5 | |\n| **Open models** |\n| Grok 4 | 88.0 | 87.0 | - |\n"
    assert {c.value for c in read(tmp_path, padded)} == {91.0, 85.0, 90.5, 88.0, 87.0}
    page = (
        "<table><tr><th>Model<th>MMLU<th>GPQA<tr><td>GPT-5<td>91.0<td>85.0<tr><td>Grok 5<td>88.4"
        "<tr><td>Grok 4<td>88.0<td>87.0</table>"
    )
    assert {c.value for c in read(tmp_path, page, "page.html")} == {91.0, 85.0, 88.0, 87.0}


@pytest.mark.parametrize(
    ("above", "heads", "variants"),
    [
        ("## C-Eval", "Valid (0-shot) | Test (5-shot)", {"Valid (0-shot)", "Test (5-shot)"}),
        ("## C-Eval results", "STEM | Average", {"STEM", "Average"}),
        ("C-Eval has two splits, both in Chinese.", "dev | test", {"dev", "test"}),
    ],
)
def test_splits_and_averages_are_parts(
    tmp_path: Path, above: str, heads: str, variants: set[str]
) -> None:
    text = f"{above}\n\n| Model | {heads} |\n|---|---|---|\n| GPT-5 | 81.5 | 80.5 |\n"
    assert {(c.benchmark, c.variant) for c in read(tmp_path, text)} == {
        ("C-Eval", v) for v in variants
    }


def test_an_unlisted_set_of_data_is_named_by_the_heading_above_its_splits(tmp_path: Path) -> None:
    text = (
        "## Sentiment: FooSent\n\n| Model | Dev | Test |\n|---|---|---|\n| GPT-5 | 91.0 | 85.0 |\n"
    )
    assert triples(read(tmp_path, text)) == {("GPT-5", "FooSent", 91.0), ("GPT-5", "FooSent", 85.0)}
    sizes = "## Data\n\n| Dataset | Train | Test |\n|---|---|---|\n| GSM8K | 7473 | 1319 |\n"
    assert read(tmp_path, sizes) == ()


def test_metrics_alone_measure_the_models_of_a_document(tmp_path: Path) -> None:
    text = (
        "# Sorting letters with GPT-5\n\nWe asked GPT-5.\n\n"
        "| | Precision | Recall | F1 |\n|---|---|---|---|\n| plain | 61.5 | 70.5 | 65.5 |\n"
        "| with examples | 72.5 | 85.0 | 78.5 |\n"
    )
    claims = read(tmp_path, text)
    assert {(c.model, c.benchmark) for c in claims} == {
        ("GPT-5", "Precision"),
        ("GPT-5", "Recall"),
        ("GPT-5", "F1"),
    }
    assert {c.setting["stated"] for c in claims} == {"plain", "with examples"}


@pytest.mark.parametrize(
    "words", ["Precisión | Puntuación F1", "精确率 | 召回率", "Präzision | F1-Score"]
)
def test_metrics_in_other_languages(tmp_path: Path, words: str) -> None:
    text = (
        f"# GPT-5\n\nGPT-5.\n\n| | {words} |\n|---|---|---|\n| a | 61.5 | 70.5 |\n"
        f"| b | 62.5 | 71.5 |\n"
    )
    assert {c.model for c in read(tmp_path, text)} == {"GPT-5"}


def test_headers_in_the_middle_start_another_table(tmp_path: Path) -> None:
    text = (
        "| Text to image | | |\n|---|---|---|\n| | FooQA | BarQA |\n| GPT-5 | 92.0 | 70.0 |\n"
        "| Image to text | | |\n| | BazQA | QuxQA |\n| GPT-5 | 99.5 | 81.5 |\n"
    )
    assert triples(read(tmp_path, f"## Retrieval results\n\n{text}")) == {
        ("GPT-5", "FooQA", 92.0),
        ("GPT-5", "BarQA", 70.0),
        ("GPT-5", "BazQA", 99.5),
        ("GPT-5", "QuxQA", 81.5),
    }
    text = (
        "| Model | MMLU | GPQA |\n|---|---|---|\n| GPT-5 | 91.0 | 85.0 |\n"
        "| Model | AIME 2024 | HMMT 2025 |\n| GPT-5 | 94.0 | 82.5 |\n"
    )
    assert {c.benchmark for c in read(tmp_path, text)} == {"MMLU", "GPQA", "AIME 2024", "HMMT 2025"}


def test_tables_side_by_side(tmp_path: Path) -> None:
    text = (
        "## C-Eval\n\n| Models | Valid | Test | Models | Valid | Test |\n"
        "|---|---|---|---|---|---|\n"
        "| GPT-5 | 91.0 | 90.0 | Grok 5 | 81.0 | 80.0 |\n"
    )
    assert {(c.model, c.value) for c in read(tmp_path, text)} == {
        ("GPT-5", 91.0),
        ("GPT-5", 90.0),
        ("Grok 5", 81.0),
        ("Grok 5", 80.0),
    }


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("openrouter/qwen/Qwen4-Max", "Qwen4-Max"),
        ("accounts/someone/models/Qwen4-Max", "Qwen4-Max"),
        ("Qwen4-Max (from their report)", "Qwen4-Max"),
        ("Qwen4-Max (引自论文)", "Qwen4-Max"),
        ("Foo-Mixtral (8x7B)", "Foo-Mixtral"),
    ],
)
def test_who_serves_a_model_and_who_measured_it_is_no_part_of_its_name(
    tmp_path: Path, label: str, name: str
) -> None:
    text = f"| Model | MMLU | GPQA |\n|---|---|---|\n| {label} | 91.0 | 85.0 |\n"
    assert {c.model for c in read(tmp_path, text)} == {name}


def test_models_that_only_their_size_tells_apart_keep_it(tmp_path: Path) -> None:
    text = (
        "| Model | MMLU | GPQA |\n|---|---|---|\n| Fooma (7B) | 61.0 | 35.0 |\n"
        "| Fooma (70B) | 71.0 | 45.0 |\n"
    )
    assert {c.model for c in read(tmp_path, text)} == {"Fooma (7B)", "Fooma (70B)"}


def test_the_holder_of_a_best_score_stands_in_its_cell(tmp_path: Path) -> None:
    text = (
        "| Model | ChartQA | DocVQA |\n|---|---|---|\n"
        "| Best open | 68.5 (FooVLM) | 81.5<br>(BarVLM) |\n"
        "| GPT-5 | 88.0 | 93.0 |\n"
    )
    assert triples(read(tmp_path, text)) == {
        ("FooVLM", "ChartQA", 68.5),
        ("BarVLM", "DocVQA", 81.5),
        ("GPT-5", "ChartQA", 88.0),
        ("GPT-5", "DocVQA", 93.0),
    }


def test_what_a_model_is_built_on_is_not_the_model(tmp_path: Path) -> None:
    text = (
        "| Method | Base LLM | MMLU |\n|---|---|---|\n| Foomatic-7B | Llama-3-8B | 61.0 |\n"
        "| Foomatic-70B | Llama-3-70B | 71.0 |\n"
    )
    assert {c.model for c in read(tmp_path, text)} == {"Foomatic-7B", "Foomatic-70B"}


def test_two_columns_name_the_models_in_turn(tmp_path: Path) -> None:
    text = (
        "| Stage | 4K | 28K | MMLU | GPQA |\n|---|---|---|---|---|\n"
        "| a | Foo-7B-short | | 61.0 | 35.0 |\n"
        "| b | Foo-8B-short | | 63.0 | 36.0 |\n| c | | Foo-9B-long | 64.0 | 37.0 |\n"
    )
    assert {c.model for c in read(tmp_path, text)} == {
        "Foo-7B-short",
        "Foo-8B-short",
        "Foo-9B-long",
    }


def test_a_base_and_a_plus_edition_in_one_column(tmp_path: Path) -> None:
    text = "| Model | HumanEval (+) | MMLU |\n|---|---|---|\n| GPT-5 | 76.5 (70.5) | 91.0 |\n"
    assert triples(read(tmp_path, text)) == {
        ("GPT-5", "HumanEval", 76.5),
        ("GPT-5", "HumanEval+", 70.5),
        ("GPT-5", "MMLU", 91.0),
    }


def test_figures_of_several_metrics_and_parts_in_a_cell(tmp_path: Path) -> None:
    text = (
        "| Model | SQuAD F1/EM | MMLU |\n|---|---|---|\n| GPT-5 | 90.5/84.0 | 91.0 |\n"
        "| Grok 5 | -/83.0 | 90.0 |\n"
    )
    claims = read(tmp_path, text)
    assert {(c.value, c.metric) for c in claims if c.benchmark == "SQuAD"} == {
        (90.5, "F1"),
        (84.0, "EM"),
        (83.0, "EM"),
    }
    text = (
        "| Dataset | Model | Score |\n|---|---|---|\n"
        "| MMLU<br>law \\| art | GPT-5 | 81.5 \\| 72.5 |\n"
        "| MMLU<br>law \\| art | Grok 5 | - \\| 70.5 |\n"
    )
    assert scored(read(tmp_path, text)) == {
        ("GPT-5", "MMLU", "law", 81.5),
        ("GPT-5", "MMLU", "art", 72.5),
        ("Grok 5", "MMLU", "art", 70.5),
    }


def test_heads_beside_a_column_of_benchmarks_are_its_parts(tmp_path: Path) -> None:
    text = (
        "<table><tr><th rowspan=2>Dataset</th><th rowspan=2>Model</th>"
        "<th colspan=2>Results (WER)</th>"
        "</tr><tr><th>dev</th><th>test</th></tr>"
        "<tr><td rowspan=2>LibriSpeech</td><td>FooSpeech</td><td>2.5</td><td>5.5</td></tr>"
        "<tr><td>BarSpeech</td><td>1.5</td><td>4.5</td></tr></table>"
    )
    assert scored(read(tmp_path, text, "page.html")) == {
        ("FooSpeech", "LibriSpeech", "dev", 2.5),
        ("FooSpeech", "LibriSpeech", "test", 5.5),
        ("BarSpeech", "LibriSpeech", "dev", 1.5),
        ("BarSpeech", "LibriSpeech", "test", 4.5),
    }


def test_results_are_those_of_the_model_above(tmp_path: Path) -> None:
    text = "# GPT-5\n\n| Task | Results |\n|---|---|\n| MMLU | 91.0 |\n| GPQA | 85.0 |\n"
    assert triples(read(tmp_path, text)) == {("GPT-5", "MMLU", 91.0), ("GPT-5", "GPQA", 85.0)}


def test_a_description_in_front_matter_is_read(tmp_path: Path) -> None:
    text = (
        '---\ntitle: "News"\ndescription: "The new GPT-5 scores 91.5% on MMLU, its makers say."\n'
        "date: 2025-08-08\nurl: https://example.org/gpt-5/91.5\n---\n\nMore below.\n"
    )
    assert triples(read(tmp_path, text)) == {("GPT-5", "MMLU", 91.5)}
