"""The settings of a training method itself (its loss, beta, generations, reference model), by an allow-list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cardcallback.observe.base_model import hub_id_of, weights_names
from cardcallback.observe.loss_kind import embedding_loss
from cardcallback.observe.objective import REFERENCE_FREE, REFERENCED, REINFORCED, TAUGHT
from cardcallback.observe.plain import Reader, class_names, flag, integer, number, one_of, read, unwrapped, word
from cardcallback.record import Scalar

_DIVERGENCES = frozenset({"reverse_kl", "js_divergence", "alpha_divergence", "forward_kl"})
_REWARD_SCALES = frozenset({"group", "batch", "none"})
_MOST_PARTS = 8


def _scaled(value: object) -> Scalar:
    """What rewards are divided by; older versions only switch it on or off."""
    switched = flag(value)
    return one_of(_REWARD_SCALES)(value) if switched is None else switched


def _losses(value: object) -> Scalar:
    """One loss type, or DPO's list of them joined by "+"; ``None`` where not all of them can be told."""
    parts = value if isinstance(value, (list, tuple)) else [value]
    known = [found for part in parts[:_MOST_PARTS] if (found := word(part)) is not None]
    return "+".join(known) if known and len(known) == len(parts) else None


def _numbers(value: object) -> Scalar:
    """One number, or a short list of them (a weight for each reward, a beta for each epoch)."""
    if not isinstance(value, (list, tuple)):
        return number(value)
    found = [number(part) for part in value[:_MOST_PARTS]]
    known = [f"{part:g}" for part in found if part is not None]
    return ", ".join(known) if known and len(known) == len(value) else None


_SETTINGS: dict[str, Reader] = {
    "loss_type": _losses,
    "loss_weights": _numbers,
    "beta": _numbers,
    "label_smoothing": number,
    "ld_alpha": number,
    "f_divergence_type": one_of(_DIVERGENCES),
    "f_alpha_divergence_coef": number,
    "use_weighting": flag,
    "discopop_tau": number,
    "reference_free": flag,
    "rpo_alpha": number,
    "simpo_gamma": number,
    "cpo_alpha": number,
    "tpo_alpha": number,
    "tpo_l_gamma": number,
    "desirable_weight": number,
    "undesirable_weight": number,
    "pref_ftx": number,
    "pref_bco_weight": number,
    "center_rewards_coefficient": number,
    "router_aux_loss_coef": number,
    "precompute_ref_log_probs": flag,
    "sync_ref_model": flag,
    "ref_model_mixup_alpha": number,
    "ref_model_sync_steps": integer,
    "num_generations": integer,
    "num_iterations": integer,
    "steps_per_generation": integer,
    "max_prompt_length": integer,
    "max_completion_length": integer,
    "max_new_tokens": integer,
    "temperature": number,
    "top_p": number,
    "top_k": integer,
    "min_p": number,
    "repetition_penalty": number,
    "use_vllm": flag,
    "vllm_mode": word,
    "epsilon": number,
    "epsilon_high": number,
    "delta": number,
    "importance_sampling_level": word,
    "scale_rewards": _scaled,
    "normalize_advantages": flag,
    "reward_weights": _numbers,
    "mask_truncated_completions": flag,
    "top_entropy_quantile": number,
    "entropy_coef": number,
    "missing_eos_penalty": number,
    "lmbda": number,
    "seq_kd": flag,
    "distillation_objective": word,
    "iw_opd_gamma": number,
    "iw_opd_epsilon": number,
    "loss_top_k": integer,
    "use_uld_loss": flag,
    "uld_crossentropy_weight": number,
    "uld_distillation_weight": number,
    "distillation_mode": word,
    "distillation_topk": integer,
    "distillation_alpha": number,
    "distillation_weight": number,
    "distillation_is_clip": number,
    "teacher_update_rate": number,
    "teacher_sync_steps": integer,
    "success_reward_threshold": number,
    "num_value_samples": integer,
    "filter_all_incorrect": flag,
    "kl_coef": number,
    "cliprange": number,
    "vf_coef": number,
    "num_ppo_epochs": integer,
    "num_mini_batches": integer,
    "batch_sampler": word,
    "multi_dataset_batch_sampler": word,
}
# With these values a setting is off, and naming it would suggest that it did something.
_OFF: dict[str, frozenset[Scalar]] = {
    "label_smoothing": frozenset({0}),
    "pref_ftx": frozenset({0}),
    "pref_bco_weight": frozenset({0}),
    "top_k": frozenset({0, -1}),
    "repetition_penalty": frozenset({1}),
    "top_entropy_quantile": frozenset({1}),
    "entropy_coef": frozenset({0}),
    "batch_sampler": frozenset({"batch_sampler"}),
    "loss_top_k": frozenset({0}),
    "uld_crossentropy_weight": frozenset({0}),
}
# A setting, and what has to hold for it to do anything.
_NEEDS: dict[str, tuple[str, Callable[[Scalar], bool]]] = {
    "ref_model_mixup_alpha": ("sync_ref_model", bool),
    "ref_model_sync_steps": ("sync_ref_model", bool),
    "f_alpha_divergence_coef": ("f_divergence_type", lambda kind: kind == "alpha_divergence"),
    "discopop_tau": ("loss_type", lambda kind: "discopop" in str(kind)),
    "simpo_gamma": ("loss_type", lambda kind: "simpo" in str(kind)),
    "pref_bco_weight": ("loss_type", lambda kind: kind not in {"orpo", "simpo"}),
    "vllm_mode": ("use_vllm", bool),
    "tpo_l_gamma": ("loss_type", lambda kind: kind == "tpo-l"),
    "iw_opd_gamma": ("distillation_objective", lambda kind: kind == "iw_opd"),
    "iw_opd_epsilon": ("distillation_objective", lambda kind: kind == "iw_opd"),
    "distillation_topk": ("distillation_mode", lambda kind: kind == "topk_logits"),
    "uld_crossentropy_weight": ("use_uld_loss", bool),
    "uld_distillation_weight": ("use_uld_loss", bool),
}
# What the arguments of a distillation inherit from those of SFT and do not use.
_INHERITED = {"GKD": ("loss_type",), "GOLD": ("loss_type",)}
_OWN_TEACHERS = {
    "live": "the model itself, as it is at each step",
    "base": "the model that training began from",
    "ema": "a running mean of the model's own weights",
}


def observe_method(args: object, trainer: object, model: object, objective: str | None) -> dict[str, Scalar]:
    """The method's own settings that have a value and do something.

    ``reference_model`` says in words what the loss compares with, or that it needs none; ``teacher_model`` whose
    answers a distillation learns; ``reward_functions``
    names what rates the answers; ``loss`` is the loss class of sentence-transformers.
    """
    described = {
        "reference_model": _reference(args, trainer, model, objective),
        "teacher_model": _teacher(args, trainer, model, objective),
        "reward_functions": _reward_functions(trainer),
        "loss": embedding_loss(trainer),
    }
    found = _settings(args) | {name: words for name, words in described.items() if words is not None}
    for name in _INHERITED.get(objective or "", ()):
        found.pop(name, None)
    if read(args, "teacher_model_kind") != "ema":
        found = {
            name: value for name, value in found.items() if not name.startswith(("teacher_update", "teacher_sync"))
        }
    if not isinstance(read(trainer, "train_dataset"), dict):
        found.pop("multi_dataset_batch_sampler", None)
    return found


def _settings(args: object) -> dict[str, Scalar]:
    found: dict[str, Scalar] = {}
    for name, reader in _SETTINGS.items():
        value = reader(read(args, name))
        if value is not None and value not in _OFF.get(name, frozenset()):
            found[name] = value
    for name, (other, holds) in _NEEDS.items():
        if name in found and not holds(found.get(other)):
            del found[name]
    return found


def _reference(args: object, trainer: object, model: object, objective: str | None) -> str | None:
    """What answers are compared with, in words; ``None`` where the method has no such thing or it cannot be told."""
    if objective in REFERENCE_FREE:
        return "none, the method needs none"
    if objective not in REFERENCED or trainer is None:
        return None
    if objective in REINFORCED and number(read(args, "beta")) == 0:
        return "none, beta is 0"
    if read(args, "reference_free") is True:
        return "none, by its settings"
    held = read(trainer, "ref_model")
    words = _by_adapter(args, model) if held is None else _by_model(args, held, model)
    if words is not None and read(args, "precompute_ref_log_probs") is True:
        words += ", read once before training"
    return words


def _teacher(args: object, trainer: object, model: object, objective: str | None) -> str | None:
    """Whose answers are learned, in words; ``None`` where the method has no teacher or it cannot be told."""
    own = _OWN_TEACHERS.get(str(read(args, "teacher_model_kind")))
    if own is not None:
        return own
    if objective not in TAUGHT or trainer is None:
        return None
    held = read(trainer, "teacher_model")
    if held is not None:
        return _name_of(held, model)
    return "a model behind a server" if read(trainer, "teacher_client") is not None else None


def _by_model(args: object, held: object, model: object) -> str:
    words = _name_of(held, model)
    return f"{words}, updated while training" if read(args, "sync_ref_model") is True else words


def _name_of(held: object, model: object) -> str:
    names = weights_names(held)
    if set(names) & set(weights_names(model)):
        return "a copy of the model that training began from"
    known = next((found for name in names if (found := hub_id_of(name))), None)
    return known or "another model, whose Hub id is not known"


def _by_adapter(args: object, model: object) -> str | None:
    adapters = read(unwrapped(model), "peft_config")
    if isinstance(adapters, dict):
        own = isinstance(read(args, "ref_adapter_name"), str)
        if own or "ref" in adapters:
            return "the adapter as training began"
        return "the base model with the adapter switched off"
    # Without a model of its own the one in training was read before its first step.
    return "the model as training began" if read(args, "precompute_ref_log_probs") is True else None


def _reward_functions(trainer: object) -> str | None:
    """The functions' own names; a model's is a folder's name as often as not."""
    functions = read(trainer, "reward_funcs")
    if not isinstance(functions, list) or not functions:
        return None
    more = len(functions) - _MOST_PARTS
    names = ", ".join(_reward_name(function) for function in functions[:_MOST_PARTS])
    return f"{names} and {more} more" if more > 0 else names


def _reward_name(function: Any) -> str:
    if callable(read(function, "parameters")):
        known = next((found for name in weights_names(function) if (found := hub_id_of(name))), None)
        return known or "a reward model"
    # An object that is called has no name of its own, but its class has.
    name = word(read(function, "__name__")) or word(next(iter(class_names(function)), None))
    return name if name and name != "function" else "a function"
