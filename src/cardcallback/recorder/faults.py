"""Figures made each on its own, so that one that cannot be made leaves the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from cardcallback import handlers
from cardcallback.guard import swallowed
from cardcallback.record import Measurement, Window, not_measured

_Made = TypeVar("_Made")


class Faults:
    """Makes figures; ``notes`` has a sentence for each that failed by a fault of the recorder itself."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def made(self, name: str, make: Callable[[], _Made], instead: Callable[[str], _Made]) -> _Made:
        """What ``make`` gives; where it fails, what ``instead`` gives for the reason."""
        try:
            return make()
        except Exception as error:  # noqa: BLE001 - a sensor may be anyone's; a card without one figure is a card
            handlers.pass_on(error)  # the end of a run makes them in the main thread
            swallowed.append(error)
            reason = f"a fault of the recorder itself ({type(error).__name__})"
            self.notes.append(f"No {name}: {reason}.")
            return instead(reason)

    def figure(
        self, name: str, unit: str, make: Callable[[], Measurement], *, window: Window | None = None
    ) -> Measurement:
        """The same for a measurement, which is not measured then."""
        return self.made(name, make, lambda reason: not_measured(unit, reason, window=window))
