"""Energy of processors and main memory from RAPL, as the kernel's powercap framework shows it.

Zones and files: the kernel's Documentation/power/powercap. A package zone holds its core and uncore zones, and
a psys zone holds the packages, so that none of those is added to a package; the memory of a socket is a zone
of its own. The same package may be shown by more than one interface (MSR, MMIO, TPMI): it is counted once.
AMD's processors appear under the same names.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cardcallback.errors import SensorReadError
from cardcallback.record import Scope
from cardcallback.sensors.base import Absence, Quantity, Sensor, SensorSet, SensorSpec
from cardcallback.sensors.sysfs import SysfsSensor, entries_of, integer_of, is_for_ever, text_of
from cardcallback.units import JOULES_PER_MICROJOULE

SOURCE = "rapl"
ROOT_ONLY = "RAPL is readable by root only"
# More than any socket, and any socket's memory, draws: how fast a counter may wrap.
HIGHEST_ZONE_WATTS = 1000.0
# The registers are renewed about every millisecond (Intel SDM, volume 3, "RAPL interfaces").
_REFRESH_SECONDS = 0.001
_INTERVAL_SECONDS = 1.0
# A wrap is seen for certain from two readings within one turn of the counter, and one of the two may fail.
_READINGS_PER_TURN = 4
_SHORTEST_INTERVAL_SECONDS = 0.02
_ENTRY = re.compile(r"(?P<control>[a-z]+-rapl(?:-[a-z]+)?):(?P<zone>\d+)(?::(?P<part>\d+))?")
_PACKAGE = re.compile(r"package-(?P<socket>\d+)(?:-die-(?P<die>\d+))?")
_PLATFORM = re.compile(r"psys(?:-\d+)?")
_CURE = (
    "allow it for this boot: sudo chmod a+r /sys/class/powercap/*rapl*/energy_uj (see what that costs in safety), "
    "or run as root"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Zone:
    """One energy counter: ``name`` as the kernel has it, ``package`` the name of the zone that holds it."""

    path: Path
    name: str
    package: str | None = None

    @property
    def energy(self) -> Path:
        """The file of the counter, in microjoules."""
        return self.path / "energy_uj"


def open_rapl(system_root: Path) -> SensorSet:
    """A sensor for every package and its memory, and for the platform as an other figure, or why there is none.

    All sockets or none: the energy of a part of the processors, or of their memory, is not that of all.

    Args:
        system_root: the folder that holds ``sys``.
    """
    entries = _entries(system_root)
    zones = list(_zones(entries))
    packages = _once([zone for zone in zones if zone.package is None and _PACKAGE.fullmatch(zone.name)])
    memories = _once([zone for zone in zones if zone.package is not None and zone.name == "dram"])
    platforms = _once([zone for zone in zones if zone.package is None and _PLATFORM.fullmatch(zone.name)])
    with_memory = {zone.package for zone in memories} & {zone.name for zone in packages}
    parts = (
        _opened("cpu_energy", [_package_sensor(zone, apart=zone.name in with_memory) for zone in packages], entries),
        _some_memory(len(with_memory), packages)
        or _opened("dram_energy", [_memory_sensor(zone) for zone in memories], entries),
        _opened("other_energy", [_platform_sensor(zone) for zone in platforms], entries),
    )
    return SensorSet(
        sensors=tuple(sensor for part in parts for sensor in part.sensors),
        absences=tuple(absence for part in parts for absence in part.absences if absence.quantity != "other_energy"),
    )


def energy_files(system_root: Path) -> list[Path]:
    """The file of every RAPL counter, of parts that are not read too."""
    return [entry / "energy_uj" for entry in _entries(system_root)]


def _entries(system_root: Path) -> list[Path]:
    return [entry for entry in entries_of(system_root / "sys" / "class" / "powercap") if _ENTRY.fullmatch(entry.name)]


def _zones(entries: list[Path]) -> Iterator[Zone]:
    for entry in entries:
        name = text_of(entry / "name")
        found = _ENTRY.fullmatch(entry.name)
        if not name or found is None:
            continue
        package = None
        if found["part"] is not None:
            parent = entry.parent / f"{found['control']}:{found['zone']}"
            package = text_of(parent / "name") or parent.name
        yield Zone(path=entry, name=name, package=package)


def _once(zones: list[Zone]) -> list[Zone]:
    """Of several interfaces to one zone the one that can be read, and of those the plainest."""
    chosen: dict[tuple[str | None, str], Zone] = {}
    for zone in sorted(zones, key=lambda zone: (not _readable(zone.energy), len(zone.path.name))):
        chosen.setdefault((zone.package, zone.name), zone)
    return sorted(chosen.values(), key=lambda zone: zone.path.name)


def _opened(quantity: Quantity, sensors: list[SysfsSensor | None], entries: list[Path]) -> SensorSet:
    if not sensors:
        return SensorSet(absences=(_nothing(quantity, entries),))
    good: list[Sensor] = []
    for sensor in sensors:
        if sensor is None:
            reason = "the RAPL counter wraps too fast to be followed"
            return SensorSet(absences=(Absence(quantity=quantity, source=SOURCE, reason=reason),))
        try:
            sensor.read()
        except SensorReadError as error:
            if is_for_ever(error):
                return SensorSet(absences=(_unreadable(quantity, error),))
        good.append(sensor)
    return SensorSet(sensors=tuple(good))


def _some_memory(count: int, packages: list[Zone]) -> SensorSet | None:
    """The absence where a part of the packages alone has a memory zone; ``None`` for all and for none."""
    if count in {0, len(packages)}:
        return None
    reason = f"RAPL counts the memory of {count} of {len(packages)} processor packages only"
    return SensorSet(absences=(Absence(quantity="dram_energy", source=SOURCE, reason=reason),))


def _nothing(quantity: Quantity, entries: list[Path]) -> Absence:
    if not entries:
        reason = "no RAPL energy counter on this machine"
    elif all(text_of(entry / "name") is None for entry in entries):
        # What containers put over the folder leaves the entries and takes away what they point to.
        reason = "RAPL is hidden here, as containers hide it"
    else:
        what = "memory" if quantity == "dram_energy" else "processor package"
        reason = f"RAPL has no {what} counter on this machine"
    return Absence(quantity=quantity, source=SOURCE, reason=reason)


def _unreadable(quantity: Quantity, error: SensorReadError) -> Absence:
    if isinstance(error.__cause__, PermissionError):
        return Absence(quantity=quantity, source=SOURCE, reason=ROOT_ONLY, cure=_CURE)
    return Absence(quantity=quantity, source=SOURCE, reason=f"RAPL is here and cannot be used: {error}")


def _readable(energy: Path) -> bool:
    try:
        integer_of(energy)
    except SensorReadError as error:
        return not is_for_ever(error)
    return True


def _package_sensor(zone: Zone, *, apart: bool) -> SysfsSensor | None:
    # Where memory has a zone of its own it is not in the package's; elsewhere nobody documents it.
    scope = Scope(cpu="yes", host_dram="no" if apart else "unknown", regulators="unknown")
    return _sensor(zone, "cpu_energy", f"{SOURCE}:{zone.name}", scope, _socket(zone.name))


def _memory_sensor(zone: Zone) -> SysfsSensor | None:
    scope = Scope(host_dram="yes", regulators="unknown")
    package = zone.package or ""
    return _sensor(zone, "dram_energy", f"{SOURCE}:{package}:dram", scope, f"memory of {_socket(package)}")


def _platform_sensor(zone: Zone) -> SysfsSensor | None:
    # What a platform is each maker decides; that it holds the packages is all that is documented.
    scope = Scope(
        gpu_core="unknown",
        gpu_memory="unknown",
        cpu="yes",
        host_dram="unknown",
        network="unknown",
        regulators="unknown",
        supply_loss="unknown",
    )
    covers = f"platform ({zone.name}), processor included"
    return _sensor(zone, "other_energy", f"{SOURCE}:{zone.name}", scope, covers)


def _sensor(zone: Zone, quantity: Quantity, source: str, scope: Scope, covers: str) -> SysfsSensor | None:
    """``None`` where the counter turns over faster than it can be read."""
    wraps_at = _range_joules(zone)
    turn_seconds = wraps_at / HIGHEST_ZONE_WATTS if wraps_at is not None else None
    longest = turn_seconds / _READINGS_PER_TURN if turn_seconds is not None else None
    if longest is not None and longest < _SHORTEST_INTERVAL_SECONDS:
        return None
    spec = SensorSpec(
        quantity=quantity,
        source=source,
        kind="counter",
        unit="joules",
        scope=scope,
        covers=covers,
        interval_seconds=min(_INTERVAL_SECONDS, longest or _INTERVAL_SECONDS),
        refresh_seconds=_REFRESH_SECONDS,
        wraps_at=wraps_at,
        longest_interval_seconds=longest,
    )
    return SysfsSensor(zone.energy, spec, highest=math.inf if wraps_at is None else wraps_at)


def _range_joules(zone: Zone) -> float | None:
    try:
        microjoules = integer_of(zone.path / "max_energy_range_uj")
    except SensorReadError:
        return None
    return microjoules * JOULES_PER_MICROJOULE if microjoules > 0 else None


def _socket(package: str) -> str:
    found = _PACKAGE.fullmatch(package)
    if found is None:
        return f"processor ({package})"
    die = f", die {found['die']}" if found["die"] is not None else ""
    return f"processor socket {found['socket']}{die}"
