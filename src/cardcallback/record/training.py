"""What a run is and what it achieved: the parts of a record that describe, not measure."""

from __future__ import annotations

from typing import Literal

import msgspec

Scalar = str | int | float | bool | None

# Why a step is the published one: an interrupted run's weights are those that its last checkpoint holds.
LAST_CHECKPOINT = "last checkpoint"
# The only kind of loss whose exponential is a perplexity.
TOKEN_CROSS_ENTROPY = "token cross-entropy"  # noqa: S105  a kind of loss, not a password
# An encoder reads what is given, and the loss is of the answer's tokens alone.
ENCODER_DECODER_OBJECTIVES = frozenset({"sequence-to-sequence", "speech-to-text", "image-to-text"})
# What a person's own code computes.
CUSTOM_LOSS = "custom loss"

TokenKind = Literal["processed", "non_padding", "in_loss"]
TOKEN_KINDS: tuple[TokenKind, ...] = ("processed", "non_padding", "in_loss")


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens of the training steps by kind; ``source`` says who counted, ``reason`` why one is None.

    ``disagreement`` says by how much two who counted the same kind differ; the trainer's own count stands.
    ``at_least`` holds, of kinds that are None, those that were read before a run was broken off.
    """

    processed: int | None = None
    non_padding: int | None = None
    in_loss: int | None = None
    source: str | None = None
    reason: str | None = None
    disagreement: str | None = None
    at_least: dict[str, int] = {}


class Lora(msgspec.Struct, frozen=True, kw_only=True):
    """The adapter's own settings, as PEFT holds them."""

    rank: int
    alpha: float
    dropout: float | None = None
    target_modules: tuple[str, ...] = ()
    all_linear: bool | None = None
    bias: str | None = None
    variants: tuple[str, ...] = ()  # "DoRA", "rsLoRA", ...
    also_trained: tuple[str, ...] = ()  # whole modules, or single tokens, saved beside it ("lm_head")


class Adapter(msgspec.Struct, frozen=True, kw_only=True):
    """An adapter that is no LoRA; ``settings`` are what its kind has, by PEFT's names ("r", "num_virtual_tokens")."""

    kind: str  # "IA3", "prompt tuning"
    settings: dict[str, Scalar] = {}
    target_modules: tuple[str, ...] = ()
    also_trained: tuple[str, ...] = ()


class Quantization(msgspec.Struct, frozen=True, kw_only=True):
    """How the base weights were held while training; ``loaded_from`` names an earlier quantisation."""

    method: str
    bits: int | None = None
    kind: str | None = None  # "NF4", "FP4", "INT8"
    double: bool | None = None
    compute_dtype: str | None = None
    loaded_from: str | None = None


class Dataset(msgspec.Struct, frozen=True, kw_only=True):
    """The data by name and size; ``name`` is a Hub id or "local file", never a path. A stream has no size."""

    name: str | None = None
    training_examples: int | None = None
    evaluation_examples: int | None = None
    training_sequences: int | None = None  # after packing, where it differs
    streamed: bool = False


class Training(msgspec.Struct, frozen=True, kw_only=True):
    """What the run did, read from the trainer; hyper-parameters come from an allow-list."""

    method: str | None = None  # "QLoRA", "LoRA", "full fine-tuning"
    objective: str | None = None  # "SFT", "DPO", "language modelling", ...
    trainer: str | None = None
    trainer_library: str | None = None
    stage: str | None = None
    base_model: str | None = None
    base_model_reason: str | None = None
    model_type: str | None = None
    steps: int = 0
    planned_steps: int | None = None
    epochs: float | None = None
    tokens: Tokens = Tokens()
    hyperparameters: dict[str, Scalar] = {}
    precision: str | None = None
    lora: Lora | None = None
    adapter: Adapter | None = None  # of another kind than LoRA
    quantization: Quantization | None = None
    dataset: Dataset = Dataset()
    trainable_parameters: int | None = None
    total_parameters: int | None = None
    loss_kind: str | None = None  # TOKEN_CROSS_ENTROPY, CUSTOM_LOSS, "DPO loss"; None where nothing tells
    loss_covers: str | None = None  # "answer tokens only", "all tokens"
    published_step: int | None = None
    published_reason: str | None = None  # "lowest held-out loss", "last step", LAST_CHECKPOINT

    @property
    def trains_adapter(self) -> bool:
        """Whether what is trained, and saved, is an adapter beside the base model's own weights."""
        return self.lora is not None or self.adapter is not None


class EvaluationResult(msgspec.Struct, frozen=True, kw_only=True):
    """One evaluation of the held-out set; perplexity only where the loss is token cross-entropy."""

    loss: float | None
    kind: str | None = None  # TOKEN_CROSS_ENTROPY, "DPO loss", ...
    perplexity: float | None = None
    step: int | None = None
    examples: int | None = None
    covers: str | None = None
    weights: str | None = None  # "NF4", "bf16": what held the weights while this was measured
    metrics: dict[str, float] = {}


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """The held-out set before and after training, where someone evaluated it."""

    before: EvaluationResult | None = None
    after: EvaluationResult | None = None
