"""A clock and sensors that a test drives."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from cardcallback.errors import SensorReadError
from cardcallback.sensors.base import SensorSpec


class FakeClock:
    """A clock that moves only when told; starts at ``elapsed`` seconds on the day ``date``."""

    def __init__(self, *, elapsed: float = 1000.0, date: str = "2026-03-02") -> None:
        self._elapsed = elapsed
        self._suspended = 0.0
        self._used = 0.0
        self._date = date

    def elapsed_seconds(self) -> float:
        """Seconds since an arbitrary origin, suspend counted."""
        return self._elapsed

    def awake_seconds(self) -> float:
        """The same without the time spent suspended."""
        return self._elapsed - self._suspended

    def thread_seconds(self) -> float:
        """For how long a processor was used; as told, so that nothing that is driven costs anything else."""
        return self._used

    def today(self) -> str:
        """The date as ISO 8601."""
        return self._date

    def use(self, seconds: float) -> None:
        """Let a processor have been used for ``seconds``; no other clock moves."""
        self._used += seconds

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass."""
        self._elapsed += seconds

    def suspend(self, seconds: float) -> None:
        """Let the machine sleep for ``seconds``."""
        self._elapsed += seconds
        self._suspended += seconds


class FakeSensor:
    """A sensor whose readings a test gives.

    Args:
        spec: what it claims to read.
        readings: a constant, a function called at each reading, or values in order; an exception among
            the values is raised. When the values run out every further reading fails.
    """

    def __init__(
        self, spec: SensorSpec, readings: float | Callable[[], float] | Iterable[float | Exception] = 0.0
    ) -> None:
        self.spec = spec
        self.reads = 0
        self._read = _reader(readings)

    def read(self) -> float:
        """The next reading in ``spec.unit``."""
        self.reads += 1
        return self._read()


def _reader(readings: float | Callable[[], float] | Iterable[float | Exception]) -> Callable[[], float]:
    if isinstance(readings, (int, float)):
        constant = float(readings)
        return lambda: constant
    if callable(readings):
        return readings
    remaining = iter(readings)

    def read() -> float:
        value = next(remaining, SensorReadError("the fake sensor has no more readings"))
        if isinstance(value, Exception):
            raise value
        return value

    return read
