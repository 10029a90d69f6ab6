"""What a training says about the model: the one list for its type, its task, its results and its library."""

from __future__ import annotations

from cardcallback.record import Training
from cardcallback.render.exported import Weights

# Their models are loaded with them, whatever transformers or adapter lies inside.
_LIBRARIES = {"sentence_transformers": "sentence-transformers", "setfit": "setfit"}
_CAUSAL = frozenset(
    {
        "language modelling",
        "SFT",
        "DPO",
        "online DPO",
        "KTO",
        "ORPO",
        "CPO",
        "SimPO",
        "BCO",
        "XPO",
        "Nash-MD",
        "TPO",
        "A2PO",
        "GRPO",
        "GMPO",
        "RLOO",
        "PPO",
        "GKD",
        "GOLD",
        "MiniLLM",
        "distillation",
        "self-distillation",
        "SDPO",
        "IW-OPD",
        "preference optimisation",
        "reinforcement learning",
    }
)


def is_causal(objective: str) -> bool:
    """Whether what was trained for it writes one token after the other."""
    return objective in _CAUSAL


def _own_library(training: Training) -> str | None:
    """The library that a trainer's models are loaded with, where that is neither transformers nor PEFT."""
    return _LIBRARIES.get(training.trainer_library or "")


def library_of(training: Training, weights: Weights | None = None) -> str | None:
    """The Hub's name of what the weights are loaded with: those that were trained, or what was made of them.

    None where nothing tells: of a converted file, and of files that are not known.
    """
    if weights in {"converted", "unknown"}:
        return None
    is_adapter = training.trains_adapter if weights is None else weights == "adapter"
    return _own_library(training) or ("peft" if is_adapter else "transformers")
