"""``cardcallback recover``: record and card of runs that were killed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from cardcallback.cli.output import say, warn
from cardcallback.computers import join_computers
from cardcallback.errors import CardCallbackError
from cardcallback.journal import goes_on
from cardcallback.recovery import killed_runs, write_recovered
from cardcallback.settings import resolve_settings, user_config_directory
from cardcallback.temporary_files import remove_abandoned


def recover(
    folders: Annotated[
        list[Path],
        typer.Argument(help="Folders of killed runs, or of one job's computers.", metavar="OUTPUT_DIR..."),
    ],
) -> None:
    """Write record and card of killed runs.

    Several folders: the computers of one job, which are joined. A run that still lives is left alone.
    """
    settings = resolve_settings(
        {},
        environ=os.environ,
        working_directory=Path.cwd(),
        user_config_directory=user_config_directory(os.environ),
    )
    for folder in folders:
        remove_abandoned(folder)
    alive: list[Path] = []
    # All are found before any is written, so that none is found twice.
    killed = list(killed_runs(folders, settings.journal_directory, lives=goes_on, on_alive=alive.append, warn=warn))
    for run in killed:
        say(write_recovered(run, settings, warn=warn))
    joined = join_computers(folders, settings, warn=warn)
    if joined is not None:
        say(joined)
    if alive:
        names = ", ".join(dict.fromkeys(str(folder) for folder in alive))
        msg = f"a run in {names} is still alive: nothing of it was changed; stop it first, or wait for its end"
        raise CardCallbackError(msg)
    if not killed and joined is None:
        raise CardCallbackError(_nothing(folders), exit_code=3)


def _nothing(folders: list[Path]) -> str:
    names = ", ".join(map(str, folders))
    if missing := ", ".join(str(folder) for folder in folders if not folder.is_dir()):
        return f"nothing to recover in {names}: there is no folder {missing}; give the run's output folder"
    return f"nothing to recover in {names}: no journal of a killed run lies there"
