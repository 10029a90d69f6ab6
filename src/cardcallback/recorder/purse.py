"""What reading may take of a processor itself, driver's calls aside: paid in over time, spent by each wake-up."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Sequence

from cardcallback.recorder.accounts import account_key, has_account
from cardcallback.recorder.clock import Clock
from cardcallback.recorder.kinds import counts_energy, tells_power
from cardcallback.recorder.pace import spared_seconds
from cardcallback.recorder.schedule import Appointment

# Of one core: a thousandth for one GPU, five for eight; a tenth of it is left to what is there at the begin.
_SHARE_OF_ONE, _SHARE_OF_FURTHER = 0.00091, 0.00051
# So much of it is there from the begin, and never more: a run of a minute or two is read densely, and one of a quarter
# of an hour or more has had its share and no more.
_FULL_SECONDS = 90.0
# So much of a call is our own code around it, and the binding's.
_AROUND_CALL_SECONDS = 2e-5
# Whoever looks into the figures is told of each change of the distance, which costs more than a reading.
_NOTABLY = 1.25


class Purse:
    """What all threads of a recorder may still spend, and how much rarer what is optional is read for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._devices: dict[Hashable, int] = {}
        self._share = _SHARE_OF_ONE
        self._missing_seconds = 0.0  # until it is full
        self._paid_at: float | None = None
        self.stretch = 1.0  # at least; infinite while it is empty

    def read_for(self, reader: Hashable, devices: int) -> None:
        """So many accelerators are read by that reader."""
        with self._lock:
            self._devices[reader] = devices
            further = max(sum(self._devices.values()) - 1, 0)
            self._share = _SHARE_OF_ONE + further * _SHARE_OF_FURTHER

    def spend(self, now_seconds: float, seconds: float) -> None:
        """So much processor time was used until now."""
        with self._lock:
            paid_in = 0.0 if self._paid_at is None else self._share * (now_seconds - self._paid_at)
            full, self._paid_at = self._share * _FULL_SECONDS, now_seconds
            # What was spent beyond an empty purse is not owed: what had to be read is no reason to see less later.
            self._missing_seconds = min(max(self._missing_seconds + seconds - paid_in, 0.0), full)
            left = full - self._missing_seconds
            # As rarely as it is emptier: what is spent then comes to rest where as much is paid in.
            stretch = full / left if left > 0 else float("inf")
            if not 1 / _NOTABLY < stretch / self.stretch < _NOTABLY:
                self.stretch = stretch


class OwnTime:
    """One thread's processor time without its calls to a driver, paid from a purse.

    Args:
        clock: tells the thread's time.
        purse: pays for it.
    """

    def __init__(self, clock: Clock, purse: Purse) -> None:
        self._clock = clock
        self._purse = purse
        self._paid_for_seconds: float | None = None
        self._call_began_at = 0.0

    def pay(self, now_seconds: float) -> None:
        """Pay for all since the last time, sleeping and waking included; nothing at the first time."""
        used = self._clock.thread_seconds()
        if self._paid_for_seconds is not None:
            self._purse.spend(now_seconds, used - self._paid_for_seconds)
        self._paid_for_seconds = used

    def call_begins(self) -> None:
        """What follows is the driver's time."""
        self._call_began_at = self._clock.thread_seconds()

    def call_ends(self) -> None:
        """It is the thread's own again."""
        if self._paid_for_seconds is not None:
            seconds = self._clock.thread_seconds() - self._call_began_at
            self._paid_for_seconds += max(seconds - _AROUND_CALL_SECONDS, 0.0)


class Sparing:
    """How long a gauge waits for our own time's sake.

    Args:
        gauge: which.
        counter: of the same energy, beside which it is a witness as long as that is trusted; ``None`` without one.
        purse: pays for it.
    """

    def __init__(self, gauge: Appointment, counter: Appointment | None, purse: Purse) -> None:
        self._gauge = gauge
        self._counter = counter
        self._purse = purse

    def wait_seconds(self, paced_seconds: float, now_seconds: float) -> float:
        """Until its next reading, which would come after ``paced_seconds`` otherwise."""
        counter = self._counter
        if counter is not None and counter.trust.wants_all_of_the_gauge(now_seconds):
            return paced_seconds
        is_witness = counter is not None and counter.is_answering and not counter.trust.is_doubted(now_seconds)
        return spared_seconds(paced_seconds, self._gauge.interval_seconds, self._purse.stretch, is_witness=is_witness)


def let_spare(appointments: Sequence[Appointment], purse: Purse) -> None:
    """Gauges may be read more rarely for our own time's sake: most of all those that are witnesses of a counter."""
    having = [one for one in appointments if has_account(one.sensor.spec)]
    counters = {account_key(one.sensor.spec): one for one in having if counts_energy(one.sensor.spec)}
    for one in having:
        if tells_power(one.sensor.spec):
            one.counter = counters.get(account_key(one.sensor.spec))
            one.spared = Sparing(one, one.counter, purse).wait_seconds


def devices_read(appointments: Sequence[Appointment]) -> int:
    """How many accelerators are still read."""
    return len({one.sensor.spec.device for one in appointments if not one.retired} - {None})
