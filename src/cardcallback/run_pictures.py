"""A run's pictures: drawn again only where they would be others, since to draw them takes longer than all the rest."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import msgspec

from cardcallback.record import Card, RunRecord
from cardcallback.render.pictures import draw_pictures

_Written = tuple[int, int]


class RunPictures:
    """Draws them; a push or a saved model after the end finds those of the end."""

    def __init__(self) -> None:
        self._drawn: RunRecord | None = None
        self._written: dict[Path, _Written | None] = {}

    def draw(self, record: RunRecord, folder: Path, require_wanted: Callable[[], None]) -> bool:
        """Draw into ``folder`` what ``record`` has to show; whether there is any.

        ``require_wanted`` raises, before one is written, where it is not to be any more.

        Raises:
            CardCallbackError: a picture cannot be written.
            ImportError: matplotlib cannot be loaded.
        """
        # None of the three is in a picture, and each changes after the end.
        shown = msgspec.structs.replace(record, notes=(), weights={}, card=Card())
        stand = all(_written(path) == written for path, written in self._written.items())
        if shown != self._drawn or not stand:
            drawn = draw_pictures(record, folder, require_wanted=require_wanted)
            self._written = {path: _written(path) for path in drawn}
            self._drawn = shown
        return bool(self._written)


def _written(path: Path) -> _Written | None:
    """Tells one writing of a file from the next; None where it is not there."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return (found.st_ino, found.st_mtime_ns) if stat.S_ISREG(found.st_mode) else None
