"""The GPU power of one computer over time in few points, so that every computer of a job has its line. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from cardcallback.record import Point, RunRecord
from cardcallback.render.energy_words import power_noun

# As many as a line needs in a picture of several, and a summary has room for.
_BUCKETS = 60
# From here on a whole number of watts has three digits.
_WHOLE_WATTS = 100.0
_FULL = 254  # a byte, but for the one that says that there is none


def power_of_all_gpus(record: RunRecord) -> tuple[Point, ...]:
    """Seconds since the newest session began, and the mean power of its GPUs together in watts, in equal stretches.

    A stretch in which one of them was not read is left out; nothing where one was not read at all, or where several
    readings may be of one module.
    """
    session = record.sessions[-1]
    traces = [
        trace
        for trace in record.traces
        if trace.quantity == "gpu_power" and trace.reduction == "mean" and trace.session == len(record.sessions) - 1
    ]
    several = len(traces) > 1
    if len(traces) != len(session.hardware.accelerators) or session.duration_seconds <= 0:
        return ()
    if several and any(power_noun(None, trace.source) == "module" for trace in traces):
        return ()
    width = session.duration_seconds / _BUCKETS
    means = [_means(trace.points, width) for trace in traces]
    return tuple(
        _point(place, width, sum(one[place] for one in means))
        for place in range(_BUCKETS)
        if means and all(place in one for one in means)
    )


def pack_power(points: Sequence[Point], duration_seconds: float) -> list[float | str]:
    """The highest in watts, and of each stretch the share of it in one byte, 0 where there is none; few letters."""
    highest = max((watts for _, watts in points), default=0.0)
    if highest <= 0 or duration_seconds <= 0:
        return []
    shares = bytearray(_BUCKETS)
    for seconds, watts in points:
        place = min(int(seconds * _BUCKETS / duration_seconds), _BUCKETS - 1)
        shares[place] = 1 + round(max(watts, 0.0) / highest * _FULL)
    return [highest, shares.hex()]


def unpack_power(packed: Sequence[float | str], duration_seconds: float) -> list[Point]:
    """The points again, to half a percent of the highest.

    Raises:
        ValueError: it is not what ``pack_power`` makes.
    """
    if not packed:
        return []
    highest, shares = packed[0], bytes.fromhex(str(packed[1]))
    if len(shares) != _BUCKETS or not isinstance(highest, (int, float)):
        msg = "power of another number of stretches"
        raise ValueError(msg)
    width = duration_seconds / _BUCKETS
    return [_point(place, width, (share - 1) / _FULL * highest) for place, share in enumerate(shares) if share]


def _means(points: Sequence[Point], width_seconds: float) -> dict[int, float]:
    found: dict[int, list[float]] = {}
    for seconds, watts in points:
        found.setdefault(min(int(seconds / width_seconds), _BUCKETS - 1), []).append(watts)
    return {place: sum(values) / len(values) for place, values in found.items()}


def _point(place: int, width_seconds: float, watts: float) -> Point:
    rounded = round(watts) if watts >= _WHOLE_WATTS else round(watts, 1)
    return round((place + 0.5) * width_seconds, 2), rounded
