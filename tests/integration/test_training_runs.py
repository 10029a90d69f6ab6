"""A real training without a GPU: what the callback leaves, and what it leaves alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tiny import STEPS, make_trainer
from transformers import TrainerCallback

from cardcallback import CardCallback, attach, load_run
from cardcallback.errors import CardCallbackError, CardCallbackWarning

pytestmark = pytest.mark.training
SECTION = "## Training, hardware and environmental impact"


class Interrupt(TrainerCallback):
    """Ctrl-C at the second step."""

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Raise as the signal's handler would."""
        del args, control, kwargs
        if state.global_step == 2:
            raise KeyboardInterrupt


def test_nothing_simulated_nothing_claimed(output_folder: Path, base_folder: Path) -> None:
    """Without a driver the card says why there is no GPU energy, and the rest is there."""
    trainer = make_trainer("plain", output_folder, base_folder=base_folder, callbacks=[CardCallback(quiet=True)])
    trainer.train()
    record = load_run(output_folder)
    assert record.energy.gpu.value is None
    assert record.energy.gpu.reason
    assert not record.simulated
    assert record.memory.system_peak.value is not None
    text = (output_folder / "README.md").read_text()
    assert "not measured" in text
    assert "co2_eq_emissions" not in text


def test_attach_is_the_same(output_folder: Path, base_folder: Path) -> None:
    """A callback attached to a finished trainer leaves the same record."""
    trainer = make_trainer("sft", output_folder, base_folder=base_folder)
    attach(trainer, quiet=True)
    trainer.train()
    assert load_run(output_folder).training.steps == STEPS


def test_an_interrupted_run_is_recorded_at_once(output_folder: Path, base_folder: Path) -> None:
    """Ctrl-C inside train() leaves a record that says so, and no card, since no weights were saved."""
    trainer = make_trainer(
        "plain", output_folder, base_folder=base_folder, callbacks=[CardCallback(quiet=True), Interrupt()]
    )
    with pytest.raises(KeyboardInterrupt):
        trainer.train()
    record = load_run(output_folder)
    assert record.status == "interrupted"
    assert record.sessions[0].last_step == 2
    assert not (output_folder / "README.md").exists()


@pytest.mark.parametrize("again", [1, 2])
def test_rendering_again_changes_nothing(output_folder: Path, base_folder: Path, again: int) -> None:
    """A later save of the adapter, which rewrites the card, leaves it byte for byte as it was."""
    trainer = make_trainer("sft-peft", output_folder, base_folder=base_folder, callbacks=[CardCallback(quiet=True)])
    trainer.train()
    trainer.save_model()
    once = (output_folder / "README.md").read_text()
    for _ in range(again):
        trainer.save_model()
    assert (output_folder / "README.md").read_text() == once
    assert once.count(SECTION) == 1


def test_an_interrupted_run_evaluated_later_leaves_the_completed_card(output_folder: Path, base_folder: Path) -> None:
    """Ctrl-C, then evaluate(): the card of the run completed before stays, byte for byte."""
    make_trainer("plain", output_folder, base_folder=base_folder, callbacks=[CardCallback(quiet=True)]).train()
    good = (output_folder / "README.md").read_text()
    trainer = make_trainer(
        "plain", output_folder, base_folder=base_folder, callbacks=[CardCallback(quiet=True), Interrupt()]
    )
    with pytest.raises(KeyboardInterrupt):
        trainer.train()
    trainer.evaluate()
    assert (output_folder / "README.md").read_text() == good
    assert load_run(output_folder).status == "completed"


def test_a_second_training_begins_where_the_first_was_evaluated(output_folder: Path, base_folder: Path) -> None:
    """The held-out loss "before" a second train() is that of the evaluation after the first."""
    trainer = make_trainer(
        "plain", output_folder, base_folder=base_folder, learning_rate=0.1, callbacks=[CardCallback(quiet=True)]
    )
    trainer.evaluate()
    trainer.train()
    after_first = trainer.evaluate()["eval_loss"]
    trainer.train()
    before = load_run(output_folder).evaluation.before
    assert before is not None
    assert before.loss == after_first
    (first, _) = load_run(output_folder).stages
    assert (first.weights_step, first.run_id) == (STEPS, load_run(output_folder).stages[1].previous_run_id)


def test_several_held_out_sets_are_all_kept(output_folder: Path, base_folder: Path) -> None:
    """Two held-out sets by name, evaluated before and after: four losses in the record."""
    trainer = make_trainer("plain", output_folder, base_folder=base_folder, callbacks=[CardCallback(quiet=True)])
    trainer.eval_dataset = {"short": trainer.eval_dataset, "long": trainer.eval_dataset * 2}
    trainer.evaluate()
    trainer.train()
    trainer.evaluate()
    evaluation = load_run(output_folder).evaluation
    for result in (evaluation.before, evaluation.after):
        assert result is not None
        assert {"eval_short_loss", "eval_long_loss"} <= set(result.metrics)


@pytest.mark.expects_failure
def test_of_two_callbacks_one_acts(output_folder: Path, base_folder: Path) -> None:
    """A second CardCallback on one trainer stands aside, with one warning."""
    with pytest.warns(CardCallbackWarning, match="second CardCallback") as caught:
        trainer = make_trainer(
            "plain", output_folder, base_folder=base_folder, callbacks=[CardCallback(quiet=True) for _ in range(2)]
        )
        trainer.train()
    assert len([one for one in caught if issubclass(one.category, CardCallbackWarning)]) == 1
    assert load_run(output_folder).status == "completed"


@pytest.mark.expects_failure
def test_a_card_that_was_not_written_is_not_announced(
    output_folder: Path, base_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the card could not be written the closing line says so, in one line with the command that makes one."""
    (output_folder / "README.md").mkdir(parents=True)
    trainer = make_trainer("plain", output_folder, base_folder=base_folder, callbacks=[CardCallback()])
    with pytest.warns(CardCallbackWarning):
        trainer.train()
    closing = [line for line in capsys.readouterr().out.splitlines() if line.startswith("cardcallback:")][-1]
    assert "no card was written" in closing
    assert "cardcallback render" in closing


def test_a_misspelt_argument_is_refused_with_the_right_one() -> None:
    """A wrong name raises at construction and says which one was meant."""
    with pytest.raises(CardCallbackError, match="did you mean location"):
        CardCallback(locaton="DE")
    with pytest.raises(CardCallbackError, match="make the trainer first"):
        attach(None)
