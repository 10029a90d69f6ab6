"""Memory in use by the whole machine, from ``/proc/meminfo``; right for unified memory too.

Used is MemTotal - MemAvailable - free huge pages: page cache that the kernel would give back is not in
use, and huge pages that are reserved but empty are not either (the kernel counts them as unavailable). Nor is the
file cache of ZFS, which it gives back down to its least size and which the kernel does not know as a cache.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from cardcallback import portable
from cardcallback.errors import SensorReadError
from cardcallback.record import InstrumentAccuracy, Scope
from cardcallback.sensors.base import Absence, Quantity, Sensor, SensorSpec, those_readable
from cardcallback.sensors.sysfs import content_of
from cardcallback.units import BYTES_PER_KIBIBYTE

SOURCE = "proc:meminfo"
# Where a container is given a meminfo of its own (LXC's lxcfs), which is its limit and use, not the machine's.
CONTAINER_SOURCE = "proc:meminfo (container)"
# Windows gives its guest a part of the machine's memory, and the figures are the guest's.
GUEST_SOURCE = "proc:meminfo (WSL2)"
_PARTS = {
    # Its figures come from a control group, which CUDA's memory is not charged to.
    CONTAINER_SOURCE: "this container, by its own /proc/meminfo; CUDA memory is not in it",
    GUEST_SOURCE: "this WSL2 guest; what Windows uses, GPU memory included, is not in it",
}
_INTERVAL_SECONDS = 1.0
_SWAP_INTERVAL_SECONDS = 5.0
_ONCE_SECONDS = 86400.0
_PAGES = "HugePages_Free"
# Of fifty lines, looked for without touching the others.
_FIELD = re.compile(
    rf"^(MemTotal|MemAvailable|SwapTotal|SwapFree|Hugetlb|Hugepagesize|{_PAGES}):[ \t]*([0-9]+)(?!\S)", re.MULTILINE
)


def parse_meminfo(text: str) -> dict[str, int]:
    """The fields of ``/proc/meminfo`` that any figure here needs, in bytes; free huge pages in pages.

    Lines that are not "name: number" are left out.
    """
    return {name: int(number) * (1 if name == _PAGES else BYTES_PER_KIBIBYTE) for name, number in _FIELD.findall(text)}


def used_bytes(fields: dict[str, int], free_huge_bytes: int | None = None, zfs_cache_bytes: int = 0) -> int:
    """Memory in use.

    Args:
        fields: of ``/proc/meminfo``.
        free_huge_bytes: empty huge pages of every size; ``None``: those of the default size, by ``fields``.
        zfs_cache_bytes: what ZFS would give back of its file cache.

    Raises:
        SensorReadError: a field that is needed is missing, or they contradict each other.
    """
    total, available = (_needed(fields, name) for name in ("MemTotal", "MemAvailable"))
    if free_huge_bytes is None:
        free_huge_bytes = fields.get(_PAGES, 0) * fields.get("Hugepagesize", 0)
    used = total - available - free_huge_bytes - zfs_cache_bytes
    if not 0 <= used <= total:
        msg = "/proc/meminfo contradicts itself"
        raise SensorReadError(msg)
    return used


def free_huge_bytes(fields: dict[str, int], huge_pages: Path) -> int | None:
    """Empty huge pages of every size; ``None`` where sysfs does not list them.

    ``/proc/meminfo`` counts the default size only, but says in ``Hugetlb`` whether there is any.
    """
    if fields.get("Hugetlb") == 0:
        return 0
    free = None
    for folder in _folders(huge_pages):
        size = folder.name.removeprefix("hugepages-").removesuffix("kB")
        try:
            pages = (folder / "free_hugepages").read_text(encoding="ascii").strip()
        except OSError:
            continue
        if size.isdecimal() and pages.isdecimal():
            free = (free or 0) + int(size) * BYTES_PER_KIBIBYTE * int(pages)
    return free


def zfs_cache_bytes(statistics: Path) -> int:
    """What ZFS would give back of its file cache (ARC), by its ``arcstats``; 0 where there is none."""
    try:
        lines = statistics.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0
    # Each line is a name, a type and a value.
    found = {words[0]: int(words[2]) for words in map(str.split, lines) if len(words) == 3 and words[2].isdecimal()}
    return max(found["size"] - found["c_min"], 0) if {"size", "c_min"} <= found.keys() else 0


def _folders(parent: Path) -> list[Path]:
    try:
        return sorted(parent.iterdir())
    except OSError:
        return []


def _needed(fields: dict[str, int], name: str) -> int:
    if name not in fields:
        msg = f"/proc/meminfo has no {name}"
        raise SensorReadError(msg)
    return fields[name]


def _total(fields: dict[str, int]) -> int:
    if not fields.get("MemTotal"):
        msg = "/proc/meminfo has no MemTotal"
        raise SensorReadError(msg)
    return fields["MemTotal"]


def _swap(fields: dict[str, int]) -> int:
    return max(_needed(fields, "SwapTotal") - _needed(fields, "SwapFree"), 0)


class MeminfoSensor:
    """One figure of ``/proc/meminfo`` in bytes.

    Args:
        path: the file.
        spec: what it is.
        figure: the figure from the file's fields; may raise ``SensorReadError``.
    """

    def __init__(self, path: Path, spec: SensorSpec, figure: Callable[[dict[str, int]], int]) -> None:
        self._path = path
        self._spec = spec
        self._figure = figure

    @property
    def spec(self) -> SensorSpec:
        """What this sensor reads."""
        return self._spec

    def told(self, spec: SensorSpec) -> MeminfoSensor:
        """The same sensor by another spec."""
        return MeminfoSensor(self._path, spec, self._figure)

    def read(self) -> float:
        """Bytes now.

        Raises:
            SensorReadError: the file cannot be read, or is not what it should be.
        """
        try:
            text = content_of(self._path).decode("ascii", errors="replace")
        except OSError as error:
            msg = f"/proc/meminfo cannot be read: {error.strerror}"
            raise SensorReadError(msg) from error
        return float(self._figure(parse_meminfo(text)))


def open_meminfo(system_root: Path, *, unified: bool | None) -> tuple[tuple[Sensor, ...], tuple[Absence, ...]]:
    """Sensors for memory in use, all there is, and swap in use, or why there are none.

    Args:
        system_root: the folder that holds ``proc`` and ``sys``.
        unified: whether the GPU uses this memory too; ``None``: not known.
    """
    path = system_root / "proc" / "meminfo"
    huge_pages = system_root / "sys" / "kernel" / "mm" / "hugepages"
    zfs_cache = system_root / "proc" / "spl" / "kstat" / "zfs" / "arcstats"
    has_zfs = _is_there(zfs_cache)  # to look for what is not there takes as long as to read the memory in use
    source = _source(system_root)

    def used(fields: dict[str, int]) -> int:
        if source == CONTAINER_SOURCE:
            return used_bytes(fields)  # which knows neither, while the other files show the machine's
        return used_bytes(fields, free_huge_bytes(fields, huge_pages), zfs_cache_bytes(zfs_cache) if has_zfs else 0)

    def spec(quantity: Quantity, interval_seconds: float) -> SensorSpec:
        return _spec(quantity, interval_seconds, unified=unified, source=source)

    return those_readable(
        (
            MeminfoSensor(path, spec("system_memory", _INTERVAL_SECONDS), used),
            MeminfoSensor(path, spec("system_memory_total", _ONCE_SECONDS), _total),
            MeminfoSensor(path, spec("swap_used", _SWAP_INTERVAL_SECONDS), _swap),
        )
    )


def _is_there(path: Path) -> bool:
    try:
        path.stat()
    except OSError:
        return False
    return True


def _source(system_root: Path) -> str:
    if _is_containers_own(system_root):
        return CONTAINER_SOURCE
    return GUEST_SOURCE if portable.is_wsl(system_root) else SOURCE


def _is_containers_own(system_root: Path) -> bool:
    """Whether another file is mounted over the kernel's, as lxcfs does."""
    try:
        mounts = (system_root / "proc" / "self" / "mountinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return any(line.split()[4:5] == ["/proc/meminfo"] for line in mounts.splitlines())


def with_unified_memory(sensor: Sensor, *, unified: bool | None) -> Sensor:
    """The same sensor, told by whether the GPU uses this memory; any other sensor as it is."""
    if not isinstance(sensor, MeminfoSensor):
        return sensor
    spec = sensor.spec
    return sensor.told(_spec(spec.quantity, spec.interval_seconds, unified=unified, source=spec.source))


def _spec(quantity: Quantity, interval_seconds: float, *, unified: bool | None, source: str) -> SensorSpec:
    if source in _PARTS:
        scope, covers = Scope(host_dram="yes"), _PARTS[source]
    elif quantity == "swap_used":
        scope, covers = Scope(), "whole machine"
    else:
        scope = Scope(host_dram="yes", gpu_memory="unknown" if unified is None else "yes" if unified else "no")
        covers = "whole machine, GPU memory included" if unified else "whole machine"
    return SensorSpec(
        quantity=quantity,
        source=source,
        kind="gauge",
        unit="bytes",
        scope=scope,
        covers=covers,
        interval_seconds=interval_seconds,
        accuracy=InstrumentAccuracy(statement="kernel's own book-keeping, exact to a page", source="Linux kernel"),
    )
