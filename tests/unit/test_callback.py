"""The callback's own boundary: switched off, or a trainer that cannot be followed."""

from __future__ import annotations

from pathlib import Path

import pytest

from cardcallback import CardCallback, attach
from cardcallback.errors import CardCallbackWarning
from cardcallback.live_run import LiveRun
from cardcallback.recorder import Recorder
from cardcallback.sensors import SensorSet
from cardcallback.settings import Settings
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
    run = LiveRun(Settings(), clock=FakeClock(), system_root=tmp_path, stages=())
    run._recorder = Recorder(SensorSet(), clock=FakeClock())
    callback._run = run
    callback.on_step_end(None, None, None, model=None)
    assert capsys.readouterr().out == ""
    run._recorder.news.append("the GPU is hot")
    for _ in range(2):
        callback.on_step_end(None, None, None, model=None)
    assert capsys.readouterr().out == "cardcallback: the GPU is hot\n"
