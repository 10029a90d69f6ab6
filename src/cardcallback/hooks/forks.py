"""What a forked child has nothing of: a session in progress, with the threads that measure it."""

from __future__ import annotations

import contextlib
import functools
import weakref
from typing import Protocol

from cardcallback import portable


class Heir(Protocol):
    """Somebody who finds himself in a forked child, by a copy of the parent's memory."""

    def left_to_parent(self) -> None:
        """Give up, without a word, what is going on in the parent; no lock may be taken for that."""


_heirs: weakref.WeakSet[Heir] = weakref.WeakSet()


def tell_in_children(heir: Heir) -> None:
    """Tell ``heir``, while it is there, in every child that this process forks from now on."""
    _tell_from_now_on()
    _heirs.add(heir)


def do_not_tell(heir: Heir) -> None:
    """What was going on is over."""
    _heirs.discard(heir)


@functools.cache
def _tell_from_now_on() -> None:
    portable.in_forked_children(_tell_all)


def _tell_all() -> None:
    for heir in list(_heirs):
        with contextlib.suppress(Exception):  # nothing may be raised or printed into somebody's fork
            heir.left_to_parent()
