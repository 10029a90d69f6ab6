"""``cardcallback check``: a card read as a reviewer would."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from cardcallback.check import Finding, check_card
from cardcallback.cli.card_options import own_labels
from cardcallback.cli.output import print_json, say
from cardcallback.errors import CardCallbackError
from cardcallback.record import load_run
from cardcallback.render.run_words import plural
from cardcallback.units import one_line
from cardcallback.writing import read_card

CARD_NAME = "README.md"
_FINDINGS = 4


def check(
    card: Annotated[Path, typer.Argument(help="A card, or the folder of a README.md.")],
    *,
    record: Annotated[
        Path | None,
        typer.Option("--record", help="Recompute every figure from this record (an output folder or record.json)."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print data only.")] = False,
) -> None:
    """List what is unfinished, contradictory or private in CARD.

    What the Hub misreads, dead pictures and secrets too.

    Exit code 4 with errors; hints alone, which may be meant as they stand, give 0.
    """
    path = card / CARD_NAME if card.is_dir() else card
    _require_card(path, is_named=path == card)
    text = read_card(path)
    run = load_run(record) if record is not None else None
    findings = check_card(text, record=run, file_exists=_existing_below(path.parent), own_labels=own_labels())
    if json:
        print_json(_document(findings))
    else:
        _print(path, findings)
    if any(one.severity == "error" for one in findings):
        raise typer.Exit(_FINDINGS)


def _require_card(path: Path, *, is_named: bool) -> None:
    if path.suffix.lower() == ".json":
        msg = f"{path.name} is no card: give the card, and a record with --record"
        raise CardCallbackError(msg)
    if not is_named and not path.exists():
        msg = f"there is no {CARD_NAME} in {path.parent}: give a card, or the folder of one"
        raise CardCallbackError(msg, exit_code=3)


def _existing_below(folder: Path) -> Callable[[str], bool]:
    """Whether a file is there, and inside the folder: what lies beside it is not published with the card."""
    root = folder.resolve()

    def exists(address: str) -> bool:
        try:
            target = (root / address).resolve()
            return target.is_relative_to(root) and target.exists()
        except (OSError, ValueError):
            # An address that no file system takes, such as one with a NUL, is of no file.
            return False

    return exists


def _print(path: Path, findings: tuple[Finding, ...]) -> None:
    for one in findings:
        where = "record" if one.place == "record" else path.name + (f":{one.line}" if one.line is not None else "")
        say(f"{one_line(where)}: {one.severity}: {one.what}: {one.cure}")
    errors = sum(one.severity == "error" for one in findings)
    hints = len(findings) - errors
    say(f"{plural(errors, 'error')}, {plural(hints, 'hint')}" if findings else "nothing found")


def _document(findings: tuple[Finding, ...]) -> dict[str, Any]:
    names = ("severity", "rule", "place", "line", "what", "cure")
    return {
        "errors": sum(one.severity == "error" for one in findings),
        "hints": sum(one.severity == "hint" for one in findings),
        "findings": [{name: getattr(one, name) for name in names} for one in findings],
    }
