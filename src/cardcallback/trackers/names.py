"""The names under which figures stand in a tracker; our own, so that nothing of the log is overwritten."""

from __future__ import annotations

from collections.abc import Mapping

PREFIX = "cardcallback/"
SUMMARY_PREFIX = "cardcallback/summary/"


class OwnName(str):
    """A name that stays as it is where transformers' reporters put "train/" before every name of a log."""

    __slots__ = ()

    def __radd__(self, before: str) -> str:
        """Python asks this one first, as it is the sum's more special part."""
        del before
        return str(self)


def named(figures: Mapping[str, float], *, against_prefix: bool, prefix: str = PREFIX) -> dict[str, float]:
    """Figures by the names that a reporter is to log them under; ``against_prefix``: it would put one before them."""
    kind = OwnName if against_prefix else str
    return {kind(prefix + name): value for name, value in figures.items()}
