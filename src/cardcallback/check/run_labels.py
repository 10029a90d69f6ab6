"""Labels under which a card states one fact of its run, whoever wrote them."""

from __future__ import annotations

import re

# Label, and the name of the record's value that it asks for.
RUN_LABELS = {
    "base model": "base_model",
    "batch size": "batch_size",
    "carbon emissions": "carbon_emitted",
    "carbon emitted": "carbon_emitted",
    "dataset size": "training_examples",
    "energy": "energy",
    "energy consumed": "energy",
    "epochs": "epochs",
    "estimated energy (kwh)": "energy",
    "final training loss": "training_loss",
    "learning rate": "learning_rate",
    "lora alpha": "lora_alpha",
    "lora rank": "lora_rank",
    "max sequence length": "max_length",
    "optimizer": "optimizer",
    "peak memory": "peak_memory",
    "perplexity (base)": "perplexity_base",
    "perplexity (fine-tuned)": "perplexity_tuned",
    "training duration": "training_time",
    "training loss": "training_loss",
    "training time": "training_time",
    "validation loss": "validation_loss",
}


def plain_label(label: str) -> str:
    """A label without markup, "[optional]" and colon, in lower case."""
    bare = re.sub(r"[*`~]+|(?<!\w)_+|_+(?!\w)|<!--.*?-->", "", label)
    bare = re.sub(r"[\[(]optional[\])]", "", bare, flags=re.IGNORECASE)
    bare = re.sub(r"^[^\w(]+|[^\w)%]+$", "", bare)
    return " ".join(bare.split()).casefold()
