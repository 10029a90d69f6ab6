"""A training whose steps take as long as is asked for."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from time import perf_counter, process_time
from typing import Any

import torch
from transformers import (
    PretrainedConfig,
    PreTrainedModel,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

# The design's budget is for a step of this length.
STEP_SECONDS = 0.0015
_CALIBRATION_SECONDS = 1.0
_NARROWEST, _WIDEST = 16, 8192
_ROWS, _LENGTH, _VOCABULARY = 4, 16, 256
# More than a run of any length takes: the clock ends it.
_MOST_STEPS = 10_000_000


class StepClock(TrainerCallback):  # type: ignore[misc]  # transformers is typed Any here
    """The mean processor time of a step over ``seconds`` from the end of the warm-up; then it stops the training."""

    def __init__(self, seconds: float, warm_up_seconds: float) -> None:
        self._seconds = seconds
        self._warm_up_seconds = warm_up_seconds
        self._first_seconds = 0.0
        self._begin: tuple[float, float, int] | None = None
        self.mean_processor_seconds = 0.0

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Note the time where the warm-up ends, and end the run when its time is over."""
        del args, kwargs
        now = perf_counter()
        self._first_seconds = self._first_seconds or now
        if self._begin is None:
            if now - self._first_seconds >= self._warm_up_seconds:
                self._begin = (now, process_time(), state.global_step)
        elif now - self._begin[0] >= self._seconds:
            _, used, step = self._begin
            self.mean_processor_seconds = (process_time() - used) / (state.global_step - step)
            control.should_training_stop = True


class SmallForCausalLM(PreTrainedModel):  # type: ignore[misc]  # transformers is typed Any here
    """Guesses the next token from the last one; the configuration's ``width`` sets the time of a step."""

    config_class = PretrainedConfig

    def __init__(self, config: PretrainedConfig) -> None:
        super().__init__(config)
        self.embedding = torch.nn.Embedding(config.vocab_size, config.width)
        self.head = torch.nn.Linear(config.width, config.vocab_size)
        self.post_init()

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, labels: torch.Tensor, **kwargs: Any
    ) -> dict[str, torch.Tensor]:
        """The loss over the labels; nothing attends, so that the mask is only there as it is in any batch."""
        del attention_mask
        logits = self.head(self.embedding(input_ids))
        loss = self.loss_function(logits=logits, labels=labels, vocab_size=self.config.vocab_size, **kwargs)
        return {"loss": loss, "logits": logits}


def width_for(step_seconds: float) -> int:
    """How wide a model takes steps of that length here and now; beyond the narrowest a step grows with its width."""
    narrow = wide = _NARROWEST
    narrow_seconds = wide_seconds = _step_seconds(narrow)
    while wide_seconds < step_seconds and wide < _WIDEST:
        narrow, narrow_seconds, wide = wide, wide_seconds, 2 * wide
        wide_seconds = _step_seconds(wide)
    if wide_seconds <= narrow_seconds:
        return wide
    return round(narrow + (wide - narrow) * max(step_seconds - narrow_seconds, 0.0) / (wide_seconds - narrow_seconds))


def _step_seconds(width: int) -> float:
    # Of the processor: a machine that others use too would be given a narrower model.
    clock = StepClock(_CALIBRATION_SECONDS, _CALIBRATION_SECONDS / 2)
    with tempfile.TemporaryDirectory() as folder:
        trainer_of(folder, width, [clock]).train()
    return clock.mean_processor_seconds


def trainer_of(folder: str, width: int, callbacks: Sequence[TrainerCallback]) -> Trainer:
    """A trainer of a model that wide, which trains until one of its callbacks stops it."""
    torch.manual_seed(0)
    rows = torch.randint(_VOCABULARY, (16 * _ROWS, _LENGTH))
    examples = [{"input_ids": row, "labels": row, "attention_mask": torch.ones_like(row)} for row in rows]
    settings = TrainingArguments(
        output_dir=folder,
        max_steps=_MOST_STEPS,
        per_device_train_batch_size=_ROWS,
        logging_steps=100,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        use_cpu=True,
    )
    model = SmallForCausalLM(PretrainedConfig(vocab_size=_VOCABULARY, width=width))
    trainer = Trainer(model=model, args=settings, train_dataset=examples, callbacks=[*callbacks])
    trainer.remove_callback(PrinterCallback)
    return trainer
