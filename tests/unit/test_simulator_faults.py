"""The simulated driver's faults, each as its profile says."""

from __future__ import annotations

import threading
from dataclasses import replace

import pynvml  # noqa: TID251 - the simulator is tested through what it pretends to serve
import pytest
from simulated_device import code_of, first_handle, profile_with

from profiles import ALL_ONES, Counter, CounterFault, Fault, Loss
from simulator import calls, hanging, release
from simulator_fixtures import Simulate
from waveforms import Waveform, constant


@pytest.mark.parametrize(
    ("fault", "joules_at_20"),
    [
        (CounterFault(kind="reset", at=15.0), 500.0),
        (CounterFault(kind="stuck", at=12.0), 361_200.0),
        (CounterFault(kind="stuck", at=12.0, until=18.0), 362_000.0),
        (CounterFault(kind="step", at=12.0, amount=5_000.0), 367_000.0),
        (CounterFault(kind="gain", at=10.0, amount=1.2), 362_200.0),
        (CounterFault(kind="gain", at=10.0, until=15.0, amount=0.5), 361_750.0),
    ],
)
def test_counter_faults_do_what_they_say(simulate: Simulate, fault: CounterFault, joules_at_20: float) -> None:
    """At 100 W since an hour before the origin the counter stands at 362 kJ after 20 s, but for its fault."""
    machine = simulate(profile_with(waveform=Waveform((constant(100.0),)), counter=Counter(faults=(fault,))))
    handle = first_handle()
    machine.advance(20.05)
    assert pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) == pytest.approx(joules_at_20 * 1e3, abs=2)


def test_fault_from_a_time_to_a_time(simulate: Simulate) -> None:
    """A scheduled return code holds exactly between its two instants."""
    machine = simulate(profile_with(Fault(call="nvmlDeviceGetPowerUsage", code=10, at=5.0, until=7.0)))
    handle = first_handle()
    seen = []
    for _ in range(4):
        machine.advance(2.5)
        seen.append(code_of("nvmlDeviceGetPowerUsage", handle))
    assert seen == [0, 10, 0, 0]


def test_fault_after_calls_for_calls(simulate: Simulate) -> None:
    """A fault may wait for a number of calls and last for a number of calls."""
    simulate(profile_with(Fault(call="nvmlDeviceGetPowerUsage", code=999, after_calls=2, calls=1)))
    handle = first_handle()
    assert [code_of("nvmlDeviceGetPowerUsage", handle) for _ in range(4)] == [0, 0, 999, 0]
    assert calls("nvmlDeviceGetPowerUsage") == 4


def test_lost_device_fails_in_every_call(simulate: Simulate) -> None:
    """The wildcard takes every call on the device, and none of the driver's own."""
    simulate(profile_with(Fault(call="*", code=15, after_calls=0, at=1.0))).advance(2.0)
    pynvml.nvmlInit()
    assert code_of("nvmlDeviceGetHandleByIndex", 0) == 15
    assert pynvml.nvmlDeviceGetCount() == 1


def test_fault_in_a_value(simulate: Simulate) -> None:
    """A fault may answer with another value instead of failing."""
    simulate(profile_with(Fault(call="nvmlDeviceGetTotalEnergyConsumption", value=ALL_ONES)))
    assert pynvml.nvmlDeviceGetTotalEnergyConsumption(first_handle()) == ALL_ONES


def test_call_may_take_its_time_and_hold_the_driver(simulate: Simulate) -> None:
    """A slow call is answered all the same, also where calls wait for one another; a driven clock moves by it."""
    slow = Fault(call="nvmlDeviceGetPowerUsage", seconds=2.5)
    machine = simulate(replace(profile_with(slow, waveform=Waveform((constant(50.0),))), serialise=True))
    assert pynvml.nvmlDeviceGetPowerUsage(first_handle()) == 50_000
    assert machine.now_seconds() == pytest.approx(2.5)


def test_call_may_hang_until_it_is_released(simulate: Simulate) -> None:
    """A call that hangs keeps its thread and answers once it is let go; other calls are answered meanwhile."""
    simulate(profile_with(Fault(call="nvmlDeviceGetPowerUsage", hang=True), waveform=Waveform((constant(50.0),))))
    handle, answers = first_handle(), []
    thread = threading.Thread(target=lambda: answers.append(pynvml.nvmlDeviceGetPowerUsage(handle)))
    thread.start()
    while not hanging():
        assert pynvml.nvmlDeviceGetName(handle) == "NVIDIA Test"
    assert not answers
    release()
    thread.join(30)
    assert answers == [50_000]


def test_value_may_freeze(simulate: Simulate) -> None:
    """While frozen, counter and gauge show what they showed when that began, and the truth afterwards."""
    calls_of = ("nvmlDeviceGetPowerUsage", "nvmlDeviceGetTotalEnergyConsumption")
    machine = simulate(profile_with(*(Fault(call=call, frozen=True, at=10.0, until=20.0) for call in calls_of)))
    handle = first_handle()

    def seen() -> tuple[int, int]:
        return pynvml.nvmlDeviceGetPowerUsage(handle), pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)

    machine.advance(10.0)
    first = seen()
    machine.advance(7.3)
    assert seen() == first
    machine.advance(3.0)
    assert seen() != first
    assert seen()[1] - first[1] == pytest.approx(1e3 * machine.true_joules(10.0, 20.3), abs=2)


@pytest.mark.parametrize("stale", [2, 15])
def test_lost_device_comes_back_with_another_handle(simulate: Simulate, stale: int) -> None:
    """While it is gone every call says so; afterwards old handles are wrong and the same UUID has a new one."""
    machine = simulate(profile_with(losses=(Loss(at=5.0, until=8.0, code=15, stale=stale),)))
    handle = first_handle()
    assert code_of("nvmlDeviceGetPowerUsage", handle) == 0
    machine.advance(6.0)
    assert code_of("nvmlDeviceGetPowerUsage", handle) == 15
    assert code_of("nvmlDeviceGetHandleByUUID", "GPU-1") == 15
    assert code_of("nvmlDeviceGetHandleByIndex", 0) == 15
    machine.advance(3.0)
    assert code_of("nvmlDeviceGetPowerUsage", handle) == stale
    assert code_of("nvmlDeviceGetPowerUsage", pynvml.nvmlDeviceGetHandleByUUID("GPU-1")) == 0
