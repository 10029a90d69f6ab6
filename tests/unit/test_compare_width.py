"""How wide the comparison is that a terminal or a log shows."""

from __future__ import annotations

from msgspec.structs import replace
from section_devices import DEVICES

from cardcallback.compare import compare_runs
from cardcallback.render.comparison import comparison_markdown, comparison_text
from cardcallback.testing import make_record

MADE = {
    "gb10": make_record,
    "two_h100": DEVICES["two_h100"],
    "p100": DEVICES["integral_only"],
    "module": DEVICES["module"],
}
WIDEST = 120


def test_a_comparison_fits_into_a_line() -> None:
    """Of unlike devices, with long reasons: each figure stands on a line of its own, none is lost."""
    records = [replace(make(), run_id=f"run-{name}") for name, make in MADE.items()]
    text = comparison_text(compare_runs(records))
    assert max(map(len, text.splitlines())) <= WIDEST
    words = " ".join(text.split())
    for figure in ("107 Wh", "600 Wh", "101 Wh to 112 Wh", "1 h 52 min"):
        assert figure in words
        assert figure in comparison_markdown(compare_runs(records))


def test_a_narrow_table_has_columns() -> None:
    """Side by side, as long as that fits."""
    comparison = compare_runs([make_record(), make_record(run_id="another")])
    assert max(map(len, comparison_text(comparison).splitlines())) <= WIDEST
