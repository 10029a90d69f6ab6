"""What is about a GPU at one moment, on simulated machines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from cardcallback.sensors.nvml import open_nvml, reset_nvml
from cardcallback.sensors.surroundings import Surroundings, surroundings
from profiles import Profile
from simulator import profile_named
from simulator_fixtures import Simulate


@pytest.fixture(autouse=True)
def _released() -> Iterator[None]:
    yield
    reset_nvml()


def _with(profile: str, values: dict[str, int], codes: dict[str, int]) -> Profile:
    found = profile_named(profile)
    device = found.devices[0]
    changed = replace(device, values=dict(device.values) | values, codes=dict(device.codes) | codes)
    return replace(found, devices=(changed,))


def test_our_own_process_is_no_company(simulate: Simulate) -> None:
    """A Spark with nobody else on it: no program, nothing drawing, its state; no word of a display."""
    simulate("gb10")
    open_nvml({})
    assert surroundings(0) == Surroundings(programs=0, drawing=0, performance_state=0)


def test_programs_and_desktops_are_told_apart(simulate: Simulate) -> None:
    """A display server draws; a program that comes after 90 s computes."""
    simulate("foreign-processes")
    open_nvml({})
    assert (surroundings(0).programs, surroundings(0).drawing) == (0, 1)
    reset_nvml()
    machine = simulate("gb10-intruder")
    open_nvml({})
    assert surroundings(0).programs == 0
    machine.advance(100.0)
    assert (surroundings(0).programs, surroundings(0).drawing) == (1, 0)


@pytest.mark.parametrize(("answer", "attached"), [(0, False), (1, True)])
def test_display_where_the_driver_tells(simulate: Simulate, answer: int, attached: bool) -> None:  # noqa: FBT001
    """As the driver says."""
    simulate(_with("gb10", {"nvmlDeviceGetDisplayMode": answer}, {}))
    open_nvml({})
    assert surroundings(0).display_attached is attached


def test_what_the_driver_does_not_tell_is_not_known(simulate: Simulate) -> None:
    """A deprecated call, a state that NVML itself does not know, and lists that want more rights."""
    refused = dict.fromkeys(("nvmlDeviceGetComputeRunningProcesses", "nvmlDeviceGetGraphicsRunningProcesses"), 4)
    simulate(_with("gb10", {"nvmlDeviceGetPerformanceState": 32}, refused))
    open_nvml({})
    assert surroundings(0) == Surroundings()


def test_without_a_driver_nothing_is_asked() -> None:
    """Before NVML is open everything is unknown."""
    reset_nvml()
    assert surroundings(0) == Surroundings()
