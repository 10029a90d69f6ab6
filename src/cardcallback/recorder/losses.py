"""Devices that stop answering as a whole, and may come back: when to ask again, and the sentence about each."""

from __future__ import annotations

import math
from dataclasses import dataclass

from cardcallback.recorder.budget import DRIVER_SHARE
from cardcallback.units import format_duration

# Asked again soon at first: a driver may say so of a single call that fails.
_FIRST_RETRY_SECONDS = 0.1
# A container's access to a device comes back within minutes: until somebody asks, what it uses again is a gap. Calls
# that answer at once cost the driver nothing at that pace.
_LONGEST_RETRY_SECONDS = 5.0
# Slow ones that go on are made as rarely as they cost, and then still often enough to see the device come back.
_LONGEST_SLOW_RETRY_SECONDS = 7200.0
# Calls that go on being slow lie up to so many times as far apart as they cost.
_AS_RARE = 2.0


@dataclass(slots=True)
class _Loss:
    """What is told of one device; times are seconds since the session began, but for the clock's ``retry_at``."""

    first_at_seconds: float
    reason: str
    since_seconds: float | None = None
    back_at_seconds: float = 0.0
    times: int = 0
    away_seconds: float = 0.0
    attempts: int = 0
    last_cost_seconds: float = math.inf
    slow_since: float = math.inf
    slow_at: float = -math.inf
    retry_at: float = -math.inf


class DeviceLosses:
    """The devices of one lane that were lost. One reading at a time asks whether a device is back."""

    def __init__(self) -> None:
        self._losses: dict[int, _Loss] = {}

    def failed(self, device: int, reason: str, *, at_seconds: float, now: float, cost_seconds: float) -> None:
        """A reading said that the device is gone.

        Args:
            device: which.
            reason: what the driver said.
            at_seconds: when the reading began, since the session's begin; what came before it was measured.
            now: the clock's time.
            cost_seconds: how long the call kept the driver, time suspended aside.
        """
        loss = self._losses.setdefault(device, _Loss(at_seconds, reason))
        if loss.since_seconds is None:
            loss.since_seconds = at_seconds
            loss.times += 1
            loss.attempts, loss.slow_at = 0, -math.inf
        loss.last_cost_seconds = cost_seconds
        first = max(_FIRST_RETRY_SECONDS, cost_seconds)
        delay = min(first * 2 ** min(loss.attempts, 10), _LONGEST_RETRY_SECONDS)
        loss.attempts += 1
        affordable = min(cost_seconds / DRIVER_SHARE, _LONGEST_SLOW_RETRY_SECONDS)
        if affordable > delay:
            # A call may hang until the driver gives up the device, or while the driver is held up, and the next ones
            # answer at once: it is asked again after as long as calls have been slow. Quick ones between, maybe of
            # another sensor, are no end of that before the slow ones are as rare as they cost.
            loss.slow_since = now if now - loss.slow_at > _AS_RARE * affordable else loss.slow_since
            loss.slow_at = now
            delay = max(delay, min(affordable, now - loss.slow_since))
        loss.retry_at = now + delay

    def __bool__(self) -> bool:
        """Whether any device was ever lost."""
        return bool(self._losses)

    def answered(self, device: int | None, at_seconds: float) -> None:
        """A reading of the device succeeded, maybe the first after a loss."""
        loss = self._losses.get(device) if device is not None else None
        if loss is None or loss.since_seconds is None:
            return
        loss.away_seconds += at_seconds - loss.since_seconds
        loss.since_seconds = None
        loss.back_at_seconds = at_seconds
        loss.retry_at = -math.inf

    def retry_at(self, device: int | None) -> float:
        """The clock's time before which the device is not asked; long ago for one that is there."""
        loss = self._losses.get(device) if device is not None else None
        return loss.retry_at if loss is not None else -math.inf

    def is_lost(self, device: int | None) -> bool:
        """Whether the device was away when it was last asked."""
        loss = self._losses.get(device) if device is not None else None
        return loss is not None and loss.since_seconds is not None

    def last_cost_seconds(self, device: int | None) -> float:
        """How long the last call took that found the device gone; infinite where there was none."""
        loss = self._losses.get(device) if device is not None else None
        return loss.last_cost_seconds if loss is not None else math.inf

    def notes(self, end_seconds: float, *, one_device: bool) -> list[str]:
        """One sentence for each device that was lost."""
        return [
            _sentence(loss, "The GPU" if one_device else f"GPU {device}", end_seconds) for device, loss in self._all()
        ]

    def _all(self) -> list[tuple[int, _Loss]]:
        # A copy: the lane's thread may find another one lost meanwhile.
        return sorted(self._losses.copy().items())


def _away_seconds(loss: _Loss, end_seconds: float) -> float:
    return loss.away_seconds + (0.0 if loss.since_seconds is None else max(end_seconds - loss.since_seconds, 0.0))


def _sentence(loss: _Loss, name: str, end_seconds: float) -> str:
    first = format_duration(loss.first_at_seconds)
    if loss.times > 1:
        missing = format_duration(_away_seconds(loss, end_seconds))
        return f"{name} was lost {loss.times} times, first after {first} ({loss.reason}): {missing} are a gap."
    if loss.since_seconds is not None:
        return f"{name} was lost after {first} ({loss.reason}): what it used since is not measured."
    back = format_duration(loss.back_at_seconds)
    return f"{name} was lost after {first} ({loss.reason}) and came back after {back}: the time between is a gap."
