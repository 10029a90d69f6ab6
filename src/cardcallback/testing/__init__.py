"""Public fakes: a clock and sensors that a test drives, and a complete run record to render or compare."""

from cardcallback.testing.fakes import FakeClock, FakeSensor
from cardcallback.testing.records import make_measurement, make_record

__all__ = ["FakeClock", "FakeSensor", "make_measurement", "make_record"]
