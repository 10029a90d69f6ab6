"""Files that are always whole: the old content or the new, never a part of either."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from types import EllipsisType
from typing import BinaryIO

from cardcallback import handlers, portable
from cardcallback.errors import CardCallbackError
from cardcallback.record import PRIVATE_FOLDER

# Pushes of the Trainer leave out names that begin with an underscore.
_TEMPORARY_PREFIX, _TEMPORARY_SUFFIX = "_cardcallback-", ".tmp"
_TEMPORARY = f"{_TEMPORARY_PREFIX}*{_TEMPORARY_SUFFIX}"
# A journal that was never begun; of one that was, this goes with it.
_JOURNALS, _NEW_JOURNAL = "journal", "*.journal.new"
_TRIES = 3
# The person's umask narrows it: what is private holds no secret either, and a group may share the folder.
_NEW_FILE_MODE = 0o666
# A card is a few pages; to read the Markdown of a megabyte takes seconds, of fifty a part of the night.
LARGEST_CARD_BYTES = 1024**2


class FileChangedError(CardCallbackError):
    """Somebody else wrote the file after it was read: nothing was written over it."""


def read_card(path: Path) -> str:
    """A card's text with its line ends and byte order mark as they are on disk.

    Raises:
        CardCallbackError: it cannot be read, is not UTF-8, or is longer than any card.
    """
    try:
        if _ordinary(path).st_size > LARGEST_CARD_BYTES:
            msg = f"{path.name} is larger than {LARGEST_CARD_BYTES // 1024**2} MiB: shorten it, then try again"
            raise CardCallbackError(msg)
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        msg = f"{path.name} is not UTF-8 text: save it as UTF-8, then try again"
        raise CardCallbackError(msg) from error
    except OSError as error:
        msg = f"cannot read {path.name}: {_reason(error)}"
        raise CardCallbackError(msg, exit_code=3) from error


def own_folder(folder: Path) -> Path:
    """A folder of ours in the output folder, made where it is missing.

    Raises:
        CardCallbackError: it cannot be made, or is a link that leads out of the output folder.
    """
    require_inside(folder)
    try:
        if not folder.is_dir():  # whatever is raised in ``mkdir`` of one that is there is swallowed by it
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"cannot make the folder {folder.name}: {_reason(error)}"
        raise CardCallbackError(msg) from error
    return folder


def write_atomically(
    path: Path, text: str, *, unless_changed_from: str | EllipsisType | None = ..., waits_for_disk: bool = True
) -> bool:
    """Replace the file at ``path`` by ``text`` (UTF-8, line ends as given) in one step.

    The text goes to a temporary file beside it, is read back, and takes the old file's place, mode and, where
    the person may give it away, owner and group. A symbolic link is followed only to a file of the same folder
    or below it.

    Args:
        path: the file.
        text: what it is to hold.
        unless_changed_from: the text that was read from it, or None where it was not there: whatever else it
            holds by now is not written over.
        waits_for_disk: until the disk has it, so that a loss of power costs neither; a slow one takes seconds for
            that. False for what is written again soon, or can be made again.

    Returns:
        Whether anything was written: a file that already holds ``text`` is not touched.

    Raises:
        FileChangedError: it does not hold ``unless_changed_from`` any more.
        CardCallbackError: it cannot be written; the old file is whole and no temporary file remains.
    """
    try:
        content = text.encode("utf-8")
    except UnicodeEncodeError as error:
        msg = f"cannot write {path.name}: its text holds half a character; what was there is unchanged"
        raise CardCallbackError(msg) from error
    read = unless_changed_from.encode("utf-8") if isinstance(unless_changed_from, str) else unless_changed_from
    return write_bytes_atomically(path, content, unless_changed_from=read, waits_for_disk=waits_for_disk)


def write_bytes_atomically(
    path: Path,
    content: bytes,
    *,
    unless_changed_from: bytes | EllipsisType | None = ...,
    as_open_as: Path | None = None,
    waits_for_disk: bool = True,
) -> bool:
    """As ``write_atomically``, for a file that is not text; a new one gets the mode of ``as_open_as``, if given."""
    try:
        target = _target(path)
        if _content(target) == content:
            return False
        like = target if target.exists() else as_open_as
        with _new_file_beside(target, content, waits_for_disk=waits_for_disk) as (temporary, file):
            _make_ready(target, temporary, content, unless_changed_from=unless_changed_from, like=like)
            _put_in_place(temporary, file, target)
    except OSError as error:
        msg = f"cannot write {path.name}: {_reason(error)}; what was there is unchanged"
        raise CardCallbackError(msg) from error
    return True


def remove_abandoned(folder: Path) -> None:
    """Remove the temporary files that a process killed while it wrote left in ``folder`` and in our own ones there."""
    private = folder / PRIVATE_FOLDER
    places = {folder: _TEMPORARY, private: _TEMPORARY, private / _JOURNALS: _NEW_JOURNAL}
    for place, pattern in places.items():
        with contextlib.suppress(PermissionError):  # another person's folder is theirs to clean up
            if place == folder or not any(one.is_symlink() for one in (place, private)):
                for path in place.glob(pattern):
                    _remove_if_abandoned(path)


def read_ordinary(path: Path, largest_bytes: int) -> bytes | None:
    """A file's content, or None where there is none.

    Raises:
        CardCallbackError: it is no ordinary file, a link out of its folder, too large, or cannot be read.
    """
    try:
        target = _target(path)
        if _ordinary(target).st_size > largest_bytes:
            msg = f"{path.name} is larger than any such file: nothing was changed"
            raise CardCallbackError(msg)
        return target.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        msg = f"cannot read {path.name}: {_reason(error)}"
        raise CardCallbackError(msg) from error


def _target(path: Path) -> Path:
    if not path.is_symlink():
        return path
    resolved = path.resolve()
    if not resolved.is_relative_to(path.parent.resolve()):
        msg = f"{path.name} is a link to a place outside its folder: replace the link by a file"
        raise CardCallbackError(msg)
    return resolved


def require_inside(folder: Path) -> None:
    """Make sure that a folder of ours, if it is there, lies where it seems to.

    Raises:
        CardCallbackError: it is a link that leads out of the output folder.
    """
    # The output folder itself may well be a link, to a larger disk; what is ours in it may not lead out of it.
    if folder.is_symlink() and not folder.resolve().is_relative_to(folder.parent.resolve()):
        msg = f"{folder.name} is a link to a place outside the output folder: replace the link by a folder"
        raise CardCallbackError(msg)


def _content(path: Path) -> bytes | None:
    try:
        _ordinary(path)
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _ordinary(path: Path) -> os.stat_result:
    """What the file system says of the file; a pipe in its place would keep whoever reads it waiting for ever."""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
        msg = f"{path.name} is no ordinary file: put one in its place"
        raise CardCallbackError(msg)
    return found


def _make_ready(
    target: Path,
    temporary: Path,
    content: bytes,
    *,
    unless_changed_from: bytes | EllipsisType | None,
    like: Path | None,
) -> None:
    if temporary.read_bytes() != content:
        msg = f"cannot write {target.name}: the disk returned something else than was written"
        raise CardCallbackError(msg)
    if like is not None and like.exists():
        _take_over(temporary, like)
    if unless_changed_from is not ... and _content(target) != unless_changed_from:
        msg = f"{target.name} was changed by somebody else just now: it stays as it is"
        raise FileChangedError(msg)


def _put_in_place(temporary: Path, file: BinaryIO, target: Path) -> None:
    try:
        temporary.replace(target)
    except OSError as error:
        if file.closed or not portable.may_be_for_open_file(error):
            raise
        file.close()
        temporary.replace(target)


def _take_over(temporary: Path, like: Path) -> None:
    """Give the new file the old one's owner, group and mode."""
    old, new = like.stat(), temporary.stat()
    mode = stat.S_IMODE(old.st_mode)
    if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
        try:
            os.chown(temporary, old.st_uid, old.st_gid)
        except OSError as error:
            handlers.pass_on(error)
            # Only root gives files away, and only to owners its container knows; the group alone may be one of the
            # person's own.
            with handlers.suppress(OSError):
                os.chown(temporary, -1, old.st_gid)
    try:
        temporary.chmod(mode)
    except OSError as error:
        handlers.pass_on(error)
        # A file system that has one mode for all its files; what was closed to others may not be opened to them.
        if stat.S_IMODE(temporary.stat().st_mode) & ~mode:
            raise


def _temporary_folder(target: Path) -> Path:
    """Where an upload of the output folder that runs just now does not look: our own folder, where there is one."""
    for folder in (target.parent, target.parent.parent):
        private = folder / PRIVATE_FOLDER
        if private.is_dir() and not private.is_symlink() and private.stat().st_dev == target.parent.stat().st_dev:
            return private
    return target.parent


@contextlib.contextmanager
def _new_file_beside(target: Path, content: bytes, *, waits_for_disk: bool) -> Iterator[tuple[Path, BinaryIO]]:
    """A temporary file with ``content``, held open; gone afterwards, unless it took the target's place."""
    try:
        temporary, descriptor = _open_temporary(_temporary_folder(target))
    except PermissionError:  # our own folder may be another person's, as where a container's root ran here before
        temporary, descriptor = _open_temporary(target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            if waits_for_disk:
                portable.sync(file.fileno(), whole=True)
            if not portable.MOVES_OPEN_FILES:
                file.close()
            yield temporary, file
    finally:
        temporary.unlink(missing_ok=True)


def _open_temporary(folder: Path) -> tuple[Path, int]:
    """A new file that only we write, locked so that nobody takes it for abandoned."""
    for _ in range(_TRIES):
        path = folder / f"{_TEMPORARY_PREFIX}{secrets.token_hex(8)}{_TEMPORARY_SUFFIX}"
        # O_EXCL refuses a file or link that somebody put there; the mode is narrowed by the person's umask.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | portable.BYTES, _NEW_FILE_MODE)
        with handlers.suppress(OSError):  # a file system without locks: nobody can find it unlocked there
            portable.lock(descriptor, wait=True)
        if os.fstat(descriptor).st_nlink:
            break
        os.close(descriptor)  # it was taken for abandoned before it was locked
    return path, descriptor


def _remove_if_abandoned(path: Path) -> None:
    """Remove a temporary file whose writer died before it took its place; one that is being written is locked."""
    with handlers.suppress(OSError):  # locked, not ours to remove, or no locks here: it is in nobody's way
        descriptor = os.open(path, portable.READ_FLAGS)
        try:
            portable.share(descriptor)
            path.unlink()
        finally:
            os.close(descriptor)


def _reason(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()
