"""Traces as lines: sessions one after another, gaps left open, many devices as their mean and range."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cardcallback.record import RunRecord, Trace

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# More lines than this in one panel cannot be told apart.
MOST_LINES = 4
# Two devices that do the same draw the same curve: the one below shows through the other's pauses.
LINE_STYLES = ("-", "--", "-.", ":")
# A silence this many times the usual distance between points is a gap, and no line crosses it.
_GAP_FACTOR = 4.0


def with_gaps(points: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    """Times and values with a NaN in every gap, where a line must not claim what nobody saw."""
    times, values = [points[0][0]], [points[0][1]]
    distances = [right[0] - left[0] for left, right in itertools.pairwise(points)]
    usual = statistics.median(distances) if distances else 0.0
    for distance, (time, value) in zip(distances, points[1:], strict=True):
        if distance > _GAP_FACTOR * usual > 0:
            times.append(time - distance / 2)
            values.append(math.nan)
        times.append(time)
        values.append(value)
    return times, values


def session_offsets(record: RunRecord) -> list[float]:
    """Where each session begins on the time axis, in seconds; pauses between sessions are not drawn."""
    offsets = [0.0]
    for session in record.sessions:
        offsets.append(offsets[-1] + session.duration_seconds)
    return offsets


def draw_trace(
    axes: Axes,
    record: RunRecord,
    trace: Trace,
    unit_seconds: float,
    unit: float,
    *,
    color: str,
    linestyle: str,
    label: str,
) -> None:
    """One trace; a point without neighbours is a dot, since no line would show it."""
    times, values = _placed(record, trace, unit_seconds, unit)
    known = {line.get_label() for line in axes.get_lines()}
    named = None if label in known else label
    lonely = _lonely(values)
    if len(lonely) < sum(not math.isnan(value) for value in values):
        axes.plot(times, values, color=color, linestyle=linestyle, linewidth=1.4, label=named, zorder=3)
        named = None
    if lonely:
        dots = ([times[place] for place in lonely], [values[place] for place in lonely])
        look: dict[str, Any] = {"marker": "o", "markersize": 5, "linestyle": "none"}
        axes.plot(*dots, color=color, label=named, clip_on=False, zorder=5, **look)


def draw_range(
    axes: Axes,
    record: RunRecord,
    traces: Sequence[Trace],
    unit_seconds: float,
    unit: float,
    *,
    color: str,
    label: str,
) -> None:
    """The devices' mean as a line, or a dot, and their lowest to highest as a band, session by session."""
    import numpy as np  # noqa: PLC0415  comes with matplotlib, loaded only to draw

    for number, session in enumerate(sorted({trace.session for trace in traces})):
        placed = [_placed(record, trace, unit_seconds, unit) for trace in traces if trace.session == session]
        begin, end = max(times[0] for times, _ in placed), min(times[-1] for times, _ in placed)
        grid = np.array([time for time in max(placed, key=lambda one: len(one[0]))[0] if begin <= time <= end])
        if len(grid) == 0:  # the devices were read one after another, each once
            grid = np.array([(begin + end) / 2])
        values = np.array([np.interp(grid, times, values) for times, values in placed])
        first = number == 0
        dot: dict[str, Any] = {"marker": "o", "markersize": 5, "clip_on": False} if len(grid) == 1 else {}
        axes.plot(grid, values.mean(axis=0), color=color, label=label if first else None, zorder=3, **dot)
        band: dict[str, Any] = {
            "color": color,
            "alpha": 0.25,
            "linewidth": 0,
            "label": "lowest to highest" if first else None,
        }
        axes.fill_between(grid, values.min(axis=0), values.max(axis=0), zorder=2, **band)


def _placed(record: RunRecord, trace: Trace, unit_seconds: float, unit: float) -> tuple[list[float], list[float]]:
    offsets = session_offsets(record)
    offset = offsets[min(trace.session, len(offsets) - 1)]
    times, values = with_gaps(trace.points)
    return [(time + offset) / unit_seconds for time in times], [value / unit for value in values]


def _lonely(values: Sequence[float]) -> list[int]:
    """Places of values that have no value beside them."""
    padded = [math.nan, *values, math.nan]
    return [
        place
        for place, value in enumerate(values)
        if not math.isnan(value) and math.isnan(padded[place]) and math.isnan(padded[place + 2])
    ]
