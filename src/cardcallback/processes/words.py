"""Processes by number, in words."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

_MOST_PARTS = 6


def rank_words(ranks: Iterable[int]) -> str:
    """As "rank 3", "ranks 2 and 5", "ranks 8 to 15 and 20"; many separate ones are counted."""
    ordered = sorted(set(ranks))
    if len(ordered) == 1:
        return f"rank {ordered[0]}"
    runs = [[rank for _, rank in run] for _, run in groupby(enumerate(ordered), lambda pair: pair[1] - pair[0])]
    parts = [part for run in runs for part in _of_run(run)]
    if len(parts) > _MOST_PARTS:
        return f"{len(ordered):,} ranks, {ordered[0]} the first,"
    return f"ranks {', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else f"ranks {parts[0]}"


def _of_run(run: list[int]) -> list[str]:
    return [f"{run[0]} to {run[-1]}"] if len(run) > 2 else [str(rank) for rank in run]
