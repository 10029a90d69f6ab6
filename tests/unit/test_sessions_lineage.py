"""Which run a checkpoint belongs to, and the longest account of each of its sessions."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace
from session_records import RUN_ID, session_record

from cardcallback.errors import CardCallbackError
from cardcallback.record import RunRecord, encode
from cardcallback.sessions import (
    SUMMARY_NAME,
    agreeing_checkpoint,
    earlier_sessions,
    joined_sessions,
    last_checkpoint,
    lineage_of,
    with_last_checkpoint,
)


def _checkpoint(folder: Path, record: RunRecord | None, *, step: int = 100) -> Path:
    checkpoint = folder / f"checkpoint-{step}"
    checkpoint.mkdir(parents=True)
    if record is not None:
        (checkpoint / SUMMARY_NAME).write_text(encode(record))
    return checkpoint


def _left(folder: Path, record: RunRecord, *, name: str = "record.json", private: bool = False) -> None:
    place = folder / "_cardcallback" / "training_run" if private else folder / "training_run"
    place.mkdir(parents=True, exist_ok=True)
    (place / name).write_text(encode(record))


def _running(step: int = 100, **fields: Any) -> RunRecord:
    return session_record(1000.0, steps=(0, step), status="running", session_id="a", **fields)


def _ended(joules: float = 1400.0, *, session_id: str = "a") -> RunRecord:
    return session_record(joules, seconds=140.0, steps=(0, 140), status="interrupted", session_id=session_id)


def test_no_record_is_none(tmp_path: Path) -> None:
    """A checkpoint of a training without the callback."""
    assert lineage_of(_checkpoint(tmp_path, None)) is None


@pytest.mark.parametrize("private", [False, True])
def test_the_longest_account_of_a_session_is_taken(tmp_path: Path, private: bool) -> None:  # noqa: FBT001 - a case
    """What the session that wrote the checkpoint used after it is found by its run and its own id."""
    checkpoint = _checkpoint(tmp_path, _running())
    _left(tmp_path, _ended(), private=private)
    lineage = earlier_sessions(checkpoint, tmp_path)
    assert lineage.run_id == RUN_ID
    assert lineage.record is not None
    assert [(s.last_step, s.status, s.energy.gpu.value) for s in lineage.record.sessions] == [
        (140, "interrupted", 1400.0)
    ]


def test_work_counts_as_of_the_checkpoint(tmp_path: Path) -> None:
    """The energy goes on, the tokens do not."""
    checkpoint = _checkpoint(tmp_path, _running(tokens=1000))
    _left(tmp_path, replace(_ended(), training=session_record(tokens=1400).training))
    lineage = earlier_sessions(checkpoint, tmp_path)
    assert lineage.record is not None
    assert lineage.record.energy.gpu.value == 1400.0
    assert lineage.record.training.tokens.non_padding == 1000


def test_a_later_checkpoint_is_an_account_too(tmp_path: Path) -> None:
    """Killed without a record: the last checkpoint tells more than the one that is resumed."""
    checkpoint = _checkpoint(tmp_path, _running())
    later = session_record(2000.0, seconds=200.0, steps=(0, 200), status="running", session_id="a")
    _checkpoint(tmp_path, later, step=200)
    lineage = earlier_sessions(checkpoint, tmp_path)
    assert lineage.record is not None
    joined = lineage.joined(session_record(500.0, steps=(100, 300)))
    assert joined.energy.gpu.value == 2500.0
    assert joined.sessions[0].rest_unknown


def test_a_lost_session_of_the_same_folder_was_spent(tmp_path: Path) -> None:
    """Resumed twice from one checkpoint: the first resume's work is lost, its energy is not."""
    checkpoint = _checkpoint(tmp_path, _running())
    resumed = session_record(700.0, steps=(100, 170), status="interrupted", session_id="b")
    _left(tmp_path, joined_sessions(_ended(), resumed))
    lineage = earlier_sessions(checkpoint, tmp_path)
    assert lineage.record is not None
    assert [session.session_id for session in lineage.record.sessions] == ["a", "b"]
    assert lineage.record.energy.gpu.value == 2100.0


def test_another_branch_is_not_ours(tmp_path: Path) -> None:
    """Resumed into another folder: what the first one's folder went on with is not of this run's weights."""
    checkpoint = _checkpoint(tmp_path / "first", _running())
    resumed = session_record(700.0, steps=(100, 170), session_id="b")
    _left(tmp_path / "first", joined_sessions(_ended(), resumed))
    lineage = earlier_sessions(checkpoint, tmp_path / "second")
    assert lineage.record is not None
    assert [session.session_id for session in lineage.record.sessions] == ["a"]
    assert lineage.record.energy.gpu.value == 1400.0


def test_another_run_of_the_folder_is_not_read(tmp_path: Path) -> None:
    """A folder that was used before holds records of other runs."""
    checkpoint = _checkpoint(tmp_path, _running())
    _left(tmp_path, replace(_ended(), run_id="1" * 32))
    lineage = earlier_sessions(checkpoint, tmp_path)
    assert lineage.record is not None
    assert lineage.record.energy.gpu.value == 1000.0


def test_damaged_records_beside_it_are_left_out(tmp_path: Path) -> None:
    """They stay where they are, and the checkpoint's own account is taken."""
    checkpoint = _checkpoint(tmp_path, _running())
    _left(tmp_path, _ended())
    broken = tmp_path / "training_run" / "record.json"
    broken.write_text(broken.read_text()[:-50])
    (tmp_path / "training_run" / "record-folder.json").mkdir()
    lineage = earlier_sessions(checkpoint, tmp_path)
    assert lineage.record is not None
    assert lineage.record.energy.gpu.value == 1000.0


@pytest.mark.parametrize(
    ("field", "value"),
    [("run_id", "../../outside"), ("run_id", ""), ("run_id", "a\nb"), ("sessions", []), ("duration_seconds", 1e999)],
)
def test_a_hostile_record_is_refused(tmp_path: Path, field: str, value: Any) -> None:
    """An id that would become a path, a record of nothing, and a number that cannot be written again."""
    checkpoint = _checkpoint(tmp_path, None)
    text = json.dumps(json.loads(encode(_running())) | {field: value}).replace("Infinity", "1e999")
    (checkpoint / SUMMARY_NAME).write_text(text)
    with pytest.raises(CardCallbackError):
        lineage_of(checkpoint)
    lineage = earlier_sessions(checkpoint, tmp_path)
    assert lineage.record is None
    assert lineage.run_id != value
    assert len(lineage.notes) == 1


def test_notes_name_no_place(tmp_path: Path) -> None:
    """What could not be read is told without where it lies."""
    checkpoint = _checkpoint(tmp_path, None)
    for lineage in (earlier_sessions(checkpoint, tmp_path), earlier_sessions(None, tmp_path)):
        assert lineage.notes
        assert not any(str(tmp_path) in note or checkpoint.name in note for note in lineage.notes)


def test_weights_without_their_steps_are_a_run_of_their_own(tmp_path: Path) -> None:
    """A checkpoint whose trainer state is gone begins at step 0 again."""
    lineage = earlier_sessions(_checkpoint(tmp_path, _running()), tmp_path, step=0)
    assert lineage.record is None
    assert lineage.notes


def test_a_renamed_checkpoint_is_checked_by_its_state(tmp_path: Path) -> None:
    """The Hub calls it last-checkpoint: its step is then in its own state."""
    checkpoint = _checkpoint(tmp_path, _running()).rename(tmp_path / "last-checkpoint")
    (checkpoint / "trainer_state.json").write_text('{"global_step": 100}')
    assert lineage_of(checkpoint) is not None
    (checkpoint / "trainer_state.json").write_text('{"global_step": 90}')
    with pytest.raises(CardCallbackError, match="another checkpoint"):
        lineage_of(checkpoint)


def test_the_last_checkpoint_is_the_highest_step(tmp_path: Path) -> None:
    """By number, and only folders with exactly that name, as transformers chooses."""
    for name in ("checkpoint-9", "checkpoint-100", "checkpoint-200-old", "checkpoint-x"):
        (tmp_path / name).mkdir()
    (tmp_path / "checkpoint-300").write_text("a file")
    assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-100"
    assert last_checkpoint(tmp_path / "nowhere") is None


def test_a_checkpoint_agrees_by_its_whole_state(tmp_path: Path) -> None:
    """Also with a loss that was not a number; another history is another run's, though the step is the same."""
    checkpoint = _checkpoint(tmp_path, None, step=2)
    history = [{"loss": float("nan"), "step": 1}, {"loss": 1.5, "step": 2}]
    saved = {"global_step": 2, "epoch": 0.5, "log_history": history, "best_metric": None, "total_flos": 1.0}
    saved["num_input_tokens_seen"] = 0
    (checkpoint / "trainer_state.json").write_text(json.dumps(saved))
    assert agreeing_checkpoint(tmp_path, SimpleNamespace(**saved)) == checkpoint
    other = saved | {"log_history": [{"loss": 1.4, "step": 2}]}
    assert agreeing_checkpoint(tmp_path, SimpleNamespace(**other)) is None
    assert agreeing_checkpoint(tmp_path, SimpleNamespace(**(saved | {"global_step": 3}))) is None


def test_an_attempt_that_was_given_up_is_spent(tmp_path: Path) -> None:
    """Its time and energy count, its steps and tokens do not; the session that follows has an id of its own."""
    lineage = earlier_sessions(_checkpoint(tmp_path, _running()), tmp_path)
    attempt = lineage.joined(session_record(300.0, steps=(100, 130), status="interrupted", tokens=300))
    again = lineage.after_attempt(attempt)
    record = again.joined(session_record(1000.0, steps=(100, 200), tokens=1000))
    assert record.energy.gpu.value == 2300.0
    assert record.training.tokens.non_padding == 2000
    assert again.run_id == lineage.run_id
    assert again.session_id != lineage.session_id


def test_an_interrupted_run_tells_its_last_checkpoint(tmp_path: Path) -> None:
    """Of its last session or before it; not one of a session whose work was lost, of another run, or unfinished."""
    before = session_record(steps=(0, 60), status="interrupted", session_id="before")
    ended = joined_sessions(before, session_record(steps=(50, 140), status="interrupted", session_id="a"))
    assert with_last_checkpoint(ended, tmp_path) is ended
    _checkpoint(tmp_path, session_record(steps=(0, 60), session_id="before"), step=60)
    _checkpoint(tmp_path, None, step=130)
    _checkpoint(tmp_path, replace(_running(step=120), run_id="another"), step=120)
    assert with_last_checkpoint(ended, tmp_path) is ended
    _checkpoint(tmp_path, session_record(steps=(0, 50), session_id="before"), step=50)
    assert with_last_checkpoint(ended, tmp_path).training.published_step == 50
    _checkpoint(tmp_path, _running(step=100))
    told = with_last_checkpoint(ended, tmp_path).training
    assert (told.published_step, told.published_reason) == (100, "last checkpoint")
    assert with_last_checkpoint(replace(ended, status="completed"), tmp_path).training == ended.training
