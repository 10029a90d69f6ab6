"""Where counter and gauge watched together: how far they agree, and which of them stands where they do not."""

from __future__ import annotations

import copy

from cardcallback.energy.blocks import Block, Blocks
from cardcallback.energy.intervals import BothWays, Counted
from cardcallback.energy.rates import RateChange, rate_change

# Above this share of the intervals, counter and gauge disagree as such: neither is the one at fault.
_SYSTEMATIC_SHARE = 0.2
# Below this share of the energy it is not worth looking for the moment at which a counter's rate changed.
_NEGLIGIBLE_SHARE = 0.001


class Agreement:
    """Sums over the counter's intervals that the gauge watched too, by what came of comparing them."""

    def __init__(self) -> None:
        self.agreeing = BothWays()
        self.disputed = BothWays()  # bridged, though the device may have used what the counter says
        self.ruled_out = BothWays()  # bridged, since it cannot have
        self.blocks = Blocks()

    def count(self, interval: Counted) -> None:
        """One more interval that is counted: they agree in it, or only the counter watched it."""
        if (both := interval.both) is None:
            self.blocks.add_alone(interval.joules)
            return
        self.agreeing = self.agreeing.joined(both)
        self.blocks.add(Block(agreeing=both))

    def take_back(self, interval: Counted) -> None:
        """The newest of these is not counted any more."""
        if interval.both is None:
            self.blocks.add_alone(-interval.joules)
            return
        self._compare_less(interval.both)

    def compare_no_more(self, interval: Counted) -> None:
        """The newest of these is still counted, but the gauge had failed in it."""
        if interval.both is not None:
            self._compare_less(interval.both)
            self.blocks.add_alone(interval.joules)

    def _compare_less(self, both: BothWays) -> None:
        self.agreeing = self.agreeing.less(both)
        self.blocks.take_back(both)

    def refuse(self, both: BothWays, *, possible: bool) -> None:
        """One more interval in which they differ."""
        if possible:
            self.disputed = self.disputed.joined(both)
            self.blocks.add(Block(disputed=both))
        else:
            self.ruled_out = self.ruled_out.joined(both)
            self.blocks.add(Block(ruled_out=both))

    def without(self, part: Block) -> Agreement:
        """The same without the intervals of that part."""
        rest = self.copy()
        rest.agreeing = self.agreeing.less(part.agreeing)
        rest.disputed = self.disputed.less(part.disputed)
        rest.ruled_out = self.ruled_out.less(part.ruled_out)
        return rest

    def rate_change(self, *, gauge_may_lock: bool) -> RateChange | None:
        """The moment from which on the counter counts at another rate, if there is one that makes a difference."""
        whole = self.agreeing.joined(self.disputed).joined(self.ruled_out)
        if abs(whole.power_joules - whole.counter_joules) <= _NEGLIGIBLE_SHARE * whole.power_joules:
            return None
        return rate_change(self.blocks.all(), gauge_may_lock=gauge_may_lock)

    def copy(self) -> Agreement:
        """An independent copy."""
        twin = copy.copy(self)
        twin.blocks = self.blocks.copy()
        return twin

    @property
    def watched_seconds(self) -> float:
        """How long both watched, whatever came of comparing them."""
        return self.agreeing.seconds + self.disputed.seconds + self.ruled_out.seconds

    @property
    def disagrees_throughout(self) -> bool:
        """Whether counter and gauge differ so often that no single interval can be blamed."""
        return self.watched_seconds - self.agreeing.seconds > _SYSTEMATIC_SHARE * self.watched_seconds

    @property
    def trusted_against_gauge(self) -> BothWays:
        """The intervals in which the counter stands although the gauge says otherwise.

        All of them where they disagree throughout; else those that the device may have used, where the gauge is
        the weaker witness: readings in thousandths of a watt do not repeat under load, so that one that stands
        still has failed.
        """
        if self.disagrees_throughout:
            return self.disputed.joined(self.ruled_out)
        return self.disputed if self.disputed.weak_seconds > self.disputed.seconds / 2 else BothWays()

    @property
    def compared(self) -> BothWays:
        """The intervals over which counter and gauge are compared: without the few in which one of them failed."""
        if self.disagrees_throughout:
            return self.agreeing.joined(self.disputed).joined(self.ruled_out)
        return self.agreeing
