"""What readings that meet the work only now and then miss of it, by how neighbouring ones differ."""

from __future__ import annotations

from cardcallback.energy.traits import PowerTraits

# Somewhere in a step, at no moment rather than another, the work changed once: the variance of a uniform distribution.
_UNIFORM_VARIANCE = 1 / 12
# The error of the trapezoid over one step of readings, as a share of step times difference.
_TRAPEZOID_ERROR = 0.125


class MissedWork:
    """Sums over the steps from one reading to the next, from which follows how far their integral may usually be off.

    Work that changes faster than it is read makes each reading a draw: a step up is followed by one down, and half a
    step's square is the variance of a draw. Work that changes more slowly makes lone steps, which are off only by when
    in them it changed. Both together are told apart by the product of neighbouring steps, which is nothing for those
    that are alone.
    """

    def __init__(self, traits: PowerTraits) -> None:
        self._traits = traits
        self._squares = 0.0
        self._drawn = 0.0
        self._trapezoid = 0.0
        self._before: float | None = None

    def add(self, change_watts: float, step_seconds: float) -> None:
        """The next step."""
        change_joules = change_watts * self._missed_seconds(step_seconds)
        self._trapezoid += (change_watts * step_seconds * _TRAPEZOID_ERROR) ** 2
        self._squares += change_joules * change_joules
        # Beside no such step nothing tells which of both it is: the larger.
        self._drawn += change_joules * (change_joules / 2 if self._before is None else -self._before)
        self._before = change_joules if step_seconds > self._traits.sight_seconds else None

    def break_off(self) -> None:
        """What follows does not join on to the latest step."""
        self._before = None

    @property
    def variance(self) -> float:
        """Of the integral, in joules squared."""
        drawn = min(max(self._drawn, 0.0), self._squares / 2)
        missed = drawn + _UNIFORM_VARIANCE * (self._squares - 2 * drawn)
        return max(self._trapezoid, missed)

    def _missed_seconds(self, step_seconds: float) -> float:
        """How much of the time between two readings is in neither, nor in the doubt of a gauge that may lock."""
        sight_seconds = self._traits.sight_seconds
        if step_seconds <= sight_seconds:
            return 0.0
        in_step = self._traits.blind_share > 0 and not self._traits.may_lock
        return step_seconds if in_step else step_seconds - sight_seconds
