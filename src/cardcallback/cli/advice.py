"""What to do about a quantity that is not measured, and what doing it costs in safety."""

from __future__ import annotations

import stat
from pathlib import Path

import msgspec

from cardcallback.sensors.base import Quantity
from cardcallback.sensors.elsewhere import OWN_SENSOR
from cardcallback.sensors.rapl import energy_files
from cardcallback.sensors.spbm import is_spark

_READABLE_BY_OTHERS = stat.S_IRGRP | stat.S_IROTH
_SIDE_CHANNEL = (
    "a known power side channel of processors' energy counters (PLATYPUS, 2020; CVE-2020-8694 for Intel's): from such "
    "readings a program can infer the secrets of others"
)
_FOREIGN_MODULE = (
    "a kernel module from outside the kernel runs with all of its rights; under Secure Boot its signing key has to be "
    "enrolled (MOK), after which every module signed with that key is trusted"
)
_RAPL_FILES = "/sys/class/powercap/*rapl*/energy_uj"


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """What doctor can add to a finding; each None where there is nothing to add."""

    reason: str | None = None
    cure: str | None = None
    safety: str | None = None


NO_ADVICE = Advice()
ONLY_WHILE_TRAINING: frozenset[Quantity] = frozenset(
    {"torch_allocated", "torch_reserved", "torch_allocated_now", "torch_reserved_now", "torch_devices"}
)
TRAIN_TO_SEE = Advice(
    reason="only a process that trains has an allocator to ask", cure="nothing to do: it is read while training"
)


def advice_for(quantity: Quantity, system_root: Path) -> Advice:
    """What is known about a ``quantity`` that is absent, on the machine whose ``sys/`` lies under ``system_root``."""
    if quantity in {"cpu_energy", "cpu_power", "dram_energy"}:
        return _closed_rapl(system_root)
    if quantity in {"system_power", "system_energy"}:
        safety = _FOREIGN_MODULE if is_spark(system_root) else None
        return Advice(reason="no sensor for the whole machine", cure=OWN_SENSOR, safety=safety)
    if quantity in {"other_energy", "other_power"}:
        return Advice(reason="nothing here measures a part of the machine a second time")
    if quantity in ONLY_WHILE_TRAINING:
        return TRAIN_TO_SEE
    return NO_ADVICE


def advice_on_open_rapl(system_root: Path) -> Advice:
    """What a RAPL counter that every user may read gives away, and how to close it; nothing where none is open."""
    if any(_mode(file) & _READABLE_BY_OTHERS for file in energy_files(system_root)):
        return Advice(
            cure=f"close it when nothing measures any more: sudo chmod 400 {_RAPL_FILES}",
            safety=f"its energy file is readable without root, which reopens {_SIDE_CHANNEL}",
        )
    return NO_ADVICE


def _closed_rapl(system_root: Path) -> Advice:
    if not energy_files(system_root):
        return Advice(reason="this machine shows no RAPL energy counter", cure=OWN_SENSOR)
    opened = advice_on_open_rapl(system_root)
    return opened if opened != NO_ADVICE else Advice(safety=f"opening it reopens {_SIDE_CHANNEL}")


def _mode(file: Path) -> int:
    try:
        return file.stat().st_mode
    except OSError:
        return 0  # gone or hidden: not readable by others either
