"""What the recorder costs on simulated machines: processor time, driver time, memory over a long run."""

from __future__ import annotations

import contextlib
import gc
import itertools
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from cardcallback.errors import SensorReadError
from cardcallback.recorder import Recorder
from cardcallback.sensors import Sensor, SensorSet
from cardcallback.sensors.discovery import joined, sensor_parts
from cardcallback.sensors.nvml import open_nvml, reset_nvml
from device_letters import letter
from one_tool import CardCallbackTool
from random_devices import KINDS
from schedule_run import SimulatedClock, timed
from schedules import QUIET_WAKE_UP_SECONDS, Schedule
from simulated import Profile, Simulation, profile_named

_MEBIBYTE = 2**20
_DAY_SECONDS = 86_400.0
_EIGHT = "8 x "
_SIMULATED = {"CARDCALLBACK_SIMULATED": "1"}
# A driver's first calls are slow, and a counter's refresh is watched for: what lasts comes after.
_WARM_UP_SECONDS = 10.0
# What may be spent of our own is spent early, so that short runs are read densely: what lasts comes later still.
_EARLY_SECONDS = 90.0
_BARE_SECONDS = 15.0
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
    """The recorder's threads as a share of one core; the simulator's own time is in it.

    On the real clock, beside the least it can be there: a thread that wakes as often and does nothing, and one that
    makes the same calls too; and what is left of it on a driven clock, where nothing sleeps and caches stay warm.
    """
    figures = []
    budgets = {"gb10": 0.001, "h100": 0.001, "p100": 0.001, "p100-samples": 0.001, "8 x h100": 0.005, "8 x a100": 0.005}
    for name, budget in budgets.items():
        with tempfile.TemporaryDirectory(prefix="cardcallback-cost-") as folder:
            environment = os.environ | Simulation(machine(name), Path(folder)).environment
            command = [sys.executable, __file__, str(seconds)]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        shares = json.loads(done.stdout)
        what = f"processor time, {_devices(name)}"
        figures += [
            Figure(name=f"own {what}", value=shares["recorder"], unit="share", budget=budget),
            Figure(name=f"  in its first {_EARLY_SECONDS:g} s", value=shares["early"], unit="share"),
            Figure(name="  a thread that only wakes as often", value=shares["waking"], unit="share"),
            Figure(name="  and one that makes the same calls", value=shares["calling"], unit="share"),
            Figure(name="  ours to that one", value=shares["recorder"] / shares["calling"], unit="times"),
            Figure(name="  the same readings without sleeping", value=awake_share(name), unit="share"),
        ]
    return figures


def thread_share(seconds: float) -> dict[str, float]:
    """Processor time by time passed: of the recorder's threads, of one that only wakes as often, and with its calls.

    That of the recorder's early in a run stands apart.
    """
    tool = CardCallbackTool()
    time.sleep(1.0)  # the driver opens beside the person's own preparations
    tool.start()
    early, _ = _watched(recorder_threads(), _EARLY_SECONDS)
    before = tool.reads()
    recorder, wakes = _watched(recorder_threads(), seconds)
    calls = [(sensor, reads - earlier) for (sensor, reads), (_, earlier) in zip(tool.reads(), before, strict=True)]
    tool.stop()
    wakes = max(wakes, 1)
    waking = _bare_share(seconds / wakes, [[]])
    calling = _bare_share(seconds / wakes, spread(calls, wakes))
    return {"recorder": recorder, "early": early, "waking": waking, "calling": calling}


def spread(calls: Sequence[tuple[Sensor, int]], wakes: int) -> list[list[Sensor]]:
    """Which sensors to read at each of so many wake-ups, so that each is read as often as given, evenly."""
    return [
        [sensor for sensor, reads in calls for _ in range(reads * (wake + 1) // wakes - reads * wake // wakes)]
        for wake in range(wakes)
    ]


def _bare_share(every_seconds: float, passes: Sequence[Sequence[Sensor]]) -> float:
    ending = threading.Event()
    bare = threading.Thread(target=_only_call, args=(every_seconds, ending, passes), daemon=True)
    bare.start()
    share, _ = _watched([bare], _BARE_SECONDS)
    ending.set()
    bare.join()
    return share


def recorder_threads() -> list[threading.Thread]:
    """One for each part of the machine that opened: all of them are what measuring costs."""
    return [one for one in threading.enumerate() if one.name == "cardcallback-recorder"]


def _only_call(every_seconds: float, ending: threading.Event, passes: Sequence[Sequence[Sensor]]) -> None:
    silent = threading.Lock()
    silent.acquire()
    for sensors in itertools.cycle(passes):
        if ending.is_set():
            return
        silent.acquire(timeout=every_seconds)  # what costs least; an Event makes a lock for each wait
        for sensor in sensors:
            with contextlib.suppress(SensorReadError):
                sensor.read()


def _watched(threads: Sequence[threading.Thread], seconds: float) -> tuple[float, int]:
    """The threads' share of a core for so long, and how often they slept, all summed."""
    clocks = [time.pthread_getcpuclockid(one.ident or 0) for one in threads]
    slept = sum(map(_sleeps, threads))
    used, begin = sum(map(time.clock_gettime, clocks)), time.perf_counter()
    time.sleep(seconds)
    used, passed = sum(map(time.clock_gettime, clocks)) - used, time.perf_counter() - begin
    return used / passed, sum(map(_sleeps, threads)) - slept


def _sleeps(thread: threading.Thread) -> int:
    status = Path(f"/proc/self/task/{thread.native_id}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("voluntary_ctxt_switches"))
    return int(line.split()[1])


def awake_share(name: str, seconds: float = 600.0) -> float:
    """Processor time of the same readings, the machine's too, on a driven clock, by the time that passed on it."""
    with tempfile.TemporaryDirectory(prefix="cardcallback-cost-") as folder:
        simulation = Simulation(machine(name), Path(folder), driven=True)
        with simulation.in_process(reset_nvml):
            clock, sensors = _timed(simulation, 2e-5, parts=_every_part)
            recorder = Recorder(sensors, clock=clock)
            _run_for(recorder, clock, _WARM_UP_SECONDS)
            used = time.process_time()
            _run_for(recorder, clock, seconds)
            used = time.process_time() - used
            recorder.stop()
    return used / seconds


def driver() -> list[Figure]:
    """The driver's time at default rates on the driven clock, for calls that take as long as drivers report."""
    figures = []
    for name in ("gb10", "p100", "p100-samples", "8 x h100"):
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
                clock.wake_up()
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
            clock, sensors = _timed(simulation, 1e-4, parts=_every_part)
            recorder = Recorder(sensors, clock=clock)
            _run_for(recorder, clock, 60.0)
            after_a_minute = _resident_bytes()
            _run_for(recorder, clock, days * _DAY_SECONDS)
            grown = _resident_bytes() - after_a_minute
            recorder.stop()
    return [Figure(name=f"memory after {days:g} days beyond a minute", value=grown / _MEBIBYTE, unit="MiB", budget=3.0)]


def _gpus() -> SensorSet:
    return open_nvml(_SIMULATED)


def _every_part() -> SensorSet:
    """The GPUs and this machine's own memory, processes and energy, as a run opens them; of installed plugins none."""
    parts = sensor_parts(
        system_root=Path("/"),
        environ=_SIMULATED,
        open_gpus=open_nvml,
        plugins=(),
    )
    return joined([part.open() for part in parts])


def _timed(
    simulation: Simulation, call_seconds: float, parts: Callable[[], SensorSet] = _gpus
) -> tuple[SimulatedClock, SensorSet]:
    if simulation.clock is None:
        msg = "the clock must be driven"
        raise TypeError(msg)
    clock = SimulatedClock(simulation.clock, QUIET_WAKE_UP_SECONDS)
    plain = Schedule(
        seed=0,
        kind=KINDS[0],
        begin=0.0,
        duration=0.0,
        work=KINDS[0].device.waveform,
        call_seconds=call_seconds,
        jitter_seconds=0.0,
    )
    opened = parts()
    varied = random.Random(0)  # noqa: S311 - it has to vary, and to come again
    return clock, replace(opened, sensors=tuple(timed(one, clock, plain, varied) for one in opened.sensors))


def _run_for(recorder: Recorder, clock: SimulatedClock, seconds: float) -> None:
    begin = clock.elapsed_seconds()
    marked = snapped = begin
    while (now := clock.elapsed_seconds()) < begin + seconds:
        clock.advance(max(recorder.sample_due(), 1e-6))
        clock.wake_up()
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


if __name__ == "__main__":
    print(json.dumps(thread_share(float(sys.argv[1]))))
