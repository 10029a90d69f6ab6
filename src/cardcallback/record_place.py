"""The main place of a folder's records: whose record stands in it, and that none of another run is lost there."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import msgspec

from cardcallback.errors import CardCallbackError
from cardcallback.folder_lock import FolderLock
from cardcallback.record import (
    PRIVATE_FOLDER,
    RECORD_FOLDER,
    RECORD_NAME,
    RUN_ID,
    Card,
    MainBriefs,
    RunBrief,
    RunRecord,
    brief_of,
    encode,
)
from cardcallback.writing import FileChangedError, own_folder, write_atomically, write_bytes_atomically

# Another run that lives may write just now; one that does so for ever keeps the place.
_ATTEMPTS = 3


class RecordPlace:
    """Puts one run's record into the main place, or beside it while the place is another run's.

    Args:
        folder: the output folder.
        run_id: whose record.
        published: whether a push may find the record; else the place is in our private folder.
    """

    def __init__(self, folder: Path, run_id: str, *, published: bool) -> None:
        self._folder = folder
        self._main = MainBriefs(folder)
        self._run_id = run_id
        self._published = published
        # Whose record may leave the main place; a run that is not among them began here after this one.
        self._older_run_ids: frozenset[str] = frozenset()
        self._may_stand_beside = True
        self._lock = FolderLock(folder / PRIVATE_FOLDER)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """No other run writes into the folder meanwhile, but one that hangs, which looks again before it goes on."""
        with self._lock.held():
            yield

    @contextlib.contextmanager
    def turn(self, require_wanted: Callable[[], None]) -> Iterator[None]:
        """``alone``, where what lies in the folder is this run's to write, and ``require_wanted`` raises nothing.

        Raises:
            CardCallbackError: it is another run's.
        """
        with self.alone():
            require_wanted()
            self.require_ours()
            yield

    def require_ours(self) -> None:
        """Make sure that the card and the pictures are this run's to write.

        Raises:
            CardCallbackError: they are another run's, whose record has the main place.
        """
        if self.is_left_to_newer_run:
            msg = "card and pictures in the folder are left to another run, which began here later"
            raise CardCallbackError(msg)

    @property
    def is_left_to_newer_run(self) -> bool:
        """Whether a run that began here after this one has its record in the main place."""
        return any(map(self._is_newer, self._main.now()[:1]))

    @property
    def is_ours(self) -> bool:
        """Whether the record in the main place is this run's."""
        return any(there.run_id == self._run_id for there in self._main.now()[:1])

    def begin(self, living: Collection[str]) -> RunBrief | None:
        """The record that stands there before this run writes one; runs that are ``living`` keep the place."""
        there = self._main.now()
        self._older_run_ids = frozenset(brief.run_id for brief in there) - frozenset(living)
        return there[0] if there else None

    def take(self, require_wanted: Callable[[], None] = lambda: None) -> None:
        """From here on the place is this run's, whoever has it now; ``require_wanted`` raises where it is not."""
        there = self._main.now()
        require_wanted()
        self._older_run_ids = frozenset(brief.run_id for brief in there)

    def write(self, record: RunRecord, *, beside_earlier: bool, filled_before: Card) -> Path:
        """Write the record; an earlier run's record in the main place is kept under its own run id.

        Args:
            record: of this run.
            beside_earlier: whether the place is left to the completed run whose weights are in the folder.
            filled_before: what we filled into the card that stands there, for a record that tells of none.

        Raises:
            CardCallbackError: it cannot be written; those that were there are whole.
        """
        above = self._folder if self._published else own_folder(self._folder / PRIVATE_FOLDER)
        folder = own_folder(above / RECORD_FOLDER)
        main, beside = folder / RECORD_NAME, folder / f"record-{self._run_id}.json"
        # Only the record in this place remembers that.
        remembering = record if record.card != Card() else msgspec.structs.replace(record, card=filled_before)
        for _ in range(0 if beside_earlier else _ATTEMPTS):
            with contextlib.suppress(FileChangedError):  # by another run that lives, whose record must not be lost
                if self._write_main(main, remembering):
                    if self._may_stand_beside:
                        beside.unlink(missing_ok=True)
                    self._may_stand_beside = False
                    return main
                break
        self._may_stand_beside = True
        write_atomically(beside, encode(record))
        return beside

    def _write_main(self, main: Path, record: RunRecord) -> bool:
        stood = main.read_bytes() if main.is_file() else None
        there, content = None if stood is None else brief_of(stood), encode(record).encode()
        if there is not None and self._is_newer(there):
            return False
        if there is None or there.run_id != self._run_id:
            stood = _set_aside(main, there, stood)
        # Onto the disk, also of a run in progress: only the record remembers what was filled into the card.
        write_bytes_atomically(main, content, unless_changed_from=stood)
        self._older_run_ids = frozenset()
        for other, brief in self._main.beside(main):  # of a run that published its record where this one does not
            if brief.run_id != self._run_id:
                _set_aside(other, brief, other.read_bytes())
            other.unlink(missing_ok=True)
        return True

    def _is_newer(self, there: RunBrief) -> bool:
        return there.run_id != self._run_id and there.run_id not in self._older_run_ids


def _set_aside(main: Path, there: RunBrief | None, content: bytes | None) -> bytes | None:
    """Keep the record in the main place under its run's own name; what then stands in its place."""
    if not main.exists() and not main.is_symlink():
        return None
    known = there is not None and RUN_ID.fullmatch(there.run_id) is not None
    aside = main.with_name(f"record-{there.run_id}.json") if there is not None and known else _unused_name(main)
    if known and content is not None and not main.is_symlink():
        # A copy, so that it has its place as long as the new one is not there.
        write_bytes_atomically(aside, content, as_open_as=main)
        return content
    main.replace(aside)
    return None


def _unused_name(main: Path) -> Path:
    number, name = 1, main.with_name("record-damaged.json")
    while name.exists():
        number += 1
        name = main.with_name(f"record-damaged-{number}.json")
    return name
