"""Whether a counter may be left to tell the energy alone, for all that its readings have shown."""

from __future__ import annotations

import math

# A counter that misbehaved may do so again: for so long its gauge is read as one that has no counter is.
_DOUBTED_SECONDS = 60.0
# For as long, but once in ten minutes at most, as densely as the driver's cost allows, whatever that takes of our own
# time: what happens right after such a moment is asked of the gauge alone.
_DENSE_AGAIN_SECONDS = 600.0


class Trust:
    """What is thought of one counter; times are the clock's."""

    def __init__(self) -> None:
        self._doubted_until = self._dense_until = self._dense_again_at = -math.inf

    def doubt(self, now_seconds: float) -> None:
        """It misbehaves, or its reading failed."""
        self._doubted_until = now_seconds + _DOUBTED_SECONDS
        if now_seconds >= self._dense_again_at:
            self._dense_until = self._doubted_until
            self._dense_again_at = now_seconds + _DENSE_AGAIN_SECONDS

    def is_doubted(self, now_seconds: float) -> bool:
        """Whether the gauge beside it is more than a witness."""
        return now_seconds < self._doubted_until

    def wants_all_of_the_gauge(self, now_seconds: float) -> bool:
        """Whether that one is not to be spared at all."""
        return now_seconds < self._dense_until
