"""Utilisation, highest clock and slowdown times, through the vendor's binding on simulated machines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from cardcallback.errors import SensorReadError
from cardcallback.sensors.base import Quantity, Sensor, SensorSet
from cardcallback.sensors.nvml import open_nvml, reset_nvml
from cardcallback.sensors.nvml_values import known_hertz, seconds_from, share_from
from profiles import ALL_ONES, Slowdown
from simulator import profile_named
from simulator_fixtures import Simulate

TIMES: tuple[Quantity, ...] = ("gpu_software_thermal_time", "gpu_hardware_thermal_time", "gpu_power_brake_time")


@pytest.fixture(autouse=True)
def _released() -> Iterator[None]:
    yield
    reset_nvml()


def _sensor(sensors: SensorSet, quantity: Quantity) -> Sensor:
    return next(one for one in sensors.sensors if one.spec.quantity == quantity)


def test_utilisation_is_a_share_of_time(simulate: Simulate) -> None:
    """A Spark that trains reads 96 % as 0.96; before its work began it reads nought, which is no fault."""
    machine = simulate("gb10")
    utilization = _sensor(open_nvml({}), "gpu_utilization")
    assert utilization.read() == 0.0
    machine.advance(10.0)
    assert utilization.read() == 0.96


def test_highest_clock_is_told_with_the_device(simulate: Simulate) -> None:
    """The driver's highest SM clock is in hertz."""
    simulate("gb10")
    assert open_nvml({}).devices[0].max_sm_clock_hertz == 3.003e9


@pytest.mark.parametrize("answer", [None, 0, 20_000])
def test_impossible_highest_clock_is_not_known(answer: int | None) -> None:
    """No answer, nought and 20 GHz say nothing."""
    assert known_hertz(answer) is None


@pytest.mark.parametrize(
    ("kind", "quantity", "bits"),
    [
        ("software_thermal", TIMES[0], 0x20),
        ("hardware_thermal", TIMES[1], 0x48),
        ("power_brake", TIMES[2], 0x88),
    ],
)
def test_slowdown_time_grows_while_its_reason_holds(
    simulate: Simulate, kind: str, quantity: Quantity, bits: int
) -> None:
    """From 30 s to 330 s one counter goes on in seconds, the two others stand, and the reason's bits are set."""
    found = profile_named("h100")
    slowed = replace(found.devices[0], slowdowns=(Slowdown(kind=kind, begin=30.0, end=330.0),))  # type: ignore[arg-type]
    machine = simulate(replace(found, devices=(slowed,)))
    sensors = open_nvml({})
    times = {name: _sensor(sensors, name) for name in TIMES}
    reasons = _sensor(sensors, "gpu_clock_event_reasons")
    seen = []
    for _ in range(4):
        machine.advance(100.0)
        seen.append((times[quantity].read(), bool(int(reasons.read()) & bits == bits)))
    assert [seconds for seconds, _ in seen] == pytest.approx([70.0, 170.0, 270.0, 300.0])
    assert [held for _, held in seen] == [True, True, True, False]
    assert {times[other].read() for other in TIMES if other != quantity} == {0.0}


@pytest.mark.parametrize(
    ("profile", "absent"),
    [
        ("mig", {"gpu_utilization"}),
        ("p100", set(TIMES)),
        ("thor", set(TIMES)),
        ("orin", {"gpu_utilization", *TIMES}),
    ],
)
def test_what_a_part_does_not_tell_has_its_reason(simulate: Simulate, profile: str, absent: set[Quantity]) -> None:
    """A divided GPU and an Orin have no utilisation, older parts no slowdown times."""
    simulate(profile)
    sensors = open_nvml({})
    asked = {"gpu_utilization", *TIMES}
    assert {one.quantity for one in sensors.absences} & asked == absent
    assert {one.spec.quantity for one in sensors.sensors} & asked == asked - absent


@pytest.mark.parametrize("percent", [-1, 101, 2**32 - 1])
def test_impossible_utilisation_is_refused(percent: int) -> None:
    """More than all of the time cannot be."""
    with pytest.raises(SensorReadError, match="utilisation"):
        share_from(percent)


@pytest.mark.parametrize("nanoseconds", [ALL_ONES, 10**18])
def test_impossible_time_is_refused(nanoseconds: int) -> None:
    """All ones, and thirty years since the driver was loaded."""
    with pytest.raises(SensorReadError, match="time"):
        seconds_from(nanoseconds)
