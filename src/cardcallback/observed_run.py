"""What a run in progress is and how far it has come, read from the Trainer's own objects; nothing is measured here."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import msgspec

from cardcallback.batch_tokens import count_batches, was_waited_for
from cardcallback.curves import history_notes
from cardcallback.guard import Guard
from cardcallback.observe import (
    LOSS_IS_MEAN_OF_BATCHES,
    OF_ONE_PROCESS,
    StepCounts,
    StepTokens,
    TokenBaseline,
    count_tokens,
    evaluation_of_published,
    evaluation_result,
    joined_results,
    observe_training,
    surrounding_notes,
    token_baseline,
    with_progress,
)
from cardcallback.record import Evaluation, Training
from cardcallback.settings import Settings

TRAINED_BEFORE = (
    "These weights were trained before in the same process, by a run of its own: its steps, time and energy are "
    "not in this record."
)
_OUTSIDE = "Evaluations outside training are shown; their energy is not in the total."


class ObservedRun:
    """Its description, steps, evaluations and tokens, until it is closed."""

    def __init__(self, settings: Settings, guard: Guard) -> None:
        self._settings = settings
        self._guard = guard
        self.training = Training()
        self.evaluation = Evaluation()
        self.first_step = 0
        self.last_step = 0
        self.notes: list[str] = []
        self._model: weakref.ref[Any] | None = None
        self._tokens_before = TokenBaseline()
        self._tokens: StepTokens | None = None
        self._is_one_of_several = False
        self._closed = False

    def close(self) -> None:
        """The session is over: no more steps are counted."""
        if self._tokens is not None:
            self._tokens.close()
        self._closed = True

    def begins_at(self, step: int) -> None:
        """Which step this session starts from."""
        self.first_step = self.last_step = step

    def begin(self, state: Any, trainer: Any, model: Any) -> None:
        """Remember where this session starts, which is neither step 0 nor token 0 after a resume."""
        self.begins_at(int(state.global_step))
        self._tokens_before = token_baseline(trainer, state)
        self._model = None if model is None else weakref.ref(model)

    @property
    def model(self) -> Any:
        """The model that is trained, or None once it is gone."""
        return None if self._model is None else self._model()

    def has_trained(self, model: Any) -> bool:
        """Whether this run took steps on that model object."""
        return self.last_step > 0 and model is not None and self.model is model

    def describe(self, **trainer_objects: Any) -> None:
        """Read what the run is from the trainer's own objects."""
        self.training = observe_training(
            base_model=self._settings.base_model, stage=self._settings.stage, **trainer_objects
        )
        for sentence in surrounding_notes(trainer_objects.get("trainer")):
            self._note(sentence)

    def evaluated(self, metrics: Mapping[str, Any], *, step: int, outside: bool) -> None:
        """Keep an evaluation of the held-out set: the first before any step, the newest after.

        Once training is over and went back to earlier weights, ``progress`` takes the one of these.

        ``outside``: it ran before or after ``train()``, so its energy is in no figure.
        """
        result = evaluation_result(metrics, self.training, step=step)
        if result.perplexity is not None:
            self._note(LOSS_IS_MEAN_OF_BATCHES)
        if outside:
            self._note(_OUTSIDE)
            for sentence in history_notes([{**metrics, "step": step}]):  # which no log history of the training holds
                self._note(sentence)
        before = step == 0 and not self._closed and self.evaluation.after is None
        if before:
            self.evaluation = Evaluation(before=joined_results(self.evaluation.before, result, keep_first=True))
        else:
            after = joined_results(self.evaluation.after, result, keep_first=False)
            self.evaluation = msgspec.structs.replace(self.evaluation, after=after)

    def _note(self, sentence: str) -> None:
        # The same at each of what may be thousands of evaluations.
        if sentence not in self.notes:
            self.notes.append(sentence)

    def count_tokens(self, trainer: Any, *, args: Any, model: Any) -> None:
        """Count the training batches of this session from now on, as what they are: described before, or looked at."""
        if trainer is not None:
            training = self.training
            if training == Training():  # where another process tells what the run is
                training = observe_training(args=args, trainer=trainer, model=model)
            self._is_one_of_several = args.world_size > 1
            self._tokens = count_batches(training, args=args, trainer=trainer, model=model, guard=self._guard)

    def counts_of_process(self) -> StepCounts | None:
        """What was read last of this process's own batches, where they are counted; for any thread."""
        return None if self._tokens is None else self._tokens.last()

    def logged(self, logs: Mapping[str, Any]) -> None:
        """The Trainer logged: where it waited for the device itself, read the tokens counted so far."""
        if self._tokens is not None and not self._closed and was_waited_for(logs):
            with self._guard("read the tokens counted so far"):
                self._tokens.settle()

    def progress(self, state: Any, *, may_wait: bool = True, **trainer_objects: Any) -> None:
        """Bring steps, tokens and the published step up to now.

        ``may_wait``: whether the device's work may be waited for; not where a run was interrupted.
        """
        self.training = self._progressed(state, self.read_tokens(may_wait=may_wait), trainer_objects)
        after, step = self.evaluation.after, self.training.published_step
        if after is not None and after.step != step:
            published = evaluation_of_published(state.log_history, self.training)
            self.evaluation = msgspec.structs.replace(self.evaluation, after=published or after)

    def read_tokens(self, *, may_wait: bool) -> StepCounts | None:
        """Read those of this process's own batches, where they are counted; ``may_wait`` as for ``progress``."""
        if self._tokens is None:
            return None
        at_once = not may_wait and not self._closed  # the count goes on, so nothing of it may be given up
        with self._guard("read the tokens counted so far"):  # which is no reason to leave no record
            return self._tokens.snapshot() if at_once else self._tokens.settle(may_wait=may_wait)
        return self._tokens.counts()

    def training_now(self, state: Any, **trainer_objects: Any) -> Training:
        """The same, for any thread: tokens as last read, and nothing is changed here."""
        return self._progressed(state, self._counted_last(), trainer_objects)

    def _counted_last(self) -> StepCounts | None:
        return None if self._tokens is None else self._tokens.counts()

    def tokens_at_log(self, logs: Mapping[str, Any], state: Any, trainer: Any) -> int | None:
        """This session's tokens without padding at the moment of a log, where they are known of that moment.

        They are not where the Trainer did not wait for the device before it. Costs the same however long the run is.
        """
        if not was_waited_for(logs):
            return None
        history = state.log_history
        newest = SimpleNamespace(
            num_input_tokens_seen=state.num_input_tokens_seen,
            log_history=history[-1:] if isinstance(history, list) else [],
        )
        tokens = count_tokens(
            self.training.objective,
            state=newest,
            args=getattr(trainer, "args", None),
            trainer=trainer,
            baseline=self._tokens_before,
            counted=self._of_job(self._counted_last()),
        )
        return tokens.non_padding

    def _progressed(self, state: Any, counted: StepCounts | None, trainer_objects: dict[str, Any]) -> Training:
        return with_progress(
            self.training, state=state, baseline=self._tokens_before, counted=self._of_job(counted), **trainer_objects
        )

    def _of_job(self, counted: StepCounts | None) -> StepCounts | None:
        # Those of all processes are added up where their figures are.
        return OF_ONE_PROCESS if self._is_one_of_several else counted
