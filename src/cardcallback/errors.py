"""The kinds of error, and the warning, that cardcallback raises."""

from __future__ import annotations


class CardCallbackError(Exception):
    """Something the person can mend; the message is one line: what happened, what to do.

    ``exit_code`` is what the command line returns for it: 1 for the user's mistake, 3 for nothing to
    work on.
    """

    def __init__(self, message: str, *, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class SensorUnavailableError(CardCallbackError):
    """A sensor cannot be read on this machine at all; the message is the reason the card prints."""


class SensorReadError(CardCallbackError):
    """One reading failed; the next may succeed, so it lowers coverage instead of ending the sensor."""


class DeviceLostError(SensorReadError):
    """The whole device does not answer: no sensor of it can be read until it is back, if it ever is."""


class CardCallbackWarning(UserWarning):
    """Training goes on, and the card says what is missing."""
