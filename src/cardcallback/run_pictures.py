"""A run's pictures: drawn again only where they would be others, since to draw them takes longer than all the rest."""

from __future__ import annotations

import stat
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import msgspec

from cardcallback import handlers
from cardcallback.errors import CardCallbackError
from cardcallback.record import Card, RunRecord
from cardcallback.render.pictures import draw_pictures
from cardcallback.render.pictures.choice import PICTURES
from cardcallback.writing import require_inside

_Written = tuple[int, int]


class RunPictures:
    """Draws them; a push or a saved model after the end finds those of the end.

    Args:
        folder: where they lie.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._drawn: RunRecord | None = None
        self._written: dict[Path, _Written | None] = {}

    @property
    def stand(self) -> bool:
        """Whether there are any, and those that lie there are this run's."""
        return bool(self._written) and all(_written(path) == written for path, written in self._written.items())

    def draw(self, record: RunRecord, turn: Callable[[], AbstractContextManager[None]]) -> bool:
        """Draw what ``record`` has to show; whether there is any.

        Each is written in a ``turn`` of its own, which raises where it is not to be written any more.

        Raises:
            CardCallbackError: a picture cannot be written.
            ImportError: matplotlib cannot be loaded.
        """
        # None of the three is in a picture, and each changes after the end.
        shown = msgspec.structs.replace(record, notes=(), weights={}, card=Card())
        if shown != self._drawn or not self.stand:
            drawn = draw_pictures(record, self._folder, turn=turn)
            self._written = {path: _written(path) for path in drawn}
            self._drawn = shown
        return bool(self._written)

    def remove_others(self) -> None:
        """Beside this run's card, those of the run that had the place before would be taken for its own."""
        for path in (self._folder / name for name in PICTURES):
            if path not in self._written or _written(path) != self._written[path]:
                with handlers.suppress(OSError, CardCallbackError):
                    require_inside(self._folder)
                    path.unlink(missing_ok=True)


def _written(path: Path) -> _Written | None:
    """Tells one writing of a file from the next; None where it is not there."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return (found.st_ino, found.st_mtime_ns) if stat.S_ISREG(found.st_mode) else None
