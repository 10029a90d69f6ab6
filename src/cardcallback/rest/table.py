"""The published figures that ship with the package, each with its assumption and source."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Literal, cast

Basis = Literal["times_gpu", "watts_per_gpu"]


@dataclass(frozen=True, kw_only=True, slots=True)
class HostOverhead:
    """The rest of one kind of machine, for each GPU whose NVML name ``pattern`` finds.

    ``basis`` "times_gpu": multiples of the GPU's own energy, judged to hold for a mean power between
    ``lowest_watts`` and ``highest_watts``. "watts_per_gpu": watts for as long as the run takes. ``low`` and ``high``
    are ``None`` where nobody published such a bound. Without ``low``, ``value`` is an upper figure itself: the
    highest that was seen, or, equal to ``high``, the nameplate's limit.
    """

    pattern: str
    basis: Basis
    low: float | None
    value: float
    high: float | None
    lowest_watts: float | None
    highest_watts: float | None
    assumption: str
    source: str


@lru_cache(maxsize=1)
def host_overheads() -> tuple[HostOverhead, ...]:
    """Every row, in the order of the file."""
    text = resources.files("cardcallback.rest").joinpath("host_overhead.csv").read_text(encoding="utf-8")
    return tuple(
        HostOverhead(
            pattern=line["pattern"],
            basis=cast("Basis", line["basis"]),
            low=_number(line["low"]),
            value=float(line["value"]),
            high=_number(line["high"]),
            lowest_watts=_number(line["lowest_watts"]),
            highest_watts=_number(line["highest_watts"]),
            assumption=line["assumption"],
            source=line["source"],
        )
        for line in csv.DictReader(text.splitlines())
    )


def _number(text: str) -> float | None:
    return float(text) if text else None
