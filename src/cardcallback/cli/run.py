"""``cardcallback run -- COMMAND``: an unchanged command, measured."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from cardcallback.cli.card_options import Location, Pue
from cardcallback.cli.output import warn
from cardcallback.errors import CardCallbackError
from cardcallback.launcher.starting import environment_of_command, start, unreached
from cardcallback.settings import Settings, as_variables, resolve_settings, settled_names, user_config_directory


def run(  # noqa: PLR0913 - one argument an option, as typer wants them
    command: Annotated[list[str], typer.Argument(help="The command and its arguments.", metavar="COMMAND...")],
    *,
    location: Location = None,
    carbon_intensity_grams_per_kwh: Annotated[
        float | None,
        typer.Option(
            "--carbon-intensity-grams-per-kwh",
            "--carbon-intensity",
            help="The grid's own factor, in grams of CO2e per kWh.",
            metavar="G",
        ),
    ] = None,
    pue: Pue = None,
    base_model: Annotated[str | None, typer.Option(help="The Hub id of a model that is loaded from disk.")] = None,
    stage: Annotated[str | None, typer.Option(help='The run\'s name in a chain, such as "SFT".')] = None,
    previous: Annotated[Path | None, typer.Option(help="Folder or record of the stage before.")] = None,
    template: Annotated[Path | None, typer.Option(help="A Markdown card to fill.")] = None,
    card: Annotated[str | None, typer.Option(help="The card's file name in the output folder.")] = None,
    sampling_interval_seconds: Annotated[float | None, typer.Option(help="Read every sensor this often.")] = None,
    charts: Annotated[bool | None, typer.Option("--charts/--no-charts", help="Draw the pictures.")] = None,
    log_metrics: Annotated[
        bool | None, typer.Option("--log-metrics/--no-log-metrics", help="Live figures in the trackers.")
    ] = None,
    estimate_rest: Annotated[
        bool | None, typer.Option("--estimate-rest/--no-estimate-rest", help="Estimate the rest of the machine.")
    ] = None,
    publish: Annotated[str | None, typer.Option(help="What a push may upload: card, pictures or all.")] = None,
    quiet: Annotated[bool | None, typer.Option("--quiet/--no-quiet", help="Print nothing of our own.")] = None,
) -> None:
    """Run a command with a CardCallback on every Trainer in it.

    Those in what it starts have one too. Options are CardCallback's arguments and come before the command. Exit
    code, output and signals are the command's own; 127: not found, 126: not executable, 2: a wrong option, and
    nothing was started.

    A line "cardcallback: measuring ..." when training begins says that it is attached. Not reached are python -I, -E
    and -S, env -i, PEX files, containers, other computers, and a Python without cardcallback, which says so.
    """
    values = locals()
    given = {name: value for name, value in values.items() if name != "command" and value is not None}
    settings = _checked(given)
    environ: dict[str, str] = dict(os.environ)
    if not settings.disabled:
        # What is set here holds wherever the command goes: it may train in another folder than it starts in.
        names = {*given, *settled_names(environ, Path.cwd())}
        environ = environment_of_command(environ, as_variables(settings, names))
        problem = unreached(command)
        if problem is not None:
            warn(f"not measured: {problem}, so that nothing attaches to a trainer in it")
    raise typer.Exit(start(command, environ))


def _checked(given: dict[str, object]) -> Settings:
    try:
        return resolve_settings(
            given,
            environ=os.environ,
            working_directory=Path.cwd(),
            user_config_directory=user_config_directory(os.environ),
        )
    except CardCallbackError as error:
        # Any other code could be the command's own.
        raise CardCallbackError(str(error), exit_code=2) from error
