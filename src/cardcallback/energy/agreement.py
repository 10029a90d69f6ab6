"""Where counter and gauge watched together: how far they agree, and which of them stands where they do not."""

from __future__ import annotations

import copy

from cardcallback.energy.intervals import BothWays

# Above this share of the intervals, counter and gauge disagree as such: neither is the one at fault.
_SYSTEMATIC_SHARE = 0.2


class Agreement:
    """Sums over the counter's intervals that the gauge watched too, by what came of comparing them."""

    def __init__(self) -> None:
        self.agreeing = BothWays()
        self.disputed = BothWays()  # bridged, though the device may have used what the counter says
        self.ruled_out = BothWays()  # bridged, since it cannot have

    def copy(self) -> Agreement:
        """An independent copy."""
        twin = copy.copy(self)
        twin.agreeing, twin.disputed, twin.ruled_out = map(copy.copy, (self.agreeing, self.disputed, self.ruled_out))
        return twin

    @property
    def disagrees_throughout(self) -> bool:
        """Whether counter and gauge differ so often that no single interval can be blamed."""
        differing = self.disputed.seconds + self.ruled_out.seconds
        return differing > _SYSTEMATIC_SHARE * (self.agreeing.seconds + differing)

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
