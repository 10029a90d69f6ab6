"""``cardcallback ls`` of runs that left a journal: that go on, that were killed, that left nothing whole."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from journalled import JournalledRun, path_in
from msgspec.structs import replace
from node_records import node_record

from cardcallback.cli import main


@pytest.mark.parametrize("alive", [True, False])
def test_what_a_journal_says_of_its_run(tmp_path: Path, capsys: pytest.CaptureFixture[str], *, alive: bool) -> None:
    """Time and energy to the last second that was written."""
    run = JournalledRun()
    keeper = run.keeper(tmp_path)
    run.live(keeper, 25.0)
    if not alive:
        keeper.close(final=False)
    with pytest.raises(SystemExit):
        main(["ls", str(tmp_path), "--json"])
    (found,) = json.loads(capsys.readouterr().out)["runs"]
    assert found["status"] == ("running" if alive else "interrupted")
    assert found["recovered"] is not alive
    assert found["duration_seconds"] == pytest.approx(25.0, abs=1.1)
    assert found["duration_is_least"]  # also of one that was killed, by the second after its last line
    keeper.close(final=True)


def test_a_journal_of_a_job_of_several_processes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its computers' parts are read too."""
    run = JournalledRun(replace(node_record((0, 1), processes=2), status="running"), devices=2)
    keeper = run.keeper(tmp_path)
    run.live(keeper, 25.0)
    keeper.close(final=False)
    with pytest.raises(SystemExit):
        main(["ls", str(tmp_path), "--json"])
    (found,) = json.loads(capsys.readouterr().out)["runs"]
    assert found["status"] == "interrupted"


def test_a_journal_without_a_whole_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Listed as damaged, not raised."""
    path = path_in(tmp_path)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"00000000 {}\n")
    with pytest.raises(SystemExit):
        main(["ls", str(tmp_path), "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["runs"] == []
    assert len(found["damaged"]) == 1


def test_a_pipe_in_a_records_place_is_not_waited_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody writes into it: it is no run."""
    (tmp_path / "training_run").mkdir()
    os.mkfifo(tmp_path / "training_run" / "record.json")
    with pytest.raises(SystemExit) as ended:
        main(["ls", str(tmp_path)])
    assert ended.value.code == 3
    assert "no run below" in capsys.readouterr().err
