"""What the run is, read once from what the trainer passes to its callbacks."""

from __future__ import annotations

import re
from typing import Any

from cardcallback.observe.adapters import adapter_config, adapter_name, observe_adapter
from cardcallback.observe.base_model import find_base_model
from cardcallback.observe.data import evaluation_dataset, find_loss_coverage, observe_dataset, training_dataset
from cardcallback.observe.hyperparameters import observe_hyperparameters
from cardcallback.observe.llama_factory import stage_objective, with_method_settings
from cardcallback.observe.lora import observe_lora
from cardcallback.observe.loss_kind import find_loss_kind
from cardcallback.observe.method_settings import observe_method
from cardcallback.observe.objective import find_objective, trainer_names
from cardcallback.observe.parameters import count_parameters, find_method, find_precision
from cardcallback.observe.plain import modules, read, unwrapped
from cardcallback.observe.quantization import observe_quantization
from cardcallback.record import Training

_MODEL_TYPE = re.compile(r"[a-z0-9][a-z0-9_.-]{0,39}")


def observe_training(
    *,
    args: Any,
    model: Any,
    processing_class: Any = None,
    train_dataloader: Any = None,
    eval_dataloader: Any = None,
    trainer: Any = None,
    base_model: str | None = None,
    stage: str | None = None,
) -> Training:
    """The run's description before its first step; progress is added by ``with_progress``.

    Classes are known by name and attributes, never by ``isinstance``, so that Unsloth's generated ones
    count. What cannot be read stays ``None``; nothing here is estimated.

    Args:
        args: the training arguments (``TrainingArguments``, ``SFTConfig``, ...).
        model: the model being trained, wrapped or not.
        processing_class: not read today; accepted because the Trainer passes it.
        train_dataloader: used for the data where there is no ``trainer``.
        eval_dataloader: the same for the held-out data.
        trainer: the trainer itself, where it was found; without it the kind of loss is not known.
        base_model: the Hub id the person gave, for a model loaded from disk.
        stage: the person's name for this stage of a chain.
    """
    del processing_class
    if not callable(read(model, "parameters")):  # none, or SetFit's own object around it
        model = read(trainer, "model") or model
    bare = unwrapped(model)
    listing = modules(bare)
    data = training_dataset(trainer, train_dataloader)
    objective = stage_objective(trainer) or find_objective(trainer, args, bare)
    quantization = observe_quantization(bare, listing)
    parameters = count_parameters(model, listing, quantization)
    base = find_base_model(bare, base_model)
    name, library = trainer_names(trainer, args)
    given = with_method_settings(args, trainer)
    settings = observe_hyperparameters(given, trainer, bare, train_dataloader) | observe_method(
        given, trainer, bare, objective
    )
    if parameters.dtype is not None and quantization is None:
        settings["weights_dtype"] = parameters.dtype
    return Training(
        method=find_method(adapter_name(adapter_config(bare)), quantization, parameters),
        objective=objective,
        trainer=name,
        trainer_library=library,
        stage=stage,
        base_model=base.hub_id,
        base_model_reason=base.reason,
        model_type=_model_type(bare),
        hyperparameters=settings,
        precision=find_precision(args, trainer, parameters),
        lora=observe_lora(bare, listing),
        adapter=observe_adapter(bare, listing),
        quantization=quantization,
        dataset=observe_dataset(data, evaluation_dataset(trainer, eval_dataloader), args),
        trainable_parameters=parameters.trainable,
        total_parameters=parameters.total,
        loss_kind=find_loss_kind(objective, trainer, args, bare),
        loss_covers=find_loss_coverage(objective, trainer, args, data),
    )


def _model_type(model: object) -> str | None:
    found = read(read(model, "config"), "model_type")
    return found if isinstance(found, str) and _MODEL_TYPE.fullmatch(found) else None
