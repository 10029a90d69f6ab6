"""Idle power: measured, kept and found again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cardcallback.baseline import (
    BASELINES_FILE,
    Baseline,
    baseline_notes,
    circumstance_words,
    encode_baselines,
    load_baselines,
    measure_baselines,
)
from cardcallback.errors import CardCallbackError, SensorReadError
from cardcallback.record import Scope
from cardcallback.sensors.base import Absence, DeviceInfo, Quantity, SensorSet, SensorSpec, Unit
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


def baseline(**replaced: Any) -> Baseline:
    """A baseline with some fields replaced."""
    fields: dict[str, Any] = {
        "device": "NVIDIA GB10",
        "driver_version": "580.95",
        "watts_mean": 11.2,
        "seconds": 60.0,
        "date": "2026-03-02",
        "device_count": 1,
        "other_processes": 0,
        "method": "counter",
        "source": "nvml:total_energy_consumption",
        "simulated": False,
    }
    return Baseline(**(fields | replaced))


def test_kept_baselines_are_found_by_device_and_driver(tmp_path: Path) -> None:
    """A newer measurement of the same device and driver replaces the older; others stay."""
    old, other = baseline(), baseline(driver_version="570.1")
    new = baseline(watts_mean=12.0, date="2026-04-01")
    (tmp_path / BASELINES_FILE).write_text(encode_baselines((old, other), (new,)))
    assert set(load_baselines(tmp_path)) == {new, other}
    assert load_baselines(tmp_path, device="NVIDIA GB10", driver_version="580.95") == (new,)
    assert load_baselines(tmp_path, device="H100") == ()


def test_simulated_baseline_never_replaces_a_real_one() -> None:
    """A simulated device of the same name is another device."""
    assert len(json.loads(encode_baselines((baseline(),), (baseline(simulated=True),)))["baselines"]) == 2


def test_no_file_no_baselines(tmp_path: Path) -> None:
    """A folder that is not there holds none."""
    assert load_baselines(tmp_path / "absent") == ()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is damaged"),
        ('{"schema_version": 1, "baselines": [{"device": 1}]}', "is damaged"),
        ('{"schema_version": 2, "baselines": []}', "newer cardcallback"),
    ],
)
def test_damaged_file_is_refused(tmp_path: Path, content: str, said: str) -> None:
    """A damaged or newer file is one line with the cure."""
    (tmp_path / BASELINES_FILE).write_text(content)
    with pytest.raises(CardCallbackError, match=said):
        load_baselines(tmp_path)


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


VERSION_1 = """{"schema_version": 1, "baselines": [{"device": "NVIDIA GB10", "driver_version": "580.95",
 "watts_mean": 11.2, "seconds": 60.0, "date": "2026-03-02", "device_count": 1, "other_processes": 2,
 "method": "counter", "source": "nvml:total_energy_consumption", "simulated": false}]}"""


def test_files_of_the_first_version_stay_readable(tmp_path: Path) -> None:
    """What was kept before circumstances were known is found, and the card's sentence claims none."""
    (tmp_path / BASELINES_FILE).write_text(VERSION_1)
    assert load_baselines(tmp_path) == (baseline(other_processes=2),)
    (note,) = baseline_notes(tmp_path, SensorSet(devices=(GB10,), driver_version="580.95"))
    assert note == (
        "Idle power of NVIDIA GB10, measured before: 11.2 W for 1 min on 2026-03-02, while 2 processes used it; "
        "included in the energy."
    )


def test_the_cards_sentence_tells_the_circumstances(tmp_path: Path) -> None:
    """What was known, and why it was not idle where someone kept it all the same."""
    known = {"utilization_mean": 0.0, "sm_clock_hertz_median": 208e6, "performance_states": (0, 8)}
    kept = baseline(**known, display_attached=True, busy=("1 other process held the GPU",))
    (tmp_path / BASELINES_FILE).write_text(encode_baselines((), (kept,)))
    assert load_baselines(tmp_path) == (kept,)
    (note,) = baseline_notes(tmp_path, SensorSet(devices=(GB10,), driver_version="580.95"))
    assert note == (
        "Idle power of NVIDIA GB10, measured before: 11.2 W for 1 min on 2026-03-02 (utilisation 0 %, SM clock "
        "208 MHz, P0 and P8, a display attached), though it was not idle: 1 other process held the GPU; included in "
        "the energy."
    )


def test_file_identifies_nothing() -> None:
    """The device's UUID is not in the file."""
    clock = FakeClock()
    assert "secret" not in encode_baselines((), measure(clock, sensor("gpu_energy", growing(clock, 3.0))))
