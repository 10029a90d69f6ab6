"""What is trained for, and by which trainer."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from cardcallback.observe.plain import (
    TRAINING_LIBRARIES,
    class_names,
    integer,
    lineage,
    read,
    top_package,
    word,
)

_OBJECTIVES = {
    "SFT": "SFT",
    "DPO": "DPO",
    "OnlineDPO": "online DPO",
    "KTO": "KTO",
    "ORPO": "ORPO",
    "CPO": "CPO",
    "BCO": "BCO",
    "XPO": "XPO",
    "NashMD": "Nash-MD",
    "TPO": "TPO",
    "A2PO": "A2PO",
    "GRPO": "GRPO",
    "AsyncGRPO": "GRPO",
    "GMPO": "GMPO",
    "RLOO": "RLOO",
    "PPO": "PPO",
    "Reward": "reward modelling",
    "PRM": "process reward modelling",
    "GKD": "GKD",
    "GOLD": "GOLD",
    "MiniLLM": "MiniLLM",
    "Distillation": "distillation",
    "AsyncDistillation": "distillation",
    "ServerDistillation": "distillation",
    "SDFT": "self-distillation",
    "SDPO": "SDPO",
    "IWOPD": "IW-OPD",
    "SentenceTransformer": "sentence embedding",
    "CrossEncoder": "cross-encoder",
    "SparseEncoder": "sparse embedding",
    "MultiVectorEncoder": "multi-vector embedding",
}
_NAME = re.compile(r"_?(?:Unsloth)?(\w+?)(?:Trainer|Config|TrainingArguments)")
_MODEL_OBJECTIVES = (
    ("ForCausalLM", "language modelling"),
    ("LMHeadModel", "language modelling"),
    ("ForMaskedLM", "masked language modelling"),
    ("ForSequenceClassification", "sequence classification"),
    ("ForTokenClassification", "token classification"),
    ("ForQuestionAnswering", "question answering"),
    ("ForMultipleChoice", "multiple choice"),
    ("ForImageClassification", "image classification"),
    ("ForCTC", "speech recognition"),
)
# Any other class of transformers says in its name what it is for.
_PURPOSE = re.compile(r"[A-Z]\w*?For([A-Z]\w+)")
_WORD_BEGIN = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_ENCODER_DECODERS = ("ForConditionalGeneration", "ForSeq2SeqLM", "EncoderDecoderModel")
_AUDIO_INPUTS = frozenset({"input_features", "input_values"})
_GENERATORS = ("ForConditionalGeneration", "ForImageTextToText")
_SENSES = {"vision_config": "image-text language modelling", "audio_config": "audio-text language modelling"}
# They count the tokens they generate themselves, in the Trainer's own counter.
GENERATING = frozenset({"GRPO", "RLOO", "GMPO", "distillation"})
# They train on answers written while training: their batches do not hold what the steps go through.
ON_POLICY = GENERATING | {
    "online DPO",
    "XPO",
    "Nash-MD",
    "A2PO",
    "PPO",
    "GKD",
    "GOLD",
    "MiniLLM",
    "self-distillation",
    "SDPO",
    "IW-OPD",
}
# A beta of 0 takes the comparison with the reference model out of their loss, and the model with it.
REINFORCED = frozenset({"GRPO", "RLOO", "GMPO"})
# Their loss compares the model's answers with a reference model's.
REFERENCED = REINFORCED | {"DPO", "online DPO", "KTO", "BCO", "XPO", "Nash-MD", "A2PO"}
# Another model's answers are what they learn.
TAUGHT = frozenset({"distillation", "GKD", "GOLD", "MiniLLM", "IW-OPD"})
REFERENCE_FREE = frozenset({"ORPO", "CPO", "SimPO"})


def find_objective(trainer: object, args: object, model: object) -> str | None:
    """SFT, DPO, language modelling, ...: by the names of the trainer's classes, its arguments', the model's."""
    for name in (*class_names(trainer), *class_names(args)):
        matched = _NAME.fullmatch(name)
        if matched and matched.group(1) in _OBJECTIVES:
            return _OBJECTIVES[matched.group(1)]
    found = _model_objective(model)
    return _classification(model) if found == "sequence classification" else found


def _model_objective(model: object) -> str | None:
    inner, config = _innermost(model), read(model, "config")
    names = class_names(inner)
    if read(config, "is_encoder_decoder") is True and any(name.endswith(_ENCODER_DECODERS) for name in names):
        return _of_two_sides(inner)
    for ending, objective in _MODEL_OBJECTIVES:
        if any(name.endswith(ending) for name in names):
            return objective
    if any(name.endswith(_GENERATORS) for name in names):
        return next((words for part, words in _SENSES.items() if read(config, part) is not None), None)
    return _purpose(inner)


def _of_two_sides(model: object) -> str:
    """By what the encoder reads, which every model of transformers names."""
    given = read(model, "main_input_name")
    if given in _AUDIO_INPUTS or any(name.startswith("SpeechEncoderDecoder") for name in class_names(model)):
        return "speech-to-text"
    return "image-to-text" if given == "pixel_values" else "sequence-to-sequence"


def _classification(model: object) -> str:
    """What transformers makes of the number of labels where nothing says it; at one label it takes squares."""
    config = read(model, "config")
    kind = read(config, "problem_type")
    if kind == "multi_label_classification":
        return "multi-label classification"
    if kind == "regression" or (kind is None and _labels(config) == 1):
        return "regression"
    # Of speech models transformers calls the class so too; what they are given tells that no text is meant.
    return "audio classification" if read(model, "main_input_name") in _AUDIO_INPUTS else "sequence classification"


def _labels(config: object) -> int | None:
    return integer(read(config, "num_labels"))


def _purpose(model: object) -> str | None:
    """From the class's own name, as in SegformerForSemanticSegmentation."""
    for cls in lineage(model):
        matched = _PURPOSE.fullmatch(cls.__name__)
        if matched and top_package(cls) == "transformers":
            return _WORD_BEGIN.sub(" ", matched.group(1)).lower()
    return None


def _innermost(model: object) -> Any:
    """The model under PEFT's wrapper, by PEFT's own accessor; one of mixed adapters has none."""
    getter = read(model, "get_base_model")
    if callable(getter):
        return getter()
    return read(read(model, "base_model"), "model") if "PeftMixedModel" in class_names(model) else model


def objective_from_history(keys: Iterable[str]) -> str | None:
    """What logged quantities give away where class names do not; only families, since several methods share them."""
    logged = {key.removeprefix("eval_") for key in keys}
    if {"rewards/chosen", "rewards/rejected"} <= logged:
        return "preference optimisation"
    if "reward" in logged and any(key.startswith("rewards/") for key in logged):
        return "reinforcement learning"
    return None


def trainer_names(trainer: object, args: object) -> tuple[str | None, str | None]:
    """The trainer's class and library; of a person's own subclass, the nearest class of a known library."""
    for cls in lineage(trainer) if trainer is not None else ():
        library = _library(cls)
        if library is not None:
            return word(cls.__name__.removeprefix("_")), library
    for cls in lineage(args):
        library = _library(cls)
        if library is not None and library != "transformers":
            return None, library
    return None, None


def _library(cls: type) -> str | None:
    if cls.__name__.removeprefix("_").startswith("Unsloth") or top_package(cls).startswith("unsloth"):
        return "unsloth"
    package = top_package(cls)
    return package if package in TRAINING_LIBRARIES else None
