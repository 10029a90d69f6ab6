"""With the record, every digit of ours that was changed is found, and no other card raises a word."""

from __future__ import annotations

import random
from functools import cache

import pytest
from card_inputs import trl_card
from msgspec.structs import replace
from section_energy import with_place
from section_records import RECORDS

from cardcallback.check import Finding, check_card
from cardcallback.record import Node, RunRecord
from cardcallback.render.card import default_hub_template, render_card
from cardcallback.render.card.compose import compose_card
from cardcallback.render.card.front_matter import key_source, split_card
from cardcallback.render.card.metadata import HEADING
from cardcallback.render.card.section_block import section_spans
from cardcallback.render.card.slots import find_slots
from cardcallback.render.section import render_section
from cardcallback.testing import make_record

TEMPLATE = """---
license: mit # mine
---
# Model Card: Weather sums

| Property | Value |
|---|---|
| **Base Model** | [e.g., Org/Model-7B] |
| LoRA Rank | [e.g., 64] |
| Learning Rate | [e.g., 2e-4] |
| Epochs | [e.g., 3] |

- **Training Time**: ~[X] minutes
- **Validation Loss**: [X]
- **Perplexity (Base)**: [X]
- **Hardware**: NVIDIA DGX Spark

## Environmental Impact

- **Carbon Emissions:** [If known]
- **Estimated Energy (kWh):** [Estimate based on TDP]

We took 3 days of 2026 and 41 cups of coffee.
"""
STYLES = """
## Training

We trained for [X] steps with a learning rate of [X].[^1]

| Größe | Wert | Einheit |
|---|---|---|
| Energieverbrauch | [auszufüllen] | kWh |

<table>
<tr><th>Parameter</th><th>Value</th></tr>
<tr><td>Max sequence length</td><td>[X]</td></tr>
</table>

| Training Loss | Validation Loss | Perplexity |
|---|---|---|
| [value] | [value] | [value] |

- Peak GPU memory: [X] / [X] GB

## Evaluation results

- Perplexity: [value]

[^1]: Training time: [X] hours
"""
OF_RECORD = {"own-section", "own-value", "record", "against-record"}
PLACES = (None, None, "DE", "FR", "US-CA", "gcp/us-central1")


def bodies() -> list[tuple[str, str]]:
    """Kind and text of cards that people, templates, trainers and the Hub bring."""
    return [
        ("template", TEMPLATE + STYLES),
        ("hub template", default_hub_template()),
        ("person", "---\nlicense: mit\n---\n# Ours\n\nWritten over 12 days of 2026.\n"),
        ("trainer", trl_card("google/gemma-3-4b-it")),
    ]


@cache
def made(name: str, place: str | None, kind: str, pictures: bool) -> tuple[str, RunRecord]:  # noqa: FBT001  part of the case
    """A card and the record that remembers it."""
    record = RECORDS[name]() if place is None else with_place(RECORDS[name](), place)
    body = dict(bodies())[kind]
    composed = render_card(record, body=body, body_kind=kind, pictures=pictures)
    return composed.text, replace(record, card=composed.card)


def of_record(text: str, record: RunRecord) -> list[Finding]:
    """What the record finds wrong in the card."""
    return [one for one in check_card(text, record=record) if one.rule in OF_RECORD]


def own_digits(text: str, record: RunRecord) -> list[int]:
    """Where digits of ours stand: section, fills, and the keys that we wrote."""
    split = split_card(text)
    begin = len(text) - len(split.body)
    spans = [(begin + one, begin + other) for one, other in section_spans(split.body)]
    texts = {fill.text for fill in record.card.filled if fill.heading != HEADING}
    spans += [(begin + slot.begin, begin + slot.end) for slot in find_slots(split.body) if slot.text in texts]
    for fill in record.card.filled:
        if fill.heading == HEADING:
            source = key_source(split.matter or "", fill.label) or ""
            spans.append((text.index(source), text.index(source) + len(source)))
    return sorted({at for one, other in spans for at in range(one, other) if text[at] in "0123456789"})


def missed(cards: int, seed: int) -> list[object]:
    """Of so many cards, each with one digit of ours changed, those on whose changed line no error stands."""
    chance = random.Random(seed)  # noqa: S311  cases, not secrets
    names, kinds = sorted(RECORDS), [kind for kind, _ in bodies()]
    found: list[object] = []
    for _ in range(cards):
        case = chance.choice(names), chance.choice(PLACES), chance.choice(kinds), chance.random() < 0.8
        text, record = made(*case)
        at = chance.choice(own_digits(text, record))
        other = chance.choice([digit for digit in "0123456789" if digit != text[at]])
        changed = text[:at] + other + text[at + 1 :]
        line = text.count("\n", 0, at) + 1
        if not any(one.line == line and one.severity == "error" for one in of_record(changed, record)):
            found.append((case, line, changed[at - 40 : at + 40]))
    return found


@pytest.mark.matrix
def test_of_a_thousand_cards_each_changed_digit_is_found() -> None:
    """One digit anywhere in what is ours, and an error stands on its line."""
    assert missed(1000, seed=20260302) == []


def test_of_fifty_cards_each_changed_digit_is_found() -> None:
    """As of a thousand, in seconds."""
    assert missed(50, seed=7) == []


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_an_unchanged_card_raises_no_word(name: str) -> None:
    """Every situation, in every kind of card, with line ends of both kinds."""
    for kind, _ in bodies():
        text, record = made(name, "DE", kind, True)  # noqa: FBT003  with pictures
        assert of_record(text, record) == []
        assert of_record(text.replace("\n", "\r\n"), record) == []


HARD = """# ACME sheet for [Model name]

| Field | Value | Owner |
|---|---|---|
| Training duration (h) | TBD | us |
| Trainable parameters (M) | TBD | us |

| Metric | Threshold | Result |
|---|---|---|
| Validation loss | < 1.2 | TBD |

## Training details

📉 Loss: **[X]**

We trained for [X] epochs (batch size [X], learning rate [X]).[^3]

- Base model: [e.g., Org/Model-7B]

[^2]: Epochs: [X]
[^3]: Learning rate: [X]
"""


def test_each_changed_digit_of_a_hard_template_is_found() -> None:
    """Beside thresholds, in badges, sentences and footnotes, in names, and under a title that is filled itself."""
    record = make_record()
    composed = render_card(record, body=HARD, body_kind="template", pictures=False)
    record, text = replace(record, card=composed.card), composed.text
    assert len(record.card.filled) >= 7
    assert not [one for one in of_record(text, record) if one.rule == "own-value"]
    begin, end = text.index("# ACME"), text.index("<!-- cardcallback:begin")
    before = set(HARD.splitlines())
    hidden = []
    for at in (at for at in range(begin, end) if text[at].isdigit()):
        line = text.count("\n", 0, at) + 1
        piece = text.splitlines()[line - 1]
        is_name_of_note = text[at - 1] == "^"
        is_threshold = text[:at].endswith(("< ", "< 1."))
        if piece in before or is_name_of_note or is_threshold:
            continue
        changed = f"{text[:at]}{(int(text[at]) + 1) % 10}{text[at + 1 :]}"
        if not any(one.line == line and one.severity == "error" for one in of_record(changed, record)):
            hidden.append((line, piece, text[at]))
    assert hidden == []


def test_a_fill_that_is_gone_is_a_hint() -> None:
    """A person may take a line out, and the record then tells more than the card."""
    record = make_record()
    composed = render_card(record, body=HARD, body_kind="template", pictures=False)
    record = replace(record, card=composed.card)
    text = "\n".join(line for line in composed.text.splitlines() if not line.startswith("- Base model:"))
    found = [one for one in of_record(text, record) if one.rule == "own-value"]
    assert [(one.severity, "is gone: google/gemma-3-4b-it" in one.what) for one in found] == [("hint", True)]


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_our_own_section_is_measured_by_no_plain_rule(name: str) -> None:
    """Beside what a person states of rated power, it says mean powers, other CO2e and other times."""
    body = "---\nlicense: mit\n---\n# Ours\n\nTrained on 2 x NVIDIA H100 (TDP 700 W), measured.\n"
    record = with_place(RECORDS[name](), "DE")
    text = render_card(record, body=body, body_kind="person", pictures=False).text
    assert {one.rule for one in check_card(text) if one.severity == "error"} <= {"dead-link"}


def test_a_card_of_another_place_raises_no_word() -> None:
    """The record was given another place since, or none: the card's figures still follow from its own."""
    text, record = made("gb10", "FR", "template", True)  # noqa: FBT003  with pictures
    for place in ("NO", "US-CA"):
        assert of_record(text, replace(with_place(make_record(), place), card=record.card)) == []
    assert of_record(text, replace(record, carbon=None)) == []


def test_a_changed_figure_in_a_card_of_another_place_is_found() -> None:
    """Its own place is no excuse for a wrong product."""
    text, record = made("gb10", "FR", "person", True)  # noqa: FBT003  with pictures
    moved = replace(with_place(make_record(), "NO"), card=record.card)
    row = next(line for line in text.splitlines() if line.startswith("| CO2e"))
    wrong = row.replace(" g; ", "0 g; ", 1)
    assert wrong != row
    line = text[: text.index(row)].count("\n") + 1
    assert [(one.severity, one.line) for one in of_record(text.replace(row, wrong), moved)] == [("error", line)]


def test_edits_outside_what_is_ours_raise_no_word() -> None:
    """A person adds words and figures of their own, around the section and in the front matter."""
    text, record = made("gb10_germany", "DE", "template", True)  # noqa: FBT003  with pictures
    edited = (
        text.replace("41 cups", "42 cups").replace("# Model Card", "# The 2nd card") + "\n## More\n\n107 of 8 things.\n"
    )
    edited = edited.replace("license: mit # mine", "license: mit # mine\nversion: 3")
    assert of_record(edited, record) == []


def test_a_value_that_a_person_replaced_is_a_hint() -> None:
    """Their words stand; only a figure that contradicts the record is an error."""
    text, record = made("gb10", None, "template", True)  # noqa: FBT003  with pictures
    filled = next(fill.text for fill in record.card.filled if fill.label == "Training Time")
    label = "- **Training Time**: "
    assert label + filled in text
    told = text.replace(label + filled, f"{label}an afternoon")
    assert [(one.severity, one.rule) for one in of_record(told, record)] == [("hint", "own-value")]
    wrong = text.replace(label + filled, f"{label}about 3 hours")
    assert ("error", "against-record") in [(one.severity, one.rule) for one in of_record(wrong, record)]


def test_a_persons_own_figures_are_held_against_the_record() -> None:
    """Labelled values in a card that was never filled."""
    body = (
        "# Ours\n\n- **Epochs:** 3\n- **LoRA Rank:** 16\n- **Training Time:** 112 minutes\n- **Peak Memory:** 93 GB\n"
    )
    text = render_card(make_record(), body=body, body_kind="person", pictures=True)
    found = of_record(text.text, replace(make_record(), card=text.card))
    assert sorted(one.what.split(" says")[0] for one in found) == ["Epochs", "Peak Memory"]


def test_a_figure_of_the_record_that_was_edited_is_found() -> None:
    """The card is whole, the record is not: its own figures contradict one another."""
    text, record = made("gb10", "DE", "person", True)  # noqa: FBT003  with pictures
    gpu = replace(record.energy.gpu, value=1.7 * (record.energy.gpu.value or 0))
    found = of_record(text, replace(record, energy=replace(record.energy, gpu=gpu)))
    assert any(one.place == "record" and "energy.gpu" in one.what for one in found)


EDITED_RECORDS = {
    "duration_seconds": lambda record: replace(record, duration_seconds=672.0),
    "carbon": lambda record: replace(record, carbon=replace(record.carbon, emissions_grams=37_000.0)),
    "perplexity": lambda record: replace(
        record, evaluation=replace(record.evaluation, after=replace(record.evaluation.after, perplexity=3.84))
    ),
    "training.steps": lambda record: replace(record, training=replace(record.training, steps=5000)),
    "memory.system_peak": lambda record: replace(
        record, memory=replace(record.memory, system_peak=replace(record.memory.system_peak, value=7e11))
    ),
    "energy.per_token": lambda record: replace(
        record, energy=replace(record.energy, per_token=replace(record.energy.per_token, value=0.7))
    ),
    "published_step": lambda record: replace(record, training=replace(record.training, published_step=750)),
}


@pytest.mark.parametrize("name", EDITED_RECORDS)
def test_a_record_that_contradicts_itself_is_found(name: str) -> None:
    """One figure edited by hand."""
    record = EDITED_RECORDS[name](with_place(make_record(), "DE"))
    found = [one.what for one in check_card("# Ours\n", record=record) if one.place == "record"]
    assert any(name in what for what in found)


def test_another_runs_record_is_one_finding() -> None:
    """Not a list of a hundred figures."""
    text, _ = made("gb10", None, "person", True)  # noqa: FBT003  with pictures
    _, other = made("two_h100", None, "person", True)  # noqa: FBT003  with pictures
    found = [one for one in of_record(text, replace(other, duration_seconds=99_000.0)) if one.rule == "own-section"]
    assert len(found) == 1


def test_a_section_of_another_version_is_a_hint() -> None:
    """Nobody edited it; its words are no longer those that are written."""
    record = make_record()
    section = render_section(record).replace("measured by a clock that counts suspend", "measured; 1 clock")
    text = compose_card(record, body="# Ours\n", trainer_card=None, section=lambda _: section, body_kind="person").text
    assert [(one.severity, one.rule) for one in of_record(text, record)] == [("hint", "own-section")]


def test_a_card_that_states_anothers_emissions_raises_no_word() -> None:
    """Ours were left out of it."""
    record = with_place(make_record(), "DE")
    body = "---\nlicense: mit\nco2_eq_emissions:\n  emissions: 40\n  source: a meter\n---\n# Ours\n"
    composed = render_card(record, body=body, body_kind="person", pictures=True)
    assert of_record(composed.text, replace(record, card=composed.card)) == []


def test_records_of_several_computers_and_sessions_raise_no_word() -> None:
    """Steps that were done again, computers with sums of their own."""
    record = make_record()
    again = replace(record.sessions[0], last_step=300, duration_seconds=record.duration_seconds / 2)
    half = replace(again.energy, gpu=replace(again.energy.gpu, value=(again.energy.gpu.value or 0) / 2))
    again = replace(again, energy=half)
    resumed = replace(record, sessions=(again, replace(again, first_step=200, last_step=500)))
    assert [one for one in check_card("# Ours\n", record=resumed) if one.place == "record"] == []
    joined = replace(record, nodes=(Node(ranks=(0,), duration_seconds=1.0),), sessions=(again,) * 2)
    found = [one.what for one in check_card("# Ours\n", record=joined) if one.place == "record"]
    assert not any("energy" in what for what in found)


def test_a_card_without_our_section_is_a_hint() -> None:
    """Nothing to compare is said."""
    assert [(one.severity, one.rule) for one in of_record("# Mine\n", make_record())] == [("hint", "own-section")]


def test_an_edited_section_is_found_without_a_record() -> None:
    """Its own digest tells."""
    text, _ = made("gb10", None, "person", True)  # noqa: FBT003  with pictures
    assert "own-section" not in {one.rule for one in check_card(text)}
    edited = text.replace("107 Wh", "17 Wh", 1)
    assert "own-section" in {one.rule for one in check_card(edited) if one.severity == "error"}


def test_a_card_that_another_program_put_in_the_templates_place_is_one_hint() -> None:
    """Not a hint for each text that was filled in: what is wrong is wrong once."""
    record = with_place(make_record(), "DE")
    composed = compose_card(record, body=TEMPLATE, trainer_card=None, section=render_section, body_kind="template")
    known = replace(record, card=composed.card)
    other = compose_card(known, body=trl_card(), trainer_card=None, section=render_section, body_kind="trainer").text
    gone = [one for one in check_card(other, record=known) if "gone" in one.what]
    assert len(gone) == 1
    assert "--template" in gone[0].cure
    edited = composed.text.replace("| LoRA Rank | 16 |\n", "")
    assert [one.what for one in check_card(edited, record=known) if "texts that" in one.what] == []
