from __future__ import annotations

import pytest

from evalkit.compare.alignment import table
from evalkit.compare.values import KINDS, same_value
from evalkit.compare.versions import is_version


@pytest.mark.parametrize(
    ("kind", "claimed", "ours", "same"),
    [
        ("number", 1.0, 1, True),
        ("number", "0.6", 0.6, True),
        ("number", "5-shot", 5, True),
        ("number", 0, 1.0, False),
        ("number", "some", 1.0, None),
        ("number", True, 1, None),
        ("tokens", "8k", 8192, True),
        ("tokens", "8k", 8000, True),
        ("tokens", "32,768", 32768, True),
        ("tokens", "8k", 32768, False),
        ("flag", "with tools", True, True),
        ("flag", ["bash"], True, True),
        ("flag", "no tools", True, False),
        ("flag", False, [], True),
        ("text", "mini-SWE-agent", "mini swe agent", True),
        ("text", "OpenHands", "mini-swe-agent", False),
        ("text", "", "x", None),
        ("precision", "bf16", "none", True),
        ("precision", "bf16", "Q4_K_M", False),
        ("precision", "INT4", "int4", True),
        ("precision", None, "int4", None),
        ("free", "5-shot CoT", "own", None),
        ("free", "own", "Own", True),
        ("models", "GPT-4.1", "openai/gpt-4.1-2025-04-14", True),
        ("models", "gpt-4-0613", "gpt-4-1106", False),
        ("models", "o3-mini", "o3", False),
        ("models", "o3-mini", "o3-mini, gpt-4o", False),
        ("models", "gpt-4o and o3-mini", "o3-mini, gpt-4o-2024-08-06", True),
        ("models", ["a", "b"], "b, a", True),
        ("models", "", "a", None),
    ],
)
def test_values_are_told_apart_by_kind(
    kind: str, claimed: object, ours: object, same: bool | None
) -> None:
    assert same_value(kind, claimed, ours) is same


def test_the_table_of_settings_is_well_formed() -> None:
    for key, entry in table().items():
        assert set(entry) - {"words"} == {
            "title", "moves", "why", "kind", "claim", "asked", "found",
        }, key  # fmt: skip
        assert entry["kind"] in KINDS
        assert isinstance(entry["moves"], bool)
        assert entry["why"]
        assert entry["claim"]
    named = [name for entry in table().values() for name in entry["claim"]]
    assert len(named) == len(set(named)), "a claim's key belongs to one row"


@pytest.mark.parametrize(
    "text",
    [
        "2408-2505", "2408..2505", "24.08-25.05", "240801-250531", "202408-202505", "24/8~25/5",
        "2024-8..2025-5", "2024-08 - 2025-05", "2024-08-2025-05", "2024/08-2025/05",
        "2024-08-01..2025-05-31", "08/2024-05/2025", "08.2024-05.2025", "8/1/2024 to 5/31/2025",
        "Aug 24 - May 25", "Aug'24-May'25", "Aug. 2024–May 2025", "August 2024 through May 2025",
        "from August 2024 to May 2025", "between Aug 2024 and May 2025", "2024-08 → 2025-05",
        "Aug 1, 2024 - May 31, 2025", "2024年8月-2025年5月",
        "(2408-2505)", "v6; 2408-2505", "release_v6 24/8-25/5",
    ],
)  # fmt: skip
def test_one_window_of_dates_in_many_spellings(text: str) -> None:
    for ours in ("2024-08..2025-05", "release_v6 2024-08..2025-05"):
        assert same_value("version", text, ours) is True
    assert same_value("version", text, "release_v6 2024-08..2025-04") is False


@pytest.mark.parametrize(
    "text",
    ["2024-2025", "2408", "5.1-6.2", "2024-08..2025-13", "no tools 2408-2505", "1 to 2", "pass@1"],
)
def test_what_is_no_window(text: str) -> None:
    assert not is_version(text)
