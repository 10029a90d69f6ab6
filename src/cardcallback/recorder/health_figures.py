"""Times in which a device was held back, as measurements with their reasons where nothing can be told."""

from __future__ import annotations

from cardcallback.record import Measurement, Window, not_measured
from cardcallback.recorder.health import DeviceHealth, Slowed
from cardcallback.recorder.session import Session, absence_reason
from cardcallback.sensors.base import Quantity

_NEVER_LOADED = "the GPU was never at 90 % utilisation and more, where alone a low clock means something"


class HealthFigures:
    """Builds one accelerator's figures from its watched health."""

    def __init__(self, health: DeviceHealth, device: int, session: Session, window: Window) -> None:
        self._health = health
        self._device = device
        self._session = session
        self._window = window

    def low_clock_time(self) -> Measurement:
        """Time at a clock far below normal under load, of spells of a minute and more."""
        low = self._health.low_clock
        if low.norm is None:
            return self._absent("what clock is normal for this GPU is not known")
        if low.watched_seconds == 0:
            silent = self._silent(("gpu_utilization", "gpu_sm_clock")) or "clock and utilisation were not read together"
            return self._absent(silent)
        if low.loaded_seconds == 0:
            return self._absent(_NEVER_LOADED)
        sources = tuple(self._health.sources()[name] for name in ("gpu_sm_clock", "gpu_utilization"))
        return self._seconds(low.spells.seconds, low.watched_seconds, sources, counter=False)

    def thermal_slowdown_time(self) -> Measurement:
        """Time slowed by heat."""
        return self._slowed(self._health.thermal())

    def hardware_slowdown_time(self) -> Measurement:
        """Time slowed by the hardware for another reason than heat."""
        return self._slowed(self._health.hardware())

    def _slowed(self, slowed: Slowed | None) -> Measurement:
        if slowed is None:
            return self._absent(self._silent(("gpu_clock_event_reasons",)) or "its reasons were read once at most")
        return self._seconds(
            slowed.seconds, slowed.watched_seconds, slowed.sources, counter=slowed.by_counter, high=slowed.high_seconds
        )

    def _seconds(
        self, value: float, watched: float, sources: tuple[str, ...], *, counter: bool, high: float | None = None
    ) -> Measurement:
        duration = self._session.duration_seconds
        return Measurement(
            value=value,
            unit="seconds",
            recording_low=value if counter else None,
            recording_high=high if counter else None,
            source=" + ".join(sources),
            method="counter" if counter else "calculated",
            coverage=min(watched / duration, 1.0) if duration > 0 else None,
            window=self._window,
        )

    def _absent(self, reason: str) -> Measurement:
        return not_measured("seconds", reason, window=self._window)

    def _silent(self, quantities: tuple[Quantity, ...]) -> str | None:
        """Why the first of them that gave nothing did so."""
        given = self._health.sources()
        missing = next((quantity for quantity in quantities if quantity not in given), None)
        return absence_reason(self._session, missing, self._device) if missing is not None else None
