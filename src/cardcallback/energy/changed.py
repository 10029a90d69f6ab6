"""A counter whose rate changed, as an account in which power tells its energy from then on."""

from __future__ import annotations

import math

from cardcallback.energy.agreement import Agreement
from cardcallback.energy.blocks import joined_blocks
from cardcallback.energy.counter import CounterAccount
from cardcallback.energy.rates import RateChange

# How far off a rate may be that blocks of intervals tell, in what they usually scatter by.
_DEVIATIONS = 3.0
# It is looked for again where so much more was compared: to look costs several times what the rest of a result does.
_MORE = 1.1


class RateWatch:
    """Keeps what was found the last time, for those who ask every second."""

    def __init__(self, *, gauge_may_lock: bool) -> None:
        self._gauge_may_lock = gauge_may_lock
        self._found: RateChange | None = None
        self._compared_seconds, self._intervals_each = -math.inf, 0

    def change(self, agreement: Agreement, *, anew: bool) -> RateChange | None:
        """The counter's change of rate; unless ``anew`` perhaps as it was a moment ago."""
        compared_seconds, intervals_each = agreement.watched_seconds, agreement.blocks.intervals_each
        known = intervals_each == self._intervals_each and compared_seconds <= _MORE * self._compared_seconds
        if anew or not known:
            self._found = agreement.rate_change(gauge_may_lock=self._gauge_may_lock)
            self._compared_seconds, self._intervals_each = compared_seconds, intervals_each
        return self._found


def corrected_since(account: CounterAccount, change: RateChange, power_doubt: float) -> CounterAccount:
    """The account as it is where power tells the counter's energy since the change.

    Power, which may be off by the share ``power_doubt``, is also as sure as the counter shows it to be: wrong as its
    rate may be, it is one rate throughout, from which power that is sampled by chance would stray.
    """
    blocks = account.agreement.blocks.all()
    after = joined_blocks(blocks[change.first :])
    differing = after.differing
    corrected = account.copy()
    corrected.agreement = account.agreement.without(after)
    corrected.counted_joules += after.whole.power_joules - after.agreeing.counter_joules
    corrected.counted_seconds += differing.seconds
    corrected.bridged_joules -= differing.power_joules
    corrected.bridged_seconds -= differing.seconds
    corrected.pieces += 1
    beside = joined_blocks(blocks[change.first - 1 : change.first + 1])
    since = joined_blocks(blocks[change.first + 1 : -1])
    # What only the counter told between times of its new rate has that rate; beside the change, and after the latest
    # comparison, it may have either.
    corrected.counted_joules -= since.alone_joules * change.share / (1 + change.share)
    either_joules = max(beside.alone_joules + blocks[-1].alone_joules, 0.0)
    doubt_share = change.apart_before + min(power_doubt, _DEVIATIONS * change.scatter)
    corrected.rate_doubt_joules = doubt_share * after.whole.power_joules + change.wrong_share * either_joules
    corrected.rate_doubt_joules += _DEVIATIONS * change.scatter * abs(since.alone_joules)
    corrected.rate_doubt_joules += abs(beside.whole.counter_joules - beside.whole.power_joules)
    return corrected
