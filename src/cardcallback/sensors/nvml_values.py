"""From what NVML answers to base units, and which answers cannot be true. Pure; knows no binding."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cardcallback.errors import SensorReadError
from cardcallback.units import (
    HERTZ_PER_MEGAHERTZ,
    JOULES_PER_MILLIJOULE,
    SECONDS_PER_DAY,
    SECONDS_PER_NANOSECOND,
    WATTS_PER_MILLIWATT,
)

_ALL_ONES = frozenset({2**32 - 1, 2**64 - 1})
# Far beyond any board or module (2.9 kW) and any lifetime (10 kW for three years): such a value is garbage.
_ABSURD_WATTS = 10_000.0
_ABSURD_JOULES = 1e12
# No GPU that answers draws so small a share of its limit: idle ones draw percents of it. Watts for thousandths do.
_ABSURD_SHARE_OF_LIMIT = 0.002
# Nor does one draw so much beyond it, for however short a time: millionths of watts for thousandths do, also in idle.
_ABSURD_TIMES_LIMIT = 10.0
_ABSURD_CELSIUS = 150
_ABSURD_MEGAHERTZ = 10_000
_ABSURD_SECONDS = 20 * 365 * SECONDS_PER_DAY
_PER_CENT = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class GpuProcess:
    """One process in the driver's list. ``used_bytes`` is ``None`` where the driver does not say.

    ``instance`` is the part of a divided GPU (MIG) that it uses: there it is listed once for each.
    """

    pid: int
    used_bytes: int | None
    instance: tuple[int | None, int | None] = (None, None)


def joules_from(millijoules: int) -> float:
    """The energy counter in joules.

    Raises:
        SensorReadError: nought, all ones or absurd. A counter that has truly just started is nought for
            one refresh at most, so that refusing it costs one reading.
    """
    _refuse_fill(millijoules, "energy counter")
    joules = millijoules * JOULES_PER_MILLIJOULE
    if joules > _ABSURD_JOULES:
        msg = f"the energy counter reads {joules:.0f} J, which cannot be"
        raise SensorReadError(msg)
    return joules


def watts_from(milliwatts: int, limit_watts: float | None = None) -> float:
    """A power reading in watts, of a device that may draw ``limit_watts``.

    Raises:
        SensorReadError: nought (what some drivers answer instead of "not supported"), all ones or absurd.
    """
    _refuse_fill(milliwatts, "power reading")
    watts = milliwatts * WATTS_PER_MILLIWATT
    if watts > _ABSURD_WATTS:
        msg = f"the power reading is {watts:.0f} W, which cannot be"
        raise SensorReadError(msg)
    if limit_watts is not None and watts > _ABSURD_TIMES_LIMIT * limit_watts:
        msg = f"the power reading is {watts:.0f} W, far above what such a GPU may draw: it may be in another unit"
        raise SensorReadError(msg)
    if limit_watts is not None and watts < _ABSURD_SHARE_OF_LIMIT * limit_watts:
        msg = f"the power reading is {watts:.3g} W, far below what such a GPU draws at rest: it may be in another unit"
        raise SensorReadError(msg)
    return watts


def celsius_from(degrees: int) -> float:
    """The GPU's temperature in degrees Celsius.

    Raises:
        SensorReadError: nought or below, all ones or absurd.
    """
    _refuse_fill(degrees, "temperature")
    if not 0 < degrees < _ABSURD_CELSIUS:
        msg = f"the temperature reads {degrees} degrees Celsius, which cannot be"
        raise SensorReadError(msg)
    return float(degrees)


def hertz_from(megahertz: int) -> float:
    """A clock in hertz.

    Raises:
        SensorReadError: nought, all ones or absurd.
    """
    _refuse_fill(megahertz, "clock")
    if megahertz > _ABSURD_MEGAHERTZ:
        msg = f"the clock reads {megahertz} MHz, which cannot be"
        raise SensorReadError(msg)
    return megahertz * HERTZ_PER_MEGAHERTZ


def known_hertz(megahertz: int | None) -> float | None:
    """A clock that describes the device, ``None`` where the driver gives none or one that cannot be."""
    try:
        return None if megahertz is None else hertz_from(megahertz)
    except SensorReadError:
        return None


def reasons_from(mask: int) -> float:
    """The clock-event reasons as a bitmask; no bit set is a true answer.

    Raises:
        SensorReadError: all ones.
    """
    if mask in _ALL_ONES:
        msg = "the clock-event reasons read all ones: the driver did not fill them in"
        raise SensorReadError(msg)
    return float(mask)


def share_from(percent: int) -> float:
    """A utilisation as a share; an idle GPU's nought is a true answer.

    Raises:
        SensorReadError: more than a hundred per cent, or all ones.
    """
    if not 0 <= percent <= _PER_CENT:
        msg = f"the utilisation reads {percent} %, which cannot be"
        raise SensorReadError(msg)
    return percent / _PER_CENT


def seconds_from(nanoseconds: int) -> float:
    """A time that only grows, in seconds; nought where nothing of the kind ever happened.

    Raises:
        SensorReadError: all ones, or longer than any driver has run.
    """
    seconds = nanoseconds * SECONDS_PER_NANOSECOND
    if nanoseconds in _ALL_ONES or seconds > _ABSURD_SECONDS:
        msg = f"the time reads {seconds:.0f} s, which cannot be"
        raise SensorReadError(msg)
    return seconds


def own_bytes_from(listed: Iterable[GpuProcess], own_pids: frozenset[int]) -> float:
    """GPU memory of our own processes in bytes, exact where the driver lists them.

    Raises:
        SensorReadError: none of ours is listed (no GPU memory yet, or a container whose process numbers
            the driver does not know), or the driver gives no size for one.
    """
    own = [process for process in listed if process.pid in own_pids]
    if not own:
        msg = (
            "this process is not in the driver's list: it holds no GPU memory yet, or it runs in a container "
            "without the host's process numbers (start it with --pid=host)"
        )
        raise SensorReadError(msg)
    places: dict[tuple[int, tuple[int | None, int | None]], int] = {}
    for process in own:
        if not process.used_bytes or process.used_bytes in _ALL_ONES:
            msg = "the driver lists this process without its memory"
            raise SensorReadError(msg)
        # Listed twice at one place it is still one process.
        place = (process.pid, process.instance)
        places[place] = max(places.get(place, 0), process.used_bytes)
    return float(sum(places.values()))


def count_others(listed: Iterable[GpuProcess], own_pids: frozenset[int]) -> int | None:
    """How many other processes share the GPU; ``None`` while ours is not listed, as then any may be ours."""
    pids = {process.pid for process in listed}
    return len(pids - own_pids) if pids & own_pids else None


def _refuse_fill(value: int, name: str) -> None:
    if value == 0:
        msg = f"the {name} is stuck at zero"
        raise SensorReadError(msg)
    if value in _ALL_ONES:
        msg = f"the {name} reads all ones: the driver did not fill it in"
        raise SensorReadError(msg)
