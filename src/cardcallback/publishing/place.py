"""Where a card may be completed: what a folder or a repository can do, and one change of a file in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from cardcallback.record import Card


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One file of the place by its path there (with ``/``), as it was read (None: not there) and as it is to be.

    ``card`` is what we put into it, where the file is the card.
    """

    path: str
    before: bytes | None
    after: bytes
    card: Card | None = None


class Place(Protocol):
    """A folder or repository at one moment: every read is of that moment, and a write needs it to be unchanged."""

    @property
    def name(self) -> str:
        """What a message calls it."""

    def file_names(self) -> frozenset[str]:
        """Paths of the files in it, with ``/``; of a folder those at its top and one level below."""

    def read(self, path: str, largest_bytes: int) -> bytes | None:
        """A file's content, or None where there is none.

        Raises:
            CardCallbackError: it is too large, lies elsewhere or cannot be read.
        """

    def write(self, changes: Sequence[Change]) -> str:
        """Make all changes, or none; says where they are now.

        Raises:
            FileChangedError: somebody else changed one of the files meanwhile.
            CardCallbackError: they cannot be written.
        """
