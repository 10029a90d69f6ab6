"""``CardCallback``: the Trainer's events, handed on; no maths and no text here."""

from __future__ import annotations

import atexit
import os
from collections.abc import Mapping
from functools import partial
from typing import Any

from transformers import TrainerCallback, TrainerState

from cardcallback.console import begin_line, say
from cardcallback.earlier_stages import search_earlier_stages
from cardcallback.early import begin_early
from cardcallback.folder_work import FolderWork
from cardcallback.guard import Guard
from cardcallback.hooks import (
    StopSignals,
    find_trainer,
    first_of_kind,
    watch_adapter_loads,
    watch_add_callback,
)
from cardcallback.live_run import LiveRun
from cardcallback.node_publisher import NodePublisher, begin_session, end_session, publisher_for
from cardcallback.processes import ProcessPart
from cardcallback.publisher import Publisher
from cardcallback.record import Status
from cardcallback.recorder import BackgroundOpening, SystemClock
from cardcallback.render.card import check_own_labels
from cardcallback.resuming import Resuming
from cardcallback.settings import resolve_settings, system_root, user_config_directory
from cardcallback.settings.arguments import remember_given, working_directory
from cardcallback.trackers import LiveLog, StopsWithSummary
from cardcallback.trainers import Trainers, unless_aside

watch_adapter_loads(os.environ)  # at import, since models are loaded before there is a callback


class CardCallback(TrainerCallback):  # type: ignore[misc]  # transformers is typed Any here
    """Measures a training run and completes its model card.

    Add it to any Hugging Face trainer: ``SFTTrainer(..., callbacks=[CardCallback()])``. Each argument may also
    come from ``CARDCALLBACK_<NAME>``, ``./cardcallback.toml`` or the user's configuration folder, in that order.

    Args:
        location: where the electricity comes from: a country ("DE", "DEU"), "US-CA", "CA-QC" or a cloud
            region ("gcp/us-central1"). Without it there is no CO2e figure.
        carbon_intensity_grams_per_kwh: a factor of your own, in grams of CO2e per kWh.
        pue: power usage effectiveness of the building, 1.0 or more; applied to whole-machine energy only.
        base_model: the Hub id of a model that was loaded from disk.
        stage: this run's name in a chain, such as "SFT".
        previous: folder or record of the stage before, where the model was not loaded from that folder.
        template: a Markdown card to fill instead of the one in the output folder.
        card: the card's file name in the output folder.
        sampling_interval_seconds: read every sensor this often; None reads each as its kind needs.
        charts: draw the pictures.
        log_metrics: show power, energy, memory and energy per token in the trackers that the trainer reports to
            (TensorBoard, W&B, trackio, MLflow ...) beside its losses, and a summary there when the run ends.
        estimate_rest: show what the rest of the machine may have used, as an estimate in a line of its own.
        publish: what may be uploaded beside the card: "card", "pictures" or "all" (the record too).
        quiet: print nothing.

    Raises:
        CardCallbackError: an argument is wrong; the message says what to do.
    """

    @remember_given
    def __init__(  # noqa: PLR0913, PLR0917 - the public interface: each setting is an argument with a name
        self,
        location: str | None = None,
        carbon_intensity_grams_per_kwh: float | None = None,
        pue: float | None = None,
        base_model: str | None = None,
        stage: str | None = None,
        previous: str | os.PathLike[str] | None = None,
        template: str | os.PathLike[str] | None = None,
        card: str = "README.md",
        sampling_interval_seconds: float | None = None,
        charts: bool = True,  # noqa: FBT001, FBT002 - the published signature
        log_metrics: bool = False,  # noqa: FBT001, FBT002
        estimate_rest: bool = False,  # noqa: FBT001, FBT002
        publish: str = "all",
        quiet: bool = False,  # noqa: FBT001, FBT002
    ) -> None:
        values = locals()
        self._settings = resolve_settings(
            {name: values[name] for name in self._given},
            environ=os.environ,
            working_directory=working_directory(),
            user_config_directory=user_config_directory(os.environ),
        )
        check_own_labels(self._settings.labels_text)
        self._reset()
        self._open_sensors()

    def _reset(self) -> None:
        self._guard = Guard()
        self._resuming = Resuming(self._guard, self._settings)
        self._signals = StopSignals(self._guard, on_fork=self._reset)
        self._opening: tuple[BackgroundOpening, ...] | None = None
        self._run: LiveRun | None = None
        self._publisher: Publisher | NodePublisher | None = None
        self._part = ProcessPart(self._guard, {} if self._settings.disabled else os.environ)
        self._trainers = Trainers(self._guard)
        self._state: Any = None
        self._metrics_before: Mapping[str, Any] | None = None
        self._interrupted_begin: tuple[Any, Any, dict[str, Any]] | None = None
        self._live_log = LiveLog(self._guard, self._settings, end=self._train_returned)

    def _open_sensors(self) -> None:
        if self._settings.disabled:
            return
        watch_add_callback(CardCallback, CardCallback.watch, guard=self._guard)
        if self._part.place.measures:  # now, so that "before training" (loading, tokenising) can be read
            self._opening = begin_early(os.environ)

    def __getstate__(self) -> dict[str, Any]:
        return {"_settings": self._settings}

    def __setstate__(self, state: dict[str, Any]) -> None:
        # A copy (hyper-parameter search, Ray) measures for itself: threads and handles do not travel.
        self.__dict__.update(state)
        self._reset()
        with self._guard("measure in a copy of this callback"):
            self._open_sensors()

    def on_init_end(self, *_: Any, **__: Any) -> None:
        """Find the trainer early, so that ``train()`` itself can be watched for exceptions."""
        if not self._settings.disabled:
            with self._guard("find the trainer"):
                self.watch(find_trainer(self))

    def watch(self, trainer: Any) -> None:
        """Follow a trainer's card writing and its ``train()``; nothing to do for None, or switched off."""
        if trainer is None or self._trainers.watched is trainer:
            return
        with self._guard("follow the trainer"):
            self._part.watch(trainer)
            if not self._opening:
                return
            if first_of_kind(trainer, CardCallback) not in {None, self}:
                self._opening = ()  # which makes every event of this one do nothing
                self._guard.tell(["a second CardCallback on one trainer stands aside: remove one of them"])
                return
            self._trainers.follow(trainer, self._resuming, returned=self._train_returned, failed=self._train_failed)

    def on_train_begin(self, args: Any, state: Any, *_: Any, **kwargs: Any) -> None:
        """Begin to measure, then read what the run is; of several processes one measures for its computer."""
        if self._settings.disabled or self._trainers.stands_aside(self, state):
            return
        if not self._part.begin(args, kwargs.get("model"), os.environ, self):
            return
        with self._guard("find the trainer"):
            if self._opening is None:  # the launcher's variables told of another job than the trainer's
                self._open_sensors()
            self.watch(find_trainer(self))
        if self._opening:
            self._interrupted_begin = args, state, kwargs
            with self._guard("begin to measure"):
                self._begin(args, state, kwargs)
            self._interrupted_begin = None
            with self._guard("put the signal handlers back"):
                if self._run is None or self._run.finished:  # the begin failed
                    self._signals.remove()

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        """Count it, where other processes must be able to tell one that stands still."""
        if not self._part.is_alone:
            self._part.step_begins(awaited=bool(self._opening))

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """Say what a person could act on now: here, and not in the reading thread, so that no bar is broken."""
        if self._run is not None and self._run.news:
            with self._guard("tell of trouble with the GPU"):
                self._run.tell_news()

    @unless_aside
    def on_evaluate(self, _: Any, state: Any, *__: Any, metrics: Any = None, **___: Any) -> None:
        """Keep the held-out loss, whenever it was measured; after one training it is what the next begins with."""
        if not self._opening or metrics is None or not state.is_world_process_zero:
            return
        with self._guard("keep an evaluation"):
            run, publisher = self._trainers.session_here(self, (self._run, self._publisher))
            if run is None or run.finished:
                self._metrics_before = {**(self._metrics_before or {}), **metrics}
            if run is not None:
                run.observed.evaluated(metrics, step=state.global_step, outside=run.finished)
            if run is not None and run.finished and publisher is not None:
                publisher.evaluated_afterwards(state)

    @unless_aside
    def on_log(self, *_: Any, logs: Any = None, **__: Any) -> None:
        """Read the tokens counted so far, where the Trainer has just waited for the device itself."""
        self._part.logged(logs or {})
        if self._run is not None:
            self._run.observed.logged(logs or {})
        self._live_log.follow()

    @unless_aside
    def on_save(self, *_: Any, **__: Any) -> None:
        """A checkpoint was written: the record in progress goes beside it."""
        self._part.saved()
        if self._run is not None and self._publisher is not None and not self._run.finished:
            self._publisher.checkpoint_saved()

    @unless_aside
    def on_push_begin(self, *_: Any, **__: Any) -> None:
        """A push is about to upload this run's weights: the card must describe them."""
        if self._trainers.watched is None and self._publisher is not None:  # one that was found is watched itself
            self._publisher.before_push()

    @unless_aside
    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Stop measuring and write the record, the pictures and the card."""
        del args, control, kwargs
        self._train_returned(state)

    def _begin(self, args: Any, state: Any, objects: dict[str, Any], *, tells: bool = True) -> None:
        with self._guard("end the attempt before"):
            # A begin without an end between: the attempt before was given up, and the job goes on.
            self._end("interrupted", tells=False)
        with self._guard("hear of signals"):  # first, so that one which comes meanwhile waits for the begin's end
            self._signals.install()
        earlier, place, root, model = self._run, self._part.place, system_root(os.environ), objects.get("model")
        trainer, work, clock = self._trainers.reference, FolderWork(self._guard), SystemClock()
        known = self._publisher.record if self._publisher is not None else None
        lineage = self._resuming.lineage(args, state, known, recovers=place.writes, work=work)
        run = LiveRun(self._settings, clock=clock, system_root=root, guard=self._guard, lineage=lineage, work=work)
        publisher = publisher_for(run, args, self._settings, place, state=state, trainer=trainer, guard=self._guard)
        given = (self._opening or (), os.environ, args, model)
        begin_session(run, publisher, partial(run.start_recording, *given, first=earlier is None, place=place))
        # Together, since what one of them is asked is of the other.
        self._run, self._publisher, self._state, self._interrupted_begin = run, publisher, state, None
        self._trainers.keep(run, publisher)
        self._resuming.begun(lineage)
        self._part.measures_for(run.node)
        atexit.unregister(self._at_exit)
        atexit.register(self._at_exit, os.getpid())
        if isinstance(publisher, NodePublisher):
            self._signals.ends(publisher)
            run.count_tokens(args, trainer(), objects)
            return
        self._signals.ends(StopsWithSummary(publisher, lambda: self._live_log.send_summary(publisher.record)))
        run.begins_after(search_earlier_stages(model, self._settings, lineage, state, self._guard))
        metrics, self._metrics_before = self._metrics_before, None
        run.describe(args, state, trainer(), objects, after=earlier, metrics_before=metrics)
        publisher.keep_what_was_there(self._resuming.journals)
        if tells:
            self._live_log.begin(run, trainer)
            is_deaf, processes = self._signals.is_deaf, self._part.place.processes
            say(begin_line(run.sensors, self._settings, is_deaf=is_deaf, processes=processes), self._settings)

    def _end(self, status: Status, *, tells: bool = True) -> None:
        try:
            if self._run is not None and self._publisher is not None:
                end_session(self._run, self._publisher, status, self._state, tells=tells)
                if tells:
                    self._live_log.send_summary(self._publisher.record)
        finally:
            self._signals.remove()

    def _train_returned(self, state: Any = None) -> None:
        # Also without the event, which does not come to a callback that was removed meanwhile.
        self._part.end()
        if self._publisher is not None and self._publisher.owes:
            with self._guard("complete the card"):
                self._state = state or self._state
                self._end("interrupted" if self._signals.cut_short(self._state) else "completed")

    def _train_failed(self, _: BaseException) -> None:
        begin, self._interrupted_begin = self._interrupted_begin, None
        with self._guard("record a run that was interrupted in its begin"):
            if begin is not None:
                self._begin(*begin, tells=False)
        trainer, before = self._trainers.watched, (self._run, self._publisher, self._state, self._metrics_before)
        with self._guard("record a run that failed before its begin"):
            awaited = self._resuming.awaits_begin and self._part.place.measures
            if awaited and self._part.begin(trainer.args, trainer.model, os.environ):
                self._resuming.forget()
                # The trainer's own state may be that of its training before, whose the weights still are.
                self._begin(trainer.args, TrainerState(), {"model": trainer.model}, tells=False)
                self._end("interrupted")
                self._run, self._publisher, self._state, self._metrics_before = before
                self._trainers.keep(self._run, self._publisher)
        self._end_interrupted()

    def _end_interrupted(self) -> None:
        with self._guard("record an interrupted run"):
            self._end("interrupted")

    def _at_exit(self, process_id: int) -> None:
        if process_id == os.getpid():  # a forked worker inherits the handler, not the run
            self._end_interrupted()
            if self._publisher is not None:
                self._publisher.leave()
