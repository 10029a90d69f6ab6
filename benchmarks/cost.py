"""What measuring costs: processor and driver time, memory over a long run, import. Devices are simulated.

    python benchmarks/cost.py                  # all of it: about ten minutes
    python benchmarks/cost.py --only import processor

What the callback adds to a training step, its begin and its end: benchmarks/step_time.py.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from cardcallback.recorder import Recorder
from cardcallback.sensors import SensorSet
from cardcallback.sensors.nvml import open_nvml, reset_nvml
from device_letters import legend, letter
from one_tool import CardCallbackTool
from random_devices import KINDS
from schedule_run import SimulatedClock, TimedSensor
from schedules import Schedule
from simulated import ROOT, Profile, Simulation, build_problem, profile_named

_MEBIBYTE = 2**20
_DAY_SECONDS = 86_400.0
_EIGHT = "8 x "
_DEVICES = ("gb10", "h100", "a100", "p100")
# A driver's first calls are slow, and a counter's refresh is watched for: what lasts comes after.
_WARM_UP_SECONDS = 10.0
_PHASE_EVERY_SECONDS, _SNAPSHOT_EVERY_SECONDS = 600.0, 3600.0
_DRIVER_SECONDS = 3600.0


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One cost and the most it may be, in ``unit``."""

    name: str
    value: float
    unit: str
    budget: float | None = None

    @property
    def kept(self) -> bool | None:
        """Whether it is within the budget; ``None`` without one."""
        return None if self.budget is None else self.value <= self.budget


def machine(name: str) -> Profile:
    """The simulated machine of that name, or eight of its GPU in one."""
    if not name.startswith(_EIGHT):
        return profile_named(name)
    found = profile_named(name.removeprefix(_EIGHT))
    device = found.devices[0]
    devices = tuple(
        replace(
            device,
            uuid=f"GPU-{place:08x}-5157-4c41-8000-{place:012x}",
            numbers=dict(device.numbers) | {"pci_bus": place},
        )
        for place in range(1, 9)
    )
    return replace(found, name=name, devices=devices)


def _devices(name: str) -> str:
    count = "8" if name.startswith(_EIGHT) else "1"
    return f"{count} of device {letter(name.removeprefix(_EIGHT))}"


def processor(seconds: float) -> list[Figure]:
    """The recorder's thread on the real clock, as a share of one core; the simulator's own time is in it."""
    figures = []
    for name, budget in (("gb10", 0.001), ("h100", 0.001), ("p100", 0.001), ("8 x h100", 0.005), ("8 x a100", 0.005)):
        with tempfile.TemporaryDirectory(prefix="cardcallback-cost-") as folder:
            simulation = Simulation(machine(name), Path(folder))
            command = [sys.executable, __file__, "--thread-share", str(seconds)]
            done = subprocess.run(
                command, env=os.environ | simulation.environment, capture_output=True, text=True, check=True
            )
        figures.append(
            Figure(name=f"own processor time, {_devices(name)}", value=float(done.stdout), unit="share", budget=budget)
        )
    return figures


def thread_share(seconds: float) -> float:
    """Processor time of the recorder's thread in this process, by the time that passed."""
    tool = CardCallbackTool()
    time.sleep(1.0)  # the driver opens beside the person's own preparations
    tool.start()
    time.sleep(_WARM_UP_SECONDS)
    thread = next(one for one in threading.enumerate() if one.name == "cardcallback-recorder")
    clock = time.pthread_getcpuclockid(thread.ident or 0)
    used, begin = time.clock_gettime(clock), time.perf_counter()
    time.sleep(seconds)
    used, passed = time.clock_gettime(clock) - used, time.perf_counter() - begin
    tool.stop()
    return used / passed


def driver() -> list[Figure]:
    """The driver's time at default rates on the driven clock, for calls that take as long as drivers report."""
    figures = []
    for name in ("gb10", "p100", "8 x h100"):
        for call_seconds in (1e-4, 1e-3, 1e-2):
            share = driver_share(name, call_seconds)
            named = f"driver time, {_devices(name)}, calls of {call_seconds * 1e3:g} ms"
            figures.append(Figure(name=named, value=share, unit="share", budget=0.001))
    return figures


def driver_share(name: str, call_seconds: float, seconds: float = _DRIVER_SECONDS) -> float:
    """The share of an hour that readings keep the driver busy, the first ones included."""
    with tempfile.TemporaryDirectory(prefix="cardcallback-cost-") as folder:
        simulation = Simulation(machine(name), Path(folder), driven=True)
        with simulation.in_process(reset_nvml):
            clock, sensors = _timed(simulation, call_seconds)
            recorder = Recorder(sensors, clock=clock)
            busy, begin = 0.0, clock.elapsed_seconds()
            while clock.elapsed_seconds() < begin + seconds:
                before = clock.elapsed_seconds()
                wait = recorder.sample_due()
                busy += clock.elapsed_seconds() - before
                clock.advance(max(wait, 1e-6))
            passed = clock.elapsed_seconds() - begin
            recorder.stop()
    return busy / passed


def memory(days: float) -> list[Figure]:
    """What a run of many days holds beyond one of a minute; phases are marked and records taken meanwhile."""
    with tempfile.TemporaryDirectory(prefix="cardcallback-cost-") as folder:
        simulation = Simulation(machine("gb10"), Path(folder), driven=True)
        with simulation.in_process(reset_nvml):
            clock, sensors = _timed(simulation, 1e-4)
            recorder = Recorder(sensors, clock=clock)
            _run_for(recorder, clock, 60.0)
            after_a_minute = _resident_bytes()
            _run_for(recorder, clock, days * _DAY_SECONDS)
            grown = _resident_bytes() - after_a_minute
            recorder.stop()
    return [Figure(name=f"memory after {days:g} days beyond a minute", value=grown / _MEBIBYTE, unit="MiB", budget=3.0)]


def _timed(simulation: Simulation, call_seconds: float) -> tuple[SimulatedClock, SensorSet]:
    if simulation.clock is None:
        msg = "the clock must be driven"
        raise TypeError(msg)
    clock = SimulatedClock(simulation.clock)
    plain = Schedule(
        seed=0,
        kind=KINDS[0],
        begin=0.0,
        duration=0.0,
        work=KINDS[0].device.waveform,
        call_seconds=call_seconds,
        jitter_seconds=0.0,
    )
    opened = open_nvml({"CARDCALLBACK_SIMULATED": "1"}, clock=clock.elapsed_seconds)
    varied = random.Random(0)  # noqa: S311 - it has to vary, and to come again
    return clock, replace(opened, sensors=tuple(TimedSensor(one, clock, plain, varied) for one in opened.sensors))


def _run_for(recorder: Recorder, clock: SimulatedClock, seconds: float) -> None:
    begin = clock.elapsed_seconds()
    marked = snapped = begin
    while (now := clock.elapsed_seconds()) < begin + seconds:
        clock.advance(max(recorder.sample_due(), 1e-6))
        if now - marked > _PHASE_EVERY_SECONDS:
            recorder.mark_phase("evaluation", recorder.now_seconds() - 30.0, recorder.now_seconds())
            marked = now
        if now - snapped > _SNAPSHOT_EVERY_SECONDS:
            recorder.snapshot()
            snapped = now
    recorder.snapshot()


def _resident_bytes() -> int:
    gc.collect()
    return int(psutil.Process().memory_info().rss)


def importing(pairs: int) -> list[Figure]:
    """``import cardcallback`` beyond the bare interpreter: medians over pairs in alternating order."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])}
    commands = {"bare": [sys.executable, "-c", "pass"], "import": [sys.executable, "-c", "import cardcallback"]}
    for command in commands.values():
        _spent(command, environment)  # byte code is written once
    wall, used = [], []
    for pair in range(pairs):
        order = sorted(commands, reverse=bool(pair % 2))
        spent = {name: _spent(commands[name], environment) for name in order}
        wall.append(spent["import"][0] - spent["bare"][0])
        used.append(spent["import"][1] - spent["bare"][1])
    return [
        Figure(name="import, time", value=1e3 * statistics.median(wall), unit="ms", budget=30.0),
        Figure(name="import, processor time (steadier)", value=1e3 * statistics.median(used), unit="ms", budget=30.0),
    ]


def _spent(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Seconds by the clock and of processor time that a command takes."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    took = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return took, usage.ru_utime + usage.ru_stime


def main() -> int:
    """Measure what the command line asks for; 1 if a budget is broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = ("import", "processor", "driver", "memory")
    parser.add_argument("--only", nargs="+", choices=parts, default=parts, help="parts (default: all)")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each processor-time run (default: %(default)s)")
    parser.add_argument("--days", type=float, default=30.0, help="of the memory run, simulated (default: %(default)s)")
    parser.add_argument("--pairs", type=int, default=31, help="of imports (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print data only")
    parser.add_argument("--thread-share", type=float, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.thread_share is not None:
        print(thread_share(arguments.thread_share))
        return 0
    problem = build_problem()
    if problem is not None:
        print(problem, file=sys.stderr)
        return 1
    measure: dict[str, Callable[[], list[Figure]]] = {
        "import": lambda: importing(arguments.pairs),
        "processor": lambda: processor(arguments.seconds),
        "driver": driver,
        "memory": lambda: memory(arguments.days),
    }
    figures = [figure for part in parts if part in arguments.only for figure in measure[part]()]
    print(
        json.dumps([vars(one) | {"kept": one.kept} for one in figures], indent=1) if arguments.json else table(figures)
    )
    return 0 if all(one.kept is not False for one in figures) else 1


def table(figures: list[Figure]) -> str:
    """One figure a line, beside its budget, and what the simulated devices are."""
    lines = [
        f"{one.name:44} {_shown(one.value, one.unit):>10}  budget {_shown(one.budget, one.unit):>8}: "
        f"{'kept' if one.kept else 'BROKEN'}"
        for one in figures
        if one.budget is not None
    ]
    return "\n".join([*lines, *(f"device {line} (simulated)" for line in legend(_DEVICES))])


def _shown(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    return f"{value:.3%}" if unit == "share" else f"{value:.2f} {unit}"


if __name__ == "__main__":
    sys.exit(main())
