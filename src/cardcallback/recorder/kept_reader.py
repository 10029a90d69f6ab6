"""When a driver is asked for the readings it keeps, and whether those or single readings are entered."""

from __future__ import annotations

import contextlib
import itertools
import math
import statistics
from collections import deque
from collections.abc import Iterable, Sequence

from cardcallback.errors import SensorReadError
from cardcallback.recorder.budget import DRIVER_SHARE
from cardcallback.recorder.clock import Clock
from cardcallback.recorder.kept import STILL_CALLS, Kept, KeptReadings, Reading
from cardcallback.recorder.pace import paced_seconds
from cardcallback.recorder.schedule import Appointment
from cardcallback.sensors.base import KeepsSamples
from cardcallback.units import format_duration

_WANTED_SECONDS = 1.0
# Asked before the driver forgets, with room for a thread that is late.
_REACH_SHARE = 0.8
# So much of what a driver may be kept busy is theirs.
_LOAD_SHARE = 0.8 * DRIVER_SHARE
_COSTS_KEPT = 5
# The calls that prove them count too, over an hour.
_WITH_PROOF = 1.1
# One of its calls tells of seconds, and costs as much as several single readings: fewer are made early.
_GROWTH_SECONDS = 50.0
# Calls always as far apart would meet the samples always at the same age.
_VARIATION, _GOLDEN = 0.1, 0.618
# How long after samples did not hold up they are tried again, and at most.
_AGAIN_SECONDS, _LATEST_AGAIN_SECONDS = 5.0, 300.0
# What was told of the samples' distance is told anew when it has changed by so much.
_NOTABLY = 1.2
_IN_USE = (
    "{source}: the readings that the driver keeps itself, one every {step}, were used, after they had agreed with "
    "single readings."
)
_GIVEN_UP = (
    "{source}: after {when} the readings that the driver keeps did not hold up ({why}); single readings took their "
    "place until they did again."
)


def kept_readers(appointments: Iterable[Appointment]) -> dict[Appointment, KeptReader]:
    """One for each appointment whose driver keeps its readings."""
    kept = {one: one.sensor for one in appointments if isinstance(one.sensor, KeepsSamples)}
    return {one: KeptReader(one, sensor, _LOAD_SHARE / len(kept)) for one, sensor in kept.items()}


class KeptReader:
    """Reads what a driver keeps of one appointment's sensor, at its own pace.

    Beside its own schedule it changes only the appointment's ``kept``.

    Args:
        appointment: of the sensor, while its readings are taken one by one.
        sensor: the same one.
        most_load: the share of the time for which its calls may keep the driver busy.
    """

    def __init__(self, appointment: Appointment, sensor: KeepsSamples, most_load: float) -> None:
        self._most_load = most_load
        self.appointment = appointment
        self.due_seconds = -math.inf
        self._sensor = sensor
        self._judge = KeptReadings(sensor.spec)
        self._trouble = ""
        self._again_seconds = _AGAIN_SECONDS
        self._costs: deque[float] = deque(maxlen=_COSTS_KEPT)
        self._reads = 0
        self._told: set[str] = set()
        self._single_at = -math.inf
        self._begun_at = math.inf
        self._sparse = False  # whether the mean of what one call gives is entered, since much lies between two

    def note_single(self, at_seconds: float, watts: float) -> None:
        """A single reading, by which those of the driver are judged."""
        self._judge.note_own(at_seconds, watts)
        self._single_at = at_seconds

    def can_be_read(self, now: float, *, lost: bool) -> bool:
        """Whether to ask at all: not while the device is ``lost``, and never again once nobody wants its readings."""
        if lost:
            self.give_up(now)
        elif self.appointment.retired:
            self.due_seconds = math.inf
        return not lost and not self.appointment.retired

    def read(self, clock: Clock, *, last: bool = False) -> Sequence[Reading]:
        """What came since the last time, on the clock's scale: nothing while it is only being judged."""
        began, began_awake = clock.elapsed_seconds(), clock.awake_seconds()
        try:
            if self._in_use or self.appointment.interval_seconds > _WANTED_SECONDS:
                self._read_beside(clock)
            samples = self._sensor.kept_samples(self._judge.newest_microseconds)
        except SensorReadError as error:
            self._trouble = str(error)
            return ()
        self._costs.append(clock.awake_seconds() - began_awake)
        self._reads += 1
        # The mean of two calls' would hide what lies between them.
        answer = self._judge.take(samples, clock.elapsed_seconds(), last=last or self._sparse)
        self._trouble = answer.trouble
        # What proves them is asked for soon: a few calls, as of any sensor when it is new.
        interval = self._paced_seconds(began) if self._judge.trusted else _WANTED_SECONDS
        self.due_seconds = began + interval * (1 - _VARIATION * (self._reads * _GOLDEN % 1))
        readings = [one for one in answer.readings if one[0] > self._single_at]
        if not self._in_use:
            self._sparse = self._is_sparse()
        return _as_one(readings) if self._sparse else readings

    def change(self, now: float, session_seconds: float) -> str | None:
        """Change to the driver's readings or back where the last call calls for it; what there is to tell of that."""
        was_in_use = self._in_use
        if self._trouble:
            why = self._trouble
            self.give_up(now)
            return self._sentence(_GIVEN_UP, when=format_duration(session_seconds), why=why) if was_in_use else None
        if not self._judge.trusted:
            return None
        self._sparse = self._is_sparse()
        apart = max(self._paced_seconds(now), self._interval_seconds) if self._sparse else self._judge.step_seconds
        known = self.appointment.kept
        if known is not None and 1 / _NOTABLY < apart / known.step_seconds < _NOTABLY:
            return None
        self.appointment.leave_to_driver(Kept(apart, (1 + STILL_CALLS) * self._interval_seconds, self._load))
        return self._sentence(_IN_USE, step=format_duration(self._judge.step_seconds))

    def give_up(self, now: float) -> None:
        """Single readings from now on; the driver's are judged anew after a while, ever later."""
        if self._in_use:
            self.appointment.take_again(now)
        self._judge.begin_again()
        self._trouble = ""
        self.due_seconds = now + self._again_seconds
        self._again_seconds = min(2 * self._again_seconds, _LATEST_AGAIN_SECONDS)

    @property
    def _in_use(self) -> bool:
        return self.appointment.kept is not None

    @property
    def _reach_seconds(self) -> float:
        """How far apart calls may be so that the driver forgets nothing between them."""
        return _REACH_SHARE * self._judge.most_samples * self._judge.step_seconds

    def _is_sparse(self) -> bool:
        """Whether asking often enough to miss nothing would keep the driver busy for too long."""
        affordable_seconds = self._cost_seconds / self._most_load
        return affordable_seconds > self._reach_seconds * (1 / _NOTABLY if self._sparse else 1.0)

    def _paced_seconds(self, now: float) -> float:
        self._begun_at = min(self._begun_at, now)
        return paced_seconds(self._interval_seconds, self._reach_seconds, now - self._begun_at, _GROWTH_SECONDS)

    @property
    def _interval_seconds(self) -> float:
        wanted = min(_WANTED_SECONDS, self._reach_seconds or _WANTED_SECONDS)
        return max(wanted, self._cost_seconds / self._most_load)

    @property
    def _load(self) -> float:
        return _WITH_PROOF * self._cost_seconds / self._interval_seconds

    @property
    def _cost_seconds(self) -> float:
        return statistics.median(self._costs) if self._costs else 0.0

    def _read_beside(self, clock: Clock) -> None:
        before = clock.elapsed_seconds()
        with contextlib.suppress(SensorReadError):  # what cannot be compared is no contradiction
            watts = self._sensor.read()
            self._judge.note_own((before + clock.elapsed_seconds()) / 2, watts)

    def _sentence(self, words: str, **values: str) -> str | None:
        """The first time; none after that."""
        if words in self._told:
            return None
        self._told.add(words)
        return words.format(source=self._sensor.spec.source, **values)


def _as_one(readings: Sequence[Reading]) -> Sequence[Reading]:
    """The mean over all of them, at their begin and at their end.

    What was not seen before and after is then judged by such means, not by the moments beside it.
    """
    if len(readings) <= 1:
        return ()
    begin, end = readings[0][0], readings[-1][0]
    joules = sum((after - before) * (one + other) / 2 for (before, one), (after, other) in itertools.pairwise(readings))
    mean = joules / (end - begin)
    return [(begin, mean), (end, mean)]
