"""Files that are always whole: the old content or the new, never a part of either."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from types import EllipsisType
from typing import BinaryIO

from cardcallback import handlers, portable
from cardcallback.errors import CardCallbackError
from cardcallback.temporary_files import open_temporary, temporary_folder

# A card is a few pages; to read the Markdown of a megabyte takes seconds, of fifty a part of the night.
LARGEST_CARD_BYTES = 1024**2
_NOT_FROM_THERE = frozenset({errno.EACCES, errno.EPERM, errno.EXDEV})


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
    with handlers.suppress(OSError):  # most often it is there and is no link: one look
        if stat.S_ISDIR(folder.lstat().st_mode):
            return folder
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
        target, found = _find(path)
        # What is to hold something else now is read once, just before its place is taken.
        if found is not None and unless_changed_from in {..., content} and _content(target) == content:
            return False
        change = _Replacement(target, content, unless_changed_from, as_open_as, was_there=found is not None)
        return _replace(change, waits_for_disk=waits_for_disk)
    except OSError as error:
        msg = f"cannot write {path.name}: {_reason(error)}; what was there is unchanged"
        raise CardCallbackError(msg) from error


def read_ordinary(path: Path, largest_bytes: int) -> bytes | None:
    """A file's content, or None where there is none.

    Raises:
        CardCallbackError: it is no ordinary file, a link out of its folder, too large, or cannot be read.
    """
    try:
        target, found = _find(path)
        if found is None:
            return None
        if found.st_size > largest_bytes:
            msg = f"{path.name} is larger than any such file: nothing was changed"
            raise CardCallbackError(msg)
        return target.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        msg = f"cannot read {path.name}: {_reason(error)}"
        raise CardCallbackError(msg) from error


def _find(path: Path) -> tuple[Path, os.stat_result | None]:
    """Where the file lies, a link in its folder followed, and what the file system says of it if it is there."""
    try:
        found = path.lstat()
        if stat.S_ISLNK(found.st_mode):
            resolved = real_path(path)
            if not resolved.is_relative_to(real_path(path.parent)):
                msg = f"{path.name} is a link to a place outside its folder: replace the link by a file"
                raise CardCallbackError(msg)
            path = resolved
            found = path.stat()
    except FileNotFoundError:
        return path, None
    return path, _require_ordinary(path, found)


def real_path(path: Path) -> Path:
    """Where a path leads; links in a circle lead where they are, which whoever opens that is told as an ``OSError``."""
    return Path(os.path.realpath(path))


def require_inside(folder: Path) -> None:
    """Make sure that a folder of ours, if it is there, lies where it seems to.

    Raises:
        CardCallbackError: it is a link that leads out of the output folder.
    """
    # The output folder itself may well be a link, to a larger disk; what is ours in it may not lead out of it.
    if folder.is_symlink() and not real_path(folder).is_relative_to(real_path(folder.parent)):
        msg = f"{folder.name} is a link to a place outside the output folder: replace the link by a folder"
        raise CardCallbackError(msg)


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _ordinary(path: Path) -> os.stat_result:
    return _require_ordinary(path, path.stat())


def _require_ordinary(path: Path, found: os.stat_result) -> os.stat_result:
    """What the file system says of the file; a pipe in its place would keep whoever reads it waiting for ever."""
    if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
        msg = f"{path.name} is no ordinary file: put one in its place"
        raise CardCallbackError(msg)
    return found


def _ordinary_or_none(path: Path | None) -> os.stat_result | None:
    try:
        return None if path is None else _ordinary(path)
    except FileNotFoundError:
        return None


@dataclass(frozen=True, slots=True)
class _Replacement:
    """What a file is to hold, and as what it was found."""

    target: Path
    content: bytes
    unless_changed_from: bytes | EllipsisType | None
    as_open_as: Path | None
    was_there: bool

    def make_ready(self, temporary: Path, new: os.stat_result) -> bool:
        """Whether the temporary file is to take the target's place, which else holds the same by now."""
        if temporary.read_bytes() != self.content:
            msg = f"cannot write {self.target.name}: the disk returned something else than was written"
            raise CardCallbackError(msg)
        checks = self.unless_changed_from is not ...
        old = _ordinary_or_none(self.target) if self.was_there or checks else None
        like = old if self.was_there else _ordinary_or_none(self.as_open_as)
        if like is not None:
            _take_over(temporary, like, new)
        there = _content(self.target) if checks and old is not None else None
        if checks and there not in {self.content, self.unless_changed_from}:
            msg = f"{self.target.name} was changed by somebody else just now: it stays as it is"
            raise FileChangedError(msg)
        return not checks or there != self.content


def _put_in_place(temporary: Path, file: BinaryIO, target: Path) -> None:
    try:
        temporary.replace(target)
    except OSError as error:
        if file.closed or not portable.may_be_for_open_file(error):
            raise
        file.close()
        temporary.replace(target)


def _take_over(temporary: Path, old: os.stat_result, new: os.stat_result) -> None:
    """Give the new file the old one's owner, group and mode."""
    mode = stat.S_IMODE(old.st_mode)
    if (old.st_uid, old.st_gid, mode) == (new.st_uid, new.st_gid, stat.S_IMODE(new.st_mode)):
        return
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


def _replace(change: _Replacement, *, waits_for_disk: bool) -> bool:
    """Write a temporary file that takes the target's place; whether it took it."""
    beside, folder = change.target.parent, temporary_folder(change.target)
    try:
        return _replace_from(folder, change, waits_for_disk=waits_for_disk)
    except OSError as error:
        # Our own folder may be another person's, as where a container's root ran here before, or on another disk.
        if folder == beside or error.errno not in _NOT_FROM_THERE:
            raise
        handlers.pass_on(error)
        return _replace_from(beside, change, waits_for_disk=waits_for_disk)


def _replace_from(folder: Path, change: _Replacement, *, waits_for_disk: bool) -> bool:
    """The same; the temporary file is in ``folder``, held open, and gone afterwards where it took no place."""
    target, in_place = change.target, False
    temporary, descriptor, new = open_temporary(folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(change.content)
            file.flush()
            if waits_for_disk:
                portable.sync(file.fileno(), whole=True)
            if not portable.MOVES_OPEN_FILES:
                file.close()
            if change.make_ready(temporary, new):
                _put_in_place(temporary, file, target)
                in_place = True
    finally:
        if not in_place:
            temporary.unlink(missing_ok=True)
    return in_place


def _reason(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()
