"""What a training says about the model: the one list for its type, its task, its results and its library."""

from __future__ import annotations

from cardcallback.record import Training

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


def own_library(training: Training) -> str | None:
    """The library that a trainer's models are loaded with, where that is neither transformers nor PEFT."""
    return _LIBRARIES.get(training.trainer_library or "")


def library_of(training: Training) -> str:
    """The Hub's name of what the trained weights are loaded with."""
    return own_library(training) or ("peft" if training.lora is not None else "transformers")
