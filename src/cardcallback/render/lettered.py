"""Simulated devices of unlike kinds stand side by side under letters: a simulation says nothing of either kind."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from cardcallback.record import Hardware, RunRecord

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def lettered(record: RunRecord) -> RunRecord:
    """``record`` as it may be shown: of a simulated run on unlike devices none is named, any other is as it was.

    Devices, their machines and processors are then "device A", "machine A" and "processor A", in the order of the
    sessions; those beyond the alphabet share its last letter.
    """
    if not record.simulated:
        return record
    parts = [session.hardware for session in record.sessions] or [record.hardware]
    devices = _distinct(device.name for part in parts for device in part.accelerators)
    if len(devices) < 2:
        return record
    names = _under_letters("device", devices) | _machine_names(parts)
    longest_first = sorted(names, key=len, reverse=True)
    pattern = re.compile("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in longest_first))
    shown = msgspec.convert(_replaced(msgspec.to_builtins(record), pattern, names), RunRecord)
    # What was filled into a card before is compared with that card.
    return msgspec.structs.replace(shown, card=record.card)


def _machine_names(parts: Iterable[Hardware]) -> dict[str, str]:
    machines = [part.machine for part in parts]
    names = _distinct(machine.name for machine in machines)
    processors = _distinct(machine.processor for machine in machines)
    return _under_letters("machine", names) | _under_letters("processor", processors)


def _distinct(names: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(name for name in names if name))


def _under_letters(kind: str, names: list[str]) -> dict[str, str]:
    return {name: f"{kind} {_LETTERS[min(place, len(_LETTERS) - 1)]}" for place, name in enumerate(names)}


def _replaced(value: Any, pattern: re.Pattern[str], names: dict[str, str]) -> Any:
    if isinstance(value, str):
        return pattern.sub(lambda found: names[found[0]], value)
    if isinstance(value, dict):
        return {key: _replaced(inner, pattern, names) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_replaced(inner, pattern, names) for inner in value]
    return value
