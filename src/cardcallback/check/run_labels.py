"""Labels under which a card states one fact of its run, whoever wrote them."""

from __future__ import annotations

import re

from cardcallback.render.card.labelled import normalize_label
from cardcallback.render.card.labels import label_index

# Label, and the name of the record's value that it asks for.
RUN_LABELS = {
    "base model": "base_model",
    "batch size": "batch_size",
    "carbon emissions": "carbon_emitted",
    # No placeholder asks for it: what a model was trained on is as often data or a machine.
    "trained on": "date",
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
# Other labels of the same facts. What a plan says and what came of it differ by right, such as a total of epochs.
_OTHER_WORDS = {
    "learning_rate": "learning_rate",
    "num_epochs": "epochs",
    "num epochs": "epochs",
    "num_train_epochs": "epochs",
    "number of epochs": "epochs",
    "total training time": "training_time",
    "train runtime": "training_time",
    "training epochs": "epochs",
    "training runtime": "training_time",
}
# An estimate beside a measurement, and a mean beside the last value, are two facts.
_APART = frozenset({"estimated energy (kwh)", "final training loss"})

# What a run has one of, whatever a label in any language calls it, and the kind of what it is measured in.
ONE_OF_A_KIND = {
    "carbon_emitted": "emissions", "effective_batch_size": None, "energy": "energy", "epochs": None, "gpu_count": None,
    "gradient_accumulation": None, "learning_rate": None, "lora_alpha": None, "lora_rank": None, "max_length": None,
    "seed": None, "training_time": "time", "weight_decay": None,
}  # fmt: skip
_NOT_MEASURED = re.compile(r"estimat|gesch\u00e4tzt|estim\u00e9|estimad|\bmax(?:imum|imal)?\b|initial", re.IGNORECASE)


def run_fact(label: str) -> str | None:
    """One name for the labels of one fact of a run; None for a label of anything else."""
    plain = plain_label(label)
    if plain in _APART:
        return plain
    return _OTHER_WORDS.get(plain) or RUN_LABELS.get(plain) or _mapped(label)


def _mapped(label: str) -> str | None:
    """The fact that a label of the map, in any of its languages, asks for, where that is one of a kind."""
    row = next(iter(label_index().by_label.get(normalize_label(label), ())), None)
    if row is None or row.section or row.heading or row.column or _NOT_MEASURED.search(label) is not None:
        return None
    return row.value if row.value in ONE_OF_A_KIND else None


def plain_label(label: str) -> str:
    """A label without markup, "[optional]" and colon, in lower case."""
    bare = re.sub(r"[*`~]+|(?<!\w)_+|_+(?!\w)|<!--.*?-->", "", label)
    bare = re.sub(r"[\[(]optional[\])]", "", bare, flags=re.IGNORECASE)
    bare = re.sub(r"^[^\w(]+|[^\w)%]+$", "", bare)
    return " ".join(bare.split()).casefold()
