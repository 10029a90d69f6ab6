"""Devices that stop answering as a whole: when it began, when they are asked again, what the end finds out."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from recorded import device, run, sensor

from cardcallback.errors import DeviceLostError, SensorReadError
from cardcallback.recorder import Recorder, Recording
from cardcallback.sensors import SensorSet
from cardcallback.testing import FakeClock
from cardcallback.units import format_duration


class Bus:
    """A GPU of 100 W whose calls fail between two times, the first of them after a while of its own."""

    def __init__(self, lost_at: float, back_at: float, *, first_call_seconds: float = 0.0) -> None:
        self.clock = FakeClock()
        self.lost = (1000.0 + lost_at, 1000.0 + back_at)
        self.hang: Callable[[float], None] = self.clock.advance
        self.first_call_seconds = first_call_seconds
        self.asked: list[float] = []
        counter = sensor("gpu_energy", self._joules, 0)
        self.recorder = Recorder(SensorSet(sensors=(counter,), devices=(device(),)), clock=self.clock)

    def _joules(self) -> float:
        now = self.clock.elapsed_seconds()
        if not self.lost[0] <= now < self.lost[1]:
            return 100.0 * now
        self.asked.append(now - 1000.0)
        seconds, self.first_call_seconds = self.first_call_seconds, 0.0
        self.hang(seconds)
        raise DeviceLostError("the GPU has fallen off the bus")

    def after(self, seconds: float) -> Recording:
        """What was recorded by then."""
        run(self.recorder, self.clock, seconds)
        return self.recorder.stop()


def test_a_loss_begins_when_the_failing_call_began() -> None:
    """A call that hung for 30 s before it failed: what it read last was before it, not half a minute later."""
    (note,) = Bus(20.0, 1e9, first_call_seconds=30.0).after(120.0).notes
    assert note.startswith("The GPU was lost after 20 s (")


@pytest.mark.parametrize("back_at", [65.0, 66.0, 600.0])
def test_a_return_is_noticed_within_seconds(back_at: float) -> None:
    """Cheap calls are made each 5 s: the gap ends at the first answer, for the note and for the coverage alike."""
    recording = Bus(20.3, back_at).after(1000.0)
    gap = recording.energy.gpu.longest_gap_seconds
    assert gap is not None
    assert back_at - 20.3 <= gap <= back_at - 20.3 + 7.0  # the last reading before, and one attempt's distance
    assert recording.energy.gpu.coverage == pytest.approx(1 - gap / 1000.0)
    assert f"came back after {format_duration(20.0 + gap)}: the time between is a gap" in recording.notes[0]


@pytest.mark.parametrize("suspended", [False, True])
def test_a_hang_or_a_suspend_before_a_loss_does_not_put_off_the_return(suspended: bool) -> None:  # noqa: FBT001 - a case
    """Half a minute's hang, or an hour asleep, and then quick answers: asked again within seconds."""
    bus = Bus(20.0, 3900.0, first_call_seconds=3600.0 if suspended else 30.0)
    bus.hang = bus.clock.suspend if suspended else bus.clock.advance
    recording = bus.after(4500.0)
    assert max(late - early for early, late in zip(bus.asked[1:], bus.asked[2:], strict=False)) < 6.0
    assert "came back after 1 h 5 min" in recording.notes[0]


def test_a_driver_that_is_held_up_while_a_device_is_lost_does_not_put_off_the_return() -> None:
    """Eight seconds of slow calls among quick ones: what follows them is asked within seconds."""
    bus = Bus(20.0, 300.0)

    def held_up(_: float) -> None:
        bus.clock.advance(1.0 if 1100.0 <= bus.clock.elapsed_seconds() < 1108.0 else 0.0)

    bus.hang = held_up
    gap = bus.after(900.0).energy.gpu.longest_gap_seconds
    assert gap is not None
    assert gap <= 287.0


@pytest.mark.parametrize("every", [1, 2, 10])
def test_a_lost_device_of_which_some_calls_are_slow_keeps_the_driver_busy_for_little_of_the_time(every: int) -> None:
    """Two hours in which some calls take a second and the others fail at once, as those of another sensor may."""
    bus = Bus(20.0, 1e9)
    bus.hang = lambda _: bus.clock.advance(0.0 if len(bus.asked) % every else 1.0)
    bus.after(7200.0)
    assert sum(asked % every == 0 for asked in range(1, len(bus.asked) + 1)) <= 0.003 * 7200.0


def test_calls_that_stay_slow_are_made_every_two_hours_at_least() -> None:
    """Every call hangs for 30 s: it would cost a thousandth of 8.8 h, and the device is looked for all the same."""
    bus = Bus(20.0, 1e9)
    bus.hang = lambda _: bus.clock.advance(30.0)
    bus.after(12 * 3600.0)
    assert len(bus.asked) >= 10
    assert max(late - early for early, late in zip(bus.asked, bus.asked[1:], strict=False)) <= 7300.0


def test_a_lost_device_is_asked_once_more_at_the_end() -> None:
    """Back since the last attempt: its counter tells the time between; still away: one call and no more."""
    back = Bus(20.0, 220.0).after(230.0)
    assert "came back" in back.notes[0]
    away = Bus(20.0, 1e9)
    run(away.recorder, away.clock, 230.0)
    asked = len(away.asked)
    away.recorder.stop()
    assert len(away.asked) == asked + 1


def test_a_lost_device_whose_calls_hang_does_not_hold_up_the_end() -> None:
    """Its last call took a second: none is made at the end."""
    bus = Bus(20.0, 1e9)
    bus.hang = lambda _: bus.clock.advance(1.0)
    run(bus.recorder, bus.clock, 100.0)
    asked = len(bus.asked)
    bus.recorder.stop()
    assert len(bus.asked) == asked


def test_the_reading_after_a_loss_is_the_doubted_one() -> None:
    """Lost for a moment between two readings: the gap is the stretch around it, not the second before."""
    clock = FakeClock()

    def celsius() -> float:
        if 1020.4 < clock.elapsed_seconds() < 1020.9:
            raise DeviceLostError("the GPU has fallen off the bus")
        return 60.0

    counter = sensor("gpu_energy", lambda: 100.0 * clock.elapsed_seconds(), 0)
    warmth = sensor("gpu_temperature", celsius, 0, interval_seconds=0.5)
    recorder = Recorder(SensorSet(sensors=(counter, warmth), devices=(device(),)), clock=clock)
    run(recorder, clock, 60.0)
    # The counter was read at 20 s; the device is asked again until it answers.
    assert recorder.stop().energy.gpu.longest_gap_seconds == pytest.approx(1.2, abs=0.25)


@pytest.mark.parametrize(("error", "least"), [(DeviceLostError, 0.75), (SensorReadError, 0.97)])
def test_calls_that_fail_now_and_then_are_asked_again_at_once(error: type[SensorReadError], least: float) -> None:
    """Three calls in ten of a gauge read often, also where they say that the device is gone: hardly a gap."""
    clock, varied = FakeClock(), random.Random(1)  # noqa: S311 - calls that fail, not secrets

    def watts() -> float:
        if varied.random() < 0.3:
            raise error("no answer")
        return varied.uniform(90.0, 110.0)

    gauge = sensor(
        "gpu_power",
        watts,
        0,
        kind="gauge",
        unit="watts",
        interval_seconds=0.1,
        averaging_seconds=0.1,
        refresh_seconds=0.1,
    )
    recorder = Recorder(SensorSet(sensors=(gauge,), devices=(device(),)), clock=clock)
    run(recorder, clock, 120.0)
    recording = recorder.stop()
    assert recording.energy.gpu.coverage is not None
    assert recording.energy.gpu.coverage > least
    assert any("no answer" in note for note in recording.notes)
