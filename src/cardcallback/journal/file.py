"""The journal's file: appended to, replaced in one step, locked while its process lives, never through a link."""

from __future__ import annotations

import contextlib
import os
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cardcallback import handlers, portable
from cardcallback.journal.folder import Folder, open_folder
from cardcallback.journal.places import NEW_SUFFIX, has_a_place, remove_journal, remove_where_it_lies
from cardcallback.journal.syncing import DiskSync, is_full, sync_unless_it_fails

_TRIES = 3


@dataclass(slots=True)
class _Next:
    """The file that takes the journal's place once the disk has it."""

    descriptor: int
    size_bytes: int
    disk: DiskSync


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
        self._next: _Next | None = None
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
        self._drop_next()
        was_there = not self.is_missing()
        with contextlib.closing(open_folder(self._path.parent)) as folder:
            descriptor = self._new(folder, content)
            with self._unless_it_fails(folder, descriptor):
                if was_there:
                    sync_unless_it_fails(descriptor)
                descriptor = self._put_in_place(folder, descriptor, self._new_name)
            # Only now, so that there is no moment in which nobody holds a lock on what lies there.
            self._give_up_old(was_there=was_there)
            self._descriptor, self._torn, self.size_bytes = descriptor, False, len(content)

    def begin_anew(self, content: bytes) -> None:
        """As ``replace``, without waiting for the disk: until it has ``content``, lines are added to both files.

        Raises:
            OSError: as for ``replace``.
        """
        if self.is_missing() or not portable.MOVES_OPEN_FILES:
            self.replace(content)
        elif self._next is None:
            with contextlib.closing(open_folder(self._path.parent)) as folder:
                descriptor = self._new(folder, content)
            self._next = _Next(descriptor, len(content), DiskSync(self._path.with_name(self._new_name)))
            self._next.disk.begin()

    def take_next_place(self) -> bool:
        """The file that was begun anew takes the old one's place, if the disk has it by now; whether it did.

        Raises:
            OSError: the disk is full, or it cannot be moved. The old file is as it was.
        """
        coming = self._next
        if coming is None or coming.disk.is_at_it:
            return False
        self._next = None
        with contextlib.closing(open_folder(self._path.parent)) as folder:
            with self._unless_it_fails(folder, coming.descriptor):
                if (error := coming.disk.take_error()) is not None and is_full(error):
                    raise error
                descriptor = self._put_in_place(folder, coming.descriptor, self._new_name)
            self._give_up_old(was_there=True)
            self._descriptor, self._torn, self.size_bytes = descriptor, False, coming.size_bytes
        return True

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
        self._add_to_next(lines)

    def sync(self) -> bool:
        """Have the disk take what was written, beside the lines that follow; whether that was begun, and not put off.

        Raises:
            OSError: the disk failed last time.
        """
        return self._descriptor is not None and self._disk.begin()

    def close(self) -> None:
        """Give the lock up; the file stays."""
        self._drop_next()
        for descriptor in (*self._moved, *([] if self._descriptor is None else [self._descriptor])):
            self._close(descriptor)
        self._moved.clear()
        self._descriptor = None

    def remove(self) -> None:
        """Close it and remove it, if what lies there is ours; an older one of it too, wherever that was moved."""
        self._drop_lost()
        missing = self.is_missing()
        for descriptor in self._moved:
            remove_where_it_lies(descriptor)
        self.close()
        if not missing:
            remove_journal(self._path)

    def forget(self) -> None:
        """In a forked child: close without giving the parent's lock up."""
        self._next = None
        for descriptor in list(self._open):
            self._close(descriptor)
        self._moved.clear()
        self._descriptor = None

    @property
    def _new_name(self) -> str:
        return self._path.name + NEW_SUFFIX

    def _new(self, folder: Folder, content: bytes) -> int:
        descriptor = self._created(folder)
        for _ in range(_TRIES - 1):
            if has_a_place(descriptor):
                break
            self._close(descriptor)  # it was taken for abandoned before it was locked
            descriptor = self._created(folder)
        with self._unless_it_fails(folder, descriptor):
            self._write(descriptor, content)
        return descriptor

    def _created(self, folder: Folder) -> int:
        with contextlib.suppress(FileNotFoundError):
            folder.unlink(self._new_name)
        descriptor = folder.create(self._new_name)
        self._open[descriptor] = portable.identity_of(descriptor)
        with self._unless_it_fails(folder, descriptor):
            _lock(descriptor, wait=True)  # for whoever looks at it just now whether it was abandoned
        return descriptor

    @contextlib.contextmanager
    def _unless_it_fails(self, folder: Folder, descriptor: int) -> Iterator[None]:
        """The half-made file may not stay, nor its lock."""
        try:
            yield
        except BaseException:  # whatever it is goes on up
            # The old file, opened again, may have its number.
            if descriptor in self._open and descriptor != self._descriptor:
                self._close(descriptor)
            with contextlib.suppress(FileNotFoundError):
                folder.unlink(self._new_name)
            raise

    def _add_to_next(self, lines: bytes) -> None:
        if self._next is not None:
            try:
                self._write(self._next.descriptor, lines)
            except OSError:
                self._drop_next()
                raise
            self._next.size_bytes += len(lines)

    def _drop_next(self) -> None:
        coming, self._next = self._next, None
        if coming is not None:
            self._close(coming.descriptor)
            with contextlib.suppress(OSError):
                self._path.with_name(self._new_name).unlink()

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
        _lock(descriptor, wait=False)
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
        if was_there or not has_a_place(old):
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


def _lock(descriptor: int, *, wait: bool) -> None:
    with contextlib.suppress(OSError):  # a file system without locks: ``is_alive`` then asks when it was written
        portable.lock(descriptor, wait=wait)
