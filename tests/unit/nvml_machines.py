"""NVML's sensors on simulated machines."""

from __future__ import annotations

from dataclasses import replace

from driven import SIMULATED

from cardcallback.sensors.base import Quantity, Sensor, SensorSet
from cardcallback.sensors.nvml import open_nvml
from profiles import Fault, Profile
from simulator import profile_named
from simulator_fixtures import Simulate


def sensor_of(sensors: SensorSet, quantity: Quantity, device: int = 0) -> Sensor:
    """A device's sensor of a quantity."""
    return next(one for one in sensors.sensors if (one.spec.quantity, one.spec.device) == (quantity, device))


def opened_on(simulate: Simulate, profile: Profile | str, *, at: float = 10.0) -> SensorSet:
    """What opening gives on that machine at that time."""
    simulate(profile).advance(at)
    return open_nvml(SIMULATED)


def with_faults(profile: str, *faults: Fault, **device: object) -> Profile:
    """A machine with faults, whose first device is changed."""
    found = profile_named(profile)
    return replace(found, devices=(replace(found.devices[0], **device), *found.devices[1:]), faults=faults)
