"""Hyper-parameters by an allow-list: each by the type it must have, so that no path or token slips through.

A method's own (beta, loss type, generations) are in ``method_settings``; what outranks arguments is in ``as_built``.
"""

from __future__ import annotations

from cardcallback.observe.as_built import with_own_batch, with_real_optimiser, with_real_schedule
from cardcallback.observe.plain import Reader, choice, flag, integer, number, one_of, read, unwrapped, word
from cardcallback.record import Scalar

_SCHEDULERS = frozenset(
    [
        "linear",
        "cosine",
        "cosine_with_restarts",
        "polynomial",
        "constant",
        "constant_with_warmup",
        "inverse_sqrt",
        "reduce_lr_on_plateau",
        "cosine_with_min_lr",
        "cosine_warmup_with_min_lr",
        "warmup_stable_decay",
        "greedy",
    ]
)
_ATTENTION = frozenset(
    [
        "eager",
        "sdpa",
        "flash_attention_2",
        "flash_attention_3",
        "flash_attention_4",
        "flex_attention",
        "paged_attention",
        "xformers",
    ]
)
_PACKING = frozenset({"bfd", "bfd_split", "bfd-requeue", "wrapped"})
_SAMPLING = frozenset({"sequential", "group_by_length"})  # random is what every Trainer does
_INTERVALS = frozenset({"no", "steps", "epoch", "best"})


def _positive(value: object) -> Scalar:
    found = number(value)
    return found if found is not None and found > 0 else None


_SHARED: dict[str, Reader] = {
    "learning_rate": number,
    "lr_scheduler_type": one_of(_SCHEDULERS),
    "optim": word,
    "adam_beta1": number,
    "adam_beta2": number,
    "adam_epsilon": number,
    "weight_decay": number,
    "max_grad_norm": number,
    "num_train_epochs": number,
    "max_steps": _positive,
    "per_device_train_batch_size": integer,
    "per_device_eval_batch_size": integer,
    "gradient_accumulation_steps": integer,
    "seed": integer,
    "data_seed": integer,
    "label_smoothing_factor": number,
    "gradient_checkpointing": flag,
    "use_liger_kernel": flag,
    "neftune_noise_alpha": number,
    "torch_compile": flag,
    "tf32": flag,
    "auto_find_batch_size": flag,
    "group_by_length": flag,
    "train_sampling_strategy": one_of(_SAMPLING),
    "eval_strategy": one_of(_INTERVALS),
    "load_best_model_at_end": flag,
    "metric_for_best_model": word,
    "greater_is_better": flag,
    # TRL's, where its argument classes have them
    "max_length": integer,
    "max_seq_length": integer,
    "packing": flag,
    "packing_strategy": one_of(_PACKING),
    "padding_free": flag,
    "completion_only_loss": flag,
    "assistant_only_loss": flag,
}
_MEANINGLESS_ZERO = frozenset({"label_smoothing_factor", "neftune_noise_alpha"})


def observe_hyperparameters(
    args: object, trainer: object, model: object, train_dataloader: object = None
) -> dict[str, Scalar]:
    """The allow-listed settings that have a value, and what follows from several of them.

    ``effective_batch_size`` is sequences per optimiser step over all devices. Warm-up is ``warmup_ratio``
    (a share of the steps) or ``warmup_steps``, never both.
    """
    found: dict[str, Scalar] = {}
    for name, reader in _SHARED.items():
        value = reader(read(args, name))
        if value is not None and not (name in _MEANINGLESS_ZERO and not value):
            found[name] = value
    if "max_steps" in found:  # it overrules the number of epochs
        found.pop("num_train_epochs", None)
    if found.get("packing") is not True:
        found.pop("packing_strategy", None)
    found.update(_warm_up(args))
    found.update(_batch(args, trainer))
    found = with_own_batch(found, args, trainer, train_dataloader)
    found.update(_distribution(args, trainer))
    attention = choice(read(read(unwrapped(model), "config"), "_attn_implementation"), _ATTENTION)
    if attention:
        found["attention"] = attention
    found = with_real_optimiser(found, read(trainer, "optimizer"))
    return with_real_schedule(found, read(trainer, "lr_scheduler"))


def _warm_up(args: object) -> dict[str, Scalar]:
    steps = number(read(args, "warmup_steps"))
    ratio = number(read(args, "warmup_ratio"))
    if steps is not None and steps >= 1:
        return {"warmup_steps": int(steps)}
    if steps:  # transformers 5: a number below one is a share of the steps
        return {"warmup_ratio": steps}
    return {"warmup_ratio": ratio} if ratio else {"warmup_steps": 0} if steps is not None else {}


def _batch(args: object, trainer: object) -> dict[str, Scalar]:
    world = integer(read(args, "world_size"))
    found: dict[str, Scalar] = {"world_size": world} if world else {}
    effective = _effective_by_trainer(args, trainer)
    if effective is None:
        parts = [integer(read(args, name)) for name in ("train_batch_size", "gradient_accumulation_steps")]
        batch, accumulation = parts
        effective = batch * accumulation * world if batch and accumulation and world else None
    if effective:
        found["effective_batch_size"] = effective
    real = integer(read(trainer, "_train_batch_size"))
    if read(args, "auto_find_batch_size") is True and real:
        # What it settled on so far: the arguments keep what was asked for.
        found["per_device_train_batch_size"] = max(1, real // max(1, integer(read(args, "n_gpu")) or 1))
    return found


def _effective_by_trainer(args: object, trainer: object) -> int | None:
    """The Trainer's own figure, which knows of tensor, context and sequence parallelism."""
    method = read(trainer, "get_total_train_batch_size")
    split = read(read(args, "accelerator_config"), "split_batches") is True
    if not callable(method) or split:
        # With split batches the device's batch is cut over the processes instead of multiplied.
        return _split_batch(args) if split else None
    if read(args, "auto_find_batch_size") is not True and _changed_since(args, trainer):
        return None
    try:
        return integer(method(args))
    except (AttributeError, TypeError, ValueError):
        return None


def _changed_since(args: object, trainer: object) -> bool:
    """Whether the batch size was set anew after the trainer had taken note of it, as SetFit does."""
    noted, asked = integer(read(trainer, "_train_batch_size")), integer(read(args, "train_batch_size"))
    return noted is not None and asked is not None and noted != asked


def _split_batch(args: object) -> int | None:
    batch, accumulation = (integer(read(args, n)) for n in ("train_batch_size", "gradient_accumulation_steps"))
    return batch * accumulation if batch and accumulation else None


def _distribution(args: object, trainer: object) -> dict[str, Scalar]:
    found: dict[str, Scalar] = {}
    plugin = read(args, "deepspeed_plugin")
    stage = integer(read(plugin, "zero_stage"))
    if stage is not None:
        found["deepspeed_zero_stage"] = stage
    if read(trainer, "is_fsdp_enabled") is True:
        found["fsdp"] = True
    return found
