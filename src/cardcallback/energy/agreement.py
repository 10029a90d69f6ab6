"""Where counter and gauge watched together: how far they agree, and which of them stands where they do not."""

from __future__ import annotations

from cardcallback.energy.asleep import AwakeWatts
from cardcallback.energy.blocks import Block, Blocks
from cardcallback.energy.intervals import BothWays, Counted
from cardcallback.energy.rates import RateChange, rate_change
from cardcallback.energy.steps import AloneIntervals, ComparedIntervals, WattsAround
from cardcallback.energy.twins import twin_of

# Above this share of the intervals, counter and gauge disagree as such: neither is the one at fault.
_SYSTEMATIC_SHARE = 0.2
# Below this share of the energy it is not worth looking for the moment at which a counter's rate changed.
_NEGLIGIBLE_SHARE = 0.001
# So many of the newest compared intervals are kept, over which it may turn out that the gauge had failed.
RECENT = 32


class Agreement:
    """Sums over the counter's intervals that the gauge watched too, by what came of comparing them."""

    def __init__(self) -> None:
        self.blocks = Blocks()
        self._compared = ComparedIntervals(RECENT)
        self._alone = AloneIntervals()
        self._awake = AwakeWatts()
        self._before = (self._alone, self._awake)  # the newest interval
        self._sums = Block()  # kept, since blocks are many

    @property
    def agreeing(self) -> BothWays:
        """Those in which they agree."""
        return self._sums.agreeing

    @property
    def disputed(self) -> BothWays:
        """Those that were bridged, though the device may have used what the counter says."""
        return self._sums.disputed

    @property
    def ruled_out(self) -> BothWays:
        """Those that were bridged, since the device cannot have."""
        return self._sums.ruled_out

    def hidden_step(self, around: WattsAround, blur_seconds: float) -> tuple[float, float]:
        """How much less and more than counted was used, in joules, if the counter stepped once where nothing shows it.

        ``around`` are the extremes of watched pieces, ``blur_seconds`` how old the counter's value may be.
        """
        beside, alone = self._compared.hidden_step(), self._alone.hidden_step(around, blur_seconds)
        return max(beside[0], alone[0]), max(beside[1], alone[1])

    def doubted_sleep(self, lowest_read_watts: float, blur_seconds: float) -> tuple[float, float]:
        """How much less than counted was used, in joules, if the counter stepped in a sleep, and how long that was.

        ``lowest_read_watts`` is what the gauge showed at least while the machine was awake.
        """
        return self._alone.doubted_sleep(self._awake, lowest_read_watts, blur_seconds)

    def count(self, interval: Counted) -> None:
        """One more interval that is counted: they agree in it, or only the counter watched it."""
        self._before = (self._alone, self._awake)
        if interval.slept.seconds == 0:
            self._awake = self._awake.joined(interval.seconds, interval.joules)
        if (both := interval.both) is None:
            self._add_alone(interval)
        else:
            self._compare(Block(agreeing=both))
            self._compared.add(both)

    def _add_alone(self, interval: Counted) -> None:
        self.blocks.add_alone(interval.joules)
        self._alone = self._alone.joined(interval.seconds, interval.joules, interval.slept)

    def take_back(self, interval: Counted) -> None:
        """The newest of these is not counted any more."""
        self._alone, self._awake = self._before
        if interval.both is None:
            self.blocks.add_alone(-interval.joules)
        else:
            self._compare_less(interval.both)

    def compare_no_more(self, interval: Counted) -> None:
        """The newest of these is still counted, but the gauge had failed in it."""
        if interval.both is not None:
            self._compare_less(interval.both)
            self._add_alone(interval)

    def refuse(self, both: BothWays, *, possible: bool) -> None:
        """One more interval in which they differ."""
        self._compare(Block(disputed=both) if possible else Block(ruled_out=both))

    def _compare(self, interval: Block) -> None:
        self._sums = self._sums.joined(interval)
        self.blocks.add(interval)

    def _compare_less(self, both: BothWays) -> None:
        self._sums = self._sums.less(Block(agreeing=both))
        self.blocks.take_back(both)
        self._compared.take_back()

    def without(self, part: Block) -> Agreement:
        """The same without the intervals of that part."""
        rest = self.copy()
        rest._sums = self._sums.less(part)  # noqa: SLF001 - its own kind
        return rest

    def rate_change(self, *, gauge_may_lock: bool) -> RateChange | None:
        """The moment from which on the counter counts at another rate, if there is one that makes a difference."""
        whole = self._sums.whole
        if abs(whole.power_joules - whole.counter_joules) <= _NEGLIGIBLE_SHARE * whole.power_joules:
            return None
        return rate_change(self.blocks.all(), gauge_may_lock=gauge_may_lock)

    def copy(self) -> Agreement:
        """An independent copy."""
        twin = twin_of(self)
        twin.blocks = self.blocks.copy()
        twin._compared = self._compared.copy()  # noqa: SLF001 - its own kind
        return twin

    @property
    def watched_seconds(self) -> float:
        """How long both watched, whatever came of comparing them."""
        sums = self._sums
        return sums.agreeing.seconds + sums.disputed.seconds + sums.ruled_out.seconds

    @property
    def differing_seconds(self) -> float:
        """For how much of that time they differ."""
        return self._sums.differing.seconds

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
            return self._sums.differing
        return self.disputed if self.disputed.weak_seconds > self.disputed.seconds / 2 else BothWays()

    @property
    def compared(self) -> BothWays:
        """The intervals over which counter and gauge are compared: without the few in which one of them failed."""
        return self._sums.whole if self.disagrees_throughout else self.agreeing
