"""Scores in tables: every layout that documents use, in our own tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalkit.errors import DataError
from evalkit.reported.claim import Claim
from evalkit.reported.extract import extract
from evalkit.reported.source import read_sources
from evalkit.reported.vocabulary import Vocabulary

NAMES = Vocabulary.load()


def read(tmp_path: Path, text: str, name: str = "card.md") -> tuple[Claim, ...]:
    path = tmp_path / name
    path.write_bytes(text.encode())
    (source,) = read_sources(str(path))
    claims = extract(source, NAMES).claims
    for claim in claims:
        if claim.value is not None and claim.span:
            printed = text[claim.span[0] : claim.span[1]]
            assert float(printed.replace(",", ".")) == claim.value, printed
    return claims


def triples(claims: tuple[Claim, ...]) -> set[tuple[str, str, float | None]]:
    return {(c.model, c.benchmark, c.value) for c in claims}


GRID = {
    ("GPT-5", "MMLU", 91.0),
    ("GPT-5", "GPQA", 85.0),
    ("Grok 5", "MMLU", 90.5),
    ("Grok 5", "GPQA", 88.4),
}


@pytest.mark.parametrize(
    "text",
    [
        "| Benchmark | GPT-5 | Grok 5 |\n|---|---|---|\n| MMLU | 91.0 | **90.5** |\n"
        "| GPQA Diamond | 85.0 | 88.4 |\n",
        "| Model | MMLU | GPQA Diamond |\n|---|---|---|\n| GPT-5 | 91.0 | 85.0 |\n"
        "| **Grok 5** | 90.5 | 88.4 |\n",
        "| | # Params | MMLU (5-shot) | GPQA Diamond (Pass@1) |\n|---|---|---|---|\n"
        "| **Open models** | | | |\n| GPT-5 | 100B | 91.0 | 85.0 |\n"
        "| Grok 5 | 12B | 90.5 | 88.4 |\n",
        "| Category | Benchmark (Metric) | # Shots | GPT-5 | Grok 5 |\n|---|---|---|---|---|\n"
        "| | # Total Params | - | 100B | 12B |\n| English | MMLU (EM) | 5-shot | 91.0 | 90.5 |\n"
        "| | GPQA-Diamond (Pass@1) | 0-shot | 85.0 | 88.4 |\n",
        "| Topic | Bench | GPT-5 | Grok 5 |\n|---|---|---|---|\n"
        "| Knowledge | MMLU<br>GPQA-Diamond | 91.0<br>85.0 | 90.5<br>88.4 |\n",
        "| Model | Benchmark | Score |\n|---|---|---|\n| GPT-5 | MMLU | 91.0 |\n"
        "| GPT-5 | GPQA | 85.0 |\n| Grok 5 | MMLU | 90.5 |\n| Grok 5 | GPQA | 88.4 |\n",
    ],
    ids=["columns", "rows", "sizes and groups", "categories", "stacked", "long"],
)
def test_markdown_layouts(tmp_path: Path, text: str) -> None:
    assert triples(read(tmp_path, f"# Evaluation\n\n{text}")) == GRID


def test_html_with_spans_comments_and_blank_lines(tmp_path: Path) -> None:
    text = (
        "# Results\n\n<table>\n"
        "<tr><th rowspan=2>Model</th><th colspan=2>SWE-bench Verified</th></tr>\n"
        "<tr><th>Agentless</th><th>OpenHands</th></tr>\n\n"
        "<tr><td>GPT-5</td><td>40.1</td><td>55.2<sup>*</sup></td></tr>\n\n"
        "<!-- <tr><td>Grok 5</td><td>99.0</td><td>99.1</td></tr> -->\n"
        "<tr><td>Qwen4-Max</td><td>38.8</td><td>&mdash;</td></tr>\n</table>\n"
    )
    claims = read(tmp_path, text)
    assert {(c.model, c.value) for c in claims} == {
        ("GPT-5", 40.1),
        ("GPT-5", 55.2),
        ("Qwen4-Max", 38.8),
    }
    assert {c.benchmark for c in claims} == {"SWE-bench"}
    assert {c.variant for c in claims} == {"Verified; Agentless", "Verified; OpenHands"}


def test_html_page_with_unclosed_cells(tmp_path: Path) -> None:
    text = "<html><table><tr><th>Model<th>MMLU<tr><td>GPT-5<td>91.0<tr><td>Grok 5<td>90.5</table>"
    assert triples(read(tmp_path, text, "page.html")) == {
        ("GPT-5", "MMLU", 91.0),
        ("Grok 5", "MMLU", 90.5),
    }


def test_latex(tmp_path: Path) -> None:
    text = r"""
\begin{table}[t]\caption{Results in percent.}
\begin{tabular}{l|cc}
\toprule
\textbf{Model} & \textbf{MMLU} & GPQA Diamond \\ \cmidrule(lr){2-3}
\multicolumn{3}{c}{\emph{Closed models}} \\
GPT-5 & $91.0$ & \textbf{85.0} \\
% Grok 4 & 1.0 & 2.0 \\
Grok 5 & 90.5$^{\dagger}$ & \underline{88.4} \\
\bottomrule
\end{tabular}\end{table}
"""
    assert triples(read(tmp_path, text, "main.tex")) == GRID


def test_lines_that_a_pdf_left(tmp_path: Path) -> None:
    text = (
        "4.2 Results\nBenchmark (Metric)\nGPT-5 Grok DeepSeek\nhigh 5 V3\n"
        "MMLU (EM) 91.0 90.5 88.5\nGPQA Diamond (Pass@1) 85.0 88.4 59.1\n"
        "MATH-500 (EM) 97.0 - 90.2\n"
        "Table 3 | Comparison of three models on three benchmarks.\n"
    )
    found = triples(read(tmp_path, text, "page.txt"))
    assert ("Grok 5", "GPQA", 88.4) in found
    assert ("DeepSeek-V3", "MATH-500", 90.2) in found
    assert len(found) == 8


def test_uncertainty_fractions_and_changes_are_told_from_scores(tmp_path: Path) -> None:
    text = (
        "| Model | MMLU | AIME 2024 | GPQA | $ / m tokens |\n|---|---|---|---|---|\n"
        "| GPT-5 | 63.3±5.2% | 12/30 | 71.6 (+2.1) | $2.00 |\n"
    )
    claims = {c.benchmark: c for c in read(tmp_path, text)}
    assert set(claims) == {"MMLU", "AIME 2024", "GPQA"}
    assert claims["MMLU"].setting["spread"] == 5.2
    assert (claims["AIME 2024"].value, claims["AIME 2024"].unit) == (12.0, "of 30")
    assert claims["GPQA"].value == 71.6


def test_a_footnote_mark_is_resolved(tmp_path: Path) -> None:
    text = (
        "| Model | MMLU | GPQA |\n|---|---|---|\n| GPT-5 | 91.0* | 85.0† |\n\n"
        "\\* quoted from the official technical report. † with extended thinking.\n"
    )
    claims = {c.benchmark: c for c in read(tmp_path, text)}
    assert claims["MMLU"].setting["quoted"] is True
    assert "thinking" in claims["GPQA"].setting["stated"]


@pytest.mark.parametrize(
    "text",
    [
        "| Model | #Total Params | Context Length |\n|---|---|---|\n| Qwen4-Max | 235B | 128 |\n",
        "| Model | GPUs | batch=1 | batch=16 |\n|---|---|---|---|\n"
        "| Qwen4-Max | 8 | 190.8 | 1246.5 |\n",
        "| | |\n|---|---|\n| Number of Layers | 61 |\n| Vocabulary Size | 160 |\n",
        "| Model | Release Date | Downloads |\n|---|---|---|\n| Qwen4-Max | 2025-01-15 | 1200 |\n",
    ],
)
def test_tables_of_sizes_and_speeds_hold_no_scores(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, f"# Qwen4-Max\n\n{text}") == ()


def test_people_are_no_models(tmp_path: Path) -> None:
    text = "| Model | GPQA |\n|---|---|\n| GPT-5 | 85.0 |\n| Human expert | 69.7 |\n"
    assert triples(read(tmp_path, text)) == {("GPT-5", "GPQA", 85.0)}


def test_parts_of_the_benchmark_above_the_table(tmp_path: Path) -> None:
    text = "## LongBench v2\n\n| Model | easy | hard |\n|---|---|---|\n| GPT-5 | 60.1 | 50.2 |\n"
    assert {(c.benchmark, c.variant) for c in read(tmp_path, text)} == {
        ("LongBench v2", "easy"),
        ("LongBench v2", "hard"),
    }


def test_filed_results_of_a_model_card(tmp_path: Path) -> None:
    text = (
        "---\nmodel-index:\n- name: Qwen4-Max\n  results:\n  - task: {type: text-generation}\n"
        "    dataset: {name: MMLU, type: cais/mmlu}\n    metrics:\n"
        "    - type: acc\n      value: 81.5\n      name: accuracy\n---\n# Qwen4-Max\n"
    )
    (claim,) = read(tmp_path, text)
    assert (claim.model, claim.benchmark, claim.value) == ("Qwen4-Max", "MMLU", 81.5)
    assert claim.span is not None
    assert text[claim.span[0] : claim.span[1]] == "81.5"


def test_a_table_past_the_limit_is_an_error_that_names_the_document(tmp_path: Path) -> None:
    row = "<tr>" + "<td>1.5</td>" * 400 + "</tr>"
    with pytest.raises(DataError, match=r"big\.html: a table has more than 50,000 cells"):
        read(tmp_path, "<table>" + row * 300 + "</table>", "big.html")
    spans = "<table><tr><td rowspan=60000 colspan=1000>x</td></tr>" + "<tr><td>1</td></tr>" * 900
    with pytest.raises(DataError, match="more than 50,000 cells"):
        read(tmp_path, spans, "spans.html")


def test_a_picture_of_scores_is_named_and_no_number_invented(tmp_path: Path) -> None:
    path = tmp_path / "card.md"
    path.write_text("# Qwen4-Max\n\n## Evaluation results\n\n![bench](figures/bench.png)\n")
    (source,) = read_sources(str(path))
    extraction = extract(source, NAMES)
    assert extraction.claims == ()
    assert [p.address for p in extraction.pictures] == ["figures/bench.png"]


def test_a_column_of_one_models_scores_is_headed_by_its_short_name(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "| Benchmark | Kind | K2.5 Score | Purpose |\n|---|---|---|---|\n"
        "| BrowseComp | Search | 73.1% | Finds pages |\n| AIME 2025 | Math | 95.4% | Sums |\n",
    )
    assert triples(found) == {
        ("Kimi K2.5", "BrowseComp", 73.1),
        ("Kimi K2.5", "AIME 2025", 95.4),
    }


def test_dates_in_cells_are_no_scores(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "| 特徴 | GPT-5 | Grok 5 |\n|---|---|---|\n| 公開 | 2025/11/24 | 2026年1月18日 |\n"
        "| MMLU | 91.0% | 90.5% |\n",
    )
    assert triples(found) == {("GPT-5", "MMLU", 91.0), ("Grok 5", "MMLU", 90.5)}


def test_a_heading_names_the_model_and_a_rival_does_not(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "# Grok 5\n\nFirst of its line to match GPT-4\n\n| Benchmark | Score | Rank |\n"
        "|---|---|---|\n| HellaSwag Endings of stories about every day | 94.1% | #11 / 36 |\n"
        "| MMLU Knowledge of 57 subjects in school | 85.9% | #36 / 53 |\n",
    )
    assert triples(found) == {("Grok 5", "HellaSwag", 94.1), ("Grok 5", "MMLU", 85.9)}


def test_a_dash_in_a_column_of_metrics_is_no_metric(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "| Benchmark | Metric | GPT-5 |\n|---|---|---|\n| MMLU | EM | 91.0 |\n"
        "| GPQA Diamond | - | 85.0 |\n",
    )
    assert {c.benchmark: c.metric for c in found} == {"MMLU": "EM", "GPQA": None}


NOTED = (
    "| Benchmark | Grok 5 |\n|---|---|\n| MMLU | 90.5 |\n| GPQA Diamond | 88.4 |\n"
    "| SWE-bench Verified | 70.1 |\n\n"
)


@pytest.mark.parametrize(
    ("note", "expected"),
    [
        (
            "All results, except for SWE-bench Verified, were obtained with a 4k output length.",
            {"MMLU": "4k output tokens", "GPQA": "4k output tokens", "SWE-bench": None},
        ),
        (
            "Every model is tested in a setup that limits the output length to 16K.",
            dict.fromkeys(("MMLU", "GPQA", "SWE-bench"), "16k output tokens"),
        ),
        (
            "SWE-bench Verified is run with a limit of 24,576 output tokens.",
            {"MMLU": None, "GPQA": None, "SWE-bench": "24,576 max output tokens"},
        ),
        (
            "Grok 5 is evaluated in its non-thinking mode.",
            dict.fromkeys(("MMLU", "GPQA", "SWE-bench"), "non-thinking"),
        ),
        (
            "GPT-5 is evaluated in its non-thinking mode.",
            dict.fromkeys(("MMLU", "GPQA", "SWE-bench")),
        ),
        (
            "For benchmarks that require sampling, all models run at temperature 0.6.",
            dict.fromkeys(("MMLU", "GPQA", "SWE-bench")),
        ),
        (
            "All models were run at temperature 0.6.",
            dict.fromkeys(("MMLU", "GPQA", "SWE-bench"), "temperature 0.6"),
        ),
        (
            "Some results were obtained with a 4k output length.",
            dict.fromkeys(("MMLU", "GPQA", "SWE-bench")),
        ),
        (
            "# Later\n\nAll results were obtained with a 4k output length.",
            dict.fromkeys(("MMLU", "GPQA", "SWE-bench")),
        ),
    ],
)
def test_a_note_about_all_rows_is_a_setting_of_each(
    tmp_path: Path, note: str, expected: dict[str, str | None]
) -> None:
    found = read(tmp_path, NOTED + note + "\n")
    assert {c.benchmark: c.setting.get("stated") for c in found} == expected


def test_a_note_about_all_our_models_holds_for_the_chapter(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "# Results\n\n## Large\n\nFor all our models, the maximum generation length is set to "
        "8,192 tokens.\n\n| Benchmark | Grok 5 |\n|---|---|\n| MMLU | 90.5 |\n\n## Small\n\n"
        "| Benchmark | Grok 5 Mini |\n|---|---|\n| MMLU | 80.5 |\n\n# Others\n\n"
        "| Benchmark | GPT-5 |\n|---|---|\n| MMLU | 91.0 |\n",
    )
    assert [c.setting.get("stated") for c in found] == [
        "8,192 max output tokens",
        "8,192 max output tokens",
        None,
    ]


@pytest.mark.parametrize(
    ("table", "stated"),
    [
        (
            "| Category | Benchmark | # Shots | Grok 5 |\n|---|---|---|---|\n"
            "| Maths | GSM8K | 8 | 90.5 |\n| Code | HumanEval | 0 | 80.5 |\n",
            ["8-shot", "0-shot"],
        ),
        (
            "### Base models\n\n| Benchmark | Grok 5 |\n|---|---|\n| GSM8K | 90.5 |\n"
            "| MMLU | 80.5 |\n",
            ["base model", "base model"],
        ),
    ],
    ids=["shots, not categories", "base models"],
)
def test_a_tables_own_words_say_how_it_was_measured(
    tmp_path: Path, table: str, stated: list[str]
) -> None:
    assert [c.setting.get("stated") for c in read(tmp_path, table)] == stated


def test_a_note_about_all_rows_is_not_of_a_figure_quoted_from_elsewhere(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "| Benchmark | Grok 5 | GPT-5 |\n|---|---|---|\n| MMLU | 90.5 | 91.0* |\n\n"
        "Data marked with * are quoted from the official report.\n\n"
        "All models were run at temperature 0.6.\n",
    )
    assert {c.model: c.setting.get("stated") for c in found} == {
        "Grok 5": "temperature 0.6",
        "GPT-5": None,
    }


def test_a_column_of_ranks_is_no_score(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "## Leaderboard: Chatbot Arena\n\n| # | Model | Maker | Score |\n|---|---|---|---|\n"
        "| 🥇 | GPT-5 | OpenAI | 1370 |\n| 2 | Grok 5 | xAI | 1365 |\n| 3 | o3 | OpenAI | 1337 |\n",
    )
    assert {(c.model, c.value) for c in found} == {("GPT-5", 1370), ("Grok 5", 1365), ("o3", 1337)}


def test_a_column_of_values_is_of_the_model_above_the_table(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "# orbit/Quux-Prime-7B results\n\n|Task|Version|Metric|Value| |Stderr|\n"
        "|---|--:|---|--:|---|--:|\n|hellaswag|0|acc|53.62|±|2.67|\n| | |acc_norm|62.83|±|2.63|\n"
        "|winogrande|0|acc|70.11|±|1.80|\n",
    )
    assert {(c.model, c.benchmark, c.value) for c in found} == {
        ("Quux-Prime-7B", "HellaSwag", 53.62),
        ("Quux-Prime-7B", "HellaSwag", 62.83),
        ("Quux-Prime-7B", "WinoGrande", 70.11),
    }


def test_a_label_may_say_what_the_benchmark_tests(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "| Benchmark | Grok 5 | GPT-5 |\n|---|---|---|\n| MMLU Broad academic knowledge (57"
        " subjects)"
        " | 91.8% | 91.2% |\n| MATH Competition mathematics | 89.4% | 90.0% |\n",
    )
    assert {c.benchmark for c in found} == {"MMLU", "MATH"}


def test_a_second_figure_of_a_cell_and_a_rating_in_a_row(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "| Benchmark | Grok 5 |\n|---|---|\n| AIME 2025 | 87.0% (Code: 100%) |\n| Arena Elo |"
        " 1501 |\n",
    )
    assert ("AIME 2025", 87.0) in {(c.benchmark, c.value) for c in found}
    assert ("LMArena", 1501.0) in {(c.benchmark, c.value) for c in found}


def test_a_stage_in_small_letters_behind_a_size_is_part_of_the_name(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "# Llama 2 70b chat is lower than reported\n\n"
        "|Groups|Version|Metric|Value|\n|---|---|---|--:|\n"
        "|mmlu|N/A|acc|0.6320|\n|hellaswag|1|acc|0.7400|\n|gsm8k|1|acc|0.5236|\n",
    )
    assert {c.model for c in found} == {"Llama 2 70b chat"}


@pytest.mark.parametrize("head", ["| MMLU | GPQA Diamond |", "Model | MMLU | GPQA Diamond |"])
def test_bars_in_plain_text_make_a_table(tmp_path: Path, head: str) -> None:
    path = tmp_path / "note.txt"
    rows = ["Grok 5 | 91.0% | 88.4% |", "GPT-5 | 90.1% | 85.0% |", "o3 | 88.0% | 83.3% |"]
    path.write_text("How good they are.\n\n" + "\n".join([head, *rows]) + "\n\nThat is all.\n")
    (source,) = read_sources(str(path))
    found = {(c.model, c.benchmark, c.value) for c in extract(source).claims}
    assert found == {
        ("Grok 5", "MMLU", 91.0),
        ("Grok 5", "GPQA", 88.4),
        ("GPT-5", "MMLU", 90.1),
        ("GPT-5", "GPQA", 85.0),
        ("o3", "MMLU", 88.0),
        ("o3", "GPQA", 83.3),
    }


@pytest.mark.parametrize("label", ["GSM8K CoT 5-shot", "GSM8K + CoT", "GSM8K (CoT)"])
def test_a_chain_of_thought_is_a_setting(tmp_path: Path, label: str) -> None:
    found = read(
        tmp_path, f"| Benchmark | Grok 5 |\n|---|---|\n| MMLU | 90.5 |\n| {label} | 95.0 |\n"
    )
    (claim,) = [c for c in found if c.value == 95.0]
    assert claim.benchmark == "GSM8K"
    assert "CoT" in claim.setting["stated"]
