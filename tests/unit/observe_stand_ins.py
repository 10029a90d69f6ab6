"""Stand-ins for trainers and models: classes known only by their names, modules and attributes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from cardcallback.observe import observe_training
from cardcallback.record import Training


def named(name: str, *bases: type, module: str = "trl.trainer.some", **members: Any) -> type:
    """A class known only by its name and module, as Unsloth generates them."""
    return type(name, bases or (object,), {"__module__": module, **members})


def library_loss(module: str = "transformers.trainer") -> dict[str, Any]:
    """``compute_loss`` and ``prediction_step`` as if written in ``module``."""

    def compute_loss(self: object) -> None:
        """Stand in for the library's."""

    compute_loss.__module__ = module
    return {"compute_loss": compute_loss, "prediction_step": compute_loss, "compute_loss_func": None}


BASE_TRAINER = named("Trainer", module="transformers.trainer", **library_loss())
SFT_TRAINER = named("SFTTrainer", BASE_TRAINER, module="trl.trainer.sft_trainer")
CAUSAL = named("LlamaForCausalLM", module="transformers.models")


def observe(trainer: object = None, args: object = None, model: object = None, **more: Any) -> Training:
    """``observe_training`` with a model and arguments that say nothing of their own."""
    return observe_training(trainer=trainer, args=args or SimpleNamespace(), model=model or CAUSAL(), **more)
