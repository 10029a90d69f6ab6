"""Results in the front matter only when asked, and every figure there as the Hub's own client reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from card_inputs import again, compose, metadata, with_place
from folder_cards import open_folder
from huggingface_hub import ModelCard, ModelInfo
from huggingface_hub.utils import endpoint_helpers

from cardcallback.record import RunRecord
from cardcallback.render.card.values import card_values
from cardcallback.settings import resolve_settings
from cardcallback.testing import make_record

OTHERS = """---
model-index:
- name: theirs
  results:
  - task: {type: text-generation}
    dataset: {name: d, type: d}
    metrics: [{type: accuracy, value: 0.5}]
---
# Card
"""


def replaced(record: RunRecord, part: str, **changes: Any) -> RunRecord:
    """The record with fields of one part changed."""
    return msgspec.structs.replace(record, **{part: msgspec.structs.replace(getattr(record, part), **changes)})


def with_result(**changes: Any) -> RunRecord:
    """A record whose last evaluation is another."""
    record = make_record()
    assert record.evaluation.after is not None
    return replaced(record, "evaluation", after=msgspec.structs.replace(record.evaluation.after, **changes))


def test_no_results_in_the_front_matter_unless_asked() -> None:
    """A card's results table is enough for people."""
    assert "model-index" not in compose("# Card\n", make_record()).text


def test_results_are_read_by_the_hubs_client() -> None:
    """Each figure comes back as an EvalResult of the published weights, with a card's three figures and no exponent."""
    composed = compose("# Card\n", with_result(loss=0.000010431, metrics={"eval_accuracy": 0.812345}), model_index=True)
    results = ModelCard(composed.text).data.eval_results
    assert results is not None
    assert [(found.metric_type, found.metric_value) for found in results] == [
        ("loss", 0.0000104),
        ("perplexity", 2.84),
        ("accuracy", 0.812),
    ]
    assert {found.task_type for found in results} == {"text-generation"}
    assert {found.dataset_name for found in results} == {
        "Held-out set of the training run, 512 examples, answer tokens only"
    }
    assert ModelCard(composed.text).data.model_name == "gemma-3-4b-it, fine-tuned"
    assert "e-0" not in composed.text
    assert compose(composed.text, with_result(loss=0.000010431), model_index=True).text == composed.text


def test_results_that_are_ours_follow_the_record() -> None:
    """Once asked for they are kept up to date, and taken out where the record has none any more."""
    first = compose("# Card\n", make_record(), model_index=True)
    second = again(first, with_result(loss=0.5))
    assert metadata(second.text)["model-index"][0]["results"][0]["metrics"][0]["value"] == 0.5
    nothing = again(second, replaced(make_record(), "evaluation", after=None))
    assert "model-index" not in nothing.text


@pytest.mark.parametrize("objective", ["SFT", "Nash-MD", "GKD", "reinforcement learning"])
def test_the_task_and_the_models_type_are_of_one_mind(objective: str) -> None:
    """What is published as text generation is called a causal language model in the card."""
    record = replaced(make_record(), "training", objective=objective)
    assert metadata(compose("# Card\n", record, model_index=True).text)["model-index"][0]["results"][0]["task"] == {
        "type": "text-generation"
    }
    assert card_values(record)["model_type"].startswith("Causal language model")


@pytest.mark.parametrize(
    ("objective", "kind"),
    [
        ("regression", "Regression model"),
        ("object detection", "Object detection model"),
        ("multi-label classification", "Multi-label classification model"),
        ("image-text language modelling", "Image-text language model"),
    ],
)
def test_what_a_model_is_for_is_its_type(objective: str, kind: str) -> None:
    """Nothing but the purpose that its class names, and no language model where there is none."""
    record = replaced(make_record(), "training", objective=objective)
    assert str(card_values(record)["model_type"]).startswith(f"{kind} (architecture ")


def test_another_index_stays_alone() -> None:
    """A trainer's or a person's results are not doubled."""
    composed = compose(OTHERS, make_record(), model_index=True)
    assert composed.text.startswith(OTHERS.partition("---\n# Card")[0])
    assert composed.text.count("metrics") == 1
    assert any("model-index already" in remark for remark in composed.report.remarks)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (replaced(make_record(), "evaluation", after=None), "no held-out evaluation"),
        (with_result(step=500), "not known to be of the published weights"),
        (with_result(step=None), "not known to be of the published weights"),
        (with_result(loss=None, perplexity=None, metrics={"eval_runtime": 3.0, "eval_b_loss": 1.0}), "no figure"),
        (replaced(make_record(), "training", objective="a new one"), "task is not known"),
    ],
)
def test_what_cannot_be_said_truly_is_left_out(record: RunRecord, reason: str) -> None:
    """No result of other weights, no speed for a result, and no guessed task."""
    composed = compose("# Card\n", record, model_index=True)
    assert "model-index" not in composed.text
    assert any(reason in remark for remark in composed.report.remarks)


@pytest.mark.parametrize(
    ("weights", "has"), [("adapter", True), ("unknown", True), ("model", False), ("converted", False)]
)
def test_results_are_not_those_of_what_was_made_of_the_weights(weights: Any, has: bool) -> None:  # noqa: FBT001  a parameter
    """Merged and quantised files were not evaluated; a copied card loses the results of the adapter."""
    composed = compose("# Card\n", make_record(), model_index=True, weights=weights)
    assert ("model-index" in composed.text) == has
    first = compose("# Card\n", make_record(), model_index=True)
    assert ("model-index" in again(first, make_record(), weights=weights).text) == has


def test_the_cards_own_task_and_name_count() -> None:
    """What a person says of the model is not contradicted."""
    record = replaced(make_record(), "training", objective="a new one")
    card = "---\npipeline_tag: image-text-to-text\nmodel_name: scribe\n---\n# Card\n"
    data = metadata(compose(card, record, model_index=True).text)
    assert data["model-index"][0]["results"][0]["task"] == {"type": "image-text-to-text"}
    assert data["model-index"][0]["name"] == "scribe"


def test_a_setting_and_no_argument_asks_for_them(tmp_path: Path) -> None:
    """By environment or settings file; the card that a run writes then has them."""

    def wanted(**environ: str) -> bool:
        paths = {"working_directory": tmp_path, "user_config_directory": tmp_path / "user"}
        return resolve_settings({}, environ=environ, **paths).model_index

    assert not wanted()
    assert wanted(CARDCALLBACK_MODEL_INDEX="1")
    (tmp_path / "cardcallback.toml").write_text("model_index = true\n")
    assert wanted()
    folder = open_folder(tmp_path, model_index=wanted())
    folder.weights_are_ours()
    folder.write_card(make_record(), pictures=False)
    assert ModelCard((tmp_path / "README.md").read_text()).data.eval_results


def within(card: str, low: float, high: float) -> bool:
    """Whether the Hub's own filter finds the card between two emissions."""
    info = ModelInfo(id="a/b", tags=[], private=False, downloads=0, likes=0)
    info.card_data = ModelCard(card).data
    return bool(endpoint_helpers._is_emission_within_threshold(info, low, high))


@pytest.mark.parametrize("grams", [0.00012, 0.5, 37.0, 41_110.0, 1.2e9])
def test_the_hubs_filter_reads_the_grams_that_are_meant(grams: float) -> None:
    """It takes the first decimal of the text: an exponent, a separator or a unit would mislead it."""
    record = with_place()
    assert record.carbon is not None
    record = msgspec.structs.replace(record, carbon=msgspec.structs.replace(record.carbon, emissions_grams=grams))
    card = compose("# Card\n", record).text
    assert within(card, grams * 0.95, grams * 1.05)
    assert not within(card, grams * 1.06, grams * 10)


@pytest.mark.parametrize("value", ["4.2", "{emissions: 4.2}", "'4.2 g'"])
def test_another_figure_stays_as_the_hub_reads_it(value: str) -> None:
    """A bare number, an object and a text: whichever form somebody chose is theirs."""
    card = compose(f"---\nco2_eq_emissions: {value}\n---\n# Card\n", with_place()).text
    assert f"co2_eq_emissions: {value}\n" in card
    assert within(card, 4.1, 4.3)


@pytest.mark.parametrize(
    ("weights", "relation", "library"),
    [(None, "adapter", "peft"), ("adapter", "adapter", "peft"), ("model", None, "transformers")],
)
def test_only_an_adapter_is_called_one(weights: Any, relation: str | None, library: str) -> None:
    """A merged model is no adapter of its base."""
    data = metadata(compose("# Card\n", make_record(), body_kind="trainer", weights=weights).text)
    assert data.get("base_model_relation") == relation
    assert data["library_name"] == library
    assert data["base_model"] == "google/gemma-3-4b-it"


@pytest.mark.parametrize("weights", ["model", "converted"])
def test_a_copied_card_loses_what_was_true_of_the_adapter_only(weights: Any) -> None:
    """The keys that we wrote follow the files; a person's stay."""
    first = compose("# Card\n", make_record(), body_kind="trainer")
    data = metadata(again(first, make_record(), weights=weights).text)
    assert "base_model_relation" not in data
    assert data.get("library_name") == ("transformers" if weights == "model" else None)
    kept = "---\nbase_model_relation: quantized\nlibrary_name: gguf\n---\n# Card\n"
    assert compose(kept, make_record(), weights=weights).text.startswith(kept.partition("---\n# Card")[0])
