"""Live figures in TensorBoard's own files, beside a simulated GPU; every other tracker is in the matrix."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from tracked import LIVE, PER_TOKEN, STEPS, Unhurried, between, measured, scalars, texts, tracked_trainer
from transformers.trainer_callback import PrinterCallback, ProgressCallback

from cardcallback import load_run
from cardcallback.record import RunRecord
from cardcallback.sensors.nvml import reset_nvml
from cardcallback.trackers.reporters import reporters_of
from simulator import Simulation, build_problem, profile_named

pytestmark = pytest.mark.training
pytest.importorskip("tensorboard", reason="tensorboard is not installed: python -m pip install --group test")


class Shown(NamedTuple):
    """A run's record beside what its tracker and its screen were shown."""

    record: RunRecord
    scalars: dict[str, list[tuple[int, float]]]
    texts: dict[str, str]
    history: list[dict[str, Any]]
    bounds: list[tuple[float, float]]  # of the true joules until each log


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """Six steps of a second on a simulated GB10."""
    if build_problem() is not None:
        pytest.skip(str(build_problem()))
    folder = tmp_path_factory.mktemp("shown")
    simulation = Simulation(profile_named("gb10"), folder, driven=False)
    with simulation.in_process(reset_nvml):
        trainer = tracked_trainer(folder, "tensorboard", Unhurried(), measured())
        first, last = between(trainer, simulation.now_seconds)
        before = list(trainer.callback_handler.callbacks)
        trainer.train()
        assert trainer.callback_handler.callbacks == before
        bounds = [
            (
                simulation.true_joules(last.begin_seconds, earliest),
                simulation.true_joules(first.begin_seconds, latest),
            )
            for earliest, latest in zip(first.log_seconds, last.log_seconds, strict=True)
        ]
    out = folder / "tiny"
    return Shown(load_run(out), scalars(out), texts(out), trainer.state.log_history, bounds)


def test_every_logged_step_has_its_figures(shown: Shown) -> None:
    """Under their own names, at the Trainer's steps, beside its losses, from when energy can be told from nothing."""
    steps = list(range(1, STEPS + 1))
    assert [step for step, _ in shown.scalars["train/loss"]] == steps
    for name in (*LIVE, PER_TOKEN):
        found = [step for step, _ in shown.scalars[name]]
        assert found == [*steps, STEPS][-len(found) :]  # the closing log too
        # On a busy machine a second may not be enough for two readings.
        assert len(found) > STEPS // 2
    assert not any("train/cardcallback" in name for name in shown.scalars)


def test_live_energy_is_the_true_one_at_each_log(shown: Shown) -> None:
    """Within what a counter's refresh and a second between readings leave open, as the record says at the end."""
    energy = shown.record.energy.gpu
    assert energy.recording_low is not None
    assert energy.recording_high is not None
    doubt_joules = energy.recording_high - energy.recording_low + 0.02 * shown.bounds[-1][1]
    values = [value for _, value in shown.scalars["cardcallback/energy_joules"]]
    for value, (low, high) in zip(values, shown.bounds[-len(values) :], strict=True):
        assert low - doubt_joules <= value <= high + doubt_joules
    assert doubt_joules < 0.5 * shown.bounds[-1][0]


def test_energy_per_token_is_that_energy_over_the_tokens_until_then(shown: Shown) -> None:
    """Two rows of eight tokens a step."""
    energy = shown.scalars["cardcallback/energy_joules"]
    assert [value for _, value in shown.scalars[PER_TOKEN]] == pytest.approx(
        [joules / (16 * step) for step, joules in energy]
    )


def test_power_and_memory_are_what_the_record_traces(shown: Shown) -> None:
    """None is above what the record keeps of them, whose points are means."""
    traces = {trace.quantity: trace for trace in shown.record.traces}
    for name, quantity in (("gpu_power_watts", "gpu_power"), ("unified_memory_bytes", "system_memory")):
        highest = max(value for _, value in traces[quantity].points)
        assert all(0 < value <= 1.2 * highest for _, value in shown.scalars[f"cardcallback/{name}"])


def test_the_summary_is_the_records(shown: Shown) -> None:
    """To the digits that TensorBoard keeps, and the simulated device is named one."""
    summary = {
        name.removeprefix("cardcallback/summary/"): points
        for name, points in shown.scalars.items()
        if name.startswith("cardcallback/summary/")
    }
    record = shown.record
    assert all(len(points) == 1 and points[0][0] == STEPS for points in summary.values())
    numbers = {name: points[0][1] for name, points in summary.items()}
    assert record.energy.gpu.value is not None
    assert record.carbon is not None
    assert numbers["energy_joules"] == pytest.approx(record.energy.gpu.value)
    assert numbers["energy_kwh"] == pytest.approx(record.energy.gpu.value / 3.6e6)
    assert numbers["duration_seconds"] == pytest.approx(record.duration_seconds)
    assert numbers["co2e_grams"] == pytest.approx(record.carbon.emissions_grams)
    assert numbers["simulated"] == 1.0
    assert shown.texts["cardcallback/summary/status"] == "completed"
    assert "simulated" in shown.texts["cardcallback/summary/simulated_device"]


def test_the_logs_history_knows_nothing_of_it(shown: Shown) -> None:
    """Nor do the curves of the record, which are made from it."""
    assert not any("cardcallback" in name for entry in shown.history for name in entry)
    assert not any("cardcallback" in name for name in shown.record.curves)


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_interrupted_run_has_a_summary(tmp_path: Path, error: type[BaseException]) -> None:
    """An exception out of ``train()``: no event tells the tracker, and what was used is there all the same."""
    trainer = tracked_trainer(tmp_path, "tensorboard", Unhurried(0.0, error()), measured())
    with pytest.raises(error):
        trainer.train()
    assert load_run(tmp_path / "tiny").status == "interrupted"
    assert texts(tmp_path / "tiny")["cardcallback/summary/status"] == "interrupted"
    assert [step for step, _ in scalars(tmp_path / "tiny")["cardcallback/summary/duration_seconds"]] == [STEPS - 1]


def test_without_a_gpu_there_is_no_figure_of_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No zero in its place; what the Trainer prints has no figure of ours in it."""
    tracked_trainer(tmp_path, "tensorboard", measured()).train()
    shown = {name for name in scalars(tmp_path / "tiny") if name.startswith("cardcallback/")}
    assert "cardcallback/main_memory_bytes" in shown
    assert not any("power" in name or "joules" in name or "kwh" in name for name in shown)
    printed = capsys.readouterr().out
    assert "'loss'" in printed
    assert "main_memory" not in printed


def test_training_is_the_same_to_the_bit(tmp_path: Path) -> None:
    """Losses, their order in the history, and weights."""
    trained = []
    for name, callbacks in (("with", [measured()]), ("without", [])):
        trainer = tracked_trainer(tmp_path / name, "tensorboard", *callbacks, logging_steps=2)
        trainer.train()
        history = [{k: v for k, v in entry.items() if "_per_second" not in k} for entry in trainer.state.log_history]
        trained.append(([list(entry) for entry in history], history[0]["loss"], trainer.model.state_dict()))
    (keys, loss, weights), (other_keys, other_loss, other_weights) = trained
    assert (keys, loss) == (other_keys, other_loss)
    assert all(torch.equal(weights[name], other_weights[name]) for name in other_weights)


def test_displays_are_no_reporters(tmp_path: Path) -> None:
    """A progress bar prints every entry of a log."""
    trainer = tracked_trainer(tmp_path, "tensorboard", ProgressCallback(), PrinterCallback())
    assert [type(one).__name__ for one in reporters_of(trainer)] == ["TensorBoardCallback"]


def test_the_example_of_the_page_shows_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a model and data of one's own; every name in its files is on the page."""
    page = (Path(__file__).parents[2] / "docs" / "trackers.md").read_text(encoding="utf-8")
    example = page.partition("```python\n")[2].partition("```")[0]
    monkeypatch.chdir(tmp_path)
    trainer = tracked_trainer(tmp_path, "none")
    exec(example, {"model": trainer.model, "data": trainer.train_dataset})  # noqa: S102 - a page of ours
    shown = scalars(tmp_path / "outputs")
    assert [step for step, _ in shown["cardcallback/main_memory_bytes"]] == [1, 2, 3, 4, 4]
    ours = {name for name in (*shown, *texts(tmp_path / "outputs")) if name.startswith("cardcallback/")}
    assert "cardcallback/summary/duration_seconds" in ours
    for name in ours:
        last = name.rpartition("/")[2]
        assert last in page or (last.startswith("peak_") and last.endswith("_bytes")), name
