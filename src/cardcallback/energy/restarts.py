"""Counters that may have begun anew while nothing watched, and be ahead again."""

from __future__ import annotations

from cardcallback.energy.intervals import Check, CounterPoint, watched_joules

# A counter that was read no more rarely than this went on being read: that was no pause.
LONGEST_USUAL_SECONDS = 5.0
# A counter that goes back so often is not one: a driver begins it anew with hours between.
_FEWEST_RESETS, _SECONDS_A_RESET = 2, 60.0


def keeps_going_back(resets: int, counted_seconds: float) -> bool:
    """Whether it went back so often that it hides further steps back in the intervals in which it went on."""
    return resets >= _FEWEST_RESETS and resets * _SECONDS_A_RESET > counted_seconds


def was_paused(earlier: CounterPoint | None, later: CounterPoint) -> bool:
    """Whether nothing was read between them for longer than readings are apart, as while the machine was suspended."""
    if earlier is None or watched_joules(earlier.power, later.power) is not None:
        return False
    return later.at_seconds - earlier.at_seconds > LONGEST_USUAL_SECONDS


def may_have_begun_anew(earlier: CounterPoint, later: CounterPoint, check: Check, *, went_back: bool) -> bool:
    """Whether the counter, which is ahead of ``earlier``, may have gone back to zero unseen since.

    That of a device that was lost may, and one that ``went_back`` before. What it shows it has counted since: more
    than the device can have used shows that it went on. How much that is its limit tells where nobody knows what the
    device did meanwhile, and what was seen of it where the counter was read as ever and only the gauge was not.
    """
    if watched_joules(earlier.power, later.power) is not None:
        return False
    if later.after_loss:
        return later.joules <= check.allowed_joules
    usual = later.at_seconds - earlier.at_seconds <= LONGEST_USUAL_SECONDS
    most_joules = min(check.most_joules, check.allowed_joules) if usual else check.allowed_joules
    return went_back and later.power is not None and later.joules <= most_joules
