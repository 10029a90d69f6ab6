"""What is kept of a machine's idle power: found again, replaced, refused where damaged, and told on a card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cardcallback.baseline import (
    BASELINES_FILE,
    Baseline,
    baseline_notes,
    doubt_words,
    encode_baselines,
    load_baselines,
)
from cardcallback.errors import CardCallbackError
from cardcallback.record import InstrumentAccuracy
from cardcallback.sensors.base import DeviceInfo, SensorSet

GB10 = DeviceInfo(index=0, name="NVIDIA GB10")
ABOUT_FIVE = InstrumentAccuracy(statement="about 5 % off", relative=0.05, source="a study")


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


VERSION_1 = """{"schema_version": 1, "baselines": [{"device": "NVIDIA GB10", "driver_version": "580.95",
 "watts_mean": 11.2, "seconds": 60.0, "date": "2026-03-02", "device_count": 1, "other_processes": 2,
 "method": "counter", "source": "nvml:total_energy_consumption", "simulated": false}]}"""


def test_files_of_the_first_version_stay_readable(tmp_path: Path) -> None:
    """What was kept before circumstances were known is found, and the card's sentence claims none."""
    (tmp_path / BASELINES_FILE).write_text(VERSION_1)
    assert load_baselines(tmp_path) == (baseline(other_processes=2),)
    (note,) = baseline_notes(tmp_path, SensorSet(devices=(GB10,), driver_version="580.95"))
    assert note == (
        "Idle power of NVIDIA GB10, measured before: 11.2 W for 1 min on 2026-03-02 (recording interval not known, "
        "the sensor's own accuracy: was not kept), while 2 processes used it; included in the energy."
    )


def test_the_cards_sentence_tells_the_circumstances(tmp_path: Path) -> None:
    """What was known, and why it was not idle where someone kept it all the same."""
    known = {"utilization_mean": 0.0, "sm_clock_hertz_median": 208e6, "performance_states": (0, 8)}
    doubts = {"watts_low": 11.1, "watts_high": 11.3, "instrument_accuracy": ABOUT_FIVE}
    kept = baseline(**known, **doubts, display_attached=True, busy=("1 other process held the GPU",))
    (tmp_path / BASELINES_FILE).write_text(encode_baselines((), (kept,)))
    assert load_baselines(tmp_path) == (kept,)
    (note,) = baseline_notes(tmp_path, SensorSet(devices=(GB10,), driver_version="580.95"))
    assert note == (
        "Idle power of NVIDIA GB10, measured before: 11.2 W for 1 min on 2026-03-02 (by its recording 11.1 W to "
        "11.3 W, the sensor's own accuracy: about 5 % off (a study); utilisation 0 %, SM clock 208 MHz, P0 "
        "and P8, a display attached), though it was not idle: 1 other process held the GPU; included in the energy."
    )


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (11.1, 11.3, "by its recording 11.1 W to 11.3 W"),
        (11.19, 11.21, "recording error too small to show"),
        (11.1, None, "by its recording at least 11.1 W"),
        (None, None, "recording interval not known"),
    ],
)
def test_both_doubts_stand_beside_the_power(low: float | None, high: float | None, said: str) -> None:
    """The recording's bounds are never told without the sensor's own accuracy."""
    words = doubt_words(baseline(watts_low=low, watts_high=high, instrument_accuracy=ABOUT_FIVE))
    assert words == f"{said}, the sensor's own accuracy: about 5 % off (a study)"
