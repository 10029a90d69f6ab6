"""Hyper-parameters in words: the batch, the optimiser, and whatever else the trainer was given."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from cardcallback.record import RunRecord, Scalar
from cardcallback.render.method_words import example_noun
from cardcallback.render.run_words import most_devices_at_once, plural
from cardcallback.render.text import TIMES, escape_markdown
from cardcallback.units import format_count, format_percent, format_setting

_LENGTH_KEYS = ("max_length", "max_seq_length", "model_max_length")
_BATCH_KEYS = (
    "per_device_train_batch_size",
    "gradient_accumulation_steps",
    "effective_batch_size",
    "packing",
    "world_size",
    *_LENGTH_KEYS,
)
# The result table has steps and epochs as they were really done.
_DONE_KEYS = ("num_train_epochs", "max_steps")
_WEIGHT_KEYS = ("weights_dtype",)
_OPTIMISER_KEYS = ("optim", "learning_rate", "lr_scheduler_type", "warmup_ratio", "warmup_steps", "seed")
_OPTIMISERS = {
    "adamw_torch": "AdamW",
    "adamw_torch_fused": "fused AdamW",
    "adamw_hf": "AdamW",
    "adamw_8bit": "AdamW 8-bit",
    "adamw_bnb_8bit": "AdamW 8-bit",
    "paged_adamw": "paged AdamW",
    "paged_adamw_32bit": "paged AdamW 32-bit",
    "paged_adamw_8bit": "paged AdamW 8-bit",
    "adafactor": "Adafactor",
    "sgd": "SGD",
}
# What any Trainer has; every other setting is the method's own.
_TRAINER_KEYS = (
    "adam_beta1",
    "adam_beta2",
    "adam_epsilon",
    "weight_decay",
    "max_grad_norm",
    "per_device_eval_batch_size",
    "data_seed",
    "label_smoothing_factor",
    "gradient_checkpointing",
    "use_liger_kernel",
    "neftune_noise_alpha",
    "torch_compile",
    "tf32",
    "auto_find_batch_size",
    "group_by_length",
    "train_sampling_strategy",
    "eval_strategy",
    "load_best_model_at_end",
    "metric_for_best_model",
    "greater_is_better",
    "packing_strategy",
    "padding_free",
    "completion_only_loss",
    "assistant_only_loss",
    "attention",
    "deepspeed_zero_stage",
    "fsdp",
)
_MOST_OTHER_SETTINGS = 20
_BY = f" {TIMES} "
_SHOWN = frozenset({*_BATCH_KEYS, *_OPTIMISER_KEYS, *_DONE_KEYS, *_WEIGHT_KEYS})
# Ours, so in plain words, and names that say nothing by themselves; the others are what a reader sets.
_METHOD_WORDS = {
    "reference_model": "reference model:",
    "teacher_model": "teacher:",
    "reward_functions": "reward by",
    "loss": "loss:",
    "pref_ftx": "weight of an added SFT loss (pref_ftx)",
    "pref_bco_weight": "weight of an added BCO loss (pref_bco_weight)",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchSettings:
    """How many sequences one optimiser step sees, by the trainer's own account where it gave one."""

    per_device: int | None
    accumulation: int
    processes: int | None
    effective: int | None
    longest: int | None
    packing: bool | None
    noun: str = "sequence"
    generations: int | None = None

    @classmethod
    def of(cls, record: RunRecord) -> BatchSettings:
        """Read from the record's hyper-parameters; one device at a time or none is one process."""
        settings = record.training.hyperparameters
        return cls(
            per_device=_whole(settings.get("per_device_train_batch_size")),
            accumulation=_whole(settings.get("gradient_accumulation_steps")) or 1,
            processes=_whole(settings.get("world_size")) or (1 if most_devices_at_once(record) <= 1 else None),
            effective=_whole(settings.get("effective_batch_size")),
            longest=next((length for key in _LENGTH_KEYS if (length := _whole(settings.get(key)))), None),
            packing=packing if isinstance(packing := settings.get("packing"), bool) else None,
            noun=example_noun(record),
            generations=_whole(settings.get("num_generations")),
        )

    def words(self) -> str:
        """Sequences to an optimiser step with their factors, their longest length, and packing."""
        if self.per_device is None:
            return ""
        text = self._size()
        if self.longest:
            text += f" of up to {format_count(self.longest)} tokens{' each' if self.noun == 'pair' else ''}"
        if self.packing is not None:
            text += ", packed" if self.packing else ", no packing"
        return text

    def _size(self) -> str:
        factors = [format_count(self.per_device or 0)]
        if self.accumulation > 1:
            factors.append(f"{format_count(self.accumulation)} accumulation")
        if self.processes is None and self.effective is None:
            return f"{_BY.join(factors)} {self.noun}s on each process"
        if self.processes and self.processes > 1:
            factors.append(f"{format_count(self.processes)} processes")
        product = (self.per_device or 0) * self.accumulation * (self.processes or 1)
        if self.effective not in {None, product}:
            # Parallelism inside one model or split batches: the factors do not multiply.
            return f"{plural(self.effective or 0, self.noun)} to a step ({', '.join(factors)})"
        return (
            (f"{_BY.join(factors)} = " if len(factors) > 1 else "")
            + plural(product, self.noun)
            + self._prompts(product)
        )

    def _prompts(self, answers: int) -> str:
        if self.noun != "generated answer" or not self.generations or answers % self.generations:
            return ""
        return f", {self.generations} to each of {plural(answers // self.generations, 'prompt')}"


def optimiser_words(settings: dict[str, Scalar]) -> str:
    """For example "paged AdamW 8-bit, learning rate 2e-4, cosine schedule, 3 % warm-up, seed 42"."""
    parts = []
    name = settings.get("optim")
    if name:
        parts.append(_OPTIMISERS.get(str(name)) or escape_markdown(str(name)))
    if (rate := _number(settings.get("learning_rate"))) is not None:
        parts.append(f"learning rate {format_setting(rate)}")
    if schedule := settings.get("lr_scheduler_type"):
        parts.append(f"{escape_markdown(str(schedule).replace('_', ' '))} schedule")
    if warmup := _warmup(settings):
        parts.append(warmup)
    if (seed := _whole(settings.get("seed"))) is not None:
        parts.append(f"seed {seed}")
    return ", ".join(parts)


def method_settings(settings: dict[str, Scalar]) -> str:
    """The method's own settings (beta, loss type, generations) by the trainer's names, as ``other_settings``."""
    return _listed(settings, _METHOD_WORDS, without={*_SHOWN, *_TRAINER_KEYS})


def other_settings(settings: dict[str, Scalar]) -> str:
    """What no other row of the recipe shows, by the trainer's own names; what is switched off is left out."""
    return _listed({name: settings[name] for name in settings if name in _TRAINER_KEYS}, {}, without=_SHOWN)


def _listed(settings: dict[str, Scalar], words: dict[str, str], *, without: Collection[str]) -> str:
    others = [
        f"{words.get(name) or escape_markdown(name, 60)} {scalar_words(value)}"
        for name, value in settings.items()
        if name not in without and value is not None and value is not False
    ]
    more = len(others) - _MOST_OTHER_SETTINGS
    return ", ".join(others[:_MOST_OTHER_SETTINGS]) + (f" and {more} more in the record" if more > 0 else "")


def _warmup(settings: dict[str, Scalar]) -> str:
    steps, ratio = _number(settings.get("warmup_steps")), _number(settings.get("warmup_ratio"))
    # transformers 5 takes a share of the steps under the name of the count.
    if steps is not None and 0 < steps < 1:
        steps, ratio = None, steps
    if steps:
        return f"{format_count(steps)} warm-up {'step' if steps == 1 else 'steps'}"
    return f"{format_percent(ratio, 2).replace('.0 %', ' %')} warm-up" if ratio else ""


def scalar_words(value: Scalar) -> str:
    """A setting's value as Markdown: "on", "2e-4", "sigmoid"."""
    if value is True:
        return "on"
    if isinstance(value, (int, float)):
        return format_setting(value)
    return escape_markdown(str(value), 80)


def _number(value: Scalar) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _whole(value: Scalar) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
