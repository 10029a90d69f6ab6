"""The ``cardcallback`` command: its commands, and how its errors end."""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from cardcallback.cli.check import check
from cardcallback.cli.compare import compare
from cardcallback.cli.doctor import doctor
from cardcallback.cli.estimate import estimate
from cardcallback.cli.ls import ls
from cardcallback.cli.publish import publish
from cardcallback.cli.recover import recover
from cardcallback.cli.render import render
from cardcallback.cli.run import run
from cardcallback.errors import CardCallbackError
from cardcallback.units import one_line

# Frames drawn with box characters help nobody who reads the output in a log or a pipe.
application = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None
)
application.command()(doctor)
application.command()(recover)
application.command()(render)
application.command()(publish)
application.command()(ls)
application.command()(estimate)
application.command()(compare)
application.command()(check)
# The first word that is no option of ours begins the command, with or without `--`.
application.command(context_settings={"allow_interspersed_args": False})(run)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - the signature typer calls
    if wanted:
        typer.echo(f"cardcallback {importlib.metadata.version('cardcallback')}")
        raise typer.Exit


@application.callback()
def _options(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Complete model cards with what training really used."""
    del version


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; a mistake of the person ends in one line, never in a traceback.

    Args:
        arguments: what follows the command's name; the process's own unless given.

    Raises:
        SystemExit: always, with the exit code; 1, without a word, where the reader of a pipe left early.
    """
    try:
        application(args=list(arguments) if arguments is not None else None, prog_name="cardcallback")
    except CardCallbackError as error:
        sys.stderr.write(f"cardcallback: {one_line(str(error))}\n")
        sys.exit(error.exit_code)
    except OSError as error:
        sys.stderr.write(f"cardcallback: {one_line(_failed(error))}\n")
        sys.exit(1)


def _failed(error: OSError) -> str:
    """What the system refused, and what to do; what is told of no file is the output, since files of ours are."""
    reason = (error.strerror or type(error).__name__).lower()
    if error.filename is None:
        return f"the output could not be written: {reason}; send it to another place, or make room there"
    return f"{error.filename} cannot be used: {reason}; see that it is there and may be read and written"
