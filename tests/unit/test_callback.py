"""The callback's own boundary: switched off, or a trainer that cannot be followed."""

from __future__ import annotations

import fcntl
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from cardcallback import CardCallback, attach
from cardcallback.errors import CardCallbackError, CardCallbackWarning
from cardcallback.live_run import LiveRun
from cardcallback.processes.place import find_place
from cardcallback.processes.rendezvous import Rendezvous
from cardcallback.record import load_run, record_path
from cardcallback.sessions import STAGES_UNREAD
from cardcallback.settings import Settings
from cardcallback.stages.folders import NO_RECORD
from cardcallback.testing import FakeClock


class SmallTrainer:
    """Just what ``attach`` touches."""

    def __init__(self) -> None:
        self.callbacks: list[object] = []

    def add_callback(self, callback: object) -> None:
        """As the Trainer's."""
        self.callbacks.append(callback)

    def train(self) -> str:
        """As the Trainer's."""
        return "trained"


class SealedTrainer(SmallTrainer):
    """A trainer that nothing can be kept on."""

    def __setattr__(self, name: str, value: object) -> None:
        if name != "callbacks":
            raise AttributeError(name)
        super().__setattr__(name, value)


def test_attach_needs_a_trainer_that_was_made() -> None:
    """Its class has all the methods too, and cannot be attached to."""
    with pytest.raises(CardCallbackError, match="not the class SmallTrainer: make the trainer first"):
        attach(SmallTrainer)


def test_a_setting_that_is_no_argument_says_where_it_is_set() -> None:
    """The documentation names it among the others; a list of the arguments would be no way on."""
    with pytest.raises(CardCallbackError, match=r"set CARDCALLBACK_LABELS, or labels in cardcallback\.toml"):
        CardCallback(labels="labels.toml")  # type: ignore[call-arg]
    with pytest.raises(CardCallbackError, match=r"did you mean location\?"):
        CardCallback(locaton="DE")  # type: ignore[call-arg]


def test_attach_wraps_the_trainer() -> None:
    """Without this the next test could not fail."""

    class OwnTrainer(SmallTrainer):
        def train(self) -> str:
            return super().train()

    trainer, train = OwnTrainer(), OwnTrainer.train
    attach(trainer, quiet=True)
    assert OwnTrainer.train is not train


def test_switched_off_attach_touches_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """``CARDCALLBACK_DISABLE=1`` leaves class and object of the trainer as they are."""

    class OwnTrainer(SmallTrainer):
        def train(self) -> str:
            return super().train()

    monkeypatch.setenv("CARDCALLBACK_DISABLE", "1")
    trainer, train = OwnTrainer(), OwnTrainer.train
    callback = attach(trainer)
    assert isinstance(callback, CardCallback)
    assert OwnTrainer.train is train
    assert vars(trainer) == {"callbacks": [callback]}


@pytest.mark.expects_failure
def test_a_trainer_that_cannot_be_followed_still_gets_its_callback() -> None:
    """What fails while wrapping warns; ``attach`` raises nothing but a wrong setting."""
    trainer = SealedTrainer()
    with pytest.warns(CardCallbackWarning, match="follow the trainer"):
        callback = attach(trainer, quiet=True)
    assert trainer.callbacks == [callback]


def test_trouble_is_told_at_the_end_of_a_step(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Before the first run, and without trouble, a step prints nothing; with it one line, once."""
    callback = CardCallback()
    callback.on_step_end(None, None, None, model=None)
    run = LiveRun(Settings(), clock=FakeClock(), system_root=tmp_path)
    callback._run = run
    callback.on_step_end(None, None, None, model=None)
    assert capsys.readouterr().out == ""
    run.news.append("the GPU is hot")
    for _ in range(2):
        callback.on_step_end(None, None, None, model=None)
    assert capsys.readouterr().out == "cardcallback: the GPU is hot\n"


def test_a_training_that_had_begun_without_it_is_not_measured() -> None:
    """One warning for a callback that was added too late; none where it was told of the begin, or stands aside."""
    late, second = CardCallback(quiet=True), CardCallback(quiet=True)
    second._opening = ()
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        for callback in (late, second):
            for _ in range(2):
                callback.on_step_begin(None, None, None)
            callback.on_train_end(None, None, None)
    assert [str(one.message) for one in given] == [
        "cardcallback: added while training runs: this training is not measured; add the callback before train()"
    ]


def test_a_process_whose_trainer_is_alone_measures_whatever_a_launcher_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its variables may be those of a job that the training is no part of: then nobody else would measure it."""
    for name, value in {"RANK": "1", "LOCAL_RANK": "1", "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    callback = CardCallback(quiet=True, charts=False)
    args = SimpleNamespace(output_dir=str(tmp_path), world_size=1, process_index=0, device="cpu", n_gpu=0)
    state = SimpleNamespace(is_world_process_zero=True, global_step=0, log_history=[], epoch=0.0)
    callback.on_train_begin(args, state, None, model=None)
    state.global_step = 3
    callback.on_train_end(args, state, None)
    record = load_run(tmp_path)
    assert (record.status, record.processes, record.sessions[0].last_step) == ("completed", None, 3)


def test_a_process_that_does_not_measure_opens_no_sensor_and_says_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Rank 1 of two on one computer: threads that announce it and hear signals, and no file where nobody invites."""
    for name, value in {"RANK": "1", "LOCAL_RANK": "1", "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    before = set(threading.enumerate())
    callback = CardCallback()
    args = SimpleNamespace(output_dir=str(tmp_path), world_size=2, process_index=1, device="cpu", n_gpu=0)
    state = SimpleNamespace(is_world_process_zero=False, global_step=0, log_history=[])
    callback.on_train_begin(args, state, None, model=None)
    started = set(threading.enumerate()) - before
    names = {thread.name for thread in started}
    assert names == {"cardcallback-rank", "cardcallback-ending", "cardcallback-wakeup"}
    callback.on_step_begin(args, state, None)
    callback.on_step_end(args, state, None)
    callback.on_save(args, state, None)
    callback.on_train_end(args, state, None)
    for thread in started:
        thread.join(30)
        assert not thread.is_alive()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert not list(tmp_path.iterdir())
    assert capsys.readouterr().out == ""


def test_a_process_that_does_not_measure_announces_itself(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where the measurer has invited, its steps and its end are told."""
    for name, value in {"RANK": "1", "LOCAL_RANK": "1", "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    args = SimpleNamespace(output_dir=str(tmp_path), world_size=2, process_index=1, device="cpu", n_gpu=0)
    state = SimpleNamespace(is_world_process_zero=False, global_step=0, log_history=[])
    before = set(threading.enumerate())
    callback = CardCallback()
    place = find_place(os.environ, args)
    rendezvous = Rendezvous(tmp_path, place.node)
    rendezvous.invite("ab" * 16)
    callback.on_train_begin(args, state, None, model=None)
    for _ in range(3):
        callback.on_step_begin(args, state, None)
    callback.on_train_end(args, state, None)
    for thread in set(threading.enumerate()) - before:
        thread.join(30)
    (said,) = rendezvous.announced()
    assert (said.rank, said.steps, said.ended, said.uses_cuda) == (1, 3, True, False)
    assert said.peaks["process_rss"] > 1e6


@pytest.mark.expects_failure
@pytest.mark.filterwarnings("ignore:cardcallback could not")
def test_a_begin_that_fails_leaves_the_run_before_as_it_ended(tmp_path: Path) -> None:
    """What follows it is neither added to that run's record nor measured on."""
    callback = CardCallback(quiet=True, charts=False)
    state = SimpleNamespace(
        is_world_process_zero=True, global_step=0, max_steps=4, log_history=[], is_hyper_param_search=False
    )
    args = SimpleNamespace(output_dir=str(tmp_path), world_size=1, process_index=0, device="cpu", n_gpu=0)
    callback.on_train_begin(args, state, None, model=None)
    callback.on_train_end(args, state, None)
    record, run, publisher = load_run(tmp_path), callback._run, callback._publisher
    threads = set(threading.enumerate())
    args.output_dir = 7  # no folder
    callback.on_train_begin(args, state, None, model=None)
    callback.on_train_end(args, state, None)
    assert (callback._run, callback._publisher) == (run, publisher)
    assert load_run(tmp_path) == record
    for thread in set(threading.enumerate()) - threads:
        thread.join(30)
        assert not thread.is_alive()


@pytest.mark.expects_failure
@pytest.mark.filterwarnings("ignore:cardcallback could not")
def test_where_no_thread_can_be_started_time_is_measured_still(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person, or a container, may have as many as are allowed: the card says why the rest is missing."""

    def too_many(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    args, state = _job(tmp_path)
    monkeypatch.setattr(threading.Thread, "start", too_many)
    callback = CardCallback(quiet=True, charts=False)
    callback.on_train_begin(args, state, None, model=None)
    callback.on_train_end(args, state, None)
    record = load_run(tmp_path)
    assert record.status == "completed"
    assert record.memory.system_peak.value is None
    assert "no thread could be started" in str(record.memory.system_peak.reason)


@pytest.mark.expects_failure
def test_a_copy_in_a_broken_environment_raises_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a search unpickles it in a trial's process; the mistake is told once."""
    state = CardCallback(quiet=True).__getstate__()
    monkeypatch.setenv("CARDCALLBACK_SYSTEM_ROOT", "/recorded")
    monkeypatch.setenv("CARDCALLBACK_SIMULATED", "perhaps")
    copied = CardCallback.__new__(CardCallback)
    with pytest.warns(CardCallbackWarning, match="CARDCALLBACK_SIMULATED") as told:
        copied.__setstate__(state)
    assert len(told) == 1


def _job(folder: Path, *, rank: int = 0, processes: int = 1) -> tuple[SimpleNamespace, SimpleNamespace]:
    """Training arguments and state of a process that measures."""
    args = SimpleNamespace(
        output_dir=str(folder),
        world_size=processes,
        process_index=rank,
        local_process_index=0,
        device="cpu",
        n_gpu=0,
    )
    state = SimpleNamespace(
        is_world_process_zero=rank == 0, global_step=0, max_steps=4, log_history=[], is_hyper_param_search=False
    )
    return args, state


@pytest.mark.skipif(not hasattr(fcntl, "F_SETLEASE"), reason="only Linux keeps a file from being opened for a while")
def test_a_model_s_folder_that_does_not_answer_holds_up_no_begin(tmp_path: Path) -> None:
    """A lease on a file in it stands for the stalled disk; when it answers, the record is as without the stall."""
    # A lease that somebody is waiting for is told its holder by this signal, which would end the process.
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)
    stalled = tmp_path / "base" / "adapter_config.json"
    stalled.parent.mkdir()
    stalled.write_text("{}")
    (stalled.parent / "training_args.bin").touch()
    args, state = _job(tmp_path / "out")
    model = type("Model", (), {"name_or_path": str(stalled.parent)})()
    callback = CardCallback(quiet=True, charts=False)
    with stalled.open("r+") as file:
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        callback.on_train_begin(args, state, None, model=model)
        callback.on_save(args, state, None)
        _until(lambda: record_path(tmp_path / "out").exists())
        assert f"{STAGES_UNREAD}." in load_run(tmp_path / "out").notes
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    callback.on_train_end(args, state, None)
    record = load_run(tmp_path / "out")
    assert not any(note.startswith(STAGES_UNREAD) for note in record.notes)
    assert [stage.reason for stage in record.stages[:-1]] == [NO_RECORD]
    signal.signal(signal.SIGIO, before)


def _until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60.0
    while not happened():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.01)


def test_only_who_writes_the_record_looks_for_the_stages_before(tmp_path: Path) -> None:
    """A measurer on a second computer reads no folder of the model for a record that is not its own."""
    for rank, searches in ((0, True), (4, False)):
        args, state = _job(tmp_path / str(rank), rank=rank, processes=8)
        callback = CardCallback(quiet=True, charts=False)
        callback.on_train_begin(args, state, None, model=None)
        assert callback._run is not None
        assert (callback._run._search is not None) == searches
        callback.on_train_end(args, state, None)
