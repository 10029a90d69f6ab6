"""Random fault schedules, each drawn from its seed alone: a device, its work, and what goes wrong when."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from random_devices import KINDS, SAMPLED, DeviceKind, log_uniform, random_work, silenced
from simulated import CounterFault, Fault, Profile, SamplesFault, Waveform

SHORTEST_SECONDS, LONGEST_SECONDS = 60.0, 7200.0
# What a wake-up takes of a processor on a machine that has little else to do.
QUIET_WAKE_UP_SECONDS = 6e-5
_LOST, _UNKNOWN_ERROR = 15, 999
_COUNTER_CALL = "nvmlDeviceGetTotalEnergyConsumption"
# Peak noise of a gauge, as a share of the device's highest power: no real one repeats itself to the milliwatt.
_NOISE = (1e-4, 5e-3)
# How many faults a schedule has, as weights for 0, 1, 2 and 3.
_HOW_MANY = (10, 45, 30, 15)


@dataclass(frozen=True, kw_only=True)
class SlowCalls:
    """From ``begin`` to ``end`` every call takes ``seconds`` longer."""

    begin: float
    end: float
    seconds: float


@dataclass(kw_only=True)
class Schedule:
    """One run and everything that happens in it; times are seconds on the simulation's clock.

    ``late_seconds`` is how long after the begin the sensors open, ``call_seconds`` what one call takes,
    ``wake_up_seconds`` what the sampler itself takes of a processor when it wakes, ``jitter_seconds`` how late it
    usually does, ``noise_watts`` by how much a gauge's readings flicker at most. ``stalls`` and
    ``suspends`` are (when, how long).
    """

    seed: int
    kind: DeviceKind
    begin: float
    duration: float
    work: Waveform
    call_seconds: float
    jitter_seconds: float
    wake_up_seconds: float = QUIET_WAKE_UP_SECONDS
    noise_watts: float = 0.0
    faults: list[str] = field(default_factory=list)
    late_seconds: float = 0.0
    stalls: list[tuple[float, float]] = field(default_factory=list)
    suspends: list[tuple[float, float]] = field(default_factory=list)
    slow: list[SlowCalls] = field(default_factory=list)
    counter_faults: list[CounterFault] = field(default_factory=list)
    counter_window: float = 0.0
    counter_modulus: int = 0
    calls: list[Fault] = field(default_factory=list)
    samples_faults: list[SamplesFault] = field(default_factory=list)

    @property
    def end(self) -> float:
        """When the run is to end."""
        return self.begin + self.duration

    @property
    def mean_watts(self) -> float:
        """What the device really draws, on average."""
        return self.work.energy_joules(self.begin, self.end) / self.duration

    def profile(self) -> Profile:
        """The machine as the simulator takes it."""
        device = self.kind.device
        counter = device.counter
        if counter is not None:
            counter = replace(
                counter,
                window=self.counter_window,
                modulus=self.counter_modulus,
                faults=tuple(self.counter_faults),
            )
        meters = {name: replace(meter, noise=self.noise_watts) for name, meter in device.meters.items()}
        samples = device.samples
        if samples is not None:
            samples = replace(samples, faults=tuple(self.samples_faults))
        rail = {"waveform": self.work} if self.kind.rail == "gpu" else {"module_waveform": self.work}
        return Profile(
            name=f"schedule-{self.seed}",
            devices=(replace(device, counter=counter, samples=samples, meters=meters, **rail),),
            faults=tuple(self.calls),
        )


def draw(seed: int, *, sampled: bool = False) -> Schedule:
    """The schedule of ``seed``; always the same. ``sampled``: of the device whose driver keeps its readings."""
    varied = random.Random(seed)  # noqa: S311 - it has to vary, and to come again
    kind = varied.choice(KINDS)
    if sampled:
        kind = SAMPLED
    duration = log_uniform(varied, SHORTEST_SECONDS, LONGEST_SECONDS)
    begin = varied.uniform(35.0, 65.0)
    schedule = Schedule(
        seed=seed,
        kind=kind,
        begin=begin,
        duration=duration,
        work=random_work(varied, kind.highest_watts, begin, begin + duration),
        call_seconds=log_uniform(varied, 2e-5, 5e-4),
        jitter_seconds=log_uniform(varied, 1e-4, 2e-2),
        noise_watts=kind.highest_watts * log_uniform(random.Random(-seed - 1), *_NOISE),  # noqa: S311 - as above
    )
    possible = [*_ANY_DEVICE, *(_WITH_COUNTER if kind.has_counter else ())]
    possible += _WITH_SAMPLES if kind.device.samples is not None else ()
    count = varied.choices(range(len(_HOW_MANY)), _HOW_MANY)[0]
    chosen: list[str] = []
    while len(chosen) < count:
        name = varied.choice(possible)
        if name not in chosen:
            chosen.append(name)
    # In one order whatever was drawn first, since a sleep changes the work that others look at.
    for name in sorted(chosen, key=list(FAULTS).index):
        FAULTS[name](varied, schedule)
        schedule.faults.append(name)
    return schedule


def _when(varied: random.Random, schedule: Schedule) -> float:
    return schedule.begin + varied.random() * schedule.duration


def _span(varied: random.Random, schedule: Schedule, shortest: float, longest: float) -> tuple[float, float]:
    at = _when(varied, schedule)
    longest = max(min(longest, schedule.duration), shortest)
    return at, at + log_uniform(varied, shortest, longest)


def _suspend(varied: random.Random, schedule: Schedule) -> None:
    at, until = _span(varied, schedule, 5.0, 1800.0)
    schedule.suspends.append((at, until - at))
    if varied.random() < 0.8:  # else the GPU works on, as for a sleeping host of a GPU in another box
        schedule.work = silenced(schedule.work, at, until, varied.choice((0.0, 0.02 * schedule.kind.highest_watts)))
    # The run goes on for as long as was planned, awake.
    schedule.duration += until - at


def _stall(varied: random.Random, schedule: Schedule) -> None:
    for _ in range(varied.randint(1, 6)):
        schedule.stalls.append((_when(varied, schedule), log_uniform(varied, 0.1, 120.0)))


def _slow(varied: random.Random, schedule: Schedule) -> None:
    at, until = _span(varied, schedule, 5.0, 1200.0)
    schedule.slow.append(SlowCalls(begin=at, end=until, seconds=log_uniform(varied, 0.003, 3.0)))


def _late(varied: random.Random, schedule: Schedule) -> None:
    schedule.late_seconds = log_uniform(varied, 0.05, min(60.0, schedule.duration / 2))


def _reset(varied: random.Random, schedule: Schedule) -> None:
    for _ in range(varied.choice((1, 1, 1, 2, 5))):
        schedule.counter_faults.append(CounterFault(kind="reset", at=_when(varied, schedule)))


def _stuck(varied: random.Random, schedule: Schedule) -> None:
    at, until = _span(varied, schedule, 1.0, 1200.0)
    for_ever = varied.random() < 0.3
    schedule.counter_faults.append(CounterFault(kind="stuck", at=at, until=math.inf if for_ever else until))


def _step(varied: random.Random, schedule: Schedule) -> None:
    joules = varied.choice((1.0, 1.0, -1.0)) * schedule.mean_watts * log_uniform(varied, 0.1, 1e4)
    schedule.counter_faults.append(CounterFault(kind="step", at=_when(varied, schedule), amount=joules))


def _gain(varied: random.Random, schedule: Schedule) -> None:
    # A gain that two sensors do not tell apart, 2 %, is the instrument's own accuracy and not the recording's.
    factor = 1.0 + varied.choice((-1.0, 1.0)) * log_uniform(varied, 0.03, 0.5)
    at = varied.choice((-1000.0, _when(varied, schedule)))
    schedule.counter_faults.append(CounterFault(kind="gain", at=at, amount=factor))


def _wrap(varied: random.Random, schedule: Schedule) -> None:
    joules = schedule.mean_watts * schedule.duration * varied.uniform(0.2, 1.5)
    schedule.counter_modulus = max(int(joules * 1e3), 1)


def _partial(varied: random.Random, schedule: Schedule) -> None:
    schedule.counter_window = varied.choice((0.025, 0.05))


def _counter_error(varied: random.Random, schedule: Schedule) -> None:
    at, until = _span(varied, schedule, 0.5, 600.0)
    schedule.calls.append(Fault(call=_COUNTER_CALL, code=_UNKNOWN_ERROR, at=at, until=until))


def _power_error(varied: random.Random, schedule: Schedule) -> None:
    at, until = _span(varied, schedule, 0.5, 600.0)
    schedule.calls.append(Fault(call=schedule.kind.power_call, code=_UNKNOWN_ERROR, at=at, until=until))


def _power_value(schedule: Schedule, watts: float, at: float, until: float) -> None:
    value = max(round(watts * 1e3), 0)
    schedule.calls.append(Fault(call=schedule.kind.power_call, value=value, at=at, until=until))


def _zero(varied: random.Random, schedule: Schedule) -> None:
    _power_value(schedule, 0.0, *_span(varied, schedule, 0.5, 600.0))


def _spike(varied: random.Random, schedule: Schedule) -> None:
    for _ in range(varied.randint(1, 4)):
        at = _when(varied, schedule)
        watts = schedule.kind.highest_watts * log_uniform(varied, 1.5, 40.0)
        _power_value(schedule, watts, at, at + varied.choice((0.1, 0.5, 1.1)))


def _stale(varied: random.Random, schedule: Schedule) -> None:
    at, until = _span(varied, schedule, 1.0, 600.0)
    window = max(schedule.kind.gauge.window, 1e-3)
    _power_value(schedule, schedule.work.energy_joules(at - window, at) / window, at, until)


def _driver_error(varied: random.Random, schedule: Schedule) -> None:
    at, until = _span(varied, schedule, 0.5, 600.0)
    schedule.calls.append(Fault(call="*", code=_UNKNOWN_ERROR, at=at, until=until))


def _lost(varied: random.Random, schedule: Schedule) -> None:
    schedule.calls.append(Fault(call="*", code=_LOST, at=_when(varied, schedule)))


def _comes_back(varied: random.Random, schedule: Schedule) -> None:
    at, until = _span(varied, schedule, 1.0, 600.0)
    schedule.calls.append(Fault(call="*", code=_LOST, at=at, until=until))


def _samples_error(varied: random.Random, schedule: Schedule) -> None:
    at, until = _span(varied, schedule, 0.5, 600.0)
    schedule.calls.append(Fault(call="nvmlDeviceGetSamples", code=_UNKNOWN_ERROR, at=at, until=until))


def _samples_fault(varied: random.Random, schedule: Schedule) -> None:
    at, until = _span(varied, schedule, 0.5, 600.0)
    kind = varied.choice(("clock", "stuck", "gain", "hole", "slow"))
    amount = {
        "clock": varied.choice((-1.0, 1.0)) * log_uniform(varied, 1e-3, 1e4),
        "gain": log_uniform(varied, 0.5, 2.0),
        "slow": float(varied.randint(2, 100)),
    }.get(kind, 0.0)
    schedule.samples_faults.append(SamplesFault(kind=kind, at=at, until=until, amount=amount))


FAULTS: dict[str, Callable[[random.Random, Schedule], None]] = {
    "suspend": _suspend,
    "stalls": _stall,
    "slow calls": _slow,
    "late start": _late,
    "counter reset": _reset,
    "counter stuck": _stuck,
    "counter step": _step,
    "counter gain": _gain,
    "counter wrap": _wrap,
    "counter partial": _partial,
    "counter errors": _counter_error,
    "power errors": _power_error,
    "power zero": _zero,
    "power spike": _spike,
    "power stale": _stale,
    "driver errors": _driver_error,
    "lost": _lost,
    "lost and back": _comes_back,
    "samples errors": _samples_error,
    "samples wrong": _samples_fault,
}
_WITH_COUNTER = tuple(name for name in FAULTS if name.startswith("counter"))
_WITH_SAMPLES = tuple(name for name in FAULTS if name.startswith("samples"))
_ANY_DEVICE = tuple(name for name in FAULTS if not name.startswith(("counter", "samples")))
