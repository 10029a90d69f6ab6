"""Where each reading goes: energy accounts, peaks, medians and traces. No thread, no clock."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field, replace

from cardcallback.energy import CounterTraits, EnergyAccount, PowerTraits
from cardcallback.record import PhaseSpan, Trace
from cardcallback.recorder.health import DeviceHealth, Trouble, clock_norm
from cardcallback.recorder.keepers import Median, Peak, Reasons
from cardcallback.recorder.opening import SensorKey, sensor_key
from cardcallback.recorder.schedule import interval_of
from cardcallback.recorder.traces import ThinnedTrace
from cardcallback.sensors.base import Quantity, SensorSet, SensorSpec
from cardcallback.units import HERTZ_PER_MEGAHERTZ

# More visits than anyone can see in a picture; the sums keep counting all of them.
_MOST_SPANS = 1000
_PER_CENT = 0.01
# A reading of a state stands until the next but one would have been due.
_REACH = 2.5
_PEAKS: tuple[Quantity, ...] = (
    "system_memory",
    "system_memory_total",
    "memory_limit",
    "swap_used",
    "memory_stalled_some",
    "memory_stalled_all",
    "process_rss",
    "torch_allocated",
    "torch_reserved",
    "torch_allocated_now",
    "torch_reserved_now",
    "torch_devices",
    "gpu_process_memory",
)
_TRACED: dict[str, str] = {
    "gpu_power": "mean",
    "system_power": "mean",
    "system_memory": "maximum",
    "gpu_process_memory": "maximum",
    "process_rss": "maximum",
    "gpu_temperature": "maximum",
    "gpu_sm_clock": "mean",
}
_ACCOUNTS: dict[str, tuple[str, str]] = {
    "gpu_energy": ("gpu", "counter"),
    "gpu_power": ("gpu", "power"),
    "system_energy": ("system", "counter"),
    "system_power": ("system", "power"),
    "cpu_energy": ("cpu", "counter"),
    "cpu_power": ("cpu", "power"),
    "dram_energy": ("dram", "counter"),
    "other_energy": ("other", "counter"),
    "other_power": ("other", "power"),
}


@dataclass(frozen=True, slots=True)
class AccountKey:
    """One energy account: of a GPU, or of what one instrument beside it covers (one per socket)."""

    group: str
    device: int | None = None
    covers: str = ""


@dataclass(slots=True)
class OpenAccount:
    """An energy account with the sensors that feed it, and the counter's first reading."""

    account: EnergyAccount
    counter: SensorSpec | None
    power: SensorSpec | None
    first_counter: tuple[float, float] | None = None
    set_aside: SensorSpec | None = None  # a gauge of other parts of the machine than the counter's

    def follow(self, key: SensorKey, interval_seconds: float) -> None:
        """The sensor of that key is read at another interval from now on."""
        if self.counter is not None and sensor_key(self.counter) == key:
            self.counter = _read_every(self.counter, interval_seconds)
        elif self.power is not None and sensor_key(self.power) == key:
            self.power = _read_every(self.power, interval_seconds)
            self.account.read_power_every(interval_seconds)

    def add(self, spec: SensorSpec, at_seconds: float, value: float) -> None:
        """One reading of either sensor; a second sensor of the same kind is not counted twice."""
        if self.counter is not None and sensor_key(spec) == sensor_key(self.counter):
            self.first_counter = self.first_counter or (at_seconds, value)
            self.account.add_counter(at_seconds, value)
        elif self.power is not None and sensor_key(spec) == sensor_key(self.power):
            self.account.add_power(at_seconds, value)


@dataclass(slots=True)
class DeviceState:
    """What one accelerator was doing, and what held it back."""

    health: DeviceHealth
    clock: Median = field(default_factory=lambda: Median(HERTZ_PER_MEGAHERTZ))
    utilization: Median = field(default_factory=lambda: Median(_PER_CENT))
    temperature: Peak = field(default_factory=Peak)
    reasons: Reasons = field(default_factory=Reasons)
    other_processes: int | None = None


@dataclass(slots=True)
class PhaseTime:
    """Time and visits of one phase, whether its energy is known or not."""

    seconds: float = 0.0
    visits: int = 0


class Ledger:
    """All that a recording is made from; its size does not depend on the run's length."""

    def __init__(self, sensors: SensorSet, sampling_interval_seconds: float | None) -> None:
        self.accounts = _open_accounts(sensors, sampling_interval_seconds)
        self.peaks: dict[Quantity, Peak] = {quantity: Peak() for quantity in _PEAKS}
        self.devices = {info.index: DeviceState(DeviceHealth(clock_norm(info))) for info in sensors.devices}
        self.news: list[str] = []  # one line for each kind of trouble, when it was first seen to hold
        self._told: set[Trouble] = set()
        self.phase_times: dict[str, PhaseTime] = {}
        self.spans: deque[tuple[str, float, float]] = deque(maxlen=_MOST_SPANS)
        self.intervals: dict[SensorKey, float] = {}
        self._traces: dict[SensorKey, tuple[SensorSpec, ThinnedTrace]] = {}
        for sensor in sensors.sensors:
            spec = sensor.spec
            self.intervals.setdefault(sensor_key(spec), interval_of(spec, sampling_interval_seconds))
            if spec.quantity in _TRACED:
                trace = ThinnedTrace(
                    "mean" if _TRACED[spec.quantity] == "mean" else "maximum",
                    max(interval_of(spec, sampling_interval_seconds), 0.1),
                )
                self._traces[sensor_key(spec)] = (spec, trace)
            if spec.quantity in self.peaks:
                self.peaks[spec.quantity].specs.append(self.as_read(spec))

    def add(self, spec: SensorSpec, at_seconds: float, value: float) -> None:
        """One reading, at seconds since the session began."""
        if spec.quantity in _ACCOUNTS:
            account = self.accounts.get(account_key(spec))
            if account is not None:
                account.add(spec, at_seconds, value)
        elif spec.quantity in self.peaks:
            self.peaks[spec.quantity].add(spec, at_seconds, value)
        elif spec.device in self.devices:
            self._note_state(spec.device, spec, at_seconds, value)
        traced = self._traces.get(sensor_key(spec))
        if traced is not None:
            traced[1].add(at_seconds, value)

    def follow(self, spec: SensorSpec, interval_seconds: float) -> None:
        """From now on this sensor is read at another interval, and its figures say so."""
        key = sensor_key(spec)
        account = self.accounts.get(account_key(spec)) if spec.quantity in _ACCOUNTS else None
        if account is not None:
            account.follow(key, interval_seconds)
        elif spec.quantity in self.peaks:
            peak = self.peaks[spec.quantity]
            peak.specs = [_read_every(one, interval_seconds) if sensor_key(one) == key else one for one in peak.specs]
        self.intervals[key] = interval_seconds

    def as_read(self, spec: SensorSpec) -> SensorSpec:
        """The spec with the interval at which the sensor is really read."""
        return _read_every(spec, self.intervals.get(sensor_key(spec), spec.interval_seconds))

    def mark_phase(self, phase: str, begin_seconds: float, end_seconds: float) -> None:
        """One visit of a phase; what overlaps the visit before it is not counted twice."""
        if self.spans:
            begin_seconds = max(begin_seconds, self.spans[-1][2])
        begin_seconds = max(begin_seconds, 0.0)
        if end_seconds <= begin_seconds:
            return
        self.spans.append((phase, begin_seconds, end_seconds))
        time = self.phase_times.setdefault(phase, PhaseTime())
        time.seconds += end_seconds - begin_seconds
        time.visits += 1
        for open_account in self.accounts.values():
            open_account.account.mark_phase(phase, begin_seconds, end_seconds)

    def traces(self, session: int) -> tuple[Trace, ...]:
        """Every trace that has a point."""
        made = []
        for spec, trace in self._traces.values():
            points = trace.points()
            if points:
                made.append(
                    Trace(
                        quantity=spec.quantity,
                        unit=spec.unit,
                        source=spec.source,
                        session=session,
                        device=spec.device,
                        reduction=trace.reduction,
                        points=points,
                    )
                )
        return tuple(made)

    def phase_spans(self, session: int) -> tuple[PhaseSpan, ...]:
        """The visits that are kept: the newest."""
        return tuple(
            PhaseSpan(phase=phase, session=session, begin_seconds=begin, end_seconds=end)
            for phase, begin, end in self.spans
        )

    def _note_state(self, device: int, spec: SensorSpec, at_seconds: float, value: float) -> None:
        state = self.devices[device]
        if spec.quantity == "gpu_sm_clock":
            state.clock.add(value)
        elif spec.quantity == "gpu_utilization":
            state.utilization.add(value)
        elif spec.quantity == "gpu_temperature":
            state.temperature.add(spec, at_seconds, value)
        elif spec.quantity == "gpu_clock_event_reasons":
            state.reasons.add(value)
        elif spec.quantity == "gpu_other_processes":
            state.other_processes = max(int(value), state.other_processes or 0)
        reach = _REACH * self.intervals.get(sensor_key(spec), spec.interval_seconds)
        state.health.add(spec.quantity, spec.source, at_seconds, value, reach)
        for trouble in state.health.troubles():
            if trouble not in self._told:
                self._told.add(trouble)
                label = f"GPU {device}: " if len(self.devices) > 1 else ""
                self.news.append(label + state.health.warning(trouble))


def account_key(spec: SensorSpec) -> AccountKey:
    """Which account a reading belongs to."""
    group = _ACCOUNTS[spec.quantity][0]
    return AccountKey(group, spec.device, "" if group == "gpu" else spec.covers)


def _read_every(spec: SensorSpec, interval_seconds: float) -> SensorSpec:
    return replace(spec, interval_seconds=interval_seconds)


def _open_accounts(sensors: SensorSet, sampling_interval_seconds: float | None) -> dict[AccountKey, OpenAccount]:
    counters: dict[AccountKey, SensorSpec] = {}
    gauges: dict[AccountKey, SensorSpec] = {}
    for sensor in sensors.sensors:
        if sensor.spec.quantity in _ACCOUNTS:
            found = counters if _ACCOUNTS[sensor.spec.quantity][1] == "counter" else gauges
            interval = interval_of(sensor.spec, sampling_interval_seconds)
            found.setdefault(account_key(sensor.spec), _read_every(sensor.spec, interval))
    opened = {}
    for key in (*counters, *(key for key in gauges if key not in counters)):
        counter, power, set_aside = counters.get(key), gauges.get(key), None
        if counter is not None and power is not None and counter.scope != power.scope:
            # Unequal scopes are neither compared nor bridged with each other.
            power, set_aside = None, power
        account = EnergyAccount(
            counter=_counter_traits(counter) if counter is not None else None,
            power=_power_traits(power) if power is not None else None,
            limit_watts=_limit(counter, power),
        )
        opened[key] = OpenAccount(account, counter, power, set_aside=set_aside)
    return opened


def _counter_traits(spec: SensorSpec) -> CounterTraits:
    # A sensor asks to be read several times a turn: later than twice what it asks for is not sure any more.
    turn = spec.longest_interval_seconds
    return CounterTraits(
        refresh_seconds=spec.refresh_seconds,
        wraps_at=spec.wraps_at,
        turn_seconds=2 * turn if turn is not None else math.inf,
        resolution_joules=spec.resolution or 0.0,
    )


def _limit(*specs: SensorSpec | None) -> float | None:
    known = [spec.highest_watts for spec in specs if spec is not None and spec.highest_watts is not None]
    return max(known, default=None)


def _power_traits(spec: SensorSpec) -> PowerTraits:
    return PowerTraits(
        averaging_seconds=spec.averaging_seconds or 0.0,
        refresh_seconds=spec.refresh_seconds or 0.0,
        interval_seconds=spec.interval_seconds,
        resolution_watts=spec.resolution or 0.0,
    )
