"""Of one moment a run's record is made once, and its pictures are drawn once, whoever asks for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from folder_cards import HEADING, open_folder
from msgspec.structs import replace
from running_run import STEP, RunningRun

from cardcallback.guard import Guard
from cardcallback.publisher import Publisher
from cardcallback.record import Evaluation, EvaluationResult, RunRecord, load_run
from cardcallback.run_folder import RunFolder
from cardcallback.sessions import SUMMARY_NAME
from cardcallback.settings import Settings
from cardcallback.testing import make_record

ADAPTER_CARD = "---\nbase_model: someone/base\n---\n# Adapter\n"


@pytest.fixture
def run() -> RunningRun:
    """A run that goes on."""
    return RunningRun()


@pytest.fixture
def state() -> Any:
    """The Trainer's state at a save."""
    return SimpleNamespace(global_step=STEP, log_history=[{"loss": 2.0, "step": STEP}], is_hyper_param_search=False)


@pytest.fixture
def guard() -> Guard:
    """What the publisher tells."""
    return Guard()


@pytest.fixture
def publisher(run: Any, state: Any, guard: Guard, tmp_path: Path) -> Publisher:
    """Who writes that run's files."""
    (tmp_path / f"checkpoint-{STEP}").mkdir()
    settings = Settings(quiet=True)
    return Publisher(run, open_folder(tmp_path), state=state, trainer=lambda: None, guard=guard, settings=settings)


def save(publisher: Publisher, folder: Path) -> None:
    """What a save tells of, with an adapter whose card is written twice."""
    card = folder / f"checkpoint-{STEP}" / "README.md"
    publisher._checkpoint_is_there()
    card.write_text(ADAPTER_CARD)
    publisher.card_rewritten(card)
    publisher.card_rewritten(card)
    publisher._checkpoint_is_there()
    publisher.checkpoint_saved()
    publisher._work.do("wait for the record in progress", lambda: None, None)


def test_a_save_makes_one_record(publisher: Publisher, run: RunningRun, tmp_path: Path) -> None:
    """The summary in the checkpoint, the record in progress and the checkpoint's card tell the same moment."""
    save(publisher, tmp_path)
    assert run.made == 1
    checkpoint = tmp_path / f"checkpoint-{STEP}"
    assert load_run(checkpoint / SUMMARY_NAME).duration_seconds == load_run(tmp_path).duration_seconds == 1.0
    assert HEADING in (checkpoint / "README.md").read_text()


def _time_passes(run: RunningRun, state: Any, guard: Guard) -> None:
    del state, guard
    run.clock.advance(1.1)


def _a_step(run: RunningRun, state: Any, guard: Guard) -> None:
    del run, guard
    state.global_step += 1


def _a_log(run: RunningRun, state: Any, guard: Guard) -> None:
    del run, guard
    state.log_history.append({"loss": 1.0, "step": STEP})


def _an_evaluation(run: RunningRun, state: Any, guard: Guard) -> None:
    del state, guard
    run.observed.evaluation = Evaluation(after=EvaluationResult(loss=1.5, step=STEP))


def _a_sentence(run: RunningRun, state: Any, guard: Guard) -> None:
    del run, state
    guard.sentences.append("cardcallback could not do something")


@pytest.mark.parametrize("change", [_time_passes, _a_step, _a_log, _an_evaluation, _a_sentence])
def test_what_came_meanwhile_is_in_the_next_record(
    publisher: Publisher, run: RunningRun, state: Any, guard: Guard, change: Callable[..., None]
) -> None:
    """A large checkpoint takes a minute to write, and what that took is in the record beside it."""
    publisher.checkpoint_saved()
    change(run, state, guard)
    publisher.checkpoint_saved()
    assert run.made == 2


def test_an_interrupted_record_is_of_now(publisher: Publisher, run: RunningRun, tmp_path: Path) -> None:
    """It says that it may be the last one, at whatever moment."""
    publisher.checkpoint_saved()
    publisher.keep_interrupted()
    assert load_run(tmp_path).status == "interrupted"
    assert run.made == 2


def test_a_summary_that_went_is_written_again(publisher: Publisher, tmp_path: Path) -> None:
    """A checkpoint of the same step that replaced the first one."""
    publisher._checkpoint_is_there()
    summary = tmp_path / f"checkpoint-{STEP}" / SUMMARY_NAME
    summary.unlink()
    publisher._checkpoint_is_there()
    assert summary.exists()


@pytest.mark.parametrize("rewritten", [True, False])
def test_a_checkpoints_card_tells_the_newest_record(tmp_path: Path, *, rewritten: bool) -> None:
    """Whether a tool wrote it again or the run went on; text and record of the last time are both compared."""
    folder, card = open_folder(tmp_path), tmp_path / "checkpoint-1" / "README.md"
    card.parent.mkdir()
    card.write_text(ADAPTER_CARD)
    record = make_record()
    folder.complete_other_card(card, record)
    first = card.read_text()
    if rewritten:
        card.write_text(ADAPTER_CARD)
        folder.complete_other_card(card, record)
        assert HEADING in card.read_text()
    else:
        folder.complete_other_card(card, replace(record, duration_seconds=record.duration_seconds * 3))
        assert card.read_text() != first


def _drawn(folder: RunFolder, record: RunRecord) -> list[int]:
    assert folder.draw(record)
    return [path.stat().st_ino for path in sorted((folder.path / "training_run").glob("*.png"))]


def test_pictures_are_drawn_once(tmp_path: Path) -> None:
    """A model that is saved and a push after the end find those of the end: what they bring is in no picture."""
    folder, record = open_folder(tmp_path), make_record()
    first = _drawn(folder, record)
    assert _drawn(folder, replace(record, notes=("a note",), weights={"model.safetensors": "mark"})) == first


@pytest.mark.parametrize("change", ["figures", "gone", "another's"])
def test_pictures_are_drawn_again_where_they_would_be_others(tmp_path: Path, change: str) -> None:
    """A later evaluation is drawn; one that somebody removed or drew over is put back."""
    folder, record = open_folder(tmp_path), make_record()
    before = _drawn(folder, record)
    picture = tmp_path / "training_run" / "loss_curve.png"
    content = picture.read_bytes()
    if change == "figures":
        record = replace(record, curves={**record.curves, "loss": ((0.0, 9.0), (1.0, 1.0))})
    elif change == "gone":
        picture.unlink()
    else:
        other = tmp_path / "other.png"
        other.write_bytes(b"another run's")
        other.replace(picture)
    assert len(_drawn(folder, record)) == len(before)
    assert (picture.read_bytes() == content) == (change != "figures")
