"""What making the hardware is charged to a run with: its share of the hardware's life."""

from __future__ import annotations

from collections.abc import Sequence

from cardcallback.catalogue import GpuRow, gpu_of_nvml_name
from cardcallback.record import Accelerator, Measurement, not_measured
from cardcallback.record.sums import summed
from cardcallback.units import GRAMS_PER_KILOGRAM, SECONDS_PER_HOUR

LIFE_HOURS = 26280.0
_LIFE = "three years at full use, as BoaviztAPI takes for GPUs"


def embodied_share(row: GpuRow | None, *, hours: float | None, count: int = 1) -> Measurement:
    """CO2e in grams of making ``count`` devices, times the run's hours out of their life.

    Never 0 for want of a figure: where nobody published what making one emitted there is a reason in its place.
    """
    if row is None:
        return not_measured("grams", "which hardware it was is not known")
    if row.embodied_kilograms is None:
        return not_measured("grams", f"of the {row.name} nobody published what making one emitted")
    if hours is None:
        return not_measured("grams", "how long it ran is not known")
    share = hours / LIFE_HOURS
    return Measurement(
        value=row.embodied_kilograms * GRAMS_PER_KILOGRAM * share * count,
        unit="grams",
        method="estimated",
        source=row.embodied_source,
        covers=(row.name,),
        assumption=f"a life of {_LIFE}; without the machine around it",
    )


def embodied_of(devices: Sequence[Accelerator], duration_seconds: float) -> Measurement:
    """The same of a job's GPUs, by the names their driver reports."""
    hours = duration_seconds / SECONDS_PER_HOUR
    shares = [embodied_share(gpu_of_nvml_name(device.name), hours=hours) for device in devices if device.used_by_job]
    return summed(shares, "which hardware it was is not known") if shares else not_measured("grams", "no GPU was used")
