"""What excludes each other of a run: its precision, optimiser, schedule, method and the like."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

_PRECISIONS = (("bf16", "bfloat16"), ("fp16", "float16"), ("fp32", "float32", "tf32"), ("fp8", "float8"))
# By the value's name, each with the words it goes by.
FAMILIES: Mapping[str, Sequence[Sequence[str]]] = {
    "precision": (_PRECISIONS[0], (*_PRECISIONS[1], "half"), *_PRECISIONS[2:]),
    "training_regime": _PRECISIONS,
    "optimizer": (("adamw",), ("adam",), ("sgd",), ("adafactor",), ("lion",), ("muon",), ("adagrad",), ("rmsprop",),
                  ("lamb",), ("apollo",)),
    "schedule": (("cosine",), ("linear",), ("constant",), ("polynomial",), ("inverse sqrt", "inverse_sqrt"), ("wsd",)),
    "quantization": (("4bit", "4_bit", "4 bit", "nf4", "int4", "fp4"), ("8bit", "8_bit", "8 bit", "int8")),
    "method": (("lora", "qlora", "dora", "adapter", "adapters", "peft", "parameter_efficient", "low_rank"),
               ("full fine_tuning", "full finetuning", "full_finetuning", "full fine_tune", "full parameter",
                "full_parameter", "all parameters")),
}  # fmt: skip


def families(name: str, text: str) -> set[str]:
    """Which of the things that exclude each other a text names, each by its first word."""
    plain = text.lower().replace("-", "_")
    found = set()
    for words in FAMILIES[name]:
        if any(re.search(rf"(?<![a-z0-9]){re.escape(word)}(?![a-z0-9])", plain) for word in words):
            found.add(words[0])
    return {"adamw"} if found == {"adam"} and "decoupled" in plain else found
