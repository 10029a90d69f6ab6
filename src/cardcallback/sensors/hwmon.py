"""Power and energy from the kernel's hwmon class, found by chip name and label, never by number.

``spbm`` is the community driver for the firmware's sensors of a DGX Spark (antheas/spark_hwmon, 0.3.0): power in
microwatts, energy in microjoules from a register of 32 bits in millijoules, channels hidden that it could not
resolve. ``power_meter`` is the kernel's driver for ACPI power meters (Documentation/hwmon/acpi_power_meter),
through which Grace processors show the power of module, processor and rails (Alumet's page on Grace Hopper).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from cardcallback.errors import SensorReadError
from cardcallback.record import Scope
from cardcallback.sensors.base import Absence, Quantity, Sensor, SensorSet, SensorSpec
from cardcallback.sensors.sysfs import SysfsSensor, entries_of, integer_of, is_for_ever, text_of
from cardcallback.units import SECONDS_PER_MILLISECOND

SPARK_CHIP = "spbm"
_METER_CHIP = "power_meter"
# A Spark's supply gives 240 W and the highest limit seen of a module is 2,900 W (GB300): beyond this no reading.
_ABSURD_WATTS = {SPARK_CHIP: 1000.0, _METER_CHIP: 3000.0}
_SPARK_WRAPS_AT_JOULES = 4_294_967.295
# The counters were seen to step every 10.3 ms; the power readings swing with a loop of 100 ms in the firmware.
_SPARK_REFRESH_SECONDS = 0.0103
_COUNTER_INTERVAL_SECONDS = 1.0
_READINGS_PER_TURN = 4
# Often enough for a mean of readings at varying distances, and for one that fails to leave no gap; more would
# cost more of the processor than everything else that is read.
_POWER_INTERVAL_SECONDS = 0.2
_LABEL = re.compile(r"(?P<kind>power|energy)(?P<number>\d+)_(?:label|oem_info)")
_METER = re.compile(r"(?P<part>module|grace|cpu|sysio) power(?: socket (?P<socket>\d+))?", re.IGNORECASE)
# The driver's labels have no document of their maker: what they do not name is not known to be in them.
_SPARK_MACHINE = Scope(
    gpu_core="yes", gpu_memory="unknown", cpu="yes", host_dram="unknown", network="unknown", regulators="unknown"
)
_SPARK_PACKAGE = Scope(gpu_core="yes", gpu_memory="unknown", cpu="yes", host_dram="unknown", regulators="unknown")
_SPARK_GPU = Scope(gpu_core="yes", gpu_memory="unknown", regulators="unknown")
_SPARK_CPU = Scope(cpu="yes", regulators="unknown")
_GRACE = Scope(cpu="yes", host_dram="unknown", regulators="unknown")
# The meter's name is the same on a module that has no GPU (Grace CPU Superchip).
_MODULE = Scope(gpu_core="unknown", gpu_memory="unknown", cpu="yes", host_dram="unknown", regulators="unknown")
_GPU_MODULE = Scope(gpu_core="yes", gpu_memory="yes", cpu="yes", host_dram="unknown", regulators="unknown")
_MODULE_SOURCE = f"hwmon:{_METER_CHIP}:module:"
_SPARK_ENERGIES: tuple[tuple[str, Quantity, Scope, str], ...] = (
    ("cpu_p", "cpu_energy", _SPARK_CPU, "performance cores"),
    ("cpu_e", "cpu_energy", _SPARK_CPU, "efficiency cores"),
    ("pkg", "other_energy", _SPARK_PACKAGE, "chip package, GPU and CPU included"),
    ("gpu", "other_energy", _SPARK_GPU, "GPU by the firmware's own counter"),
)
_SPARK_POWER = SensorSpec(
    quantity="system_power",
    source=f"hwmon:{SPARK_CHIP}:sys_total",
    kind="gauge",
    unit="watts",
    scope=_SPARK_MACHINE,
    covers="whole machine behind its power supply",
    interval_seconds=_POWER_INTERVAL_SECONDS,
)
_ADDED_TO_NOTHING = ("other_energy", "other_power")
_NO_DRIVER = "the driver for the Spark's own power sensors is not installed"
_CURE = "install the community driver spark_hwmon (github.com/antheas/spark_hwmon) and load its module spbm"


def open_hwmon(system_root: Path) -> SensorSet:
    """The sensors of a Spark's firmware or of Grace processors, or why a Spark has none.

    Args:
        system_root: the folder that holds ``sys``.
    """
    spark = _channels(system_root, SPARK_CHIP)
    meters = _channels(system_root, _METER_CHIP)
    return _joined(_spark_power(spark, system_root), _spark_energies(spark), _grace(meters))


def with_gpu_on_module(sensor: Sensor) -> Sensor:
    """The meter of a module told to hold a GPU too; any other sensor as it is."""
    if not isinstance(sensor, SysfsSensor) or not sensor.spec.source.startswith(_MODULE_SOURCE):
        return sensor
    covers = sensor.spec.covers.replace("processor included", "GPU and processor included")
    return sensor.told(replace(sensor.spec, scope=_GPU_MODULE, covers=covers))


def is_spark(system_root: Path) -> bool:
    """Whether the firmware calls this machine a DGX Spark."""
    name = text_of(system_root / "sys" / "class" / "dmi" / "id" / "product_name") or ""
    return "DGX Spark" in name.replace("_", " ")


def _channels(system_root: Path, chip: str) -> dict[tuple[str, str], Path]:
    """The reading of each labelled channel of every chip of that name, by kind and label."""
    found: dict[tuple[str, str], Path] = {}
    for folder in _folders(system_root, chip):
        for path in entries_of(folder):
            named = _LABEL.fullmatch(path.name)
            label = text_of(path) if named is not None else None
            if named is None or not label:
                continue
            reading = "average" if chip == _METER_CHIP else "input"
            value = folder / f"{named['kind']}{named['number']}_{reading}"
            if value.exists():
                found.setdefault((named["kind"], label), value)
    return found


def _folders(system_root: Path, chip: str) -> Iterator[Path]:
    # Older kernels put a chip's files beside the class folder's "device" link instead of into the folder.
    for entry in entries_of(system_root / "sys" / "class" / "hwmon"):
        for folder in (entry, entry / "device"):
            if text_of(folder / "name") == chip:
                yield folder


def _spark_power(channels: dict[tuple[str, str], Path], system_root: Path) -> SensorSet:
    path = channels.get(("power", "sys_total"))
    if path is not None:
        return _opened([SysfsSensor(path, _SPARK_POWER, highest=_ABSURD_WATTS[SPARK_CHIP])])
    if channels:
        return _absent("system_power", "the driver spbm does not show sys_total on this machine")
    return _absent("system_power", _NO_DRIVER, _CURE) if is_spark(system_root) else SensorSet()


def _spark_energies(channels: dict[tuple[str, str], Path]) -> SensorSet:
    sensors = [
        SysfsSensor(
            channels["energy", label],
            _counter_spec(label, quantity, scope, covers),
            highest=_SPARK_WRAPS_AT_JOULES,
        )
        for label, quantity, scope, covers in _SPARK_ENERGIES
        if ("energy", label) in channels
    ]
    cpu = [sensor for sensor in sensors if sensor.spec.quantity == "cpu_energy"]
    if len(cpu) != 1:
        return _opened(sensors)
    # The energy of one kind of cores is not that of the processor.
    reason = f"the driver spbm shows only the {cpu[0].spec.covers} on this machine"
    return _joined(_opened([one for one in sensors if one not in cpu]), _absent("cpu_energy", reason))


def _counter_spec(label: str, quantity: Quantity, scope: Scope, covers: str) -> SensorSpec:
    return SensorSpec(
        quantity=quantity,
        source=f"hwmon:{SPARK_CHIP}:{label}",
        kind="counter",
        unit="joules",
        scope=scope,
        covers=covers,
        interval_seconds=_COUNTER_INTERVAL_SECONDS,
        refresh_seconds=_SPARK_REFRESH_SECONDS,
        wraps_at=_SPARK_WRAPS_AT_JOULES,
        longest_interval_seconds=_SPARK_WRAPS_AT_JOULES / _ABSURD_WATTS[SPARK_CHIP] / _READINGS_PER_TURN,
    )


def _grace(channels: dict[tuple[str, str], Path]) -> SensorSet:
    """Each socket's processor, and its module beside it; the rails that a processor holds are left out."""
    found: dict[str, dict[str, Path]] = {}
    for (_, label), path in channels.items():
        named = _METER.fullmatch(label)
        if named is not None:
            found.setdefault(named["socket"] or "0", {})[named["part"].lower()] = path
    modules = [_meter("module", socket, parts["module"]) for socket, parts in found.items() if "module" in parts]
    if not all("grace" in parts for parts in found.values()):
        reason = "the ACPI power meters here show no Grace processor whole"
        return _joined(_opened(modules), _absent("cpu_power", reason))
    processors = [_meter("grace", socket, parts["grace"]) for socket, parts in found.items()]
    return _opened([*processors, *modules])


def _meter(part: str, socket: str, path: Path) -> SysfsSensor:
    module = part == "module"
    averaging = _averaging_seconds(path)
    covers = f"module socket {socket}, processor included" if module else f"Grace processor socket {socket}"
    spec = SensorSpec(
        quantity="other_power" if module else "cpu_power",
        source=f"{_MODULE_SOURCE}{socket}" if module else f"hwmon:{_METER_CHIP}:{part}:{socket}",
        kind="gauge",
        unit="watts",
        scope=_MODULE if module else _GRACE,
        covers=covers,
        interval_seconds=max(averaging or 0.0, _POWER_INTERVAL_SECONDS),
        averaging_seconds=averaging,
        refresh_seconds=averaging,
    )
    return SysfsSensor(path, spec, highest=_ABSURD_WATTS[_METER_CHIP])


def _averaging_seconds(path: Path) -> float | None:
    try:
        milliseconds = integer_of(path.with_name(f"{path.name}_interval"))
    except SensorReadError:
        return None
    return milliseconds * SECONDS_PER_MILLISECOND if milliseconds > 0 else None


def _opened(sensors: Sequence[SysfsSensor]) -> SensorSet:
    """Those that can be read; of what is summed all or none, for a part of a sum is not the sum."""
    lost: dict[Quantity, str] = {}
    good: list[SysfsSensor] = []
    for sensor in sensors:
        try:
            sensor.read()
        except SensorReadError as error:
            if is_for_ever(error):
                lost.setdefault(sensor.spec.quantity, f"{sensor.spec.source} is here and cannot be used: {error}")
                continue
        good.append(sensor)
    summed = [quantity for quantity in lost if quantity not in _ADDED_TO_NOTHING]
    return SensorSet(
        sensors=tuple(sensor for sensor in good if sensor.spec.quantity not in summed),
        absences=tuple(Absence(quantity=quantity, source="hwmon", reason=lost[quantity]) for quantity in summed),
    )


def _absent(quantity: Quantity, reason: str, cure: str | None = None) -> SensorSet:
    return SensorSet(absences=(Absence(quantity=quantity, source="hwmon", reason=reason, cure=cure),))


def _joined(*parts: SensorSet) -> SensorSet:
    return SensorSet(
        sensors=tuple(sensor for part in parts for sensor in part.sensors),
        absences=tuple(absence for part in parts for absence in part.absences),
    )
