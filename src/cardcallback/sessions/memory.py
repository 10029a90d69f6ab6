"""Memory over several sessions: the highest peak, with the session it was in."""

from __future__ import annotations

import msgspec

from cardcallback.record import Measurement, Memory, Window, not_measured
from cardcallback.record.sums import summed
from cardcallback.sessions.words import NAMED_SESSION, session_name

# What is told beside a peak is of the same session as the peak.
_BESIDE = {"system_peak": ("system_baseline", "total", "limit"), "swap_peak": ("swap_baseline",)}
_PEAKS = ("torch_peak_allocated", "torch_peak_reserved", "accelerator_process_peak", "process_peak_rss")
_SUMMED = ("stalled_some", "stalled_all")


def of_session(memory: Memory, place: int) -> Memory:
    """The figures of one session, each peak with the session's name in its window."""
    peaks = {name: getattr(memory, name) for name in (*_BESIDE, *_PEAKS)}
    named = {name: _in_session(peak, place) for name, peak in peaks.items() if peak is not None}
    return msgspec.structs.replace(memory, **named)


def joined_memory(earlier: Memory, later: Memory) -> Memory:
    """The higher of each two peaks; a peak that one side lacks is the other's. Times of waiting add."""
    joined: dict[str, Measurement | None] = {}
    for peak, beside in _BESIDE.items():
        higher = _higher(earlier, later, peak)
        joined |= {name: getattr(higher, name) for name in (peak, *beside)}
    joined |= {name: getattr(_higher(earlier, later, name), name) for name in _PEAKS}
    joined |= {name: _sum(getattr(earlier, name), getattr(later, name)) for name in _SUMMED}
    return msgspec.structs.replace(later, **joined)


def with_waiting(memory: Memory, of: Memory) -> Memory:
    """``memory`` with the times of waiting ``of`` another."""
    return msgspec.structs.replace(memory, **{name: getattr(of, name) for name in _SUMMED})


def with_unknown_waiting(memory: Memory, reason: str) -> Memory:
    """``memory`` with times of waiting that were measured and are no longer known."""
    known = [name for name in _SUMMED if getattr(memory, name) is not None]
    return msgspec.structs.replace(memory, **{name: not_measured("seconds", reason) for name in known})


def _in_session(figure: Measurement, place: int) -> Measurement:
    window = figure.window or Window(name="")
    # An account of a session that went on after its checkpoint has been named before.
    own = NAMED_SESSION.sub("", window.name)
    name = ", ".join(part for part in (own, session_name(place)) if part)
    return msgspec.structs.replace(figure, window=msgspec.structs.replace(window, name=name))


def _higher(earlier: Memory, later: Memory, name: str) -> Memory:
    before, after = getattr(earlier, name), getattr(later, name)
    if after is None or after.value is None:
        return earlier if before is not None and before.value is not None else later
    return earlier if before is not None and before.value is not None and before.value > after.value else later


def _sum(earlier: Measurement | None, later: Measurement | None) -> Measurement | None:
    if earlier is None or later is None:
        return None
    return summed([earlier, later], "not measured in every session")
