"""A folder with exported weights: links that lead out of it are not followed, and a failure leaves it as it was."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from cardcallback.card_memory import note_rendered
from cardcallback.errors import CardCallbackError
from cardcallback.folder_lock import no_run_writes_in
from cardcallback.publishing.place import Change
from cardcallback.record import PRIVATE_FOLDER
from cardcallback.writing import own_folder, read_ordinary, require_inside, write_bytes_atomically


class FolderPlace:
    """A folder as a ``Place``.

    Raises:
        CardCallbackError: it cannot be written to.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        if not os.access(folder, os.W_OK | os.X_OK):
            msg = f"the folder {folder} cannot be written to: nothing was changed"
            raise CardCallbackError(msg)

    @property
    def name(self) -> str:
        """The folder as the person wrote it."""
        return str(self._folder)

    def file_names(self) -> frozenset[str]:
        """Paths of the files at its top and one level below; links to folders are not entered."""
        names = set()
        for place, folders, files in os.walk(self._folder):
            inside = Path(place).relative_to(self._folder)
            folders[:] = [] if inside.parts else [name for name in folders if not name.startswith((".", "_"))]
            names |= {(inside / name).as_posix() for name in files}
        return frozenset(names)

    def read(self, path: str, largest_bytes: int) -> bytes | None:
        """A file's content, or None where there is none.

        Raises:
            CardCallbackError: it, or its folder, is a link that leads out, or it cannot be read.
        """
        file = self._folder / path
        if file.parent != self._folder:
            require_inside(file.parent)
        return read_ordinary(file, largest_bytes)

    def write(self, changes: Sequence[Change]) -> str:
        """Make all changes in order, or put back those that were made.

        Raises:
            FileChangedError: somebody else changed one of the files meanwhile.
            CardCallbackError: one cannot be written.
        """
        with no_run_writes_in(self._folder):
            return self._write(changes)

    def _write(self, changes: Sequence[Change]) -> str:
        done: list[Change] = []
        made: list[Path] = []
        try:
            for change in changes:
                file = self._folder / change.path
                if file.parent != self._folder:
                    made += [] if file.parent.exists() else [file.parent]
                    own_folder(file.parent)
                done.append(change)
                write_bytes_atomically(file, change.after, unless_changed_from=change.before)
        except BaseException:  # an interrupt, too, leaves no card that points at half of its files
            self._put_back(done, made)
            raise
        self._tell_keeper(changes)
        return ", ".join(str(self._folder / change.path) for change in changes)

    def _put_back(self, done: Sequence[Change], made: Sequence[Path]) -> None:
        for change in reversed(done):
            file = self._folder / change.path
            # One that is not as we wrote it was not written, or is somebody's by now.
            with contextlib.suppress(CardCallbackError, OSError):
                if file.read_bytes() != change.after:
                    continue
                if change.before is None:
                    file.unlink()
                else:
                    write_bytes_atomically(file, change.before)
        for folder in made:
            with contextlib.suppress(OSError):  # not empty, so not ours alone
                folder.rmdir()

    def _tell_keeper(self, changes: Sequence[Change]) -> None:
        """In a run's own folder the card is not to be taken for edited by a person."""
        for change in changes:
            if change.card is not None:
                before = None if change.before is None else change.before.decode("utf-8")
                after = change.after.decode("utf-8")
                note_rendered(self._folder / PRIVATE_FOLDER, before=before, after=after, card=change.card)
