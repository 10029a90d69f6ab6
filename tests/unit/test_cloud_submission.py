"""What is checked of submitted records: a good series passes, and each fault is one line that says what to do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cloud_series import Launcher, plan, tools

from cardcallback.record import RECORD_NAME
from gb10_vs_cloud.check_submission import main
from gb10_vs_cloud.layout import ATTEMPT_NAME, SERIES_NAME
from gb10_vs_cloud.series import run_series
from gb10_vs_cloud.workloads import BEST_EFFORT

# What a record of a real GPU says and a made-up one does not: that the job used it.
Change = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The records of a machine, made once."""
    folder = tmp_path_factory.mktemp("good")
    run_series(plan(folder), tools(Launcher()))
    return folder / "records"


@pytest.fixture
def folder(good: Path, tmp_path: Path) -> Path:
    """A good series of one's own to spoil."""
    return shutil.copytree(good, tmp_path / "records") / "h100" / "same-work" / "trial-270m"


def checked(folder: Path, capsys: Any) -> tuple[int, list[str]]:
    """The exit code and the lines."""
    capsys.readouterr()
    code = main([str(folder)])
    return code, capsys.readouterr().out.splitlines()


def edit(path: Path, change: Change) -> None:
    """Change a JSON file."""
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def test_a_good_series_passes(folder: Path, capsys: Any) -> None:
    """Alone, and found from a folder above."""
    assert checked(folder, capsys) == (0, ["1 series checked, nothing found"])
    assert checked(folder.parents[2], capsys)[0] == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.update(status="interrupted"), "its record says interrupted"),
        (lambda d: d.update(recovered=True), "taken up again"),
        (lambda d: d.update(cardcallback_version="0.0.9"), "another version"),
        (lambda d: d.update(schema_version=99), "upgrade cardcallback"),
        (lambda d: d.update(simulated=True), "simulated and series.json says otherwise"),
        (lambda d: d["energy"]["gpu"].update(coverage=0.9), "covers 90"),
        (lambda d: d["energy"]["gpu"].update(coverage=None), "an unknown part"),
        (lambda d: d["energy"]["gpu"].update(value=None, reason="no driver"), "not measured (no driver)"),
        (lambda d: d["energy"]["gpu"].update(scope=None), "open an issue"),
        (lambda d: d["energy"]["gpu"].update(recording_low=0.0, recording_high=9e9), "wider than the energy"),
        (lambda d: d["energy"].update(partial_reason="one GPU was lost"), "is a part"),
        (lambda d: d["training"].update(base_model="google/gemma-3-1b-pt"), "not google/gemma-3-270m"),
        (lambda d: d["training"].update(method="LoRA"), "not QLoRA"),
        (lambda d: d["training"].update(steps=7), "7 steps, not 8"),
        (lambda d: d["training"]["dataset"].update(training_examples=10), "other examples"),
        (lambda d: d["training"]["lora"].update(rank=8), "its adapter"),
        (lambda d: d["training"]["hyperparameters"].update(learning_rate=1e-3), "other settings"),
        (lambda d: d["training"]["hyperparameters"].pop("attention"), "(attention)"),
        (lambda d: d["evaluation"].update(after=None), "held-out loss is missing"),
        (lambda d: d["hardware"]["accelerators"][0].update(used_by_job=False), "used 0 GPUs"),
        (lambda d: d["hardware"]["accelerators"][0].update(other_processes=1), "other processes"),
        (lambda d: d["hardware"]["accelerators"][0].update(name="NVIDIA L40S"), "different GPUs"),
        (lambda d: d["software"].update(torch="1.0"), "software changed"),
        (lambda d: d.update(notes=["read from /home/mary/models"]), "/home/mary"),
        (lambda d: d.update(notes=["mail mary@example.org"]), "a mail address"),
        (lambda d: d.update(notes=["on node7.internal"]), "a computer's name"),
        (lambda d: d.update(notes=["begun 2026-03-02T10:15"]), "a time of day"),
        (lambda d: d.update(notes=["GPU-00000010-5157-4c41-8000-000000000010"]), "serial number"),
    ],
)
def test_a_bad_record_is_found(folder: Path, change: Change, words: str, capsys: Any) -> None:
    """In the second attempt, and named so wherever it is that record's own fault."""
    edit(folder / "attempt-2" / RECORD_NAME, change)
    code, lines = checked(folder, capsys)
    assert code == 4
    assert any(words in line for line in lines), lines
    assert all(line.startswith("h100/same-work/trial-270m: ") for line in lines)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d["settings"].update(learning_rate=1e-3), "not the tier's (learning_rate)"),
        (lambda d: d.update(tuning={"learning_rate": 1e-3}), "same settings everywhere"),
        (lambda d: d.update(workload="trial-271m"), "did you mean trial-270m"),
        (lambda d: d.update(tier="other-work"), "no tier is called"),
        (lambda d: d.update(data_sha256="0"), "has changed since"),
        (lambda d: d.update(machine="my-laptop"), "another folder"),
        (lambda d: d.update(machine="simulated-h100"), "called simulated and is not"),
        (lambda d: d.update(simulated=True), "simulated and not called so"),
        (lambda d: d.update(format=0), "format 0"),
        (lambda d: d.update(owner="mary"), "is damaged"),
        (lambda d: d.pop("settings"), "is damaged"),
    ],
)
def test_a_bad_series_file_is_found(folder: Path, change: Change, words: str, capsys: Any) -> None:
    """What all attempts share does not fit its place or its tier."""
    edit(folder / SERIES_NAME, change)
    code, lines = checked(folder, capsys)
    assert code == 4
    assert any(words in line for line in lines), lines


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (lambda f: shutil.rmtree(f / "attempt-3"), "2 of 3 repeats"),
        (lambda f: shutil.rmtree(f / "attempt-1"), "an attempt is missing"),
        (lambda f: (f / "attempt-1" / RECORD_NAME).unlink(), "no record at"),
        (lambda f: (f / "attempt-1" / RECORD_NAME).write_text("{}"), "not a cardcallback record"),
        (lambda f: (f / "attempt-1" / ATTEMPT_NAME).unlink(), "cannot be read"),
        (lambda f: (f / "notes.txt").write_text("hello"), "notes.txt has no place here"),
        (lambda f: (f / "attempt-1" / RECORD_NAME).write_bytes(b"\xff\xfe"), "no text"),
        (lambda f: (f / "again").symlink_to(f / SERIES_NAME), "is a link"),
        (lambda f: shutil.copy(f / "attempt-1" / RECORD_NAME, f / "attempt-2" / RECORD_NAME), "stands there twice"),
        (lambda f: edit(f / "attempt-3" / ATTEMPT_NAME, lambda d: d.update(status="running")), "still runs"),
        (lambda f: edit(f / "attempt-3" / ATTEMPT_NAME, lambda d: d.update(status="failed")), "does not say why"),
    ],
)
def test_a_folder_that_is_not_whole_is_found(
    folder: Path, break_it: Callable[[Path], object], words: str, capsys: Any
) -> None:
    """Files that are missing, too many, or not what they should be."""
    break_it(folder)
    code, lines = checked(folder, capsys)
    assert code == 4
    assert any(words in line for line in lines), lines


@pytest.mark.parametrize("target", [None, 0.9])
def test_a_loss_that_missed_its_target_is_found(
    folder: Path, tmp_path: Path, target: float | None, capsys: Any
) -> None:
    """Best-effort ends at the target; the made-up record's loss is 1.043, which the first target lets pass."""
    for place in folder.glob("attempt-*"):
        edit(place / ATTEMPT_NAME, lambda d: d.update(held_out_loss=1.05))
    tuned = plan(tmp_path, tier=BEST_EFFORT, tuning={"per_device_train_batch_size": 8})
    best = run_series(tuned, tools(Launcher()))
    assert checked(best, capsys)[0] == 0
    edit(best / SERIES_NAME, lambda d: d.update(target=target))
    code, lines = checked(best, capsys)
    assert code == 4
    assert len([line for line in lines if "its held-out loss is 1.043" in line]) == 3


def test_nothing_to_check_is_said(tmp_path: Path, capsys: Any) -> None:
    """Exit code 3."""
    assert main([str(tmp_path)]) == 3
    assert "no series there" in capsys.readouterr().err


def test_what_is_committed_passes(capsys: Any) -> None:
    """The records that this repository ships."""
    assert main([]) == 0
    assert "nothing found" in capsys.readouterr().out
