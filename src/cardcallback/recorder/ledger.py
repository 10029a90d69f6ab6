"""Where each reading goes: energy accounts, peaks, medians and traces. No thread, no clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from cardcallback.record import PhaseSpan, Point, Trace
from cardcallback.recorder.accounts import AccountKey, OpenAccount, account_key, has_account, open_accounts, read_every
from cardcallback.recorder.health import DeviceHealth, Trouble, clock_norm
from cardcallback.recorder.keepers import Median, Peak, Reasons
from cardcallback.recorder.kinds import interval_of
from cardcallback.recorder.opening import SensorKey, sensor_key
from cardcallback.recorder.shared_meters import SharedMeters
from cardcallback.recorder.traces import Reduction, ThinnedTrace
from cardcallback.sensors.base import DeviceInfo, Quantity, SensorSet, SensorSpec
from cardcallback.units import HERTZ_PER_MEGAHERTZ

# More visits than anyone can see in a picture; the sums keep counting all of them.
_MOST_SPANS = 1000
# The session's place in a recording, which is of one; in a run of several it gets another as they are joined.
_ALONE = 0
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
        self._sampling_interval_seconds = sampling_interval_seconds
        self.accounts: dict[AccountKey, OpenAccount] = {}
        self.peaks: dict[Quantity, Peak] = {quantity: Peak() for quantity in _PEAKS}
        self.devices: dict[int, DeviceState] = {}
        self.withheld: frozenset[int] = frozenset()  # devices that are read, and of which nothing is told
        self.news: list[str] = []  # one line for each kind of trouble, when it was first seen to hold
        self._told: set[Trouble] = set()
        self._meters = SharedMeters()
        self.phase_times: dict[str, PhaseTime] = {}
        self.spans: deque[tuple[str, float, float]] = deque(maxlen=_MOST_SPANS)
        self.intervals: dict[SensorKey, float] = {}
        self._delivered: dict[SensorKey, float] = {}
        self._traces: dict[SensorKey, tuple[SensorSpec, ThinnedTrace]] = {}
        self.join(sensors)

    def join(self, sensors: SensorSet) -> None:
        """Take up the sensors that are not known yet; what is known of the others stays, told by their new specs."""
        known = set(self.intervals)
        new = tuple(one for one in sensors.sensors if sensor_key(one.spec) not in known)
        for key, opened in open_accounts(new, self._sampling_interval_seconds).items():
            if key not in self.accounts:
                self.accounts[key] = opened
                for span in self.spans:  # of before it opened, which is a gap in it
                    opened.account.mark_phase(*span)
        for info in sensors.devices:
            self.devices.setdefault(info.index, DeviceState(DeviceHealth(clock_norm(info))))
        self.describe(sensors.devices)
        for sensor in sensors.sensors:
            if sensor_key(sensor.spec) in known:
                self._describe(sensor.spec)
            else:
                self._open(sensor.spec)

    def describe(self, devices: Iterable[DeviceInfo]) -> None:
        """Of the devices that are known only these are told of."""
        self.withheld = frozenset(self.devices) - {info.index for info in devices}

    def with_shared_meters(self, sensors: SensorSet) -> SensorSet:
        """The same, in which devices that turned out to share a meter say so."""
        return sensors if len(self.devices) < 2 else replace(sensors, devices=self._meters.told(sensors.devices))

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

    def add(self, spec: SensorSpec, readings: Sequence[Point]) -> bool:
        """Readings of one sensor in order of time, at seconds since the session began.

        Returns:
            Whether they showed that the counter of the same energy misbehaves.
        """
        misbehaves = False
        if has_account(spec):
            account = self.accounts.get(account_key(spec))
            if account is not None:
                misbehaves = account.add(spec, readings)
                if spec.device is not None and len(self.devices) > 1:
                    self._compare(spec.device, readings, counted=spec.kind == "counter", account=account)
        else:
            for at_seconds, value in readings:
                self._add_state(spec, at_seconds, value)
        traced = self._traces.get(sensor_key(spec))
        if traced is not None:
            for at_seconds, value in readings:
                traced[1].add(at_seconds, value)
        return misbehaves

    def _compare(self, device: int, readings: Sequence[Point], *, counted: bool, account: OpenAccount) -> None:
        if counted or account.counter is None:
            add = self._meters.add if counted else self._meters.add_power
            for _, value in readings:
                add(device, value)

    def add_late(self, spec: SensorSpec, reading: Point, call_seconds: float) -> None:
        """A reading at the middle of a call too long to say when it was true; only a counter's tells something."""
        account = self.accounts.get(account_key(spec)) if has_account(spec) else None
        if account is not None:
            account.add_late(spec, reading, call_seconds)

    def _add_state(self, spec: SensorSpec, at_seconds: float, value: float) -> None:
        if spec.quantity in self.peaks:
            if spec.device not in self.withheld:
                self.peaks[spec.quantity].add(spec, at_seconds, value)
        elif spec.device in self.devices:
            self._note_state(spec.device, spec, at_seconds, value)

    def note_loss(self, device: int | None) -> None:
        """A device was lost and is back: its counter may have begun anew."""
        opened = self.accounts.get(AccountKey("gpu", device))
        if opened is not None:
            opened.account.note_loss()

    def note_sleeps(self, sleeps: Iterable[tuple[float, float]]) -> None:
        """The machine was suspended in these times, and so may its devices have been."""
        for begin_seconds, end_seconds in sleeps:
            for opened in self.accounts.values():
                opened.account.note_sleep(begin_seconds, end_seconds)

    def follow(
        self, spec: SensorSpec, interval_seconds: float, call_seconds: float, delivered_seconds: float = 0.0
    ) -> None:
        """From now on this sensor is read at another interval, by calls that take so long, and its figures say so.

        ``delivered_seconds``: how long after its time a reading may come.
        """
        key = sensor_key(spec)
        if (self.intervals.get(key), self._delivered.get(key, 0.0)) == (interval_seconds, delivered_seconds):
            return
        self._delivered[key] = delivered_seconds
        account = self.accounts.get(account_key(spec)) if has_account(spec) else None
        if account is not None:
            account.follow(key, interval_seconds, call_seconds, delivered_seconds)
        elif spec.quantity in self.peaks:
            peak = self.peaks[spec.quantity]
            peak.specs = [read_every(one, interval_seconds) if sensor_key(one) == key else one for one in peak.specs]
        self.intervals[key] = interval_seconds

    def as_read(self, spec: SensorSpec) -> SensorSpec:
        """The spec with the interval at which the sensor is really read."""
        return read_every(spec, self.intervals.get(sensor_key(spec), spec.interval_seconds))

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

    def traces(self) -> tuple[Trace, ...]:
        """Every trace that has a point."""
        made = []
        for spec, trace in self._traces.values():
            points = () if spec.device in self.withheld else trace.points()
            if points:
                made.append(
                    Trace(
                        quantity=spec.quantity,
                        unit=spec.unit,
                        source=spec.source,
                        session=_ALONE,
                        device=spec.device,
                        reduction=trace.reduction,
                        points=points,
                    )
                )
        return tuple(made)

    def newest(self, quantity: Quantity, device: int | None) -> tuple[SensorSpec, Point] | None:
        """The newest reading of a traced quantity and its sensor, as it is read; None without one."""
        for spec, trace in self._traces.values():
            if spec.quantity == quantity and spec.device == device and trace.newest is not None:
                return self.as_read(spec), trace.newest
        return None

    def phase_spans(self) -> tuple[PhaseSpan, ...]:
        """The visits that are kept: the newest."""
        return tuple(
            PhaseSpan(phase=phase, session=_ALONE, begin_seconds=begin, end_seconds=end)
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
            if trouble not in self._told and device not in self.withheld:
                self._told.add(trouble)
                label = f"GPU {device}: " if len(self.devices) > 1 else ""
                self.news.append(label + state.health.warning(trouble))
