"""A session that a signal ends: its record first, then the trackers, within the time that an end has."""

from __future__ import annotations

from collections.abc import Callable

from cardcallback.hooks.ending import Stoppable


class StopsWithSummary:
    """Ends as ``session`` does; ``send`` is called once all that it leaves is on disk."""

    def __init__(self, session: Stoppable, send: Callable[[], None]) -> None:
        self._session = session
        self._send = send

    def keep_interrupted(self) -> None:
        """The session's own."""
        self._session.keep_interrupted()

    def end_interrupted(self) -> None:
        """The session's own, then the summary."""
        self._session.end_interrupted()
        self._send()

    def tell_end(self) -> None:
        """The session's own."""
        self._session.tell_end()

    def add_pictures(self) -> None:
        """The session's own."""
        self._session.add_pictures()
