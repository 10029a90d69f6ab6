"""What is trained for, by whom and with which loss, told by names and attributes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from observe_stand_ins import BASE_TRAINER, CAUSAL, SFT_TRAINER, library_loss, named, observe

from cardcallback.record import CUSTOM_LOSS, ENCODER_DECODER_OBJECTIVES, TOKEN_CROSS_ENTROPY
from cardcallback.render.card.filling import fill_placeholders
from cardcallback.testing import make_record


@pytest.mark.parametrize(
    ("cls", "objective"),
    [
        (SFT_TRAINER, "SFT"),
        (named("UnslothSFTTrainer", named("_UnslothSFTTrainer", BASE_TRAINER), module="UnslothSFTTrainer"), "SFT"),
        (named("UnslothGRPOTrainer", BASE_TRAINER, module="UnslothGRPOTrainer"), "GRPO"),
        (named("CustomDPOTrainer", named("DPOTrainer", BASE_TRAINER), module="llamafactory.train"), "DPO"),
        (named("AxolotlKTOTrainer", named("KTOTrainer", BASE_TRAINER), module="axolotl.core"), "KTO"),
        (named("GKDTrainer", SFT_TRAINER), "GKD"),
        (named("OnlineDPOTrainer", BASE_TRAINER), "online DPO"),
        (named("RewardTrainer", BASE_TRAINER), "reward modelling"),
        (BASE_TRAINER, "language modelling"),
    ],
)
def test_the_objective_is_known_by_class_names(cls: type, objective: str) -> None:
    """The nearest named class tells, whoever generated or subclassed it."""
    assert observe(cls()).objective == objective


@pytest.mark.parametrize(
    ("name", "objective"), [("SFTConfig", "SFT"), ("UnslothGRPOConfig", "GRPO"), ("RewardConfig", "reward modelling")]
)
def test_without_a_trainer_its_arguments_tell(name: str, objective: str) -> None:
    """The class of the arguments names the method too."""
    assert observe(args=named(name)()).objective == objective


@pytest.mark.parametrize(
    ("model", "encoder_decoder", "objective"),
    [
        ("BertForMaskedLM", False, "masked language modelling"),
        ("BertForSequenceClassification", False, "sequence classification"),
        ("T5ForConditionalGeneration", True, "sequence-to-sequence"),
        ("LlavaForConditionalGeneration", False, None),
        ("Net", False, None),
    ],
)
def test_a_plain_trainer_is_named_by_its_model(model: str, encoder_decoder: bool, objective: str | None) -> None:  # noqa: FBT001 - a column
    """What the model is for is what it is trained for."""
    instance = named(model)()
    instance.config = SimpleNamespace(is_encoder_decoder=encoder_decoder)
    assert observe(BASE_TRAINER(), model=instance).objective == objective


def test_a_persons_own_class_name_is_not_published() -> None:
    """Of somebody's subclass the nearest library class is named."""
    training = observe(named("SomebodysTrainer", SFT_TRAINER, module="__main__")())
    assert (training.trainer, training.trainer_library) == ("SFTTrainer", "trl")
    assert "Somebody" not in msgspec.json.encode(training).decode()


def test_unsloths_generated_class_is_unsloths() -> None:
    """A module of its own name is Unsloth's cache."""
    training = observe(named("UnslothSFTTrainer", BASE_TRAINER, module="UnslothSFTTrainer")())
    assert (training.trainer, training.trainer_library) == ("UnslothSFTTrainer", "unsloth")


def test_a_librarys_loss_is_a_token_cross_entropy() -> None:
    """SFT and language modelling as the libraries wrote them."""
    assert observe(SFT_TRAINER()).loss_kind == TOKEN_CROSS_ENTROPY
    assert observe(BASE_TRAINER()).loss_kind == TOKEN_CROSS_ENTROPY
    unsloth = named("UnslothSFTTrainer", module="UnslothSFTTrainer", **library_loss("UnslothSFTTrainer"))
    assert observe(unsloth()).loss_kind == TOKEN_CROSS_ENTROPY


@pytest.mark.parametrize(
    ("args", "kind"),
    [
        ({"label_smoothing_factor": 0.1}, "label-smoothed token cross-entropy"),
        ({"loss_type": "dft"}, "DFT loss"),
        ({"loss_type": "something_new"}, None),
        ({"loss_type": "chunked_nll"}, TOKEN_CROSS_ENTROPY),
    ],
)
def test_settings_that_change_the_loss_are_seen(args: dict[str, object], kind: str | None) -> None:
    """Smoothing, re-weighting or an unknown loss has no perplexity."""
    assert observe(SFT_TRAINER(), SimpleNamespace(**args)).loss_kind == kind


def test_router_loss_is_not_cross_entropy() -> None:
    """A mixture of experts adds a loss of its own."""
    model = CAUSAL()
    model.config = SimpleNamespace(output_router_logits=True)
    assert observe(SFT_TRAINER(), model=model).loss_kind == "token cross-entropy plus router loss"


def test_a_persons_own_loss_is_not_guessed() -> None:
    """A subclass's compute_loss, or a loss function handed in, may be anything."""
    own = named("Own", SFT_TRAINER, module="__main__", **library_loss("__main__"))
    assert observe(own()).loss_kind == CUSTOM_LOSS
    given_function = SFT_TRAINER()
    given_function.compute_loss_func = print
    assert observe(given_function).loss_kind == CUSTOM_LOSS
    assert observe().loss_kind is None


def test_a_library_nobody_knows_is_not_a_persons_own_code() -> None:
    """What pip installed has a loss of its own, which nothing tells."""
    installed = named("Distilling", SFT_TRAINER, module="__main__", **library_loss(pytest.fixture.__module__))
    assert observe(installed()).loss_kind is None


def test_only_the_evaluation_by_a_persons_own_code() -> None:
    """The training loss is the library's then, the held-out one is not known: neither is called the other."""
    parts = library_loss() | {"prediction_step": library_loss("__main__")["prediction_step"]}
    assert observe(named("Own", SFT_TRAINER, module="__main__", **parts)()).loss_kind is None


@pytest.mark.parametrize(
    ("adapter", "kind"),
    [
        ({"peft_type": "ADALORA", "orth_reg_weight": 0.5}, "token cross-entropy plus orthogonal regularisation"),
        ({"peft_type": "ADALORA", "orth_reg_weight": 0.0}, TOKEN_CROSS_ENTROPY),
        ({"peft_type": "SHADOW", "auxiliary_loss_weight": 0.1}, "token cross-entropy plus the shadow path's loss"),
        ({"peft_type": "CPT"}, "context-aware prompt tuning loss"),
        ({"peft_type": "LORA", "r": 8, "lora_alpha": 16}, TOKEN_CROSS_ENTROPY),
    ],
    ids=str,
)
def test_what_an_adapter_adds_to_the_loss_is_seen(adapter: dict[str, Any], kind: str) -> None:
    """PEFT adds it while evaluating too, so the exponential of the held-out loss is no perplexity."""
    model = CAUSAL()
    model.peft_config = {"default": SimpleNamespace(**adapter)}
    assert observe(SFT_TRAINER(), model=model).loss_kind == kind


@pytest.mark.parametrize(
    ("masked", "kind"),
    [
        ({}, "token cross-entropy, images' places included"),
        ({"completion_only_loss": True}, TOKEN_CROSS_ENTROPY),
        ({"_is_vision_dataset": False}, TOKEN_CROSS_ENTROPY),
    ],
    ids=str,
)
def test_the_places_of_images_are_no_text(masked: dict[str, bool], kind: str) -> None:
    """TRL leaves their labels in, and they are foreseen every time: a perplexity over them would be too low."""
    trainer = SFT_TRAINER()
    trainer.__dict__.update({"_is_vision_dataset": True, "completion_only_loss": False} | masked)
    assert observe(trainer).loss_kind == kind


@pytest.mark.parametrize(
    ("config", "objective"),
    [
        ({"num_labels": 3}, "sequence classification"),
        ({"num_labels": 1}, "regression"),
        ({"num_labels": 1, "problem_type": "single_label_classification"}, "sequence classification"),
        ({"num_labels": 4, "problem_type": "regression"}, "regression"),
        ({"num_labels": 4, "problem_type": "multi_label_classification"}, "multi-label classification"),
    ],
    ids=str,
)
def test_what_one_class_of_models_is_used_for(config: dict[str, Any], objective: str) -> None:
    """One label makes transformers take squares, whatever the class is called."""
    model = named("BertForSequenceClassification", module="transformers.models.bert")()
    model.config = SimpleNamespace(**config)
    training = observe(BASE_TRAINER(), model=model)
    assert (training.objective, training.loss_kind) == (objective, f"{objective} loss")


@pytest.mark.parametrize(
    ("given", "labels", "objective"),
    [
        ("input_values", 3, "audio classification"),
        ("input_features", 3, "audio classification"),
        ("input_values", 1, "regression"),
        ("input_ids", 3, "sequence classification"),
    ],
)
def test_a_sequence_of_sound_is_no_text(given: str, labels: int, objective: str) -> None:
    """Wav2Vec2 and its kind are classified by a class of the same name as texts are."""
    model = named("Wav2Vec2ForSequenceClassification", module="transformers.models.wav2vec2")()
    model.config = SimpleNamespace(num_labels=labels)
    model.main_input_name = given
    assert observe(BASE_TRAINER(), model=model).objective == objective


@pytest.mark.parametrize(
    ("name", "config", "objective"),
    [
        ("SegformerForSemanticSegmentation", {}, "semantic segmentation"),
        ("DetrForObjectDetection", {}, "object detection"),
        ("Wav2Vec2ForCTC", {}, "speech recognition"),
        ("LlavaForConditionalGeneration", {"vision_config": {}}, "image-text language modelling"),
        ("VoxtralForConditionalGeneration", {"audio_config": {}}, "audio-text language modelling"),
        ("EncoderDecoderModel", {"is_encoder_decoder": True}, "sequence-to-sequence"),
        ("SpeechEncoderDecoderModel", {"is_encoder_decoder": True}, "speech-to-text"),
        ("BertModel", {}, None),
    ],
    ids=str,
)
def test_any_model_of_transformers_says_what_it_is_for(
    name: str, config: dict[str, Any], objective: str | None
) -> None:
    """By its class's name; its loss is then named so and is no perplexity's, that of an encoder and decoder aside."""
    model = named(name, module="transformers.models.some")()
    model.config = SimpleNamespace(**config)
    training = observe(BASE_TRAINER(), model=model)
    assert training.objective == objective
    if objective is not None and objective not in ENCODER_DECODER_OBJECTIVES:
        assert training.loss_kind == f"{objective} loss"


@pytest.mark.parametrize(
    ("name", "given", "objective", "kind"),
    [
        ("WhisperForConditionalGeneration", "input_features", "speech-to-text", "Speech-to-text model"),
        ("MoonshineForConditionalGeneration", "input_values", "speech-to-text", "Speech-to-text model"),
        ("VisionEncoderDecoderModel", "pixel_values", "image-to-text", "Image-to-text model"),
        ("T5ForConditionalGeneration", "input_ids", "sequence-to-sequence", "Sequence-to-sequence language model"),
    ],
)
def test_an_encoder_says_what_it_hears_or_sees(name: str, given: str, objective: str, kind: str) -> None:
    """A model that writes down speech is no language model, though its loss is counted as one's is."""
    model = named(name, module="transformers.models.some")()
    model.config, model.main_input_name = SimpleNamespace(is_encoder_decoder=True), given
    training = observe(BASE_TRAINER(), model=model)
    assert (training.objective, training.loss_kind) == (objective, TOKEN_CROSS_ENTROPY)
    card = fill_placeholders("## Model details\n\n- Model type: [X]\n", make_record(training=training)).text
    assert f"- Model type: {kind}" in card


def test_a_persons_own_model_class_is_not_published() -> None:
    """Only transformers' names are taken apart."""
    assert observe(BASE_TRAINER(), model=named("NetForSecretProject", module="__main__")()).objective is None


def test_axolotls_trainer_hands_on_to_transformers() -> None:
    """Its plain trainer's loss is the model's; with ``orpo_alpha``, and in its further trainers, it is not."""
    plain = named("AxolotlTrainer", BASE_TRAINER, module="axolotl.core.trainers.base")
    losses = {name: value for name, value in library_loss(plain.__module__).items() if callable(value)}
    trainer = type("AxolotlTrainer", (plain,), {"__module__": plain.__module__, **losses})()
    assert observe(trainer).loss_kind == "token cross-entropy"
    trainer.args = SimpleNamespace(orpo_alpha=0.1)
    assert observe(trainer).loss_kind is None
    distilling = named("AxolotlKDTrainer", plain, **library_loss("axolotl.integrations.kd.trainer"))
    assert observe(distilling()).loss_kind is None


def test_preference_losses_are_named() -> None:
    """DPO's loss is DPO's, and covers no tokens."""
    training = observe(named("DPOTrainer", BASE_TRAINER)())
    assert (training.loss_kind, training.loss_covers) == ("DPO loss", None)
