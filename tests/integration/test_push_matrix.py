"""The block is in every commit and in the final card, whoever writes and pushes the card and when."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="training tests need torch")
pytest.importorskip("peft", reason="training tests need peft")
pytest.importorskip("trl", reason="training tests need trl")

import huggingface_hub
import transformers
from hub_recorder import REPO_ID, Commit, HubRecorder
from huggingface_hub import ModelCard
from subjects import IN_MATRIX, SUBJECTS, MarkerCallback, Subject
from tiny import TRAINER_KINDS, TrainerKind, make_trainer

pytestmark = pytest.mark.training

_PERSON = "---\nlicense: apache-2.0\ntitle: kept\n---\n# My own words\n\nA sentence only a person would write.\n"
_RUN_LINK = re.compile(r"\]\((training_run/[^)]+)\)")


@dataclass(frozen=True)
class Push:
    """How a run is pushed."""

    strategy: str
    checkpoints: bool
    blocking: bool

    def __str__(self) -> str:
        """The name of the case."""
        saving = "checkpoints" if self.checkpoints else "no-checkpoints"
        return f"{self.strategy}-{saving}-{'blocking' if self.blocking else 'future'}"

    def settings(self) -> dict[str, Any]:
        """The trainer's arguments."""
        saving = {"save_strategy": "steps", "save_steps": 2} if self.checkpoints else {"save_strategy": "no"}
        return {"push_to_hub": True, "hub_model_id": REPO_ID, "hub_strategy": self.strategy, **saving}


_PUSHES = [
    Push(strategy, checkpoints, blocking)
    for strategy, checkpoints, blocking in itertools.product(
        ("end", "every_save", "checkpoint"), (False, True), (True, False)
    )
    # Without checkpoints every strategy is "end".
    if checkpoints or strategy == "end"
]


@pytest.fixture(params=IN_MATRIX)
def subject(request: pytest.FixtureRequest) -> Subject:
    """The callback under test."""
    return SUBJECTS[request.param]()


@pytest.fixture(params=TRAINER_KINDS)
def kind(request: pytest.FixtureRequest) -> TrainerKind:
    """The trainer under test."""
    return request.param


@pytest.fixture
def check(subject: Subject, hub: HubRecorder, base_folder: Path) -> Any:
    """Check a card's text: the block once, and for a subject that cleans no local path anywhere in it."""
    private = str(base_folder.parents[1])

    def check_card(text: str, link_exists: Callable[[str], bool]) -> None:
        subject.assert_block(text)
        assert all(link_exists(link) for link in _RUN_LINK.findall(text))
        if subject.cleans:
            assert private not in text
            data = ModelCard(text).data.to_dict()
            assert not str(data.get("base_model", "")).startswith(("/", "."))
            assert "[None]" not in text

    def check_commit(commit: Commit) -> None:
        assert commit.cards or commit.message.endswith(", checkpoint"), (commit.message, commit.paths)
        for path, text in commit.cards.items():
            folder = Path(path).parent
            check_card(text, lambda link, folder=folder: str(folder / link) in commit.paths)
        ours = [text for path, text in commit.texts.items() if Path(path).parent.name == "training_run"]
        assert not any(private in text for text in ours)

    def check_everything(folder: Path, *, commits: int = 0) -> None:
        assert len(hub.commits) >= commits, [commit.message for commit in hub.commits]
        for commit in hub.commits:
            check_commit(commit)
        check_card((folder / "README.md").read_text(encoding="utf-8"), lambda link: (folder / link).is_file())

    return check_everything


@pytest.mark.parametrize("push", _PUSHES, ids=str)
def test_the_block_is_in_every_commit(
    kind: TrainerKind,
    push: Push,
    subject: Subject,
    hub: HubRecorder,
    check: Any,
    base_folder: Path,
    output_folder: Path,
) -> None:
    """Whatever the trainer, strategy and way of pushing, each uploaded card has the block."""
    trainer = make_trainer(kind, output_folder, base_folder=base_folder, callbacks=[subject.make()], **push.settings())
    trainer.train()
    pushed = trainer.push_to_hub(blocking=push.blocking)
    if not push.blocking:
        pushed.result(60)
    during = 2 if push.checkpoints and push.strategy != "end" else 0
    check(output_folder, commits=1 + bool(during))
    assert hub.commits[-1].message == "End of training"
    if push.strategy == "checkpoint" and "peft" in kind:
        assert any("last-checkpoint/README.md" in commit.cards for commit in hub.commits)


def test_a_run_that_is_never_pushed(
    kind: TrainerKind, subject: Subject, check: Any, base_folder: Path, output_folder: Path
) -> None:
    """The final card has the block without any push."""
    trainer = make_trainer(kind, output_folder, base_folder=base_folder, callbacks=[subject.make()])
    trainer.train()
    check(output_folder)


def test_saving_then_uploading_the_folder(
    kind: TrainerKind, subject: Subject, check: Any, base_folder: Path, output_folder: Path
) -> None:
    """``save_model`` and the client's own ``upload_folder`` publish the block."""
    trainer = make_trainer(kind, output_folder, base_folder=base_folder, callbacks=[subject.make()])
    trainer.train()
    trainer.save_model()
    huggingface_hub.upload_folder(repo_id=REPO_ID, folder_path=output_folder)
    check(output_folder, commits=1)


def test_the_class_writes_the_card(
    kind: TrainerKind, subject: Subject, check: Any, base_folder: Path, output_folder: Path
) -> None:
    """A call of the class's method with the trainer as its argument, as LLaMA-Factory makes it, keeps the block."""
    trainer = make_trainer(kind, output_folder, base_folder=base_folder, callbacks=[subject.make()])
    trainer.train()
    transformers.Trainer.create_model_card(trainer)
    check(output_folder)
    type(trainer).create_model_card(trainer)
    trainer.save_model()
    check(output_folder)


def test_a_card_a_person_wrote(
    kind: TrainerKind, subject: Subject, check: Any, hub: HubRecorder, base_folder: Path, output_folder: Path
) -> None:
    """A README that stood there before gets the block, and keeps its words."""
    output_folder.mkdir()
    (output_folder / "README.md").write_text(_PERSON, encoding="utf-8")
    push = Push("every_save", checkpoints=True, blocking=True)
    trainer = make_trainer(kind, output_folder, base_folder=base_folder, callbacks=[subject.make()], **push.settings())
    trainer.train()
    trainer.push_to_hub()
    check(output_folder, commits=2)
    if subject.cleans:
        for text in (commit.cards["README.md"] for commit in hub.commits if "README.md" in commit.cards):
            assert text.count("A sentence only a person would write.") == 1
            assert "license: apache-2.0" in text


def test_a_callback_added_later(
    kind: TrainerKind, subject: Subject, check: Any, base_folder: Path, output_folder: Path
) -> None:
    """``add_callback`` fires no ``on_init_end``, and works all the same."""
    push = Push("every_save", checkpoints=True, blocking=True)
    trainer = make_trainer(kind, output_folder, base_folder=base_folder, **push.settings())
    trainer.add_callback(subject.make())
    trainer.train()
    trainer.push_to_hub()
    check(output_folder, commits=2)


def test_an_upload_that_reads_late(
    kind: TrainerKind, subject: Subject, check: Any, hub: HubRecorder, base_folder: Path, output_folder: Path
) -> None:
    """An upload in its thread, still waiting while the card is written again, reads a whole card."""
    push = Push("end", checkpoints=False, blocking=False)
    trainer = make_trainer(kind, output_folder, base_folder=base_folder, callbacks=[subject.make()], **push.settings())
    trainer.train()
    hub.gate.clear()
    pushed = trainer.push_to_hub(blocking=False)
    trainer.create_model_card()
    hub.gate.set()
    pushed.result(60)
    assert hub.commits[-1].thread != "MainThread"
    check(output_folder, commits=1)


def test_two_trainers_in_one_process(
    kind: TrainerKind, subject: Subject, check: Any, tmp_path: Path, base_folder: Path, output_folder: Path
) -> None:
    """Each card has its own block once, and a trainer without the callback none."""
    other = tmp_path / "other"
    first = make_trainer(kind, output_folder, base_folder=base_folder, callbacks=[subject.make()])
    second = make_trainer(kind, other, base_folder=base_folder, callbacks=[subject.make()])
    bare = make_trainer(kind, tmp_path / "bare", base_folder=base_folder)
    for trainer in (first, second, bare):
        trainer.train()
    for trainer in (second, first, bare):
        trainer.create_model_card()
        trainer.save_model()
    check(output_folder)
    check(other)
    assert subject.begin not in (tmp_path / "bare" / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", ["peft", "sft-peft"])
def test_an_adapter_saved_elsewhere(
    kind: TrainerKind, subject: Subject, check: Any, tmp_path: Path, base_folder: Path, output_folder: Path
) -> None:
    """The card that PEFT writes beside an adapter has the block, in whatever folder."""
    trainer = make_trainer(kind, output_folder, base_folder=base_folder, callbacks=[subject.make()])
    trainer.train()
    trainer.model.save_pretrained(tmp_path / "adapter")
    check(tmp_path / "adapter")


@pytest.mark.parametrize("kind", TRAINER_KINDS)
def test_saving_into_another_folder_then_uploading_it(
    kind: TrainerKind,
    subject: Subject,
    check: Any,
    tmp_path: Path,
    base_folder: Path,
    output_folder: Path,
) -> None:
    """``save_model("final")`` leaves a complete card there, which is what such a script publishes."""
    trainer = make_trainer(kind, output_folder, base_folder=base_folder, callbacks=[subject.make()])
    trainer.train()
    trainer.save_model(str(tmp_path / "final"))
    huggingface_hub.upload_folder(repo_id=REPO_ID, folder_path=tmp_path / "final")
    check(tmp_path / "final", commits=1)
    check(output_folder)


@pytest.mark.parametrize("kind", TRAINER_KINDS)
def test_events_alone_lose_the_block(
    kind: TrainerKind, hub: HubRecorder, base_folder: Path, output_folder: Path
) -> None:
    """The matrix can fail: a callback that only writes when training ends is overwritten by the push."""
    marker = SUBJECTS["marker"]()

    class EventsOnly(MarkerCallback):
        """The marker without its hooks."""

        def on_init_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            """Watch nothing."""

    push = Push("end", checkpoints=False, blocking=True)
    trainer = make_trainer(kind, output_folder, base_folder=base_folder, callbacks=[EventsOnly()], **push.settings())
    trainer.train()
    marker.assert_block((output_folder / "README.md").read_text(encoding="utf-8"))
    trainer.push_to_hub()
    assert marker.begin not in hub.commits[-1].cards["README.md"]
