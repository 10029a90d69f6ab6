"""Where the readings of a lane go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from cardcallback.record import Point
from cardcallback.recorder.purse import Purse
from cardcallback.recorder.schedule import Appointment
from cardcallback.recorder.sleeps import Sleeps
from cardcallback.recorder.standstill import Standstills
from cardcallback.sensors.base import SensorSpec


class Book(Protocol):
    """Where a lane's readings and notes go."""

    @property
    def stopping(self) -> bool:
        """Whether the session is ending."""

    @property
    def standstills(self) -> Standstills:
        """Who is told of times in which the process did not run."""

    @property
    def sleeps(self) -> Sleeps:
        """Who is shown both clocks before each reading."""

    @property
    def purse(self) -> Purse:
        """Who pays for the lane's own processor time."""

    @property
    def closed(self) -> bool:
        """Whether nothing is taken any more."""

    def now_seconds(self) -> float:
        """Seconds since the session began."""

    def enter(self, spec: SensorSpec, readings: Sequence[Point]) -> bool:
        """Readings of one sensor in order of time, at the clock's times; whether they show a counter misbehave."""

    def enter_late(self, spec: SensorSpec, reading: Point, call_seconds: float) -> None:
        """A reading, at the middle of a call too long to say when it was true."""

    def note_loss(self, device: int | None) -> None:
        """That device is back after it was lost."""

    def follow(self, appointments: Sequence[Appointment]) -> None:
        """Their intervals may have changed."""

    def note(self, sentence: str) -> None:
        """Something to tell."""
