"""Time slowed by heat or by the hardware, and processes that join the GPU."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest
from recorded import run, sensor
from watched import GB10, STUCK, Course, Watched, alternating, always, until

from cardcallback.recorder import Recorder
from cardcallback.sensors import Quantity, SensorSet
from cardcallback.testing import FakeClock


def _slowed(begin: float, end: float, before: float = 173.0) -> Course:
    """A counter that goes on between two times, from what it held already."""
    return lambda at: before + min(max(at - begin, 0.0), end - begin)


THERMAL: dict[Quantity, Course] = {
    "gpu_software_thermal_time": _slowed(100.0, 400.0),
    "gpu_hardware_thermal_time": _slowed(0.0, 0.0),
    "gpu_power_brake_time": _slowed(0.0, 0.0),
}


def test_thermal_slowdown_is_the_counters_time() -> None:
    """Five minutes of 3,600 s by the driver's own counter, whatever it held before the run."""
    watched = Watched(THERMAL)
    recording = watched.after(3601.0)
    (device,) = recording.accelerators
    assert device.thermal_slowdown_time is not None
    assert device.thermal_slowdown_time.value == pytest.approx(300.0)
    assert device.thermal_slowdown_time.method == "counter"
    assert device.thermal_slowdown_time.coverage == pytest.approx(1.0, abs=0.01)
    assert recording.notes == (
        "Thermal slowdown for 5 min (8.3 % of the time watched): the GPU was slower than it can be.",
    )
    assert device.hardware_slowdown_time is not None
    assert device.hardware_slowdown_time.value == 0.0
    (line,) = watched.recorder.news
    assert "see to its cooling" in line


def test_two_kinds_of_heat_are_bounded_not_summed() -> None:
    """300 s and 120 s, perhaps at once: at least 300 s, at most 420 s."""
    device = Watched(THERMAL | {"gpu_hardware_thermal_time": _slowed(200.0, 320.0)}).device_after(3601.0)
    time = device.thermal_slowdown_time
    assert time is not None
    assert (time.recording_low, time.recording_high) == (pytest.approx(300.0), pytest.approx(420.0))
    assert "for at least 5 min" in device.health[0]


def test_thermal_slowdown_by_bits_where_there_is_no_counter() -> None:
    """The share of readings that show the bits stands for the time."""
    hot = until(900.0, float(0x4), float(0x24))
    device = Watched({"gpu_clock_event_reasons": hot}).device_after(1201.0)
    time = device.thermal_slowdown_time
    assert time is not None
    assert time.value == pytest.approx(301.0, abs=2.0)
    assert (time.method, time.recording_high) == ("calculated", None)
    assert "by readings of the driver's reasons" in device.health[0]


def test_bits_on_both_sides_of_a_gap_are_no_minute() -> None:
    """Heat for 40 s, ten minutes asleep, heat for 40 s: no line, and 80 s in the figure."""
    watched = Watched({"gpu_clock_event_reasons": always(float(0x20))})
    run(watched.recorder, watched.clock, 40.0)
    watched.clock.suspend(600.0)
    time = watched.device_after(40.0).thermal_slowdown_time
    assert watched.recorder.news == []
    assert time is not None
    assert time.value == pytest.approx(80.0, abs=3.0)


def test_a_counter_that_never_moves_does_not_hide_the_bits() -> None:
    """Bits that show heat for ten minutes beside a counter stuck at nought are believed."""
    still = {name: always(0.0) for name in THERMAL}
    time = Watched(still | {"gpu_clock_event_reasons": always(float(0x20))}).device_after(601.0).thermal_slowdown_time
    assert time is not None
    assert time.value == pytest.approx(600.0, abs=2.0)


@pytest.mark.parametrize(
    ("mask", "thermal", "hardware"), [(0x48, True, False), (0x8, False, True), (0x88, False, True), (0x4, False, False)]
)
def test_hardware_slowdown_by_heat_is_heat(mask: int, thermal: bool, hardware: bool) -> None:  # noqa: FBT001
    """The hardware's bit beside that of its heat is no second trouble; a power cap is none at all."""
    watched = Watched({"gpu_clock_event_reasons": always(float(mask))})
    device = watched.device_after(200.0)
    times = [device.thermal_slowdown_time, device.hardware_slowdown_time]
    assert [time is not None and (time.value or 0.0) > 60 for time in times] == [thermal, hardware]
    assert len(watched.recorder.news) == int(thermal or hardware)


def test_a_counter_that_starts_anew_or_runs_too_fast_is_skipped() -> None:
    """A reset and a counter of something else add no time and raise no alarm."""
    reset = Watched({"gpu_software_thermal_time": until(100.0, 500.0, 3.0)}).device_after(200.0)
    fast = Watched({"gpu_software_thermal_time": lambda at: 1000.0 * at}).device_after(200.0)
    assert reset.thermal_slowdown_time is not None
    assert reset.thermal_slowdown_time.value == 0.0
    assert fast.thermal_slowdown_time is not None
    assert fast.thermal_slowdown_time.value is None
    assert (reset.health, fast.health) == ((), ())


@pytest.mark.parametrize(("gain", "believed"), [(1.9, 2.0), (1.3, 5.0), (1.0005, 3600.0)])
def test_a_counter_that_runs_a_little_too_fast_is_not_believed_for_long(gain: float, believed: float) -> None:
    """What is ahead of time by a second in all counts something else; a clock that drifts does not."""
    seconds = {"kind": "counter", "unit": "seconds", "interval_seconds": 1.0}
    clock = FakeClock()
    fast = sensor("gpu_software_thermal_time", lambda: gain * (clock.elapsed_seconds() - 1000.0), 0, **seconds)
    recorder = Recorder(SensorSet(sensors=(fast,), devices=(GB10,)), clock=clock)
    run(recorder, clock, 3600.0)
    time = recorder.stop().accelerators[0].thermal_slowdown_time
    assert time is not None
    assert time.value == pytest.approx(believed, rel=0.01) if gain < 1.1 else time.value <= believed


def test_moments_of_heat_are_in_the_figures_only() -> None:
    """Four seconds in an hour are no sentence."""
    device = Watched(THERMAL | {"gpu_software_thermal_time": _slowed(100.0, 104.0)}).device_after(3600.0)
    assert device.thermal_slowdown_time is not None
    assert device.thermal_slowdown_time.value == pytest.approx(4.0)
    assert device.health == ()


def _counts(*counts: float) -> Course:
    """One count for each minute, the last for ever; the second reading of a rare sensor comes after 5 s."""
    return lambda at: counts[min(int(at // 60), len(counts) - 1)]


@pytest.mark.parametrize(
    ("counts", "lines"), [((0, 0, 1, 1), 1), ((0, 1, 1, 1), 1), ((2, 2, 2), 0), ((0, 0, 1, 0), 0), ((2, 1, 1, 2), 0)]
)
def test_a_process_that_comes_and_stays_is_told_once(counts: tuple[float, ...], lines: int) -> None:
    """More than at first in two readings one after the other; who was there from the start is on the card only."""
    watched = Watched({"gpu_other_processes": _counts(*counts)})
    recording = watched.after(240.0)
    assert len(watched.recorder.news) == lines
    assert recording.accelerators[0].other_processes == max(counts)


def test_many_devices_make_one_line_of_each_kind() -> None:
    """Two stuck Sparks' GPUs: one line while running, a labelled sentence each in the record."""
    watched = Watched(STUCK, GB10, replace(GB10, index=1))
    recording = watched.after(200.0)
    assert [line[:7] for line in watched.recorder.news] == ["GPU 0: "]
    assert [note[:7] for note in recording.notes] == ["GPU 0: ", "GPU 1: "]
    assert all(device.health[0].startswith("SM clock") for device in recording.accelerators)


def test_a_month_of_watching_takes_no_memory() -> None:
    """Thirty days with every kind of reading are as large as an hour of them."""

    def size_after(seconds: float) -> int:
        courses = STUCK | THERMAL | {"gpu_sm_clock": alternating(600, 300, 721e6, 2.4e9)}
        watched = Watched(courses, GB10)
        ledger = watched.recorder._ledger
        health, step = ledger.devices[0].health, max(seconds / 20_000, 1.0)
        for number in range(int(seconds / step)):
            at = number * step
            for name, course in courses.items():
                health.add(name, name, at, course(at), 2.5 * step)
        return len(pickle.dumps(health))

    assert abs(size_after(30 * 86400) - size_after(3600)) < 256
