"""Idle power: measured, kept and found again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cardcallback.baseline import BASELINES_FILE, Baseline, encode_baselines, load_baselines, measure_baselines
from cardcallback.errors import CardCallbackError, SensorReadError
from cardcallback.record import Scope
from cardcallback.sensors.base import Absence, DeviceInfo, Quantity, SensorSet, SensorSpec
from cardcallback.testing import FakeClock, FakeSensor

GB10 = DeviceInfo(index=0, name="NVIDIA GB10", uuid="GPU-0123-secret")


def sensor(quantity: Quantity, readings: Any, device: int = 0) -> FakeSensor:
    """An energy counter or a power gauge of one device."""
    counter = quantity == "gpu_energy"
    spec = SensorSpec(
        quantity=quantity,
        source=f"nvml:{quantity}",
        kind="counter" if counter else "gauge",
        unit="joules" if counter else "watts",
        scope=Scope(gpu_core="yes"),
        covers="GPU",
        interval_seconds=1.0,
        device=device,
    )
    return FakeSensor(spec, readings)


def measure(clock: FakeClock, *sensors: FakeSensor, others: int | None = 0, **fields: Any) -> tuple[Baseline, ...]:
    """Baselines over 10 s of the fake clock."""
    fields = {"devices": (GB10,), "driver_version": "580.95"} | fields
    return measure_baselines(
        SensorSet(sensors=sensors, **fields),
        seconds=10.0,
        clock=clock,
        wait=clock.advance,
        other_processes=lambda _: others,
    )


def growing(clock: FakeClock, watts: float) -> Callable[[], float]:
    """A counter that grows by ``watts`` every second of ``clock``."""
    return lambda: clock.elapsed_seconds() * watts


def test_mean_power_comes_from_the_counter() -> None:
    """A counter that grows by 11 J every second is 11 W, whatever the power reading says."""
    clock = FakeClock()
    measured = measure(clock, sensor("gpu_energy", growing(clock, 11.0)), sensor("gpu_power", 40.0))
    assert measured == (
        Baseline(
            device="NVIDIA GB10",
            driver_version="580.95",
            watts_mean=11.0,
            seconds=10.0,
            date="2026-03-02",
            device_count=1,
            other_processes=0,
            method="counter",
            source="nvml:gpu_energy",
            simulated=False,
        ),
    )


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
        others=2,
        devices=(DeviceInfo(index=0, name="H100"), DeviceInfo(index=1, name="H100")),
    )
    assert [(m.watts_mean, m.device_count, m.other_processes) for m in measured] == [(70.0, 2, 4)]


def test_unknown_processes_stay_unknown() -> None:
    """A driver that does not list processes is not taken for an idle machine."""
    clock = FakeClock()
    assert measure(clock, sensor("gpu_energy", growing(clock, 1.0)), others=None)[0].other_processes is None


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


def test_file_identifies_nothing() -> None:
    """The device's UUID is not in the file."""
    clock = FakeClock()
    assert "secret" not in encode_baselines((), measure(clock, sensor("gpu_energy", growing(clock, 3.0))))
