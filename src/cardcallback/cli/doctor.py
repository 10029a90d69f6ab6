"""``cardcallback doctor``: which sensors work here, what they cover, and what to do about the rest."""

from __future__ import annotations

import importlib.metadata
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from cardcallback.baseline import (
    BASELINES_FILE,
    Baseline,
    circumstance_words,
    doubt_words,
    encode_baselines,
    load_baselines,
    measure_baselines,
)
from cardcallback.cli.examination import Finding, examine
from cardcallback.cli.output import print_json, say, warn
from cardcallback.errors import CardCallbackError
from cardcallback.recorder import SystemClock
from cardcallback.sensors.base import Quantity, SensorSet
from cardcallback.sensors.discovery import open_sensors
from cardcallback.sensors.surroundings import surroundings
from cardcallback.settings import system_root, user_config_directory
from cardcallback.units import (
    HERTZ_PER_MEGAHERTZ,
    format_bytes,
    format_duration,
    format_number,
    format_percent,
    format_power,
)
from cardcallback.writing import write_atomically

_COLOURS = {"works": "green", "unproven": "yellow", "fails": "red", "absent": None}

_WORDS: dict[str, Callable[[float], str]] = {
    "bytes": format_bytes,
    "watts": format_power,
    "bitmask": lambda bits: hex(int(bits)),
    "hertz": lambda hertz: f"{format_number(hertz / HERTZ_PER_MEGAHERTZ, 4)} MHz",
    "celsius": lambda degrees: f"{format_number(degrees)} degrees C",
    "share": lambda share: format_percent(share, 2),
    "seconds": lambda seconds: f"{format_number(seconds)} s",
}
_SCOPED_UNITS = {"joules", "watts", "bytes"}
_PRIVACY = (
    "privacy: files of ours name no person, path or machine; those that transformers, TRL and PEFT publish beside them "
    "can (training_args.bin holds a hub_token, adapter_config.json a folder): "
    "https://github.com/cardcallback/cardcallback/blob/main/docs/privacy.md"
)
_SHORTEST_BASELINE_SECONDS = 5
_LONGEST_BASELINE_SECONDS = 3600


def doctor(
    *,
    json: Annotated[bool, typer.Option("--json", help="Print data only.")] = False,
    baseline: Annotated[
        float | None,
        typer.Option(
            help="Measure the idle power of the GPUs for so many seconds and keep it for later cards.",
            metavar="SECONDS",
            min=_SHORTEST_BASELINE_SECONDS,
            max=_LONGEST_BASELINE_SECONDS,
        ),
    ] = None,
    keep_busy: Annotated[
        bool,
        typer.Option("--keep-busy", help="Keep the measurement although the GPU was not idle; cards will say so."),
    ] = False,
) -> None:
    """Say of every sensor whether it works and what it covers.

    Where it does not: why, what to do, and what that costs in safety.
    """
    root, clock = system_root(os.environ), SystemClock()
    sensors = open_sensors(system_root=root, environ=os.environ)
    findings = examine(sensors, elapsed_seconds=clock.elapsed_seconds, wait=time.sleep, system_root=root)
    if not json:
        _print_findings(sensors, findings)
        say(_PRIVACY)
    baselines = _measure(sensors, baseline, clock) if baseline is not None else ()
    if json:
        print_json(_document(sensors, findings, baselines))
    else:
        for measured in baselines:
            _print_baseline(measured)
    if baselines:
        keep_baselines(user_config_directory(os.environ), baselines, keep_busy=keep_busy)


def keep_baselines(folder: Path, measured: tuple[Baseline, ...], *, keep_busy: bool) -> None:
    """Write into ``folder`` what was measured of idle devices; of busy ones only if that is wanted.

    Raises:
        CardCallbackError: one was busy and is not kept.
    """
    kept = tuple(one for one in measured if keep_busy or not one.busy)
    if kept:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / BASELINES_FILE, encode_baselines(_kept(folder), kept))
        warn(f"kept for later cards: {', '.join(one.device for one in kept)}")
    refused = next((one for one in measured if one not in kept), None)
    if refused is not None:
        msg = (
            f"the power of {refused.device} is not kept, as it was not idle ({'; '.join(refused.busy)}): stop what "
            "runs there and measure again, or add --keep-busy"
        )
        raise CardCallbackError(msg)


def _measure(sensors: SensorSet, seconds: float, clock: SystemClock) -> tuple[Baseline, ...]:
    # Where there is nothing to read, measure_baselines says so at once: no wait is announced.
    if any(sensor.spec.quantity in {"gpu_energy", "gpu_power"} for sensor in sensors.sensors):
        warn(f"measuring idle power for {format_duration(seconds)}: start nothing on the GPU meanwhile")
    return measure_baselines(sensors, seconds=seconds, clock=clock, wait=time.sleep, surroundings=surroundings)


def _kept(folder: Path) -> tuple[Baseline, ...]:
    try:
        return load_baselines(folder)
    except CardCallbackError as error:
        warn(f"{error}; replaced by the new measurement")
        return ()


def _document(sensors: SensorSet, findings: tuple[Finding, ...], baselines: tuple[Baseline, ...]) -> dict[str, Any]:
    # Devices by what they are; their UUIDs are for matching and stay out of everything printed to a file.
    return {
        "cardcallback_version": importlib.metadata.version("cardcallback"),
        "simulated": sensors.simulated,
        "driver_version": sensors.driver_version,
        "devices": [
            {
                "index": d.index,
                "name": d.name,
                "architecture": d.architecture,
                "memory_total_bytes": d.memory_total_bytes,
            }
            for d in sensors.devices
        ],
        "sensors": [msgspec.to_builtins(finding) for finding in findings],
        "notes": list(sensors.notes),
        "baselines": [msgspec.to_builtins(measured) for measured in baselines],
    }


def _print_findings(sensors: SensorSet, findings: tuple[Finding, ...]) -> None:
    say(f"cardcallback {importlib.metadata.version('cardcallback')}, {_driver_words(sensors)}", bold=True)
    if sensors.simulated:
        say("simulated: these readings come from no real device", colour="yellow")
    for group in _alike(findings):
        _print_finding(group[0], [finding.quantity for finding in group])
    for note in sensors.notes:
        say(f"note: {note}")


def _driver_words(sensors: SensorSet) -> str:
    if sensors.driver_version:
        return f"NVIDIA driver {sensors.driver_version}"
    if sensors.devices:
        return "NVIDIA driver, which does not tell its version"
    absence = sensors.absence("gpu_energy") or sensors.absence("gpu_power")
    # A driver that is there and cannot be used is not called absent.
    return absence.reason if absence and "driver" in absence.reason else "no NVIDIA driver"


def _alike(findings: tuple[Finding, ...]) -> list[list[Finding]]:
    # Six quantities without a driver have one reason: it is said once.
    groups: dict[object, list[Finding]] = {}
    for number, finding in enumerate(findings):
        key = (finding.device, finding.reason, finding.cure) if finding.status == "absent" else number
        groups.setdefault(key, []).append(finding)
    return list(groups.values())


def _print_finding(finding: Finding, quantities: list[Quantity]) -> None:
    device = f" of {finding.device}" if finding.device else ""
    say(f"{finding.status}: {', '.join(quantities)}{device}", colour=_COLOURS[finding.status])
    lines = {
        "read": _reading_words(finding),
        "covers": _scope_words(finding),
        "why": finding.reason,
        "do": finding.cure,
        "safety": finding.safety,
    }
    for label, text in lines.items():
        if text:
            # The label's own spaces indent it: one_line() would take leading ones away.
            typer.echo("  ", nl=False)
            say(f"{label}: {text}")


def _reading_words(finding: Finding) -> str | None:
    if finding.second is None:
        return None
    return f"{_value_words(finding, finding.second)} ({finding.source})"


def _value_words(finding: Finding, value: float) -> str:
    if finding.unit == "joules" and finding.first is not None and finding.seconds_between:
        watts = (value - finding.first) / finding.seconds_between
        return f"{format_power(watts)} between two readings" if watts > 0 else "no difference between two readings"
    since = f" {_since(finding)}" if finding.unit == "seconds" else ""
    return _WORDS.get(finding.unit or "", format_number)(value) + since


def _since(finding: Finding) -> str:
    """Who counts the seconds: the kernel since it started, or the driver since it was loaded."""
    return "since the machine started" if finding.source.startswith("proc:") else "since the driver was loaded"


def _scope_words(finding: Finding) -> str | None:
    # A temperature or a clock is of its device; what it leaves out is no question.
    if finding.scope is None or finding.unit not in _SCOPED_UNITS:
        return finding.covers
    scope: dict[str, str] = msgspec.to_builtins(finding.scope)
    parts = [finding.covers or ""]
    for answer, words in (("yes", "holds"), ("unknown", "not documented"), ("no", "leaves out")):
        names = [name for name, value in scope.items() if value == answer]
        if names:
            parts.append(f"{words} {', '.join(names)}")
    return "; ".join(part for part in parts if part)


def _each(measured: Baseline) -> str:
    return f"each of {measured.device_count} " if measured.device_count > 1 else ""


def _print_baseline(measured: Baseline) -> None:
    others = measured.other_processes
    circumstances = [
        circumstance_words(measured),
        "other processes not known" if others is None else f"{others} other processes",
        "simulated" if measured.simulated else "",
    ]
    name = "power" if measured.busy else "idle power"
    say(
        f"{name} of {_each(measured)}{measured.device}: {format_power(measured.watts_mean)} over "
        f"{format_duration(measured.seconds)} on {measured.date} "
        f"({doubt_words(measured)}; {', '.join(filter(None, circumstances))})"
    )
    if measured.busy:
        warn(f"this is not its idle power: {'; '.join(measured.busy)}")
