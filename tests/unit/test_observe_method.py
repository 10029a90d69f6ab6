"""A method's own settings: read by type, left out where they do nothing, its reference model in words."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from observe_stand_ins import BASE_TRAINER, CAUSAL, library_loss, named, observe

from cardcallback.observe.hyperparameters import observe_hyperparameters
from cardcallback.observe.method_settings import observe_method
from cardcallback.render.section.recipe_settings import method_settings, other_settings


def _settings(**args: Any) -> dict[str, Any]:
    return dict(observe_method(SimpleNamespace(**args), None, None, None))


@pytest.mark.parametrize(
    ("args", "found"),
    [
        ({"loss_type": ["sigmoid", "sft"]}, {"loss_type": "sigmoid+sft"}),
        ({"loss_type": ["sigmoid"] * 9}, {}),
        ({"loss_type": ["sigmoid", "a sentence"]}, {}),
        ({"loss_type": "dapo", "beta": 0.0, "scale_rewards": "group"}, None),
        ({"beta": [0.1, 0.2]}, {"beta": "0.1, 0.2"}),
        ({"beta": [0.1, "x"], "reward_weights": [1.0, 0.5]}, {"reward_weights": "1, 0.5"}),
        ({"scale_rewards": True}, None),
        ({"top_k": 0, "repetition_penalty": 1.0, "label_smoothing": 0.0, "entropy_coef": 0.0}, {}),
        ({"top_k": 50, "repetition_penalty": 1.1}, None),
        ({"sync_ref_model": False, "ref_model_mixup_alpha": 0.6}, {"sync_ref_model": False}),
        ({"sync_ref_model": True, "ref_model_mixup_alpha": 0.6}, None),
        ({"use_vllm": False, "vllm_mode": "server"}, {"use_vllm": False}),
        ({"loss_type": "sigmoid", "discopop_tau": 0.05, "simpo_gamma": 0.5}, {"loss_type": "sigmoid"}),
        ({"batch_sampler": "batch_sampler"}, {}),
        ({"num_generations": 8.0, "epsilon": float("nan"), "temperature": True}, {"num_generations": 8}),
    ],
    ids=str,
)
def test_what_does_nothing_is_not_named(args: dict[str, Any], found: dict[str, Any] | None) -> None:
    """``None``: all of them are kept as they are."""
    assert _settings(**args) == (args if found is None else found)


class Config(SimpleNamespace):
    """What a model says of itself."""


def _model(name: str, **more: Any) -> Any:
    return SimpleNamespace(config=Config(_name_or_path=name), **more)


def _reference(objective: str, model: Any, held: Any = None, **args: Any) -> Any:
    trainer = SimpleNamespace(ref_model=held)
    return observe_method(SimpleNamespace(**args), trainer, model, objective).get("reference_model")


def test_the_reference_model_in_words() -> None:
    """A copy, another model by its Hub id, the adapter switched off, none, or not known."""
    own = _model("org/base")
    copy = "a copy of the model that training began from"
    assert _reference("DPO", own, _model("org/base")) == copy
    assert _reference("DPO", own, _model("org/base"), sync_ref_model=True) == f"{copy}, updated while training"
    assert _reference("KTO", own, _model("org/other")) == "org/other"
    assert _reference("KTO", own, _model("/home/someone/models/x")) == "another model, whose Hub id is not known"
    adapted = _model("org/base", peft_config={"default": None})
    assert _reference("DPO", adapted) == "the base model with the adapter switched off"
    assert (
        _reference("DPO", _model("org/base", peft_config={"a": None, "ref": None})) == "the adapter as training began"
    )
    assert _reference("GRPO", own, beta=0.0) == "none, beta is 0"
    assert _reference("GRPO", adapted, beta=0.1) == "the base model with the adapter switched off"
    assert _reference("ORPO", own) == "none, the method needs none"
    assert _reference("DPO", own, reference_free=True) == "none, by its settings"
    assert _reference("DPO", own, precompute_ref_log_probs=True) == (
        "the model as training began, read once before training"
    )
    assert _reference("DPO", own) is None
    assert _reference("SFT", own, _model("org/base")) is None


def _teacher(objective: str, held: Any = None, *, client: Any = None, **args: Any) -> Any:
    trainer = SimpleNamespace(teacher_model=held, teacher_client=client)
    return observe_method(SimpleNamespace(**args), trainer, _model("org/base"), objective).get("teacher_model")


def test_the_teacher_in_words() -> None:
    """Whose answers a distillation learns: a Hub id and never a folder, a server, the model itself."""
    assert _teacher("distillation", _model("org/large")) == "org/large"
    assert _teacher("GKD", _model("/home/someone/large")) == "another model, whose Hub id is not known"
    assert _teacher("distillation", client=object()) == "a model behind a server"
    assert _teacher("distillation") is None
    assert _teacher("self-distillation", teacher_model_kind="base") == "the model that training began from"
    assert _teacher("SDPO", teacher_model_kind="ema") == "a running mean of the model's own weights"
    assert _teacher("SFT", _model("org/large")) is None


def test_what_a_distillation_inherits_and_does_not_use() -> None:
    """GKD's arguments have SFT's loss type, which its loss never reads; a teacher that stands still has no rate."""
    args = SimpleNamespace(loss_type="nll", beta=0.5, teacher_model_kind="base", teacher_update_rate=0.6)
    found = observe_method(args, None, None, "GKD")
    assert found == {"beta": 0.5, "teacher_model": "the model that training began from"}
    moving = SimpleNamespace(teacher_model_kind="ema", teacher_update_rate=0.6)
    assert observe_method(moving, None, None, "SDFT")["teacher_update_rate"] == 0.6


def test_reward_functions_by_name() -> None:
    """Functions by their names, objects by their classes', models by their Hub ids and never by a folder."""

    def rated(**_: Any) -> list[float]:
        return []

    class Judge:
        def __call__(self) -> list[float]:
            return []

    def model(name: str) -> Any:
        return _model(name, parameters=list)

    functions = [rated, lambda **given: [len(given)], Judge(), model("org/reward"), model("/home/someone/reward")]
    trainer = SimpleNamespace(reward_funcs=functions)
    found = observe_method(SimpleNamespace(), trainer, None, "GRPO")["reward_functions"]
    assert found == "rated, a function, Judge, org/reward, a reward model"
    trainer = SimpleNamespace(reward_funcs=[rated] * 10)
    found = observe_method(SimpleNamespace(), trainer, None, "GRPO")["reward_functions"]
    assert found == f"{', '.join(['rated'] * 8)} and 2 more"


class _Always:
    """Arguments that have every setting, with one value."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __getattr__(self, name: str) -> Any:
        return self._value


@pytest.mark.parametrize("value", [1, True, "cosine", "steps", "bfd"])
def test_what_any_trainer_has_is_no_setting_of_a_method(value: Any) -> None:
    """A card tells the two in rows of their own, so that no setting may be in both or in the wrong one."""
    of_trainers = observe_hyperparameters(_Always(value), None, None)
    of_method = observe_method(_Always(value), None, None, None)
    assert of_trainers
    assert of_trainers.keys().isdisjoint(of_method)
    assert not method_settings(of_trainers)
    assert not other_settings(dict(of_method))


def test_losses_of_sentence_transformers() -> None:
    """The library's own class by name, inner ones in brackets; a person's own class is none of a card's business."""
    library = "sentence_transformers.trainer"
    trainer_class = named("SentenceTransformerTrainer", BASE_TRAINER, module=library, **library_loss(library))

    def observed(loss: Any) -> tuple[Any, Any]:
        trainer = trainer_class()
        trainer.loss = loss
        training = observe(trainer)
        return training.loss_kind, training.hyperparameters.get("loss")

    inner = named("CosineSimilarityLoss", module="sentence_transformers.losses")()
    outer = named("MatryoshkaLoss", module="sentence_transformers.losses")()
    outer.loss = inner
    assert observed(inner) == ("CosineSimilarityLoss",) * 2
    assert observed(outer) == ("MatryoshkaLoss (CosineSimilarityLoss)",) * 2
    assert observed(named("SomebodysLoss", module="__main__")()) == (None, None)
    assert observed({"one": inner, "two": outer}) == ("sentence embedding loss", None)


def test_a_batch_size_set_after_construction_counts() -> None:
    """SetFit's trainer notes eight and then trains with two: what is asked for is what its loader gives."""
    args = SimpleNamespace(
        per_device_train_batch_size=2, train_batch_size=2, gradient_accumulation_steps=1, world_size=1
    )
    trainer = BASE_TRAINER()
    trainer._train_batch_size = 8
    trainer.get_total_train_batch_size = lambda given: 8 * given.gradient_accumulation_steps
    assert observe(trainer, args, CAUSAL()).hyperparameters["effective_batch_size"] == 2
