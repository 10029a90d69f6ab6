"""Whether several processes of a job train on one batch, as tensor and context parallelism have them do."""

from __future__ import annotations

from collections.abc import Mapping

from cardcallback.observe.plain import integer, read


def processes_of_whole_batch(trainer: object, model: object) -> int:
    """How many processes are given the same whole batch: of the groups of tensor and of context parallelism."""
    config = read(read(trainer, "accelerator"), "parallelism_config")
    tensor = (read(model, "_tp_size"), read(model, "tp_size"), read(config, "tp_size"), _deepspeed_size(trainer))
    return _highest(*tensor) * _highest(read(config, "cp_size"))


def processes_of_split_batch(trainer: object) -> int:
    """How many processes are each given a part of one batch's sequences."""
    return _highest(read(read(read(trainer, "accelerator"), "parallelism_config"), "sp_size"))


def _deepspeed_size(trainer: object) -> object:
    config = read(read(read(trainer, "args"), "hf_deepspeed_config"), "config")
    tensor = config.get("tensor_parallel") if isinstance(config, Mapping) else None
    return tensor.get("autotp_size") if isinstance(tensor, Mapping) else None


def _highest(*sizes: object) -> int:
    return max(1, *(integer(size) or 1 for size in sizes))
