"""Whatever somebody's editor, script or malice makes of a card, composing it harms nothing in it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from card_checks import only_fills_changed
from card_inputs import again, compose, with_place
from hypothesis import given, settings
from hypothesis import strategies as st

from cardcallback.errors import CardCallbackError
from cardcallback.record import RunRecord
from cardcallback.render.card import ComposedCard, default_hub_template
from cardcallback.render.card.front_matter import split_card
from cardcallback.render.card.matter_data import key_spans, parse_matter
from cardcallback.render.card.section_block import SECTION_BEGIN, SECTION_END
from cardcallback.testing import make_record

GOLDEN = Path(__file__).parents[1] / "golden"
OWNED = ("base_model", "base_model_relation", "co2_eq_emissions", "library_name", "tags", "datasets")
MATTER = """---
# chosen by us
license: mit   # really
tags: [a, 'b']
model-index:
- name: x
  results: &r []
other: *r
base_model: /home/ada/models/x
---
"""
SEEDS = (
    default_hub_template(),
    MATTER + "# Card\n\n| Property | Value |\n|---|---|\n| **Base Model** | [e.g., x/y] |\n| Epochs | [X] |\n",
    compose(MATTER + "# Ours\n\nText.\n", with_place()).text,
    compose(default_hub_template(), section=(GOLDEN / "section_gb10.md").read_text(encoding="utf-8")).text,
    compose("# No matter\r\n\r\n- **Epochs:** [X]\r\n").text,
)
FRAGMENTS = (
    *("\r", "\r\n", "\n", "\n\n", "\t", "\0", "\ufeff", "\u2028", "\x0b", "\x85", "\ud800", "\u202e", " " * 9),
    *(
        SECTION_BEGIN,
        f"{SECTION_BEGIN}\n",
        f"{SECTION_END} 0123456789abcdef -->\n",
        SECTION_END,
        "<!--",
        "-->",
        "<!-- x -->",
    ),
    *(
        "---",
        "---\n",
        "\n---\n",
        "...\n",
        "a: b\n",
        "? x\n",
        "- ",
        "!!python/object:os.system ls\n",
        "&a",
        "*a",
        "%YAML 9\n",
    ),
    *(
        "co2_eq_emissions: 1\n",
        "base_model: a/b\n",
        "base_model:\n",
        "license: mit\n",
        "1: 2\n",
        "<<: *r\n",
        "{",
        "}",
        "[",
        "]",
    ),
    *(
        "# ",
        "## Citation\n",
        "```\n",
        "~~~\n",
        "| a | b |\n",
        "|---|---|\n",
        "> ",
        "- **Epochs:** [X]\n",
        "<script>",
        "<details>",
    ),
    *(
        "[More Information Needed]",
        "{{ 7*7 }}",
        "{% include 'x' %}",
        "**",
        "_",
        "\\",
        "$$",
        "[X]",
        "[None](https://huggingface.co/None)",
    ),
)


class Edit(NamedTuple):
    """One mutation: what stands from ``begin`` for ``length`` (thousandths of the text) becomes ``text``."""

    begin: int
    length: int
    text: str

    def of(self, card: str) -> str:
        """The card with it."""
        begin = self.begin * len(card) // 1000
        end = begin + self.length * len(card) // 1000
        return card[:begin] + self.text + card[end:]


TEXTS = st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=20))
EDITS = st.builds(
    Edit, begin=st.integers(0, 1000), length=st.one_of(st.just(0), st.just(0), st.integers(0, 300)), text=TEXTS
)
MUTANTS = st.builds(
    lambda seed, edits, twice: _mutated(seed * (1 + twice), edits),
    st.sampled_from(SEEDS),
    st.lists(EDITS, min_size=1, max_size=6),
    st.booleans(),
)
KINDS = st.sampled_from(["person", "template", "trainer", "hub template"])


def _mutated(card: str, edits: list[Edit]) -> str:
    for edit in edits:
        card = edit.of(card)
    return card


def attempt(card: str, record: RunRecord, **arguments: Any) -> ComposedCard | None:
    """The composed card, or None where it was refused in one line; nothing else may come out."""
    try:
        return compose(card, record, **arguments)
    except CardCallbackError as error:
        return None if "\n" not in str(error) else pytest.fail(f"more than one line: {error}")


def unowned(matter: str | None) -> str:
    """The front matter's text without the lines of the keys that we may own or have to clean."""
    for key in OWNED:
        span = key_spans(matter or "").by_name.get(key)
        matter = matter[: span.begin] + matter[span.end :] if matter and span else matter
    return "" if re.fullmatch(r"\s*\{\s*\}\s*", matter or "") else matter or ""


@settings(deadline=None, max_examples=100)
@given(card=MUTANTS, kind=KINDS, placed=st.booleans())
def test_a_mutated_card_keeps_every_byte_that_is_not_ours(card: str, kind: str, placed: bool) -> None:  # noqa: FBT001  hypothesis calls it by name
    """Refused in one line, or completed: then only fills, our section and our keys differ, and twice is once."""
    record = with_place() if placed else make_record()
    composed = attempt(card, record, body_kind=kind)
    if composed is None:
        return
    only_fills_changed(split_card(card).body, composed)
    assert unowned(split_card(composed.text).matter).strip() == unowned(split_card(card).matter).strip()
    parse_matter(split_card(composed.text).matter)
    assert again(composed, record, body_kind=kind).text == composed.text


@settings(deadline=None, max_examples=50)
@given(card=MUTANTS, trainer_card=MUTANTS)
def test_a_mutated_trainers_card_harms_no_persons(card: str, trainer_card: str) -> None:
    """Whatever a trainer left beside it, the person's body stays and the result can be read."""
    composed = attempt(card, with_place(), trainer_card=trainer_card)
    if composed is None:
        return
    only_fills_changed(split_card(card).body, composed)
    parse_matter(split_card(composed.text).matter)


LENGTH = 100_000
ENDLESS = {
    "beginnings of a sentence": " on the [a](https://huggingface.co/datasets/",
    "links that do not end": "fine-tuned version of [a](https://huggingface.co/x",
    "our begin": f"{SECTION_BEGIN}\n",
    "our end": f"{SECTION_END} 0123456789abcdef -->\n",
    "comments": " <!-- a -->",
    "open comments": "x: y <!-- a\n",
    "brackets": "[a",
    "stars": "**a",
    "blank": " ",
    "tabs": "\t",
    "quotations": "> ",
    "lists": "- ",
    "backticks": "`",
    "cells": "|a\\|",
    "NUL": "\0",
}


@pytest.mark.parametrize("piece", ENDLESS.values(), ids=ENDLESS.keys())
@pytest.mark.parametrize("begin", ["# H\n\n", "- **Epochs:** [X] ", "| a | b |\n|---|---|\n| c | "])
def test_an_endless_card_is_composed(piece: str, begin: str) -> None:
    """So much of one piece takes no search that begins again at each: with one, this would take many minutes."""
    card = begin + piece * (LENGTH // len(piece))
    composed = compose(card)
    only_fills_changed(card, composed)
