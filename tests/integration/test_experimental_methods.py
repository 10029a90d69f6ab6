"""TRL's experimental trainers, really trained: named, with whose answers they learn, and never with a perplexity."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="training tests need torch")
pytest.importorskip("trl", reason="training tests need trl")

from tiny import STEPS
from tiny_experimental import make_experimental

from cardcallback import CardCallback, load_run
from cardcallback.record import TOKEN_CROSS_ENTROPY

pytestmark = [pytest.mark.training, pytest.mark.matrix]

_COPY = "a copy of the model that training began from"
_OTHER = "another model, whose Hub id is not known"
# The name, settings that have to be in the record (None: that may not), and words that have to stand on the card.
METHODS: dict[str, tuple[str, dict[str, Any], tuple[str, ...]]] = {
    "distillation": ("distillation", {"teacher_model": _OTHER, "beta": 1.0}, ("Distillation (full fine-tune)",)),
    "gkd": ("GKD", {"teacher_model": _OTHER, "lmbda": 0.5, "loss_type": None}, ("nobody counted them",)),
    "iw_opd": ("IW-OPD", {"teacher_model": _OTHER, "distillation_objective": "iw_opd"}, ("iw_opd_gamma",)),
    "sdft": (
        "self-distillation",
        {"teacher_model": "the model that training began from", "distillation_topk": 4, "teacher_update_rate": None},
        ("2 generated answers, 2 to each of 1 prompt",),
    ),
    "sdpo": (
        "SDPO",
        {"distillation_mode": "sampled_token", "distillation_topk": None, "reward_functions": "chat_reward"},
        ("2 generated answers, 2 to each of 1 prompt", "| Mean reward (self_distillation/reward_mean) |"),
    ),
    "gmpo": ("GMPO", {"reference_model": "none, beta is 0"}, ("2 generated answers, 2 to each of 1 prompt",)),
    "a2po": ("A2PO", {"num_value_samples": 2, "reward_functions": "word_reward"}, ("| Reward |",)),
    "online_dpo": ("online DPO", {"reference_model": _COPY}, ("2 pairs",)),
    "tpo": ("TPO", {"tpo_alpha": 1.0, "tpo_l_gamma": None}, ("2 pairs",)),
}


@pytest.mark.parametrize("name", METHODS)
def test_an_experimental_method(name: str, output_folder: Path, base_folder: Path) -> None:
    """Objective, own settings and words of the card; its loss is never taken for one over tokens."""
    objective, settings, words = METHODS[name]
    try:
        callbacks = [CardCallback(quiet=True)]
        trainer = make_experimental(name, output_folder, base_folder=base_folder, callbacks=callbacks)
    except ImportError:
        pytest.skip(f"this TRL has no {objective}")
    trainer.train()
    record = load_run(output_folder)
    card = (output_folder / "README.md").read_text(encoding="utf-8")
    training = record.training
    assert (training.objective, training.steps) == (objective, STEPS)
    assert {key: training.hyperparameters.get(key) for key in settings} == settings
    assert training.loss_kind not in {None, TOKEN_CROSS_ENTROPY}
    assert "| Perplexity |" not in card
    for expected in words:
        assert expected in card
    assert str(base_folder.parent) not in card
