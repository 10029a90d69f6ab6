"""Figures beside labels of the label map that contradict each other, and those that only look as if they did."""

from __future__ import annotations

import pytest

from cardcallback.check import Finding, check_card

MATTER = "---\nlicense: mit\nbase_model: google/gemma-3-4b-it\nlibrary_name: peft\n---\n\n# A card\n\n"
BATCH = "## Training\n\n- Batch size per device: 2\n- Gradient accumulation: 8\n- Effective batch size: {}\n{}"


def findings(body: str) -> list[Finding]:
    """What is wrong with the figures of a card."""
    return list(check_card(MATTER + body))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (BATCH.format(64, "- Number of GPUs: 1\n"), "parts multiply to 16"),
        (BATCH.format(60, ""), "parts multiply to 16"),
        ("- Trainable parameters: 29.8 M (7.7 % of 3.88 B)\n", "that would be 0.77 %"),
        ("- **Base model:** ./outputs/checkpoint-500\n", "a folder of one machine"),
        ("- Basismodell: ../gemma\n", "a folder of one machine"),
        (
            "## Training\n\n- Training time: 1 hour\n- 3.6 M tokens seen\n\nThroughput: 10,000 tokens/s\n",
            "1,000 a second",
        ),
        ("## Umwelt\n\n- Energieverbrauch: 0,107 kWh\n- CO2-Emissionen: 37 kg\n", "no grid emits 1.5"),
    ],
)
def test_what_contradicts_is_found(body: str, said: str) -> None:
    """By arithmetic, whoever wrote the labels."""
    assert [one for one in findings(body) if said in one.what]


@pytest.mark.parametrize(
    "body",
    [
        BATCH.format(16, ""),
        BATCH.format(64, ""),  # on four GPUs, which the card need not name
        BATCH.format(32, "- GPUs: 2\n"),
        BATCH.format(64, "") + "\n## Stage 2\n\n- Batch size per device: 4\n",
        "- Trainable parameters: 29.8 M (0.77 % of 3.88 B)\n",
        "- Trainable parameters: 29.8 M (0,768 % of 3.88 B)\n",
        "Step 200 (25 % of 500 was warm-up), see table 2 (50 % of 100 runs).\n",
        "- Base model: google/gemma-3-4b-it\n",
        "- Base model: google/gemma-3-4b-it (see [its notes](./base.md))\n",
        "## Training\n\n- Training time: 1 hour\n- 3.6 M tokens seen\n\nThroughput: 1,200 tokens/s\n",
        "## Training\n\n- Training time: 1 hour\n- Max length: 2048 tokens\n- Throughput: 1,200 tokens/s\n",
        "## Training\n\n- Training time: 1 hour\n- 3.6 M tokens seen\n\n## Inference\n\nThroughput: 50 tokens/s\n",
        "## Umwelt\n\n- Energieverbrauch: 0,107 kWh\n- CO2-Emissionen: 37 g\n",
        "## Training\n\n- Dataset size: 10,000\n- Training examples: 8,000\n- Validation examples: 2,000\n",
    ],
)
def test_what_fits_is_left_alone(body: str) -> None:
    """A rounded share, padding, another stage, use instead of training."""
    assert findings(body) == []


def test_what_another_model_took_is_not_held_against_this_cards_grid() -> None:
    """A row for comparison; the same row under a card of that model is its own."""
    table = "\n| Model | Energy | CO2e |\n|---|---|---|\n| Ours | 0.107 kWh | 4.7 g |\n| GPT-3 | 1287 MWh | 552 t |\n"
    body = "## Environmental impact\n\n- Carbon intensity: 44.2 g CO2eq/kWh\n" + table
    assert findings(body) == []
    own = MATTER.replace("google/gemma-3-4b-it", "openai/gpt-3") + body.replace("552 t", "55.2 kt").replace(
        "55.2 kt", "9,000 t"
    )
    assert [one for one in check_card(own) if "9,000 t" in one.what]


def test_a_batch_without_the_devices_is_doubted_and_not_called_wrong() -> None:
    """One batch may go over both of two devices, each of which holds a half of the model."""
    assert [one.severity for one in findings(BATCH.format(16, "- GPUs: 2\n"))] == ["hint"]
    assert [one.severity for one in findings(BATCH.format(48, "- GPUs: 2\n"))] == ["error"]
