"""What must hold of any recording, whatever went wrong while it was made."""

from __future__ import annotations

import math
from collections.abc import Iterator

import msgspec

from cardcallback.record import Measurement
from cardcallback.recorder import Recorder, Recording


def measurements(part: object) -> Iterator[Measurement]:
    """Every measurement in a record's part."""
    if isinstance(part, Measurement):
        yield part
    elif isinstance(part, msgspec.Struct):
        for name in part.__struct_fields__:
            yield from measurements(getattr(part, name))
    elif isinstance(part, (list, tuple)):
        for one in part:
            yield from measurements(one)


def assert_sound(recording: Recording) -> None:
    """No figure is negative or no number, none stands outside its bounds, and none is missing without a reason."""
    for part in (recording.energy, recording.memory, *recording.accelerators):
        for one in measurements(part):
            for number in (one.value, one.recording_low, one.recording_high):
                assert number is None or (math.isfinite(number) and number >= 0), one
            if one.value is None:
                assert one.reason, one
                continue
            assert one.coverage is None or 0 <= one.coverage <= 1, one
            assert one.recording_low is None or one.recording_low <= one.value * (1 + 1e-9), one
            assert one.recording_high is None or one.value <= one.recording_high * (1 + 1e-9), one
    for trace in recording.traces:
        assert all(math.isfinite(value) and value >= 0 for _, value in trace.points)
    assert all(note[0].isupper() or note[0].islower() for note in recording.notes)
    assert all(note.endswith(".") and "\n" not in note for note in recording.notes)


def assert_holds(energy: Measurement, true_joules: float) -> None:
    """The interval, as far as it is one, holds the truth."""
    if energy.value is None:
        return
    assert energy.recording_low is not None
    assert energy.recording_low <= true_joules, (energy.recording_low, energy.value, energy.recording_high, true_joules)
    assert energy.recording_high is None or true_joules <= energy.recording_high, (energy, true_joules)


def assert_told(recorder: Recorder, recording: Recording) -> None:
    """Every sensor that gave readings and then failed, or whose device was lost, is named in a sentence."""
    text = " ".join(recording.notes)
    for lane in recorder._lanes:
        for appointment in lane.appointments:
            if appointment.reads > appointment.failures > 0:
                assert appointment.sensor.spec.source in text
        if lane.losses.notes(1.0, one_device=True):
            assert "was lost" in text
