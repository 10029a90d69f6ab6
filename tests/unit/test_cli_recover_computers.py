"""``cardcallback recover A B``: the computers of one job, ended or killed, in one record."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from journalled import JournalledRun, path_in
from msgspec.structs import replace
from node_records import JOULES, node_record

from cardcallback.cli import main
from cardcallback.processes import summarize_node, write_summary
from cardcallback.record import encode, load_run


@pytest.fixture(autouse=True)
def _nothing_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of this machine, and nothing in the working folder."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    monkeypatch.chdir(tmp_path)


def recover(*folders: str) -> int:
    """The exit code of the command."""
    with pytest.raises(SystemExit) as stop:
        main(["recover", *folders])
    return int(stop.value.code or 0)


def leave_record(folder: Path, *ranks: int, processes: int = 4) -> None:
    """Rank 0's computer ended in good order."""
    place = folder / "training_run" / "record.json"
    place.parent.mkdir(parents=True)
    place.write_text(encode(node_record(ranks, processes=processes)))


def test_two_folders_without_a_shared_disk_become_one_record(tmp_path: Path, capsys: Any) -> None:
    """The other computer's summary is in its own folder; energies add up and nobody is missing any more."""
    leave_record(tmp_path / "a", 0, 1)
    (tmp_path / "b" / "_cardcallback").mkdir(parents=True)
    write_summary(tmp_path / "b", summarize_node(node_record((2, 3), processes=4)))
    assert recover("a", "b") == 0
    assert capsys.readouterr().out.startswith("a: 2 computers, GPU ")
    record = load_run(tmp_path / "a")
    assert record.energy.gpu.value == pytest.approx(4 * JOULES)
    assert record.energy.partial_reason is None
    assert [node.ranks for node in record.nodes] == [(0, 1), (2, 3)]
    assert recover("a", "b") == 3  # joined already


def test_a_computer_that_was_killed_is_joined_from_its_journal(tmp_path: Path, capsys: Any) -> None:
    """Its journal becomes its summary, up to its last second, and then a part of rank 0's record."""
    leave_record(tmp_path / "a", 0, 1)
    killed = JournalledRun(replace(node_record((2, 3), processes=4), status="running"), devices=2)
    keeper = killed.keeper(tmp_path / "b")
    killed.live(keeper, 100.0)
    keeper._file.close()
    os.utime(path_in(tmp_path / "b"), (0, 0))
    assert recover("b") == 0
    assert "the figures of ranks 2 and 3 are ready" in capsys.readouterr().out
    assert not path_in(tmp_path / "b").exists()
    assert recover("a", "b") == 0
    record = load_run(tmp_path / "a")
    assert record.energy.gpu.value == pytest.approx(2 * JOULES + killed.joules, rel=0.02)
    assert record.nodes[1].duration_seconds == pytest.approx(100.0, abs=1.1)


def test_folders_of_two_jobs_are_refused_in_one_line(tmp_path: Path, capsys: Any) -> None:
    """Which folders belong together is the person's word, but not against what they say themselves."""
    leave_record(tmp_path / "a", 0, 1)
    (tmp_path / "b" / "_cardcallback").mkdir(parents=True)
    write_summary(tmp_path / "b", summarize_node(node_record((2, 3), processes=8)))
    before = (tmp_path / "a" / "training_run" / "record.json").read_bytes()
    assert recover("a", "b") == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert (tmp_path / "a" / "training_run" / "record.json").read_bytes() == before
