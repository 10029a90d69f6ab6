"""The memory figures of one session, from readings that a test gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from cardcallback.errors import SensorReadError
from cardcallback.record import Memory, Scope
from cardcallback.recorder import Recorder, Recording
from cardcallback.recorder.opening import read_early
from cardcallback.sensors import Absence, Quantity, SensorSet, SensorSpec
from cardcallback.testing import FakeClock, FakeSensor

UNITS = {"memory_stalled_some": "seconds", "memory_stalled_all": "seconds", "torch_devices": "count"}


def sensor(quantity: Quantity, readings: Any, interval_seconds: float = 1.0, **details: Any) -> FakeSensor:
    """A sensor of one quantity; ``details`` replace fields of its spec."""
    fields: dict[str, Any] = {
        "quantity": quantity,
        "source": f"fake:{quantity}",
        "kind": "gauge",
        "unit": UNITS.get(quantity, "bytes"),
        "scope": Scope(host_dram="yes"),
        "covers": quantity,
        "interval_seconds": interval_seconds,
    }
    return FakeSensor(SensorSpec(**(fields | details)), readings)


def recorded(
    sensors: Iterable[FakeSensor], seconds: float, clock: FakeClock | None = None, **options: Any
) -> Recording:
    """A session of that length."""
    clock = clock or FakeClock()
    sensors = tuple(sensors)
    absences = tuple(Absence(quantity="swap_used", source="proc", reason="no swap here") for _ in range(1))
    recorder = Recorder(SensorSet(sensors=sensors, absences=absences), clock=clock, **options)
    end = clock.elapsed_seconds() + seconds
    while clock.elapsed_seconds() < end:
        wait = recorder.sample_due()
        clock.advance(min(max(wait, 1e-3), end - clock.elapsed_seconds()))
    return recorder.stop()


def torch_sensors(marks: Any, now: Any = 1.0, devices: float = 1.0) -> list[FakeSensor]:
    """The allocator's sensors, reserved memory being twice the tensors'."""
    reserved = [2 * mark for mark in marks] if isinstance(marks, list) else 2 * marks
    return [
        sensor("torch_allocated", marks, 5.0),
        sensor("torch_reserved", reserved, 5.0),
        sensor("torch_allocated_now", now, 5.0),
        sensor("torch_reserved_now", now, 5.0),
        sensor("torch_devices", devices, 5.0),
    ]


def test_a_peak_is_at_least_what_was_read() -> None:
    """The highest of periodic readings bounds the peak from below, and nothing from above."""
    memory = recorded([sensor("system_memory", [8.0, 61.0, 40.0, 50.0])], 3.0).memory
    peak = memory.system_peak
    assert (peak.value, peak.recording_low, peak.recording_high) == (61.0, 61.0, None)
    assert (peak.method, peak.sampling_interval_seconds) == ("sampled_peak", 1.0)
    assert peak.window is not None
    assert (peak.window.name, peak.window.begin_seconds, peak.window.end_seconds) == ("training", 0.0, 3.0)
    assert memory.system_baseline.value == 8.0


def _processes(clock: FakeClock, *courses: Callable[[float], float]) -> list[FakeSensor]:
    """Memory of this job on one device for each course of seconds since the begin; a negative one is a failure."""

    def follow(course: Callable[[float], float]) -> Callable[[], float]:
        def read() -> float:
            held = course(clock.elapsed_seconds() - 1000.0)
            if held < 0:
                raise SensorReadError("busy")
            return held

        return read

    return [
        sensor("gpu_process_memory", follow(course), 60.0, device=index, covers=f"GPU {index}")
        for index, course in enumerate(courses)
    ]


def test_what_a_silent_device_held_is_not_added_for_ever() -> None:
    """5 GB on one device until it stops answering, 10 GB on the other half an hour later: never 15 GB together."""
    clock = FakeClock()
    sensors = _processes(clock, lambda at: 1e9 if at < 1800 else 10e9, lambda at: 5e9 if at < 100 else -1.0)
    peak = recorded(sensors, 3600.0, clock).memory.accelerator_process_peak
    assert (peak.value, peak.recording_low) == (10e9, 10e9)


def test_a_sum_of_different_moments_proves_no_more_than_what_was_seen_at_once() -> None:
    """8 GB that wander from device to device: read at different times they may add up to more, which is not proved."""
    clock = FakeClock()
    first, second = (lambda at, turn=turn: 8e9 if int(at // 37) % 2 == turn else 0.0 for turn in (0, 1))
    peak = recorded(_processes(clock, first, second), 3600.0, clock).memory.accelerator_process_peak
    assert peak.recording_low == 8e9
    assert peak.value is not None
    assert peak.value >= 8e9


def test_devices_read_in_one_pass_are_summed() -> None:
    """3 and 4 GB held all the time are 7 GB, and at least that."""
    clock = FakeClock()
    peak = recorded(_processes(clock, lambda _: 3e9, lambda _: 4e9), 600.0, clock).memory.accelerator_process_peak
    assert (peak.value, peak.recording_low, peak.recording_high) == (7e9, 7e9, None)


def test_swap_has_its_baseline_from_before_training() -> None:
    """What was swapped out before is not the training's."""
    clock = FakeClock()
    swap = sensor("swap_used", [3.0, 4.0, 9.0, 9.0], 5.0)
    early = read_early(SensorSet(sensors=(swap,)), clock)
    clock.advance(60.0)
    memory = recorded([swap], 10.0, clock, early=early).memory
    assert memory.swap_baseline is not None
    assert memory.swap_peak is not None
    assert (memory.swap_baseline.value, memory.swap_peak.value) == (3.0, 9.0)
    assert memory.swap_baseline.window is not None
    assert memory.swap_baseline.window.name == "before training"


def test_what_no_sensor_reads_has_its_reason() -> None:
    """Never zero, and the sensor's own reason where it gave one."""
    memory: Memory = recorded([], 1.0).memory
    for figure in (memory.limit, memory.swap_peak, memory.stalled_some, memory.stalled_all, memory.torch_peak_reserved):
        assert figure is not None
        assert figure.value is None
        assert figure.reason
    assert memory.swap_peak is not None
    assert memory.swap_peak.reason == "no swap here"


def test_stalled_time_is_what_the_kernels_count_grew_by() -> None:
    """From its first reading to its last, exactly; the machine's earlier stalls are not the training's."""
    figure = recorded([sensor("memory_stalled_some", [100.0, 100.5, 102.25, 103.0], 10.0, kind="counter")], 25.0).memory
    stalled = figure.stalled_some
    assert stalled is not None
    assert (stalled.value, stalled.unit, stalled.method) == (3.0, "seconds", "counter")
    assert (stalled.recording_low, stalled.recording_high) == (3.0, 3.0)
    assert stalled.window is not None
    assert (stalled.window.begin_seconds, stalled.window.end_seconds) == (0.0, 25.0)


@pytest.mark.parametrize(("readings", "word"), [([100.0], "only once"), ([100.0, 5.0], "went back")])
def test_a_stall_count_that_cannot_be_subtracted_is_unknown(readings: list[float], word: str) -> None:
    """One reading, or a count that fell."""
    stalled = recorded([sensor("memory_stalled_some", readings, 10.0)], 5.0).memory.stalled_some
    assert stalled is not None
    assert stalled.value is None
    assert word in str(stalled.reason)


def test_a_mark_is_exact_until_someone_resets_it() -> None:
    """Marks that only rise are the allocator's own peak since the process began."""
    recording = recorded(torch_sensors([10.0, 30.0, 38.0, 38.0]), 12.0)
    peak = recording.memory.torch_peak_allocated
    assert (peak.value, peak.recording_low, peak.recording_high) == (38.0, 38.0, 38.0)
    assert (peak.method, peak.sampling_interval_seconds) == ("high_water_mark", 5.0)
    assert peak.window is not None
    assert (peak.window.name, peak.window.begin_seconds) == ("since process start", None)
    assert recording.memory.torch_peak_reserved.value == 76.0
    assert recording.notes == ()


def test_the_highest_mark_survives_a_reset_by_others() -> None:
    """An evaluation that resets the marks takes nothing away; that some may be missing is said."""
    recording = recorded(torch_sensors([10.0, 38.0, 12.0, 20.0, 11.0]), 17.0)
    peak = recording.memory.torch_peak_allocated
    assert (peak.value, peak.recording_low, peak.recording_high) == (38.0, 38.0, None)
    assert peak.window is not None
    assert "resets by other code" in peak.window.name
    (note,) = recording.notes
    assert "reset PyTorch's peak-memory marks 2 times" in note
    assert "may be missing" in note


def test_several_devices_peaks_are_no_moments_sum() -> None:
    """Their sum bounds what was held at once from above, and what was seen at once from below."""
    peak = recorded(torch_sensors([40.0, 60.0, 60.0], now=[40.0, 45.0, 20.0], devices=2.0), 7.0).memory
    allocated = peak.torch_peak_allocated
    assert (allocated.value, allocated.recording_low, allocated.recording_high) == (60.0, 45.0, 60.0)
    assert any("sum of 2 devices' own peaks" in words for words in allocated.covers)


def test_an_allocator_that_held_nothing_is_unknown() -> None:
    """A mark of 0 beside a training on CUDA means that another allocator did the work."""
    peak = recorded(torch_sensors(0.0, now=0.0, devices=0.0), 3.0).memory.torch_peak_allocated
    assert peak.value is None
    assert "another allocator" in str(peak.reason)
