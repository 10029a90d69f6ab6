"""The harness of benchmarks/gb10_vs_cloud with real, tiny trainings beside two simulated devices."""

from __future__ import annotations

import functools
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
from test_whole_way import Pace
from tiny import make_model, make_tokenizer

from cardcallback import load_run
from cardcallback.compare import compare_runs
from cardcallback.errors import CardCallbackError
from cardcallback.sensors.nvml import reset_nvml
from gb10_vs_cloud.check_submission import check_series
from gb10_vs_cloud.data import digest, make_rows
from gb10_vs_cloud.gather import gather
from gb10_vs_cloud.jobs import Job, read_outcome
from gb10_vs_cloud.series import Plan
from gb10_vs_cloud.simulate import LETTERS, machine, run_simulated
from gb10_vs_cloud.train import train
from gb10_vs_cloud.workloads import BEST_EFFORT, SAME_WORK, Data, Model, Workload, Workloads, load_workloads
from simulator import Simulation, build_problem

pytestmark = pytest.mark.training
_STEP_SECONDS = 0.1
_STEPS = 60


@dataclass
class Truth:
    """What each repeat of a device used by its formula, between the callbacks around ours, and how long it took."""

    joules: list[tuple[float, float]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def median(self, bound: int) -> float:
        """Over the repeats: 0 for what was used at least, 1 at most."""
        return statistics.median(used[bound] for used in self.joules)

    def median_watts(self) -> float:
        """The mean power, of the median repeat."""
        return statistics.median(used[1] / took for used, took in zip(self.joules, self.seconds, strict=True))


@pytest.fixture(scope="module")
def workloads(tmp_path_factory: pytest.TempPathFactory) -> Workloads:
    """The shipped ones, and three of a model with a few thousand parameters."""
    folder = tmp_path_factory.mktemp("base")
    make_model(folder)
    make_tokenizer().save_pretrained(folder)
    loaded = load_workloads()
    settings = {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 1, "max_length": 32}
    made = {
        method: Workload(
            method=method,
            model=Model(name="example/tiny", source="folder", folder=str(folder)),
            data=_data("pairs" if method == "DPO" else "questions"),
            settings=settings,
            steps=_STEPS,
            warm_up_steps=2,
            evaluation_steps=3,
            most_steps=12,
            tried=True,
        )
        for method in ("SFT", "DPO")
    }
    named = {"tiny-sft": made["SFT"], "tiny-dpo": made["DPO"]}
    return msgspec.structs.replace(loaded, workloads=loaded.workloads | named)


def _data(kind: Any) -> Data:
    rows = make_rows(kind, examples=136, problems=1)
    return Data(kind=kind, examples=136, held_out=8, problems=1, sha256=digest(rows))


def launch_here(letter: str, folder: Path, truth: Truth) -> Callable[[Job], int]:
    """Trains in this process, which meets the device at work, and notes what it used."""

    def begin(job: Job) -> int:
        folder.mkdir(exist_ok=True)
        simulation = Simulation(machine(letter, idle=False), folder)
        with simulation.in_process(reset_nvml):
            first, last = Pace(simulation.now_seconds, _STEP_SECONDS), Pace(simulation.now_seconds)
            train(job, before=[first], after=[last])
        if not job.is_warm_up:
            inner = simulation.true_joules(last.times[0], first.times[1])
            truth.joules.append((inner, simulation.true_joules(first.times[0], first.times[1])))
            truth.seconds.append(first.times[1] - first.times[0])
        return 0

    return begin


@pytest.fixture(scope="module")
def compared(workloads: Workloads, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Truth]]:
    """The folder with both devices' records, and what they used."""
    if build_problem() is not None:
        pytest.skip(str(build_problem()))
    folder = tmp_path_factory.mktemp("harness")
    truths = {letter: Truth() for letter in LETTERS}
    for letter, truth in truths.items():
        plan = Plan(
            workloads=workloads,
            workload=workloads.named("tiny-sft"),
            tier=SAME_WORK,
            machine=f"simulated-device-{letter}",
            records=folder / "records",
            work=folder / "work",
            tuning={},
        )
        run_simulated(plan, letter, launch_here(letter, folder / letter, truth))
    return folder / "records", truths


@pytest.mark.matrix
def test_the_ratio_holds_the_true_one(compared: tuple[Path, dict[str, Truth]]) -> None:
    """Of energies, and, more narrowly, of mean powers; both by the waveforms' formula."""
    records, truths = compared
    (contest,) = gather(records)
    comparison = compare_runs(contest.records)
    assert comparison.same_work == ("the same steps",)
    rows = {row.name: row.ratios[0] for row in comparison.rows if row.ratios}
    first, other = truths["a"], truths["b"]
    energy = rows["gpu_energy"]
    assert energy.low is not None
    assert energy.high is not None
    assert energy.low <= other.median(1) / first.median(0)
    assert energy.high >= other.median(0) / first.median(1)
    power = rows["mean_power"]
    assert power.low is not None
    assert power.high is not None
    assert power.low <= other.median_watts() / first.median_watts() <= power.high
    assert power.high / power.low < 1.5  # wide enough to hold anything it would prove nothing


@pytest.mark.matrix
def test_each_repeat_holds_its_own_truth(compared: tuple[Path, dict[str, Truth]]) -> None:
    """And the warm-ups are in no record: three each."""
    records, truths = compared
    (contest,) = gather(records)
    for entry, truth in zip(contest.entries, truths.values(), strict=True):
        assert len(entry.records) == len(truth.joules) == 3
        for record, (inner, outer) in zip(entry.records, truth.joules, strict=True):
            low, high = record.energy.gpu.recording_low, record.energy.gpu.recording_high
            assert low is not None
            assert high is not None
            assert low <= outer
            assert high >= inner


@pytest.mark.matrix
def test_what_the_harness_leaves_passes_its_own_check(
    compared: tuple[Path, dict[str, Truth]], workloads: Workloads
) -> None:
    """Real records, not made-up ones."""
    records, _ = compared
    for letter in LETTERS:
        folder = records / f"simulated-device-{letter}" / SAME_WORK / "tiny-sft"
        assert check_series(folder, workloads) == []


def test_a_training_ends_at_its_target(workloads: Workloads, tmp_path: Path) -> None:
    """At the first evaluation that reaches it; a step more would be another amount of work."""
    workload = workloads.named("tiny-sft")
    job = Job(
        workload=workload, tier=BEST_EFFORT, settings=workload.settings, output_dir=str(tmp_path / "out"), target=100.0
    )
    train(job)
    record = load_run(tmp_path / "out")
    assert (record.training.steps, record.status) == (workload.evaluation_steps, "completed")


def test_preferences_are_trained(workloads: Workloads, tmp_path: Path) -> None:
    """DPO with an adapter, and its held-out loss is kept."""
    workload = workloads.named("tiny-dpo")
    job = Job(workload=workload, tier=SAME_WORK, settings=workload.settings, output_dir=str(tmp_path / "out"))
    train(msgspec.structs.replace(job, workload=msgspec.structs.replace(workload, steps=2)))
    record = load_run(tmp_path / "out")
    assert (record.training.method, record.training.objective) == ("LoRA", "DPO")
    outcome = read_outcome(tmp_path / "out")
    assert outcome is not None
    assert record.evaluation.after is not None
    assert outcome.held_out_loss == record.evaluation.after.loss


def test_a_machine_at_work_is_not_measured(workloads: Workloads, tmp_path: Path) -> None:
    """A device that draws its training power before anything was begun."""
    if build_problem() is not None:
        pytest.skip(str(build_problem()))
    from gb10_vs_cloud.run import machine_gpu  # noqa: PLC0415 - imports nothing heavy, and only this test needs it
    from gb10_vs_cloud.series import Tools, run_series  # noqa: PLC0415 - as above

    plan = functools.partial(Plan, workloads=workloads, tier=SAME_WORK, tuning={})
    simulation = Simulation(machine("a", idle=False), tmp_path)
    with simulation.in_process(reset_nvml), pytest.raises(CardCallbackError, match="not idle"):
        run_series(
            plan(
                workload=workloads.named("tiny-sft"),
                machine="simulated-device-a",
                records=tmp_path / "r",
                work=tmp_path / "w",
            ),
            Tools(gpu=machine_gpu(), launch=lambda _: 1, say=lambda _: None),
        )
