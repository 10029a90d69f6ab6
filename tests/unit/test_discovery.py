"""All sensors of a machine in one set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cardcallback.errors import CardCallbackError, SensorReadError
from cardcallback.record import Scope
from cardcallback.recorder import BackgroundOpening
from cardcallback.sensors import Absence, DeviceInfo, SensorSet, SensorSpec
from cardcallback.sensors.discovery import OtherProcessesSensor, joined, open_sensors, sensor_parts
from cardcallback.sensors.machine import open_machine_energy
from cardcallback.testing import FakeClock, FakeSensor

PLUG = FakeSensor(
    SensorSpec(
        quantity="system_power",
        source="plug",
        kind="gauge",
        unit="watts",
        scope=Scope(supply_loss="yes"),
        covers="all",
        interval_seconds=1.0,
    ),
    100.0,
)


class EntryPoint:
    """What importlib.metadata gives for one plugin."""

    name = "plug"

    def __init__(self, opener: Callable[[], object]) -> None:
        self._opener = opener

    def load(self) -> Callable[[], object]:
        """The callable behind the entry point."""
        return self._opener


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A system with memory and nothing else."""
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "meminfo").write_text("MemTotal: 100 kB\nMemAvailable: 60 kB\n")
    return tmp_path


def opened(root: Path, gpus: SensorSet | None = None, *openers: Callable[[], object]) -> SensorSet:
    """The set for given GPUs and plugins."""
    plugins = [EntryPoint(opener) for opener in openers]
    return open_sensors(system_root=root, environ={}, open_gpus=lambda _: gpus or SensorSet(), plugins=plugins)


def test_parts_are_joined(root: Path) -> None:
    """GPUs, memory, process, torch and plugins; what the GPUs said of themselves stays."""
    gpus = SensorSet(
        devices=(DeviceInfo(index=0, name="NVIDIA GB10"),),
        absences=(Absence(quantity="gpu_temperature", source="nvml", reason="none"),),
        driver_version="580",
        simulated=True,
    )
    sensors = opened(root, gpus, lambda: [PLUG])
    assert {one.spec.quantity for one in sensors.sensors} == {
        "gpu_other_processes",
        "system_memory",
        "system_memory_total",
        "process_rss",
        "torch_allocated",
        "torch_reserved",
        "torch_allocated_now",
        "torch_reserved_now",
        "torch_devices",
        "system_power",
    }
    assert (sensors.driver_version, sensors.simulated) == ("580", True)
    assert sensors.absence("gpu_temperature") is not None


@pytest.mark.parametrize(
    ("devices", "covered"),
    [
        ((), "no"),
        ((DeviceInfo(index=0, name="NVIDIA GB10", unified_memory=True),), "yes"),
        ((DeviceInfo(index=0, name="NVIDIA H100", unified_memory=False),), "no"),
        ((DeviceInfo(index=0, name="NVIDIA H100 MIG"),), "unknown"),
    ],
)
def test_unified_memory_is_in_the_scope(root: Path, devices: tuple[DeviceInfo, ...], covered: str) -> None:
    """Whether the GPU's memory is the machine's is the driver's word, and unknown where it says nothing."""
    memory = next(one for one in opened(root, SensorSet(devices=devices)).sensors if one.spec.unit == "bytes")
    assert memory.spec.scope.gpu_memory == covered


def test_memory_is_told_anew_when_the_gpus_open(root: Path) -> None:
    """While the driver has not answered nobody knows whose memory it is; a GPU that shares it then says so."""
    gpus, machine, _ = sensor_parts(
        system_root=root,
        environ={},
        open_gpus=lambda _: SensorSet(devices=(DeviceInfo(index=0, name="NVIDIA GB10", unified_memory=True),)),
        plugins=(),
    )
    pending = BackgroundOpening(SensorSet, FakeClock(), quantities=gpus.quantities).pending()
    opened = machine.open()
    before, after = joined([pending, opened]), joined([gpus.open(), opened])
    told = [next(s.spec for s in one.sensors if s.spec.quantity == "system_memory") for one in (before, after)]
    assert [spec.scope.gpu_memory for spec in told] == ["unknown", "yes"]
    assert "GPU memory included" in told[1].covers
    assert not set(gpus.quantities) & set(machine.quantities)


def _broken() -> object:
    msg = "x"
    raise OSError(msg)


def _unmendable() -> object:
    msg = "the plug has no address: set PLUG_ADDRESS"
    raise CardCallbackError(msg)


@pytest.mark.parametrize(("name", "holds"), [("NVIDIA GH200 480GB", "yes"), ("NVIDIA H100 PCIe", "unknown")])
def test_a_modules_meter_holds_a_gpu_where_one_is_on_it(name: str, holds: str) -> None:
    """A Grace CPU Superchip shows a meter of the same name, and a GPU in a slot of its machine is not on the module."""
    gpus = SensorSet(devices=(DeviceInfo(index=0, name=name),))
    meters = joined([gpus, open_machine_energy(Path(__file__).parents[1] / "fixtures" / "gh200")])
    (module,) = [one.spec for one in meters.sensors if one.spec.quantity == "other_power"]
    assert (module.scope.gpu_core, module.scope.gpu_memory, module.scope.cpu) == (holds, holds, "yes")
    assert ("GPU" in module.covers) == (holds == "yes")


@pytest.mark.parametrize(
    ("opener", "note"), [(_broken, "OSError"), (_unmendable, "set PLUG_ADDRESS"), (lambda: [1, PLUG], "gave 1 things")]
)
def test_broken_plugin_leaves_a_note(root: Path, opener: Callable[[], object], note: str) -> None:
    """A plugin that fails, or gives something else, is named; the rest opens."""
    sensors = opened(root, None, opener)
    assert any(note in one for one in sensors.notes)
    assert any(one.spec.quantity == "system_memory" for one in sensors.sensors)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"source": None}, "source is not a text"),
        ({"averaging_seconds": -1}, "averaging_seconds is not a number from 0 on"),
        ({"interval_seconds": float("nan")}, "interval_seconds is not a positive number"),
        ({"interval_seconds": float("inf")}, "interval_seconds is not a positive number"),
        ({"interval_seconds": 0}, "interval_seconds is not a positive number"),
        ({"interval_seconds": None}, "interval_seconds is not a positive number"),
        ({"wraps_at": "x"}, "wraps_at is not a positive number"),
        ({"quantity": ["system_power"]}, "quantity is not a known one"),
        ({"unit": "kilowatts"}, "unit is not a known one"),
        ({"unit": "joules"}, "system_power is measured in watts"),
        ({"kind": "counter"}, "system_power is a gauge"),
        ({"scope": "all"}, "scope is not a Scope"),
        ({"accuracy": None}, "accuracy is not an InstrumentAccuracy"),
        ({"device": -1}, "device is not a place"),
    ],
)
def test_a_plugins_impossible_spec_is_refused(root: Path, wrong: dict[str, object], reason: str) -> None:
    """One sentence with the plugin and the reason; its good sensor and all others open."""
    bad = FakeSensor(replace(PLUG.spec, **wrong), 1.0)
    sensors = opened(root, None, lambda: [PLUG, bad])
    (note,) = [one for one in sensors.notes if "The plugin plug gave 1 things" in one]
    assert reason in note
    assert bad not in sensors.sensors
    assert {PLUG.spec.quantity, "system_memory"} <= {one.spec.quantity for one in sensors.sensors}


def test_other_processes_are_counted_or_unknown() -> None:
    """A driver that does not tell is a failed reading, not zero."""
    assert OtherProcessesSensor(0, lambda _: 3).read() == 3.0
    with pytest.raises(SensorReadError):
        OtherProcessesSensor(0, lambda _: None).read()
