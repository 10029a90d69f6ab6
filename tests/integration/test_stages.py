"""Trainings one after another: the second finds the first by where its weights were loaded from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tiny import STEPS, make_trainer

from cardcallback import CardCallback, load_run
from cardcallback.record import UNRECORDED
from cardcallback.stages import sum_stages
from simulator_fixtures import Simulate

pytestmark = pytest.mark.training


def _train(
    kind: Any, folder: Path, base_folder: Path, *, settings: dict[str, Any] | None = None, **options: Any
) -> Any:
    callback = CardCallback(quiet=True, **(settings or {}))
    trainer = make_trainer(kind, folder, base_folder=base_folder, callbacks=[callback], **options)
    trainer.train()
    return trainer


def _loaded(folder: Path) -> Any:
    from transformers import AutoModelForCausalLM  # noqa: PLC0415 - only where a training test runs

    return AutoModelForCausalLM.from_pretrained(folder)


def test_dpo_on_the_folder_of_an_sft(tmp_path: Path, base_folder: Path, simulate: Simulate) -> None:
    """Both stages in order with their own figures, their energies added with their bounds, and no path anywhere."""
    simulate("gb10", driven=False)
    first, second = tmp_path / "private-place" / "sft", tmp_path / "dpo"
    _train("sft", first, base_folder, settings={"base_model": "example/tiny-llama"}).save_model()
    _train("dpo", second, base_folder, model=_loaded(first))

    earlier, record = load_run(first), load_run(second)
    assert [stage.name for stage in record.stages] == ["SFT", "DPO"]
    assert record.stages[0].run_id == earlier.run_id == record.stages[1].previous_run_id
    assert (record.stages[0].steps, record.stages[0].weights_step) == (STEPS, STEPS)
    together = sum_stages(record.stages).energy
    both = (earlier.energy.gpu, record.energy.gpu)
    assert together.value == pytest.approx(sum(figure.value or 0.0 for figure in both))
    assert together.recording_low == pytest.approx(sum(figure.recording_low or 0.0 for figure in both))
    card = (second / "README.md").read_text()
    assert "| Both stages | " in card
    assert "of tiny-llama after SFT: " in card
    written = card + (second / "training_run" / "record.json").read_text()
    assert "private-place" not in written
    assert str(tmp_path) not in written


def test_an_adapter_that_goes_on_from_a_checkpoint(tmp_path: Path, base_folder: Path) -> None:
    """PEFT keeps no path of an adapter; the stage is found all the same, and the checkpoint's step with it."""
    from peft import PeftModel  # noqa: PLC0415 - as above

    first = tmp_path / "sft"
    _train("sft-peft", first, base_folder, save_strategy="steps", save_steps=2)
    adapter = PeftModel.from_pretrained(_loaded(base_folder), first / "checkpoint-2", is_trainable=True)
    _train("plain", tmp_path / "on", base_folder, model=adapter)
    record = load_run(tmp_path / "on")
    assert [stage.run_id for stage in record.stages] == [load_run(first).run_id, record.run_id]
    assert (record.stages[0].weights_step, record.stages[0].steps) == (2, STEPS)


def test_weights_trained_again_elsewhere_are_no_longer_the_first_stages(tmp_path: Path, base_folder: Path) -> None:
    """A training without the callback into the same folder is missing between the two that were recorded."""
    first = tmp_path / "sft"
    _train("plain", first, base_folder).save_model()
    unseen = make_trainer("plain", first, base_folder=base_folder, model=_loaded(first), learning_rate=0.1)
    unseen.train()
    unseen.save_model()
    _train("plain", tmp_path / "on", base_folder, model=_loaded(first))
    record = load_run(tmp_path / "on")
    assert [stage.name for stage in record.stages[:2]] == [record.stages[0].name, UNRECORDED]
    assert len(record.stages) == 3
    assert "trained again or converted since" in (tmp_path / "on" / "README.md").read_text()


def test_training_on_in_the_same_folder(tmp_path: Path, base_folder: Path) -> None:
    """The output folder of the run before, used again: the run before is the stage before, and none is its own."""
    folder = tmp_path / "model"
    _train("plain", folder, base_folder).save_model()
    first = load_run(folder)
    _train("plain", folder, base_folder, model=_loaded(folder)).save_model()
    second = load_run(folder)
    assert [stage.run_id for stage in second.stages] == [first.run_id, second.run_id]
    _train("plain", folder, base_folder, settings={"previous": folder}, model=_loaded(folder))
    third = load_run(folder)
    assert [stage.run_id for stage in third.stages] == [first.run_id, second.run_id, third.run_id]


def test_a_model_that_stays_in_memory(tmp_path: Path, base_folder: Path) -> None:
    """As in a notebook: the first trainer's model is given to the second, and no folder is read."""
    sft = _train("sft", tmp_path / "sft", base_folder)
    _train("dpo", tmp_path / "dpo", base_folder, model=sft.model)
    record = load_run(tmp_path / "dpo")
    assert [stage.run_id for stage in record.stages] == [load_run(tmp_path / "sft").run_id, record.run_id]
    assert not any("by a run of its own" in note for note in record.notes)
