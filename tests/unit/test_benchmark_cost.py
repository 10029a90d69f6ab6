"""The cost benchmark: its machines, its verdicts, and the driver's share as the recorder's budget promises it."""

from __future__ import annotations

import threading
from statistics import median
from time import process_time

import pytest
from recorded import sensor

from cardcallback.recorder import Recorder, SystemClock
from cardcallback.sensors import SensorSet
from cost import table
from cost_recorder import Figure, awake_share, driver_share, machine, recorder_threads, spread
from simulator import build_problem


def test_eight_gpus_are_eight_devices() -> None:
    """Of the same kind, told apart by UUID and place."""
    profile = machine("8 x h100")
    assert len(profile.devices) == 8
    assert len({device.uuid for device in profile.devices}) == 8
    assert {device.name for device in profile.devices} == {machine("h100").devices[0].name}
    assert len(machine("gb10").devices) == 1


def test_a_cost_above_its_budget_is_broken() -> None:
    """And one at it is kept; without a budget there is no verdict."""
    kept = Figure(name="import", value=30.0, unit="ms", budget=30.0)
    broken = Figure(name="memory", value=3.1, unit="MiB", budget=3.0)
    assert kept.kept
    assert broken.kept is False
    assert Figure(name="other", value=1.0, unit="ms").kept is None
    first, second, *_ = table([kept, broken]).splitlines()
    assert first.endswith("kept")
    assert second.endswith("BROKEN")


@pytest.mark.parametrize("call_seconds", [1e-4, 1e-3])
def test_readings_keep_a_driver_busy_for_a_thousandth_of_the_time(call_seconds: float) -> None:
    """An hour of a GB10 whose calls take as long as real ones are reported to, or ten times that."""
    if build_problem() is not None:
        pytest.skip(build_problem() or "")
    assert 0 < driver_share("gb10", call_seconds) <= 0.001


def test_readings_without_sleeping_take_a_small_share_of_a_core() -> None:
    """A GB10's readings, warm, take no more a second than a short loop: about a thousandth where that takes 0.33 ms."""
    if build_problem() is not None:
        pytest.skip(build_problem() or "")
    assert 0 < awake_share("gb10", seconds=120.0) <= 3 * _short_loop_seconds()


def _short_loop_seconds() -> float:
    """What this machine takes for it, so that the test asks for no speed."""
    taken = []
    for _ in range(50):
        begin = process_time()
        sum(number * number for number in range(10_000))
        taken.append(process_time() - begin)
    return median(taken)


def test_every_thread_of_a_recorder_is_watched() -> None:
    """Each part of a machine is read by a thread of its own: the processor time is that of all."""
    ended = threading.Event()

    def held() -> float:
        ended.wait(30.0)
        return 1.0

    before = len(recorder_threads())
    sensors = [SensorSet(sensors=(sensor("system_memory", held),)) for _ in range(2)]
    recorder = Recorder(sensors[0], clock=SystemClock())
    recorder.start(first_reading_timeout_seconds=0.0)
    recorder.join(sensors[1], sensors[0].with_others(sensors[1]))
    try:
        assert len(recorder_threads()) - before == 2
    finally:
        ended.set()
        recorder.stop()


def test_the_bare_thread_makes_the_calls_of_the_recorder() -> None:
    """As many of each sensor, spread over the wake-ups: one read rarely, one each time, one more often than that."""
    rare, each, often = (sensor("process_rss", float(place)) for place in range(3))
    passes = spread([(rare, 2), (each, 10), (often, 25)], 10)
    assert len(passes) == 10
    assert [sum(one is wanted for found in passes for one in found) for wanted in (rare, each, often)] == [2, 10, 25]
    assert {len(found) for found in passes} <= {3, 4, 5}
