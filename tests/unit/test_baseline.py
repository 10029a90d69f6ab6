"""Idle power: measured from counter and power readings, with what the device did meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cardcallback.baseline import (
    Baseline,
    circumstance_words,
    encode_baselines,
    measure_baselines,
)
from cardcallback.errors import CardCallbackError, SensorReadError
from cardcallback.record import InstrumentAccuracy, Scope
from cardcallback.sensors.base import NOT_PUBLISHED, Absence, DeviceInfo, Quantity, SensorSet, SensorSpec, Unit
from cardcallback.sensors.surroundings import Surroundings
from cardcallback.testing import FakeClock, FakeSensor

ALONE = Surroundings(programs=0, drawing=0)
UNITS: dict[str, Unit] = {
    "gpu_energy": "joules",
    "gpu_power": "watts",
    "gpu_utilization": "share",
    "gpu_sm_clock": "hertz",
    "gpu_temperature": "celsius",
}
GB10 = DeviceInfo(index=0, name="NVIDIA GB10", uuid="GPU-0123-secret")


def sensor(quantity: Quantity, readings: Any, device: int = 0, **details: Any) -> FakeSensor:
    """An energy counter or a power gauge of one device."""
    counter = quantity == "gpu_energy"
    fields = {
        "quantity": quantity,
        "source": f"nvml:{quantity}",
        "kind": "counter" if counter else "gauge",
        "unit": UNITS[quantity],
        "scope": Scope(gpu_core="yes"),
        "covers": "GPU",
        "interval_seconds": 1.0,
        "device": device,
    }
    return FakeSensor(SensorSpec(**(fields | details)), readings)


def measure(clock: FakeClock, *sensors: FakeSensor, about: Surroundings = ALONE, **fields: Any) -> tuple[Baseline, ...]:
    """Baselines over 10 s of the fake clock."""
    fields = {"devices": (GB10,), "driver_version": "580.95"} | fields
    return measure_baselines(
        SensorSet(sensors=sensors, **fields),
        seconds=10.0,
        clock=clock,
        wait=clock.advance,
        surroundings=lambda _: about,
    )


def growing(clock: FakeClock, watts: float) -> Callable[[], float]:
    """A counter that grows by ``watts`` every second of ``clock``."""
    return lambda: clock.elapsed_seconds() * watts


def test_mean_power_comes_from_the_counter() -> None:
    """A counter that grows by 11 J every second is 11 W, whatever the power reading says."""
    clock = FakeClock()
    measured = measure(clock, sensor("gpu_energy", growing(clock, 11.0)), sensor("gpu_power", 40.0))
    (found,) = measured
    assert (found.device, found.driver_version, found.date) == ("NVIDIA GB10", "580.95", "2026-03-02")
    assert (found.watts_mean, found.seconds, found.device_count) == (11.0, 10.0, 1)
    assert (found.method, found.source, found.coverage) == ("counter", "nvml:gpu_energy", 1.0)
    assert found.watts_low is not None
    assert found.watts_high is not None
    assert found.watts_low <= 11.0 <= found.watts_high
    assert found.instrument_accuracy == NOT_PUBLISHED
    assert (found.busy, found.other_processes, found.simulated) == ((), 0, False)


@pytest.mark.parametrize("counter", [5.0, [float(value) for value in range(20, 0, -1)]])
def test_counter_without_proof_gives_way_to_power(counter: Any) -> None:
    """A counter that stands still or goes back is not idle at 0 W: the power readings are used."""
    measured = measure(FakeClock(), sensor("gpu_energy", counter), sensor("gpu_power", 12.0))
    assert (measured[0].watts_mean, measured[0].method) == (12.0, "integrated_power")


def test_failed_readings_are_left_out() -> None:
    """Power is the mean over what was read, weighted by time."""
    readings = [10.0, SensorReadError("busy"), 20.0, *[20.0] * 8]
    measured = measure(FakeClock(), sensor("gpu_power", readings))
    assert measured[0].watts_mean == pytest.approx((2 * 15 + 8 * 20) / 10)


def test_alike_devices_are_one_entry_and_others_are_counted() -> None:
    """Two devices of a name give their mean, and the processes on both."""
    clock = FakeClock()
    measured = measure(
        clock,
        sensor("gpu_energy", growing(clock, 60.0), 0),
        sensor("gpu_energy", growing(clock, 80.0), 1),
        about=Surroundings(programs=2, drawing=1),
        devices=(DeviceInfo(index=0, name="H100"), DeviceInfo(index=1, name="H100")),
    )
    assert [(m.watts_mean, m.device_count, m.other_processes) for m in measured] == [(70.0, 2, 4)]


def test_unknown_processes_stay_unknown() -> None:
    """A driver that does not list processes is not taken for an idle machine."""
    clock = FakeClock()
    assert measure(clock, sensor("gpu_energy", growing(clock, 1.0)), about=Surroundings())[0].other_processes is None


def test_nothing_to_measure_says_why() -> None:
    """Without a sensor the reason is the driver's, and the exit code is that of nothing to work on."""
    absence = Absence(quantity="gpu_power", source="nvml", reason="no NVIDIA driver found")
    with pytest.raises(CardCallbackError, match="no idle power to measure: no NVIDIA driver found") as caught:
        measure(FakeClock(), devices=(), absences=(absence,))
    assert caught.value.exit_code == 3


def test_circumstances_are_kept() -> None:
    """Utilisation, clock, heat, states and display during it, each only where every device told it."""
    clock = FakeClock()
    about = Surroundings(programs=0, drawing=2, performance_state=8, display_attached=False)
    (found,) = measure(
        clock,
        sensor("gpu_energy", growing(clock, 3.4)),
        sensor("gpu_utilization", [0.0, 0.11] + [0.0] * 9),
        sensor("gpu_sm_clock", [2e9, *[208e6] * 10]),
        sensor("gpu_temperature", 43.0),
        about=about,
    )
    assert (found.utilization_mean, found.sm_clock_hertz_median) == (0.01, 208e6)
    assert (found.temperature_celsius_mean, found.performance_states) == (43.0, (8,))
    assert (found.display_attached, found.graphics_processes, found.busy) == (False, 2, ())
    assert circumstance_words(found) == "utilisation 1.0 %, SM clock 208 MHz, P8, 43 °C, no display attached"


def test_one_silent_device_leaves_no_mean_of_the_others() -> None:
    """Two devices of which one tells its utilisation: none is kept."""
    clock = FakeClock()
    (found,) = measure(
        clock,
        sensor("gpu_energy", growing(clock, 3.0), 0),
        sensor("gpu_energy", growing(clock, 3.0), 1),
        sensor("gpu_utilization", 0.0, 0),
        sensor("gpu_utilization", [], 1),
        devices=(DeviceInfo(index=0, name="H100"), DeviceInfo(index=1, name="H100")),
    )
    assert found.utilization_mean is None


@pytest.mark.parametrize(
    ("share", "about", "said"),
    [
        (0.0, Surroundings(programs=1, drawing=0), ("1 other process held the GPU",)),
        (0.4, Surroundings(), ("its utilisation was 40 %",)),
        (0.02, Surroundings(programs=0, drawing=3), ()),
    ],
)
def test_a_gpu_at_work_is_not_idle(share: float, about: Surroundings, said: tuple[str, ...]) -> None:
    """A program that holds it, or work on it, is said; a desktop that draws is a circumstance."""
    clock = FakeClock()
    sensors = (sensor("gpu_energy", growing(clock, 3.0)), sensor("gpu_utilization", share))
    assert measure(clock, *sensors, about=about)[0].busy == said


def test_a_counter_that_wraps_goes_on() -> None:
    """A counter of 32 bits in millijoules wraps once: the power is what it was."""
    clock, wraps_at = FakeClock(), 2**32 / 1e3
    wrapped = sensor("gpu_energy", lambda: (wraps_at - 1050.0 + clock.elapsed_seconds()) % wraps_at, wraps_at=wraps_at)
    wrapped_soon = sensor(
        "gpu_energy", lambda: (wraps_at - 1005.0 + clock.elapsed_seconds()) % wraps_at, 1, wraps_at=wraps_at
    )
    devices = (GB10, DeviceInfo(index=1, name="other"))
    first, second = measure(clock, wrapped, wrapped_soon, devices=devices)
    assert (first.watts_mean, second.watts_mean) == (pytest.approx(1.0), pytest.approx(1.0))
    assert second.method == "counter"


def test_a_counter_reset_is_bridged_by_power() -> None:
    """The driver's reset costs one interval, which the power readings fill."""
    clock = FakeClock()
    counter = sensor(
        "gpu_energy",
        lambda: 12.0 * (clock.elapsed_seconds() - (900.0 if clock.elapsed_seconds() < 1004 else 1004.0)) + 5,
    )
    (found,) = measure(clock, counter, sensor("gpu_power", 12.0))
    assert found.watts_mean == pytest.approx(12.0, rel=0.02)
    assert found.source == "nvml:gpu_energy + nvml:gpu_power"
    assert found.instrument_accuracy == NOT_PUBLISHED


def test_the_accuracy_is_that_of_the_sensors_that_were_used() -> None:
    """The power reading's where it alone gives the figure; both in words where they differ and both were needed."""
    clock, five = FakeClock(), InstrumentAccuracy(statement="about 5 % off", relative=0.05, source="a study")
    (alone,) = measure(clock, sensor("gpu_power", 12.0, accuracy=five))
    assert alone.instrument_accuracy == five
    began = clock.elapsed_seconds()
    counter = sensor(
        "gpu_energy",
        lambda: 12.0 * (clock.elapsed_seconds() - (0.0 if clock.elapsed_seconds() < began + 4 else began + 4)) + 5,
    )
    (both,) = measure(clock, counter, sensor("gpu_power", 12.0, accuracy=five))
    assert both.method == "counter_bridged"
    assert both.instrument_accuracy == InstrumentAccuracy(
        statement="nvml:gpu_energy: not published; nvml:gpu_power: about 5 % off"
    )


@pytest.mark.parametrize("counter", [5.0, [5.0, *[SensorReadError("lost")] * 10]])
def test_no_power_and_a_counter_that_tells_nothing_is_nothing_to_work_on(counter: Any) -> None:
    """A counter that never moves, or that was lost at once, and no power reading: exit code 3."""
    with pytest.raises(CardCallbackError, match="no idle power to measure") as caught:
        measure(FakeClock(), sensor("gpu_energy", counter))
    assert caught.value.exit_code == 3


def test_half_a_measurement_is_none() -> None:
    """A device lost after three of ten seconds has no baseline; beside a whole one it is left out."""
    clock = FakeClock()
    lost = [12.0, 12.0, 12.0, *[SensorReadError("lost")] * 8]
    devices = (GB10, DeviceInfo(index=1, name="other"))
    (found,) = measure(clock, sensor("gpu_power", lost), sensor("gpu_power", 20.0, 1), devices=devices)
    assert found.device == "other"


def test_file_identifies_nothing() -> None:
    """The device's UUID is not in the file."""
    clock = FakeClock()
    assert "secret" not in encode_baselines((), measure(clock, sensor("gpu_energy", growing(clock, 3.0))))
