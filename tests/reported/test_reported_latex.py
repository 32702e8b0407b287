r"""LaTeX tables: macros, rules, cells of several lines, small print, captions, floats."""

from __future__ import annotations

import pytest

pytest.importorskip("pylatexenc")

from evalkit.reported.document import Block, Table
from evalkit.reported.extract import extract
from evalkit.reported.latex import read_latex
from evalkit.reported.source import Media, Source
from evalkit.reported.vocabulary import Vocabulary


@pytest.fixture(scope="module")
def names() -> Vocabulary:
    return Vocabulary.load()


def tables(text: str) -> list[Table]:
    return [part for part in read_latex(text, "t.tex") if isinstance(part, Table)]


def texts(table: Table) -> list[list[str]]:
    return [[cell.text.text for cell in row] for row in table.rows]


def claims(text: str, names: Vocabulary) -> set[tuple[str, str, float]]:
    source = Source("t.tex", "t.tex", text.encode(), text, Media.LATEX, "0")
    found = extract(source, names, "en").claims
    return {(c.model, c.benchmark, c.value) for c in found if c.value is not None}


def one_cell(cell: str, before: str = "") -> str:
    table = (
        before + "\\begin{tabular}{lc}\n\\toprule\nModel & MMLU \\\\\n\\midrule\n"
        "Qwen3-8B & " + cell + " \\\\\n\\bottomrule\n\\end{tabular}\n"
    )
    return texts(tables(table)[0])[1][1]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (r"\textbf{81.2}", "81.2"),
        (r"\underline{\textbf{81.2}}", "81.2"),
        (r"\cellcolor{gray!20}\textbf{81.2}", "81.2"),
        (r"\colorbox{red}{81.2}", "81.2"),
        (r"\best{81.2}", "81.2"),
        (r"81.2$_{\pm 0.3}$", "81.2 ±0.3"),
        (r"81.2$\pm$0.3", "81.2±0.3"),
        (r"81.2{\scriptsize $\pm$0.3}", "81.2±0.3"),
        (r"81.2{\tiny 0.3}", "81.2 ±0.3"),
        (r"81.2\std{0.3}", "81.2 ±0.3"),
        (r"81.2\up{1.4}", "81.2 +1.4"),
        (r"81.2\dec{1.4}", "81.2 -1.4"),
        (r"81.2$_{+1.4}$", "81.2 +1.4"),
        (r"81.2\footnote{Run once.}", "81.2"),
        (r"81.2~\cite{someone}", "81.2"),
        (r"\scalebox{0.9}{81.2}", "81.2"),
        (r"--", "–"),
    ],
)
def test_a_score_stays_apart_from_its_markup_and_small_print(cell: str, text: str) -> None:
    assert one_cell(cell) == text


@pytest.mark.parametrize(
    ("macro", "cell", "text"),
    [
        (r"\newcommand{\best}[1]{\textbf{#1}}", r"\best{81.2}", "81.2"),
        (r"\newcommand{\res}[2]{#1$_{\pm #2}$}", r"\res{81.2}{0.3}", "81.2 ±0.3"),
        (r"\newcommand{\gray}[1]{\cellcolor{g}{$$#1}}", r"\gray{81.2}", "81.2"),
        (r"\def\na{--}", r"\na", "--"),
        (r"\newcommand\up[1]{\textcolor{green}{$\uparrow$#1}}", r"81.2 \up{1.4}", "81.2 ↑1.4"),
    ],
)
def test_the_documents_own_macros(macro: str, cell: str, text: str) -> None:
    assert " ".join(one_cell(cell, macro + "\n").split()) == " ".join(text.split())


def test_a_macro_may_be_a_models_name(names: Vocabulary) -> None:
    text = (
        "\\newcommand{\\ours}{DeepSeek-V3\\xspace}\n"
        "\\begin{tabular}{lcc}\n\\toprule\nMethod & MMLU & GSM8K \\\\\n\\midrule\n"
        "GPT-4o & 87.2 & 90.1 \\\\\n\\ours & 88.5 & 89.3 \\\\\n\\bottomrule\n\\end{tabular}"
    )
    assert ("DeepSeek-V3", "MMLU", 88.5) in claims(text, names)


def test_an_unknown_macro_in_a_label_is_no_empty_label() -> None:
    text = (
        "\\begin{tabular}{lc}\nModel & MMLU \\\\\n\\hline\nGPT-4o & 87.2 \\\\\n"
        "\\ours & 88.5 \\\\\n\\gptfancy{} & 80.1 \\\\\n\\end{tabular}"
    )
    assert [row[0] for row in texts(tables(text)[0])] == ["Model", "GPT-4o", "Ours", "gptfancy"]


def test_rows_above_the_first_rule_are_the_header(names: Vocabulary) -> None:
    text = (
        "\\begin{tabular}{l*{4}{S[table-format=2.2]}}\n\\toprule\n"
        " & \\multicolumn{2}{c}{MMLU} & \\multicolumn{2}{c}{GSM8K} \\\\\n"
        "\\cmidrule(lr){2-3} \\cmidrule(l{2pt}r{10pt}){4-5}\n"
        "Method & \\head{Strict} & {Loose} & Strict & Loose \\\\\n\\midrule\n"
        "Qwen3-8B & 81.1 & 82.2 & 91.1 & 92.2 \\\\\n"
        "GLM-4.5 & 83.3 & 84.4 & 93.3 & 94.4 \\\\\n\\bottomrule\n\\end{tabular}"
    )
    (table,) = tables(text)
    assert [all(cell.header for cell in row) for row in table.rows] == [True, True, False, False]
    found = claims(text, names)
    assert {("Qwen3-8B", "MMLU", 82.2), ("GLM-4.5", "GSM8K", 93.3)} <= found


def test_a_rule_below_scores_makes_no_header() -> None:
    text = (
        "\\begin{tabular}{lcc}\nGPT-4o & 87.2 & 90.1 \\\\\n\\hline\n"
        "GLM-4.5 & 83.3 & 84.4 \\\\\n\\end{tabular}"
    )
    assert not any(cell.header for row in tables(text)[0].rows for cell in row)


@pytest.mark.parametrize(
    "stacked",
    [
        r"\makecell{Qwen3\\8B}",
        r"\shortstack[l]{Qwen3 \\ 8B}",
        r"\begin{tabular}[c]{@{}c@{}}Qwen3\\ 8B\end{tabular}",
        r"\multirow{2}{*}{\makecell{Qwen3\\8B}}",
        r"\multicolumn{1}{c}{\begin{tabular}{c}Qwen3\\8B\end{tabular}}",
    ],
)
def test_lines_of_a_cell_end_no_row(stacked: str) -> None:
    text = (
        "\\begin{tabular}{lcc}\n\\toprule\nBenchmark & " + stacked + " & GPT-4o \\\\\n\\midrule\n"
        "MMLU & 81.1 & 82.2 \\\\\n\\bottomrule\n\\end{tabular}"
    )
    rows = texts(tables(text)[0])
    assert [len(row) for row in rows] == [3, 3]
    assert rows[0][1].split() == ["Qwen3", "8B"]


@pytest.mark.parametrize(
    "dropped",
    [
        "% Old-Model & 11.1 & 12.2 \\\\\n",
        "\\iffalse\nOld-Model & 11.1 & 12.2 \\\\\n\\fi\n",
    ],
)
def test_commented_rows_are_left_out(dropped: str) -> None:
    text = (
        "\\begin{tabular}{lcc}\nModel & MMLU & BBH \\\\\n\\hline\n" + dropped
        + "GPT-4o & 87.2 & 83.1 \\\\\n\\end{tabular}"
    )  # fmt: skip
    assert len(tables(text)[0].rows) == 2


def test_a_multirow_that_reaches_upwards() -> None:
    text = (
        "\\begin{tabular}{llc}\nData & Model & Acc. \\\\\n\\hline\n"
        " & GPT-4o & 87.2 \\\\\n & GLM-4.5 & 83.1 \\\\\n"
        "\\multirow{-3}{*}{MMLU} & Qwen3-8B & 80.0 \\\\\n\\end{tabular}"
    )
    assert [row[0] for row in texts(tables(text)[0])][1:] == ["MMLU", "MMLU", "MMLU"]


def test_the_caption_of_a_float_is_the_tables_and_stands_before_it() -> None:
    text = (
        "\\begin{table}[t]\n\\resizebox{\\textwidth}{!}{%\n"
        "\\begin{tabular}{lc}\nModel & Easy \\\\\n"
        "\\hline\nGPT-4o & 87.2 \\\\\n\\end{tabular}}\n\\caption{Scores on HalluQA.}\n"
        "\\end{table}\nAfter it."
    )
    parts = read_latex(text, "t.tex")
    kinds = [p.text.text if isinstance(p, Block) else type(p).__name__ for p in parts]
    assert kinds == ["Scores on HalluQA.", "Table", "After it."]
    (table,) = tables(text)
    assert table.caption == "Scores on HalluQA."


def test_two_tables_side_by_side_keep_their_own_captions() -> None:
    def half(name: str, caption: str) -> str:
        return (
            "\\begin{minipage}{0.5\\textwidth}\n\\begin{tabular}{lc}\nModel & Acc \\\\\n\\hline\n"
            + name + " & 87.2 \\\\\n\\end{tabular}\n\\caption{" + caption + "}\n\\end{minipage}\n"
        )  # fmt: skip

    text = (
        "\\begin{table*}\n" + half("GPT-4o", "On MMLU.") + half("GLM-4.5", "On BBH.")
        + "\\end{table*}"
    )  # fmt: skip
    assert [table.caption for table in tables(text)] == ["On MMLU.", "On BBH."]


def test_models_and_benchmarks_both_in_rows(names: Vocabulary) -> None:
    text = (
        "\\begin{tabular}{c|c|cc}\n\\toprule\n"
        "\\multirow{2}{*}{Dataset} & \\multirow{2}{*}{Models} & "
        "\\multicolumn{2}{c}{Accuracy \\% (gain)} \\\\\n\\cmidrule(lr){3-4}\n"
        "~ & ~ & Plain & Tuned \\\\\n\\midrule\n"
        "\\multirow{2}{*}{GSM8k} & GPT-4 & 92.1 (2.2\\%$\\downarrow$) & 94.2 (-) \\\\\n"
        " & GLM-4.5 & 94.0 (0.0\\%) & 96.3 $\\pm$ 0.6\\% \\\\\n\\bottomrule\n\\end{tabular}"
    )
    found = claims(text, names)
    assert found == {
        ("GPT-4", "GSM8K", 92.1), ("GPT-4", "GSM8K", 94.2),
        ("GLM-4.5", "GSM8K", 94.0), ("GLM-4.5", "GSM8K", 96.3),
    }  # fmt: skip


def test_a_span_points_at_the_printed_figure(names: Vocabulary) -> None:
    text = (
        "\\newcommand{\\best}[1]{\\textbf{#1}}\n\\begin{tabular}{lc}\n\\toprule\n"
        "Model & MMLU \\\\\n\\midrule\nGPT-4o & \\best{87.2}\\std{0.4} \\\\\n\\end{tabular}"
    )
    source = Source("t.tex", "t.tex", text.encode(), text, Media.LATEX, "0")
    (claim,) = extract(source, names, "en").claims
    assert claim.span is not None
    assert text[slice(*claim.span)] == "87.2"
