"""One figure and everything that has to be said about it.

What is made of figures alone (``gc=False``) cannot be part of a cycle, and Python's collector need not look through the
hundreds of thousands that a large job has.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Covered = Literal["yes", "no", "unknown"]
Method = Literal[
    "counter",  # difference of a hardware energy counter
    "integrated_power",  # integral of power readings over time
    "counter_bridged",  # counter, with integrated power where the counter failed
    "sampled_peak",  # highest of periodic readings: may miss a spike between two
    "high_water_mark",  # kept exactly by the system that owns the quantity
    "clock",  # difference of two clock readings
    "calculated",  # arithmetic over measurements
    "estimated",  # rests on an assumption, not on a reading
]

# From here on a figure is called whole.
FULL_COVERAGE = 0.9995


class Scope(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Which parts of the machine a figure includes; two figures compare only for equal scopes.

    "unknown" is what the vendor does not document, and it never equals anything.
    """

    gpu_core: Covered = "no"
    gpu_memory: Covered = "no"
    cpu: Covered = "no"
    host_dram: Covered = "no"
    network: Covered = "no"
    regulators: Covered = "no"
    supply_loss: Covered = "no"


UNKNOWN_SCOPE = Scope(
    gpu_core="unknown",
    gpu_memory="unknown",
    cpu="unknown",
    host_dram="unknown",
    network="unknown",
    regulators="unknown",
    supply_loss="unknown",
)


# Each part that a figure may hold, as people call it.
SCOPE_PARTS: tuple[tuple[str, str], ...] = (
    ("gpu_core", "the GPU's cores"),
    ("gpu_memory", "the GPU's memory"),
    ("cpu", "CPU"),
    ("host_dram", "main memory"),
    ("network", "network"),
    ("regulators", "voltage regulators"),
    ("supply_loss", "losses of the power supply"),
)


class Window(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The interval a measurement covers, in seconds since the session began.

    A begin before the session (loading, tokenising) is negative; ``None`` is "not known", such as the
    begin of a high-water mark that another program may have reset.
    """

    name: str
    begin_seconds: float | None = None
    end_seconds: float | None = None


class InstrumentAccuracy(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How far the instrument itself may be off, from its literature; not the recording's own error.

    ``relative`` is a share (0.05 for five percent) or ``None`` where nothing is published.
    """

    statement: str
    relative: float | None = None
    source: str | None = None


class Measurement(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A value with unit, provenance and both of its doubts; ``value`` None comes with a ``reason``.

    ``recording_low`` and ``recording_high`` bound what sampling, refresh and gaps leave open, in ``unit``,
    doubts that have nothing to do with each other added as squares; ``None`` where nothing bounds it.
    ``coverage`` is the share of the window (0 to 1) for which readings stand, the rest being gaps whose energy
    is not in ``value``. ``observed`` is the share at which the sensor itself looked: 1 for readings that
    average over all the time between them, less for one that looks only now and then, ``None`` where that is
    not known. ``scope`` is for energy, power and memory figures; ``covers`` names the devices or processes in
    words. ``assumption`` is what an estimate rests on, and for an estimate alone the two bounds are a stated
    range that proves nothing.
    """

    value: float | None
    unit: str
    recording_low: float | None = None
    recording_high: float | None = None
    instrument_accuracy: InstrumentAccuracy | None = None
    source: str | None = None
    scope: Scope | None = None
    covers: tuple[str, ...] = ()
    method: Method | None = None
    coverage: float | None = None
    observed: float | None = None
    longest_gap_seconds: float | None = None
    sampling_interval_seconds: float | None = None
    window: Window | None = None
    reason: str | None = None
    assumption: str | None = None

    def __post_init__(self) -> None:
        """Refuse the two lies a figure can tell: absent without a reason, present without a source."""
        if self.value is None and not self.reason:
            msg = "a measurement without a value needs a reason"
            raise ValueError(msg)
        if self.value is not None and (self.source is None or self.method is None):
            msg = "a measured value needs its source and method"
            raise ValueError(msg)


def not_measured(unit: str, reason: str, **known: object) -> Measurement:
    """The absent figure: no value, and why. ``known`` may give source, scope, window or coverage."""
    return msgspec.convert({**known, "value": None, "unit": unit, "reason": reason}, Measurement, from_attributes=True)


def is_only_a_part(measurement: Measurement) -> bool:
    """Whether the figure lacks the energy of a stretch that nothing read, bounded or not.

    Where nobody knows how long that stretch was, there is no coverage, and a lower bound alone.
    """
    if measurement.value is None or measurement.method == "estimated":
        return False
    if measurement.coverage is not None:
        return measurement.coverage < FULL_COVERAGE
    return measurement.recording_low is not None and measurement.recording_high is None


def is_unresolved(measurement: Measurement | None) -> bool:
    """Whether a whole figure's recording interval is wider than the figure: its digits then say nothing."""
    if measurement is None or measurement.value is None or measurement.method == "estimated":
        return False
    low, high = measurement.recording_low, measurement.recording_high
    return (
        not is_only_a_part(measurement) and low is not None and high is not None and high - low > abs(measurement.value)
    )
