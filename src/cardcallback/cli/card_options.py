"""What commands have in common: place, overhead and results of a card."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from cardcallback.carbon import assess_run, chosen_factor, market_factor, overridden_places
from cardcallback.cli.output import warn
from cardcallback.errors import CardCallbackError
from cardcallback.record import CarbonFactor, LoadedRecord, RunRecord, load_document, record_path
from cardcallback.settings import checks, own_labels_text, settled_factors, user_config_directory
from cardcallback.stages import record_file_of

RECORD_HELP = "An output folder, or its training_run/record.json."
Location = Annotated[str | None, typer.Option(help="Where the electricity came from: DE, US-CA, gcp/...")]
CarbonIntensity = Annotated[
    float | None, typer.Option(help="The grid's own factor, in grams of CO2e per kWh.", metavar="G")
]
Factors = Annotated[
    Path | None,
    typer.Option(help="A CSV file of your own factors: place,grams_per_kwh,year,boundary,source.", metavar="FILE"),
]
OwnPlaces = Annotated[
    bool,
    typer.Option("--own-places", help="Go back to the sessions' own places from one that was given for all of them."),
]
Pue = Annotated[float | None, typer.Option(help="Building overhead (power usage effectiveness).")]
MarketIntensity = Annotated[
    float | None, typer.Option(help="A contract's factor, for a figure beside the grid's.", metavar="G")
]
ModelIndex = Annotated[
    bool, typer.Option("--model-index", help="Put the held-out results into the front matter too (model-index).")
]


def own_labels() -> str | None:
    """The text of the person's own label map, where their settings name one."""
    return own_labels_text(**_here())


def factor_of_options(
    location: str | None, carbon_intensity: float | None, factors: Path | None = None
) -> CarbonFactor | None:
    """The factor that was asked for; a place is looked for in the person's own file first, given here or settled.

    Raises:
        CardCallbackError: the place or the file is no good, or a file stands without a place or beside a number.
    """
    if factors is not None and (location is None or carbon_intensity is not None):
        wrong = "is not needed beside --carbon-intensity: leave one out"
        msg = f"--factors {wrong if carbon_intensity is not None else 'needs a place of its rows: give --location too'}"
        raise CardCallbackError(msg)
    if location is None:
        return chosen_factor(None, carbon_intensity)
    own = checks.own_factors(factors) if factors is not None else settled_factors(**_here())
    return chosen_factor(location, carbon_intensity, own)


def _here() -> dict[str, Any]:
    return {
        "environ": os.environ,
        "working_directory": Path.cwd(),
        "user_config_directory": user_config_directory(os.environ),
    }


def load_of_weights(location: Path) -> tuple[LoadedRecord, Path]:
    """A record and its file; of an output folder that of the run whose weights lie there, as far as they tell.

    Raises:
        CardCallbackError: as ``load_document``.
    """
    file = record_file_of(location)
    if file == record_path(location):
        return load_document(location), file
    warn(f"the weights in this folder are of another run than its record.json: {file.name} is used")
    return load_document(file), file


def with_carbon(
    record: RunRecord,
    *,
    factor: CarbonFactor | None,
    pue: float | None,
    market_intensity: float | None,
    own_places: bool = False,
) -> RunRecord:
    """The record with its CO2e for the place and overhead that were asked for; warns where there is none.

    ``own_places``: what was given afterwards for all sessions holds no more, but for a contract's factor.

    Raises:
        CardCallbackError: what was asked for contradicts itself or cannot be true, or a contract's factor stands alone.
    """
    market = None if market_intensity is None else market_factor(market_intensity)
    if own_places:
        _require_own_places(record, gives_place=factor is not None)
        market = market or (None if record.carbon is None else record.carbon.market_factor)
        record = msgspec.structs.replace(record, carbon=None)
    # Nothing given: the record's own place stays. Settings of this machine are not asked, since training
    # may have run elsewhere.
    elif factor is None and pue is None and market is None:
        return record
    if market is not None and factor is None and not _has_place(record):
        msg = "a contract's factor stands beside the grid's: give --location or --carbon-intensity too"
        raise CardCallbackError(msg)
    result = assess_run(record, factor, pue, market)
    for note in result.notes:
        warn(note)
    if result.carbon is None:
        warn(f"no CO2e figure: {result.reason}")
    told = msgspec.structs.replace(record, carbon=result.carbon)
    own = overridden_places(told)
    if factor is not None and own:
        names = ", ".join(one.place for one in own)
        words = f"the place given now stands for all sessions, which were in several by their own account: {names}"
        warn(f"{words}; `cardcallback render --own-places` goes back to them")
    return told


def _require_own_places(record: RunRecord, *, gives_place: bool) -> None:
    if gives_place:
        msg = "--own-places takes the places that the sessions were told: leave --location and --carbon-intensity out"
        raise CardCallbackError(msg)
    if all(session.factor is None for session in record.sessions):
        msg = "no session of this run was told a place of its own: give one with --location, for all of them"
        raise CardCallbackError(msg)


def _has_place(record: RunRecord) -> bool:
    return record.carbon is not None or any(session.factor is not None for session in record.sessions)
