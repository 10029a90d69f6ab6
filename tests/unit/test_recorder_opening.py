"""Opening the sensors beside the caller."""

from __future__ import annotations

import os
import threading
from collections.abc import Collection
from dataclasses import replace

from cardcallback.errors import SensorReadError
from cardcallback.record import Scope
from cardcallback.recorder import BackgroundOpening, open_in_background
from cardcallback.sensors import Absence, Quantity, SensorSet, SensorSpec
from cardcallback.sensors.base import SensorPart
from cardcallback.testing import FakeClock, FakeSensor


def spec(quantity: Quantity, source: str = "fake") -> SensorSpec:
    """A spec of a quantity."""
    return SensorSpec(
        quantity=quantity, source=source, kind="gauge", unit="bytes", scope=Scope(), covers="", interval_seconds=1.0
    )


def test_counters_and_memory_are_read_once_when_opened() -> None:
    """Energy counters and memory have an early reading, the rest is left alone, failures are left out."""
    memory, power = FakeSensor(spec("system_memory"), 8.0), FakeSensor(spec("gpu_power"), 50.0)
    counter = FakeSensor(spec("gpu_energy"), [SensorReadError("busy")])
    opening = BackgroundOpening(lambda: SensorSet(sensors=(memory, power, counter)), FakeClock(elapsed=10.0))
    opened = opening.result(30)
    assert opened is not None
    sensors, early = opened
    assert sensors.sensors == (memory, power, counter)
    assert early.of(memory.spec) == (10.0, 8.0)
    assert early.of(power.spec) is None
    assert early.of(counter.spec) is None
    assert power.reads == 0


def test_one_failing_sensor_does_not_cost_the_others() -> None:
    """A plugin's sensor that raises anything at its early reading leaves every other sensor open."""
    plugin, memory = FakeSensor(spec("system_energy"), [KeyError("x")]), FakeSensor(spec("system_memory"), 8.0)
    opened = BackgroundOpening(lambda: SensorSet(sensors=(plugin, memory)), FakeClock(elapsed=10.0)).result(30)
    assert opened is not None
    sensors, early = opened
    assert sensors.sensors == (plugin, memory)
    assert early.of(memory.spec) == (10.0, 8.0)
    assert early.of(plugin.spec) is None


def test_a_child_that_was_forked_meanwhile_opens_them_itself() -> None:
    """The thread that opens stays with the parent, as where a notebook's launcher forks right after construction."""
    release, parent = threading.Event(), os.getpid()

    def slow_in_parent() -> SensorSet:
        if os.getpid() == parent:
            release.wait(60)
        return SensorSet(driver_version=str(os.getpid()))

    opening = BackgroundOpening(slow_in_parent, FakeClock())
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            opened = opening.result(30)
            os.write(writing, b"" if opened is None else str(opened[0].driver_version).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        assert pipe.read() == str(child)
    os.waitpid(child, 0)
    release.set()
    opened = opening.result(30)
    assert opened is not None
    assert opened[0].driver_version == str(parent)


def test_slow_opening_is_not_waited_for() -> None:
    """A driver that takes its time gives None now and the sensors later."""
    release = threading.Event()

    def slow() -> SensorSet:
        release.wait(60)
        return SensorSet(driver_version="1")

    opening = BackgroundOpening(slow, FakeClock())
    assert opening.result(0.0) is None
    release.set()
    opened = opening.result(30)
    assert opened is not None
    assert opened[0].driver_version == "1"


def _opened_after(release: threading.Event) -> SensorSet:
    release.wait(60)
    return SensorSet()


def test_until_it_opens_there_are_reasons() -> None:
    """What a part may read has its reason while its driver has not answered, and other quantities have none."""
    release = threading.Event()
    part = SensorPart(open=lambda: _opened_after(release), quantities=("gpu_energy",))
    (opening,) = open_in_background((part,), FakeClock())
    pending = opening.pending()
    release.set()
    assert [(one.quantity, one.reason) for one in pending.absences] == [
        ("gpu_energy", "the driver had not answered yet")
    ]
    assert pending.sensors == ()


def test_a_part_that_hangs_holds_up_no_other() -> None:
    """Each part opens in a thread of its own."""
    release = threading.Event()
    parts = (
        SensorPart(open=lambda: _opened_after(release)),
        SensorPart(open=lambda: SensorSet(driver_version="2")),
    )
    hanging, quick = open_in_background(parts, FakeClock())
    opened = quick.result(30)
    assert opened is not None
    assert opened[0].driver_version == "2"
    assert hanging.result(0.0) is None
    release.set()


def test_failing_opening_gives_reasons() -> None:
    """Whatever breaks while opening, the figures say why they are missing."""

    def broken() -> SensorSet:
        msg = "x"
        raise RuntimeError(msg)

    opened = BackgroundOpening(broken, FakeClock(), quantities=("gpu_energy",)).result(30)
    assert opened is not None
    absence = opened[0].absence("gpu_energy")
    assert absence is not None
    assert "could not be opened (RuntimeError)" in absence.reason


_NOT_READY = SensorSet(
    absences=(Absence(quantity="gpu_energy", source="nvml", reason="the NVIDIA driver is installed but not loaded"),),
    not_ready=True,
)


class _End(threading.Event):
    """A run's end that comes after ``seconds`` on the clock that waiting for it moves."""

    def __init__(self, clock: FakeClock, seconds: float) -> None:
        super().__init__()
        self._clock = clock
        self._at = clock.elapsed_seconds() + seconds

    def wait(self, timeout: float | None = None) -> bool:
        """Let the time pass."""
        left = self._at - self._clock.elapsed_seconds()
        self._clock.advance(min(timeout or 0.0, left))
        return (timeout or 0.0) >= left


class _Driver:
    """A driver that is ready at a time of the clock, and takes a while to say that it is not."""

    def __init__(
        self, clock: FakeClock, ready_at: float, *, cost_seconds: float = 0.0, fails_at: Collection[float] = ()
    ) -> None:
        self.clock = clock
        self.asked: list[float] = []
        self._begin = clock.elapsed_seconds()
        self._ready_at = ready_at
        self._cost_seconds = cost_seconds
        self._fails_at = fails_at
        self.opening = BackgroundOpening(self._open, clock)
        assert self.opening.result(30) is not None

    def _open(self) -> SensorSet:
        at = self.clock.elapsed_seconds() - self._begin
        self.asked.append(at)
        self.clock.advance(self._cost_seconds)
        if at in self._fails_at:
            raise OSError
        if at < self._ready_at:
            return _NOT_READY
        return SensorSet(sensors=(FakeSensor(spec("system_memory"), 8.0),), driver_version="580")


def test_a_driver_that_was_not_ready_is_opened_later() -> None:
    """After 10 s, 30 s and a minute, then each 5 minutes: its sensors come with a note about the gap."""
    driver = _Driver(FakeClock(), ready_at=500.0)
    not_ready, (sensors, early) = driver.opening.results(_End(driver.clock, 3600.0))
    assert driver.asked == [0.0, 10.0, 40.0, 100.0, 400.0, 700.0]
    assert not_ready[0] == _NOT_READY
    assert sensors.driver_version == "580"
    assert early.of(spec("system_memory")) == (1700.0, 8.0)
    (note,) = sensors.notes
    assert note == (
        "The driver was not ready when it was first asked (the NVIDIA driver is installed but not loaded) and was "
        "opened later: what the GPUs used until then is a gap."
    )
    again = driver.opening.result(0.0)
    assert again is not None
    assert again[0].notes == ()  # of a run that begins after it, the note is not true


def test_an_attempt_that_fails_is_not_the_last() -> None:
    """While the driver was getting ready one attempt met something else: it is asked again, and found."""
    driver = _Driver(FakeClock(), ready_at=100.0, fails_at={10.0, 40.0})
    not_ready, (sensors, _) = driver.opening.results(_End(driver.clock, 3600.0))
    assert driver.asked == [0.0, 10.0, 40.0, 100.0]
    assert not_ready[0] == _NOT_READY
    assert sensors.driver_version == "580"
    assert len(sensors.notes) == 1


def test_a_driver_that_is_slow_to_refuse_is_tried_as_rarely_as_it_costs() -> None:
    """Each attempt takes a second: no more than a thousandth of a day, the first ones aside."""
    driver = _Driver(FakeClock(), ready_at=1e9, cost_seconds=1.0)
    assert len(list(driver.opening.results(_End(driver.clock, 86_400.0)))) == 1
    assert 10 < len(driver.asked) <= 86 + 2


def test_trying_again_ends_with_the_run_and_begins_from_the_last_attempt() -> None:
    """A run that ends at once asks nobody; one that begins minutes after the first attempt asks at once."""
    driver = _Driver(FakeClock(), ready_at=100.0)
    assert len(list(driver.opening.results(_End(driver.clock, 5.0)))) == 1
    assert driver.asked == [0.0]
    driver.clock.advance(200.0)
    assert len(list(driver.opening.results(_End(driver.clock, 5.0)))) == 2
    assert driver.asked == [0.0, 205.0]


def test_what_cannot_change_is_not_tried_again() -> None:
    """A machine without a GPU is asked once."""
    clock = FakeClock()
    opening = BackgroundOpening(lambda: replace(_NOT_READY, not_ready=False), clock)
    assert len(list(opening.results(_End(clock, 86_400.0)))) == 1


def test_what_is_simulated_is_that_before_it_opens() -> None:
    """A simulated driver that hangs for the whole run is no reason to take its card for a real one."""
    pending = BackgroundOpening(SensorSet, FakeClock(), quantities=("gpu_energy",), simulated=True).pending()
    assert pending.simulated
    assert pending.absence("gpu_energy") is not None
