"""``cardcallback publish``: a run's section, pictures and record into another card."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from cardcallback.cli.card_options import (
    RECORD_HELP,
    CarbonIntensity,
    Factors,
    Location,
    MarketIntensity,
    ModelIndex,
    Pue,
    factor_of_options,
    load_of_weights,
    own_labels,
    with_carbon,
)
from cardcallback.cli.output import say, warn
from cardcallback.publishing import (
    Wishes,
    open_place,
    parse_target,
    plan_publication,
    preview,
    read_source,
)
from cardcallback.publishing import publish as publish_into
from cardcallback.publishing.plan import Plan
from cardcallback.publishing.source import keeps_to_itself
from cardcallback.settings import checks
from cardcallback.units import printable


def publish(  # noqa: PLR0913 - a command's options are its parameters
    record: Annotated[Path, typer.Argument(help=RECORD_HELP)],
    target: Annotated[
        str, typer.Argument(help="A folder (merged, GGUF, exported), or a Hub repository: owner/name, hf://owner/name.")
    ],
    *,
    card: Annotated[str, typer.Option(help="The card's file name there.")] = "README.md",
    publish: Annotated[
        str | None,
        typer.Option(help="card, pictures (and card) or all (record too, the default)", metavar="HOW_MUCH"),
    ] = None,
    location: Location = None,
    carbon_intensity: CarbonIntensity = None,
    factors: Factors = None,
    pue: Pue = None,
    market_intensity: MarketIntensity = None,
    model_index: ModelIndex = False,
    charts: Annotated[bool, typer.Option(help="Draw the pictures where they are missing.")] = True,
    revision: Annotated[str | None, typer.Option(help="Branch of the repository.")] = None,
    create_pr: Annotated[bool, typer.Option("--create-pr", help="Open a pull request in the repository.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also where the card seems to be of other weights: you know better.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would change, and change nothing.")] = False,
) -> None:
    """Put a run's section, pictures and record into another card.

    That of merged or exported weights, or of a repository on the Hub.
    """
    where = parse_target(target)
    loaded, record_file = load_of_weights(record)
    # A run that was asked to keep its record to itself is not told by another door.
    how_much = publish or ("pictures" if keeps_to_itself(record_file) else "all")
    wishes = Wishes(
        card=checks.card_name(card, _origin("--card")),
        publish=checks.publish(how_much, _origin("--publish")),
        model_index=model_index,
        force=force,
        labels=own_labels(),
    )
    told = with_carbon(
        loaded.record,
        factor=factor_of_options(location, carbon_intensity, factors),
        pue=pue,
        market_intensity=market_intensity,
    )
    wants_pictures = wishes.publish != "card"
    source = read_source(loaded, told, record_file, with_pictures=wants_pictures, may_draw=charts, warn=warn)
    opened = partial(open_place, where, revision=revision, create_pr=create_pr)
    if dry_run:
        plan = plan_publication(source, opened(), wishes)
        for line in preview(plan.changes):
            typer.echo(printable(line))
        _tell(plan, "nothing was changed (--dry-run)")
        return
    done = publish_into(opened, source, wishes)
    _tell(done.plan, f"wrote {done.where}" if done.where else f"nothing to change in {target}")


def _tell(plan: Plan, what: str) -> None:
    for warning in plan.warnings:
        warn(warning)
    say(what)
    say(plan.weights)


def _origin(label: str) -> checks.Origin:
    return checks.Origin(label=label, folder=Path())
