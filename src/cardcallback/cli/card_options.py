"""What ``render`` and ``publish`` have in common: place, overhead, pictures and results of a card."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from cardcallback.carbon import assess_footprint, factor_for, find_place, user_factor
from cardcallback.cli.output import warn
from cardcallback.record import CarbonFactor, RunRecord

RECORD_HELP = "An output folder, or its training_run/record.json."
Location = Annotated[str | None, typer.Option(help="Where the electricity came from: DE, US-CA, gcp/...")]
CarbonIntensity = Annotated[
    float | None, typer.Option(help="The grid's own factor, in grams of CO2e per kWh.", metavar="G")
]
Pue = Annotated[float | None, typer.Option(help="Building overhead (power usage effectiveness).")]
ModelIndex = Annotated[
    bool, typer.Option("--model-index", help="Put the held-out results into the front matter too (model-index).")
]


def with_carbon(
    record: RunRecord, *, location: str | None, carbon_intensity: float | None, pue: float | None
) -> RunRecord:
    """The record with its CO2e for the place and overhead that were asked for; warns where there is none."""
    # Nothing given: the record's own place stays. Settings of this machine are not asked, since training
    # may have run elsewhere.
    earlier = record.carbon
    place = find_place(location) if location is not None else None
    factor: CarbonFactor | None
    if carbon_intensity is not None:
        factor = user_factor(carbon_intensity, place)
    elif place is not None:
        factor = factor_for(place)
    else:
        factor = earlier.factor if earlier else None
    if place is None and carbon_intensity is None and pue is None:
        return record
    overhead = pue if pue is not None or earlier is None else earlier.pue
    result = assess_footprint(record.energy, factor, overhead)
    for note in result.notes:
        warn(note)
    if result.carbon is None:
        warn(f"no CO2e figure: {result.reason}")
    return msgspec.structs.replace(record, carbon=result.carbon)
