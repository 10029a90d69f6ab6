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
    beside = joined_blocks(blocks[change.first - 1 : change.first + 1])
    since = joined_blocks(blocks[change.first + 1 : -1])
    # What only the counter told between times of its new rate has that rate; beside the change, and after the latest
    # comparison, it may have either.
    corrected.counted_joules -= since.alone_joules * change.share / (1 + change.share)
    either_joules = max(beside.alone_joules + blocks[-1].alone_joules, 0.0)
    wrong_share = abs(change.share) / min(1 + change.share, 1.0)
    doubt_share = change.apart_before + min(power_doubt, _DEVIATIONS * change.scatter)
    corrected.rate_doubt_joules = doubt_share * after.whole.power_joules + wrong_share * either_joules
    corrected.rate_doubt_joules += _DEVIATIONS * change.scatter * abs(since.alone_joules)
    corrected.rate_doubt_joules += abs(beside.whole.counter_joules - beside.whole.power_joules)
    return corrected
