"""Tables of any shape: random grids of cells, in Markdown and in HTML."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.errors import DataError
from evalkit.reported.extract import extract
from evalkit.reported.source import Media, Source
from evalkit.reported.vocabulary import Vocabulary

NAMES = Vocabulary.load()

_CELLS = st.sampled_from(
    (
        "",
        "-",
        "n/a",
        "91.0",
        "**88.4**",
        "12/30",
        "63.3±5.2%",
        "71.6 (+2.1)",
        "-0.7",
        "+3.2",
        "🏆 76",
        "- / 34.2",
        "1|2|3",
        "235B",
        "2024.6",
        "1e400",
        "9" * 400,
        "١٢",
        "½",
        "MMLU",
        "GPQA Diamond",
        "HumanEval (+)",
        "SQuAD F1/EM",
        "Average",
        "Valid",
        "Test (5-shot)",
        "F1",
        "Acc. (%)",
        "# Tokens",
        "GPT-5",
        "Foo-7B (7B)",
        "Model",
        "Benchmark",
        "Base LLM",
        "Results",
        "Best open",
        "81 (FooVLM)",
        "<br>",
        "((((",
        "*",
        "^1",
        "80%<sup>1</sup>",
        "\\|",
    )
)
_GRIDS = st.lists(st.lists(_CELLS, max_size=7), min_size=1, max_size=8)
_ABOVE = st.sampled_from(
    ("", "# GPT-5\n\n", "## C-Eval\n\n", "## Results\n\nLatency in seconds:\n\n")
)


@settings(max_examples=150, deadline=None)
@given(rows=_GRIDS, above=_ABOVE, width=st.integers(1, 6))
def test_no_grid_of_cells_defeats_the_reader(rows: list[list[str]], above: str, width: int) -> None:
    """Whatever the shape: claims within the text, or a DataError; nothing else."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "|" + "---|" * width)
    page = "".join(f"<tr>{''.join(f'<td>{c}' for c in row)}" for row in rows)
    for text, name in ((above + "\n".join(lines), "card.md"), (f"<table>{page}", "page.html")):
        media = Media.MARKDOWN if name.endswith("md") else Media.HTML
        source = Source(name, name, text.encode(), text, media, "")
        try:
            claims = extract(source, NAMES, "en").claims
        except DataError:
            continue
        for claim in claims:
            assert claim.span is not None
            assert 0 <= claim.span[0] < claim.span[1] <= len(text)
