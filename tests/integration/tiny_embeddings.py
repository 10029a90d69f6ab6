"""Random encoders of a few thousand parameters and sentence-transformers' trainers on them: nothing is downloaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tiny import make_tokenizer, training_settings

_SENTENCES = ("the quick brown fox", "a lazy dog", "jumps over a dog", "sleeps in sun", "warm sun all day", "the fox")


def make_embedder(folder: Path) -> Any:
    """A ``SentenceTransformer`` on a tiny BERT that is loaded from ``folder``."""
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - only where it is installed
    from sentence_transformers.models import Pooling, Transformer  # noqa: PLC0415 - as above

    _save_encoder(folder)
    words = Transformer(str(folder), max_seq_length=16)
    return SentenceTransformer(modules=[words, Pooling(8)], device="cpu")


def make_cross_encoder(folder: Path) -> Any:
    """A ``CrossEncoder`` of one score on the same tiny BERT."""
    from sentence_transformers import CrossEncoder  # noqa: PLC0415 - as above

    _save_encoder(folder)
    return CrossEncoder(str(folder), num_labels=1, max_length=32, device="cpu")


def make_embedding_trainer(folder: Path, *, base_folder: Path, **options: Any) -> Any:
    """Trains pairs with in-batch negatives; ``callbacks`` and ``evaluator`` are the trainer's own."""
    from sentence_transformers import (  # noqa: PLC0415 - as above
        SentenceTransformerTrainer,
        SentenceTransformerTrainingArguments,
    )
    from sentence_transformers.losses import MultipleNegativesRankingLoss  # noqa: PLC0415 - as above

    model = make_embedder(base_folder)
    data = _rows(anchor=[*_SENTENCES], positive=[*_SENTENCES[1:], _SENTENCES[0]])
    own = {name: options.pop(name) for name in ("callbacks", "evaluator") if name in options}
    return SentenceTransformerTrainer(
        model=model,
        args=SentenceTransformerTrainingArguments(**training_settings(folder, **options)),
        train_dataset=data,
        eval_dataset=data.select(range(2)),
        loss=MultipleNegativesRankingLoss(model),
        **own,
    )


def make_cross_encoder_trainer(folder: Path, *, base_folder: Path, **options: Any) -> Any:
    """Trains whether two sentences belong together."""
    from sentence_transformers.cross_encoder import (  # noqa: PLC0415 - as above
        CrossEncoderTrainer,
        CrossEncoderTrainingArguments,
    )
    from sentence_transformers.cross_encoder.losses import BinaryCrossEntropyLoss  # noqa: PLC0415 - as above

    model = make_cross_encoder(base_folder)
    labels = [1.0, 0.0] * 3
    data = _rows(query=[*_SENTENCES], answer=[*_SENTENCES[1:], _SENTENCES[0]], label=labels)
    own = {name: options.pop(name) for name in ("callbacks", "evaluator") if name in options}
    return CrossEncoderTrainer(
        model=model,
        args=CrossEncoderTrainingArguments(**training_settings(folder, **options)),
        train_dataset=data,
        eval_dataset=data.select(range(2)),
        loss=BinaryCrossEntropyLoss(model),
        **own,
    )


def _rows(**columns: Any) -> Any:
    from datasets import Dataset  # noqa: PLC0415 - as above

    return Dataset.from_dict(columns)


def _save_encoder(folder: Path) -> None:
    import torch  # noqa: PLC0415 - as above
    from transformers import BertConfig, BertModel  # noqa: PLC0415 - as above

    torch.manual_seed(0)
    sizes = {"vocab_size": 32, "hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 1}
    BertModel(BertConfig(**sizes, num_attention_heads=2, max_position_embeddings=64)).save_pretrained(folder)
    make_tokenizer().save_pretrained(folder)
