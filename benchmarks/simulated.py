"""The simulator of the tests, found from the benchmarks: they share its machines and their truth by formula."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_SIMULATOR = ROOT / "tests" / "simulator"
if str(_SIMULATOR) not in sys.path:
    sys.path.insert(0, str(_SIMULATOR))

from profiles import Counter, CounterFault, Device, Fault, Meter, Profile, SamplesFault  # noqa: E402 - found by the line above
from simulator import DrivenClock, Simulation, build_problem, profile_named  # noqa: E402
from waveforms import Segment, Waveform, constant, ramp, sine, square  # noqa: E402

__all__ = [
    "ROOT",
    "Counter",
    "CounterFault",
    "Device",
    "DrivenClock",
    "Fault",
    "Meter",
    "Profile",
    "SamplesFault",
    "Segment",
    "Simulation",
    "Waveform",
    "build_problem",
    "constant",
    "nvidia_smi_in",
    "profile_named",
    "ramp",
    "require_simulator",
    "restart_beside",
    "sine",
    "square",
]


def require_simulator() -> None:
    """End the command, with the reason on stderr and 1, where the simulated library cannot be built."""
    problem = build_problem()
    if problem is not None:
        raise SystemExit(problem)


def nvidia_smi_in(folder: Path) -> Path:
    """A folder for the path: codecarbon takes a machine to have an NVIDIA GPU only if nvidia-smi can be run there."""
    place = folder / "bin"
    place.mkdir(exist_ok=True)
    command = place / "nvidia-smi"
    command.write_text("#!/bin/sh\nexit 0\n", encoding="utf-8")
    command.chmod(0o755)
    return place


def restart_beside(profile: str) -> None:
    """Begin this command again beside the simulated driver, which the loader finds only when a process begins."""
    if "NVML_SIMULATOR" in os.environ:
        return
    with tempfile.TemporaryDirectory() as first:
        os.environ.update(Simulation(profile_named(profile), Path(first)).environment)
    os.execv(sys.executable, [sys.executable, *sys.argv])  # noqa: S606 - itself, again
