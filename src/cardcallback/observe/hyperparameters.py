"""Hyper-parameters by an allow-list: each by the type it must have, so that no path or token slips through.

A method's own (beta, loss type, generations) are in ``method_settings``.
"""

from __future__ import annotations

from typing import Any

from cardcallback.observe.plain import (
    Reader,
    choice,
    class_names,
    flag,
    integer,
    number,
    one_of,
    read,
    top_package,
    unwrapped,
    word,
)
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
_WITHOUT_BETAS = ("adafactor", "adagrad", "rmsprop", "sgd")
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
    if str(found.get("optim")).startswith(_WITHOUT_BETAS):
        for name in ("adam_beta1", "adam_beta2", "adam_epsilon"):
            found.pop(name, None)
    if "max_steps" in found:  # it overrules the number of epochs
        found.pop("num_train_epochs", None)
    if found.get("packing") is not True:
        found.pop("packing_strategy", None)
    found.update(_warm_up(args))
    found.update(_batch(args, trainer))
    found.update(_batch_of_own_loader(found, trainer, train_dataloader))
    found.update(_distribution(args, trainer))
    attention = choice(read(read(unwrapped(model), "config"), "_attn_implementation"), _ATTENTION)
    if attention:
        found["attention"] = attention
    found = _as_really_built(found, read(trainer, "optimizer"))
    return _as_really_scheduled(found, read(trainer, "lr_scheduler"))


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


def _batch_of_own_loader(found: dict[str, Scalar], trainer: object, loader: object) -> dict[str, Scalar]:
    """The batch of a loader that a person's own code makes, which may know nothing of the arguments'.

    Libraries' own loaders may hold several batches at a time, and of several processes each sees a part.
    """
    function = read(read(trainer, "get_train_dataloader"), "__func__")
    size = integer(read(loader, "batch_size"))
    is_own = function is not None and top_package(function) not in _LOADING_LIBRARIES
    if not is_own or not size or found.get("world_size") != 1:
        return {}
    accumulation = integer(found.get("gradient_accumulation_steps")) or 1
    return {"per_device_train_batch_size": size, "effective_batch_size": size * accumulation}


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


def _as_really_built(found: dict[str, Scalar], optimizer: Any) -> dict[str, Scalar]:
    """Correct ``optim`` and ``learning_rate`` where the trainer was handed another optimiser than its arguments say."""
    inner = read(optimizer, "optimizer") or optimizer  # accelerate wraps it
    if inner is None:
        return found
    names = " ".join(class_names(inner)).lower()
    family = _family(str(found.get("optim", "")))
    if family and family not in names:
        found.pop("optim", None)
        for name in ("adam_beta1", "adam_beta2", "adam_epsilon"):
            found.pop(name, None)
        known = word(type(inner).__name__) if type(inner).__module__.partition(".")[0] in _OPTIMISER_LIBRARIES else None
        if known:
            found["optim"] = known
    groups = read(inner, "param_groups")
    rates = {_rate(group) for group in groups} if isinstance(groups, list) else set()
    if len(rates) == 1 and None not in rates:
        found["learning_rate"] = rates.pop()
    elif len(rates) > 1 and found.get("learning_rate") not in rates:
        found.pop("learning_rate", None)  # several of a person's own, and none of them the arguments'
    return found


def _as_really_scheduled(found: dict[str, Scalar], scheduler: Any) -> dict[str, Scalar]:
    """Leave out the arguments' schedule and warm-up where the trainer was handed another; torch's own are named."""
    inner = read(scheduler, "scheduler") or scheduler  # accelerate wraps it
    if inner is None or _follows_arguments(inner):
        return found
    kept = {name: value for name, value in found.items() if name not in _OF_THE_SCHEDULE}
    cls = type(inner)
    known = word(cls.__name__) if cls.__module__.partition(".")[0] == "torch" and cls.__name__ != "LambdaLR" else None
    return kept | ({"lr_scheduler_type": known} if known else {})


def _follows_arguments(scheduler: object) -> bool:
    """Whether a library made it: by its class, by its functions, or as one of the two that transformers takes as is."""
    functions = read(scheduler, "lr_lambdas")
    if isinstance(functions, list) and functions:
        return all(top_package(read(function, "func") or function) in _SCHEDULING_LIBRARIES for function in functions)
    cls = type(scheduler)
    return top_package(cls) in _SCHEDULING_LIBRARIES or cls.__name__ in {"ReduceLROnPlateau", "GreedyLR"}


_LOADING_LIBRARIES = frozenset(
    ["transformers", "trl", "axolotl", "unsloth", "unsloth_zoo", "llamafactory", "sentence_transformers", "setfit"]
)
# Their schedules follow the arguments, or a configuration that was made from them.
_SCHEDULING_LIBRARIES = frozenset(
    ["transformers", "accelerate", "deepspeed", "trl", "axolotl", "unsloth", "unsloth_zoo", "llamafactory"]
)
_OF_THE_SCHEDULE = frozenset({"lr_scheduler_type", "warmup_steps", "warmup_ratio"})
_OPTIMISER_LIBRARIES = frozenset({"torch", "bitsandbytes", "transformers", "torchao", "apex", "deepspeed"})


def _rate(group: object) -> float | int | None:
    """The rate before the schedule changed it; where one rises to it, the highest."""
    highest = number(read(group, "max_lr"))
    if highest is not None:
        return highest
    first = number(read(group, "initial_lr"))
    return first if first is not None else number(read(group, "lr"))


def _family(optim: str) -> str | None:
    """A part of the class name that every optimiser of this setting has; ``None`` where that is not sure."""
    for name in ("ademamix", "adafactor", "adagrad", "rmsprop", "lion", "sgd"):
        if name in optim:
            return name
    return "adam" if "adamw" in optim else None
