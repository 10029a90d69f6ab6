"""A whole record in one line of the journal: thinned, rounded to what a card shows, compressed."""

from __future__ import annotations

import base64
import binascii
import itertools
import math
import zlib
from collections.abc import Sequence

import msgspec

from cardcallback.curves import thin
from cardcallback.errors import CardCallbackError
from cardcallback.record import LARGEST_RECORD_BYTES, Point, RunRecord, decode, encode, encode_quickly

# Together, so that eight devices with four traces each take no more than one; a picture needs no more.
_TRACE_POINTS = 1200
_CURVE_POINTS = 1000
_FEWEST_POINTS = 16
_MOST_SPANS = 100
# Longer ones hold somebody's long texts, which are cut.
_ORDINARY_BYTES = 256 * 1024
_TRACE_FIGURES = 4
_CURVE_FIGURES = 6


def pack_record(record: RunRecord) -> str:
    """The record as text; traces, curves and visits of phases have fewer points, everything else is as it was.

    Raises:
        ValueError: a figure in it is not finite.
    """
    each_trace = max(_TRACE_POINTS // max(len(record.traces), 1), _FEWEST_POINTS)
    each_curve = max(_CURVE_POINTS // max(len(record.curves), 1), _FEWEST_POINTS)
    small = msgspec.structs.replace(
        record,
        traces=tuple(
            msgspec.structs.replace(trace, points=_thinned(trace.points, each_trace, _TRACE_FIGURES))
            for trace in record.traces
        ),
        curves={name: _thinned(points, each_curve, _CURVE_FIGURES) for name, points in record.curves.items()},
        phase_spans=record.phase_spans[-_MOST_SPANS:],
    )
    content = encode_quickly(small, largest_bytes=_ORDINARY_BYTES) or encode(small, indent=None).encode()
    return base64.b64encode(zlib.compress(content)).decode("ascii")


def unpack_record(text: str) -> RunRecord | None:
    """The record, or ``None`` where the text is none."""
    try:
        unpacking = zlib.decompressobj()
        content = unpacking.decompress(base64.b64decode(text), LARGEST_RECORD_BYTES)
        return decode(content).record
    except (ValueError, binascii.Error, zlib.error, CardCallbackError):
        return None


def _thinned(points: Sequence[Point], most: int, figures: int) -> tuple[Point, ...]:
    # Seconds and steps to a tenth, which no picture shows.
    thinned = tuple((round(at, 1), float(f"{value:.{figures}g}")) for at, value in thin(points, limit=most))
    if not all(map(math.isfinite, itertools.chain.from_iterable(thinned))):
        msg = "a point of a trace or a curve is not finite"
        raise ValueError(msg)
    return thinned
