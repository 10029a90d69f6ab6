"""What a card asks for in a question, below a quantity, in another order of words, and as a ratio."""

from __future__ import annotations

import pytest
from card_inputs import filled

from cardcallback.render.card.asked_words import words_key

TIME, ENERGY = "1 h 52 min", "0.107 kWh (GPU only, measured)"


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("How long did training of the final model take?", TIME),
        ("For how long was the model trained?", TIME),
        ("Wie lange hat das Training gedauert?", TIME),
        ("Combien de temps a duré l'entraînement ?", TIME),
        ("C3. What was the total energy use?", ENERGY),
        ("How much electricity did training consume?", ENERGY),
        ("How many GPUs were used?", "1"),
        ("Auf welcher Hardware wurde trainiert?", "1 × NVIDIA GB10 (NVIDIA DGX Spark)"),
        ("Which random seed was used?", "42"),
        ("How much energy did all experiments use?", "[X]"),
        ("How much energy does inference need?", "[X]"),
        ("How much energy did training use per epoch?", "[X]"),
        ("How long did pretraining take?", "[X]"),
        ("How long was the base model trained?", "[X]"),
        ("How many GPUs does inference need?", "[X]"),
        ("How long should one train?", "[X]"),
        ("How long does it take?", "[X]"),
        ("Where is the model used?", "[X]"),
        ("How many tokens does the model take?", "[X]"),
        ("How much memory is required for training?", "[X]"),
        ("How many GPUs are needed to train the model?", "[X]"),
        ("What hardware is required to train the model?", "[X]"),
        ("How much time was needed for training?", TIME),
        ("e) For how many epochs did you train?", "1"),
    ],
)
def test_a_question_is_answered_where_each_of_its_words_is_understood(question: str, answer: str) -> None:
    """Beside it, in the next cell, in the next paragraph, in a quotation, behind "A:"."""
    for form in ("{} {}", "**{}**\n\n{}", "{}\n\n> {}", "Q: {}\n\nA: {}", "1. {}\n\n   {}", "| {} | {} |"):
        table = "| Item | Value |\n|---|---|\n" if form.startswith("|") else ""
        asked = f"## Training\n\n{table}{form.format(question, '[X]')}\n"
        assert filled(asked) == asked.replace("[X]", answer), form


def test_a_paragraph_of_an_item_has_nothing_from_the_heading_above() -> None:
    """What stands between the two says what it is."""
    body = "## Energy consumption\n\n1. Weather on that day.\n\n   [X]\n\n2. How many GPUs were used?\n\n   [X]\n"
    assert (
        filled(body)
        == "## Energy consumption\n\n1. Weather on that day.\n\n   [X]\n\n2. How many GPUs were used?\n\n   1\n"
    )


NESTED = """## Training

- Footprint
  - Energy
    - GPU: [X]
    - CPU: [X]
    - RAM: [X]
    - Total: [X]
- Results
  - Loss
    - Train: [X]
    - Eval: [X]
    - Base: [X]
- Time
  - Wall clock: [X]
  - Per step: [X]
- Inference
  - GPU: [X]
- Machine
  - GPU: [X]
- Memory
  - GPU: [X]
  - System: [X]
- Power
  - GPU: [X]
  - Max: [X]
"""


def test_below_a_quantity_a_name_asks_for_that_of_it() -> None:
    """The energy of the GPU and not its name; what was not measured stays, and so does the sum of the parts."""
    values = [line.split(": ", 1)[1] for line in filled(NESTED).splitlines() if ": " in line]
    step = "13 s (mean of the whole run, evaluation and saving included)"
    assert values == [
        ENERGY, "[X]", "[X]", "[X]", "1.05 (last logged, step 500)", "1.04", "1.87", TIME, step, "[X]", "NVIDIA GB10",
        "[X]", "[X]", "57.3 W (GPU only, mean over the run)", "[X]",
    ]  # fmt: skip


def test_below_a_heading_of_a_quantity_only_parts_are_of_it() -> None:
    """Beside a time and a place the GPU is a name."""
    parts = "## Energy consumption\n\n- GPU: [X]\n- CPU: [X]\n"
    assert filled(parts) == parts.replace("[X]", ENERGY, 1)
    facts = "## Energy consumption\n\n- GPU: [X]\n- Training time: [X]\n"
    assert "- GPU: NVIDIA GB10\n" in filled(facts)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("loss_train_final: [X]", "1.05 (last logged, step 500)"),
        ("tokens_total: [X]", "5.52 M tokens, without padding"),
        ("VRAM used (peak): [X] GB", "46.7 GB (this job's)"),
        ("Training time: [X]h [X]m", "1h 52m"),
        ("Loss (start -> end): [X] -> [X]", "1.76 -> 1.05"),
        ("Energy per epoch (Wh): [X]", "107 (GPU only, measured, mean of its epochs)"),
        ("Tokens per joule: [X]", "14.3 (without padding, for a joule of GPU energy)"),
        ("Tokens/J: [X]", "14.3 (without padding, for a joule of GPU energy)"),
        ("System RAM used: [X] GB", "[X] GB"),
        ("Seconds per token: [X]", "[X]"),
        ("Steps per token: [X]", "[X]"),
    ],
)
def test_other_words_for_a_label(line: str, value: str) -> None:
    """Their order says nothing but beside "per", and what was used of a memory is not its size."""
    assert filled(f"## Training\n\n- {line}\n").endswith(f": {value}\n")


def test_the_order_of_words_counts_beside_some() -> None:
    """Tokens per second are no seconds per token."""
    assert words_key("Tokens per second") is None
    assert words_key("Loss (train)") == words_key("train_loss")
