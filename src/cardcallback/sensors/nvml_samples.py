"""The power readings that a driver keeps itself (``nvmlDeviceGetSamples``), for a GPU without an energy counter."""

from __future__ import annotations

from collections.abc import Sequence

from cardcallback.errors import DeviceLostError, SensorReadError
from cardcallback.sensors.base import Sample, Sensor, SensorSpec
from cardcallback.sensors.nvml_device import Device
from cardcallback.sensors.nvml_errors import LOST, NvmlCallError
from cardcallback.sensors.nvml_values import watts_from

# What they are of is the plain call's reading, whatever else the driver has.
_PLAIN_CALL = "nvml:power_usage"
# A mean over longer loses nothing when it is read twice a second.
_LONGEST_AVERAGING_SECONDS = 0.2


class SampledPower:
    """A power sensor whose driver keeps the readings of the past seconds."""

    __slots__ = ("_device", "_sensor")

    def __init__(self, sensor: Sensor, device: Device) -> None:
        self._sensor = sensor
        self._device = device

    @property
    def spec(self) -> SensorSpec:
        """What this sensor reads."""
        return self._sensor.spec

    def read(self) -> float:
        """One reading in watts.

        Raises:
            SensorReadError: the call failed or its answer cannot be true; the next may succeed.
        """
        return self._sensor.read()

    def kept_samples(self, after_microseconds: int) -> Sequence[Sample]:
        """The readings in watts stamped later than that; empty entries and values that cannot be are left out.

        Raises:
            SensorReadError: the call failed; the next may succeed.
        """
        try:
            kept = self._device.driver.power_samples(self._device.index, after_microseconds)
        except NvmlCallError as error:
            kind = DeviceLostError if error.code in LOST else SensorReadError
            raise kind(str(error)) from error
        return [(stamp, watts) for stamp, milliwatts in kept if stamp and (watts := _possible(milliwatts)) is not None]


def with_samples(sensors: Sequence[Sensor], device: Device) -> tuple[Sensor, ...]:
    """The sensors of a device; without an energy counter its power comes with the readings that its driver keeps."""
    if any(one.spec.quantity == "gpu_energy" for one in sensors):
        return tuple(sensors)
    return tuple(SampledPower(one, device) if _gains(one.spec) and _keeps(device) else one for one in sensors)


def _gains(spec: SensorSpec) -> bool:
    return spec.source == _PLAIN_CALL and (spec.averaging_seconds or 0.0) <= _LONGEST_AVERAGING_SECONDS


def _keeps(device: Device) -> bool:
    try:
        device.driver.power_samples(device.index, 0)
    except NvmlCallError:
        return False
    return True


def _possible(milliwatts: int) -> float | None:
    try:
        return watts_from(milliwatts)
    except SensorReadError:
        return None
