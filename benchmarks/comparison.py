"""cardcallback and its peers on the same simulated devices and faults, at the same time and on the real clock.

Every tool runs in a process of its own, all tools of a case on one configuration: the waveform is a function of
CLOCK_BOOTTIME, so that they see the same watts at the same instant. The truth of each tool's own window comes
from the waveform's formula.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from device_letters import letter
from one_tool import TOOLS
from simulated import ROOT, CounterFault, Device, Fault, Profile, Simulation, Waveform, nvidia_smi_in, profile_named

DEVICES = ("gb10", "h100", "a100", "p100", "p100-samples", "gh200")
FAULTS = ("none", "counter reset", "counter standstill", "counter gain", "lost", "slow calls")
_LOST = 15
_GAIN = 1.2
_SLOW_CALL_SECONDS = 0.02
# Imports and openings of all processes share this machine's processors; cases begin one after the other, so that
# no tool's start is timed beside too many others.
_LEAD_SECONDS, _LEAD_SECONDS_PER_CASE, _APART_SECONDS = 10.0, 6.0, 3.0
_PATIENCE_SECONDS = 120.0


@dataclass(frozen=True, kw_only=True)
class Case:
    """One device with one fault, for ``seconds``."""

    device: str
    fault: str
    seconds: float

    @property
    def rail(self) -> str:
        """What the device's energy is of."""
        return "module" if self.device == "gh200" else "gpu"

    def profile(self, lead: float) -> Profile:
        """The machine; the run is to begin ``lead`` seconds after the simulation's origin, and the work with it."""
        machine = profile_named(self.device)
        device = _working_from(machine.devices[0], lead)
        half = lead + self.seconds / 2
        if self.fault.startswith("counter") and device.counter is not None:
            device = replace(device, counter=replace(device.counter, faults=(_counter_fault(self.fault, half),)))
        faults: tuple[Fault, ...] = ()
        if self.fault == "lost":
            faults = (Fault(call="*", code=_LOST, at=half),)
        elif self.fault == "slow calls":
            faults = (Fault(call="*", seconds=_SLOW_CALL_SECONDS),)
        return replace(machine, devices=(device,), faults=faults)


def cases(seconds: float) -> list[Case]:
    """Every device with every fault that it can have."""
    return [
        Case(device=device, fault=fault, seconds=seconds)
        for device in DEVICES
        for fault in FAULTS
        if not (fault.startswith("counter") and profile_named(device).devices[0].counter is None)
    ]


def _counter_fault(name: str, half: float) -> CounterFault:
    if name == "counter reset":
        return CounterFault(kind="reset", at=half)
    if name == "counter standstill":
        return CounterFault(kind="stuck", at=half)
    return CounterFault(kind="gain", at=-1000.0, amount=_GAIN)


def _working_from(device: Device, lead: float) -> Device:
    """The device with its work, which the named machines begin at the origin, begun with the run."""

    def later(waveform: Waveform | None) -> Waveform | None:
        if waveform is None:
            return None
        return Waveform(tuple(replace(one, begin=lead) if one.begin == 0.0 else one for one in waveform.segments))

    work = later(device.waveform)
    if work is None:
        msg = f"{device.name} draws no power"
        raise ValueError(msg)
    return replace(device, waveform=work, module_waveform=later(device.module_waveform))


def compare(
    chosen: Sequence[Case], python: str, together: int, tools: Sequence[str] = tuple(TOOLS)
) -> list[dict[str, Any]]:
    """One result for each case and tool; ``together`` cases run at a time."""
    results: list[dict[str, Any]] = []
    for first in range(0, len(chosen), together):
        wave = chosen[first : first + together]
        print(f"cases {first + 1} to {first + len(wave)} of {len(chosen)} ...", file=sys.stderr, flush=True)
        results += _run_wave(wave, python, tools)
    return results


def _run_wave(wave: Sequence[Case], python: str, tools: Sequence[str]) -> list[dict[str, Any]]:
    earliest = _LEAD_SECONDS + _LEAD_SECONDS_PER_CASE * len(wave)
    with tempfile.TemporaryDirectory(prefix="cardcallback-comparison-") as name, contextlib.ExitStack() as running:
        started = []
        for number, case in enumerate(wave):
            folder = Path(name) / str(number)
            folder.mkdir()
            lead = earliest + _APART_SECONDS * number
            simulation = Simulation(case.profile(lead), folder)
            for tool in tools:
                process = running.enter_context(_start(python, tool, case, simulation, lead))
                started.append((case, tool, simulation, process))
        most = earliest + _APART_SECONDS * len(wave) + wave[0].seconds
        return [
            _judged(case, simulation, {"tool": tool} | _result(process, most))
            for case, tool, simulation, process in started
        ]


def _start(python: str, tool: str, case: Case, simulation: Simulation, lead: float) -> subprocess.Popen[str]:
    begin = simulation.origin_nanoseconds * 1e-9 + lead
    command = [python, str(Path(__file__).with_name("one_tool.py")), tool]
    command += ["--seconds", str(case.seconds), "--begin-at", repr(begin)]
    environment = os.environ | simulation.environment | {"PYTHONPATH": str(ROOT / "src")}
    environment["PATH"] = os.pathsep.join([str(nvidia_smi_in(simulation.folder)), environment.get("PATH", "")])
    return subprocess.Popen(
        command, env=environment, cwd=simulation.folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )


def _result(process: subprocess.Popen[str], seconds: float) -> dict[str, Any]:
    try:
        out, _ = process.communicate(timeout=seconds + _PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return {"raised": "it did not end by itself", "stage": "run"}
    lines = [line for line in out.splitlines() if line.startswith("{")]
    return (
        json.loads(lines[-1]) if lines else {"raised": f"the process ended with {process.returncode}", "stage": "run"}
    )


def _judged(case: Case, simulation: Simulation, result: dict[str, Any]) -> dict[str, Any]:
    """The result beside its truth: of the tool's window, and of the part in which the device was there."""
    planned = simulation.origin_nanoseconds * 1e-9
    result |= {"device": letter(case.device), "fault": case.fault, "seconds": case.seconds}
    if "begin" not in result:
        return result
    begin, end = result.pop("begin") - planned, result.pop("end") - planned
    truth = simulation.true_joules(begin, end, rail=case.rail)
    result |= {"window_seconds": end - begin, "truth": truth, "measurable": truth}
    losses = [fault.at for fault in simulation.profile.faults if fault.code == _LOST]
    if losses:
        result["measurable"] = simulation.true_joules(begin, min(end, losses[0]), rail=case.rail)
    return result


def default_python() -> str:
    """The Python that has the peers: this project's environment for them, if it is built, else this one."""
    own = ROOT / ".venv-peers" / "bin" / "python"
    return str(own) if own.exists() else sys.executable


def load_note() -> str:
    """How busy the machine is, in words; a shared one disturbs every tool alike."""
    one, *_ = os.getloadavg()
    return f"{os.cpu_count()} processors, load {one:.1f} when this was made, {time.strftime('%Y-%m')}"
