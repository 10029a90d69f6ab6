"""What the loss of a training is, and whether its exponential is a perplexity."""

from __future__ import annotations

from cardcallback.observe.adapters import adapter_config, adapter_type
from cardcallback.observe.plain import is_of_script, lineage, number, read, top_package
from cardcallback.record import CUSTOM_LOSS, ENCODER_DECODER_OBJECTIVES, TOKEN_CROSS_ENTROPY

_EMBEDDING_LIBRARY = "sentence_transformers"
_MOST_NESTED_LOSSES = 3
# The setting of an adapter that weighs what PEFT adds to every loss it hands out, held-out ones too.
_ADDED_BY_ADAPTERS = {
    "ADALORA": ("orth_reg_weight", "orthogonal regularisation"),
    "SHADOW": ("auxiliary_loss_weight", "the shadow path's loss"),
}
_SFT_LOSSES = {
    None: TOKEN_CROSS_ENTROPY,
    "nll": TOKEN_CROSS_ENTROPY,
    "chunked_nll": TOKEN_CROSS_ENTROPY,
    "dft": "DFT loss",
}
# Their compute_loss is known to give what find_loss_kind says.
_KNOWN_LOSSES = frozenset({"transformers", "trl", "unsloth", "unsloth_zoo", _EMBEDDING_LIBRARY})
# Axolotl's trainer hands on to transformers'; of its further trainers each computes something of its own.
_KNOWN_MODULES = frozenset({"axolotl.core.trainers.base"})


def find_loss_kind(objective: str | None, trainer: object, args: object, model: object) -> str | None:
    """What the logged and held-out loss is; ``None`` where nothing tells.

    "token cross-entropy" is promised only where its exponential is a perplexity: no smoothing, no
    re-weighting, nothing added by a router or an adapter, and ``compute_loss`` as a known library wrote it.
    """
    if trainer is None:
        return None
    if not _computed_by_library(trainer):
        return CUSTOM_LOSS if _computed_by_a_person(trainer) else None
    if objective is None:
        return None
    if _EMBEDDING_LIBRARY in map(top_package, lineage(trainer)):
        several = isinstance(read(trainer, "loss"), dict)
        return f"{objective} loss" if several else embedding_loss(trainer)
    if objective in {"SFT", "language modelling"} | ENCODER_DECODER_OBJECTIVES:
        return _token_loss(trainer, args, model)
    return "masked-token cross-entropy" if objective == "masked language modelling" else f"{objective} loss"


def _token_loss(trainer: object, args: object, model: object) -> str | None:
    asked = read(args, "loss_type")
    kind = _SFT_LOSSES.get(asked) if asked is None or isinstance(asked, str) else None
    if kind != TOKEN_CROSS_ENTROPY:
        return kind
    if number(read(args, "label_smoothing_factor")):
        return f"label-smoothed {kind}"
    if _adds_router_loss(trainer, model):
        return f"{kind} plus router loss"
    config = adapter_config(model)
    adapter = adapter_type(config)
    if adapter == "CPT":
        return "context-aware prompt tuning loss"
    added = _ADDED_BY_ADAPTERS.get(adapter or "")
    if added is not None and number(read(config, added[0])) != 0:
        return f"{kind} plus {added[1]}"
    return f"{kind}, images' places included" if _counts_images(trainer, args) else kind


def _counts_images(trainer: object, args: object) -> bool:
    """Whether the loss takes in the tokens that stand for images, which are foreseen as good as always.

    TRL masks padding alone, since those tokens differ between models; answers hold none of them.
    """
    masked = read(trainer, "completion_only_loss") is True or read(args, "assistant_only_loss") is True
    return read(trainer, "_is_vision_dataset") is True and not masked


def embedding_loss(trainer: object) -> str | None:
    """The loss class of sentence-transformers by its name, an inner one in brackets; ``None`` for any other loss."""
    names: list[str] = []
    loss = read(trainer, "loss")
    while loss is not None and len(names) < _MOST_NESTED_LOSSES:
        if top_package(type(loss)) != _EMBEDDING_LIBRARY:
            return None  # a person's own, or one for each of several data sets
        names.append(type(loss).__name__)
        loss = read(loss, "loss")
    return " (".join(names) + ")" * (len(names) - 1) if names else None


def _computed_by_library(trainer: object) -> bool:
    if read(trainer, "compute_loss_func") is not None or read(read(trainer, "args"), "orpo_alpha"):
        return False
    for name in ("compute_loss", "prediction_step"):
        method = read(trainer, name)
        function = read(method, "__func__")
        package = top_package(function)
        known = package in _KNOWN_LOSSES or package.startswith("Unsloth")
        if not known and read(function, "__module__") not in _KNOWN_MODULES:
            return False
    return True


def _computed_by_a_person(trainer: object) -> bool:
    """Whether the training loss comes from a script, not from a library that we may not know."""
    given = read(trainer, "compute_loss_func")
    return is_of_script(given if given is not None else read(read(trainer, "compute_loss"), "__func__"))


def _adds_router_loss(trainer: object, model: object) -> bool:
    if read(trainer, "aux_loss_enabled") is True:
        return True
    config = read(model, "config")
    text = read(config, "text_config")
    return any(read(part, "output_router_logits") is True for part in (config, text) if part is not None)
