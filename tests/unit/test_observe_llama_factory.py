"""LLaMA-Factory's own arguments are read where its trainers keep them, and of no other trainer."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from cardcallback.observe import observe_training

# As LLaMA-Factory has them: every stage holds the settings of all.
_ALL = {
    "pref_beta": 0.2,
    "pref_loss": "sigmoid",
    "dpo_label_smoothing": 0.1,
    "simpo_gamma": 0.5,
    "kto_chosen_weight": 1.5,
    "kto_rejected_weight": 0.5,
    "ld_alpha": None,
    "pref_ftx": 0.0,
    "pref_bco_weight": 0.0,
}


def trainer_of(package: str, **own: Any) -> Any:
    """A trainer of this package that keeps such arguments."""
    kind = type("CustomTrainer", (), {"__module__": f"{package}.train.trainer"})
    trainer = kind()
    trainer.finetuning_args = SimpleNamespace(**{**_ALL, **own})
    return trainer


def observed(trainer: Any) -> tuple[str | None, dict[str, Any]]:
    """Its objective, and what of the method is among its hyper-parameters."""
    args = SimpleNamespace(learning_rate=0.5)
    found = observe_training(args=args, model=SimpleNamespace(), trainer=trainer)
    assert found.hyperparameters["learning_rate"] == 0.5
    return found.objective, {name: value for name, value in found.hyperparameters.items() if name != "learning_rate"}


@pytest.mark.parametrize(
    ("own", "objective", "settings"),
    [
        ({"stage": "sft"}, "SFT", {}),
        ({"stage": "rm"}, "reward modelling", {}),
        ({"stage": "dpo"}, "DPO", {"loss_type": "sigmoid", "beta": 0.2, "label_smoothing": 0.1}),
        (
            {"stage": "dpo", "dpo_label_smoothing": 0.0, "pref_ftx": 0.3, "pref_bco_weight": 0.2, "ld_alpha": 0.6},
            "DPO",
            {"loss_type": "sigmoid", "beta": 0.2, "ld_alpha": 0.6, "pref_ftx": 0.3, "pref_bco_weight": 0.2},
        ),
        (
            {"stage": "dpo", "pref_loss": "orpo", "dpo_label_smoothing": 0.0},
            "ORPO",
            {"loss_type": "orpo", "beta": 0.2, "reference_model": "none, the method needs none"},
        ),
        (
            # It compares with no reference model, which LLaMA-Factory's BCO loss needs.
            {"stage": "dpo", "pref_loss": "simpo", "dpo_label_smoothing": 0.0, "pref_bco_weight": 0.2},
            "SimPO",
            {
                "loss_type": "simpo",
                "beta": 0.2,
                "simpo_gamma": 0.5,
                "reference_model": "none, the method needs none",
            },
        ),
        (
            {"stage": "kto", "pref_ftx": 0.3, "pref_bco_weight": 0.2},
            "KTO",
            {"beta": 0.2, "desirable_weight": 1.5, "undesirable_weight": 0.5, "pref_ftx": 0.3},
        ),
    ],
)
def test_stage_and_settings(own: dict[str, Any], objective: str, settings: dict[str, Any]) -> None:
    """The stage names the method, and only that method's settings are told."""
    assert observed(trainer_of("llamafactory", **own)) == (objective, settings)


@pytest.mark.parametrize("stage", ["pt", None, 3, ["sft"]])
def test_a_stage_that_does_not_tell(stage: object) -> None:
    """Pre-training is told by the model, and what is no stage is none."""
    assert observed(trainer_of("llamafactory", stage=stage)) == (None, {})


def test_other_trainers_arguments_of_that_name_are_their_own() -> None:
    """A person's trainer may keep something else under the same name."""
    assert observed(trainer_of("mine", stage="sft")) == (None, {})
