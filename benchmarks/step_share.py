"""What a step is longer by, counted instead of compared: a verdict also where the ratio of step times wavers.

Two things of a callback's can make a step longer: its calls in the training thread, which the step waits for, and its
own threads, which may hold the interpreter or a processor that the step needs. The calls are timed by themselves, in
turns with those of a training without the callback (``step_calls``). Of the threads the kernel tells what they took of
a processor in the turns of ``step_turns``: what the process took beyond its training thread. At the least a step is
longer by its calls, and at the most by all of both.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ratios import Spent

_RESAMPLES = 500
_INTERVAL = (0.025, 0.975)
_One = TypeVar("_One")


@dataclass(frozen=True, kw_only=True)
class Added:
    """Seconds that a step is longer by, with the interval that holds it in 95 of 100 cases."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class StepShare:
    """What the calls and the threads of a callback add to a step, which takes ``step_seconds`` of a processor."""

    step_seconds: float
    calls: Added
    threads: Added

    @property
    def least(self) -> float:
        """The step time ratio where no step waits for a thread."""
        return 1.0 + self.calls.value / self.step_seconds

    @property
    def most(self) -> float:
        """The same where a step waits for all that the threads do."""
        return 1.0 + (self.calls.value + self.threads.value) / self.step_seconds

    def verdict(self, most: float) -> str:
        """Whether a budget of a ratio is kept however much a step waits for the threads, or broken even without."""
        allowed = (most - 1.0) * self.step_seconds
        if self.calls.low > allowed:
            return "BROKEN"
        return "kept" if self.calls.high + self.threads.high <= allowed else "not resolved"


def added_by(samples: Sequence[_One], mean: Callable[[Sequence[_One]], float]) -> Added:
    """What ``mean`` makes of the samples, with the interval by drawing them anew."""
    drawn = random.Random(0)  # noqa: S311 - resampling; the same each time
    means = sorted(mean(drawn.choices(samples, k=len(samples))) for _ in range(_RESAMPLES))
    low, high = (means[int(share * _RESAMPLES)] for share in _INTERVAL)
    return Added(value=mean(samples), low=low, high=high)


def threads_added(own: Sequence[Spent], bare: Sequence[Spent], together: int) -> Added:
    """What the threads took of a processor a step, by pairs of turns with them and without.

    ``together``: so many pairs are one sample, for work that is not in each of them.
    """
    pairs = [
        (one.processor - one.thread) - (other.processor - other.thread) for one, other in zip(own, bare, strict=True)
    ]
    samples = [statistics.fmean(pairs[place : place + together]) for place in range(0, len(pairs), together)]
    return added_by(samples, statistics.fmean)
