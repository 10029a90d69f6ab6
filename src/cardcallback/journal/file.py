"""The journal's file: appended to, replaced in one step, locked while its process lives, never through a link."""

from __future__ import annotations

import contextlib
import os
import weakref
from collections.abc import Callable
from pathlib import Path

from cardcallback import handlers, portable
from cardcallback.journal.folder import Folder, open_folder
from cardcallback.journal.syncing import DiskSync
from cardcallback.record import PRIVATE_FOLDER

JOURNAL_FOLDER = "journal"
JOURNAL_SUFFIX = ".journal"
_COPY_SUFFIX = f".copy{JOURNAL_SUFFIX}"
_NEW_SUFFIX = ".new"

ListJournals = Callable[[Path], list[Path]]


def journal_path(folder: Path, run_id: str, session_id: str) -> Path:
    """Where a session's journal lies in an output folder, or in a folder on the node's own disk."""
    return folder / PRIVATE_FOLDER / JOURNAL_FOLDER / f"{run_id}-{session_id}{JOURNAL_SUFFIX}"


def journal_home(path: Path) -> Path:
    """The folder that a journal at ``path`` is of."""
    return path.parent.parent.parent


def copy_path(folder: Path, run_id: str, session_id: str) -> Path:
    """Where a copy of that journal lies in an output folder, while the journal is on the node's own disk."""
    path = journal_path(folder, run_id, session_id)
    return path.with_name(path.name.removesuffix(JOURNAL_SUFFIX) + _COPY_SUFFIX)


def is_copy(path: Path) -> bool:
    """Whether it is a copy of a journal that lies on another disk."""
    return path.name.endswith(_COPY_SUFFIX)


def original_name(path: Path) -> str:
    """The name of the journal that it is a copy of, or its own."""
    return path.name.removesuffix(_COPY_SUFFIX) + JOURNAL_SUFFIX if is_copy(path) else path.name


def journals_in(folder: Path) -> list[Path]:
    """The journals that lie in an output folder, the oldest first."""
    place = folder / PRIVATE_FOLDER / JOURNAL_FOLDER
    with contextlib.suppress(PermissionError):  # a folder that this person may not look into holds none of theirs
        if not (place.is_symlink() or place.parent.is_symlink()):
            found = (path for path in place.glob(f"*{JOURNAL_SUFFIX}") if path.is_file() and not path.is_symlink())
            return sorted(found, key=lambda path: path.stat().st_mtime)
    return []


def remove_journal(path: Path) -> None:
    """Remove it, and what a kill in the middle of replacing it left; a folder that it leaves empty goes too."""
    for file in (path, path.with_name(path.name + _NEW_SUFFIX)):
        file.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # other journals lie in it
        path.parent.rmdir()


class JournalFile:
    """One journal that is being written.

    Neither the file nor the two folders it lies in are followed where they are links. The lock on it says that its
    process lives: a forked child gives its share of it up at once, since a lock of this kind outlives the process
    that took it for as long as any child of it holds the file open.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._disk = DiskSync(path)
        self._descriptor: int | None = None
        self._open: dict[int, portable.FileIdentity | None] = {}
        self._moved: list[int] = []
        self._torn = False
        self.ends = False  # its session is over, and a thread that nobody waits for is about to close it
        self.size_bytes = 0
        self.written_bytes = 0
        _of_this_process.add(self)

    def lies_at(self, path: Path) -> bool:
        """Whether that is its place."""
        return self._path == path

    def is_missing(self) -> bool:
        """Whether no file of ours lies in its place (any more)."""
        if self._descriptor is None:
            return True
        try:
            there = self._path.lstat()
        except OSError as error:
            handlers.pass_on(error)
            return True
        return (there.st_dev, there.st_ino) != portable.identity_of(self._descriptor)

    def replace(self, content: bytes) -> None:
        """Begin anew with ``content``, which is on disk before it takes an old file's place.

        Folders are made as needed; an old file that somebody moved away, with its folder, stays locked until the end.

        Raises:
            OSError: the disk is full, or a folder cannot be made, or one is a link. The old file is as it was.
        """
        self._drop_lost()
        was_there = not self.is_missing()
        folder = open_folder(self._path.parent)
        new = self._path.name + _NEW_SUFFIX
        try:
            with contextlib.suppress(FileNotFoundError):
                folder.unlink(new)
            descriptor = folder.create(new)
            self._open[descriptor] = portable.identity_of(descriptor)
            try:
                _lock(descriptor)
                self._write(descriptor, content)
                if was_there:
                    portable.sync(descriptor)
                descriptor = self._put_in_place(folder, descriptor, new)
            except BaseException:  # whatever it is goes on up; the half-made file may not stay, nor its lock
                # The old file, opened again, may have its number.
                if descriptor in self._open and descriptor != self._descriptor:
                    self._close(descriptor)
                folder.unlink(new)
                raise
            # Only now, so that there is no moment in which nobody holds a lock on what lies there.
            self._give_up_old(was_there=was_there)
            self._descriptor, self._torn, self.size_bytes = descriptor, False, len(content)
        finally:
            folder.close()

    def append(self, lines: bytes) -> None:
        """Add whole lines.

        Raises:
            OSError: the disk is full or failed; what was torn by it is parted from the next line.
        """
        if self._descriptor is None:
            msg = "the journal was not begun"
            raise ValueError(msg)
        content = b"\n" + lines if self._torn else lines
        self._torn = True
        self._write(self._descriptor, content)
        self._torn = False
        self.size_bytes += len(content)

    def sync(self) -> bool:
        """Have the disk take what was written, beside the lines that follow; whether that was begun, and not put off.

        Raises:
            OSError: the disk failed last time.
        """
        return self._descriptor is not None and self._disk.begin()

    def close(self) -> None:
        """Give the lock up; the file stays."""
        for descriptor in (*self._moved, *([] if self._descriptor is None else [self._descriptor])):
            self._close(descriptor)
        self._moved.clear()
        self._descriptor = None

    def remove(self) -> None:
        """Close it and remove it, if what lies there is ours; an older one of it too, wherever that was moved."""
        self._drop_lost()
        missing = self.is_missing()
        for descriptor in self._moved:
            _remove_where_it_lies(descriptor)
        self.close()
        if not missing:
            remove_journal(self._path)

    def forget(self) -> None:
        """In a forked child: close without giving the parent's lock up."""
        for descriptor in list(self._open):
            self._close(descriptor)
        self._moved.clear()
        self._descriptor = None

    def _put_in_place(self, folder: Folder, descriptor: int, new: str) -> int:
        if portable.MOVES_OPEN_FILES:
            try:
                folder.rename(new, self._path.name)
            except OSError as error:
                if not portable.may_be_for_open_file(error):
                    raise
            else:
                return descriptor
        self.close()
        self._close(descriptor)
        try:
            folder.rename(new, self._path.name)
        except OSError:
            with contextlib.suppress(OSError):  # there was none yet
                self._descriptor = self._reopened(folder)
            raise
        return self._reopened(folder)

    def _reopened(self, folder: Folder) -> int:
        descriptor = folder.reopen(self._path.name)
        self._open[descriptor] = portable.identity_of(descriptor)
        _lock(descriptor)
        return descriptor

    def _write(self, descriptor: int, content: bytes) -> None:
        rest = memoryview(content)
        while rest:
            count = os.write(descriptor, rest)
            self.written_bytes += count
            rest = rest[count:]

    def _give_up_old(self, *, was_there: bool) -> None:
        old = self._descriptor
        if old is None:
            return
        if was_there or not _has_a_place(old):
            self._close(old)
        else:
            self._moved.append(old)

    def _drop_lost(self) -> None:
        # Somebody may have closed everything, as daemons do, and another file have the number since.
        self._open = {one: ours for one, ours in self._open.items() if ours and portable.identity_of(one) == ours}
        self._moved = [one for one in self._moved if one in self._open]
        if self._descriptor not in self._open:
            self._descriptor = None

    def _close(self, descriptor: int) -> None:
        ours = self._open.pop(descriptor, None)
        if ours is not None and portable.identity_of(descriptor) == ours:  # else lost, as above
            os.close(descriptor)


_of_this_process: weakref.WeakSet[JournalFile] = weakref.WeakSet()


def ends_here(path: Path) -> bool:
    """Whether it is the journal of a session of this process that is over, and only not closed yet."""
    return any(file.ends and file.lies_at(path) for file in list(_of_this_process))


def _forget_all() -> None:
    for file in list(_of_this_process):
        file.forget()


portable.in_forked_children(_forget_all)


def _has_a_place(descriptor: int) -> bool:
    with contextlib.suppress(OSError):  # closed by somebody
        return os.fstat(descriptor).st_nlink > 0
    return False


def _remove_where_it_lies(descriptor: int) -> None:
    with contextlib.suppress(OSError):  # gone, or not ours to remove: whoever moved it has it
        path, ours = Path(f"/proc/self/fd/{descriptor}").readlink(), os.fstat(descriptor)
        there = path.lstat()
        if (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino):
            remove_journal(path)


def _lock(descriptor: int) -> None:
    with contextlib.suppress(OSError):  # a file system without locks: ``is_alive`` then asks when it was written
        portable.lock(descriptor, wait=False)
