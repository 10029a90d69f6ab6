"""The benchmark of kills goes on where it was broken off."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the benchmark trains with PyTorch")

from kills import Kill, keep, known_kills


def kill(seed: int) -> Kill:
    """One of a training that had begun."""
    return Kill(
        seed=seed,
        at_seconds=3.0,
        status="interrupted",
        recovered=True,
        missing_seconds=0.4,
        error_share=0.01,
        error_seconds=0.03,
        held=True,
        damaged=("a file is left",),
    )


def test_a_line_that_was_not_written_whole_is_killed_again(tmp_path: Path) -> None:
    """The next one is parted from it, and a training of another length is none of these."""
    results = tmp_path / "runs" / "kills.jsonl"
    keep(results, kill(0), 8.0)
    with results.open("a") as file:
        file.write('{"seconds": 8.0, "seed": 1, "at_')
    keep(results, kill(2), 8.0)
    keep(results, kill(3), 4.0)
    assert known_kills(results, 8.0) == {0: kill(0), 2: kill(2)}


def test_nothing_is_known_before_the_first(tmp_path: Path) -> None:
    """A file that is not there yet."""
    assert known_kills(tmp_path / "kills.jsonl", 8.0) == {}
