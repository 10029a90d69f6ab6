"""How commands print: plain where it is asked for, and one line where nothing can be printed."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from cardcallback.cli import main
from cardcallback.cli.output import say

FULL = Path("/dev/full")


class Terminal(io.StringIO):
    """An output that somebody looks at."""

    def isatty(self) -> bool:
        """A terminal's answer."""
        return True


def _printed(monkeypatch: pytest.MonkeyPatch, no_colour: str | None) -> str:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_colour is not None:
        monkeypatch.setenv("NO_COLOR", no_colour)
    for text, colour, bold in (("plain", None, False), ("green", "green", False), ("bold", None, True)):
        say(text, colour=colour, bold=bold)
    return terminal.getvalue()


def test_a_line_without_a_look_has_no_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal only what is to look otherwise says so."""
    plain, green, bold = _printed(monkeypatch, None).splitlines()
    assert plain == "plain"
    assert (green, bold) == ("\x1b[32mgreen\x1b[0m", "\x1b[1mbold\x1b[0m")


def test_no_color_is_obeyed_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not one code is left; an empty variable asks for nothing, as no-color.org has it."""
    assert _printed(monkeypatch, "1") == "plain\ngreen\nbold\n"
    assert "\x1b[32m" in _printed(monkeypatch, "")


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
def test_an_output_that_takes_nothing_is_one_line() -> None:
    """What happened and what to do, without an error's number."""
    with FULL.open("w") as full:
        command = [sys.executable, "-m", "cardcallback", "--version"]
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith("cardcallback: the output could not be written: no space left on device; ")
    assert ended.stderr.count("\n") == 1
    assert "Errno" not in ended.stderr


def test_a_chart_names_the_folder_that_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is read, so that a long comparison is not printed in vain."""
    with pytest.raises(SystemExit) as stop:
        main(["compare", "a", "b", "--chart", str(tmp_path / "nodir" / "x.png")])
    assert stop.value.code == 1
    assert f"the folder {tmp_path / 'nodir'} for x.png is not there" in capsys.readouterr().err
