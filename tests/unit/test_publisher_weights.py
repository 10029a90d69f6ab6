"""Whose record and card stand in a folder once weights were saved into it by hand, or were not."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from folder_cards import open_folder
from msgspec.structs import replace

from cardcallback.cli import main
from cardcallback.guard import Guard
from cardcallback.publisher import Publisher
from cardcallback.record import RunRecord, Status, load_run
from cardcallback.sessions import OTHER_WEIGHTS
from cardcallback.settings import Settings
from cardcallback.testing import make_record

STEPS = 300
STATE = SimpleNamespace(global_step=STEPS, log_history=[], is_hyper_param_search=False)


class EndedRun:
    """As much of a live run as a publisher asks for, after measuring ended."""

    session_id = "first"
    node = None
    finished = True

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self.observed = SimpleNamespace(progress=lambda *_, **__: None)

    def stop_recording(self) -> None:
        """It has stopped."""

    def record(self, status: Status, **_: Any) -> RunRecord:
        """Of the last step that was taken."""
        made = make_record(run_id=self.run_id, status=status)
        training = replace(made.training, steps=STEPS, published_step=STEPS, published_reason="last step")
        return replace(made, training=training, sessions=(replace(made.sessions[0], status=status),))


def ended(folder: Path, run_id: str, status: Status) -> Publisher:
    """What wrote the files of a run that ended without saving its weights."""
    run: Any = EndedRun(run_id)
    files = open_folder(folder, run_id)
    settings = Settings(quiet=True, charts=False)
    publisher = Publisher(run, files, state=STATE, trainer=lambda: None, guard=Guard(), settings=settings)
    publisher.end(status, STATE)
    return publisher


def save(publisher: Publisher, folder: Path, weights: bytes) -> None:
    """``save_model()`` after the end."""
    (folder / "model.safetensors").write_bytes(weights)
    publisher.model_saved(folder)


def test_weights_of_an_interrupted_run_take_record_and_card_with_them(tmp_path: Path) -> None:
    """It was saved by hand over a completed run's: everything in the main place is of the weights that are there."""
    save(ended(tmp_path, "first", "completed"), tmp_path, b"first")
    good = (tmp_path / "README.md").read_text()
    stopped = ended(tmp_path, "stopped", "interrupted")
    assert (tmp_path / "README.md").read_text() == good
    assert load_run(tmp_path).run_id == "first"
    save(stopped, tmp_path, b"stopped")
    assert load_run(tmp_path).run_id == "stopped"
    assert load_run(tmp_path / "training_run" / "record-first.json").weights
    assert not (tmp_path / "training_run" / "record-stopped.json").exists()
    card = (tmp_path / "README.md").read_text()
    assert f"These weights are from step {STEPS}, and were saved after the interruption." in card
    assert "was not recorded" not in card


def test_who_saves_last_has_the_folder(tmp_path: Path) -> None:
    """The completed run's weights come back, with the marks that they had before."""
    first = ended(tmp_path, "first", "completed")
    save(first, tmp_path, b"first")
    save(ended(tmp_path, "stopped", "interrupted"), tmp_path, b"stopped")
    save(first, tmp_path, b"first")
    assert load_run(tmp_path).run_id == "first"
    assert "**Interrupted.**" not in (tmp_path / "README.md").read_text()


def test_another_folder_says_nothing_of_this_one(tmp_path: Path) -> None:
    """A copy that an interrupted run saves elsewhere leaves the completed run's files."""
    save(ended(tmp_path, "first", "completed"), tmp_path, b"first")
    ended(tmp_path, "stopped", "interrupted").model_saved(tmp_path / "elsewhere")
    assert load_run(tmp_path).run_id == "first"


def test_a_completed_run_beside_anothers_weights_says_so(tmp_path: Path) -> None:
    """Until its own are there."""
    save(ended(tmp_path, "first", "completed"), tmp_path, b"first")
    second = ended(tmp_path, "second", "completed")
    assert OTHER_WEIGHTS in (tmp_path / "README.md").read_text()
    save(second, tmp_path, b"second")
    assert OTHER_WEIGHTS not in (tmp_path / "README.md").read_text()
    assert not [note for note in load_run(tmp_path).notes if note.startswith(OTHER_WEIGHTS)]


@pytest.mark.parametrize("weights", [None, b"of no run here"])
def test_nothing_is_said_where_no_file_tells(tmp_path: Path, weights: bytes | None) -> None:
    """No weights, or ones that somebody else put there."""
    save(ended(tmp_path, "first", "completed"), tmp_path, b"first")
    (tmp_path / "model.safetensors").unlink()
    if weights is not None:
        (tmp_path / "model.safetensors").write_bytes(weights)
    ended(tmp_path, "second", "completed")
    assert OTHER_WEIGHTS not in (tmp_path / "README.md").read_text()


def test_a_folder_is_rendered_of_the_weights_in_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The run in the main place saved none: the record of those that are there is taken, and that is told."""
    save(ended(tmp_path, "first", "completed"), tmp_path, b"first")
    stopped = ended(tmp_path, "second", "interrupted")
    stopped.before_push()  # takes the main place
    assert load_run(tmp_path).run_id == "second"
    with pytest.raises(SystemExit):
        main(["render", str(tmp_path)])
    told = capsys.readouterr()
    assert "**Interrupted.**" not in told.out
    assert "record-first.json is used" in told.err
    (tmp_path / "model.safetensors").write_bytes(b"unknown")
    with pytest.raises(SystemExit):
        main(["render", str(tmp_path)])
    told = capsys.readouterr()
    assert "**Interrupted.**" in told.out
    assert told.err == ""
