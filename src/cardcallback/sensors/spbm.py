"""The firmware's sensors of a DGX Spark through the community driver ``spbm`` (antheas/spark_hwmon, 0.3.0).

Power in microwatts, energy in microjoules from a register of 32 bits in millijoules; channels are hidden that the
driver could not resolve, so that they are found by label, never by number.
"""

from __future__ import annotations

import re
from pathlib import Path

from cardcallback.record import Scope
from cardcallback.sensors.base import Quantity, SensorSet, SensorSpec
from cardcallback.sensors.hwmon import POWER_INTERVAL_SECONDS, absent, chips, opened
from cardcallback.sensors.sysfs import SysfsSensor, entries_of, text_of

_CHIP = "spbm"
# A Spark's supply gives 240 W: beyond this no reading.
_ABSURD_WATTS = 1000.0
_WRAPS_AT_JOULES = 4_294_967.295
# The counters were seen to step every 10.3 ms; the power readings swing with a loop of 100 ms in the firmware.
_REFRESH_SECONDS = 0.0103
_COUNTER_INTERVAL_SECONDS = 1.0
_READINGS_PER_TURN = 4
_LABEL = re.compile(r"(?P<kind>power|energy)(?P<number>\d+)_label")
# The driver's labels have no document of their maker: what they do not name is not known to be in them.
_MACHINE = Scope(
    gpu_core="yes", gpu_memory="unknown", cpu="yes", host_dram="unknown", network="unknown", regulators="unknown"
)
_PACKAGE = Scope(gpu_core="yes", gpu_memory="unknown", cpu="yes", host_dram="unknown", regulators="unknown")
_GPU = Scope(gpu_core="yes", gpu_memory="unknown", regulators="unknown")
_CPU = Scope(cpu="yes", regulators="unknown")
_ENERGIES: tuple[tuple[str, Quantity, Scope, str], ...] = (
    ("cpu_p", "cpu_energy", _CPU, "performance cores"),
    ("cpu_e", "cpu_energy", _CPU, "efficiency cores"),
    ("pkg", "other_energy", _PACKAGE, "chip package, GPU and CPU included"),
    ("gpu", "other_energy", _GPU, "GPU by the firmware's own counter"),
)
_POWER = SensorSpec(
    quantity="system_power",
    source=f"hwmon:{_CHIP}:sys_total",
    kind="gauge",
    unit="watts",
    scope=_MACHINE,
    covers="whole machine behind its power supply",
    interval_seconds=POWER_INTERVAL_SECONDS,
)
_NO_DRIVER = "the driver for the Spark's own power sensors is not installed"
_CURE = "install the community driver spark_hwmon (github.com/antheas/spark_hwmon) and load its module spbm"

_Channels = dict[tuple[str, str], Path]


def open_spbm(system_root: Path) -> SensorSet:
    """The sensors of a Spark's firmware, or why a Spark has none; nothing on another machine.

    Args:
        system_root: the folder that holds ``sys``.
    """
    channels = _channels(system_root)
    return _power(channels, system_root).with_others(_energies(channels))


def is_spark(system_root: Path) -> bool:
    """Whether the firmware calls this machine a DGX Spark."""
    name = text_of(system_root / "sys" / "class" / "dmi" / "id" / "product_name") or ""
    return "DGX Spark" in name.replace("_", " ")


def _channels(system_root: Path) -> _Channels:
    """The reading of each labelled channel, by kind and label."""
    found: _Channels = {}
    for folders in chips(system_root, _CHIP):
        for path in (path for folder in folders for path in entries_of(folder)):
            named = _LABEL.fullmatch(path.name)
            label = text_of(path) if named is not None else None
            if named is None or not label:
                continue
            value = path.with_name(f"{named['kind']}{named['number']}_input")
            if value.exists():
                found.setdefault((named["kind"], label), value)
    return found


def _power(channels: _Channels, system_root: Path) -> SensorSet:
    path = channels.get(("power", "sys_total"))
    if path is not None:
        return opened([SysfsSensor(path, _POWER, highest=_ABSURD_WATTS)])
    if channels:
        return absent("system_power", "the driver spbm does not show sys_total on this machine")
    return absent("system_power", _NO_DRIVER, _CURE) if is_spark(system_root) else SensorSet()


def _energies(channels: _Channels) -> SensorSet:
    sensors = [
        SysfsSensor(channels["energy", label], _counter_spec(label, quantity, scope, covers), highest=_WRAPS_AT_JOULES)
        for label, quantity, scope, covers in _ENERGIES
        if ("energy", label) in channels
    ]
    cpu = [sensor for sensor in sensors if sensor.spec.quantity == "cpu_energy"]
    if len(cpu) != 1:
        return opened(sensors)
    # The energy of one kind of cores is not that of the processor.
    reason = f"the driver spbm shows only the {cpu[0].spec.covers} on this machine"
    return opened([one for one in sensors if one not in cpu]).with_others(absent("cpu_energy", reason))


def _counter_spec(label: str, quantity: Quantity, scope: Scope, covers: str) -> SensorSpec:
    return SensorSpec(
        quantity=quantity,
        source=f"hwmon:{_CHIP}:{label}",
        kind="counter",
        unit="joules",
        scope=scope,
        covers=covers,
        interval_seconds=_COUNTER_INTERVAL_SECONDS,
        refresh_seconds=_REFRESH_SECONDS,
        wraps_at=_WRAPS_AT_JOULES,
        longest_interval_seconds=_WRAPS_AT_JOULES / _ABSURD_WATTS / _READINGS_PER_TURN,
    )
