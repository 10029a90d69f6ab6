"""How a driver that is too slow to be read often is read oftener while a run is young, and pays for it later.

And how much more rarely a gauge is read for the sake of our own processor time.
"""

from __future__ import annotations

# A run of a quarter of an hour has had its share of the driver's time and no more, however it was spread.
_PAID_BACK_SECONDS = 900.0
# At its begin the distance is so small a part of what the cost allows, and grows as the run does, so that the readings
# of a run of any length lie about as far apart as a part of that length ...
_YOUNG_SECONDS = 2.0
_GROWTH_SECONDS = 80.0
# ... up to nearly twice what the cost allows, until what was spent early is paid back.
_PAYING_BACK = 1.9
# Readings that are closer tell enough from the begin on.
_RARE_SECONDS = 2.0
# Where readings are draws, so many times as few make an interval twice as wide: for our own time's sake no wider. Of
# readings that lie far apart already each tells more.
_MOST_STRETCH, _ALONE_SECONDS = 4.0, 0.2
# A witness is needed about as often as its counter is read; rarer readings save no wake-up of their own.
_WITNESS_SECONDS = 1.0


def paced_seconds(
    affordable_seconds: float, wanted_seconds: float, age_seconds: float, growth_seconds: float = _GROWTH_SECONDS
) -> float:
    """How long to wait for the next reading.

    Args:
        affordable_seconds: the distance that a driver's calls may have all the time, by what they cost.
        wanted_seconds: the distance that loses nothing; never less.
        age_seconds: since the first reading.
        growth_seconds: at which age, about, it is as long as affordable; the longer, the more is spent early.
    """
    if affordable_seconds <= max(wanted_seconds, _RARE_SECONDS) or age_seconds >= _PAID_BACK_SECONDS:
        return affordable_seconds
    share = min((age_seconds + _YOUNG_SECONDS) / growth_seconds, _PAYING_BACK)
    return max(share * affordable_seconds, wanted_seconds)


def spared_seconds(paced_seconds: float, interval_seconds: float, stretch: float, *, is_witness: bool) -> float:
    """How long to wait for the next reading of a gauge while our own processor time is short.

    Args:
        paced_seconds: how long it would wait otherwise; never less.
        interval_seconds: the distance that its driver's calls may have.
        stretch: how many times as long it would best wait.
        is_witness: whether a counter beside it tells the energy.
    """
    longest = _WITNESS_SECONDS if is_witness else min(_MOST_STRETCH * interval_seconds, _ALONE_SECONDS)
    return max(min(stretch * paced_seconds, longest), paced_seconds)
