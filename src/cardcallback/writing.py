"""Files that are always whole: the old content or the new, never a part of either."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from cardcallback.errors import CardCallbackError
from cardcallback.record import PRIVATE_FOLDER

# Pushes of the Trainer leave out names that begin with an underscore.
_TEMPORARY_PREFIX = "_cardcallback-"
_NEW_FILE_MODE = 0o666


def read_card(path: Path) -> str:
    """A card's text with its line ends and byte order mark as they are on disk.

    Raises:
        CardCallbackError: it cannot be read, or is not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        msg = f"{path.name} is not UTF-8 text: save it as UTF-8, then try again"
        raise CardCallbackError(msg) from error
    except OSError as error:
        msg = f"cannot read {path.name}: {_reason(error)}"
        raise CardCallbackError(msg, exit_code=3) from error


def write_atomically(path: Path, text: str) -> bool:
    """Replace the file at ``path`` by ``text`` (UTF-8, line ends as given) in one step.

    The text goes to a temporary file beside it, is read back, and takes the old file's place and mode. A
    symbolic link is followed only to a file of the same folder or below it.

    Returns:
        Whether anything was written: a file that already holds ``text`` is not touched.

    Raises:
        CardCallbackError: it cannot be written; the old file is whole and no temporary file remains.
    """
    return write_bytes_atomically(path, text.encode("utf-8"))


def write_bytes_atomically(path: Path, content: bytes) -> bool:
    """As ``write_atomically``, for a file that is not text."""
    try:
        target = _target(path)
        if _content(target) == content:
            return False
        _replace(target, content)
    except OSError as error:
        msg = f"cannot write {path.name}: {_reason(error)}; what was there is unchanged"
        raise CardCallbackError(msg) from error
    return True


def _target(path: Path) -> Path:
    if not path.is_symlink():
        return path
    resolved = path.resolve()
    if not resolved.is_relative_to(path.parent.resolve()):
        msg = f"{path.name} is a link to a place outside its folder: replace the link by a file"
        raise CardCallbackError(msg)
    return resolved


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _replace(target: Path, content: bytes) -> None:
    temporary = _temporary_folder(target) / f"{_TEMPORARY_PREFIX}{secrets.token_hex(8)}.tmp"
    try:
        _write_new(temporary, content)
        if temporary.read_bytes() != content:
            msg = f"cannot write {target.name}: the disk returned something else than was written"
            raise CardCallbackError(msg)
        if target.exists():
            temporary.chmod(stat.S_IMODE(target.stat().st_mode))
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _temporary_folder(target: Path) -> Path:
    """Where an upload of the output folder that runs just now does not look: our own folder, where there is one."""
    for folder in (target.parent, target.parent.parent):
        private = folder / PRIVATE_FOLDER
        if private.is_dir() and not private.is_symlink() and private.stat().st_dev == target.parent.stat().st_dev:
            return private
    return target.parent


def _write_new(path: Path, content: bytes) -> None:
    # O_EXCL refuses a file or link that somebody put there; the mode is narrowed by the person's umask.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _NEW_FILE_MODE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _reason(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()
