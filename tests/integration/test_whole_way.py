"""The whole way from a sensor to a card, with a real training under a simulated device."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tiny import STEPS, make_trainer
from transformers import TrainerCallback

import cardcallback.record
from cardcallback import CardCallback, attach, load_run
from cardcallback.record import RunRecord, Scope, json_schema

pytestmark = pytest.mark.training
SECTION = "## Training, hardware and environmental impact"
_STEP_SECONDS = 0.1


class Pace(TrainerCallback):
    """Makes a step take a while, and notes the clock at begin and end."""

    def __init__(self, now_seconds: Callable[[], float], step_seconds: float = 0.0) -> None:
        self.now_seconds = now_seconds
        self.step_seconds = step_seconds
        self.times: list[float] = []

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        """The session begins after this."""
        self.times.append(self.now_seconds())

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        """Long enough for a power sensor to see something."""
        time.sleep(self.step_seconds)

    def on_train_end(self, *_: Any, **__: Any) -> None:
        """The session ends after this."""
        self.times.append(self.now_seconds())


@pytest.fixture
def simulated_run(simulate: Any, output_folder: Path, base_folder: Path) -> tuple[RunRecord, Pace, Any]:
    """An SFT run with LoRA, evaluated before, in between and after, on a simulated GB10."""
    simulation = simulate("gb10", driven=False)
    pace = Pace(simulation.now_seconds, _STEP_SECONDS)
    trainer = make_trainer(
        "sft-peft",
        output_folder,
        base_folder=base_folder,
        max_steps=120,
        eval_strategy="steps",
        eval_steps=60,
        callbacks=[pace, CardCallback(base_model="example/tiny-llama", location="DE")],
    )
    trainer.evaluate()
    trainer.train()
    trainer.evaluate()
    return load_run(output_folder), pace, simulation


def test_the_energy_is_the_true_one(simulated_run: tuple[RunRecord, Pace, Any]) -> None:
    """Within 1 % of the waveform's own integral between begin and end; complete, with source and scope."""
    record, pace, simulation = simulated_run
    truth = simulation.true_joules(*pace.times)
    gpu = record.energy.gpu
    assert gpu.value == pytest.approx(truth, rel=0.01)
    assert gpu.recording_low is not None
    assert gpu.recording_high is not None
    assert gpu.recording_low <= truth <= gpu.recording_high
    assert gpu.method == "counter"
    assert gpu.scope == Scope(gpu_core="yes", gpu_memory="unknown")
    assert gpu.instrument_accuracy is not None
    assert gpu.coverage == pytest.approx(1.0, abs=0.02)
    assert record.energy.gpu_integrated.value == pytest.approx(truth, rel=0.05)
    assert record.energy.per_step is not None
    assert record.energy.per_step.value is not None
    assert record.energy.per_token is not None
    assert record.energy.per_token.value is not None
    assert record.energy.before_training.value is not None
    assert record.carbon is not None
    assert record.carbon.emissions_grams == pytest.approx(
        gpu.value / 3.6e6 * record.carbon.factor.grams_per_kwh, rel=1e-9
    )


def test_the_record_is_complete(simulated_run: tuple[RunRecord, Pace, Any], output_folder: Path) -> None:
    """Every part of the record says what it should, and the file follows the schema."""
    record, _, _ = simulated_run
    document = json.loads((output_folder / "training_run" / "record.json").read_text())
    jsonschema.Draft202012Validator(json_schema()).validate(document)
    assert record.simulated
    assert record.status == "completed"
    assert (record.sessions[0].first_step, record.sessions[0].last_step) == (0, 120)
    training = record.training
    assert (training.method, training.objective, training.trainer) == ("LoRA", "SFT", "SFTTrainer")
    assert training.base_model == "example/tiny-llama"
    assert training.lora is not None
    assert training.lora.rank == 2
    assert training.tokens.non_padding
    assert training.published_step == 120
    assert record.evaluation.before is not None
    assert record.evaluation.before.perplexity is not None
    assert record.evaluation.after is not None
    assert record.evaluation.after.step == 120
    assert {"loss", "eval_loss"} <= set(record.curves)
    assert record.memory.system_peak.value is not None
    assert record.memory.process_peak_rss.value is not None
    assert record.memory.torch_peak_allocated.reason
    assert {trace.quantity for trace in record.traces} >= {"gpu_power", "system_memory"}
    assert [span.phase for span in record.phase_spans].count("evaluation") == 2
    assert record.hardware.accelerators[0].name == "NVIDIA GB10"
    assert record.hardware.machine.name == "NVIDIA DGX Spark"
    assert any("CUDA" in note for note in record.notes)


def test_the_card_is_complete(simulated_run: tuple[RunRecord, Pace, Any], output_folder: Path) -> None:
    """The card has the section, both pictures, the simulated mark, metadata, and no path of the machine."""
    del simulated_run
    text = (output_folder / "README.md").read_text()
    assert text.count(SECTION) == 1
    assert "imulated" in text
    assert "co2_eq_emissions:" in text
    assert "base_model: example/tiny-llama" in text
    for name in ("loss_curve.png", "power_and_memory.png"):
        assert f"training_run/{name}" in text
        assert (output_folder / "training_run" / name).stat().st_size > 10_000
    for written in (text, (output_folder / "training_run" / "record.json").read_text()):
        assert "private-place" not in written
        assert "GPU-" not in written


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

    class Interrupt(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            del args, control, kwargs
            if state.global_step == 2:
                raise KeyboardInterrupt

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


def test_training_is_bit_identical(tmp_path: Path, base_folder: Path) -> None:
    """Losses and weights are the same with and without the callback."""
    import torch  # noqa: PLC0415 - only where a training test runs

    results = []
    for name, callbacks in (("with", [CardCallback(quiet=True)]), ("without", [])):
        trainer = make_trainer("plain", tmp_path / name, base_folder=base_folder, callbacks=callbacks)
        trainer.train()
        losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
        results.append((losses, {key: value.clone() for key, value in trainer.model.state_dict().items()}))
    assert results[0][0] == results[1][0]
    assert all(torch.equal(results[0][1][key], results[1][1][key]) for key in results[0][1])
    assert (tmp_path / "with" / "training_run" / "record.json").exists()


def test_the_schema_ships() -> None:
    """The record's JSON Schema is part of the package."""
    assert Path(cardcallback.record.__file__).with_name("record.schema.json").exists()
