"""What a command prints: plain text, coloured only on a terminal, never a control character of others."""

from __future__ import annotations

import json
from typing import Any

import typer

from cardcallback.units import one_line


def say(text: str, *, colour: str | None = None, bold: bool = False) -> None:
    """Print a line; typer drops the colour where the output is not a terminal."""
    typer.secho(one_line(text), fg=colour, bold=bold)


def warn(text: str) -> None:
    """Print a line beside the data, so that a pipe receives only the data."""
    typer.echo(f"cardcallback: {one_line(text)}", err=True)


def print_json(document: dict[str, Any]) -> None:
    """Print data and nothing else."""
    typer.echo(json.dumps(document, indent=1, ensure_ascii=True, allow_nan=False))
