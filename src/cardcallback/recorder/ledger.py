"""Where each reading goes: energy accounts, peaks, medians and traces. No thread, no clock."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace

from cardcallback.energy import CounterTraits, EnergyAccount, PowerTraits
from cardcallback.record import PhaseSpan, Trace
from cardcallback.recorder.keepers import Median, Peak, Reasons
from cardcallback.recorder.opening import SensorKey, sensor_key
from cardcallback.recorder.schedule import interval_of
from cardcallback.recorder.traces import Reduction, ThinnedTrace
from cardcallback.sensors.base import Quantity, SensorSet, SensorSpec

# More visits than anyone can see in a picture; the sums keep counting all of them.
_MOST_SPANS = 1000
_PEAKS: tuple[Quantity, ...] = (
    "system_memory",
    "system_memory_total",
    "process_rss",
    "torch_allocated",
    "torch_reserved",
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
    "dram_energy": ("dram", "counter"),
}


@dataclass(frozen=True, slots=True)
class AccountKey:
    """One energy account: of a GPU, of the system, or of one CPU or DRAM counter (one per socket)."""

    group: str
    device: int | None = None
    source: str = ""
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
    """What one accelerator was doing."""

    clock: Median = field(default_factory=Median)
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
        self._sampling_interval_seconds = sampling_interval_seconds
        self.accounts: dict[AccountKey, OpenAccount] = {}
        self.peaks: dict[Quantity, Peak] = {quantity: Peak() for quantity in _PEAKS}
        self.devices: dict[int, DeviceState] = {}
        self.phase_times: dict[str, PhaseTime] = {}
        self.spans: deque[tuple[str, float, float]] = deque(maxlen=_MOST_SPANS)
        self.intervals: dict[SensorKey, float] = {}
        self._traces: dict[SensorKey, tuple[SensorSpec, ThinnedTrace]] = {}
        self.join(sensors)

    def join(self, sensors: SensorSet) -> None:
        """Take up the sensors that are not known yet; what is known of the others stays, told by their new specs."""
        known = set(self.intervals)
        new = tuple(one for one in sensors.sensors if sensor_key(one.spec) not in known)
        for key, opened in _open_accounts(replace(sensors, sensors=new), self._sampling_interval_seconds).items():
            self.accounts.setdefault(key, opened)
        for info in sensors.devices:
            self.devices.setdefault(info.index, DeviceState())
        for sensor in sensors.sensors:
            if sensor_key(sensor.spec) in known:
                self._describe(sensor.spec)
            else:
                self._open(sensor.spec)

    def _open(self, spec: SensorSpec) -> None:
        interval = interval_of(spec, self._sampling_interval_seconds)
        self.intervals.setdefault(sensor_key(spec), interval)
        if spec.quantity in _TRACED:
            reduction: Reduction = "mean" if _TRACED[spec.quantity] == "mean" else "maximum"
            self._traces[sensor_key(spec)] = (spec, ThinnedTrace(reduction, max(interval, 0.1)))
        if spec.quantity in self.peaks:
            self.peaks[spec.quantity].specs.append(self.as_read(spec))

    def _describe(self, spec: SensorSpec) -> None:
        key = sensor_key(spec)
        for peak in self.peaks.values():
            peak.specs = [self.as_read(spec) if sensor_key(one) == key else one for one in peak.specs]

    def add(self, spec: SensorSpec, at_seconds: float, value: float) -> None:
        """One reading, at seconds since the session began."""
        if spec.quantity in _ACCOUNTS:
            account = self.accounts.get(account_key(spec))
            if account is not None:
                account.add(spec, at_seconds, value)
        elif spec.quantity in self.peaks:
            self.peaks[spec.quantity].add(spec, at_seconds, value)
        elif spec.device is not None:
            _note_state(self.devices.setdefault(spec.device, DeviceState()), spec, at_seconds, value)
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


def account_key(spec: SensorSpec) -> AccountKey:
    """Which account a reading belongs to."""
    group = _ACCOUNTS[spec.quantity][0]
    if group == "gpu":
        return AccountKey(group, spec.device)
    if group == "system":
        return AccountKey(group)
    return AccountKey(group, spec.device, spec.source, spec.covers)


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
        )
        opened[key] = OpenAccount(account, counter, power, set_aside=set_aside)
    return opened


def _counter_traits(spec: SensorSpec) -> CounterTraits:
    return CounterTraits(refresh_seconds=spec.refresh_seconds, wraps_at=spec.wraps_at)


def _power_traits(spec: SensorSpec) -> PowerTraits:
    return PowerTraits(
        averaging_seconds=spec.averaging_seconds or 0.0,
        refresh_seconds=spec.refresh_seconds or 0.0,
        interval_seconds=spec.interval_seconds,
    )


def _note_state(state: DeviceState, spec: SensorSpec, at_seconds: float, value: float) -> None:
    if spec.quantity == "gpu_sm_clock":
        state.clock.add(value)
    elif spec.quantity == "gpu_temperature":
        state.temperature.add(spec, at_seconds, value)
    elif spec.quantity == "gpu_clock_event_reasons":
        state.reasons.add(value)
    elif spec.quantity == "gpu_other_processes":
        state.other_processes = max(int(value), state.other_processes or 0)
