"""What several sessions ran on: the common hardware and software, or all of it, one after the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from cardcallback.record import Accelerator, Hardware, Machine, Measurement, Session, not_measured
from cardcallback.sessions.energies import over_sessions
from cardcallback.sessions.words import sessions_named

_THEN = ", then "
_UNNAMED = {"name": "another machine"}
_SUMMED_TIMES = ("low_clock_time", "thermal_slowdown_time", "hardware_slowdown_time")
_MEDIANS = {"median_sm_clock": "hertz", "median_utilization": "share"}


def joined_hardware(sessions: Sequence[Session]) -> Hardware:
    """The hardware of all sessions: a device that several of them had is one, with what it used in all of them."""
    if len(sessions) == 1:
        return sessions[0].hardware
    devices: dict[tuple[str, int], dict[int, Accelerator]] = {}
    for place, session in enumerate(sessions):
        seen: Counter[str] = Counter()
        for device in session.hardware.accelerators:
            devices.setdefault((device.name, seen[device.name]), {})[place] = device
            seen[device.name] += 1
    durations = [session.duration_seconds for session in sessions]
    reasons = dict.fromkeys(
        session.hardware.accelerators_reason for session in sessions if session.hardware.accelerators_reason
    )
    return Hardware(
        accelerators=tuple(_device(found, durations) for found in devices.values()),
        accelerators_reason=None if devices else "; ".join(reasons) or None,
        machine=_machine([session.hardware.machine for session in sessions]),
    )


def joined_software(sessions: Sequence[Session]) -> dict[str, str]:
    """Each distribution's version, or its versions one after the other."""
    versions: dict[str, dict[str, None]] = {}
    for session in sessions:
        for name, version in session.software.items():
            versions.setdefault(name, {})[version] = None
    return {name: _THEN.join(found) for name, found in versions.items()}


def hardware_notes(sessions: Sequence[Session]) -> list[str]:
    """One sentence where the sessions did not all run on the same kind of hardware."""
    kinds: dict[str, list[int]] = {}
    for place, session in enumerate(sessions):
        kinds.setdefault(hardware_name(session.hardware), []).append(place)
    if len(kinds) < 2:
        return []
    told = "; ".join(f"{sessions_named(places)} on {name}" for name, places in kinds.items())
    return [f"The sessions ran on unlike hardware: {told}."]


def hardware_name(hardware: Hardware) -> str:
    """Devices and machine of one session in a few words."""
    counts = Counter(device.name for device in hardware.accelerators)
    devices = " and ".join(name if count == 1 else f"{count} {name}" for name, count in counts.items())
    machine = hardware.machine.name or hardware.machine.processor
    if devices and machine:
        return f"{devices} ({machine})"
    return devices or machine or "hardware that is not known"


def _device(found: dict[int, Accelerator], durations_seconds: Sequence[float]) -> Accelerator:
    devices = list(found.values())
    last = devices[-1]
    if len(devices) == 1:
        return last
    seconds = [durations_seconds[place] for place in found]
    others = [device.other_processes for device in devices]
    known = [count for count in others if count is not None]
    figures = {name: _if_known([getattr(one, name) for one in devices], seconds) for name in _SUMMED_TIMES}
    medians = {
        name: not_measured(unit, "a median over several sessions was not kept") for name, unit in _MEDIANS.items()
    }
    return msgspec.structs.replace(
        last,
        energy=over_sessions([device.energy for device in devices], seconds, list(found)),
        mean_power=_mean_power(devices, seconds),
        highest_temperature=_highest([device.highest_temperature for device in devices]),
        **figures,
        **medians,
        health=tuple(dict.fromkeys(words for device in devices for words in device.health)),
        throttle_reasons=tuple(dict.fromkeys(words for device in devices for words in device.throttle_reasons)),
        other_processes=max(known) if len(known) == len(others) else None,
        used_by_job=any(device.used_by_job for device in devices),
        number=last.number if len({device.number for device in devices}) == 1 else None,
    )


def _mean_power(devices: Sequence[Accelerator], seconds: Sequence[float]) -> Measurement | None:
    """The mean over the time that was watched."""
    powers = [device.mean_power for device in devices]
    known = [power for power in powers if power is not None]
    if len(known) < len(powers):
        return None
    joules = over_sessions(
        [
            power
            if power.value is None
            else msgspec.structs.replace(power, value=power.value * watched, recording_low=None, recording_high=None)
            for power, watched in zip(known, _watched(known, seconds), strict=True)
        ],
        seconds,
    )
    length = sum(_watched(known, seconds))
    if joules.value is None or length <= 0:
        return not_measured("watts", joules.reason or "no session watched any part of it")
    return msgspec.structs.replace(joules, value=joules.value / length)


def _watched(powers: Sequence[Measurement], seconds: Sequence[float]) -> list[float]:
    shares = [1.0 if power.coverage is None else power.coverage for power in powers]
    return [share * length for share, length in zip(shares, seconds, strict=True)]


def _if_known(figures: Sequence[Measurement | None], seconds: Sequence[float]) -> Measurement | None:
    known = [figure for figure in figures if figure is not None]
    return over_sessions(known, seconds) if len(known) == len(figures) else None


def _highest(figures: Sequence[Measurement | None]) -> Measurement | None:
    known = [figure for figure in figures if figure is not None]
    return max(known, key=lambda figure: figure.value if figure.value is not None else float("-inf"), default=None)


def _machine(machines: Sequence[Machine]) -> Machine:
    """What the machines have in common; names that differ one after the other, numbers that differ unknown."""
    joined: dict[str, object] = {}
    for name in Machine.__struct_fields__:
        values = dict.fromkeys(getattr(machine, name) for machine in machines)
        known = [value for value in values if value is not None]
        if len(values) == 1:
            joined[name] = next(iter(values))
        elif known and all(isinstance(value, str) for value in known):
            joined[name] = _THEN.join(value or _UNNAMED.get(name, "not known") for value in values)
    return msgspec.structs.replace(Machine(), **joined)
