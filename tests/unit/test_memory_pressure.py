"""Time stalled for want of memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from cardcallback.errors import SensorReadError
from cardcallback.sensors.memory_pressure import open_memory_pressure

MACHINES = Path(__file__).parents[1] / "fixtures" / "memory"


def test_both_totals_are_read_in_seconds() -> None:
    """The kernel counts microseconds since it started."""
    sensors, absences = open_memory_pressure(MACHINES / "discrete-server")
    assert {sensor.spec.quantity: sensor.read() for sensor in sensors} == pytest.approx(
        {"memory_stalled_some": 5.231044, "memory_stalled_all": 3.120871}
    )
    assert absences == ()


def test_a_kernel_without_it_is_an_absence() -> None:
    """No file: unknown, with the reason, not "never stalled"."""
    sensors, absences = open_memory_pressure(MACHINES / "container-v1")
    assert sensors == ()
    assert {absence.quantity for absence in absences} == {"memory_stalled_some", "memory_stalled_all"}
    assert all("no pressure stall information" in absence.reason for absence in absences)


@pytest.mark.parametrize("text", ["", "some avg10=0.00\n", "some avg10=0.00 total=x\nfull total=\n"])
def test_a_damaged_file_is_a_failed_reading(tmp_path: Path, text: str) -> None:
    """A file that changes its form is no figure."""
    (tmp_path / "proc" / "pressure").mkdir(parents=True)
    file = tmp_path / "proc" / "pressure" / "memory"
    file.write_text("some avg10=0.00 avg60=0.00 avg300=0.00 total=1\nfull avg10=0.00 total=1\n")
    sensors, _ = open_memory_pressure(tmp_path)
    file.write_text(text)
    for sensor in sensors:
        with pytest.raises(SensorReadError):
            sensor.read()
