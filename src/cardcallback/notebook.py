"""The card's figures inline, where a notebook shows what a cell gives."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any

from markdown_it import MarkdownIt

from cardcallback.console import say
from cardcallback.record import RunRecord
from cardcallback.render.lettered import lettered
from cardcallback.render.section.references import References
from cardcallback.render.section.results import result_table
from cardcallback.render.text import escape_line
from cardcallback.settings import Settings

# The figures' cells are escaped for Markdown; what is HTML in them all the same is shown, not obeyed.
_PARSER = MarkdownIt("commonmark", {"html": False}).enable("table")
_LONGEST_LINE = 2000


class Figures:
    """A run's figures: a plain table in a notebook, the closing line as text."""

    def __init__(self, record: RunRecord, line: str) -> None:
        self._record = record
        self._line = line

    def __repr__(self) -> str:
        return self._line

    def _repr_html_(self) -> str:
        references = References()
        table = result_table(lettered(self._record), references)
        blocks = [[escape_line(self._line, _LONGEST_LINE)], table, *([line] for line in references.listing())]
        return str(_PARSER.render("\n\n".join("\n".join(block) for block in blocks)))


def show_end(record: RunRecord, line: str, settings: Settings) -> None:
    """Show the figures with ``line`` in a notebook, print ``line`` anywhere else; nothing where quiet was asked for."""
    display = _notebook_display()
    if display is None or settings.quiet:
        say(line, settings)
    else:
        display(Figures(record, line))


def _notebook_display() -> Callable[[Any], object] | None:
    """IPython's display, where a kernel runs this; IPython in a terminal would print the object's name."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None
    if getattr(shell, "kernel", None) is None:
        return None
    display: Callable[[Any], object] = importlib.import_module("IPython.display").display
    return display
