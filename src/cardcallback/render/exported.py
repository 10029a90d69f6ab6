"""Files made from a run's weights after training: what may be said of them."""

from __future__ import annotations

from collections.abc import Container
from typing import Literal, get_args

from cardcallback.record import RunRecord

# "adapter" and "model": as PEFT and transformers save them; "converted": in another format, or quantised after
# training; "unknown": no weights that are known by their names.
Weights = Literal["adapter", "model", "converted", "unknown"]


def export_sentence(record: RunRecord, weights: Weights | None) -> str | None:
    """What happened to the weights after training and is in no figure; None where that is nothing."""
    if weights == "converted":
        done, what = "Converting", "the trained weights converted to another format or precision"
    elif weights == "model" and record.training.trains_adapter:
        done, what = "Merging", "the trained adapter merged into its base model"
    else:
        return None
    return f"The files here hold {what}. {done} is in no figure above, and losses were measured before it."


def told_weights(record: RunRecord, lines: Container[str]) -> Weights | None:
    """What a section's lines say that the files are; None where they say nothing of it."""
    kinds: tuple[Weights, ...] = get_args(Weights)
    return next((kind for kind in kinds if (told := export_sentence(record, kind)) and told in lines), None)
