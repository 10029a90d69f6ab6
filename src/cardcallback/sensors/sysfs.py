"""One value of one file under ``/sys``, and why it could not be had; such a value as a sensor."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from cardcallback.errors import SensorReadError
from cardcallback.sensors.base import SensorSpec
from cardcallback.units import JOULES_PER_MICROJOULE, WATTS_PER_MICROWATT

_FACTORS = {"joules": JOULES_PER_MICROJOULE, "watts": WATTS_PER_MICROWATT}
_LARGEST_BYTES = 16384
# What no later reading mends; a chip that is busy or times out may answer the next time.
_FOR_EVER = frozenset(
    {errno.EACCES, errno.EPERM, errno.ENOENT, errno.EISDIR, errno.ENOTDIR, errno.ENODEV, errno.ENXIO, errno.EOPNOTSUPP}
)


class SysfsSensor:
    """Energy or power in millionths of its unit in one file; what is not between 0 and ``highest`` is no reading."""

    def __init__(self, path: Path, spec: SensorSpec, *, highest: float) -> None:
        self._path = path
        self._spec = spec
        self._highest = highest

    @property
    def spec(self) -> SensorSpec:
        """What this sensor reads."""
        return self._spec

    def told(self, spec: SensorSpec) -> SysfsSensor:
        """The same sensor by another spec."""
        return SysfsSensor(self._path, spec, highest=self._highest)

    def read(self) -> float:
        """Watts now, or joules since the counter last began at zero.

        Raises:
            SensorReadError: the file cannot be read now, or its value cannot be true.
        """
        value = integer_of(self._path) * _FACTORS[self._spec.unit]
        if not 0 <= value <= self._highest:
            msg = f"{self._spec.source} shows what cannot be: {value:g} {self._spec.unit}"
            raise SensorReadError(msg)
        return value


def text_of(path: Path) -> str | None:
    """The file's text without the blanks around it; ``None`` where there is none to read."""
    try:
        return _read(path)
    except OSError:
        return None


def integer_of(path: Path) -> int:
    """The whole number in the file.

    Raises:
        SensorReadError: the file cannot be read (its cause is an ``OSError``), or holds something else.
    """
    try:
        text = _read(path)
    except OSError as error:
        msg = f"{path.name} cannot be read ({error.strerror})"
        raise SensorReadError(msg) from error
    try:
        return int(text)
    except ValueError as error:
        msg = f"{path.name} holds no whole number"
        raise SensorReadError(msg) from error


def is_for_ever(error: SensorReadError) -> bool:
    """Whether the file will not be readable later in this run either."""
    return isinstance(error.__cause__, OSError) and error.__cause__.errno in _FOR_EVER


def entries_of(folder: Path) -> list[Path]:
    """What lies in a folder, in order; nothing where it cannot be listed."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def content_of(path: Path | str) -> bytes:
    """The begin of a file that the kernel makes when it is read; a file object costs more than all of that.

    Raises:
        OSError: it cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.read(descriptor, _LARGEST_BYTES)
    finally:
        os.close(descriptor)


def _read(path: Path) -> str:
    return content_of(path).decode("utf-8", errors="replace").strip("\0 \t\r\n")
