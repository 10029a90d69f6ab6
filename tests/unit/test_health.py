"""What holds a device back: told where it matters, and never of a healthy one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from recorded import run
from watched import GB10, STUCK, Course, Watched, alternating, always, until

from cardcallback.errors import SensorReadError
from cardcallback.sensors import DeviceInfo, Quantity
from cardcallback.sensors.base import Absence

H100 = DeviceInfo(index=0, name="NVIDIA H100 80GB HBM3", max_sm_clock_hertz=1.98e9)


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
    watched = Watched(STUCK | {"gpu_utilization": alternating(608.0, 8.0, 0.96, 0.0)})
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
    back = {"gpu_utilization": alternating(200.0, 100.0, 0.96, 0.0), "gpu_sm_clock": until(150.0, 721e6, 2.4e9)}
    (note,) = Watched(STUCK | back).after(300.0).notes
    assert note.endswith("It recovered later.")


HEALTHY: dict[str, dict[Quantity, Course]] = {
    "power-capped Spark": STUCK | {"gpu_clock_event_reasons": always(4.0), "gpu_sm_clock": always(2.41e9)},
    "idle": STUCK | {"gpu_utilization": always(0.0), "gpu_sm_clock": always(208e6)},
    "half idle": STUCK | {"gpu_utilization": always(0.5), "gpu_sm_clock": always(208e6)},
    "evaluation pauses": {
        "gpu_utilization": alternating(300, 240, 0.97, 0.4),
        "gpu_clock_event_reasons": alternating(300, 240, 4, 1),
        "gpu_sm_clock": alternating(300, 240, 2.38e9, 611e6),
    },
    "a clock read just after its load": {
        "gpu_utilization": alternating(2, 1, 0.96, 0.0),
        "gpu_clock_event_reasons": always(0),
        "gpu_sm_clock": always(208e6),
    },
    "idle by the driver's reason": STUCK | {"gpu_clock_event_reasons": always(1.0)},
    "clocks set by a person": STUCK | {"gpu_clock_event_reasons": always(2.0)},
    "dips of half a minute": STUCK | {"gpu_sm_clock": alternating(40, 30, 700e6, 2.4e9)},
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
