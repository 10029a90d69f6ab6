"""A training whose steps take as long as is asked for, and the clock that watches them."""

from __future__ import annotations

import tempfile
from time import perf_counter, process_time, thread_time
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

# A counter whose refresh nobody published is watched closely at first: a fixed cost of a run, not one of its steps.
WARM_UP_SECONDS = 2.5
# The design's budget is for a step of this length.
STEP_SECONDS = 0.0015
_CALIBRATION_SECONDS = 1.0
_NARROWEST, _WIDEST = 16, 8192
_ROWS, _LENGTH, _VOCABULARY = 4, 16, 256
# More than a run of any length takes: the clock ends it.
_MOST_STEPS = 10_000_000


class StepClock(TrainerCallback):
    """The mean times of a step over ``seconds`` from the end of the warm-up; then it stops the training.

    Of the clock, of the processors, and of the training thread alone.
    """

    def __init__(self, seconds: float, warm_up_seconds: float) -> None:
        self._seconds = seconds
        self._warm_up_seconds = warm_up_seconds
        self.first = self.construction_seconds = 0.0
        self.begin: tuple[float, ...] = ()
        self.begin_step = 0
        self.mean_seconds = self.mean_processor_seconds = self.mean_thread_seconds = 0.0

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Note the time where the warm-up ends, and end the run when its time is over."""
        del args, kwargs
        now = perf_counter()
        self.first = self.first or now
        if not self.begin:
            if now - self.first >= self._warm_up_seconds:
                self.begin, self.begin_step = (now, process_time(), thread_time()), state.global_step
        elif now - self.begin[0] >= self._seconds:
            end, steps = (now, process_time(), thread_time()), state.global_step - self.begin_step
            spent = [(after - before) / steps for before, after in zip(self.begin, end, strict=True)]
            self.mean_seconds, self.mean_processor_seconds, self.mean_thread_seconds = spent
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
    clock = train(seconds=_CALIBRATION_SECONDS, width=width, callback=None, warm_up_seconds=_CALIBRATION_SECONDS / 2)
    return clock.mean_processor_seconds


def train(
    *, seconds: float, width: int, callback: TrainerCallback | None, warm_up_seconds: float = WARM_UP_SECONDS
) -> StepClock:
    """Train for ``seconds`` after the warm-up and give the clock that watched it."""
    torch.manual_seed(0)
    rows = torch.randint(_VOCABULARY, (16 * _ROWS, _LENGTH))
    examples = [{"input_ids": row, "labels": row, "attention_mask": torch.ones_like(row)} for row in rows]
    clock = StepClock(seconds, warm_up_seconds)
    with tempfile.TemporaryDirectory() as folder:
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
        begin = perf_counter()
        trainer = Trainer(
            model=SmallForCausalLM(PretrainedConfig(vocab_size=_VOCABULARY, width=width)),
            args=settings,
            train_dataset=examples,
            callbacks=[clock, *([callback] if callback else [])],
        )
        clock.construction_seconds = perf_counter() - begin
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    return clock
