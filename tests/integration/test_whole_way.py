"""The whole way from a sensor to a card, with a real training under a simulated device."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import pytest
from tiny import make_trainer
from transformers import TrainerCallback

import cardcallback.record
from cardcallback import CardCallback, load_run
from cardcallback.record import RunRecord, Scope, json_schema
from cardcallback.sensors.nvml import reset_nvml
from simulator import Simulation, build_problem, profile_named

pytestmark = pytest.mark.training
SECTION = "## Training, hardware and environmental impact"
_STEP_SECONDS = 0.1


class SimulatedRun(NamedTuple):
    """What a simulated run left, and the energy its device really used."""

    record: RunRecord
    folder: Path
    inner_joules: float
    outer_joules: float


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


@pytest.fixture(scope="module")
def simulated_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedRun]:
    """An SFT run with LoRA, evaluated before, in between and after, on a simulated GB10; run once."""
    if build_problem() is not None:
        pytest.skip(str(build_problem()))
    folder = tmp_path_factory.mktemp("simulated")
    simulation = Simulation(profile_named("gb10"), folder, driven=False)
    with simulation.in_process(reset_nvml):
        yield _train(simulation, folder / "tiny", folder / "private-place" / "base")


def _train(simulation: Any, output_folder: Path, base_folder: Path) -> SimulatedRun:
    pace, after = Pace(simulation.now_seconds, _STEP_SECONDS), Pace(simulation.now_seconds)
    trainer = make_trainer(
        "sft-peft",
        output_folder,
        base_folder=base_folder,
        max_steps=120,
        eval_strategy="steps",
        eval_steps=60,
        callbacks=[pace, CardCallback(base_model="example/tiny-llama", location="DE"), after],
    )
    trainer.evaluate()
    time.sleep(2.0)  # what came before training has to last long enough to be told from the counter's refresh
    trainer.train()
    trainer.evaluate()
    # The session begins between the two callbacks' events, which a busy machine holds apart, and ends at the first's.
    inner = simulation.true_joules(after.times[0], pace.times[1])
    outer = simulation.true_joules(pace.times[0], pace.times[1])
    return SimulatedRun(load_run(output_folder), output_folder, inner, outer)


def test_the_energy_is_the_true_one(simulated_run: SimulatedRun) -> None:
    """Within 1 % of the waveform's own integral between begin and end; complete, with source and scope."""
    record, inner, outer = simulated_run.record, simulated_run.inner_joules, simulated_run.outer_joules
    gpu = record.energy.gpu
    assert gpu.value is not None
    assert inner * 0.99 <= gpu.value <= outer * 1.01
    assert gpu.recording_low is not None
    assert gpu.recording_high is not None
    assert gpu.recording_low <= outer
    assert gpu.recording_high >= inner
    assert gpu.method == "counter"
    assert gpu.scope == Scope(gpu_core="yes", gpu_memory="unknown")
    assert gpu.instrument_accuracy is not None
    assert gpu.coverage == pytest.approx(1.0, abs=0.05)
    assert record.energy.gpu_integrated.value == pytest.approx(gpu.value, rel=0.05)
    assert record.energy.per_step is not None
    assert record.energy.per_step.value is not None
    assert record.energy.per_token is not None
    assert record.energy.per_token.value is not None
    assert record.energy.before_training.value is not None
    assert record.carbon is not None
    assert record.carbon.emissions_grams == pytest.approx(
        gpu.value / 3.6e6 * record.carbon.factor.grams_per_kwh, rel=1e-9
    )


def test_the_record_is_complete(simulated_run: SimulatedRun) -> None:
    """Every part of the record says what it should, and the file follows the schema."""
    record = simulated_run.record
    document = json.loads((simulated_run.folder / "training_run" / "record.json").read_text())
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


def test_the_card_is_complete(simulated_run: SimulatedRun) -> None:
    """The card has the section, both pictures, the simulated mark, metadata, and no path of the machine."""
    output_folder = simulated_run.folder
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
        assert re.search(r"GPU-[0-9a-f]{8}", written) is None


def test_the_schema_ships() -> None:
    """The record's JSON Schema is part of the package."""
    assert Path(cardcallback.record.__file__).with_name("record.schema.json").exists()
