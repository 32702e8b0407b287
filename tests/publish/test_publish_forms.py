"""Tables in every form: the same rows, escaped as each form must, compiled and read back."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from markdown_it import MarkdownIt

from evalkit.compare import report_run
from evalkit.publish.grid import grids
from evalkit.publish.latex import latex
from evalkit.publish.write import FORMS, Publication, make_publication, write_publication
from tests.cli.calling import call
from tests.compare.synthetic_runs import Run, write_run
from tests.publish.test_publish_markdown import CLAIMS, write_runs

HOSTILE = r"a_b & 50% $x^2$ #1 ~ \input{/etc/passwd} <script> | é 日"


@pytest.fixture
def publication(tmp_path: Path) -> Publication:
    write_runs(tmp_path / "runs")
    records = [write_run(tmp_path / "runs" / "d", Run([[1.0, 0.0], [1.0, 1.0]], model=HOSTILE,
               canonical=HOSTILE))]  # fmt: skip
    from evalkit.run.record import find_runs

    records += find_runs([str(tmp_path / "runs")], tmp_path)
    unique = {record.folder: record for record in records}
    return make_publication([report_run(r, CLAIMS) for r in unique.values()])


def test_every_form_is_written_and_again_to_the_byte(
    publication: Publication, tmp_path: Path
) -> None:
    forms = ["md", "latex", "csv", "parquet"]
    first = write_publication(publication, tmp_path / "one", forms)
    second = write_publication(publication, tmp_path / "two", forms)
    assert [p.name for p in first] == [p.name for p in second]
    for one, two in zip(first, second, strict=True):
        assert one.read_bytes() == two.read_bytes(), one.name


def test_the_tables_hold_every_number_with_its_size(publication: Publication) -> None:
    found = {grid.name: grid for grid in grids(publication.reports, publication.rows)}
    assert list(found) == ["suites-by-models", "claims-by-runs"]
    for grid in found.values():
        assert all(len(line) == len(grid.head) for line in grid.lines)
        assert list(grid.lines) == sorted(grid.lines)
    cells = [cell for line in found["suites-by-models"].lines for cell in line[3:]]
    assert all(cell == "–" or ("±" in cell and "×" in cell) for cell in cells)
    assert len(found["claims-by-runs"].lines) == len(CLAIMS)


def test_categories_are_shown_where_samples_have_them(tmp_path: Path) -> None:
    from tests.model_server import serve_model
    from tests.sums import add, write_sums

    folder = write_sums(tmp_path, 8)
    rows = (folder / "sums.jsonl").read_text().splitlines()
    kinds = ["easy" if n % 2 else "hard" for n in range(len(rows))]
    (folder / "sums.jsonl").write_text(
        "".join(
            row[:-1] + f', "category": "{kind}"}}\n' for row, kind in zip(rows, kinds, strict=True)
        )
    )
    toml = (folder / "suite.toml").read_text()
    (folder / "suite.toml").write_text(toml + '\n[options]\ncolumns = ["category"]\n')
    with serve_model(add) as server:
        done = call(tmp_path, "run", "./sums", "-m", "tiny", "--base-url", server.url, "-k", "2")
    assert done.code == 0, done.err
    said = call(tmp_path, "publish", "results/runs", "--to", "out")
    assert said.code == 0, said.err
    text = (tmp_path / "out" / "tables.md").read_text()
    assert "| sums | tiny | plain | easy | 100.0 |" in text
    assert "| 4 × 2 |" in text


def test_markdown_renders_the_cells_as_they_are(publication: Publication, tmp_path: Path) -> None:
    (_, tables) = write_publication(publication, tmp_path, ["md"])
    tokens = MarkdownIt("commonmark").enable("table").parse(tables.read_text())
    cells = [token.children for token in tokens if token.type == "inline"]
    shown = ["".join(child.content for child in children or ()) for children in cells]
    for grid in grids(publication.reports, publication.rows):
        for line in grid.lines:
            for cell in line:
                assert " ".join(cell.split()) in shown


def test_csv_and_parquet_read_back_alike(publication: Publication, tmp_path: Path) -> None:
    text, table = write_publication(publication, tmp_path, ["csv", "parquet"])
    lines = list(csv.DictReader(io.StringIO(text.read_text())))
    rows = pq.read_table(table).to_pylist()
    assert len(lines) == len(rows) == len(publication.rows)
    for line, row in zip(lines, rows, strict=True):
        for name, value in row.items():
            if value is None:
                assert line[name] == ""
            elif isinstance(value, float):
                assert float(line[name]) == value
            else:
                assert line[name].removeprefix("'") == str(value)
        assert row["items"] >= 1
        assert row["k"] >= 1
        assert row["half_width"] is not None
        assert row["settings"] != "{}"


def test_no_cell_of_the_csv_is_a_formula(tmp_path: Path) -> None:
    record = write_run(tmp_path / "run", Run([[1.0, 0.0]], model="=1+1", canonical="=1+1"))
    (path,) = write_publication(make_publication([report_run(record, [])]), tmp_path, ["csv"])
    assert "'=1+1" in path.read_text()


def test_latex_holds_nothing_but_text() -> None:
    text = latex(HOSTILE)
    assert text.isascii()
    assert r"\input" not in text
    assert "\\textbackslash{}input\\{" in text
    assert r"50\% \$x\textasciicircum{}2\$" in text
    assert "e [cjk unified ideograph-65e5]" in text


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex on this machine")
def test_the_latex_tables_compile(publication: Publication, tmp_path: Path) -> None:
    write_publication(publication, tmp_path, ["latex"])
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "tables-document.tex"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "tables-document.pdf").stat().st_size > 1000


def test_an_unknown_form_or_a_folder_that_is_missing_is_refused(tmp_path: Path) -> None:
    write_runs(tmp_path / "runs")
    wrong = call(tmp_path, "publish", "runs", "--format", "md,docx", "--to", "x")
    assert wrong.code == 2
    assert "no form 'docx'" in wrong.err
    assert call(tmp_path, "publish", "runs", "--format", "csv").code == 2
    assert all(name in FORMS for name in ("md", "latex", "csv", "parquet"))


def test_a_form_that_cannot_be_had_does_not_keep_the_others_back(tmp_path: Path) -> None:
    write_runs(tmp_path / "runs")
    said = call(tmp_path, "publish", "runs", "--format", "hub,csv,md", "--to", "x")
    assert said.code == 2
    written = {path.name for path in (tmp_path / "x").iterdir()}
    assert written == {"scores.csv", "scores.md", "tables.md"}
    assert "hub was not written: No run is over" in said.err
    assert said.err.count("wrote ") == 3
