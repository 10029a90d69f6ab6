"""Questions with their answers below, and texts in which each value's name stands beside it."""

from __future__ import annotations

import pytest
from card_inputs import filled

ANSWERED = {
    "**How long did training take?**\n[X]\n": "1 h 52 min",
    "**How long did training take?**\n\n[X]\n": "1 h 52 min",
    "How long did training take?\n[X]\n": "1 h 52 min",
    "### How long did training take?\n\n[X]\n": "1 h 52 min",
    "1. How long did training take?\n   [X]\n": "1 h 52 min",
    "Q: How long did training take?\nA: [X]\n": "1 h 52 min",
    "Question: Which GPU was used?\nAnswer: [X]\n": "NVIDIA GB10",
    "**Which base model was fine-tuned?**\n[TBD]\n": "google/gemma-3-4b-it",
}
LEFT = (
    "How long does inference take?\n[X]\n",
    "Q: How long did training take?\nB: [X]\n",
    "Q: What did training cost?\nA: [X]\n",
    "1. Is it safe?\n   [X]\n",
    "- Trainable: [Yes/No]\n",
    "- Loss: [X] (step [X])\n",
    "- Layers: [X] (train), [X] (eval)\n",
    "- Loss (train / colour): [X] / [X]\n",
)
NAMED = {
    "Loss: train [X], eval [X] (base [X])": "Loss: train 1.05, eval 1.04 (base 1.87)",
    "- **Loss:** [X] (train), [X] (eval)": "- **Loss:** 1.05 (train), 1.04 (eval)",
    "- Loss (train / eval): [X] / [X]": "- Loss (train / eval): 1.05 / 1.04",
    "- Final losses: training [X], validation [X]": "- Final losses: training 1.05, validation 1.04",
    "- Perplexity (base / fine-tuned): [X] / [X]": "- Perplexity (base / fine-tuned): 6.49 / 2.84",
    "- Trainable: [X] of [X]": "- Trainable: 29.8 M of 3.88 B",
    "- Trainable parameters: [X] / [X]": "- Trainable parameters: 29.8 M / 3.88 B",
}


@pytest.mark.parametrize("body", ANSWERED)
def test_an_answer_below_its_question_is_filled(body: str) -> None:
    """Bold, plain, numbered, as a heading, or with the letters of both before them."""
    place = "[TBD]" if "[TBD]" in body else "[X]"
    assert filled(f"## Training\n\n{body}") == f"## Training\n\n{body}".replace(place, ANSWERED[body])


@pytest.mark.parametrize("body", LEFT)
def test_what_is_not_surely_asked_for_is_left(body: str) -> None:
    """A wrong value is worse than an open place."""
    assert filled(f"## Training\n\n{body}") == f"## Training\n\n{body}"


@pytest.mark.parametrize("text", NAMED)
def test_values_whose_names_stand_beside_them_are_filled(text: str) -> None:
    """Before each, behind it in brackets, or in the brackets of the label."""
    assert filled(f"## Results of training\n\n{text}\n") == f"## Results of training\n\n{NAMED[text]}\n"
