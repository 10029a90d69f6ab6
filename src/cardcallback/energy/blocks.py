"""What counter and gauge said of the same time, kept over the whole run in at most so many blocks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cardcallback.energy.intervals import NOTHING, BothWays
from cardcallback.energy.twins import twin_of

_MOST_BLOCKS = 512


@dataclass(frozen=True, slots=True)
class Block:
    """Sums over neighbouring intervals, by what came of comparing counter and gauge; never changed.

    ``disputed`` are those that the device may have used by the counter too, ``ruled_out`` those that it cannot have.
    ``alone_joules`` is what the counter counted between them while the gauge did not see all of it.
    """

    agreeing: BothWays = NOTHING
    disputed: BothWays = NOTHING
    ruled_out: BothWays = NOTHING
    alone_joules: float = 0.0

    @property
    def whole(self) -> BothWays:
        """All of them."""
        return self.agreeing.joined(self.disputed).joined(self.ruled_out)

    @property
    def differing(self) -> BothWays:
        """Those in which they differ."""
        return self.disputed.joined(self.ruled_out)

    def joined(self, other: Block) -> Block:
        """The sums of both."""
        return Block(
            self.agreeing.joined(other.agreeing),
            self.disputed.joined(other.disputed),
            self.ruled_out.joined(other.ruled_out),
            self.alone_joules + other.alone_joules,
        )

    def less(self, part: Block) -> Block:
        """The sums without those of a part."""
        return Block(
            self.agreeing.less(part.agreeing),
            self.disputed.less(part.disputed),
            self.ruled_out.less(part.ruled_out),
            self.alone_joules - part.alone_joules,
        )


def joined_blocks(blocks: Iterable[Block]) -> Block:
    """The sums of all of them."""
    whole = Block()
    for one in blocks:
        whole = whole.joined(one)
    return whole


class Blocks:
    """Blocks in order of time, of equally many intervals each; where they become too many, neighbours are joined."""

    def __init__(self) -> None:
        self._closed: tuple[Block, ...] = ()
        self._open = Block()
        self._intervals = 0  # in the open block
        self._intervals_each = 1

    @property
    def intervals_each(self) -> int:
        """How many intervals are in one of them; where that is another, the blocks' numbers are others too."""
        return self._intervals_each

    def copy(self) -> Blocks:
        """An independent copy."""
        return twin_of(self)

    def all(self) -> tuple[Block, ...]:
        """The blocks, the last of them perhaps of fewer intervals."""
        if self._open.whole.seconds > 0 or not self._closed:
            return (*self._closed, self._open)
        return (*self._closed[:-1], self._closed[-1].joined(self._open))

    def add_alone(self, joules: float) -> None:
        """What only the counter told since the latest interval, or, with a minus, did not after all."""
        self._open = self._open.joined(Block(alone_joules=joules))

    def add(self, interval: Block) -> None:
        """The sums of one more interval."""
        self._open = self._open.joined(interval)
        self._intervals += 1
        if self._intervals < self._intervals_each:
            return
        self._closed = (*self._closed, self._open)
        self._open, self._intervals = Block(), 0
        if len(self._closed) == _MOST_BLOCKS:
            pairs = zip(self._closed[::2], self._closed[1::2], strict=True)
            self._closed = tuple(first.joined(second) for first, second in pairs)
            self._intervals_each *= 2

    def take_back(self, interval: BothWays) -> None:
        """The newest agreeing interval, which is this one, is none of them any more."""
        part = Block(agreeing=interval)
        if self._open.agreeing.seconds >= interval.seconds:
            self._open = self._open.less(part)
            return
        for place in reversed(range(len(self._closed))):
            if self._closed[place].agreeing.seconds >= interval.seconds:
                less = self._closed[place].less(part)
                self._closed = (*self._closed[:place], less, *self._closed[place + 1 :])
                return
