"""A GPU whose state follows a course, and what a recorder that watches it says."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from recorded import run, sensor

from cardcallback.record import Accelerator
from cardcallback.recorder import Recorder, Recording
from cardcallback.sensors import DeviceInfo, Quantity, SensorSet
from cardcallback.testing import FakeClock

Course = Callable[[float], float]
GB10 = DeviceInfo(index=0, name="NVIDIA GB10", max_sm_clock_hertz=3.003e9)
UNITS = {"gpu_utilization": "share", "gpu_other_processes": "count"}
INTERVALS = {"gpu_other_processes": 60.0}


def always(value: float) -> Course:
    """The same at any time."""
    return lambda _: value


def until(end: float, value: float, then: float) -> Course:
    """One value, then another from ``end`` on."""
    return lambda at: value if at < end else then


STUCK: dict[Quantity, Course] = {
    "gpu_utilization": always(0.96),
    "gpu_clock_event_reasons": always(0.0),
    "gpu_sm_clock": always(721e6),
}


class Watched:
    """A recorder whose sensors follow courses in seconds since it began."""

    def __init__(self, courses: Mapping[Quantity, Course], *devices: DeviceInfo, **options: object) -> None:
        self.clock = FakeClock()
        self.devices = devices or (GB10,)
        sensors = tuple(
            sensor(quantity, self._follow(course), device.index, **_details(quantity))
            for device in self.devices
            for quantity, course in courses.items()
        )
        known = {"absences": (), **options}
        self.recorder = Recorder(SensorSet(sensors=sensors, devices=self.devices, **known), clock=self.clock)

    def _follow(self, course: Course) -> Callable[[], float]:
        return lambda: course(self.clock.elapsed_seconds() - 1000.0)

    def after(self, seconds: float) -> Recording:
        """What was recorded by then."""
        run(self.recorder, self.clock, seconds)
        return self.recorder.stop()

    def device_after(self, seconds: float) -> Accelerator:
        """What was recorded of the first device by then."""
        return self.after(seconds).accelerators[0]


def _details(quantity: Quantity) -> dict[str, object]:
    if quantity.endswith("_time"):
        return {"kind": "counter", "unit": "seconds", "interval_seconds": 5.0}
    return {"unit": UNITS[quantity], "interval_seconds": INTERVALS.get(quantity, 1.0)} if quantity in UNITS else {}


def alternating(period: float, busy: float, high: float, low: float) -> Course:
    """The high value for the busy part of each period, then the low one."""
    return lambda at: high if at % period < busy else low
