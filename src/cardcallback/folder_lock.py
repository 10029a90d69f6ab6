"""Who writes record, card and pictures of an output folder just now: one run at a time, where there are locks."""

from __future__ import annotations

import contextlib
import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from cardcallback import handlers, portable
from cardcallback.errors import CardCallbackError
from cardcallback.record import PRIVATE_FOLDER
from cardcallback.writing import own_folder

_NAME = "lock"
# Less than anybody waits for a folder, and longer than most disks take for a record and a card.
_LOOKS, _LOOK_SECONDS = 100, 0.02
_MODE = 0o666  # narrowed by the person's umask


class FolderLock:
    """Kept in a file of our own folder, which stays there; its system gives it up where its holder dies.

    A child that was forked meanwhile then keeps it for as long as it lives. A file system without locks, and a folder
    that cannot be written to, part nobody.

    Args:
        private: our own folder.
        wait: waits that many seconds.
    """

    def __init__(self, private: Path, wait: Callable[[float], None] = time.sleep) -> None:
        self._private, self._wait = private, wait
        self._inside = _Inside()

    @contextlib.contextmanager
    def held(self) -> Iterator[bool]:
        """Whether it is held from here on: not where another holds it for 2 s, as a process that is stopped does."""
        inside = self._inside.held
        descriptor = None if inside else self._opened()
        is_held = inside[-1] if inside else descriptor is None or self._take(descriptor)
        inside.append(is_held)
        try:
            yield is_held
        finally:
            inside.pop()
            if descriptor is not None:
                _give_up(descriptor)

    def _opened(self) -> int | None:
        with handlers.suppress(OSError, CardCallbackError):
            if not self._is_there():
                if not self._private.parent.is_dir():  # moved away: nothing is made in its place to be locked
                    return None
                own_folder(self._private)
            path, flags = self._private / _NAME, portable.READ_FLAGS
            try:
                return os.open(path, flags | os.O_RDWR | os.O_CREAT, _MODE)
            except PermissionError as error:
                handlers.pass_on(error)
                return os.open(path, flags)  # made by another person: a lock needs no right to write
        return None

    def _is_there(self) -> bool:
        try:
            return stat.S_ISDIR(self._private.lstat().st_mode)
        except FileNotFoundError:
            return False

    def _take(self, descriptor: int) -> bool:
        try:
            for _ in range(_LOOKS):
                if portable.takes_lock(descriptor) is not False:
                    return True
                self._wait(_LOOK_SECONDS)
        except BaseException:  # whatever it is goes on up
            os.close(descriptor)
            raise
        return False


class _Inside(threading.local):
    """What a thread is inside of: another one of the process waits for it as any other process does."""

    def __init__(self) -> None:
        self.held: list[bool] = []


@contextlib.contextmanager
def no_run_writes_in(*folders: Path) -> Iterator[None]:
    """For a command that writes into output folders: no run writes its card, record or pictures there meanwhile.

    Raises:
        CardCallbackError: one does, and does not come to its end.
    """
    known = {os.path.realpath(one / PRIVATE_FOLDER): one for one in folders if (one / PRIVATE_FOLDER).is_dir()}
    with contextlib.ExitStack() as stack:
        for private in sorted(known):  # in one order, so that no two commands wait for each other
            if not stack.enter_context(FolderLock(Path(private)).held()):
                msg = f"a run is writing into {known[private]} just now: nothing was changed; try again"
                raise CardCallbackError(msg)
        yield


def _give_up(descriptor: int) -> None:
    # By name: a child that was forked meanwhile holds the file open, and so would hold the lock, as long as it lives.
    with handlers.suppress(OSError):
        portable.unlock(descriptor)
    os.close(descriptor)
