"""Sensors: one file per interface, each an object with a ``spec`` and a ``read()``."""

from cardcallback.sensors.base import NOT_PUBLISHED, Absence, DeviceInfo, Quantity, Sensor, SensorSet, SensorSpec

__all__ = ["NOT_PUBLISHED", "Absence", "DeviceInfo", "Quantity", "Sensor", "SensorSet", "SensorSpec"]
