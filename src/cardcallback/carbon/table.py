"""The two tables that ship with the package: grid factors, and the place each cloud region stands in."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

_FACTORS = "factors.csv"
_CLOUD_REGIONS = "cloud_regions.csv"


@dataclass(frozen=True, kw_only=True, slots=True)
class FactorRow:
    """One grid: grams of CO2e per kWh with the year, boundary, source and licence it carries.

    ``boundary`` is "lifecycle" (fuel chain and plants included), "combustion" (what leaves the stacks
    of the plants there) or "operational" (as the cloud provider states it). Figures of differing boundary
    do not compare.
    """

    code: str
    alpha3: str
    name: str
    other_names: tuple[str, ...]
    grams_per_kwh: float
    year: int
    boundary: str
    source: str
    licence: str


@lru_cache(maxsize=1)
def factor_rows() -> dict[str, FactorRow]:
    """Every row by its code: "DE", "US-CA", "gcp/us-central1"."""
    return {
        line["code"]: FactorRow(
            code=line["code"],
            alpha3=line["alpha3"],
            name=line["name"],
            other_names=tuple(name for name in line["other_names"].split(";") if name),
            grams_per_kwh=float(line["grams_per_kwh"]),
            year=int(line["year"]),
            boundary=line["boundary"],
            source=line["source"],
            licence=line["licence"],
        )
        for line in _lines(_FACTORS)
    }


@lru_cache(maxsize=1)
def cloud_regions() -> dict[str, str]:
    """The code of the country or state of each cloud region that has no factor of its own."""
    return {line["code"]: line["place_code"] for line in _lines(_CLOUD_REGIONS)}


def _lines(name: str) -> list[dict[str, str]]:
    text = resources.files("cardcallback.carbon").joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
