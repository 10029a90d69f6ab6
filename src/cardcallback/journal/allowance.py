"""How many bytes the journal may write, so that a day of it stays small whatever is asked of it."""

from __future__ import annotations

# 18.4 MiB a day beside what was saved up, below the 20 MiB that the journal may write.
_BYTES_PER_SECOND = 223.0
_MOST_SAVED_BYTES = 512 * 1024
# Kept for the lines of each second when snapshots are asked for often.
_FOR_PROGRESS_BYTES = 128 * 1024
# However large a record is, the lines of each second go on after a minute.
_DEEPEST_DEBT_BYTES = 60 * _BYTES_PER_SECOND


class Allowance:
    """Grows with time up to what may be saved, and is spent by writing."""

    def __init__(self, now_seconds: float) -> None:
        self._left_bytes = float(_MOST_SAVED_BYTES)
        self._at_seconds = now_seconds

    def spend(self, written_bytes: int) -> None:
        """So many bytes were written."""
        self._left_bytes = max(self._left_bytes - written_bytes, -_DEEPEST_DEBT_BYTES)

    def has_for_progress(self, now_seconds: float) -> bool:
        """Whether a line may be written now."""
        return self._left(now_seconds) > 0

    def has_for_snapshot(self, now_seconds: float, size_bytes: int) -> bool:
        """Whether a snapshot of about this size may be."""
        return self._left(now_seconds) > min(size_bytes + _FOR_PROGRESS_BYTES, _MOST_SAVED_BYTES - 1)

    def _left(self, now_seconds: float) -> float:
        passed = max(now_seconds - self._at_seconds, 0.0)
        self._left_bytes = min(self._left_bytes + passed * _BYTES_PER_SECOND, _MOST_SAVED_BYTES)
        self._at_seconds = now_seconds
        return self._left_bytes
