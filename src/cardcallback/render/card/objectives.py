"""What a training objective says about the model: the one list for its type, its task and its results."""

from __future__ import annotations

_CAUSAL = frozenset(
    {
        "language modelling",
        "SFT",
        "DPO",
        "online DPO",
        "KTO",
        "ORPO",
        "CPO",
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
