"""Runs a fault schedule through the real stack: simulated NVML, its binding, the sensors, the recorder.

The clock is driven and the recorder's loop is turned by hand, as its thread does: two hours take seconds.
"""

from __future__ import annotations

import math
import random
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cardcallback.recorder import EarlyReading, Recorder, Recording
from cardcallback.sensors import Sensor, SensorSet, SensorSpec
from cardcallback.sensors.base import KeepsSamples, Sample
from cardcallback.sensors.nvml import open_nvml, reset_nvml
from schedules import Schedule
from simulated import DrivenClock, Simulation

_LONGEST_WAIT_SECONDS = 1.0
# Entering a second's readings, and the machine's own sensors, take as much as so many wake-ups for a gauge.
_BESIDE_WAKE_UPS = 10
# What takes longer is not a reading: nobody can say when it was true.
_LONGEST_CALL_SECONDS = 0.5
# A gauge's reading speaks for this long at most; a counter's for all the time since its reading before, unless it
# began anew or stood still meanwhile.
LONGEST_PAUSE_SECONDS = 5.0


class SimulatedClock:
    """The recorder's clock beside the simulator's driven one; a sleep of the machine is told apart.

    Args:
        driven: the simulator's.
        wake_up_seconds: what each wake-up is said to take of a processor, the driver's calls aside.
    """

    def __init__(self, driven: DrivenClock, wake_up_seconds: float) -> None:
        self._driven = driven
        self._wake_up_seconds = wake_up_seconds
        self._wake_ups = 0
        self._suspended = 0.0

    def elapsed_seconds(self) -> float:
        """Seconds since the simulation's origin, suspend counted."""
        return self._driven.nanoseconds * 1e-9

    def awake_seconds(self) -> float:
        """The same without the time spent suspended."""
        return self.elapsed_seconds() - self._suspended

    def thread_seconds(self) -> float:
        """What all wake-ups took, and what is done each second beside them; a call to a driver takes none of it."""
        return self._wake_up_seconds * (self._wake_ups + _BESIDE_WAKE_UPS * self.elapsed_seconds())

    def wake_up(self) -> None:
        """The recorder's thread woke once more."""
        self._wake_ups += 1

    def today(self) -> str:
        """A date; no figure here depends on it."""
        return "2026-03-02"

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass."""
        self._driven.advance(seconds)

    def suspend(self, seconds: float) -> None:
        """Let the machine sleep."""
        self._driven.advance(seconds)
        self._suspended += seconds


class TimedSensor:
    """A sensor whose calls take simulated time, and which keeps when it answered."""

    def __init__(self, sensor: Sensor, clock: SimulatedClock, schedule: Schedule, varied: random.Random) -> None:
        self._sensor = sensor
        self._clock = clock
        self._schedule = schedule
        self._varied = varied
        self.first: float | None = None
        self.last = 0.0
        self._value = -math.inf
        self.paused_seconds = 0.0  # in pauses for which the reading after them does not speak
        self.longest_pause_seconds = 0.0
        self.calls = 0
        self.busy_seconds = 0.0  # of the driver

    @property
    def spec(self) -> SensorSpec:
        """What the sensor reads."""
        return self._sensor.spec

    def read(self) -> float:
        """The reading, taken somewhere within the time that the call takes."""
        seconds, share = self._call_seconds(), self._varied.random()
        self._clock.advance(seconds * share)
        try:
            value = self._sensor.read()
        finally:
            at = self._clock.elapsed_seconds()
            self._clock.advance(seconds * (1 - share))
        if seconds <= _LONGEST_CALL_SECONDS:
            self._answered(at, value)
        return value

    def _call_seconds(self) -> float:
        now = self._clock.elapsed_seconds()
        slower = sum(slow.seconds for slow in self._schedule.slow if slow.begin <= now < slow.end)
        seconds = (self._schedule.call_seconds + slower) * self._varied.uniform(0.7, 1.6)
        self.calls += 1
        self.busy_seconds += seconds
        return seconds

    def _answered(self, at: float, value: float) -> None:
        if self.first is None:
            self.first = self.last = at
        pause = at - self.last
        self.longest_pause_seconds = max(self.longest_pause_seconds, pause)
        if pause > LONGEST_PAUSE_SECONDS and not (self.spec.kind == "counter" and value > self._value):
            self.paused_seconds += pause
        self.last, self._value = at, value


class TimedSampledSensor(TimedSensor):
    """The same of a sensor whose driver keeps its readings."""

    def __init__(self, sensor: KeepsSamples, clock: SimulatedClock, schedule: Schedule, varied: random.Random) -> None:
        super().__init__(sensor, clock, schedule, varied)
        self._kept = sensor

    def kept_samples(self, after_microseconds: int) -> Sequence[Sample]:
        """What the driver keeps; the binding asks it twice."""
        seconds, share = self._call_seconds() + self._call_seconds(), self._varied.random()
        self._clock.advance(seconds * share)
        try:
            found = self._kept.kept_samples(after_microseconds)
        finally:
            at = self._clock.elapsed_seconds()
            self._clock.advance(seconds * (1 - share))
        if found and seconds <= _LONGEST_CALL_SECONDS:
            self._answered(at, found[-1][1])
        return found


def timed(sensor: Sensor, clock: SimulatedClock, schedule: Schedule, varied: random.Random) -> TimedSensor:
    """The sensor with calls that take simulated time."""
    if isinstance(sensor, KeepsSamples):
        return TimedSampledSensor(sensor, clock, schedule, varied)
    return TimedSensor(sensor, clock, schedule, varied)


@dataclass(frozen=True, kw_only=True)
class Watch:
    """What one sensor answered: the share of the run, from when to when, and its longest pause."""

    share: float
    lead_seconds: float
    tail_seconds: float
    longest_pause_seconds: float
    calls: int = 0
    busy_seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A schedule's end: what the recording says of the GPU's energy, and the truth of the same window.

    ``value``, ``low`` and ``high`` are in joules; ``counter`` and ``gauge`` say how the sensors answered,
    ``driver_share`` for which share of the time calls of all sensors kept the driver busy.
    """

    seed: int
    device: str
    faults: tuple[str, ...]
    duration: float
    truth: float
    value: float | None
    low: float | None
    high: float | None
    method: str | None
    coverage: float | None
    reason: str | None
    counter: Watch | None
    gauge: Watch | None
    gauge_sees_all: bool
    gauge_window: float
    notes: tuple[str, ...]
    driver_share: float = 0.0

    @property
    def held(self) -> bool:
        """Whether the interval holds the truth; one without an upper bound holds what is above its low end."""
        if self.value is None:
            return self.low is None and self.high is None
        above = self.low is not None and self.low <= self.truth
        return above and (self.high is None or self.truth <= self.high)

    @property
    def width(self) -> float | None:
        """(high - low) / value, or ``None`` without a value or an upper bound."""
        if not self.value or self.low is None or self.high is None:
            return None
        return (self.high - self.low) / self.value

    @property
    def error(self) -> float | None:
        """How far the value is from the truth, as a share of it; gaps are part of the error."""
        return None if self.value is None else self.value / self.truth - 1

    @property
    def lasts(self) -> bool:
        """Whether some GPU sensor gave readings over 95 % of the run, and until its end."""
        watches = [watch for watch in (self.counter, self.gauge) if watch is not None]
        return any(watch.share >= 0.95 and watch.tail_seconds <= LONGEST_PAUSE_SECONDS for watch in watches)


def run(schedule: Schedule) -> Outcome:
    """The recording of one schedule and the truth of its window."""
    with tempfile.TemporaryDirectory(prefix="cardcallback-schedule-") as folder:
        simulation = Simulation(schedule.profile(), Path(folder), driven=True)
        with simulation.in_process(reset_nvml):
            return _run(schedule, simulation)


def _run(schedule: Schedule, simulation: Simulation) -> Outcome:
    if simulation.clock is None:
        msg = "a schedule needs a driven clock"
        raise TypeError(msg)
    clock = SimulatedClock(simulation.clock, schedule.wake_up_seconds)
    varied = random.Random(schedule.seed + 1_000_003)  # noqa: S311 - it has to vary, and to come again
    clock.advance(schedule.begin)
    late = schedule.late_seconds > 0
    # The device is met before anything goes wrong with it: a driver that is broken at once has nothing to measure.
    sensors = SensorSet() if late else _open(clock, schedule, varied)
    recorder = Recorder(sensors, clock=clock, early=EarlyReading())
    begin = clock.elapsed_seconds()
    happenings = sorted(
        [(at, seconds, clock.advance) for at, seconds in schedule.stalls]
        + [(at, seconds, clock.suspend) for at, seconds in schedule.suspends],
        key=lambda one: one[0],
    )
    while clock.elapsed_seconds() < schedule.end:
        now = clock.elapsed_seconds()
        if late and now >= schedule.begin + schedule.late_seconds:
            late, sensors = False, _open(clock, schedule, varied)
            recorder.join(sensors, sensors)
        wait = min(recorder.sample_due(), _LONGEST_WAIT_SECONDS) if not late else 0.05
        clock.wake_up()
        now = clock.elapsed_seconds()
        wait += varied.expovariate(1 / schedule.jitter_seconds)
        if happenings and happenings[0][0] <= now + wait:
            at, seconds, happen = happenings.pop(0)
            clock.advance(max(at - now, 0.0))
            happen(seconds)
        else:
            clock.advance(min(wait, max(schedule.end - now, 1e-6)))
    end = clock.elapsed_seconds()
    recording = recorder.stop()
    truth = simulation.true_joules(begin, end, rail=schedule.kind.rail)
    return _outcome(schedule, recording, truth, _watches(sensors, begin, end))


def _open(clock: SimulatedClock, schedule: Schedule, varied: random.Random) -> SensorSet:
    opened = open_nvml({"CARDCALLBACK_SIMULATED": "1"})
    slowed = tuple(timed(sensor, clock, schedule, varied) for sensor in opened.sensors)
    return replace(opened, sensors=slowed)


def _watches(sensors: SensorSet, begin: float, end: float) -> dict[str, Watch]:
    watches = {}
    for sensor in sensors.sensors:
        if isinstance(sensor, TimedSensor) and sensor.first is not None:
            seconds = sensor.last - sensor.first - sensor.paused_seconds
            watches[sensor.spec.quantity] = Watch(
                share=seconds / (end - begin),
                lead_seconds=sensor.first - begin,
                tail_seconds=end - sensor.last,
                longest_pause_seconds=sensor.longest_pause_seconds,
                calls=sensor.calls,
                busy_seconds=sensor.busy_seconds,
            )
    return watches


def _outcome(schedule: Schedule, recording: Recording, truth: float, watches: dict[str, Watch]) -> Outcome:
    gpu = recording.energy.gpu
    return Outcome(
        seed=schedule.seed,
        device=schedule.kind.name,
        faults=tuple(schedule.faults),
        duration=recording.duration_seconds,
        truth=truth,
        value=gpu.value,
        low=gpu.recording_low,
        high=gpu.recording_high,
        method=gpu.method,
        coverage=gpu.coverage,
        reason=gpu.reason,
        counter=watches.get("gpu_energy"),
        gauge=watches.get("gpu_power"),
        gauge_sees_all=schedule.kind.gauge_sees_all,
        gauge_window=schedule.kind.gauge.window,
        notes=recording.notes,
        driver_share=sum(watch.busy_seconds for watch in watches.values()) / recording.duration_seconds,
    )
