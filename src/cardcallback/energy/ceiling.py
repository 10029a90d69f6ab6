"""The most energy a device can have used in a short time, from readings that are means over a longer one."""

from __future__ import annotations

from dataclasses import dataclass

# How far above the highest reading the mean over a stretch that nobody read may lie.
_SUSTAINED_MARGIN = 1.25
# How far above the mean over a window the power in a part of it is taken to lie at most: work that swings
# between idle and full load draws ten times its mean only where it idles for nine tenths of the time.
_HIGHEST_BURST = 10.0


@dataclass(frozen=True, slots=True)
class Ceiling:
    """``highest_watts`` is the highest mean over ``averaging_seconds`` that was read, 0 if none was."""

    highest_watts: float
    averaging_seconds: float

    @property
    def known(self) -> bool:
        """Whether there is anything to bound with."""
        return self.highest_watts > 0

    @property
    def sustained_watts(self) -> float:
        """A power the device is taken not to have exceeded for longer than readings average."""
        return _SUSTAINED_MARGIN * self.highest_watts

    def joules_within(self, seconds: float) -> float:
        """The most energy of any stretch of that length.

        A mean over a window says what the whole window used and not when: a part of it may have used all.
        """
        if seconds <= 0:
            return 0.0
        burst = self.highest_watts * min(_HIGHEST_BURST * seconds, self.averaging_seconds + seconds)
        return max(burst, self.sustained_watts * seconds)

    def highest_part(self, seconds: float) -> float:
        """The mean power of such a stretch, in watts."""
        return self.joules_within(seconds) / seconds if seconds > 0 else 0.0
