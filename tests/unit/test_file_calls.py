"""How many calls to a file system a write, or a begin, takes: on a slow one training waits for each of them."""

from __future__ import annotations

import io
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from folder_cards import open_folder
from session_records import session_record

from cardcallback.card_keeper import CardKeeper
from cardcallback.record import Card, RunBrief, brief_of, encode
from cardcallback.sessions import SUMMARY_NAME, earlier_sessions
from cardcallback.testing import make_record
from cardcallback.writing import own_folder, write_atomically

NAMES = ("stat", "lstat", "open", "mkdir", "replace", "unlink", "chmod", "chown", "fsync", "scandir", "listdir")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts them by name from now on."""
    counted: Counter[str] = Counter()

    def count(module: Any, name: str) -> None:
        original: Callable[..., Any] = getattr(module, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            counted[name] += 1
            return original(*args, **kwargs)

        monkeypatch.setattr(module, name, call)

    for name in NAMES:
        count(os, name)
    count(io, "open")
    return counted


def test_a_new_file_takes_few_calls(tmp_path: Path, calls: Counter[str]) -> None:
    """Looked for once, written, read back and put in its place."""
    (tmp_path / "_cardcallback").mkdir()
    calls.clear()
    assert write_atomically(tmp_path / "new.md", "new\n")
    assert calls.total() <= 7, calls


def test_a_replaced_file_takes_few_calls(tmp_path: Path, calls: Counter[str]) -> None:
    """As a new one, and read once more, for whether it still holds what was read from it."""
    card = tmp_path / "card.md"
    card.write_text("old\n")
    (tmp_path / "_cardcallback").mkdir()
    calls.clear()
    assert write_atomically(card, "new\n", unless_changed_from="old\n")
    assert calls.total() <= 10, calls


def test_a_file_that_stands_is_looked_at_and_read(tmp_path: Path, calls: Counter[str]) -> None:
    """And no more."""
    card = tmp_path / "card.md"
    card.write_text("old\n")
    calls.clear()
    assert not write_atomically(card, "old\n")
    assert calls.total() <= 2, calls


def test_a_folder_that_stands_is_looked_at_once(tmp_path: Path, calls: Counter[str]) -> None:
    """Whether it is a folder and no link is one question."""
    assert own_folder(tmp_path) == tmp_path
    assert calls.total() == 1, calls


def test_a_resume_reads_the_checkpoints_record_once(tmp_path: Path, calls: Counter[str]) -> None:
    """It is the first thing looked at, and one of the folder's accounts of the run."""
    checkpoint = tmp_path / "checkpoint-100"
    checkpoint.mkdir()
    record = session_record(1000.0, steps=(0, 100), status="running", session_id="a")
    (checkpoint / SUMMARY_NAME).write_text(encode(record))
    calls.clear()
    assert earlier_sessions(checkpoint, tmp_path).record == record
    assert calls["open"] == 1, calls


def test_a_begin_reads_a_card_that_is_ours_once(tmp_path: Path, calls: Counter[str]) -> None:
    """And what is remembered beside it; whether somebody edited it is seen in the same text."""
    card = tmp_path / "README.md"
    card.write_text("# Ours\n")
    CardKeeper(card, tmp_path / "_cardcallback", None).wrote("# Ours\n", Card(body="trainer"))
    calls.clear()
    assert CardKeeper(card, tmp_path / "_cardcallback", None).begin() == "# Ours\n"
    assert calls["open"] == 2, calls


def test_a_record_is_read_again_only_where_it_is_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose it is, is asked at each save and each writing of the card; a newer run's is seen at once."""
    read: list[str] = []

    def reading(content: bytes) -> RunBrief | None:
        brief = brief_of(content)
        read.append("" if brief is None else brief.run_id)
        return brief

    older, newer = open_folder(tmp_path, "older"), open_folder(tmp_path, "newer")
    older.begin()
    older.write_record(make_record(run_id="older"))
    monkeypatch.setattr("cardcallback.record.brief.brief_of", reading)
    for _ in range(5):
        assert older.has_main_record
        assert not older.is_left_to_newer_run
    assert read == ["older"]
    newer.begin()
    newer.write_record(make_record(run_id="newer"))
    read.clear()
    for _ in range(5):
        assert older.is_left_to_newer_run
        older.notice_edits()
    assert read == ["newer"]
