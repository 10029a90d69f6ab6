"""The energy accounts of a recording: which sensors feed which, and what the accounting knows of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from cardcallback.energy import CounterTraits, EnergyAccount, PowerTraits
from cardcallback.record import Point
from cardcallback.recorder.kinds import interval_of
from cardcallback.recorder.opening import SensorKey, sensor_key
from cardcallback.sensors.base import DeviceInfo, Sensor, SensorSpec

_GROUPS: dict[str, tuple[str, str]] = {
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
    _troubles: int = 0

    def follow(self, key: SensorKey, interval_seconds: float, call_seconds: float, delivered_seconds: float) -> None:
        """The sensor of that key is read at another interval from now on, by calls that take so long.

        ``delivered_seconds``: how long after its time a reading of power may come.
        """
        if self.counter is not None and sensor_key(self.counter) == key:
            self.counter = read_every(self.counter, interval_seconds)
            self.account.note_call(call_seconds)
        elif self.power is not None and sensor_key(self.power) == key:
            self.power = read_every(self.power, interval_seconds)
            self.account.read_power_every(interval_seconds, delivered_seconds)

    def add_late(self, spec: SensorSpec, reading: Point, call_seconds: float) -> None:
        """A reading of a call too long to say when it was true: a counter's is kept until the next one."""
        if self.counter is not None and sensor_key(spec) == sensor_key(self.counter):
            self.account.add_late_counter(*reading, call_seconds)

    def add(self, spec: SensorSpec, readings: Sequence[Point]) -> bool:
        """Readings of either sensor in order of time; a second sensor of the same kind is not counted twice.

        Returns:
            Whether they showed that the counter misbehaves.
        """
        if self.counter is not None and sensor_key(spec) == sensor_key(self.counter):
            self.first_counter = self.first_counter or readings[0]
            for at_seconds, joules in readings:
                self.account.add_counter(at_seconds, joules)
        elif self.power is not None and sensor_key(spec) == sensor_key(self.power):
            for at_seconds, watts in readings:
                self.account.add_power(at_seconds, watts)
        return self._counter_misbehaves()

    def _counter_misbehaves(self) -> bool:
        """Whether it stands still, or did something else than to count since the latest time."""
        counter, before = self.account.counter, self._troubles
        if counter is None:
            return False
        self._troubles = sum(counter.events.values()) - counter.events.get("wrap", 0)
        return self._troubles > before or counter.still_at_the_end_seconds > counter.stillness_seconds


def has_account(spec: SensorSpec) -> bool:
    """Whether a sensor's readings are energy or power."""
    return spec.quantity in _GROUPS


def account_key(spec: SensorSpec) -> AccountKey:
    """Which account a reading belongs to."""
    group = _GROUPS[spec.quantity][0]
    return AccountKey(group, spec.device, "" if group == "gpu" else spec.covers)


def read_every(spec: SensorSpec, interval_seconds: float) -> SensorSpec:
    """The spec of the same sensor, read at another interval."""
    return replace(spec, interval_seconds=interval_seconds)


def open_accounts(sensors: Iterable[Sensor], sampling_interval_seconds: float | None) -> dict[AccountKey, OpenAccount]:
    """An account for each device and instrument that tells energy or power."""
    counters: dict[AccountKey, SensorSpec] = {}
    gauges: dict[AccountKey, SensorSpec] = {}
    for sensor in sensors:
        if has_account(sensor.spec):
            found = counters if _GROUPS[sensor.spec.quantity][1] == "counter" else gauges
            interval = interval_of(sensor.spec, sampling_interval_seconds)
            found.setdefault(account_key(sensor.spec), read_every(sensor.spec, interval))
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


def once_per_module(devices: Sequence[DeviceInfo]) -> tuple[DeviceInfo, ...]:
    """The devices whose energies may be added: of those in one module the first, which tells the module's."""
    seen: set[str] = set()
    kept = []
    for info in devices:
        if info.module is not None:
            if info.module in seen:
                continue
            seen.add(info.module)
        kept.append(info)
    return tuple(kept)


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
