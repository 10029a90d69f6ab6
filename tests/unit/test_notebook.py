"""The figures that a notebook shows: the card's own rows, harmless, once."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import pytest
from msgspec.structs import replace

from cardcallback.notebook import Figures, show_end
from cardcallback.settings import Settings
from cardcallback.testing import make_record

LINE = "cardcallback: README.md: 1 h 52 min, GPU 107 Wh"
HOSTILE = "<script>alert(1)</script> [x](javascript:alert(1)) ![x](https://example.com/x) | ` **b** "


@pytest.fixture
def displayed(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What a stand-in for IPython was asked to display; ``shell`` of it is a notebook's."""
    shown: list[object] = []
    ipython, display = ModuleType("IPython"), ModuleType("IPython.display")
    ipython.get_ipython = lambda: SimpleNamespace(kernel=object())  # type: ignore[attr-defined]
    display.display = shown.append  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    return shown


def test_the_rows_are_the_cards() -> None:
    """The table has the card's first rows with their figures and sources, and the closing line before it."""
    html = Figures(make_record(), LINE)._repr_html_()
    assert html.startswith("<p>cardcallback: README.md")
    assert "<td>GPU energy</td>" in html
    assert "107 Wh" in html
    assert "measured: NVML energy counter" in html


def test_as_text_it_is_the_closing_line() -> None:
    """Where no table can be shown, IPython shows this."""
    assert repr(Figures(make_record(), LINE)) == LINE


def test_hostile_names_are_shown_not_obeyed() -> None:
    """Neither a reason nor a line of the record makes an element, link or picture."""
    record = make_record()
    system = replace(record.energy.system, value=None, reason=HOSTILE)
    html = Figures(replace(record, energy=replace(record.energy, system=system)), f"{LINE} {HOSTILE}")._repr_html_()
    assert "alert(1)" in html
    for element in ("<script", "<img", 'href="javascript', "<b>", "</td><script"):
        assert element not in html
    assert "&lt;script&gt;" in html


def test_in_a_notebook_it_is_displayed_and_not_printed(
    displayed: list[object], capsys: pytest.CaptureFixture[str]
) -> None:
    """One display, nothing printed; nothing of either where quiet was asked for."""
    show_end(make_record(), LINE, Settings(quiet=True))
    assert displayed == []
    show_end(make_record(), LINE, Settings())
    assert [repr(one) for one in displayed] == [LINE]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("shell", [None, SimpleNamespace()])
def test_elsewhere_it_is_printed(
    displayed: list[object], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], shell: object
) -> None:
    """IPython imported by a script, or a shell in a terminal: a line, no object."""
    monkeypatch.setattr(sys.modules["IPython"], "get_ipython", lambda: shell)
    show_end(make_record(), LINE, Settings())
    assert displayed == []
    assert capsys.readouterr().out == f"{LINE}\n"
