"""Which of two whole machines used more, over what was published of the rest of each; an estimate, never a ratio.

The ranges hold the recording interval of each GPU's energy and what was published of the rest of its machine, or, where
the whole machine was measured, the recording interval of that; and the accuracy of the sensor, where no maker publishes
it the widest difference that was published between two sensors of one machine.
"""

from __future__ import annotations

from collections.abc import Sequence

from cardcallback.compare.model import Ratio, Verdict
from cardcallback.record import Measurement, RunRecord, duration_is_least, is_only_a_part
from cardcallback.rest import estimate_rest
from cardcallback.units import format_energy, format_percent

# Two sensors of one DGX Spark, of its GPU: 73.7 and 61.6 W (documentation of sparks-dgx 0.1.1).
_WIDEST_DIFFERENCE = 0.2


def with_verdict(found: Ratio, first: Sequence[RunRecord], other: Sequence[RunRecord]) -> Ratio:
    """The same without a value, and what the ranges say in its place."""
    ranges = [_range(group) for group in (first, other)]
    missing = next((why for _, why in ranges if why is not None), None)
    spans = [span for span, _ in ranges if span is not None]
    if missing is not None or len(spans) < len(ranges):
        return Ratio(reason=found.reason, verdict="undecided", basis=missing)
    (first_low, first_high), (other_low, other_high) = spans
    verdict: Verdict = "undecided"
    if other_high < first_low:
        verdict = "lower"
    elif other_low > first_high:
        verdict = "higher"
    words = [f"{format_energy(low)} to {format_energy(high)}" for low, high in spans]
    sources = dict.fromkeys(_source(group[0]) for group in (first, other))
    doubt = f"sensors taken as up to {format_percent(_WIDEST_DIFFERENCE, 2)} off where their accuracy is not published"
    basis = f"with the rest of the machine {words[1]} against {words[0]}, {doubt} ({'; '.join(filter(None, sources))})"
    return Ratio(reason=found.reason, verdict=verdict, basis=basis)


def _source(record: RunRecord) -> str:
    if _measured(record) is None:
        return _rest(record).source or ""
    return f"the whole machine measured by {record.energy.system.source}"


def _measured(record: RunRecord) -> Measurement | None:
    """The whole machine's energy where it was measured over the run."""
    system = record.energy.system
    whole = system.value is not None and system.method != "estimated" and not is_only_a_part(system)
    return system if whole and not duration_is_least(record) else None


def _rest(record: RunRecord) -> Measurement:
    return estimate_rest(record.energy, record.hardware.accelerators, record.duration_seconds)


def _range(group: Sequence[RunRecord]) -> tuple[tuple[float, float] | None, str | None]:
    """The lowest and the highest that the whole machine may have used over the group's runs; or why that is open."""
    lows, highs = [], []
    for record in group:
        whole = _measured(record)
        span, why = _estimated(record) if whole is None else _recorded(whole)
        if span is None:
            return None, why
        lows.append(span[0])
        highs.append(span[1])
    return (min(lows), max(highs)), None


def _recorded(energy: Measurement) -> tuple[tuple[float, float] | None, str | None]:
    """What the recording and the sensor's accuracy leave open of an energy."""
    if energy.recording_low is None or energy.recording_high is None:
        return None, "nothing bounds the recording of the energy"
    published = energy.instrument_accuracy.relative if energy.instrument_accuracy is not None else None
    off = _WIDEST_DIFFERENCE if published is None else published
    return (energy.recording_low * (1 - off), energy.recording_high * (1 + off)), None


def _estimated(record: RunRecord) -> tuple[tuple[float, float] | None, str | None]:
    gpu, rest = record.energy.gpu, _rest(record)
    if gpu.value is None or is_only_a_part(gpu) or duration_is_least(record):
        return None, "the GPU's energy is not known for the whole run"
    if rest.value is None:
        return None, f"the rest of the machine: {rest.reason}"
    if rest.recording_high is None:
        return None, "nobody published an upper bound for the rest of the machine"
    span, why = _recorded(gpu)
    if span is None:
        return None, why
    # Where nobody published the least that the rest takes, it may have taken nothing.
    return (span[0] + (rest.recording_low or 0.0), span[1] + rest.recording_high), None
