"""Memory in use by the whole machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from cardcallback.errors import SensorReadError
from cardcallback.sensors.meminfo import free_huge_bytes, open_meminfo, parse_meminfo, used_bytes

MACHINES = Path(__file__).parents[1] / "fixtures" / "memory"
KIBIBYTE, GIBIBYTE = 1024, 1024**3
PLAIN = (
    "MemTotal:       1000 kB\nMemFree:  100 kB\nMemAvailable:    600 kB\nHugePages_Total:    0\nHugepagesize: 2048 kB\n"
)


def read(machine: Path, *, unified: bool | None = False) -> dict[str, float]:
    """Every figure by quantity."""
    sensors, _ = open_meminfo(machine, unified=unified)
    return {sensor.spec.quantity: sensor.read() for sensor in sensors}


def test_used_is_what_is_not_available() -> None:
    """Page cache that can be given back is not in use."""
    assert used_bytes(parse_meminfo(PLAIN)) == 400 * KIBIBYTE


def test_free_huge_pages_are_not_in_use() -> None:
    """Reserved but empty huge pages are taken off, counted in pages of their size."""
    text = (
        "MemTotal: 100000 kB\nMemAvailable: 20000 kB\nHugePages_Total: 20\nHugePages_Free: 10\nHugepagesize: 2048 kB\n"
    )
    assert used_bytes(parse_meminfo(text)) == (100_000 - 20_000 - 10 * 2048) * KIBIBYTE


def test_a_discrete_server() -> None:
    """Memory and swap in use are what is there less what is available or free."""
    assert read(MACHINES / "discrete-server") == {
        "system_memory": (1_056_441_260 - 951_203_840) * KIBIBYTE,
        "system_memory_total": 1_056_441_260 * KIBIBYTE,
        "swap_used": (8_388_604 - 8_126_460) * KIBIBYTE,
    }


def test_huge_pages_of_every_size_are_seen() -> None:
    """1,024 empty pages of 2 MiB and 3 of 1 GiB, of which /proc/meminfo tells only the former."""
    used = read(MACHINES / "spark-hugepages", unified=True)["system_memory"]
    assert used == (127_600_748 - 98_566_144) * KIBIBYTE - (2 + 3) * GIBIBYTE


def test_without_huge_pages_sysfs_is_not_read(tmp_path: Path) -> None:
    """The kernel's sum of all sizes says that there is none; where it says nothing, sysfs does."""
    pages = tmp_path / "hugepages-2048kB"
    pages.mkdir()
    (pages / "free_hugepages").write_text("7\n")
    assert free_huge_bytes({"Hugetlb": 0}, tmp_path) == 0
    assert free_huge_bytes({}, tmp_path) == 7 * 2048 * KIBIBYTE
    assert free_huge_bytes({}, tmp_path / "missing") is None


@pytest.mark.parametrize(
    ("least_bytes", "container", "given_back"), [(1, False, 5), (8, False, 0), (None, False, 0), (1, True, 0)]
)
def test_the_cache_of_zfs_is_not_in_use(
    tmp_path: Path,
    least_bytes: int | None,
    container: bool,  # noqa: FBT001 - a test case
    given_back: int,
) -> None:
    """6 GiB of which it keeps as many as it says; what a container's own file tells has no such part."""
    files = {"proc/meminfo": f"MemTotal: {16 * GIBIBYTE // KIBIBYTE} kB\nMemAvailable: {2 * GIBIBYTE // KIBIBYTE} kB\n"}
    least = "" if least_bytes is None else f"c_min 4 {least_bytes * GIBIBYTE}\n"
    files["proc/spl/kstat/zfs/arcstats"] = f"13 1 0x01 147 39984 1 1\nname type data\nsize 4 {6 * GIBIBYTE}\n{least}"
    if container:
        files["proc/self/mountinfo"] = "1 2 0:3 /proc/meminfo /proc/meminfo rw - fuse.lxcfs lxcfs rw\n"
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert read(tmp_path)["system_memory"] == (14 - given_back) * GIBIBYTE


def test_a_containers_own_file_is_called_that() -> None:
    """Under LXC the figures are the container's: neither the machine's, nor with CUDA's memory in them."""
    sensors, _ = open_meminfo(MACHINES / "lxc", unified=True)
    assert read(MACHINES / "lxc", unified=True)["system_memory"] == (16_777_216 - 12_582_912) * KIBIBYTE
    for sensor in sensors:
        assert "this container" in sensor.spec.covers
        assert sensor.spec.scope.gpu_memory == "no"
        assert sensor.spec.source != "proc:meminfo"


@pytest.mark.parametrize(
    "text", ["", "MemTotal: 10 kB\n", "MemTotal: 10 kB\nMemAvailable: 20 kB\n", "MemTotal: x kB\nMemAvailable: 2 kB\n"]
)
def test_damaged_file_is_a_failed_reading(tmp_path: Path, text: str) -> None:
    """What is missing or contradictory is no figure, and the absence gives the reason; the rest stands."""
    with pytest.raises(SensorReadError):
        used_bytes(parse_meminfo(text))
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "meminfo").write_text(text)
    sensors, absences = open_meminfo(tmp_path, unified=False)
    absent = {absence.quantity for absence in absences}
    assert {"system_memory", "swap_used"} <= absent
    assert {sensor.spec.quantity for sensor in sensors} == {"system_memory_total"} - absent


def test_missing_file_is_an_absence(tmp_path: Path) -> None:
    """A system without /proc has no sensor but a reason."""
    sensors, absences = open_meminfo(tmp_path, unified=None)
    assert sensors == ()
    assert "cannot be read" in absences[0].reason


@pytest.mark.parametrize(("unified", "covered"), [(True, "yes"), (False, "no"), (None, "unknown")])
def test_scope_says_whether_gpu_memory_is_in_it(unified: bool | None, covered: str) -> None:  # noqa: FBT001 - a test case
    """On unified memory the figure includes the GPU's; swap is no memory of either."""
    sensors, _ = open_meminfo(MACHINES / "discrete-server", unified=unified)
    scopes = {sensor.spec.quantity: sensor.spec.scope.gpu_memory for sensor in sensors}
    assert scopes == {"system_memory": covered, "system_memory_total": covered, "swap_used": "no"}
