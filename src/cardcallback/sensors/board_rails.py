"""Power of NVIDIA's Jetson modules by the INA3221 monitors on them, since their GPU's driver tells no power.

Files: the kernel's Documentation/hwmon/ina3221 and ina238 (JetPack 5 and newer), and NVIDIA's own iio driver before
them. Which rail feeds which: NVIDIA's Jetson Linux developer guides, the modules' device trees (tegra234-p3701 and
-p3767), the AGX Xavier design guide (section 5.6.2), and energymon's JetsonPowerRails.md for the older ones. No rail
is added to one that feeds it: VDDQ_VDD2_1V8AO of an AGX Orin is in its VIN_SYS_5V0, and all of them in a VDD_IN.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from cardcallback.errors import SensorReadError
from cardcallback.record import Scope
from cardcallback.sensors.base import DeviceInfo, SensorSet, SensorSpec
from cardcallback.sensors.hwmon import POWER_INTERVAL_SECONDS, chips, opened, window_seconds
from cardcallback.sensors.sysfs import SysfsSensor, entries_of, integer_of, text_of
from cardcallback.units import WATTS_PER_MICROWATT

_CHIP, _IIO_CHIP, _INPUT_CHIP = "ina3221", "ina3221x", "ina238"
# No Jetson's supply gives as much: beyond it no reading.
_ABSURD_WATTS = 1000.0
# By how much a rail without a current may show less than nothing: two steps of the converter at 20 V.
_OFFSET_WATTS = 1.0
_STEP_MICROVOLTS = 40.0
_MILLI = 1e-3
_FILES = (
    (re.compile(r"in([1-3])_label"), "in{}_input", "curr{}_input"),
    (re.compile(r"rail_name_([0-2])"), "in_voltage{}_input", "in_current{}_input"),
)
_TEGRA = re.compile(r"nvidia,(tegra\d+)")
_NAMES = {"tegra194": "NVIDIA Xavier", "tegra234": "NVIDIA Orin", "tegra264": "NVIDIA Thor"}
_UNNAMED = "NVIDIA Jetson"
_MODULE = Scope(gpu_core="yes", gpu_memory="yes", cpu="yes", host_dram="yes", network="unknown", regulators="unknown")
# What an input rail feeds has every regulator behind it.
_AT_INPUT = msgspec.structs.replace(_MODULE, regulators="yes")
_GPU = Scope(gpu_core="yes", regulators="unknown")
_GPU_AND_CPU = Scope(gpu_core="yes", cpu="yes", regulators="unknown")
_GPU_AND_CHIP = Scope(gpu_core="yes", cpu="unknown", regulators="unknown")
_SCOPE_NOTE = "The energy is the whole module's: GPU, processor and memory together, by its {rails}."


@dataclass(frozen=True, kw_only=True, slots=True)
class _Layout:
    """The rails of one kind of module: those that are all it draws, and the narrowest one that holds the GPU."""

    module: tuple[str, ...]
    narrow: str
    scope: Scope = _GPU
    holds: str = "GPU"

    @property
    def labels(self) -> frozenset[str]:
        """What tells it from the others."""
        return frozenset({*self.module, self.narrow})

    @property
    def module_words(self) -> str:
        """Its rails, as in "rails A and B"."""
        return f"{'rail' if len(self.module) == 1 else 'rails'} {' + '.join(self.module)}"


_LAYOUTS = (
    # Orin NX, Orin Nano and Xavier NX; AGX Orin; AGX Thor; AGX Xavier; TX2; Nano.
    _Layout(
        module=("VDD_IN",), narrow="VDD_CPU_GPU_CV", scope=_GPU_AND_CPU, holds="CPU, GPU and accelerators for vision"
    ),
    _Layout(
        module=("VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0"),
        narrow="VDD_GPU_SOC",
        scope=_GPU_AND_CHIP,
        holds="GPU and other parts of its chip",
    ),
    _Layout(module=("VDD_GPU", "VDD_CPU_SOC_MSS", "VIN_SYS_5V0"), narrow="VDD_GPU"),
    _Layout(module=("GPU", "CPU", "SOC", "CV", "VDDRQ", "SYS5V"), narrow="GPU"),
    _Layout(module=("VDD_IN",), narrow="VDD_SYS_GPU"),
    _Layout(module=("POM_5V_IN",), narrow="POM_5V_GPU"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Rail:
    """One monitored rail: its files, and how its chip sees time."""

    millivolts: Path
    milliamperes: Path
    shunt_microohms: Path
    averages: bool
    refresh_seconds: float | None

    def watts(self) -> float:
        """What flows now, below zero by as much as the converter is off.

        Raises:
            SensorReadError: voltage or current cannot be read.
        """
        return integer_of(self.millivolts) * integer_of(self.milliamperes) * WATTS_PER_MICROWATT

    def step_watts(self) -> float | None:
        """By how much the converter's smallest step moves it, where its resistor is told."""
        try:
            return _STEP_MICROVOLTS / integer_of(self.shunt_microohms) * integer_of(self.millivolts) * _MILLI
        except (SensorReadError, ZeroDivisionError):
            return None


class RailsSensor:
    """The power of one rail, or the sum of several."""

    def __init__(self, spec: SensorSpec, rails: Sequence[_Rail]) -> None:
        self._spec = spec
        self._rails = tuple(rails)

    @property
    def spec(self) -> SensorSpec:
        """What this sensor reads."""
        return self._spec

    def told(self, spec: SensorSpec) -> RailsSensor:
        """The same sensor by another spec."""
        return RailsSensor(spec, self._rails)

    def read(self) -> float:
        """Watts now.

        Raises:
            SensorReadError: a rail cannot be read now, or their sum cannot be true.
        """
        watts = sum(rail.watts() for rail in self._rails)
        if not -_OFFSET_WATTS <= watts <= _ABSURD_WATTS:
            msg = f"{self._spec.source} shows what cannot be: {watts:g} watts"
            raise SensorReadError(msg)
        return max(watts, 0.0)


def with_board_power(gpus: SensorSet, system_root: Path) -> SensorSet:
    """The GPUs with the power of a Jetson's rails, where the driver of its GPU tells none.

    The GPU's figure is that of its own rail, else of its whole module; what else is read stands beside it.

    Args:
        gpus: what the driver gives.
        system_root: the folder that holds ``sys``.
    """
    rails = _rails(system_root)
    layout = next((one for one in _LAYOUTS if one.labels <= rails.keys()), None)
    if layout is None or gpus.not_ready:
        return gpus
    module, narrow = _module_sensor(layout, rails), _narrow_sensor(layout, rails)
    figure, beside = (narrow, module) if layout.scope == _GPU else (module, narrow)
    device = _without_power(gpus, system_root)
    if device is None:
        return gpus.with_others(opened([figure, beside, *_input_sensor(system_root)]))
    covers = device.name
    if figure is module:
        note = _SCOPE_NOTE.format(rails=layout.module_words)
        device = replace(device, module=f"module {device.index}", energy_scope_note=note)
        covers = f"{device.name} module (GPU, processor and memory)"
    told = replace(figure.spec, quantity="gpu_power", device=device.index, covers=covers)
    board = opened([figure.told(told), beside, *_input_sensor(system_root)])
    return _with_figure(gpus, board, device)


def _with_figure(gpus: SensorSet, board: SensorSet, device: DeviceInfo) -> SensorSet:
    """Both as one, in which the device has the board's figure or the board's reason."""
    reasons = tuple(replace(one, device=device.index) for one in board.absences if one.quantity == "gpu_power")
    of_others = tuple(one for one in board.absences if one.quantity != "gpu_power")
    board = replace(board, absences=of_others)
    if reasons:
        return replace(gpus, absences=(*reasons, *gpus.absences)).with_others(board)
    here = {None, device.index}
    absences = tuple(one for one in gpus.absences if one.quantity != "gpu_power" or one.device not in here)
    devices = tuple(device if one.index == device.index else one for one in gpus.devices) or (device,)
    return replace(gpus, devices=devices, absences=absences).with_others(board)


def _without_power(gpus: SensorSet, system_root: Path) -> DeviceInfo | None:
    """The one device that shares the machine's memory and tells no energy; the module's GPU where none is listed."""
    if not gpus.devices:
        return DeviceInfo(index=0, name=_name(system_root), unified_memory=True)
    measured = {one.spec.device for one in gpus.sensors if one.spec.quantity in {"gpu_energy", "gpu_power"}}
    found = [one for one in gpus.devices if one.unified_memory and one.index not in measured]
    return found[0] if len(found) == 1 else None


def _name(system_root: Path) -> str:
    compatible = text_of(system_root / "sys" / "firmware" / "devicetree" / "base" / "compatible") or ""
    found = _TEGRA.search(compatible)
    return _NAMES.get(found[1], _UNNAMED) if found is not None else _UNNAMED


def _rails(system_root: Path) -> dict[str, _Rail]:
    """Each rail that is monitored, by its label."""
    found: dict[str, _Rail] = {}
    for folder in _folders(system_root):
        averages = text_of(folder / "samples") not in {None, "1"}
        refresh_seconds = window_seconds(folder / "update_interval")
        for path in entries_of(folder):
            for pattern, volts, amperes in _FILES:
                named = pattern.fullmatch(path.name)
                label = text_of(path) if named is not None else None
                if named is not None and label:
                    rail = _Rail(
                        millivolts=folder / volts.format(named[1]),
                        milliamperes=folder / amperes.format(named[1]),
                        shunt_microohms=folder / f"shunt{named[1]}_resistor",
                        averages=averages,
                        refresh_seconds=refresh_seconds,
                    )
                    found.setdefault(label, rail)
    return found


def _folders(system_root: Path) -> Iterator[Path]:
    for folders in chips(system_root, _CHIP):
        yield from folders
    for folder in entries_of(system_root / "sys" / "bus" / "iio" / "devices"):
        if text_of(folder / "name") == _IIO_CHIP:
            yield folder


def _module_sensor(layout: _Layout, rails: Mapping[str, _Rail]) -> RailsSensor:
    scope = _AT_INPUT if len(layout.module) == 1 else _MODULE
    return _sensor("module", f"whole module ({layout.module_words})", scope, [rails[one] for one in layout.module])


def _narrow_sensor(layout: _Layout, rails: Mapping[str, _Rail]) -> RailsSensor:
    return _sensor(layout.narrow, f"rail {layout.narrow} ({layout.holds})", layout.scope, [rails[layout.narrow]])


def _sensor(name: str, covers: str, scope: Scope, rails: Sequence[_Rail]) -> RailsSensor:
    turns, steps = [rail.refresh_seconds for rail in rails], [rail.step_watts() for rail in rails]
    refresh_seconds = None if None in turns else max(one for one in turns if one is not None)
    # A chip that takes one sample of each turn looks at a small part of it.
    averaging_seconds = refresh_seconds if all(rail.averages for rail in rails) else None
    spec = SensorSpec(
        quantity="other_power",
        source=f"hwmon:{_CHIP}:{name}",
        kind="gauge",
        unit="watts",
        scope=scope,
        covers=covers,
        interval_seconds=max(averaging_seconds or 0.0, POWER_INTERVAL_SECONDS),
        averaging_seconds=averaging_seconds,
        refresh_seconds=refresh_seconds,
        resolution=None if None in steps else sum(one for one in steps if one is not None),
    )
    return RailsSensor(spec, rails)


def _input_sensor(system_root: Path) -> list[SysfsSensor]:
    """The monitor at a Thor carrier board's input, which feeds the board and the module on it."""
    found = [folder / "power1_input" for folders in chips(system_root, _INPUT_CHIP) for folder in folders]
    inputs = [path for path in found if path.exists() and text_of(path.with_name("label")) in {None, "VIN"}]
    if len(inputs) != 1:
        return []
    spec = SensorSpec(
        quantity="system_power",
        source=f"hwmon:{_INPUT_CHIP}:VIN",
        kind="gauge",
        unit="watts",
        scope=_AT_INPUT,
        covers="whole machine behind its power supply: module and carrier board",
        interval_seconds=POWER_INTERVAL_SECONDS,
    )
    return [SysfsSensor(inputs[0], spec, highest=_ABSURD_WATTS)]
