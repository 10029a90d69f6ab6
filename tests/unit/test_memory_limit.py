"""The most memory a container or job may use."""

from __future__ import annotations

from pathlib import Path

import pytest

from cardcallback.sensors.memory_limit import open_memory_limit

MACHINES = Path(__file__).parents[1] / "fixtures" / "memory"
GIBIBYTE = 1024**3


@pytest.mark.parametrize(("machine", "gibibytes"), [("container-v2", 32), ("container-v1", 16), ("slurm-v2", 64)])
def test_the_lowest_limit_binds(machine: str, gibibytes: int) -> None:
    """Of the group and those above it, under both versions, whatever part of the tree is seen."""
    (sensor,), absences = open_memory_limit(MACHINES / machine)
    assert sensor.read() == gibibytes * GIBIBYTE
    assert absences == ()
    assert sensor.spec.scope.host_dram == "yes"


@pytest.mark.parametrize("machine", ["discrete-server", "host-v1", "spark-hugepages", "lxc"])
def test_no_limit_below_the_machines_memory_is_none(machine: str) -> None:
    """None set, the value that means none, or one that the machine itself stays below."""
    sensors, (absence,) = open_memory_limit(MACHINES / machine)
    assert sensors == ()
    assert "no limit" in absence.reason


def test_without_control_groups_nothing_is_claimed(tmp_path: Path) -> None:
    """That there is no limit is known only where groups can be read."""
    sensors, (absence,) = open_memory_limit(tmp_path)
    assert sensors == ()
    assert "does not tell" in absence.reason


def test_what_version_1_writes_for_no_limit_is_none_without_meminfo_too(tmp_path: Path) -> None:
    """The largest number of bytes that its counter holds is no machine's memory."""
    for name, text in {
        "proc/self/cgroup": "12:memory:/docker/0\n",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    sensors, (absence,) = open_memory_limit(tmp_path)
    assert sensors == ()
    assert "no limit" in absence.reason


def test_a_group_that_points_outside_is_not_followed(tmp_path: Path) -> None:
    """A process moved out of its namespace's root has a path that leads up from it."""
    for name, text in {
        "proc/self/cgroup": "0::/../../elsewhere\n",
        "proc/meminfo": "MemTotal: 8388608 kB\n",
        "sys/fs/memory.max": "1024\n",
        "sys/fs/cgroup/memory.max": f"{GIBIBYTE}\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (sensor,), _ = open_memory_limit(tmp_path)
    assert sensor.read() == GIBIBYTE
