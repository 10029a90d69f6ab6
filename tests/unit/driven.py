"""A recorder on the simulated machine's own driven clock, without its threads."""

from __future__ import annotations

from collections.abc import Callable

from cardcallback.recorder import Recorder, Recording
from cardcallback.sensors import SensorSet
from cardcallback.sensors.nvml import open_nvml
from simulator import Simulation

SIMULATED = {"CARDCALLBACK_SIMULATED": "1"}
# Sensors are opened a while after the machine's origin, as before a real run.
OPENED_AT = 10.0


class MachineClock:
    """The machine's driven clock as the recorder's; calls that take time move it."""

    def __init__(self, machine: Simulation) -> None:
        self._machine = machine
        self._suspended = 0.0

    def elapsed_seconds(self) -> float:
        """Seconds since the machine's origin, suspend counted."""
        return self._machine.now_seconds()

    def awake_seconds(self) -> float:
        """The same without the time spent suspended."""
        return self._machine.now_seconds() - self._suspended

    def thread_seconds(self) -> float:
        """A driven run costs nothing."""
        return 0.0

    def today(self) -> str:
        """A date."""
        return "2026-03-02"

    def suspend(self, seconds: float) -> None:
        """Let the machine sleep."""
        self._machine.advance(seconds)
        self._suspended += seconds


def run(recorder: Recorder, machine: Simulation, seconds: float) -> None:
    """Let the recorder's loop run for that long."""
    end = machine.now_seconds() + seconds
    # The machine's clock counts nanoseconds: by less it would never go on.
    while end - machine.now_seconds() >= 1e-9:
        wait = recorder.sample_due()
        machine.advance(min(max(wait, 1e-3), max(end - machine.now_seconds(), 0.0)))


def measure(
    machine: Simulation,
    seconds: float,
    *,
    meanwhile: Callable[[MachineClock, Recorder], None] | None = None,
    sensors: SensorSet | None = None,
) -> Recording:
    """One session of that length from ``OPENED_AT`` on, on all GPUs; ``meanwhile`` happens half-way."""
    machine.advance(OPENED_AT - machine.now_seconds())
    clock = MachineClock(machine)
    recorder = Recorder(sensors or open_nvml(SIMULATED), clock=clock)
    begin = machine.now_seconds()
    run(recorder, machine, seconds / 2)
    if meanwhile is not None:
        meanwhile(clock, recorder)
    run(recorder, machine, begin + seconds - machine.now_seconds())
    return recorder.stop()


def truth(
    machine: Simulation, seconds: float, *, rail: str = "gpu", devices: int = 1, begin: float = OPENED_AT
) -> float:
    """What the first ``devices`` devices used in that session, by the formula."""
    return sum(machine.true_joules(begin, begin + seconds, device=index, rail=rail) for index in range(devices))
