"""Optimiser, schedule and batch as the trainer really has them, where its arguments may know nothing of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from cardcallback.observe.plain import class_names, integer, is_of_script, number, read, top_package, word
from cardcallback.record import Scalar

_ADAM_SETTINGS = ("adam_beta1", "adam_beta2", "adam_epsilon")
_WITHOUT_BETAS = ("adafactor", "adagrad", "rmsprop", "sgd", "lomo")
_OPTIMISER_LIBRARIES = frozenset({"torch", "bitsandbytes", "transformers", "torchao", "apex", "deepspeed"})
_MOST_WRAPPERS = 4
# Their schedules follow the arguments, or a configuration that was made from them.
_SCHEDULING_LIBRARIES = frozenset(
    ["transformers", "accelerate", "deepspeed", "trl", "axolotl", "unsloth", "unsloth_zoo", "llamafactory"]
)
_OF_THE_SCHEDULE = frozenset({"lr_scheduler_type", "warmup_steps", "warmup_ratio"})
# What the arguments call a schedule of transformers, by the function or the class that gives its rates.
_SCHEDULES: Mapping[str, Sequence[str]] = {
    "_get_constant_lambda": ("constant",),
    "_get_constant_schedule_with_warmup_lr_lambda": ("constant_with_warmup",),
    "_get_linear_schedule_with_warmup_lr_lambda": ("linear",),
    "_get_cosine_schedule_with_warmup_lr_lambda": ("cosine", "cosine_with_min_lr"),
    "_get_cosine_with_hard_restarts_schedule_with_warmup_lr_lambda": ("cosine_with_restarts",),
    "_get_cosine_with_min_lr_schedule_with_warmup_lr_rate_lambda": ("cosine_warmup_with_min_lr",),
    "_get_polynomial_decay_schedule_with_warmup_lr_lambda": ("polynomial",),
    "_get_inverse_sqrt_schedule_lr_lambda": ("inverse_sqrt",),
    "_get_wsd_scheduler_lambda": ("warmup_stable_decay",),
    "ReduceLROnPlateau": ("reduce_lr_on_plateau",),
    "GreedyLR": ("greedy",),
    "AdafactorSchedule": ("AdafactorSchedule",),
}
_WITHOUT_WARM_UP = frozenset({"constant", "reduce_lr_on_plateau", "greedy", "AdafactorSchedule"})
_BATCH = ("per_device_train_batch_size", "effective_batch_size")


def with_own_batch(found: dict[str, Scalar], args: object, trainer: object, loader: object) -> dict[str, Scalar]:
    """With the batch of a loader that a person's own code makes, which may know nothing of the arguments'.

    One that does not tell its batch leaves it unknown. Libraries' own loaders may hold several batches at a time, and
    of several processes each sees a part.
    """
    method = read(trainer, "get_train_dataloader")
    is_own = loader is not None and is_of_script(read(method, "__func__") or method)
    if not is_own or found.get("world_size") != 1:
        return found
    # Of one that accelerate has prepared only the sampler tells.
    size = integer(read(loader, "batch_size")) or integer(read(read(loader, "batch_sampler"), "batch_size"))
    if not size:
        return {name: value for name, value in found.items() if name not in _BATCH}
    devices = max(1, integer(read(args, "n_gpu")) or 1)
    accumulation = integer(found.get("gradient_accumulation_steps")) or 1
    return found | dict(zip(_BATCH, (max(1, size // devices), size * accumulation), strict=True))


def with_real_optimiser(found: dict[str, Scalar], optimizer: object) -> dict[str, Scalar]:
    """Without what the optimiser does not use, and corrected where the trainer was handed another one."""
    found = dict(found)
    if any(name in str(found.get("optim")) for name in _WITHOUT_BETAS):
        _drop(found, *_ADAM_SETTINGS)
    inner = _innermost(optimizer)
    names = class_names(inner)
    if inner is None or any("DummyOptim" in name for name in names):  # which stands for one that works elsewhere
        return found
    family = _family(str(found.get("optim", "")))
    if family and family not in " ".join(names).lower():
        _drop(found, "optim", *_ADAM_SETTINGS)
        known = word(names[0]) if top_package(type(inner)) in _OPTIMISER_LIBRARIES else None
        if known:
            found["optim"] = known
    groups = read(inner, "param_groups")
    if isinstance(groups, list):
        _correct_rate(found, groups)
        _correct_settings(found, groups)
    return found


def _drop(found: dict[str, Scalar], *names: str) -> None:
    for name in names:
        found.pop(name, None)


def _innermost(optimizer: object) -> Any:
    """The one that accelerate, and DeepSpeed in it, have wrapped."""
    for _ in range(_MOST_WRAPPERS):
        inner = read(optimizer, "optimizer")
        if inner is None:
            break
        optimizer = inner
    return optimizer


def _correct_rate(found: dict[str, Scalar], groups: Sequence[Any]) -> None:
    rates = {_rate(group) for group in groups if isinstance(group, dict) and "lr" in group}
    if len(rates) == 1 and None not in rates:
        found["learning_rate"] = rates.pop()
    elif rates and found.get("learning_rate") not in rates:
        _drop(found, "learning_rate")  # several, or one that the optimiser makes up, and none of them the arguments'


def _rate(group: object) -> float | int | None:
    """The rate before the schedule changed it, or the highest it rises to; none where the optimiser makes it up."""
    highest = number(read(group, "max_lr"))
    if highest is not None:
        return highest
    first = number(read(group, "initial_lr"))
    return (first if first is not None else number(read(group, "lr"))) or None


def _correct_settings(found: dict[str, Scalar], groups: Sequence[Any]) -> None:
    """What the arguments say and no group of parameters has gives way to what all of them have, if they agree."""
    if any(read(group, "max_momentum") is not None for group in groups):
        _drop(found, "adam_beta1")  # it goes down and up while the rate goes up and down
    for name in (*_ADAM_SETTINGS, "weight_decay"):
        asked = number(found.get(name))
        real = {value for group in groups if (value := _setting(group, name)) is not None}
        if asked is None or not real or any(math.isclose(asked, value) for value in real):
            continue
        _drop(found, name)
        value = real.pop() if len(real) == 1 else None
        if value or (value is not None and name == "weight_decay"):  # an epsilon of 0 is none that is used
            found[name] = value


def _setting(group: object, name: str) -> float | int | None:
    if name not in {"adam_beta1", "adam_beta2"}:
        return number(read(group, "eps" if name == "adam_epsilon" else name))
    betas, place = read(group, "betas"), 0 if name == "adam_beta1" else 1
    return number(betas[place]) if isinstance(betas, (tuple, list)) and len(betas) > place else None


def _family(optim: str) -> str | None:
    """A part of the class name that every optimiser of this setting has; ``None`` where that is not sure."""
    for name in ("ademamix", "adafactor", "adagrad", "rmsprop", "lion", "sgd"):
        if name in optim:
            return name
    return "adam" if "adamw" in optim else None


def with_real_schedule(found: dict[str, Scalar], scheduler: object) -> dict[str, Scalar]:
    """With the schedule and warm-up that the trainer was handed; a person's own function leaves them unknown."""
    inner = read(scheduler, "scheduler") or scheduler  # accelerate wraps it
    if inner is None:
        return found
    cls, functions = type(inner), _rate_functions(inner)
    sources = [read(one, "func") or one for one in functions] or [cls]
    names = {str(read(source, "__name__")) for source in sources}
    kinds = _SCHEDULES.get(names.pop(), ()) if len(names) == 1 else ()
    is_librarys = all(top_package(source) in _SCHEDULING_LIBRARIES for source in sources)
    if is_librarys or (kinds and not functions):
        return _as_transformers_made(found, kinds, read(functions[0], "keywords") if functions else None)
    kept = {name: value for name, value in found.items() if name not in _OF_THE_SCHEDULE}
    known = word(cls.__name__) if top_package(cls) == "torch" and cls.__name__ != "LambdaLR" else None
    return kept | ({"lr_scheduler_type": known} if known else {})


def _rate_functions(scheduler: object) -> Sequence[Any]:
    functions = read(scheduler, "lr_lambdas")
    return functions if isinstance(functions, list) and type(scheduler).__name__ not in _SCHEDULES else ()


def _as_transformers_made(found: dict[str, Scalar], kinds: Sequence[str], given: object) -> dict[str, Scalar]:
    """As the arguments say, unless somebody called transformers' own functions; ``given`` is what a function got."""
    if not kinds:
        return found
    is_asked = found.get("lr_scheduler_type") in kinds
    kind = found["lr_scheduler_type"] if is_asked else kinds[-1] if number(read(given, "min_lr_rate")) else kinds[0]
    steps = 0 if kind in _WITHOUT_WARM_UP else integer(read(given, "num_warmup_steps"))
    found = found | {"lr_scheduler_type": kind}
    if steps is not None and not _is_warm_up(found, steps, integer(read(given, "num_training_steps")), is_asked):
        _drop(found, "warmup_ratio")
        found["warmup_steps"] = steps
    return found


def _is_warm_up(found: Mapping[str, Scalar], steps: int, total: int | None, is_asked: bool) -> bool:  # noqa: FBT001
    """Whether the arguments' warm-up comes to these steps, as far as the number of all steps is told."""
    ratio = number(found.get("warmup_ratio"))
    if ratio is None:
        return number(found.get("warmup_steps")) == steps
    if total is None:
        return is_asked and steps > 0
    return abs(steps - total * ratio) <= 1
