"""Trainings that are killed and go on: both sessions' energy, each with its own place, and steps done again."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tiny import TrainerKind, make_trainer
from transformers import TrainerCallback

from cardcallback import CardCallback, attach, load_run
from cardcallback.carbon import factor_for, find_place
from cardcallback.record import RunRecord, Scope
from cardcallback.sensors.nvml import reset_nvml
from cardcallback.sessions import SUMMARY_NAME, lineage_of, steps_done_again
from simulator import Simulation, build_problem, profile_named

pytestmark = pytest.mark.training
_STEP_SECONDS = 0.1
_EVERY = 10
_SAVING: dict[str, Any] = {"save_strategy": "steps", "save_steps": _EVERY, "max_steps": 3 * _EVERY}


class KilledError(Exception):
    """What stops a training in mid-step."""


class Clock(TrainerCallback):
    """Notes the time of its events; what the other callbacks do in theirs comes before or after it."""

    def __init__(self, now_seconds: Callable[[], float]) -> None:
        self.now_seconds = now_seconds
        self.times: list[float] = []

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        """Training begins."""
        self.times.append(self.now_seconds())

    def on_train_end(self, *_: Any, **__: Any) -> None:
        """Training ends."""
        self.times.append(self.now_seconds())


class Work(Clock):
    """Makes a step take a while, and perhaps stops at one."""

    def __init__(self, now_seconds: Callable[[], float], *, stop_at: int | None = None) -> None:
        super().__init__(now_seconds)
        self.stop_at = stop_at

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """At the end of a step."""
        del args, control, kwargs
        time.sleep(_STEP_SECONDS)
        if state.global_step == self.stop_at:
            self.times.append(self.now_seconds())
            raise KilledError


class Truth(NamedTuple):
    """What the device used between the begin and the end of a session, in joules.

    ``least`` is of the time within the callback's own events, ``most`` with them: a busy machine holds them apart.
    """

    least: float
    most: float
    one_second: float

    def __add__(self, other: object) -> Truth:
        """Of two sessions together."""
        assert isinstance(other, Truth)
        one_second = max(self.one_second, other.one_second)
        return Truth(self.least + other.least, self.most + other.most, one_second)

    def holds(self, joules: float | None) -> bool:
        """Within 0.5 % and one second's energy."""
        doubt = 0.005 * self.most + self.one_second
        return joules is not None and self.least - doubt <= joules <= self.most + doubt


class StopAt(TrainerCallback):
    """Stops a training at the end of a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """As an exception in a person's own code would."""
        del args, control, kwargs
        if state.global_step == self.step:
            raise KilledError


Machine = Callable[[str], contextlib.AbstractContextManager[Simulation]]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Meet a simulated machine by its profile's name, one after the other."""
    problem = build_problem()
    if problem is not None:
        pytest.skip(problem)
    count = itertools.count()

    @contextlib.contextmanager
    def meet(name: str) -> Iterator[Simulation]:
        folder = tmp_path / f"machine-{next(count)}"
        folder.mkdir()
        simulation = Simulation(profile_named(name), folder, driven=False)
        with simulation.in_process(reset_nvml):
            yield simulation

    return meet


def _trained(
    simulation: Simulation,
    folder: Path,
    base: Path,
    *,
    stop_at: int | None = None,
    resume: Any = None,
    location: str | None = None,
) -> Truth:
    """Train in a new trainer with a new callback; the energy that the device really used meanwhile."""
    work, after = Work(simulation.now_seconds, stop_at=stop_at), Clock(simulation.now_seconds)
    callbacks = [work, CardCallback(location, quiet=True), after]
    trainer = make_trainer("plain", folder, base_folder=base, callbacks=callbacks, **_SAVING)
    with pytest.raises(KilledError) if stop_at is not None else contextlib.nullcontext():
        trainer.train(resume_from_checkpoint=resume)
    least = simulation.true_joules(after.times[0], work.times[1])
    most = simulation.true_joules(work.times[0], simulation.now_seconds())
    return Truth(least, most, simulation.true_joules(work.times[0], work.times[0] + 10.0) / 10.0)


def _killed(
    folder: Path, base: Path, *, at: int, resume: Any = None, kind: TrainerKind = "plain", **options: Any
) -> None:
    callbacks = [CardCallback(quiet=True), StopAt(at)]
    trainer = make_trainer(kind, folder, base_folder=base, callbacks=callbacks, **(_SAVING | options))
    with pytest.raises(KilledError):
        trainer.train(resume_from_checkpoint=resume)


def _finished(
    folder: Path, base: Path, *, resume: Any = None, kind: TrainerKind = "plain", **options: Any
) -> RunRecord:
    callbacks = [CardCallback(quiet=True)]
    trainer = make_trainer(kind, folder, base_folder=base, callbacks=callbacks, **(_SAVING | options))
    trainer.train(resume_from_checkpoint=resume)
    return load_run(folder)


def _spans(record: RunRecord) -> list[tuple[int, int]]:
    return [(session.first_step, session.last_step) for session in record.sessions]


def test_killed_and_resumed_the_energy_is_of_both(machine: Machine, output_folder: Path, base_folder: Path) -> None:
    """Within 0.5 % and one second's energy of what the device used in both sessions; no counter bridges them."""
    with machine("gb10") as simulation:
        first = _trained(simulation, output_folder, base_folder, stop_at=14)
        time.sleep(1.5)  # used by nobody's training, and in no figure
        second = _trained(simulation, output_folder, base_folder, resume=True)
    record = load_run(output_folder)
    assert (first + second).holds(record.energy.gpu.value)
    assert record.status == "completed"
    assert [session.status for session in record.sessions] == ["interrupted", "completed"]
    assert _spans(record) == [(0, 14), (10, 30)]
    assert record.duration_seconds == pytest.approx(sum(session.duration_seconds for session in record.sessions))
    assert {trace.session for trace in record.traces if trace.quantity == "gpu_power"} == {0, 1}
    text = (output_folder / "README.md").read_text()
    assert "4 steps were done again after a resume" in text
    assert "in 2 sessions" in text


def test_resumed_on_another_machine(machine: Machine, output_folder: Path, base_folder: Path) -> None:
    """Yesterday a Spark, today an H100: each session with its own, and a sum whose scope is not that of one."""
    with machine("gb10") as simulation:
        first = _trained(simulation, output_folder, base_folder, stop_at=14, location="SE")
    with machine("h100") as simulation:
        second = _trained(simulation, output_folder, base_folder, resume=True, location="DE")
    record = load_run(output_folder)
    names = [session.hardware.accelerators[0].name for session in record.sessions]
    assert names[0] == "NVIDIA GB10"
    assert "H100" in names[1]
    assert [device.name for device in record.hardware.accelerators] == names
    assert record.energy.gpu.scope == Scope(gpu_core="yes", gpu_memory="unknown")
    assert (first + second).holds(record.energy.gpu.value)
    text = (output_folder / "README.md").read_text()
    assert "ran on unlike hardware" in text
    assert "unlike parts of the machine" in text
    assert [session.factor and session.factor.place for session in record.sessions] == ["Sweden", "Germany"]
    carried = lineage_of(output_folder / "checkpoint-10")
    assert carried is not None
    assert carried.sessions[0].factor == record.sessions[0].factor
    assert record.carbon is not None
    each = zip(record.sessions, ("SE", "DE"), strict=True)
    kilowatt_hours = {code: (session.energy.gpu.value or 0.0) / 3.6e6 for session, code in each}
    grams = sum(factor_for(find_place(code)).grams_per_kwh * used for code, used in kilowatt_hours.items())
    assert record.carbon.emissions_grams == pytest.approx(grams)
    assert "(session 1: Sweden" in text
    assert "(session 2: Germany" in text


def test_every_checkpoint_carries_the_run(output_folder: Path, base_folder: Path) -> None:
    """A record that load_run reads, without the sensors' curves, of the steps up to the checkpoint."""
    record = _finished(output_folder, base_folder)
    for step in (10, 20, 30):
        carried = lineage_of(output_folder / f"checkpoint-{step}")
        assert carried is not None
        assert carried == load_run(output_folder / f"checkpoint-{step}" / SUMMARY_NAME)
        assert carried.run_id == record.run_id
        assert carried.sessions[0].session_id == record.sessions[0].session_id
        assert _spans(carried) == [(0, step)]
        assert carried.traces == ()


def test_a_moved_checkpoint_is_the_same_run(tmp_path: Path, output_folder: Path, base_folder: Path) -> None:
    """Resumed from a copy in another place: the same run, and what came after the checkpoint is said to be unknown."""
    _killed(output_folder, base_folder, at=14)
    first = load_run(output_folder)
    copied = shutil.copytree(output_folder / "checkpoint-10", tmp_path / "moved" / "weights")
    shutil.rmtree(output_folder)
    record = _finished(tmp_path / "elsewhere", base_folder, resume=str(copied))
    assert record.run_id == first.run_id
    assert _spans(record) == [(0, 10), (10, 30)]
    assert [session.rest_unknown for session in record.sessions] == [True, False]
    assert any("What session 1 did after its checkpoint at step 10 is not known" in note for note in record.notes)


def test_a_checkpoint_beside_its_folder_s_record(tmp_path: Path, output_folder: Path, base_folder: Path) -> None:
    """Resumed into another output folder: the account of the first one is found beside the checkpoint."""
    _killed(output_folder, base_folder, at=14)
    record = _finished(tmp_path / "elsewhere", base_folder, resume=str(output_folder / "checkpoint-10"))
    assert _spans(record) == [(0, 14), (10, 30)]
    assert steps_done_again(record.sessions) == 4


def test_a_used_folder_is_a_new_run(output_folder: Path, base_folder: Path) -> None:
    """Without a resume nothing of the run before is counted, though its checkpoints lie there."""
    _killed(output_folder, base_folder, at=14)
    first = load_run(output_folder)
    record = _finished(output_folder, base_folder)
    assert record.run_id != first.run_id
    assert _spans(record) == [(0, 30)]


def test_killed_three_times(output_folder: Path, base_folder: Path) -> None:
    """Every session is in the record once, also one that came no further than the checkpoint it began from."""
    _killed(output_folder, base_folder, at=14)
    _killed(output_folder, base_folder, at=13, resume=True)
    _killed(output_folder, base_folder, at=25, resume=True)
    record = _finished(output_folder, base_folder, resume=True)
    assert _spans(record) == [(0, 14), (10, 13), (10, 25), (20, 30)]
    assert [session.status for session in record.sessions] == ["interrupted"] * 3 + ["completed"]
    assert steps_done_again(record.sessions) == 4 + 3 + 5
    assert [len([note for note in record.notes if "done again" in note])] == [1]
    names = [path.name for path in (output_folder / "training_run").glob("record*.json")]
    assert names == ["record.json"]


@pytest.mark.parametrize(
    "options",
    [{"kind": "plain"}, {"kind": "sft"}, {"kind": "plain", "include_num_input_tokens_seen": "non_padding"}],
    ids=["batches", "TRL", "Trainer"],
)
def test_tokens_of_work_done_again_count_once(tmp_path: Path, base_folder: Path, options: Any) -> None:
    """Killed and resumed, the tokens are those of an uninterrupted training, whoever counts them."""
    _killed(tmp_path / "killed", base_folder, at=14, **options)
    resumed = _finished(tmp_path / "killed", base_folder, resume=True, **options).training.tokens
    whole = _finished(tmp_path / "whole", base_folder, **options).training.tokens
    assert whole.non_padding
    assert resumed.non_padding == whole.non_padding


def test_curves_are_those_of_one_training(output_folder: Path, base_folder: Path) -> None:
    """Each step is there once, and done again with its later value."""
    _killed(output_folder, base_folder, at=14)
    record = _finished(output_folder, base_folder, resume=True)
    assert [step for step, _ in record.curves["loss"]] == [float(step) for step in range(1, 31)]


def test_a_checkpoint_without_a_record(output_folder: Path, base_folder: Path) -> None:
    """Trained before without the callback: a new run, which says that its earlier steps were not measured."""
    trainer = make_trainer("plain", output_folder, base_folder=base_folder, callbacks=[StopAt(14)], **_SAVING)
    with pytest.raises(KilledError):
        trainer.train()
    record = _finished(output_folder, base_folder, resume=True)
    assert _spans(record) == [(10, 30)]
    assert any("carries no record" in note for note in record.notes)
    assert "leave out 10 of 30 steps" in (output_folder / "README.md").read_text()


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b'{"schema_version": 99}', b"[" * 100_000])
def test_a_damaged_summary_is_said_and_ignored(output_folder: Path, base_folder: Path, content: bytes) -> None:
    """Training goes on as if there were none."""
    _killed(output_folder, base_folder, at=14)
    (output_folder / "checkpoint-10" / SUMMARY_NAME).write_bytes(content)
    record = _finished(output_folder, base_folder, resume=True)
    assert _spans(record) == [(10, 30)]
    assert any("damaged" in note for note in record.notes)


def test_a_summary_of_another_checkpoint_is_foreign(output_folder: Path, base_folder: Path) -> None:
    """One that was copied between checkpoints would tell of steps that these weights have not seen."""
    _killed(output_folder, base_folder, at=24)
    shutil.copy(output_folder / "checkpoint-20" / SUMMARY_NAME, output_folder / "checkpoint-10" / SUMMARY_NAME)
    record = _finished(output_folder, base_folder, resume=str(output_folder / "checkpoint-10"))
    assert _spans(record) == [(10, 30)]


def test_a_callback_added_while_training_runs_finds_its_checkpoint(output_folder: Path, base_folder: Path) -> None:
    """Nobody told it what train() was called with: the checkpoint whose state agrees is taken."""

    class AddsLate(TrainerCallback):
        """As a person's own callback may: too late for train() to be watched."""

        def on_train_begin(self, *_: Any, **__: Any) -> None:
            """The event goes on to the callback that is added here."""
            trainer.add_callback(CardCallback(quiet=True))

    _killed(output_folder, base_folder, at=14)
    trainer = make_trainer("plain", output_folder, base_folder=base_folder, callbacks=[AddsLate()], **_SAVING)
    trainer.train(resume_from_checkpoint=True)
    assert _spans(load_run(output_folder)) == [(0, 14), (10, 30)]


def test_attached_to_a_finished_trainer_it_sees_the_resume(output_folder: Path, base_folder: Path) -> None:
    """attach() after construction, then resume."""
    _killed(output_folder, base_folder, at=14)
    trainer = make_trainer("plain", output_folder, base_folder=base_folder, **_SAVING)
    attach(trainer, quiet=True)
    trainer.train(resume_from_checkpoint=True)
    assert _spans(load_run(output_folder)) == [(0, 14), (10, 30)]


def test_a_kill_right_after_the_trainers_checkpoint_leaves_one_run(tmp_path: Path) -> None:
    """Whatever can be gone on from has our record in it: it is written before the trainer's own state."""
    folder, checkpoint = tmp_path / "out", tmp_path / "out" / f"checkpoint-{_EVERY}"
    killed = make_trainer("plain", folder, base_folder=tmp_path / "base", **_SAVING)

    class Dies(type(killed)):  # type: ignore[misc]  # known only here
        def _save_checkpoint(self, *args: Any, **kwargs: Any) -> None:
            super()._save_checkpoint(*args, **kwargs)
            assert (checkpoint / "trainer_state.json").is_file()
            raise KilledError

    killed.__class__ = Dies
    attach(killed, quiet=True)
    with pytest.raises(KilledError):
        killed.train()
    before = lineage_of(checkpoint)
    assert before is not None
    callbacks = [CardCallback(quiet=True)]
    trainer = make_trainer("plain", folder, base_folder=tmp_path / "base", callbacks=callbacks, **_SAVING)
    trainer.train(resume_from_checkpoint=True)
    record = load_run(folder)
    assert record.run_id == before.run_id
    assert [(one.first_step, one.last_step) for one in record.sessions] == [(0, _EVERY), (_EVERY, 3 * _EVERY)]
