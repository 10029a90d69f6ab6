"""A card is completed where it may be, and nowhere else."""

from __future__ import annotations

import re
from typing import Any

import pytest
from card_inputs import SECTION, again, compose, metadata, trl_card, with_place

from cardcallback.errors import CardCallbackError
from cardcallback.render.card.compose import default_hub_template
from cardcallback.render.card.front_matter import split_card
from cardcallback.render.card.section_block import (
    BROKEN_MARKS,
    EDITED_BLOCK,
    SECTION_BEGIN,
    SECTION_END,
    has_section,
)
from cardcallback.testing import make_record


@pytest.mark.parametrize("kind", ["person", "template", "trainer", "hub template"])
@pytest.mark.parametrize("place", [None, "DE", "gcp/us-central1"])
def test_composing_twice_changes_nothing(kind: str, place: str | None) -> None:
    """With what the record remembers, and without it."""
    record = with_place(place) if place else make_record()
    body = default_hub_template() if kind == "hub template" else trl_card()
    first = compose(body, record, body_kind=kind, trainer_card=trl_card())
    assert again(first, record, body_kind=kind).text == first.text
    assert again(first, record, body_kind=kind).card == first.card
    assert compose(first.text, record, body_kind=kind).text == first.text


def test_a_trainers_card_keeps_its_citation_last() -> None:
    """The section stands before TRL's citations."""
    text = compose(trl_card("google/gemma-3-4b-it"), body_kind="trainer").text
    headings = re.findall(r"^## .*", text, re.MULTILINE)
    assert headings[-2:] == ["## Training, hardware and environmental impact", "## Citations"]


def test_a_persons_card_gets_the_section_at_its_end() -> None:
    """Their text comes first, byte for byte."""
    body = "# Mine\n\nWords.\n\n## Citation\n\nmine\n"
    composed = compose(body)
    text = split_card(composed.text).body
    assert text.startswith("\n" + body + f"\n{SECTION_BEGIN}\n")
    assert text.endswith("-->\n")


def test_a_checkpoint_rewrite_gets_the_new_section_only() -> None:
    """Our section is replaced where it stands, wherever a person moved it."""
    first = compose("# Mine\n\nWords.\n").text
    moved = first.replace("Words.\n", "") + "\nWords after.\n"
    second = compose(moved, section="## New\n")
    assert second.text.count(SECTION_BEGIN) == second.text.count(SECTION_END) == 1
    assert "## New" in second.text
    assert "1 h 52 min" not in second.text
    assert second.text.endswith("\nWords after.\n")
    assert second.report.warnings == ()


def test_what_a_person_wrote_into_the_section_is_kept() -> None:
    """The edited block stays as it is, a fresh one is added, and the person is told."""
    edited = compose("# Mine\n").text.replace("| Time |", "My own words.\n\n| Time |")
    second = compose(edited, section="## New\n")
    assert second.text.startswith(edited)
    assert second.text.count(SECTION_BEGIN) == 2
    assert EDITED_BLOCK in second.report.warnings
    third = compose(second.text, section="## Newer\n")
    assert third.text == second.text.replace(
        second.text[second.text.rindex(SECTION_BEGIN) :], third.text[third.text.rindex(SECTION_BEGIN) :]
    )
    assert "## New\n" not in third.text


@pytest.mark.parametrize(
    ("break_it", "block_is_whole"),
    [
        (lambda text: text.replace(SECTION_BEGIN + "\n", ""), False),
        (lambda text: re.sub(rf"{SECTION_END}.*\n", "", text), False),
        (lambda text: text.replace("| Time", SECTION_BEGIN + "\n| Time"), False),
        (lambda text: text.replace(SECTION_BEGIN, f"{SECTION_BEGIN}\nmine\n{SECTION_BEGIN}"), True),
        (lambda text: text + f"\n{SECTION_END} -->\n", True),
    ],
)
def test_broken_comments_delete_nothing(break_it: Any, *, block_is_whole: bool) -> None:
    """Half a pair is no block of ours; only a block that is still whole is replaced."""
    first, other = compose("# Mine\n").text, compose("# Mine\n", section="## New\n").text
    block, new = first[first.index(SECTION_BEGIN) :], other[other.index(SECTION_BEGIN) :]
    broken = break_it(first)
    second = compose(broken, section="## New\n")
    assert BROKEN_MARKS in second.report.warnings
    assert second.text == (broken.replace(block, new) if block_is_whole else f"{broken}\n{new}")
    assert compose(second.text, section="## New\n").text == second.text


def test_a_copied_block_goes_and_its_surroundings_stay() -> None:
    """Two blocks that are both wholly ours would show two sets of figures after the next run."""
    first = compose("# Mine\n").text
    block = first[first.index(SECTION_BEGIN) :]
    second = compose(first + "\nbetween\n\n" + block + "\nafter\n", section="## New\n")
    assert second.text.count(SECTION_BEGIN) == 1
    assert second.text.endswith("\nbetween\n\n\nafter\n")


def test_a_section_survives_other_tools_line_ends() -> None:
    """Windows line ends and stripped blanks are no edit."""
    first = compose("# Mine\n", section=SECTION + "a  \nb\n").text
    changed = "\r\n".join(line.rstrip() for line in first.splitlines()) + "\r\n"
    assert has_section(changed)
    second = compose(changed, section="## New\n")
    assert second.report.warnings == ()
    assert "\n" not in second.text.replace("\r\n", "")


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("matter", ["", "---\nlicense: mit\n---\n"])
def test_line_ends_and_byte_order_mark_stay(newline: str, mark: str, matter: str) -> None:
    """What is added ends its lines like the rest."""
    body = mark + (matter + "# Mine\n\n- **Epochs:** [X]\n").replace("\n", newline)
    text = compose(body, with_place()).text
    assert text.startswith(mark + "---" + newline)
    assert re.findall(r"\r\n|\r|\n", text) == [newline] * len(text.splitlines())
    assert again(compose(body, with_place()), with_place()).text == text


def test_broken_front_matter_is_refused() -> None:
    """Nothing is composed, so the old card stays whole."""
    with pytest.raises(CardCallbackError, match="not valid YAML"):
        compose("---\na: [1\n---\n# Mine\n")


def test_a_trainers_broken_front_matter_does_not_stop_the_persons_card() -> None:
    """What the trainer wrote is regenerated anyway."""
    assert "# Mine" in compose("# Mine\n", trainer_card="---\na: [1\n---\n").text


def test_the_hub_template_is_whole_and_loadable() -> None:
    """The default body has the placeholders and no front matter of its own."""
    template = default_hub_template()
    assert template.startswith("# Model Card for")
    assert template.count("[More Information Needed]") > 30
    assert metadata(compose(template, body_kind="hub template").text)["base_model"] == "google/gemma-3-4b-it"


def test_the_trainers_comments_of_our_section_cannot_end_it_early() -> None:
    """A section that holds our own comments stays one block."""
    hostile = f"## A\n\n{SECTION_BEGIN}\n{SECTION_END} -->\n\nrest\n"
    first = compose("# Mine\n", section=hostile)
    second = compose(first.text, section="## New\n")
    assert "rest" not in second.text
    assert second.report.warnings == ()


def test_what_is_appended_to_our_section_stands_apart() -> None:
    """PEFT puts its versions right behind the end comment; an empty line between them comes once."""
    first = compose("# Mine\n\nWords.\n").text
    appended = first + "### Framework versions\n\n- PEFT 0.21.2\n"
    second = compose(appended).text
    assert "-->\n\n### Framework versions\n\n- PEFT 0.21.2\n" in second
    assert compose(second).text == second


def test_the_hubs_results_are_the_held_out_loss() -> None:
    """The template's Results say what was measured on the held-out set."""
    text = compose(default_hub_template(), body_kind="hub template").text
    assert (
        "### Results\n\nHeld-out loss 1.04 (token cross-entropy, 512 examples, answer tokens only), perplexity 2.84; "
        "before training 1.87\n"
    ) in text
