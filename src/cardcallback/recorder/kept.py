"""Readings that a driver keeps: proven beside our own before they are used, and given up when they do not hold up."""

from __future__ import annotations

import bisect
import itertools
import math
import statistics
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from cardcallback.sensors.base import Sample, SensorSpec

Reading = tuple[float, float]  # seconds on our clock, watts

_SECONDS_PER_MICROSECOND = 1e-6
# As far as an unseen stretch is interpolated: longer, the samples do not cover the time.
_LONGEST_HOLE_SECONDS = 0.5
# A buffer that is full may give an entry more or less.
_FULL_SHARE = 0.9
# A clock that is stepped moves by more; one that is slewed, or a call that is held up, by less.
_SET_SECONDS = 0.1
_LAGS_KEPT = 16
# A gauge that is seen only now and then, always as far apart, can lock onto work that repeats no slower.
_LONGEST_STEP_SECONDS = 0.05
_STEP_REFRESHES = 1.5
# The same value is shown by a reading of our own and by the samples around it, but for what changes in between.
_AROUND_SECONDS = 0.06
_AROUND_STEPS = 3
_TOLERANCE_WATTS, _TOLERANCE_SHARE = 1.0, 0.02
_AGREEING_SHARE = 0.9
# Proven by so many calls, each beside a reading of our own or more; not proven by so many; refuted by so many in a row.
_FEWEST_CALLS, _MOST_CALLS, _MOST_DOUBTFUL = 3, 12, 3
# One value over and over, to the milliwatt, is hardly a load: it waits for so many readings of our own.
_STILL_SAMPLES, STILL_CALLS = 20, 3
_OWN_KEPT = 128
_SET, _LATE, _DIFFER = "their clock was set", "no new ones came", "they differ from readings of our own"


@dataclass(frozen=True, slots=True)
class Kept:
    """That a sensor's readings come from its driver: so far apart, so late at most, at such a share of its time."""

    step_seconds: float
    delivered_seconds: float
    load: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What one call for samples gave: readings that are trusted, and why no more are to be, where that is so."""

    readings: Sequence[Reading] = ()
    trouble: str = ""


class _StampClock:
    """From a driver's stamps to our clock, whatever clock the driver has: the newest sample is never from the future.

    The least of the latest distances is that of a sample which was just taken.
    """

    def __init__(self) -> None:
        self._lags: deque[float] = deque(maxlen=_LAGS_KEPT)
        self.offset_seconds = 0.0

    def follow(self, newest_seconds: float, now: float) -> str:
        """What is wrong with the stamp of the newest sample as of ``now``; nothing is the empty string."""
        lag = now - newest_seconds
        if self._lags and lag < self.offset_seconds - _SET_SECONDS:
            return _SET
        late = bool(self._lags) and lag > self.offset_seconds + _LONGEST_HOLE_SECONDS
        self._lags.append(lag)
        self.offset_seconds = min(self._lags)
        return _LATE if late else ""


class KeptReadings:
    """Judges a driver's samples call by call: first only beside our own readings, then instead of them.

    Args:
        spec: of the sensor whose readings they are.
    """

    def __init__(self, spec: SensorSpec) -> None:
        self._longest_step = max(_STEP_REFRESHES * (spec.refresh_seconds or 0.0), _LONGEST_STEP_SECONDS)
        self.trusted = False
        self.begin_again()

    def begin_again(self) -> None:
        """Trust nothing that was learned until now."""
        self.trusted = False
        self.newest_microseconds = 0
        self.step_seconds = 0.0
        self.most_samples = 0
        self._clock = _StampClock()
        self._own: deque[Reading] = deque(maxlen=_OWN_KEPT)
        self._held: list[Reading] = []
        self._last_at = math.inf
        self._compared = self._calls = self._doubtful = self._still = 0

    def note_own(self, at_seconds: float, watts: float) -> None:
        """A reading of our own."""
        self._own.append((at_seconds, watts))

    def take(self, samples: Sequence[Sample], now: float, *, last: bool = False) -> Answer:
        """Judge the answer to a call that ended ``now``; ``last``: none may be kept back for the next."""
        fresh = sorted({stamp: watts for stamp, watts in samples if stamp > self.newest_microseconds}.items())
        known, self.most_samples = self.newest_microseconds > 0, max(self.most_samples, len(fresh))
        if fresh:
            self.newest_microseconds = fresh[-1][0]
        if not known:  # the first ones are of before, and may be of any time
            return Answer(trouble="" if fresh else _LATE)
        late = self._clock.follow(self.newest_microseconds * _SECONDS_PER_MICROSECOND, now)
        if late == _SET:
            return Answer(trouble=late)
        offset = self._clock.offset_seconds
        readings = [(stamp * _SECONDS_PER_MICROSECOND + offset, watts) for stamp, watts in fresh]
        trouble = late or self._spacing(readings)
        compared, agreeing = self._agreement(readings)
        self._own.clear()
        if self.trusted:
            return self._used(readings, trouble, disagree=agreeing < compared, last=last)
        if not trouble and agreeing < _AGREEING_SHARE * compared:
            trouble = _DIFFER
        self._calls += 1
        self._compared += compared
        self.trusted = not trouble and min(self._calls, self._compared) >= _FEWEST_CALLS
        if not self.trusted and self._calls >= _MOST_CALLS:
            trouble = trouble or "no reading of our own was beside them"
        return Answer(readings if self.trusted else (), trouble)

    def _used(self, readings: list[Reading], trouble: str, *, disagree: bool, last: bool) -> Answer:
        self._held += readings
        still = len(self._held) >= _STILL_SAMPLES and len({watts for _, watts in self._held}) == 1
        self._doubtful = self._doubtful + 1 if disagree else 0
        self._still = self._still + 1 if still else 0
        if disagree and (still or trouble or last or self._doubtful >= _MOST_DOUBTFUL):
            return Answer(trouble=trouble or _DIFFER)
        if disagree or (0 < self._still <= STILL_CALLS and not (trouble or last)):
            return Answer()
        released, self._held = self._held, []
        return Answer(released, trouble)

    def _spacing(self, readings: Sequence[Reading]) -> str:
        if not readings:
            return ""
        # Where the driver had no room for more, what lies before is what we came too late for.
        since_last = readings[0][0] - self._last_at if len(readings) < _FULL_SHARE * self.most_samples else 0.0
        self._last_at = readings[-1][0]
        steps = [after[0] - before[0] for before, after in itertools.pairwise(readings)]
        if max([since_last, *steps]) > _LONGEST_HOLE_SECONDS:
            return "they do not cover the time"
        self.step_seconds = statistics.median(steps) if steps else self.step_seconds
        return "they lie too far apart" if self.step_seconds > self._longest_step else ""

    def _agreement(self, readings: Sequence[Reading]) -> tuple[int, int]:
        """How many of our own readings could be compared, and how many agree."""
        compared = agreeing = 0
        around = max(_AROUND_SECONDS, _AROUND_STEPS * self.step_seconds)
        times = [at for at, _ in readings]
        for at, watts in self._own:
            near = readings[bisect.bisect_left(times, at - around) : bisect.bisect_right(times, at + around)]
            if near:
                values = [one for _, one in near]
                tolerance = _TOLERANCE_WATTS + _TOLERANCE_SHARE * max(values)
                compared += 1
                agreeing += min(values) - tolerance <= watts <= max(values) + tolerance
        return compared, agreeing
