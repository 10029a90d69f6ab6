"""Memory in use by the whole machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from cardcallback.errors import SensorReadError
from cardcallback.sensors.meminfo import open_meminfo, parse_meminfo, used_bytes

PLAIN = (
    "MemTotal:       1000 kB\nMemFree:  100 kB\nMemAvailable:    600 kB\nHugePages_Total:    0\nHugepagesize: 2048 kB\n"
)


def test_used_is_what_is_not_available() -> None:
    """Page cache that can be given back is not in use."""
    assert used_bytes(parse_meminfo(PLAIN)) == 400 * 1024


def test_free_huge_pages_are_not_in_use() -> None:
    """Reserved but empty huge pages are taken off, counted in pages of their size."""
    text = (
        "MemTotal: 100000 kB\nMemAvailable: 20000 kB\nHugePages_Total: 20\nHugePages_Free: 10\nHugepagesize: 2048 kB\n"
    )
    assert used_bytes(parse_meminfo(text)) == (100_000 - 20_000 - 10 * 2048) * 1024


@pytest.mark.parametrize(
    "text", ["", "MemTotal: 10 kB\n", "MemTotal: 10 kB\nMemAvailable: 20 kB\n", "MemTotal: x kB\nMemAvailable: 2 kB\n"]
)
def test_damaged_file_is_a_failed_reading(tmp_path: Path, text: str) -> None:
    """What is missing or contradictory is no figure, and the absence gives the reason."""
    with pytest.raises(SensorReadError):
        used_bytes(parse_meminfo(text))
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "meminfo").write_text(text)
    sensors, absences = open_meminfo(tmp_path, unified=False)
    assert sensors == ()
    assert {absence.quantity for absence in absences} == {"system_memory", "system_memory_total"}


def test_missing_file_is_an_absence(tmp_path: Path) -> None:
    """A system without /proc has no sensor but a reason."""
    sensors, absences = open_meminfo(tmp_path, unified=None)
    assert sensors == ()
    assert "cannot be read" in absences[0].reason


@pytest.mark.parametrize(("unified", "covered"), [(True, "yes"), (False, "no"), (None, "unknown")])
def test_scope_says_whether_gpu_memory_is_in_it(tmp_path: Path, unified: bool | None, covered: str) -> None:  # noqa: FBT001 - a test case
    """On unified memory the figure includes the GPU's."""
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "meminfo").write_text(PLAIN)
    sensors, _ = open_meminfo(tmp_path, unified=unified)
    assert [sensor.read() for sensor in sensors] == [400 * 1024, 1000 * 1024]
    assert {sensor.spec.scope.gpu_memory for sensor in sensors} == {covered}
