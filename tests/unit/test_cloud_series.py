"""The harness of benchmarks/gb10_vs_cloud: nothing is measured on a busy GPU, nothing that was begun is forgotten."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from cloud_series import LOSS, TRIAL, Clock, Launcher, gpu, plan, record_of, tools

from cardcallback.errors import CardCallbackError
from cardcallback.record import RECORD_NAME, Measurement
from cardcallback.sensors.surroundings import Surroundings
from gb10_vs_cloud.environment import check_environment, cool_down, load_problems
from gb10_vs_cloud.jobs import Job
from gb10_vs_cloud.layout import Attempt, Series, attempt_folders, load_attempt, load_series, save
from gb10_vs_cloud.run import main as run_main
from gb10_vs_cloud.series import run_series
from gb10_vs_cloud.workloads import BEST_EFFORT, SAME_WORK

HEAT, BRAKE = 0x20, 0x80


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (gpu(about=Surroundings(programs=2, drawing=0)), "2 other processes held the GPU"),
        (gpu(devices=2), "CUDA_VISIBLE_DEVICES"),
        (gpu(reasons=HEAT), "heat slows the GPU"),
        (gpu(reasons=BRAKE), "power supply"),
    ],
)
def test_an_unfit_gpu_ends_it_before_anything_is_trained(found: object, words: str, tmp_path: Path) -> None:
    """In one line that names what to mend; no folder is left that looks like a series."""
    launcher = Launcher()
    with pytest.raises(CardCallbackError, match=words):
        run_series(plan(tmp_path), tools(launcher, gpu=found))
    assert launcher.jobs == []
    assert not (tmp_path / "records").exists()


def test_a_gpu_at_rest_is_fit_and_doubts_are_kept() -> None:
    """A driver that tells of no processes is no obstacle, and the records will say so."""
    check = check_environment(gpu(about=Surroundings()))
    assert check.problems == ()
    assert check.idle[0].watts_mean == pytest.approx(20.0)
    assert any("does not tell which processes" in note for note in check.notes)


def test_cool_down_waits_for_power_and_temperature() -> None:
    """Power is back at once, and the heat sink is not: the wait lasts as long as that."""
    clock = Clock(elapsed=0.0)
    idle = gpu().idle(10.0)
    warm = gpu(celsius=lambda: max(35.0, 80.0 - clock.elapsed_seconds()), clock=clock)
    waited = cool_down(warm, idle)
    assert waited.reached
    assert 40.0 <= waited.seconds <= 50.0
    assert waited.celsius == pytest.approx(38.0, abs=3.0)


def test_cool_down_ends_in_any_case() -> None:
    """A GPU that stays hot is measured all the same, and the attempt says so."""
    waited = cool_down(gpu(celsius=70.0), gpu().idle(10.0), 60.0)
    assert (waited.reached, waited.seconds) == (False, 60.0)


def test_a_low_power_state_shows_under_load() -> None:
    """Half of the highest clock at full use: a warm-up of less than a minute is enough to see it."""
    record = record_of(Job(workload=TRIAL, tier="same-work", settings=TRIAL.settings, output_dir=""), "one")
    (device,) = record.hardware.accelerators
    clock = msgspec.structs.replace(device.median_sm_clock or device.energy, value=0.8e9)
    load = Measurement(value=0.96, unit="share", source="nvml:utilization_rates", method="calculated")
    slow = msgspec.structs.replace(device, name="NVIDIA GB10", median_sm_clock=clock, median_utilization=load)
    hardware = msgspec.structs.replace(record.hardware, accelerators=(slow,))
    sensors = gpu().open_sensors()
    spark = msgspec.structs.replace(record, hardware=hardware)
    assert load_problems(spark, sensors) == ()  # another device's norm says nothing of this one
    device_info = sensors.devices[0]
    known = type(sensors)(devices=(type(device_info)(index=0, name="NVIDIA GB10"),))
    assert "low-power state" in load_problems(spark, known)[0]


def test_three_repeats_follow_a_warm_up_that_is_discarded(tmp_path: Path) -> None:
    """Four trainings, three records; the warm-up's is in none of the folders."""
    launcher = Launcher()
    folder = run_series(plan(tmp_path), tools(launcher))
    assert [job.is_warm_up for job in launcher.jobs] == [True, False, False, False]
    assert [place.name for place in attempt_folders(folder)] == ["attempt-1", "attempt-2", "attempt-3"]
    assert all(load_attempt(place).status == "completed" for place in attempt_folders(folder))
    assert len(list((tmp_path / "records").rglob(RECORD_NAME))) == 3
    assert folder == tmp_path / "records" / "h100" / "same-work" / "trial-270m"


def test_a_failed_repeat_is_kept_and_another_follows(tmp_path: Path) -> None:
    """With its reason, at its place."""
    said: list[str] = []
    folder = run_series(plan(tmp_path), tools(Launcher([0, 0, 1]), said))
    attempts = [load_attempt(place) for place in attempt_folders(folder)]
    assert [attempt.status for attempt in attempts] == ["completed", "failed", "completed", "completed"]
    assert attempts[1].reason == "the training ended by exit code 1"
    assert any("attempt-2 failed and is kept" in line for line in said)


def test_failure_after_failure_ends_it(tmp_path: Path) -> None:
    """The machine has something to be mended first; what was completed stays."""
    with pytest.raises(CardCallbackError, match=r"3 attempts failed.*signal 9"):
        run_series(plan(tmp_path), tools(Launcher([0, 0, -9, -9, -9])))
    statuses = [load_attempt(place).status for place in attempt_folders(plan(tmp_path).folder)]
    assert statuses == ["completed", "failed", "failed", "failed"]


def test_a_killed_series_goes_on(tmp_path: Path) -> None:
    """What still says that it runs was interrupted; only what is missing is trained, after a warm-up of its own."""
    folder = run_series(plan(tmp_path), tools(Launcher()))
    save(Attempt(status="running"), attempt_folders(folder)[1])
    launcher = Launcher()
    run_series(plan(tmp_path), tools(launcher))
    statuses = [load_attempt(place).status for place in attempt_folders(folder)]
    assert statuses == ["completed", "interrupted", "completed", "completed"]
    assert [job.is_warm_up for job in launcher.jobs] == [True, False]
    assert run_series(plan(tmp_path), tools(nothing := Launcher())) == folder
    assert nothing.jobs == []


def test_a_stop_by_hand_leaves_an_interrupted_attempt(tmp_path: Path) -> None:
    """Ctrl-C in the second training: the first one's attempt says what happened."""

    class Stopped(Launcher):
        def __call__(self, job: Job) -> int:
            if not job.is_warm_up:
                raise KeyboardInterrupt
            return super().__call__(job)

    with pytest.raises(KeyboardInterrupt):
        run_series(plan(tmp_path), tools(Stopped()))
    (place,) = attempt_folders(plan(tmp_path).folder)
    assert load_attempt(place).status == "interrupted"


def test_records_of_another_series_are_never_mixed(tmp_path: Path) -> None:
    """A workload that was changed meanwhile needs a folder of its own."""
    folder = run_series(plan(tmp_path), tools(Launcher()))
    save(msgspec.structs.replace(load_series(folder), data_sha256="0"), folder)
    save(Attempt(status="failed", reason="power cut"), attempt_folders(folder)[0])
    with pytest.raises(CardCallbackError, match="another series \\(data sha256\\)"):
        run_series(plan(tmp_path), tools(Launcher()))


def test_best_effort_trains_to_the_loss_of_same_work(tmp_path: Path) -> None:
    """So that same-work comes first; the machine's own settings are kept with the records."""
    tuned = plan(tmp_path, tier=BEST_EFFORT, tuning={"per_device_train_batch_size": 8})
    with pytest.raises(CardCallbackError, match="run --tier same-work first"):
        run_series(tuned, tools(Launcher()))
    run_series(plan(tmp_path), tools(Launcher()))
    launcher = Launcher()
    folder = run_series(tuned, tools(launcher))
    assert load_series(folder).target == LOSS
    assert launcher.jobs[-1].target == LOSS
    assert launcher.jobs[-1].settings["per_device_train_batch_size"] == 8


def test_a_loss_that_was_not_reached_is_a_failure(tmp_path: Path) -> None:
    """The target is 0.5, and three attempts end above it."""
    folder = run_series(plan(tmp_path), tools(Launcher()))
    for place in attempt_folders(folder):
        save(msgspec.structs.replace(load_attempt(place), held_out_loss=0.5), place)
    with pytest.raises(CardCallbackError, match=r"held-out loss was 0\.64 after 16 steps, above 0\.5"):
        run_series(plan(tmp_path, tier=BEST_EFFORT), tools(Launcher()))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--machine", "Our Lab!", "--workload", "trial-270m"], "no name for a machine"),
        (["--machine", "spark", "--workload", "qlora-27"], "did you mean qlora-27b"),
        (["--machine", "simulated-x", "--workload", "trial-270m"], "for simulated devices"),
        (["--machine", "spark", "--workload", "trial-270m", "--tuning", "nowhere.yaml"], "cannot be read"),
    ],
)
def test_a_mistake_is_one_line(arguments: list[str], words: str, tmp_path: Path, capsys: object) -> None:
    """Exit code 1, and nothing is begun."""
    assert run_main([*arguments, "--records", str(tmp_path / "records"), "--work", str(tmp_path / "work")]) == 1
    printed = capsys.readouterr()  # type: ignore[attr-defined]
    assert words in printed.err
    assert printed.err.count("\n") == 1
    assert not (tmp_path / "records").exists()


def test_simulated_devices_run_both_tiers_each_tuned_in_the_second(tmp_path: Path) -> None:
    """A series a device and a tier, after a look at the simulated GPU at rest; best-effort needs same-work first."""
    simulate = pytest.importorskip("gb10_vs_cloud.simulate")
    if simulate.build_problem() is not None:
        pytest.skip(str(simulate.build_problem()))
    launcher = Launcher()

    def run(letter: str, tier: str) -> Series:
        planned = simulate.plan_for(letter, tier, TRIAL.name, tmp_path / "records", tmp_path / "work")
        return load_series(simulate.run_simulated(planned, letter, launcher, Clock()))

    with pytest.raises(CardCallbackError, match="run --tier same-work first"):
        run("a", BEST_EFFORT)
    assert launcher.jobs == []
    same = [run(letter, SAME_WORK) for letter in simulate.LETTERS]
    tuned = [run(letter, BEST_EFFORT) for letter in simulate.LETTERS]
    assert all(series.simulated for series in (*same, *tuned))
    assert [(series.target, series.tuning) for series in same] == [(None, {}), (None, {})]
    assert [series.target for series in tuned] == [LOSS, LOSS]
    assert tuned[0].settings["learning_rate"] != tuned[1].settings["learning_rate"]
    assert [job.target for job in launcher.jobs[-4:]] == [None, LOSS, LOSS, LOSS]
