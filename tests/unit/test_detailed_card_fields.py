"""What a field refuses, and cards from YAML and JSON."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from detailed_cards import complete_card
from huggingface_hub import ModelCard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from cardcallback import DetailedModelCard
from cardcallback.check import check_card
from cardcallback.detailed_card.fields import FIELD_NAMES
from cardcallback.detailed_card.licences import licence_metadata
from cardcallback.errors import CardCallbackError
from cardcallback.hub_licences import hub_licences


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model_name": ""}, "model_name is empty: give the model's name"),
        ({"model_name": "\u200b "}, "model_name is empty"),
        ({"model_name": "/home/somebody/out"}, "model_name is a folder: give the model's name"),
        ({"model_version": 2.0}, "model_version must be text, not 2.0: put it in quotes"),
        ({"model_type": ["x"]}, "model_type must be text, not a list: give text"),
        ({"developed_by": "x" * 2001}, "developed_by is longer than 2,000 characters: shorten it"),
        ({"summary": "x" * 50_001}, "summary is longer than 50,000 characters"),
        ({"base_model": "/home/somebody/llama"}, "base_model is a folder"),
        ({"base_model": "./llama"}, "give the model's Hub id (owner/name)"),
        ({"base_model": "~/llama"}, "base_model is a folder"),
        ({"base_model": "C:\\models\\llama"}, "base_model is a folder"),
        ({"base_model": "models\\llama"}, "base_model is a folder"),
        ({"base_model": "runs/llama/final"}, "base_model is a folder"),
        ({"base_model": "runs/checkpoint-500"}, "base_model is a folder"),
        ({"base_model": "checkpoint-500/"}, "base_model is a folder"),
        ({"language": [1]}, "language[0] must be text, not 1"),
        ({"language": {"en": 1}}, "language must be a list of texts, not a dict: put it in brackets"),
        ({"out_of_scope": "refunds"}, "out_of_scope must be a list of texts, not 'refunds': put it in brackets"),
        ({"recommendations": ["x"] * 1001}, "recommendations has more than 1,000 entries"),
        ({"primary_uses": ["chat"]}, "primary_uses[0] must be a mapping with use, example, not 'chat'"),
        ({"primary_uses": [{"example": "x"}]}, "primary_uses[0] has no use: give at least that"),
        ({"primary_uses": [{"use": "x", "sample": "y"}]}, "has no 'sample': the nearest is example"),
        ({"biases": [{"type": "x", "description": 3}]}, "biases[0].description must be text, not 3"),
        ({"safety_evaluations": {"BBQ": 82}}, "safety_evaluations['BBQ'] must be a share between -1 and 1, not 82"),
        ({"safety_evaluations": {"BBQ": "0.8"}}, "must be a number, not '0.8': give a share such as 0.58"),
        ({"safety_evaluations": {"BBQ": float("nan")}}, "must be a finite number"),
        ({"safety_evaluations": {"BBQ": True}}, "must be a number, not True"),
        ({"safety_evaluations": {"BBQ": 10**400}}, "must be a finite number"),
        ({"safety_evaluations": [0.8]}, "must be a mapping of names to values, not a list"),
        ({"safety_evaluations": {3: 0.8}}, "a name in safety_evaluations must be text, not 3"),
        ({"training_hyperparameters": {"Rank": float("inf")}}, "must be a finite number"),
        ({"training_hyperparameters": {"Rank": 10**5000}}, "must be a finite number"),
        ({"training_hyperparameters": {"Rank": [64]}}, "must be text, not a list"),
    ],
)
def test_what_a_field_cannot_hold_is_refused_in_one_line(changes: dict[str, Any], words: str) -> None:
    """Each message names the field, and says what to give."""
    with pytest.raises(CardCallbackError) as refused:
        complete_card(**changes)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_every_field_is_checked() -> None:
    """The table of checks and the class have the same fields in the same order."""
    assert [field.name for field in dataclasses.fields(DetailedModelCard)] == list(FIELD_NAMES)


@pytest.mark.parametrize("name", FIELD_NAMES[1:])
def test_none_is_unset(name: str) -> None:
    """An empty key of a file, and None in Python, are what nobody has given."""
    card = complete_card(**{name: None})
    assert name in card.unset_fields()
    assert card.render()


@pytest.mark.parametrize("name", ["Llama 3.1 8B Instruct", "gpt2", "owner/name", "a model of our own (v2)"])
def test_a_base_model_may_have_any_name(name: str) -> None:
    """Only a folder is refused; what is no Hub id is printed and stays out of the metadata."""
    card = ModelCard(complete_card(base_model=name).render())
    assert f"| **Base Model** | {name} |" in card.text
    assert card.data.base_model == (name if name in {"gpt2", "owner/name"} else None)


def test_one_language_needs_no_brackets() -> None:
    """As the Hub's own metadata allows."""
    assert complete_card(language="en").language == ["en"]


@pytest.mark.parametrize(
    ("licence", "metadata"),
    [
        ("", {}),
        ("  ", {}),
        ("Apache-2.0", {"license": "apache-2.0"}),
        ("llama3.1", {"license": "llama3.1"}),
        ("eupl-1.2", {"license": "eupl-1.2"}),
        ("proprietary", {"license": "other", "license_name": "proprietary"}),
        ("My Licence, version 2!", {"license": "other", "license_name": "my-licence-version-2"}),
        ("other", {"license": "other"}),
        ("漢", {"license": "other"}),
    ],
)
def test_a_licence_is_an_id_of_the_hub_or_other(licence: str, metadata: dict[str, str]) -> None:
    """What the Hub would refuse is written as "other" with a name."""
    assert licence_metadata(licence) == metadata


@pytest.mark.parametrize("licence", hub_licences())
def test_what_is_written_is_what_the_check_knows(licence: str) -> None:
    """One list: no id that the check takes is published as "other", and none that is published is called unknown."""
    assert licence_metadata(licence) == {"license": licence}
    card = f"---\nlicense: {licence}\nlicense_name: x\n---\n# Ours\n"
    assert not [one for one in check_card(card) if one.rule == "metadata" and "the license" in one.what]


def test_python_yaml_and_json_give_one_card(tmp_path: Path) -> None:
    """As text, as a path, and as a path's name."""
    card = complete_card()
    data = dataclasses.asdict(card)
    as_json, as_yaml = tmp_path / "card.json", tmp_path / "card.yaml"
    as_json.write_text(json.dumps(data), encoding="utf-8")
    with as_yaml.open("w", encoding="utf-8") as file:
        YAML().dump(data, file)
    assert DetailedModelCard.from_dict(data) == card
    for source in (as_json, str(as_json), as_json.read_text(encoding="utf-8")):
        assert DetailedModelCard.from_json(source) == card
    for source in (as_yaml, str(as_yaml), as_yaml.read_text(encoding="utf-8")):
        assert DetailedModelCard.from_yaml(source) == card


def test_norwegian_and_small_numbers_survive_yaml() -> None:
    """YAML's traps: "no" is a language and "2e-4" a number."""
    text = "model_name: m\nlanguage: [no, en]\nfunded_by:\ntraining_hyperparameters: {Learning Rate: 2e-4}\n"
    card = DetailedModelCard.from_yaml(text)
    assert card.language == ["no", "en"]
    assert card.funded_by == ""
    assert ModelCard(card.render()).data.language == ["no", "en"]
    assert "| Learning Rate | 0.0002 |" in card.render()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("model_name: m\nlicence: mit", "a detailed card has no 'licence': the nearest is license"),
        ("model_name: m\nBiases: []", "has no 'Biases': the nearest is biases"),
        ("model_name: m\nout-of-scope: []", "has no 'out-of-scope': the nearest is out_of_scope"),
        ("model_name: m\n3: x", "has no 3: the nearest is "),
        ("model_version: '1'", "the card has no model_name: give it"),
        ("model_name:", "the card has no model_name: give it"),
        ("- a", "a card is a mapping of field names to values, not a list"),
        ("", "a card is a mapping of field names to values, not None"),
        ("model_name: m\nmodel_version: 2.0", "model_version must be text, not 2.0: put it in quotes"),
        ("model_name: m\nmodel_version: 2024-01-31", "model_version must be text, not a date: put it in quotes"),
        ("model_name: [", "the YAML cannot be read (line 1: "),
        ("model_name: m\nmodel_name: n", "the YAML cannot be read (line 2: "),
        ("model_name: !!python/object/apply:os.system ['id']", "the YAML cannot be read (line 1: "),
        ("a: &a [*a]\nmodel_name: m", "has no 'a'"),
        ("[" * 5000, "the YAML cannot be read"),
        ("model_name: 2024-13-45", "the YAML cannot be read"),
        ("x: " + "y" * 300_000, "the YAML is longer than 256 KiB"),
    ],
)
def test_bad_yaml_is_refused_in_one_line(text: str, words: str) -> None:
    """What is wrong and what to do, without an object made of it."""
    with pytest.raises(CardCallbackError) as refused:
        DetailedModelCard.from_yaml(text)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"model_name": "m", "licence": "mit"}', "the nearest is license"),
        ('{"model_name": "m", "model_name": "n"}', "a key stands there twice"),
        ('{"model_name": "m"', "the JSON cannot be read ("),
        ("[" * 100_000, "the JSON cannot be read ("),
        ('{"model_name": "m", "safety_evaluations": {"x": NaN}}', "must be a finite number"),
        ("null", "a card is a mapping of field names to values, not None"),
    ],
)
def test_bad_json_is_refused_in_one_line(text: str, words: str) -> None:
    """The same for JSON."""
    with pytest.raises(CardCallbackError) as refused:
        DetailedModelCard.from_json(text)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_missing_file_is_nothing_to_work_on(tmp_path: Path) -> None:
    """Exit code 3, by the file's name."""
    with pytest.raises(CardCallbackError, match=r"cannot read card\.yaml") as refused:
        DetailedModelCard.from_yaml(tmp_path / "card.yaml")
    assert refused.value.exit_code == 3
    with pytest.raises(CardCallbackError, match="a card is read from text or a path"):
        DetailedModelCard.from_json(3)  # type: ignore[arg-type]


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
MAPPINGS = st.dictionaries(st.sampled_from(["use", "type", "x", 3]), SCALARS, max_size=2)
VALUES = SCALARS | MAPPINGS | st.lists(SCALARS | MAPPINGS, max_size=2)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(FIELD_NAMES), VALUES, max_size=8))
def test_any_mapping_is_a_card_or_one_line(data: dict[str, Any]) -> None:
    """Whatever a file holds, it is printed and read by the Hub, or refused by us and by nothing else."""
    try:
        text = DetailedModelCard.from_dict({"model_name": "m"} | data).render()
    except CardCallbackError as refused:
        assert "\n" not in str(refused)  # noqa: PT017  either outcome is right
    else:
        assert ModelCard(text).data.to_dict()["model_name"]
