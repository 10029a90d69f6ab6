"""The most memory this job may use, where its control group (container, SLURM job, systemd unit) sets one.

The limit binds host memory only: on unified parts CUDA allocations are not charged to the group (12 GiB of
CUDA under MemoryMax=8G, Blackwellboy/model-serving-minefield#57), so what is in use is not read from it.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from cardcallback.errors import SensorReadError
from cardcallback.record import InstrumentAccuracy, Scope
from cardcallback.sensors.base import Absence, Sensor, SensorSpec, those_readable
from cardcallback.sensors.meminfo import parse_meminfo

_ONCE_SECONDS = 86400.0
_NONE_SET = "no limit below the machine's memory is set for this job"
_UNLIMITED = "max"
# Version 1 writes the most pages that its counter holds, in bytes: more than any machine has.
_LARGEST_BYTES = 2**62


class MemoryLimitSensor:
    """The lowest limit of the process's control group and those above it, in bytes."""

    def __init__(self, system_root: Path) -> None:
        self._root = system_root
        self.spec = SensorSpec(
            quantity="memory_limit",
            source="cgroup:memory",
            kind="gauge",
            unit="bytes",
            scope=Scope(host_dram="yes"),
            covers="host memory of this container or job",
            interval_seconds=_ONCE_SECONDS,
            accuracy=InstrumentAccuracy(statement="a setting, exact", source="Linux kernel"),
        )

    def read(self) -> float:
        """Bytes.

        Raises:
            SensorReadError: no limit binds before the machine's own memory does, or none can be read.
        """
        limits = [limit for folder, name in self._files() if (limit := _limit(folder / name)) is not None]
        lowest = min(limits, default=None)
        total = self._total()
        if lowest is None or (total is not None and lowest >= total):
            raise SensorReadError(_NONE_SET)
        return float(lowest)

    def _files(self) -> list[tuple[Path, str]]:
        """Where limits may stand: the group's folder and those above it, as this process sees them."""
        groups = _groups(self._root / "proc" / "self" / "cgroup")
        if not groups:
            msg = "this system does not tell the process's control group"
            raise SensorReadError(msg)
        mount = self._root / "sys" / "fs" / "cgroup"
        if "memory" in groups:
            return [(folder, "memory.limit_in_bytes") for folder in _upwards(mount / "memory", groups["memory"])]
        return [(folder, "memory.max") for folder in _upwards(mount, groups.get("", "/"))]

    def _total(self) -> int | None:
        try:
            text = (self._root / "proc" / "meminfo").read_text(encoding="ascii", errors="replace")
        except OSError:
            return None
        return parse_meminfo(text).get("MemTotal")


def open_memory_limit(system_root: Path) -> tuple[tuple[Sensor, ...], tuple[Absence, ...]]:
    """The sensor, or why there is none.

    Args:
        system_root: the folder that holds ``proc`` and ``sys``.
    """
    return those_readable([MemoryLimitSensor(system_root)])


def _groups(path: Path) -> dict[str, str]:
    """The process's group by controller; of the unified hierarchy (version 2) under ""."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    groups = {}
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        groups.update(dict.fromkeys(controllers.split(","), group))
    return groups


def _upwards(mount: Path, group: str) -> list[Path]:
    # In a container the group's path may be the host's, of which only the mount's own end is seen here.
    parts = [part for part in PurePosixPath(group).parts if part not in {"/", ".."}]
    return [mount.joinpath(*parts[:depth]) for depth in range(len(parts), -1, -1)]


def _limit(path: Path) -> int | None:
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    limit = int(text) if text != _UNLIMITED and text.isdecimal() else None
    return limit if limit is not None and limit < _LARGEST_BYTES else None
