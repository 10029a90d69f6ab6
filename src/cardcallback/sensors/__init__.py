"""Sensors: one file per interface, each an object with a ``spec`` and a ``read()``."""

from cardcallback.sensors.base import NOT_PUBLISHED, Sensor, SensorSpec

__all__ = ["NOT_PUBLISHED", "Sensor", "SensorSpec"]
