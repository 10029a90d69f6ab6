"""``cardcallback compare``: runs side by side, on equal terms or with what makes them unequal said first."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from cardcallback.cli.card_options import CarbonIntensity, Factors, Location, Pue, factor_of_options
from cardcallback.cli.output import print_json, warn
from cardcallback.compare import CostInput, compare_runs
from cardcallback.errors import CardCallbackError
from cardcallback.record import load_run
from cardcallback.render.comparison import comparison_markdown, comparison_text
from cardcallback.render.comparison.picture import draw_comparison


def compare(  # noqa: PLR0913 - one argument an option, as typer wants them
    records: Annotated[list[Path], typer.Argument(metavar="A B...", help="Output folders, or record.json files.")],
    *,
    location: Location = None,
    carbon_intensity: CarbonIntensity = None,
    factors: Factors = None,
    pue: Pue = None,
    electricity_price: Annotated[
        float | None, typer.Option(metavar="PER_KWH", help="Price of a kWh, in a currency of yours.")
    ] = None,
    hourly_price: Annotated[
        list[str] | None, typer.Option(metavar="A=PRICE", help="Rent of an hour of a group's machine, by its letter.")
    ] = None,
    purchase_price: Annotated[
        list[str] | None, typer.Option(metavar="A=PRICE", help="What the machine cost, where it is owned.")
    ] = None,
    life_years: Annotated[list[str] | None, typer.Option(metavar="A=YEARS", help="How long it will be used.")] = None,
    idle_watts: Annotated[list[str] | None, typer.Option(metavar="A=WATTS", help="What it draws at rest.")] = None,
    powered_on_hours: Annotated[
        list[str] | None, typer.Option(metavar="A=HOURS", help="Hours a year for which it is on.")
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print data only.")] = False,
    chart: Annotated[Path | None, typer.Option(help="Draw the figures into this PNG file.")] = None,
) -> None:
    """Compare runs: first what makes them unequal, then the figures.

    These are time, energy, CO2e, memory, loss and, at prices of yours, cost.

    Repeats of one work on one kind of machine are a group. Groups have letters in the order of the records: prices name
    them (--hourly-price B=2.99), and each such option may be given for several groups.
    """
    prices = CostInput(
        electricity_price_per_kilowatt_hour=electricity_price,
        hourly_price=_by_letter("--hourly-price", hourly_price),
        purchase_price=_by_letter("--purchase-price", purchase_price),
        life_years=_by_letter("--life-years", life_years),
        idle_watts=_by_letter("--idle-watts", idle_watts),
        powered_on_hours=_by_letter("--powered-on-hours", powered_on_hours),
    )
    if json and markdown:
        msg = "--json and --markdown are two forms of the same: give one of them"
        raise CardCallbackError(msg)
    if chart is not None and chart.suffix.lower() != ".png":
        msg = f"{chart} is no PNG file: give the chart a name ending in .png"
        raise CardCallbackError(msg)
    if chart is not None and not chart.parent.is_dir():
        msg = f"the folder {chart.parent} for {chart.name} is not there: make it, or give another place"
        raise CardCallbackError(msg)
    loaded = [load_run(path) for path in records]
    comparison = compare_runs(
        loaded, factor=factor_of_options(location, carbon_intensity, factors), pue=pue, prices=prices
    )
    if json:
        print_json(msgspec.to_builtins(comparison))
    else:
        typer.echo(comparison_markdown(comparison) if markdown else comparison_text(comparison), nl=False)
    if chart is not None:
        draw_comparison(comparison, chart)
        warn(f"wrote {chart}")


def _by_letter(option: str, values: list[str] | None) -> dict[str, float]:
    found: dict[str, float] = {}
    for text in values or ():
        letter, _, number = text.partition("=")
        name = letter.strip().upper()
        try:
            value = float(number)
        except ValueError as error:
            msg = f"{option} takes a group's letter and a number, as in A=2.99, not {text!r}"
            raise CardCallbackError(msg) from error
        if name in found:
            msg = f"{option} was given twice for the group {name}: give it once"
            raise CardCallbackError(msg)
        found[name] = value
    return found
