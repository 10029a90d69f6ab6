"""Which runs the weights in a folder went through: by the records that lie there, and by nothing else."""

from __future__ import annotations

import os
import time
import tracemalloc
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import pytest
from msgspec.structs import replace
from stage_folders import adapter, checkpoint, left, run

from cardcallback.record import UNRECORDED, Stage, decode, encode
from cardcallback.sessions import SUMMARY_NAME, read_record
from cardcallback.stages import stages_of_folder, weights_marks
from cardcallback.stages.folders import CHANGED, IN_RUN, NO_RECORD, NO_SUMMARY, OTHER_SUMMARY, UNREADABLE

V1 = Path(__file__).parents[1] / "fixtures" / "records" / "v1.json"


def ids(stages: tuple[Stage, ...]) -> list[str | None]:
    """The runs, None for a missing one."""
    return [stage.run_id for stage in stages]


def reasons(stages: tuple[Stage, ...]) -> list[str | None]:
    """Why a stage is missing, None for a recorded one."""
    return [stage.reason for stage in stages]


@pytest.mark.parametrize("private", [False, True])
def test_an_output_folder_is_of_its_run(tmp_path: Path, private: bool) -> None:  # noqa: FBT001 - a case
    """Also where the record may not be published; the weights are those of the published step."""
    record = run("a")
    record = replace(record, training=replace(record.training, published_step=450))
    (stage,) = stages_of_folder(left(tmp_path, record, private=private))
    assert (stage.run_id, stage.steps, stage.weights_step) == ("a", 500, 450)
    assert stage.energy == record.energy.gpu


def test_a_stage_keeps_what_its_figures_leave_out(tmp_path: Path) -> None:
    """GPUs that are not in it, and a GPU that was only watched."""
    record = run("a")
    (device,) = record.hardware.accelerators
    record = replace(
        record,
        energy=replace(record.energy, partial_reason="the GPUs of rank 3 are not in it"),
        hardware=replace(record.hardware, accelerators=(replace(device, used_by_job=False),)),
    )
    (stage,) = stages_of_folder(left(tmp_path, record))
    assert (stage.energy_partial_reason, stage.used_by_job) == ("the GPUs of rank 3 are not in it", False)
    assert (stage.devices, stage.simulated) == (("NVIDIA GB10",), False)


def test_a_chain_of_three_is_in_order(tmp_path: Path) -> None:
    """What the record in the folder says of the stages before it is kept."""
    first = stages_of_folder(left(tmp_path / "one", run("a")))
    second = stages_of_folder(left(tmp_path / "two", run("b", *first)))
    third = stages_of_folder(left(tmp_path / "three", run("c", *second)))
    assert ids(third) == ["a", "b", "c"]
    assert [stage.previous_run_id for stage in third] == [None, "a", "b"]


def test_a_missing_link_stays_missing(tmp_path: Path) -> None:
    """A stage that could not be read when the second one ran is not there for the third either."""
    lost = Stage(name=UNRECORDED, reason="gone")
    assert reasons(stages_of_folder(left(tmp_path, run("b", lost)))) == ["gone", None]


def test_a_folder_that_was_never_trained_claims_nothing(tmp_path: Path) -> None:
    """A base model that was downloaded into a folder is no stage."""
    (tmp_path / "config.json").write_text("{}")
    assert stages_of_folder(tmp_path) == ()
    assert stages_of_folder(tmp_path / "nowhere") == ()


@pytest.mark.parametrize("name", ["trainer_state.json", "training_args.bin", "adapter_config.json"])
def test_a_training_without_a_record_is_missing(tmp_path: Path, name: str) -> None:
    """The Trainer's own files tell that there was one; of a published model's in the Hub's cache nothing is said."""
    (tmp_path / name).write_text("{}")
    assert reasons(stages_of_folder(tmp_path)) == [NO_RECORD]
    assert stages_of_folder(tmp_path, evidence=False) == ()


@pytest.mark.parametrize("content", ["{", '{"schema_version": 99}', ""])
def test_a_record_that_cannot_be_read_is_missing(tmp_path: Path, content: str) -> None:
    """Damaged, or of a newer version."""
    left(tmp_path, run("a"))
    (tmp_path / "training_run" / "record.json").write_text(content)
    assert reasons(stages_of_folder(tmp_path)) == [UNREADABLE]


def test_an_interrupted_run_does_not_say_which_weights_lie_in_its_folder(tmp_path: Path) -> None:
    """Saved by hand after Ctrl-C, at a step that nothing tells."""
    (stage,) = stages_of_folder(left(tmp_path, run("a", status="interrupted", steps=340)))
    assert (stage.status, stage.steps, stage.weights_step) == ("interrupted", 340, None)


def test_a_checkpoint_is_of_its_own_run(tmp_path: Path) -> None:
    """Its weights are of its step; time and energy are of the longest account of its run, not of another one."""
    place = checkpoint(tmp_path, run("a", status="running", steps=300, seconds=3000.0), 300)
    left(tmp_path, run("other", seconds=9000.0))
    left(tmp_path, run("a", status="interrupted", steps=340, seconds=3400.0), name="record-a.json")
    (stage,) = stages_of_folder(place)
    assert (stage.run_id, stage.weights_step, stage.steps, stage.duration_seconds) == ("a", 300, 340, 3400.0)


def test_a_moved_checkpoint_is_known_up_to_its_step(tmp_path: Path) -> None:
    """Where its run's later record is not beside it."""
    (stage,) = stages_of_folder(checkpoint(tmp_path, run("a", status="running", steps=300), 300))
    assert (stage.status, stage.weights_step, stage.steps) == ("running", 300, 300)


def test_a_link_to_a_checkpoint_is_that_checkpoint(tmp_path: Path) -> None:
    """Which lies in its run's folder, wherever the link does."""
    place = checkpoint(tmp_path / "out", run("a", status="running", steps=300, seconds=3000.0), 300)
    left(tmp_path / "out", run("a", seconds=5000.0))
    (tmp_path / "best").symlink_to(place)
    (stage,) = stages_of_folder(tmp_path / "best")
    assert (stage.weights_step, stage.duration_seconds) == (300, 5000.0)


def test_a_checkpoint_without_a_record_is_missing_though_the_folder_has_one(tmp_path: Path) -> None:
    """The folder's record may be that of any run."""
    left(tmp_path, run("a"))
    assert reasons(stages_of_folder(checkpoint(tmp_path, None, 300))) == [NO_SUMMARY]


@pytest.mark.parametrize("summary_step", [200, None])
def test_a_checkpoint_with_anothers_record_is_missing(tmp_path: Path, summary_step: int | None) -> None:
    """Of another step, or damaged."""
    record = None if summary_step is None else run("a", status="running", steps=summary_step)
    place = checkpoint(tmp_path, record, 300)
    if record is None:
        (place / SUMMARY_NAME).write_text("{")
    assert reasons(stages_of_folder(place)) == [OTHER_SUMMARY]


def test_an_adapter_without_a_record_is_followed_to_its_base(tmp_path: Path) -> None:
    """The stages of the base are known, the adapter's own training is not."""
    base = left(tmp_path / "merged", run("a"))
    stages = stages_of_folder(adapter(tmp_path / "adapter", base))
    assert ids(stages) == ["a", None]
    assert reasons(stages) == [None, NO_RECORD]


def test_adapters_on_adapters_end(tmp_path: Path) -> None:
    """A configuration that names its own folder, or two that name each other, keeps nobody."""
    assert len(stages_of_folder(adapter(tmp_path / "own", tmp_path / "own"))) < 20
    adapter(tmp_path / "one", tmp_path / "two")
    assert len(stages_of_folder(adapter(tmp_path / "two", tmp_path / "one"))) < 20


@pytest.mark.parametrize("base", ["google/gemma-3-4b-it", "", "/nowhere/at/all", "a\0b"])
def test_a_base_that_is_no_folder_here_is_not_followed(tmp_path: Path, base: str) -> None:
    """A Hub id, or a folder of another machine."""
    assert reasons(stages_of_folder(adapter(tmp_path, base))) == [NO_RECORD]


def test_weights_that_were_changed_since_are_told(tmp_path: Path) -> None:
    """What changed them left no record; the run that was recorded stays in the chain."""
    (tmp_path / "model.safetensors").write_bytes(b"first" * 100)
    left(tmp_path, replace(run("a"), weights=weights_marks(tmp_path)))
    assert reasons(stages_of_folder(tmp_path)) == [None]
    (tmp_path / "model.safetensors").write_bytes(b"later" * 100)
    assert reasons(stages_of_folder(tmp_path)) == [None, CHANGED]


def test_a_later_run_that_saved_nothing_is_not_what_the_weights_are_of(tmp_path: Path) -> None:
    """The folder's newest record is its, and the files are still those of the run before."""
    (tmp_path / "model.safetensors").write_bytes(b"first")
    left(tmp_path, replace(run("a"), weights=weights_marks(tmp_path)), name="record-a.json")
    assert ids(stages_of_folder(left(tmp_path, run("b")))) == ["a"]
    (tmp_path / "model.safetensors").write_bytes(b"other")
    assert ids(stages_of_folder(tmp_path)) == ["b"]


def test_what_was_saved_after_an_interrupt_is_of_its_last_step(tmp_path: Path) -> None:
    """Where the files are known to be those."""
    (tmp_path / "model.safetensors").write_bytes(b"saved")
    record = run("a", status="interrupted", steps=340)
    (stage,) = stages_of_folder(left(tmp_path, replace(record, weights=weights_marks(tmp_path))))
    assert stage.weights_step == 340


def test_merged_weights_are_not_called_changed(tmp_path: Path) -> None:
    """A folder that the record was copied to has files of other names."""
    (tmp_path / "adapter_model.safetensors").write_bytes(b"adapter")
    record = replace(run("a"), weights=weights_marks(tmp_path))
    (tmp_path / "adapter_model.safetensors").unlink()
    (tmp_path / "model.safetensors").write_bytes(b"merged")
    assert reasons(stages_of_folder(left(tmp_path, record))) == [None]


def test_a_record_of_the_first_version_is_a_stage(tmp_path: Path) -> None:
    """What it knows of itself is in the chain as of a record of today."""
    record = decode(V1.read_bytes()).record
    (stage,) = stages_of_folder(left(tmp_path, record))
    assert (stage.run_id, stage.steps, stage.energy) == (record.run_id, record.training.steps, record.energy.gpu)
    assert stage.devices == tuple(device.name for device in record.hardware.accelerators)


def test_no_path_comes_into_a_stage(tmp_path: Path) -> None:
    """Whatever is missing is told without where it was looked for."""
    folder = adapter(tmp_path / "secret-place", left(tmp_path / "base", run("a")))
    assert "secret-place" not in encode(run("b", *stages_of_folder(folder)))


def _peak_bytes(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_of_many_records_only_the_one_of_the_weights_is_read_whole(tmp_path: Path) -> None:
    """Twenty runs in one folder need hardly more memory, and so time, than the two that matter."""
    curves = {"loss": tuple((step, 1.0 + step) for step in range(2_000))}
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    for number in range(20):
        own = {"model.safetensors": "of another"} if number != 7 else weights_marks(tmp_path)
        left(tmp_path, replace(run(f"r{number}"), curves=curves, weights=own), name=f"record-r{number}.json")
    left(tmp_path, replace(run("main"), curves=curves, weights={"model.safetensors": "of a later one"}))
    one = _peak_bytes(lambda: read_record(tmp_path / "training_run" / "record.json"))
    found: list[Stage] = []
    assert _peak_bytes(lambda: found.extend(stages_of_folder(tmp_path))) < 4 * one
    assert ids(tuple(found)) == ["r7"]


def merged(folder: Path, day: datetime) -> Path:
    """A whole model, written on a day."""
    folder.mkdir(parents=True)
    weights = folder / "model.safetensors"
    weights.write_bytes(b"\1" * 100)
    os.utime(weights, (day.timestamp(), day.timestamp()))
    return folder


def test_a_model_beside_the_adapter_that_was_trained_is_a_missing_link(tmp_path: Path) -> None:
    """It is read again as a whole, without a record; what lay there before the run came from elsewhere."""
    left(tmp_path / "out", run("sft"))  # on 2 March 2026
    assert reasons(
        stages_of_folder(merged(tmp_path / "out" / "merged", datetime(2026, 3, 4, tzinfo=timezone.utc)))
    ) == [IN_RUN]
    assert stages_of_folder(merged(tmp_path / "out" / "base", datetime(2026, 2, 3, tzinfo=timezone.utc))) == ()
    assert stages_of_folder(merged(tmp_path / "elsewhere", datetime(2026, 3, 4, tzinfo=timezone.utc))) == ()
    assert stages_of_folder(tmp_path / "out" / "merged", evidence=False) == ()


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the time zone of a process can be set on POSIX alone")
def test_the_day_of_a_merge_is_local_as_that_of_the_training_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the small hours of an eastern zone it is still the day before in UTC."""
    left(tmp_path / "out", run("sft"))  # on 2 March 2026
    folder = merged(tmp_path / "out" / "merged", datetime(2026, 3, 1, 18, tzinfo=timezone.utc))
    try:
        with monkeypatch.context() as patch:
            patch.setenv("TZ", "JST-9")
            time.tzset()
            assert reasons(stages_of_folder(folder)) == [IN_RUN]
    finally:
        time.tzset()
