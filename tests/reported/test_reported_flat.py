"""Tables in text taken from PDF pages: rows of tokens, headers dealt out to columns."""

from __future__ import annotations

import pytest

from evalkit.reported.extract import extract
from evalkit.reported.flat_heads import deal
from evalkit.reported.flat_names import Names
from evalkit.reported.flat_rows import CellKind, read_rows
from evalkit.reported.flat_tables import find_flat_tables
from evalkit.reported.pdf_words import Word, page_text
from evalkit.reported.roles import Role
from evalkit.reported.source import Media, Source
from evalkit.reported.vocabulary import Vocabulary


@pytest.fixture(scope="module")
def names() -> Vocabulary:
    return Vocabulary.load()


def read(text: str, names: Vocabulary) -> set[tuple[str, str, float]]:
    source = Source("page.txt", "page.txt", text.encode(), text, Media.TEXT, "0")
    claims = extract(source, names, "en").claims
    return {(c.model, c.benchmark, c.value) for c in claims if c.value is not None}


# rows ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "label", "cells"),
    [
        ("GSM8K 8-shot 92.3 91.1", "GSM8K 8-shot", ["92.3", "91.1"]),
        ("AIME 2025 pass@1 63.3 ± 5.2 - 41.0", "AIME 2025 pass@1", ["63.3 ± 5.2", "-", "41.0"]),
        ("IFEval 84.7 (RL) 80.1 +4.6", "IFEval", ["84.7 (RL)", "80.1", "+4.6"]),
        ("Tiny-Base 16B 2.4B 40.9 n/a", "Tiny-Base", ["16B", "2.4B", "40.9", "n/a"]),
        ("MATH 500 88.0% 91∗", "MATH", ["500", "88.0%", "91∗"]),
    ],
)
def test_a_row_is_a_label_and_the_cells_behind_it(line: str, label: str, cells: list[str]) -> None:
    (row,) = read_rows(line, 0, len(line), "en")
    assert line[slice(*row.label[0])] == label
    assert [line[slice(*cell)] for cell in row.cells] == cells


def test_two_rows_that_lost_their_break_come_apart() -> None:
    line = "BBH 71.2 70.4 72.0 MMLU 80.1 80.5 81.2"
    assert [len(row.cells) for row in read_rows(line, 0, len(line), "en")] == [3, 3]


def test_bold_print_of_three_copies_is_one_score() -> None:
    line = "MMLU 67.2 67.567.567.5"
    (row,) = read_rows(line, 0, len(line), "en")
    assert row.kinds == (CellKind.SCORE, CellKind.SCORE)


def test_a_sentence_is_no_row() -> None:
    line = "our model was far better than all others. It scored well on both of them, 81.2 and 80.4"
    assert read_rows(line, 0, len(line), "en") == []


# heads --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "width", "role", "heads"),
    [
        (
            ["Benchmark GPT-4o Qwen2.5 DeepSeek 0513 72B V3"],
            3,
            Role.MODEL,
            ["GPT-4o 0513", "Qwen2.5 72B", "DeepSeek V3"],
        ),
        (
            ["Claude Gemini GPT-5", "Benchmark", "Sonnet 4.5 2.5 Pro High"],
            3,
            Role.MODEL,
            ["Claude Sonnet 4.5", "Gemini 2.5 Pro", "GPT-5 High"],
        ),
        (
            ["Task DeepSeek-V3.1- GLM-4.5 GPT-5-", "Thinking Thinking"],
            3,
            Role.MODEL,
            ["DeepSeek-V3.1-Thinking", "GLM-4.5", "GPT-5-Thinking"],
        ),
        (
            ["Metric Dense 3B Dense 3B w/ GQA (4 Groups) w/ MHA"],
            2,
            Role.MODEL,
            ["Dense 3B w/ GQA (4 Groups)", "Dense 3B w/ MHA"],
        ),
        (
            ["Model AIME 2024 GPQA Diamond Average"],
            3,
            Role.BENCHMARK,
            ["AIME 2024", "GPQA Diamond", "Average"],
        ),
        (
            ["Model HumanEval MBPP Average", "HE HE+ MBPP MBPP+"],
            5,
            Role.BENCHMARK,
            ["HumanEval HE", "HumanEval HE+", "MBPP MBPP", "MBPP MBPP+", "Average"],
        ),
        (
            ["Model AIME 2024 MATH-500", "pass@1 cons@64 pass@1"],
            3,
            Role.BENCHMARK,
            ["AIME 2024 pass@1", "AIME 2024 cons@64", "MATH-500 pass@1"],
        ),
        (
            ["Benchmark GPT-4 Prompt GPT-4 Results Claude 3 Opus Results"],
            2,
            Role.MODEL,
            ["GPT-4", "Claude 3 Opus"],
        ),
        (
            ["Python Java", "Model #TP #AP", "2k 4k Avg 2k 4k Avg"],
            6,
            Role.BENCHMARK,
            ["Python 2k", "Python 4k", "Python Avg", "Java 2k", "Java 4k", "Java Avg"],
        ),
        (
            ["Agents Humanity’s Browse Browse GAIA WebWalker", "Last Exam Comp Comp-ZH QA"],
            5,
            Role.BENCHMARK,
            ["Humanity’s Last Exam", "Browse Comp", "Browse Comp-ZH", "GAIA", "WebWalker QA"],
        ),
        (
            ["Method MATH-500 AIME 24 LCB v5 LCB v6 Avg. ↑"],
            5,
            Role.BENCHMARK,
            ["MATH-500", "AIME 24", "LCB v5", "LCB v6", "Avg. ↑"],
        ),
        (
            ["Backbone Paradigm BrowseComp GAIA HLE", "Direct inference"],
            3,
            Role.BENCHMARK,
            ["BrowseComp", "GAIA", "HLE"],
        ),
    ],
)
def test_a_header_is_dealt_out(
    lines: list[str], width: int, role: Role, heads: list[str], names: Vocabulary
) -> None:
    dealt = deal(lines, width, Names(names, role))
    assert dealt is not None
    assert list(dealt.named()) == heads


@pytest.mark.parametrize(
    ("lines", "width"),
    [
        (["Benchmark Before tuning After it all"], 3),  # five words, three columns, no names
        (["Model Alpha Beta"], 4),
        # Centred heads of two lines: read in the order of the lines they are in the wrong order.
        (["MMLU GSM8K MATH BBH", "Model DROP Avg", "Redux Platinum"], 8),
        ([], 3),
    ],
)
def test_an_unclear_header_is_not_guessed(lines: list[str], width: int, names: Vocabulary) -> None:
    assert deal(lines, width, Names(names, Role.BENCHMARK)) is None


# tables -------------------------------------------------------------------------------------


def test_sizes_below_families_belong_to_the_models(names: Vocabulary) -> None:
    page = (
        "Table 3: Small models on exams.\n"
        "Models Qwen3 Llama3.2 Qwen3\n"
        "# Parameter 0.6B 1B 8B\n"
        "MMLU 42.1 46.2 77.3\n"
        "GSM8K 61.0 39.7 93.1\n"
        "BBH 28.3 25.4 69.4\n"
    )
    found = read(page, names)
    assert {m for m, b, v in found if v in (42.1, 61.0, 28.3)} != {
        m for m, b, v in found if v in (77.3, 93.1, 69.4)
    }
    assert len(found) == 9


def test_two_tables_with_captions_below(names: Vocabulary) -> None:
    page = (
        "Benchmark # Shots GPT-4o DeepSeek-V3\n"
        "BBH (EM) 3-shot 83.2 87.5\n"
        "MMLU (Acc.) 5-shot 87.2 88.5\n"
        "GSM8K (EM) 8-shot 90.2 92.3\n"
        "Table 8 | General tasks.\n"
        "Model Name Level Comp. Score Steps Score\n"
        "GPT-4o 5 90.71 91.65\n"
        "DeepSeek-V3 5 88.40 89.10\n"
        "GLM-4 4 83.35 85.73\n"
        "Table 9 | HalluQA by part.\n"
    )
    found = read(page, names)
    assert ("GPT-4o", "BBH", 83.2) in found
    assert not any(v in (5.0, 4.0) for _, _, v in found)  # a level is no score


def test_wrapped_labels_and_lines_of_differences(names: Vocabulary) -> None:
    page = (
        "Benchmark GPT-4o Qwen3-32B GLM-4.5\n"
        "Reasoning\n"
        "MMLU-Pro 84.4 81.5 85.3\n"
        "(EM)\n"
        "+1.2 +0.4\n"
        "HLE 6.1 9.9 14.4\n"
        "(no tools)\n"
        "AIME 2025 14.4 72.9 88.6\n"
    )
    found = read(page, names)
    assert ("Qwen3-32B", "MMLU-Pro", 81.5) in found
    assert ("GLM-4.5", "Humanity's Last Exam", 14.4) in found
    assert ("GPT-4o", "AIME 2025", 14.4) in found
    assert not any(v in (1.2, 0.4) for _, _, v in found)


def test_a_row_that_is_short_of_figures_is_left_out(names: Vocabulary) -> None:
    page = (
        "Benchmark GPT-4o Qwen3-32B GLM-4.5\n"
        "MMLU 84.4 81.5 85.3\n"
        "GSM8K 92.2 93.1\n"
        "MATH-500 76.1 91.0 98.2\n"
        "BBH 80.1 82.2 83.3\n"
    )
    found = read(page, names)
    assert len(found) == 9
    assert not any(v in (92.2, 93.1) for _, _, v in found)


def test_a_table_without_a_benchmark_is_no_table_of_scores(names: Vocabulary) -> None:
    page = (
        "Table 2: Loss of each model.\n"
        "Model Ltrain Ltest Lref\n"
        "Qwen-14B 2.19 1.73 1.46\n"
        "Yi-34B 2.05 1.54 1.51\n"
        "GPT-4o 2.15 1.87 1.28\n"
    )
    assert read(page, names) == set()


def test_parts_of_the_benchmark_in_the_caption(names: Vocabulary) -> None:
    page = (
        "Table 7. Performance of instruct models on MultiPL-E.\n"
        "Model Size Python Java PHP Average\n"
        "StarCoder2-7B 7B 35.4 38.0 30.4 34.3\n"
        "CodeQwen1.5-7B 7B 51.8 42.4 46.6 48.4\n"
        "Qwen2.5-Coder-14B 14B 83.5 46.8 64.6 62.3\n"
    )
    found = read(page, names)
    assert {b for _, b, _ in found} == {"MultiPL-E"}
    assert len(found) == 12


def test_rows_of_models_that_share_a_name_are_left_out(names: Vocabulary) -> None:
    page = (
        "Model Params GSM8K MATH\n"
        "GPT-4 - 92.0 42.5\n"
        "GPT-3.5 - 80.8 34.1\n"
        "GLM-4.5 - 90.8 64.1\n"
        "Minerva\n"
        "62B 52.4 27.6\n"
        "540B 58.8 33.6\n"
    )
    assert not {v for _, _, v in read(page, names)} & {52.4, 27.6, 58.8, 33.6}


def test_a_second_column_of_labels_is_no_part_of_the_model(names: Vocabulary) -> None:
    page = (
        "Backbone Paradigm BrowseComp GAIA HLE\n"
        "GPT-4o Direct 0.6 17.5 2.3\n"
        "Kimi-K2 Browsing 14.1 57.7 18.1\n"
        "DeepSeek-V3.1 Browsing 30.0 63.1 29.8\n"
    )
    found = read(page, names)
    assert ("GPT-4o", "GAIA", 17.5) in found
    assert len(found) == 9
    assert not any("Browsing" in model or "Direct" in model for model, _, _ in found)


def test_an_irregular_region_is_dropped_whole(names: Vocabulary) -> None:
    page = (
        "Benchmark Best Teacher Student\n"
        "AIME 2025 89.3 93.9\n(RL)\n94.1 +0.2\n"
        "MMLU-Pro 76.9 82.6\n(RL)\n84.4 +1.8\n"
        "GPQA 77.5 82.6\n(RL)\n83.2 +0.6\n"
    )
    lines, at = [], 0
    for line in page.splitlines():
        lines.append((at, at + len(line)))
        at += len(line) + 1
    found = find_flat_tables(page, lines, names, "en")
    assert [flat.table for flat in found] == [None]
    assert read(page, names) == set()


# places on a page ---------------------------------------------------------------------------


def place(lines: list[tuple[float, list[tuple[float, str]]]]) -> list[Word]:
    """Words at their places: a character is 5 points wide, a line 10 high."""
    words: list[Word] = []
    for top, cells in lines:
        for left, text in cells:
            at = left
            for word in text.split():
                words.append((at, at + 5 * len(word), top, top + 10, word))
                at += 5 * len(word) + 3
    return words


ROWS = [
    (60.0 + 12 * i, [(10.0, name), *((150.0 + 60 * k, f"{70 + i + k}.{k}") for k in range(4))])
    for i, name in enumerate(["GPT-4o", "GLM-4.5", "Qwen3-8B", "DeepSeek-V3"])
]


def test_groups_above_columns_by_their_rules() -> None:
    header = [
        (30.0, [(170.0, "MMLU"), (290.0, "IFEval")]),
        (44.0, [(10.0, "Model"), (148.0, "Easy"), (208.0, "Hard"), (268.0, "Soft"),
                (328.0, "Hit")]),
    ]  # fmt: skip
    rules = [(145.0, 235.0, 42.0), (265.0, 355.0, 42.0), (5.0, 360.0, 57.0)]
    text = page_text(place([*header, *ROWS]), rules)
    assert text is not None
    assert text.split("\n")[0].split("\t") == [
        "Model", "MMLU Easy", "MMLU Hard", "IFEval Soft", "IFEval Hit",
    ]  # fmt: skip


def test_heads_of_two_lines_around_centred_ones() -> None:
    header = [
        (20.0, [(145.0, "Humanity’s"), (265.0, "Browse")]),
        (26.0, [(10.0, "Benchmark"), (208.0, "GAIA"), (328.0, "HLE")]),
        (32.0, [(145.0, "Exam"), (265.0, "Comp")]),
        (47.0, [(140.0, "Closed models")]),
    ]
    text = page_text(place([*header, *ROWS]), [])
    assert text is not None
    first, second = text.split("\n")[:2]
    assert first.split("\t") == ["Benchmark", "Humanity’s Exam", "GAIA", "Browse Comp", "HLE"]
    assert second == "Closed models"


def test_a_column_without_a_name_leaves_the_lines_as_they_are() -> None:
    header = [(34.0, [(10.0, "Model"), (148.0, "MMLU"), (208.0, "BBH"), (268.0, "GPQA")])]
    assert page_text(place([*header, *ROWS]), []) is None


def test_a_page_of_prose_is_left_alone() -> None:
    lines = [(20.0 + 12 * i, [(10.0, "our model scores 81.2 on one and 90.1 on another test")])
             for i in range(6)]  # fmt: skip
    assert page_text(place(lines), []) is None


def test_a_header_with_its_cells_known_is_read_as_it_stands(names: Vocabulary) -> None:
    page = (
        "Table 1: Medical questions.\n"
        "Model\tMedQA\tMMLU-Pro Health\tGPQA Molecular Biology\n"
        "GPT-4o 81.1 71.2 61.3\nGLM-4.5 82.1 72.2 62.3\nQwen3-8B 83.1 73.2 63.3\n"
    )
    found = read(page, names)
    assert len(found) == 9
    assert ("GLM-4.5", "MedQA", 82.1) in found


def test_sizes_tell_rows_of_one_name_apart(names: Vocabulary) -> None:
    page = (
        "Table 5: Base models of code.\n"
        "Model #TP #AP HumanEval MBPP\n"
        "CodeLlama-Base 7B 7B 33.5 49.4\n"
        "CodeLlama-Base 34B 34B 48.2 56.2\n"
        "StarCoder2-Base 15B 15B 46.3 66.2\n"
    )
    models = {v: m for m, _, v in read(page, names)}
    assert models[33.5] != models[48.2]
    assert "7B" in models[33.5]
