"""What holds a device back: told where it matters, and never of a healthy one."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from recorded import run, sensor

from cardcallback.errors import SensorReadError
from cardcallback.record import Accelerator
from cardcallback.recorder import Recorder, Recording
from cardcallback.sensors import DeviceInfo, Quantity, SensorSet
from cardcallback.sensors.base import Absence
from cardcallback.testing import FakeClock

Course = Callable[[float], float]
GB10 = DeviceInfo(index=0, name="NVIDIA GB10", max_sm_clock_hertz=3.003e9)
H100 = DeviceInfo(index=0, name="NVIDIA H100 80GB HBM3", max_sm_clock_hertz=1.98e9)
UNITS = {"gpu_utilization": "share", "gpu_other_processes": "count"}
INTERVALS = {"gpu_other_processes": 60.0}


def always(value: float) -> Course:
    """The same at any time."""
    return lambda _: value


def until(end: float, value: float, then: float) -> Course:
    """One value, then another from ``end`` on."""
    return lambda at: value if at < end else then


STUCK: dict[Quantity, Course] = {
    "gpu_utilization": always(0.96),
    "gpu_clock_event_reasons": always(0.0),
    "gpu_sm_clock": always(721e6),
}


class Watched:
    """A recorder whose sensors follow courses in seconds since it began."""

    def __init__(self, courses: Mapping[Quantity, Course], *devices: DeviceInfo, **options: object) -> None:
        self.clock = FakeClock()
        self.devices = devices or (GB10,)
        sensors = tuple(
            sensor(quantity, self._follow(course), device.index, **_details(quantity))
            for device in self.devices
            for quantity, course in courses.items()
        )
        known = {"absences": (), **options}
        self.recorder = Recorder(SensorSet(sensors=sensors, devices=self.devices, **known), clock=self.clock)

    def _follow(self, course: Course) -> Callable[[], float]:
        return lambda: course(self.clock.elapsed_seconds() - 1000.0)

    def after(self, seconds: float) -> Recording:
        """What was recorded by then."""
        run(self.recorder, self.clock, seconds)
        return self.recorder.stop()

    def device_after(self, seconds: float) -> Accelerator:
        """What was recorded of the first device by then."""
        return self.after(seconds).accelerators[0]


def _details(quantity: Quantity) -> dict[str, object]:
    if quantity.endswith("_time"):
        return {"kind": "counter", "unit": "seconds", "interval_seconds": 5.0}
    return {"unit": UNITS[quantity], "interval_seconds": INTERVALS.get(quantity, 1.0)} if quantity in UNITS else {}


@pytest.mark.parametrize(("seconds", "alarm"), [(50.0, False), (59.0, False), (61.5, True)])
def test_stuck_clock_is_told_after_its_minute(seconds: float, alarm: bool) -> None:  # noqa: FBT001 - a case
    """721 MHz at 96 %: nothing before a minute, one line and one sentence from then on."""
    watched = Watched(STUCK)
    recording = watched.after(seconds)
    assert len(watched.recorder.news) == int(alarm)
    assert len(recording.notes) == int(alarm)
    time = recording.accelerators[0].low_clock_time
    assert time is not None
    assert time.value == pytest.approx(61.0 if alarm else 0.0, abs=1.0)


def test_stuck_spark_is_told_with_its_length_and_its_recovery() -> None:
    """Twelve minutes stuck, then ten well: the sentence, the line, the figures."""
    watched = Watched(STUCK | {"gpu_sm_clock": until(720.0, 721e6, 2.41e9)})
    recording = watched.after(1320.0)
    (note,) = recording.notes
    assert note == (
        "SM clock below 1,400 MHz, where a healthy GB10 runs near 2,400 MHz, for 11 min 59 s at a utilisation of "
        "90 % and more, without a reason from the driver: the GPU was slower than it can be, and the machine may "
        "have been in a low-power state. It recovered later."
    )
    (device,) = recording.accelerators
    assert device.health == (note,)
    assert device.low_clock_time is not None
    assert device.low_clock_time.value == pytest.approx(719.0, abs=1.0)
    assert device.low_clock_time.coverage == pytest.approx(1.0, abs=0.01)
    assert device.median_utilization is not None
    assert device.median_utilization.value == pytest.approx(0.96)
    (line,) = watched.recorder.news
    assert "may be in a low-power state" in line


def test_what_lasts_to_the_end_does_not_recover() -> None:
    """No recovery is claimed that nobody saw."""
    (note,) = Watched(STUCK).after(200.0).notes
    assert note.endswith("It was still so at the last reading.")


@pytest.mark.parametrize(("pause", "told"), [(20.0, 78.0), (60.0, 0.0), (600.0, 0.0)])
def test_only_a_short_pause_leaves_a_spell_one(pause: float, told: float) -> None:
    """Stuck for 40 s, idle, stuck for 40 s: 80 s under load after an evaluation's end, no minute after a long pause."""
    pausing = STUCK | {"gpu_utilization": lambda at: 0.0 if 40 <= at < 40 + pause else 0.96}
    device = Watched(pausing).device_after(80.0 + pause)
    assert device.low_clock_time is not None
    assert device.low_clock_time.value == pytest.approx(told, abs=2.0)


def test_moments_far_apart_are_no_minute() -> None:
    """Twelve times 8 s at a low clock with ten idle minutes between: no line and no sentence."""
    watched = Watched(STUCK | {"gpu_utilization": _alternating(608.0, 8.0, 0.96, 0.0)})
    recording = watched.after(12 * 608.0)
    assert watched.recorder.news == []
    assert recording.notes == ()


def test_idleness_after_a_stuck_clock_is_neither_recovery_nor_still_so() -> None:
    """Stuck for 100 s, then idle to the end: the last readings showed nothing of it; a normal clock would have."""
    idle_after = STUCK | {"gpu_utilization": until(100.0, 0.96, 0.0)}
    (note,) = Watched(idle_after).after(400.0).notes
    assert note.endswith("It was not seen to recover.")
    (note,) = Watched(idle_after).after(110.0).notes
    assert note.endswith("It was not seen to recover.")
    back = {"gpu_utilization": _alternating(200.0, 100.0, 0.96, 0.0), "gpu_sm_clock": until(150.0, 721e6, 2.4e9)}
    (note,) = Watched(STUCK | back).after(300.0).notes
    assert note.endswith("It recovered later.")


def _alternating(period: float, busy: float, high: float, low: float) -> Course:
    return lambda at: high if at % period < busy else low


HEALTHY: dict[str, dict[Quantity, Course]] = {
    "power-capped Spark": STUCK | {"gpu_clock_event_reasons": always(4.0), "gpu_sm_clock": always(2.41e9)},
    "idle": STUCK | {"gpu_utilization": always(0.0), "gpu_sm_clock": always(208e6)},
    "half idle": STUCK | {"gpu_utilization": always(0.5), "gpu_sm_clock": always(208e6)},
    "evaluation pauses": {
        "gpu_utilization": _alternating(300, 240, 0.97, 0.4),
        "gpu_clock_event_reasons": _alternating(300, 240, 4, 1),
        "gpu_sm_clock": _alternating(300, 240, 2.38e9, 611e6),
    },
    "a clock read just after its load": {
        "gpu_utilization": _alternating(2, 1, 0.96, 0.0),
        "gpu_clock_event_reasons": always(0),
        "gpu_sm_clock": always(208e6),
    },
    "idle by the driver's reason": STUCK | {"gpu_clock_event_reasons": always(1.0)},
    "clocks set by a person": STUCK | {"gpu_clock_event_reasons": always(2.0)},
    "dips of half a minute": STUCK | {"gpu_sm_clock": _alternating(40, 30, 700e6, 2.4e9)},
}


@pytest.mark.parametrize("name", HEALTHY)
def test_healthy_run_is_left_in_peace(name: str) -> None:
    """An hour of it gives no line and no sentence."""
    watched = Watched(HEALTHY[name])
    recording = watched.after(3600.0)
    assert watched.recorder.news == []
    assert recording.notes == ()
    assert recording.accelerators[0].health == ()


@pytest.mark.parametrize("silent", ["gpu_sm_clock", "gpu_utilization"])
def test_gaps_in_readings_are_no_time(silent: Quantity) -> None:
    """Stuck for 100 s of which 60 s were not read: 40 s are not a minute."""

    def failing(at: float) -> float:
        if 30 <= at < 90:
            msg = "busy"
            raise SensorReadError(msg)
        return STUCK[silent](at)

    watched = Watched(STUCK | {silent: failing})
    device = watched.device_after(100.0)
    assert watched.recorder.news == []
    assert device.low_clock_time is not None
    assert device.low_clock_time.value == 0.0
    assert (device.low_clock_time.coverage or 1.0) < 0.5


def test_a_stalled_reader_makes_no_time() -> None:
    """A suspend between two readings of a stuck clock is not a stuck minute."""
    watched = Watched(STUCK)
    run(watched.recorder, watched.clock, 20.0)
    watched.clock.suspend(600.0)
    device = watched.device_after(20.0)
    assert watched.recorder.news == []
    assert device.low_clock_time is not None
    assert device.low_clock_time.value == 0.0


def test_slow_drivers_are_read_rarely_and_judged_all_the_same() -> None:
    """Calls of 5 ms are made every 16 s within the driver's share of time: still told, in a few minutes."""

    def slow(course: Course) -> Course:
        def read(at: float) -> float:
            watched.clock.advance(0.005)
            return course(at)

        return read

    watched = Watched({name: slow(course) for name, course in STUCK.items()})
    device = watched.device_after(600.0)
    assert len(watched.recorder.news) == 1
    assert device.median_sm_clock is not None
    assert (device.median_sm_clock.sampling_interval_seconds or 0.0) > 10.0
    assert device.low_clock_time is not None
    assert device.low_clock_time.value == pytest.approx(600.0, abs=35.0)


def test_low_clock_of_a_spark_with_its_power_cap_names_the_cap() -> None:
    """Far below normal under the cap is still told; the cap is what the driver says."""
    (note,) = Watched(STUCK | {"gpu_clock_event_reasons": always(4.0)}).after(100.0).notes
    assert "with the power cap as the driver's reason" in note


def test_low_clock_of_a_spark_without_known_reasons_claims_none() -> None:
    """Where the reasons cannot be read, nothing is said of them."""
    (note,) = Watched({name: STUCK[name] for name in ("gpu_utilization", "gpu_sm_clock")}).after(100.0).notes
    assert "reason" not in note


@pytest.mark.parametrize(
    ("courses", "told"),
    [
        ({"gpu_sm_clock": always(900e6)}, True),
        ({"gpu_sm_clock": always(1000e6)}, False),
        ({"gpu_sm_clock": always(900e6), "gpu_clock_event_reasons": always(4.0)}, False),
    ],
)
def test_other_parts_are_judged_by_their_highest_clock(courses: dict[Quantity, Course], told: bool) -> None:  # noqa: FBT001
    """An H100 of 1,980 MHz below 990 MHz without any reason is told; with its power cap as the reason it is not."""
    notes = Watched(STUCK | courses, H100).after(200.0).notes
    assert len(notes) == int(told)
    assert all("990 MHz, half of the highest that its driver knows" in note for note in notes)
    assert all("low-power" not in note for note in notes)


def test_other_part_without_reasons_or_highest_clock_is_not_judged() -> None:
    """No claim, and why."""
    blind = {name: STUCK[name] for name in ("gpu_utilization", "gpu_sm_clock")}
    silent = Watched(blind, H100).device_after(200.0).low_clock_time
    unknown = Watched(STUCK, replace(H100, max_sm_clock_hertz=None)).device_after(200.0).low_clock_time
    assert silent is not None
    assert unknown is not None
    assert (silent.value, unknown.value) == (None, None)
    assert "not known" in str(unknown.reason)


def test_without_utilisation_there_is_no_claim() -> None:
    """A divided GPU tells no utilisation: a low clock may be idleness, and the reason is the driver's."""
    reason = "no utilisation: not supported by this GPU's driver"
    absence = Absence(quantity="gpu_utilization", source="nvml", reason=reason, device=0)
    watched = Watched({"gpu_sm_clock": always(721e6)}, GB10, absences=(absence,))
    device = watched.device_after(200.0)
    assert device.low_clock_time is not None
    assert (device.low_clock_time.value, device.low_clock_time.reason) == (None, reason)
    assert device.health == ()


def test_a_gpu_that_never_worked_is_not_called_well() -> None:
    """Without load a low clock means nothing, and a nought would say too much."""
    time = Watched(STUCK | {"gpu_utilization": always(0.2)}).device_after(100.0).low_clock_time
    assert time is not None
    assert time.value is None
    assert "90 %" in str(time.reason)


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
        courses = STUCK | THERMAL | {"gpu_sm_clock": _alternating(600, 300, 721e6, 2.4e9)}
        watched = Watched(courses, GB10)
        ledger = watched.recorder._ledger
        health, step = ledger.devices[0].health, max(seconds / 20_000, 1.0)
        for number in range(int(seconds / step)):
            at = number * step
            for name, course in courses.items():
                health.add(name, name, at, course(at), 2.5 * step)
        return len(pickle.dumps(health))

    assert abs(size_after(30 * 86400) - size_after(3600)) < 256
