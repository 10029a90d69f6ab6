"""What a command prints: plain text, coloured only on a terminal, never a control character of others."""

from __future__ import annotations

import json
import os
from typing import Any

import typer

from cardcallback.units import one_line


def say(text: str, *, colour: str | None = None, bold: bool = False) -> None:
    """Print a line; what it would look like is dropped where the output is not a terminal, or ``NO_COLOR`` is set."""
    say_row(one_line(text), colour=colour, bold=bold)


def say_row(text: str, *, colour: str | None = None, bold: bool = False) -> None:
    """As ``say``, with the blanks that keep a table's columns below each other; its cells are clean."""
    # Of a line that is not bold typer, told so, writes that it is not.
    typer.secho(text, fg=colour, bold=bold or None, reset=bold or colour is not None, color=_may_colour())


def _may_colour() -> bool | None:
    """None leaves it to typer, which knows a terminal."""
    return False if os.environ.get("NO_COLOR") else None


def warn(text: str) -> None:
    """Print a line beside the data, so that a pipe receives only the data."""
    typer.echo(f"cardcallback: {one_line(text)}", err=True)


def print_json(document: dict[str, Any]) -> None:
    """Print data and nothing else."""
    typer.echo(json.dumps(document, indent=1, ensure_ascii=True, allow_nan=False))
