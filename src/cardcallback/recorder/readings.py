"""What the sensors said last and what it sums up to, for whoever shows or keeps a run while it goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cardcallback.record import Energy, Measurement
from cardcallback.recorder.accounts import once_per_module
from cardcallback.recorder.ledger import Ledger
from cardcallback.sensors.base import Quantity, SensorSet

# A reading stands until the next but one would have been due, or as long as a busy computer may delay that one.
_STANDS_INTERVALS = 2.5
_STANDS_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadingsNow:
    """The newest readings, summed over the job's devices; None where one of these has none that still stands.

    ``power_is_of_modules``: the driver tells the power of GPU and processor together, as it may on a Grace module.
    ``gpu_memory_bytes`` is what the job holds on its GPUs, ``system_memory_bytes`` what is in use on the computer.
    """

    gpu_power_watts: float | None
    power_is_of_modules: bool
    gpu_memory_bytes: float | None
    system_memory_bytes: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class EnergiesNow:
    """The energies of a session until now, and nothing that would cost more to make.

    ``energy`` leaves out what only a whole recording tells: what was used before training, phases, consistency,
    ratios and reasons. ``accelerators`` are the devices' own energies, in the order of a recording's accelerators.
    """

    duration_seconds: float
    suspended_seconds: float
    energy: Energy
    accelerators: tuple[Measurement, ...]


def make_readings(ledger: Ledger, sensors: SensorSet, now_seconds: float) -> ReadingsNow:
    """The readings as of ``now_seconds`` since the session began; changes nothing."""
    devices = ledger.with_shared_meters(sensors).devices

    def newest(quantity: Quantity, indices: Sequence[int | None]) -> float | None:
        values = [_standing(ledger, quantity, index, now_seconds) for index in indices]
        known = [value for value in values if value is not None]
        return sum(known) if known and len(known) == len(values) else None

    return ReadingsNow(
        gpu_power_watts=newest("gpu_power", [info.index for info in once_per_module(devices)]),
        power_is_of_modules=any(_is_of_module(ledger, info.index) for info in devices),
        gpu_memory_bytes=newest("gpu_process_memory", [info.index for info in devices]),
        system_memory_bytes=newest("system_memory", [None]),
    )


def _standing(ledger: Ledger, quantity: Quantity, device: int | None, now_seconds: float) -> float | None:
    found = ledger.newest(quantity, device)
    if found is None:
        return None
    spec, (at_seconds, value) = found
    stands_seconds = max(_STANDS_INTERVALS * spec.interval_seconds, _STANDS_SECONDS)
    return value if now_seconds - at_seconds <= stands_seconds else None


def _is_of_module(ledger: Ledger, device: int) -> bool:
    found = ledger.newest("gpu_power", device)
    return found is not None and "yes" in {found[0].scope.cpu, found[0].scope.host_dram}
