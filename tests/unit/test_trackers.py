"""Live figures in a log: seen by reporters alone, and gone again whatever happens."""

from __future__ import annotations

import copy
import pickle
import warnings
from types import SimpleNamespace
from typing import Any

import pytest

from cardcallback.guard import Guard
from cardcallback.settings import Settings
from cardcallback.testing import make_record
from cardcallback.trackers import LiveLog
from cardcallback.trackers.names import OwnName
from cardcallback.trackers.reporters import reporters_of

FIGURES = {"gpu_power_watts": 57.0, "energy_joules": 1234.5}
NAMES = {"cardcallback/gpu_power_watts", "cardcallback/energy_joules"}


class Reporter:
    """As the callbacks of transformers.integrations."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []
        self.dictionaries: list[dict[str, Any]] = []
        self.error: BaseException | None = None
        self.ended = False

    def on_log(self, args: Any, state: Any, control: Any, model: Any = None, logs: Any = None, **_: Any) -> None:
        """Keeps what it was shown."""
        del args, state, control, model
        self.seen.append(dict(logs))
        self.dictionaries.append(logs)
        logs.pop("total_flos", None)
        if self.error is not None:
            raise self.error

    def on_train_end(self, *_: Any, **__: Any) -> None:
        """Closes its run."""
        self.ended = True


class OwnReporter(Reporter):
    """Made from one of theirs, as people do."""

    def on_log(self, *args: Any, **kwargs: Any) -> None:
        """Through the parent's."""
        super().on_log(*args, **kwargs)


class Bystander:
    """Any other callback."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []

    def on_log(self, *_: Any, logs: Any = None, **__: Any) -> None:
        """Keeps what it was shown."""
        self.seen.append(dict(logs))


class Asking(Bystander):
    """A tracker of a person's own that asks for the figures."""

    takes_cardcallback_figures = True

    def on_train_end(self, *_: Any, **__: Any) -> None:
        """Nothing to close."""


Reporter.__module__ = "transformers.integrations.integration_utils"


class Run:
    """A run in progress as far as a log concerns it."""

    finished = False

    def __init__(self) -> None:
        self.asked = 0

    def figures_now(self, state: Any, logs: Any, trainer: Any) -> dict[str, float]:
        """New ones each time."""
        del state, logs, trainer
        self.asked += 1
        return {**FIGURES, "energy_joules": FIGURES["energy_joules"] + self.asked - 1}


class Trainer:
    """Calls its callbacks as transformers' handler does."""

    def __init__(self, *callbacks: Any) -> None:
        self.callback_handler = SimpleNamespace(callbacks=list(callbacks))
        self.args, self.control, self.model = SimpleNamespace(), SimpleNamespace(), None
        self.state = SimpleNamespace(global_step=7)
        self.run = Run()

    def log(self, logs: dict[str, Any]) -> None:
        """One event."""
        for callback in self.callback_handler.callbacks:
            callback.on_log(self.args, self.state, self.control, model=self.model, logs=logs)

    def end(self) -> None:
        """The last event."""
        for callback in self.callback_handler.callbacks:
            if hasattr(callback, "on_train_end"):
                callback.on_train_end(self.args, self.state, self.control, model=self.model)


def followed(trainer: Trainer, end: Any = None) -> LiveLog:
    """A live log that follows the trainer's run."""
    live = LiveLog(Guard(), Settings(log_metrics=True), end=end or (lambda _: None))
    live.begin(trainer.run, lambda: trainer)  # type: ignore[arg-type]
    return live


def test_only_reporters_see_them_and_they_are_gone_afterwards() -> None:
    """Two reporters see the same figures in the log's own dictionary; bystanders on both sides see none."""
    first, second, reporter, other = Bystander(), Bystander(), Reporter(), OwnReporter()
    trainer = Trainer(first, reporter, other, second)
    followed(trainer)
    logs = {"loss": 1.5, "total_flos": 3.0}
    trainer.log(logs)
    assert reporter.seen[0].keys() == {"loss", "total_flos", *NAMES}
    assert other.seen[0].keys() == {"loss", *NAMES}
    assert reporter.seen[0]["cardcallback/energy_joules"] == other.seen[0]["cardcallback/energy_joules"]
    assert trainer.run.asked == 1
    assert reporter.dictionaries[0] is other.dictionaries[0] is logs
    assert first.seen == [{"loss": 1.5, "total_flos": 3.0}]
    assert second.seen == [{"loss": 1.5}]  # what a reporter takes out is out for all after it, as without us
    assert logs == {"loss": 1.5}
    assert trainer.callback_handler.callbacks == [first, reporter, other, second]


def test_each_event_has_figures_of_its_own() -> None:
    """The Trainer may log one dictionary again, with other numbers in it."""
    trainer, logs = Trainer(reporter := Reporter()), {"loss": 1.0}
    live = followed(trainer)
    for _ in range(2):
        trainer.log(logs)
        live.follow()
    assert [seen["cardcallback/energy_joules"] for seen in reporter.seen] == [1234.5, 1235.5]


def test_nothing_of_the_log_is_overwritten() -> None:
    """Somebody else's entry of the same name stays, and is not taken out either."""
    trainer = Trainer(reporter := Reporter())
    followed(trainer)
    logs = {"cardcallback/energy_joules": -1.0}
    trainer.log(logs)
    assert reporter.seen[0]["cardcallback/energy_joules"] == -1.0
    assert logs == {"cardcallback/energy_joules": -1.0}


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("no connection")])
def test_a_reporter_that_fails_leaves_nothing_behind(error: BaseException) -> None:
    """Its exception goes on unchanged, and the figures are out of the log."""
    trainer, logs = Trainer(reporter := Reporter()), {"loss": 1.0}
    followed(trainer)
    reporter.error = error
    with pytest.raises(type(error)) as caught:
        trainer.log(logs)
    assert caught.value is error
    assert logs == {"loss": 1.0}
    assert reporter.seen[0].keys() >= NAMES


def test_a_reporter_that_was_added_later_sees_them_too() -> None:
    """``trainer.add_callback`` while training runs puts it behind everybody."""
    trainer = Trainer()
    live, late = followed(trainer), Reporter()
    trainer.callback_handler.callbacks.append(late)
    live.follow()
    trainer.log({"loss": 1.0})
    assert late.seen[0].keys() >= NAMES


def test_a_reporter_of_two_trainers_shows_each_its_own() -> None:
    """The events of a trainer that is not measured, or no longer, stay as they are."""
    measured, other = Trainer(reporter := Reporter()), Trainer(reporter)
    followed(measured)
    other.log({"loss": 1.0})
    measured.log({"loss": 1.0})
    measured.run.finished = True
    measured.log({"loss": 1.0})
    assert [len(seen) for seen in reporter.seen] == [1, 3, 1]


def test_who_reports() -> None:
    """Classes of transformers' integrations, those made from them, and whoever asks; nothing else."""
    reporter, other, asking = Reporter(), OwnReporter(), Asking()
    assert reporters_of(Trainer(Bystander(), reporter, other, asking)) == [reporter, other, asking]
    assert reporters_of(None) == []


def test_a_name_stays_as_it_is() -> None:
    """Transformers puts "train/" before every name; what comes out is a plain text."""
    name = "train/" + OwnName("cardcallback/energy_joules")
    assert name == "cardcallback/energy_joules"
    assert type(name) is str
    assert {OwnName("a"): 1} == {"a": 1}


def test_only_a_reporter_that_prefixes_names_meets_the_special_kind() -> None:
    """Others hand names on to libraries that may ask for a plain text."""

    class CometCallback(Reporter):
        pass

    CometCallback.__module__ = Reporter.__module__
    plain, prefixing = Reporter(), CometCallback()
    trainer = Trainer(plain, prefixing)
    followed(trainer)
    trainer.log({"loss": 1.0})
    assert {type(name) for name in plain.seen[0]} == {str}
    assert {type(name) for name in prefixing.seen[0]} == {str, OwnName}


def test_copies_of_a_reporter_are_reporters_alone() -> None:
    """Searches copy and pickle callbacks: the copy is followed by nobody, and works."""
    trainer = Trainer(reporter := Asking())
    followed(trainer)
    for twin in (copy.deepcopy(reporter), pickle.loads(pickle.dumps(reporter))):  # noqa: S301 - our own
        twin.on_log(trainer.args, trainer.state, trainer.control, logs={"loss": 1.0})
        assert twin.seen == [{"loss": 1.0}]


def test_the_session_ends_before_any_reporter_closes() -> None:
    """So that the summary is the record's, and still finds the tracker's run open."""
    first, second = Reporter(), Reporter()
    trainer = Trainer(first, second)
    told: list[tuple[bool, bool]] = []

    def end(state: Any) -> None:
        assert state is trainer.state
        trainer.run.finished = True
        told.append((first.ended, second.ended))
        live.send_summary(make_record())

    live = followed(trainer, end)
    trainer.end()
    assert told == [(False, False)]
    assert (first.ended, second.ended) == (True, True)
    assert [len(one.seen) for one in (first, second)] == [1, 1]
    assert first.seen[0]["cardcallback/summary/energy_kwh"] == pytest.approx(0.107)
    live.send_summary(make_record())
    assert len(first.seen) == 1


@pytest.mark.expects_failure
def test_a_tracker_that_fails_costs_the_others_nothing() -> None:
    """One warning, and the next tracker has its summary."""
    broken, whole = Reporter(), Reporter()
    live = followed(Trainer(broken, whole))
    broken.error = OSError("no connection")
    with pytest.warns(UserWarning, match="could not write the run's summary into a tracker"):
        live.send_summary(make_record())
    assert len(whole.seen) == 1


def test_a_reporter_without_a_run_is_not_made_to_open_one() -> None:
    """One that was never set up would begin a run of its own with the summary."""
    reporter = Reporter()
    reporter._initialized = False  # type: ignore[attr-defined]
    live = followed(Trainer(reporter))
    live.send_summary(make_record())
    assert reporter.seen == []


def test_not_asked_for_nothing_is_touched() -> None:
    """Without ``log_metrics`` a reporter's class and object stay as they are."""

    class Untouched(Reporter):
        def on_log(self, *args: Any, **kwargs: Any) -> None:
            """Of its own."""
            super().on_log(*args, **kwargs)

    trainer, method = Trainer(reporter := Untouched()), Untouched.on_log
    live = LiveLog(Guard(), Settings(), end=lambda _: None)
    live.begin(trainer.run, lambda: trainer)  # type: ignore[arg-type]
    live.follow()
    trainer.log({"loss": 1.0})
    live.send_summary(make_record())
    assert Untouched.on_log is method
    assert reporter.seen == [{"loss": 1.0}]


@pytest.mark.parametrize("callbacks", [(), (Bystander(),)])
def test_no_tracker_is_said_once(callbacks: tuple[Any, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """Transformers 5 reports nowhere unless told to: a person would look for figures in vain."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        followed(Trainer(*callbacks))
    said = capsys.readouterr().out
    assert said == (
        "cardcallback: log_metrics shows nothing, since the trainer reports to no tracker: "
        "set report_to in its arguments\n"
    )
