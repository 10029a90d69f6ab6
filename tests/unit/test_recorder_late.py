"""Sensors that open after training began."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cardcallback.record import Scope, Window
from cardcallback.recorder import EarlyReading, Recorder
from cardcallback.recorder.opening import read_early
from cardcallback.render.run_words import baseline_words
from cardcallback.sensors import DeviceInfo, SensorSet, SensorSpec
from cardcallback.testing import FakeClock, FakeSensor

_WATTS = 50.0


def _counter(clock: FakeClock) -> SensorSet:
    """One GPU that draws 50 W, by its energy counter."""
    spec = SensorSpec(
        quantity="gpu_energy",
        source="nvml:total_energy_consumption",
        kind="counter",
        unit="joules",
        scope=Scope(gpu_core="yes"),
        covers="GPU 0",
        interval_seconds=1.0,
        device=0,
    )
    sensor = FakeSensor(spec, lambda: clock.elapsed_seconds() * _WATTS)
    return SensorSet(sensors=(sensor,), devices=(DeviceInfo(index=0, name="NVIDIA GB10"),))


def join(recorder: Recorder, sensors: SensorSet, early: EarlyReading | None = None) -> None:
    """A recorder that had nothing takes up these."""
    assert recorder.join(sensors, sensors, early)


def _run(recorder: Recorder, clock: FakeClock, seconds: int) -> None:
    for _ in range(seconds):
        recorder.sample_due()
        clock.advance(1.0)


def test_what_came_before_late_sensors_is_a_gap() -> None:
    """Sensors that answer after 40 of 100 s measure the rest; the beginning is missing from coverage, not guessed."""
    clock = FakeClock()
    recorder = Recorder(SensorSet(), clock=clock)
    _run(recorder, clock, 40)
    join(recorder, _counter(clock))
    _run(recorder, clock, 60)
    recorder.sample_due()
    recording = recorder.stop()
    gpu = recording.energy.gpu
    assert recording.duration_seconds == pytest.approx(100.0)
    assert gpu.value == pytest.approx(60 * _WATTS, rel=0.05)
    assert gpu.coverage == pytest.approx(0.6, abs=0.03)


@pytest.mark.parametrize(("early", "first_read_at"), [(True, 40.0), (False, 45.0)])
def test_what_is_first_read_after_the_begin_says_so(early: bool, first_read_at: float) -> None:  # noqa: FBT001 - a case
    """A driver that opens after 40 s: no figure from "before training", nor the reason that there was no time."""
    clock = FakeClock()
    recorder = Recorder(SensorSet(), clock=clock)
    _run(recorder, clock, 40)
    counter = _counter(clock)
    spec = SensorSpec(
        quantity="system_memory",
        source="proc:meminfo",
        kind="gauge",
        unit="bytes",
        scope=Scope(),
        covers="this machine",
        interval_seconds=1.0,
    )
    sensors = replace(counter, sensors=(*counter.sensors, FakeSensor(spec, 8.0)))
    readings = read_early(sensors, clock) if early else None
    clock.advance(5.0)
    join(recorder, sensors, readings)
    _run(recorder, clock, 20)
    recording = recorder.stop()
    before, baseline = recording.energy.before_training, recording.memory.system_baseline
    assert before.value is None
    assert "too short" not in (before.reason or "")
    assert baseline.window == Window(
        name="after training began", begin_seconds=first_read_at, end_seconds=first_read_at
    )
    assert baseline_words(baseline) == "when first read, after training began"
    if early:
        assert before.reason == "the energy counter was first read after training began"


def test_two_plugs_of_one_kind_are_two_instruments() -> None:
    """One at the start and one that opens later, of one source: each has its figure and its trace."""
    clock = FakeClock()
    plugs = [
        SensorSet(sensors=(FakeSensor(_plug(covers), watts),)) for covers, watts in (("desk", 100.0), ("rack", 300.0))
    ]
    recorder = Recorder(plugs[0], clock=clock)
    _run(recorder, clock, 10)
    assert recorder.join(plugs[1], plugs[0].with_others(plugs[1]))
    _run(recorder, clock, 30)
    recording = recorder.stop()
    figures = (recording.energy.system, *recording.energy.others)
    assert [one.covers for one in figures] == [("desk",), ("rack",)]
    assert [one.value for one in figures] == [pytest.approx(4000.0, rel=0.05), pytest.approx(9000.0, rel=0.05)]
    assert [{watts for _, watts in trace.points} for trace in recording.traces] == [{100.0}, {300.0}]


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("source", ["smart plug", "another plug"])
def test_a_second_plug_of_the_same_cover_is_set_aside(source: str, late: bool) -> None:  # noqa: FBT001 - a case
    """The first is the figure, unmixed; the second is not read, and one sentence names it."""
    clock = FakeClock()
    first, second = FakeSensor(_plug("desk"), 100.0), FakeSensor(_plug("desk", source), 300.0)
    both = SensorSet(sensors=(first, second))
    recorder = Recorder(SensorSet(sensors=(first,)) if late else both, clock=clock)
    if late:
        assert recorder.join(SensorSet(sensors=(second,)), both)
    _run(recorder, clock, 30)
    recording = recorder.stop()
    assert recording.energy.system.value == pytest.approx(3000.0, rel=0.05)
    assert recording.energy.others == ()
    assert second.reads == 0
    (note,) = recording.notes
    assert note == f"A second sensor of the same parts (desk) was set aside, as both count the same energy: {source}."


def test_counter_and_gauge_of_one_plug_are_one_instrument() -> None:
    """Both are read, and nothing is said of a second sensor."""
    clock = FakeClock()
    gauge = FakeSensor(_plug("desk"), 100.0)
    spec = replace(_plug("desk"), quantity="system_energy", kind="counter", unit="joules", refresh_seconds=0.1)
    counter = FakeSensor(spec, lambda: 100.0 * clock.elapsed_seconds())
    recorder = Recorder(SensorSet(sensors=(counter, gauge)), clock=clock)
    _run(recorder, clock, 30)
    assert recorder.stop().notes == ()
    assert min(counter.reads, gauge.reads) >= 25


def _plug(covers: str, source: str = "smart plug") -> SensorSpec:
    return SensorSpec(
        quantity="system_power",
        source=source,
        kind="gauge",
        unit="watts",
        scope=Scope(supply_loss="yes"),
        covers=covers,
        interval_seconds=1.0,
    )


def test_phases_marked_before_the_sensors_came_are_kept() -> None:
    """An evaluation told of while the driver was still starting is in the spans."""
    clock = FakeClock()
    recorder = Recorder(SensorSet(), clock=clock)
    clock.advance(10.0)
    recorder.mark_phase("evaluation", 2.0, 8.0)
    join(recorder, _counter(clock))
    _run(recorder, clock, 5)
    assert [span.phase for span in recorder.stop().phase_spans] == ["evaluation"]


def test_without_any_sensor_nothing_is_claimed() -> None:
    """A recorder whose sensors never came gives a duration and no energy."""
    clock = FakeClock()
    recorder = Recorder(SensorSet(), clock=clock)
    _run(recorder, clock, 5)
    recording = recorder.stop()
    assert recording.duration_seconds == pytest.approx(5.0)
    assert recording.energy.gpu.value is None
    assert recording.energy.gpu.reason
