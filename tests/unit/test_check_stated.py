"""What people state of a run in words of their own: devices, places, powers of one device, what was tuned."""

from __future__ import annotations

import pytest
from checked import GOOD_MATTER
from msgspec.structs import replace
from section_records import RECORDS

from cardcallback.check import check_card
from cardcallback.render.card import render_card


def _found(text: str) -> list[str]:
    """The errors of a card of a QLoRA run on one GB10 in Germany that says this too."""
    record = RECORDS["gb10_germany"]()
    body = f"{GOOD_MATTER}\n# Card\n\n## Training\n\n{text}\n"
    card = render_card(record, body=body, body_kind="person", pictures=True)
    findings = check_card(card.text, record=replace(record, card=card.card))
    return sorted({one.rule for one in findings if one.severity == "error"})


@pytest.mark.parametrize(
    "text",
    [
        "- **GPUs used:** 4",
        "| GPUs used | 2 |\n|---|---|\n| Epochs | 1 |",
        "- **Compute Region:** us-east-1",
        "- Region: eastus",
        "- Compute region: Sweden",
        "Each GPU drew 350 W per GPU on average during training.",
        "The mean power was 410 W per GPU during training.",
        "This model is a full fine-tuning of gemma-3-4b-it; no adapter was used.",
        "We performed full-parameter fine-tuning.",
        "The optimizer was SGD with momentum.",
        "- Trained on: 2023-11-01",
        "- Trained on: the 3rd of May 2021",
        "- 学习率:1e-5",
    ],
)
def test_what_contradicts_the_record_is_found(text: str) -> None:
    """Each as an error against the record."""
    assert "against-record" in _found(text)


@pytest.mark.parametrize(
    "text",
    [
        "- GPUs used: 1",
        "- GPU: 0",
        "- Region: Europe",
        "- Region: Frankfurt",
        "- Compute Region: eu-central-1",
        "- Region: europe-west3",
        "- Compute Region: on-premises",
        "We did full fine-tuning of the teacher, which is another model.",
        "Earlier, we did full fine-tuning; this adapter replaces it.",
        "We used full fine-tuning as a baseline.",
        "The model was not created by full fine-tuning.",
        "On an H100 the average power would be 350 W per GPU.",
        "A server draws 350 W per GPU on average during serving.",
        "The average limit is 350 W per GPU during training.",
        "The optimizer was AdamW.",
        "For the base model the optimizer was Lion.",
        "- Trained on: a dump of the web, 2023-11-01",
        "- Trained on: 2026-03-02",
        "- 学习率:2e-4",
        "- 网址:http://a.b/c",
    ],
)
def test_what_is_true_or_of_something_else_is_not(text: str) -> None:
    """A false alarm is worse than a miss."""
    assert _found(text) == []
