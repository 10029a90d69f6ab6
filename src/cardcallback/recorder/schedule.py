"""When each sensor is read next."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

from cardcallback.recorder.call_costs import CALLS_TO_JUDGE, HELD_UP, SLOW_CALL_SECONDS, CallCosts
from cardcallback.recorder.kept import Kept
from cardcallback.recorder.kinds import (
    RARE_SECONDS,
    counts_energy,
    is_read_last,
    longest_interval_of,
    sight_seconds,
    tells_power,
    tells_state,
)
from cardcallback.recorder.pace import paced_seconds
from cardcallback.recorder.trust import Trust
from cardcallback.sensors.base import Sensor

# A sensor whose readings fail is asked less and less often, but not more rarely than this unless its calls cost
# more of the driver's time than they may: promptly at first, since most faults pass and each late reading is a gap.
_RETRIES_AT_ONCE = 4
_PROMPT_RETRIES = 30
_PROMPT_RETRY_SECONDS = 1.0
_LONGEST_RETRY_SECONDS = 5.0
_MOST_DOUBLINGS = 30
# Reading in step with the work is always wrong in the same direction, so the distance varies: by as much as it is
# long, over which work that repeats at that distance, or at a part of it, is met at every moment alike.
_VARIATION = 0.5
# A counter whose refresh nobody published is read closely at first, to see how often it moves: fifteen
# times at the tenth of a second that others show.
_CLOSE_SECONDS = 0.02
_CLOSE_READINGS = 80
# All of these close readings together may take so long: a slow driver is watched for a shorter time.
_CLOSE_COST_SECONDS = 0.04
# A counter that was not read for so long may have stopped meanwhile: it is read closely, to see whether it moves, for
# a part of the driver's time that the pause left over.
_LONG_PAUSE_SECONDS = 5.0
_CLOSE_READINGS_AFTER_PAUSE = 25
_CLOSE_SHARE = 0.0005
# A process has not put its model onto a device when training begins: what is read rarely is read again soon.
_SOON_SECONDS = 5.0
# While a driver takes so long, states wait for so many times as long as it has done so already.
_SLOW_STATES = 3.0
# But no longer than until its calls, which may be slow for ever, have had such a share of the time.
_SLOW_STATE_SHARE = 1e-4
# A call within which a second's mean would have changed by a good part.
_LONGEST_CALL_SECONDS = 0.5
# Answers that are late from the first on are asked for so many times later each, until they are as rare as they cost.
_LATE_FACTOR = 4.0
# Sensors that are due almost together are read in one go: waking up costs more than most readings.
TOGETHER_SECONDS = 0.01
_TOGETHER_SHARE = 0.05
# What is read so often loses nothing by being read up to half as much earlier beside another one, gauges of power
# apart: its readings stay as many. Rarer ones are few wake-ups.
_OFTEN_SECONDS, _EARLY_SHARE = 1.0, 0.5
# A call that may be made at a run's end without holding it up.
HARMLESS_CALL_SECONDS = 0.02


class Appointment:
    """One sensor with the time of its next reading.

    ``kept``: its readings come from what its driver keeps, and are not taken one by one.
    """

    def __init__(self, sensor: Sensor, interval_seconds: float) -> None:
        self.sensor = sensor
        # A spec never changes, and at each reading its kind decides.
        spec = sensor.spec
        self.tells_state, self._tells_power = tells_state(spec), tells_power(spec)
        self._sight_seconds, self._longest_interval_seconds = sight_seconds(spec), longest_interval_of(spec)
        self.wanted_seconds = interval_seconds
        self.interval_seconds = interval_seconds  # as the driver's cost allows it
        self.planned_seconds = interval_seconds  # from its latest reading to the next one, but for its variation
        self.due_seconds = -math.inf
        self.early_seconds = 0.0  # than due it is read where another one is
        self.reads = 0
        self.failures = 0
        self.faults = 0  # of our own, outside the sensor's reading
        self.retired = False
        self.kept: Kept | None = None
        self.counter: Appointment | None = None  # of the same energy, beside which it is a witness
        self.trust = Trust()  # for a counter
        self.spared: Callable[[float, float], float] | None = None  # how long to wait for our own time's sake
        self.last_failure = ""
        self._failures_in_a_row = 0
        self._failing_since = self._slow_since = math.inf
        self._late = 0
        self._found_lost = self._cost_is_known = False
        self.turned_quick = False  # its latest call, after many slow ones
        self.cries_wolf = False  # it says that its device is lost, and others of that device answer
        # The distance of readings has to vary, not to be unpredictable.
        self._variation = random.Random(0)  # noqa: S311
        self.last_cost_seconds = math.inf
        self.first_seconds = 0.0  # that its calls took before it was known how long they usually take
        self.costs = CallCosts(1) if interval_seconds >= RARE_SECONDS else CallCosts()
        unknown = counts_energy(spec) and spec.refresh_seconds is None
        self._close_readings = _CLOSE_READINGS if unknown else 0
        self._close_cost_seconds = _CLOSE_COST_SECONDS
        self._begun_at = self._succeeded_at = math.inf

    def succeeded(self, now_seconds: float, cost_seconds: float) -> None:
        """Book the next reading after one that took ``cost_seconds``."""
        self.reads += 1
        self._failures_in_a_row = 0
        self._found_lost = self.cries_wolf = False
        self._note_cost(now_seconds, cost_seconds)
        self._watch_closely_after(now_seconds - self._succeeded_at)
        self._succeeded_at = now_seconds
        self._begun_at = min(self._begun_at, now_seconds)
        in_time = self._late > 0 and cost_seconds <= _LONGEST_CALL_SECONDS
        self.turned_quick = in_time or self.costs.turned_quick(cost_seconds)
        if self.turned_quick:
            self._late, self.interval_seconds = 0, self.wanted_seconds
            self.costs.forget()
        if not self.waits_for_a_slow_driver:  # else it is asked later for that alone, until the driver is quick again
            self.costs.add(cost_seconds)
            self._cost_is_known = self._cost_is_known or self.usual_cost_seconds is not None
        if self.reads == 1 and self.wanted_seconds >= RARE_SECONDS and cost_seconds < HARMLESS_CALL_SECONDS:
            self._book(now_seconds, min(_SOON_SECONDS, self.interval_seconds))
        elif self._close_readings > 0 and cost_seconds <= self._close_cost_seconds:
            self._close_readings -= 1
            self._close_cost_seconds -= cost_seconds
            self._book(now_seconds, min(_CLOSE_SECONDS, self.interval_seconds))
        else:
            self._close_readings = 0
            soon = _LATE_FACTOR ** min(self.reads - self.failures, _MOST_DOUBLINGS) if self._late else math.inf
            wait = self._paced_seconds(now_seconds)
            self.planned_seconds = min(wait if self.spared is None else self.spared(wait, now_seconds), soon)
            self._book(now_seconds, self.planned_seconds)

    def _paced_seconds(self, now_seconds: float) -> float:
        if self.tells_state:  # energy comes first where a driver is slow for a while
            slow_seconds = min(
                _SLOW_STATES * (now_seconds - self._slow_since), self.last_cost_seconds / _SLOW_STATE_SHARE
            )
            return max(self.interval_seconds, slow_seconds)
        paced = paced_seconds(self.interval_seconds, self.wanted_seconds, now_seconds - self._begun_at)
        return min(paced, max(self._longest_interval_seconds, self.interval_seconds))

    @property
    def is_answering(self) -> bool:
        """Whether it is read, and its latest reading succeeded."""
        return not self.retired and self._failures_in_a_row == 0

    def book_anew(self) -> None:
        """Its interval was changed since its latest reading was made."""
        if self._failures_in_a_row == 0 and not self.retired and self.kept is None and self._succeeded_at < math.inf:
            self.due_seconds = self._succeeded_at + self.interval_seconds

    def _watch_closely_after(self, pause_seconds: float) -> None:
        long = max(_LONG_PAUSE_SECONDS, 2 * self.interval_seconds)
        if pause_seconds > long and counts_energy(self.sensor.spec):
            self._close_readings = max(self._close_readings, _CLOSE_READINGS_AFTER_PAUSE)
            self._close_cost_seconds = min(_CLOSE_SHARE * pause_seconds, _CLOSE_COST_SECONDS)

    def failed(self, now_seconds: float, reason: str, cost_seconds: float, share: float) -> None:
        """Book the next attempt after a reading that failed.

        Failures that go on end up with at most ``share`` of the time in calls of ``cost_seconds``; a single slow
        call is asked for again at once, since any driver may be held up.
        """
        self.last_failure = reason
        self.reads += 1
        self.failures += 1
        self.turned_quick = False
        self._failures_in_a_row += 1
        self._failing_since = now_seconds if self._failures_in_a_row == 1 else self._failing_since
        self.trust.doubt(now_seconds)
        self._note_cost(now_seconds, cost_seconds)
        # Every third call may fail by chance: waiting longer for the next would make gaps of it.
        doublings = max(self._failures_in_a_row - _RETRIES_AT_ONCE, 0)
        usual_seconds = min(self.planned_seconds, self.interval_seconds)
        delay = usual_seconds * 2 ** min(doublings, _MOST_DOUBLINGS)
        prompt = self._failures_in_a_row <= _PROMPT_RETRIES
        longest = _PROMPT_RETRY_SECONDS if prompt else _LONGEST_RETRY_SECONDS
        if not (prompt and self.last_call_was_harmless):
            # However slow, it is asked after as long as it has failed: what is missed is no longer than the trouble.
            longest = max(longest, min(cost_seconds / share, now_seconds - self._failing_since))
        self._book(now_seconds, max(min(delay, longest), usual_seconds))

    def _note_cost(self, now_seconds: float, cost_seconds: float) -> None:
        self.last_cost_seconds = cost_seconds
        if not self._cost_is_known and cost_seconds <= _LONGEST_CALL_SECONDS:  # longer ones are rare by themselves
            self.first_seconds += cost_seconds
        self._slow_since = min(self._slow_since, now_seconds) if cost_seconds > _LONGEST_CALL_SECONDS else math.inf

    @property
    def last_call_was_harmless(self) -> bool:
        """Whether it would have held up nothing."""
        return self.last_cost_seconds < HARMLESS_CALL_SECONDS

    @property
    def is_read_last(self) -> bool:
        """Whether a run's end needs it once more."""
        return is_read_last(self.sensor.spec, harmless=self.last_call_was_harmless)

    @property
    def waits_for_a_slow_driver(self) -> bool:
        """Whether it is asked later than usual, since its latest call was slow."""
        return self._slow_since < math.inf and (self._failures_in_a_row > 0 or self.tells_state)

    def ask_after_quick_call(self, now_seconds: float) -> None:
        """Its driver answered another one quickly: it is asked again at once if it waits for that."""
        if self.waits_for_a_slow_driver and not self.retired and self.kept is None:
            self.due_seconds = min(self.due_seconds, now_seconds)

    def judge_anew(self, now_seconds: float) -> None:
        """Its driver, which was slow throughout, is quick again: it is asked at once if its calls were slow, too."""
        if self.last_cost_seconds >= SLOW_CALL_SECONDS and not self.retired and self.kept is None:
            self.costs.forget()
            self.interval_seconds, self.due_seconds = self.wanted_seconds, min(self.due_seconds, now_seconds)

    def took_too_long(self, seconds: float) -> bool:
        """Whether an energy or power reading took so long that its time is not known well enough, usual calls apart."""
        spec = self.sensor.spec
        long = seconds > _LONGEST_CALL_SECONDS and not self.tells_state  # for the others no cost is asked
        return long and seconds > max(spec.interval_seconds / 2, HELD_UP * (self.usual_cost_seconds or 0.0))

    def is_always_late(self, cost_seconds: float) -> bool:
        """Whether no answer ever came in time: then late ones are all there is, as rarely as they cost."""
        if self.reads > self.failures:
            return False
        self._late += 1
        if self._late < CALLS_TO_JUDGE:
            return False
        self.costs.take_as_usual(cost_seconds)
        return True

    def found_lost(self, reason: str, retry_at: float) -> None:
        """It said that its device is lost: at ``retry_at`` another one is asked first, if there is any."""
        self.last_failure = reason
        self._found_lost = True
        self.due_seconds, self.early_seconds = max(self.due_seconds, retry_at + 2 * self.slack_seconds), 0.0

    def ask_by(self, now_seconds: float) -> None:
        """Its device, which was lost, answers another one: it is asked again at once where it said so too."""
        self.cries_wolf = self._found_lost
        if self._found_lost and not self.retired and self.kept is None:
            self.due_seconds = min(self.due_seconds, now_seconds)

    def _book(self, now_seconds: float, delay: float) -> None:
        if self.retired:  # by another thread, while it was read
            return
        # Else it cannot lock onto the work.
        if self._tells_power and max(self.interval_seconds, self.planned_seconds) > self._sight_seconds:
            delay *= 1 + _VARIATION * (2 * self._variation.random() - 1)
        # From the time it was due, so that the rate holds; from now after a stall, so that none is made up.
        on_time = self.due_seconds + delay
        self.due_seconds = on_time if on_time > now_seconds else now_seconds + delay
        settled = self._close_readings == 0 and self._failures_in_a_row == 0
        may_be_early = settled and delay <= _OFTEN_SECONDS and not self._tells_power
        self.early_seconds = _EARLY_SHARE * delay if may_be_early else self.slack_seconds

    def leave_to_driver(self, kept: Kept) -> None:
        """Its readings come from what its driver keeps."""
        self.kept = kept
        self.due_seconds = math.inf

    def take_again(self, now_seconds: float) -> None:
        """They are taken one by one again."""
        self.kept = None
        self.due_seconds = math.inf if self.retired else now_seconds

    @property
    def apart_seconds(self) -> float:
        """How far apart its readings lie: as the cost allows, or farther while it is paid back."""
        return max(self.planned_seconds, self.interval_seconds) if self.kept is None else self.kept.step_seconds

    @property
    def delivered_seconds(self) -> float:
        """How long after its time a reading may come."""
        return 0.0 if self.kept is None else self.kept.delivered_seconds

    def retire(self, reason: str) -> None:
        """It is not read any more."""
        self.retired = True
        self.last_failure = reason
        self.due_seconds = math.inf

    @property
    def slack_seconds(self) -> float:
        """How much earlier than due any sensor may be read."""
        return min(TOGETHER_SECONDS, _TOGETHER_SHARE * self.interval_seconds)

    @property
    def usual_cost_seconds(self) -> float | None:
        """How long a call takes; ``None`` before enough were made to tell."""
        return self.costs.usual_seconds

    @property
    def cost_is_new(self) -> bool:
        """Whether the cost is to be judged: as soon as it is known, and again after ever more readings."""
        return self.costs.are_new()
