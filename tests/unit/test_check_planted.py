"""What a person adds to a filled card: each contradiction of the record is found, and nothing that is sound."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from card_inputs import with_place
from msgspec.structs import replace
from planted_figures import CONTRADICTIONS as FIGURES
from planted_figures import SOUND as SOUND_FIGURES
from planted_sentences import MORE_CONTRADICTIONS, MORE_SOUND

from cardcallback.check import Finding, check_card
from cardcallback.record import RunRecord
from cardcallback.render.card import render_card

TEMPLATES = Path(__file__).parents[1] / "fixtures" / "templates"
CONTRADICTIONS = (*FIGURES, *MORE_CONTRADICTIONS)
SOUND = (*SOUND_FIGURES, *MORE_SOUND)
NAMES = ("kaggle", "firma_deutsch", "hub_annotated", "nvidia_model_card")
DEVICE_HOURS = re.compile(r"(?:GPU|[AH]100)[- ]hours")
GPU_HOURS = [text for text in CONTRADICTIONS if DEVICE_HOURS.search(text)]


@cache
def made(name: str) -> tuple[str, RunRecord, frozenset[str]]:
    """A filled card, the record that remembers it, and what is said of it as it is."""
    record = with_place()
    body = (TEMPLATES / f"{name}.md").read_text(encoding="utf-8")
    composed = render_card(record, body=body, body_kind="template", pictures=False)
    record = replace(record, card=composed.card)
    return composed.text, record, frozenset(one.what for one in check_card(composed.text, record=record))


def added(name: str, text: str, *, with_record: bool = True) -> list[Finding]:
    """The errors that a text at the end of a filled card brings."""
    card, record, before = made(name)
    found = check_card(f"{card}\n{text}", record=record if with_record else None)
    return [one for one in found if one.severity == "error" and one.what not in before]


@pytest.mark.parametrize("number", range(len(CONTRADICTIONS)))
def test_a_planted_contradiction_is_found(number: int) -> None:
    """By label or sentence, in list, table, HTML and prose, whatever language and unit."""
    name = NAMES[number % len(NAMES)]
    assert added(name, CONTRADICTIONS[number])


@pytest.mark.parametrize("number", range(len(SOUND)))
def test_what_is_sound_is_left_alone(number: int) -> None:
    """Rounded, in another unit, of another stage, model or purpose."""
    name = NAMES[number % len(NAMES)]
    assert added(name, SOUND[number]) == []
    assert added(name, SOUND[number], with_record=False) == []


def test_gpu_hours_are_held_against_the_cards_own_time() -> None:
    """Without a record too."""
    assert len(GPU_HOURS) == 8
    for number, text in enumerate(GPU_HOURS):
        assert added(NAMES[number % len(NAMES)], text, with_record=False), text
        assert added("kaggle", text, with_record=False), text


@pytest.mark.parametrize("tokens", ["36,000,000", "3.6 B", "36 M tokens"])
def test_more_tokens_than_the_steps_hold_are_found(tokens: str) -> None:
    """500 steps of 16 sequences of up to 2,048 tokens are 16.4 M at most."""
    settings = "- Steps: 500\n- Effective batch size: 16\n- Max sequence length: 2048\n"
    said = [one.what for one in check_card(f"# A\n\n## Training\n\n{settings}- Training tokens: {tokens}\n")]
    assert [what for what in said if "hold 16.4 M at most" in what]
    assert not [
        one for one in check_card(f"# A\n\n## Training\n\n{settings}- Training tokens: 16.2 M\n") if "hold" in one.what
    ]


@pytest.mark.parametrize("name", ["ada/checkpoint-500", "ada/gemma-checkpoint-500"])
def test_a_repository_named_for_a_checkpoint_is_no_folder(name: str) -> None:
    """Only the folder that a trainer writes is one."""
    card = "---\nlicense: mit\nbase_model: {0}\n---\n# A\n\n- Base model: {0}\n"
    assert [one for one in check_card(card.format(name)) if "folder" in one.what] == []
    for folder in ("outputs/checkpoint-500", "gemma-3-4b-sft/checkpoint-500", "my-lora/checkpoint-500"):
        assert len([one for one in check_card(card.format(folder)) if "folder" in one.what]) == 2
