"""A counter whose rate changed, as an account in which power tells its energy from then on."""

from __future__ import annotations

from cardcallback.energy.blocks import joined_blocks
from cardcallback.energy.counter import CounterAccount
from cardcallback.energy.rates import RateChange

# How far off a rate may be that blocks of intervals tell, in what they usually scatter by.
_DEVIATIONS = 3.0


def corrected_since(account: CounterAccount, change: RateChange, power_doubt: float) -> CounterAccount:
    """The account as it is where power tells the counter's energy since the change.

    Power, which may be off by the share ``power_doubt``, is also as sure as the counter shows it to be: wrong as its
    rate may be, it is one rate throughout, from which power that is sampled by chance would stray.
    """
    blocks = account.agreement.blocks.all()
    after = joined_blocks(blocks[change.first :])
    differing = after.disputed.joined(after.ruled_out)
    corrected = account.copy()
    corrected.agreement = account.agreement.without(after)
    corrected.counted_joules += after.whole.power_joules - after.agreeing.counter_joules
    corrected.counted_seconds += differing.seconds
    corrected.bridged_joules -= differing.power_joules
    corrected.bridged_seconds -= differing.seconds
    corrected.pieces += 1
    # The change lies within one of the two blocks beside it; what only the counter told since then has its wrong rate.
    beside = joined_blocks(blocks[change.first - 1 : change.first + 1]).whole
    wrong_share = abs(change.share) / min(1 + change.share, 1.0)
    doubt_share = change.apart_before + min(power_doubt, _DEVIATIONS * change.scatter)
    corrected.rate_doubt_joules = doubt_share * after.whole.power_joules + wrong_share * max(after.alone_joules, 0.0)
    corrected.rate_doubt_joules += abs(beside.counter_joules - beside.power_joules)
    return corrected
