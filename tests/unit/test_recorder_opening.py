"""Opening the sensors beside the caller."""

from __future__ import annotations

import threading

from cardcallback.errors import SensorReadError
from cardcallback.record import Scope
from cardcallback.recorder import BackgroundOpening, open_in_background
from cardcallback.sensors import Quantity, SensorSet, SensorSpec
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


def test_what_is_simulated_is_that_before_it_opens() -> None:
    """A simulated driver that hangs for the whole run is no reason to take its card for a real one."""
    pending = BackgroundOpening(SensorSet, FakeClock(), quantities=("gpu_energy",), simulated=True).pending()
    assert pending.simulated
    assert pending.absence("gpu_energy") is not None
