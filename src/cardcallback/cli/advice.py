"""What to do about a quantity that is not measured, and what doing it costs in safety."""

from __future__ import annotations

import stat
from pathlib import Path

import msgspec

from cardcallback.sensors.base import Quantity

_READABLE_BY_OTHERS = stat.S_IRGRP | stat.S_IROTH
_SIDE_CHANNEL = (
    "a known power side channel (CVE-2020-8694): from such readings a program can infer the secrets of others"
)
_OWN_SENSOR = "give a sensor of your own, such as a plug meter, through the entry-point group cardcallback.sensors"


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
    """What is known about ``quantity`` on the machine whose ``sys/`` lies under ``system_root``."""
    if quantity in {"cpu_energy", "dram_energy"}:
        return _rapl(system_root)
    if quantity in {"system_power", "system_energy"}:
        return Advice(reason="no sensor for the whole machine", cure=_OWN_SENSOR)
    if quantity in ONLY_WHILE_TRAINING:
        return TRAIN_TO_SEE
    return NO_ADVICE


def _rapl(system_root: Path) -> Advice:
    files = sorted(system_root.glob("sys/class/powercap/*rapl*/energy_uj"))
    if not files:
        return Advice(reason="this machine shows no RAPL energy counter", cure=_OWN_SENSOR)
    reason = "RAPL is here, and this version of cardcallback does not read it"
    if any(_mode(file) & _READABLE_BY_OTHERS for file in files):
        return Advice(
            reason=reason,
            cure="close it again unless something else needs it: sudo chmod 400 /sys/class/powercap/*/energy_uj",
            safety=f"its energy file is readable without root, which reopens {_SIDE_CHANNEL}",
        )
    return Advice(reason=reason, safety=f"leave it readable by root only: opening it would reopen {_SIDE_CHANNEL}")


def _mode(file: Path) -> int:
    try:
        return file.stat().st_mode
    except OSError:
        return 0  # gone or hidden: not readable by others either
