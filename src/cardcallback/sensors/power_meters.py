"""ACPI power meters: of Grace processors, of whole servers, and of parts that their firmware leaves unnamed.

Files: the kernel's Documentation/hwmon/acpi_power_meter. Which parts a meter measures its firmware tells in the folder
``measures`` (of a whole system the system bus) or only in the free text ``power1_oem_info``; what that text means on
Grace machines is on Alumet's page on Grace Hopper.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cardcallback.record import UNKNOWN_SCOPE, InstrumentAccuracy, Scope
from cardcallback.sensors.base import NOT_PUBLISHED, Quantity, Sensor, SensorSet, SensorSpec
from cardcallback.sensors.hwmon import POWER_INTERVAL_SECONDS, absent, chips, opened, window_seconds
from cardcallback.sensors.sysfs import SysfsSensor, entries_of, text_of

_CHIP = "power_meter"
_SOURCE = f"hwmon:{_CHIP}"
# The highest limit seen of a module is 2,900 W (GB300), and no server's supplies give this much: beyond it no reading.
_ABSURD_MODULE_WATTS, _ABSURD_SYSTEM_WATTS = 3000.0, 50_000.0
_READINGS = ("power1_average", "power1_input")
_SYSTEM_BUS = "LNXSYBUS:"
_GRACE_LABEL = re.compile(r"(?P<part>module|grace|cpu|sysio) power(?: socket (?P<socket>\d+))?", re.IGNORECASE)
# A firmware's free text may hold anything: it is told where it reads as words, so that no number of a machine is.
_PLAIN_WORDS = re.compile(r"(?=.{1,40}$)[A-Za-z][A-Za-z().&/-]*( ([A-Za-z(][A-Za-z().&/-]*|\d{1,2}))*")
_ACCURACY = re.compile(r"(?P<percent>\d{2}(\.\d{1,3})?)%")
_GRACE = Scope(cpu="yes", host_dram="unknown", regulators="unknown")
# The meter's name is the same on a module that has no GPU (Grace CPU Superchip).
_MODULE = Scope(gpu_core="unknown", gpu_memory="unknown", cpu="yes", host_dram="unknown", regulators="unknown")
_GPU_MODULE = Scope(gpu_core="yes", gpu_memory="yes", cpu="yes", host_dram="unknown", regulators="unknown")
_MODULE_SOURCE = f"{_SOURCE}:module:"
# What is on the system bus; on which side of regulators and supplies it is metered nobody says.
_SYSTEM = Scope(
    gpu_core="yes",
    gpu_memory="yes",
    cpu="yes",
    host_dram="yes",
    network="yes",
    regulators="unknown",
    supply_loss="unknown",
)
_SYSTEM_WORDS = "whole system, as its firmware says"
_SEVERAL = (
    "{count} ACPI power meters each say that they measure the whole system, and whether they are to be added is not "
    "documented"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Meter:
    """One meter: its reading, the firmware's words about it, and whether it says to measure the whole system."""

    path: Path
    label: str
    of_system: bool
    averaging_seconds: float | None
    accuracy: InstrumentAccuracy


def open_power_meters(system_root: Path) -> SensorSet:
    """A sensor for each meter; the rails of a Grace processor, which it holds already, are left out.

    Args:
        system_root: the folder that holds ``sys``.
    """
    meters = list(_meters(system_root))
    grace = [meter for meter in meters if _GRACE_LABEL.fullmatch(meter.label)]
    of_system = [meter for meter in meters if meter.of_system and meter not in grace]
    others = [meter for meter in meters if meter not in grace and meter not in of_system]
    return _open_grace(grace).with_others(_open_systems(of_system)).with_others(_open_others(others))


def with_gpu_on_module(sensor: Sensor) -> Sensor:
    """The meter of a Grace module told to hold a GPU too; any other sensor as it is."""
    if not isinstance(sensor, SysfsSensor) or not sensor.spec.source.startswith(_MODULE_SOURCE):
        return sensor
    covers = sensor.spec.covers.replace("processor included", "GPU and processor included")
    return sensor.told(replace(sensor.spec, scope=_GPU_MODULE, covers=covers))


def _meters(system_root: Path) -> Iterator[_Meter]:
    for folders in chips(system_root, _CHIP):
        files = [folder / name for folder in folders for name in _READINGS]
        path = next((file for file in files if file.exists()), None)
        if path is None or text_of(path.with_name("power1_is_battery")) == "1":
            continue
        measured = [entry.name for folder in folders for entry in entries_of(folder / "measures")]
        yield _Meter(
            path=path,
            label=text_of(path.with_name("power1_oem_info")) or "",
            of_system=any(name.startswith(_SYSTEM_BUS) for name in measured),
            averaging_seconds=window_seconds(path.with_name("power1_average_interval")),
            accuracy=_accuracy(text_of(path.with_name("power1_accuracy")) or ""),
        )


def _accuracy(text: str) -> InstrumentAccuracy:
    found = _ACCURACY.fullmatch(text)
    if found is None:
        return NOT_PUBLISHED
    return InstrumentAccuracy(
        statement=f"{found['percent']} % accurate, as the meter's firmware says",
        relative=round(1 - float(found["percent"]) / 100, 6),
    )


def _open_grace(meters: Sequence[_Meter]) -> SensorSet:
    """Each socket's processor, and its module beside it."""
    found: dict[str, dict[str, _Meter]] = {}
    for meter in meters:
        named = _GRACE_LABEL.fullmatch(meter.label)
        if named is not None:
            found.setdefault(named["socket"] or "0", {})[named["part"].lower()] = meter
    modules = [
        _sensor(parts["module"], "other_power", f"module:{socket}", f"module socket {socket}, processor included")
        for socket, parts in found.items()
        if "module" in parts
    ]
    if not all("grace" in parts for parts in found.values()):
        return opened(modules).with_others(
            absent("cpu_power", "the ACPI power meters here show no Grace processor whole")
        )
    processors = [
        _sensor(parts["grace"], "cpu_power", f"grace:{socket}", f"Grace processor socket {socket}")
        for socket, parts in found.items()
    ]
    return opened([*processors, *modules])


def _open_systems(meters: Sequence[_Meter]) -> SensorSet:
    if len(meters) == 1:
        return opened([_sensor(meters[0], "system_power", "system", _SYSTEM_WORDS)])
    sensors = [
        _sensor(meter, "other_power", f"system:{number}", f"{_SYSTEM_WORDS} (meter {number} of {len(meters)})")
        for number, meter in enumerate(meters, 1)
    ]
    several = absent("system_power", _SEVERAL.format(count=len(meters))) if meters else SensorSet()
    return opened(sensors).with_others(several)


def _open_others(meters: Sequence[_Meter]) -> SensorSet:
    """Those of which nobody documents what they measure: by their firmware's words, and added to nothing."""
    labels = [meter.label if _PLAIN_WORDS.fullmatch(meter.label) else "not named" for meter in meters]
    alike, used = Counter(labels), Counter[str]()
    sensors = []
    for number, (meter, label) in enumerate(zip(meters, labels, strict=True), 1):
        used[label] += 1
        name = label if alike[label] == 1 else f"{label}, {used[label]} of {alike[label]}"
        sensors.append(_sensor(meter, "other_power", f"other:{number}", f"ACPI power meter ({name})"))
    return opened(sensors)


_SCOPES = {"module": _MODULE, "grace": _GRACE, "system": _SYSTEM, "other": UNKNOWN_SCOPE}


def _sensor(meter: _Meter, quantity: Quantity, name: str, covers: str) -> SysfsSensor:
    part = name.partition(":")[0]
    spec = SensorSpec(
        quantity=quantity,
        source=f"{_SOURCE}:{name}",
        kind="gauge",
        unit="watts",
        scope=_SCOPES[part],
        covers=covers,
        interval_seconds=max(meter.averaging_seconds or 0.0, POWER_INTERVAL_SECONDS),
        averaging_seconds=meter.averaging_seconds,
        refresh_seconds=meter.averaging_seconds,
        accuracy=meter.accuracy,
    )
    highest = _ABSURD_MODULE_WATTS if part in {"module", "grace"} else _ABSURD_SYSTEM_WATTS
    return SysfsSensor(meter.path, spec, highest=highest)
