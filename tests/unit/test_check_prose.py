"""Whole paragraphs of a person's own prose below "Training details": what contradicts the run, and what is of others.

The run is that of ``planted_figures``: 500 steps in 1.87 h, 107 Wh, 37 g in Germany, held-out perplexity 6.49 to 2.84.
"""

from __future__ import annotations

import cProfile

import pytest
from card_inputs import with_place
from msgspec.structs import replace

from cardcallback.check import check_card
from cardcallback.check.times_in_words import times_in_words
from cardcallback.render.card import render_card

HEADING = "## Training details\n\n"
CONTRADICTIONS = (
    "The fine-tuning took two hours and forty minutes.",
    "Training took two hours and a half on our Spark.",
    "The whole training took three and a half hours.",
    "Das Training dauerte zweieinhalb Stunden.",
    "L'entraînement a duré trois heures et demie.",
    "The model trained overnight, for eleven hours.",
    "Fine-tuning lasted three hours and a quarter.",
    "It took us forty minutes to fine-tune this model.",
    "Total training time: four hours.",
    "Das Training dauerte 3 Stunden und verbrauchte 2,1 kWh.",
    "Held-out perplexity fell to 12.",
    "After training, perplexity fell from 6.5 to 4.1.",
    "The loss on the held-out set after training was 0.62.",
    "Each step took 45 s.",
    "Training ran at 0.8 s per step.",
    "Training used the Adafactor optimiser.",
    "The base model is meta-llama/Llama-3.1-8B.",
)
# Beside a false energy these would follow from it.
OF_CARBON = ("Training emitted around 400 grams (of CO2).", "Training emitted around 400 grams.")
SOUND = (
    "Perplexity was 6.49 before fine-tuning and 2.84 after.",
    "The validation loss was 1.87 before and 1.04 after.",
    "The perplexity was 6.49 and is now 2.84.",
    "Validation loss was 1.5 halfway through.",
    "A step takes 2 minutes on a CPU.",
    "Documents were cut to 500 tokens before they were embedded.",
    "Google reports that training Gemma 3 emitted 1,497 tonnes of CO2e in total.",
    "One kilometre in a petrol car emits around 170 grams of CO2.",
    "Un trajet en train de 10 km émet environ 20 g de CO2.",
    "The speech recogniser used for transcription emitted 250 g of CO2e in all.",
    "Training the tokenizer emitted around 5 grams of CO2.",
    "BLOOM's training is said to have consumed 433,196 kWh.",
    "Die Vorverarbeitung dauerte 3 Stunden und brauchte 12 GB Arbeitsspeicher.",
    "Die Übersetzung der Daten dauerte 5 Stunden und kostete 40 Euro.",
    "Le nettoyage des données a duré 4 heures et a demandé 32 Go de mémoire.",
    "The user study lasted three weeks with 24 participants.",
    "Annotators took two hours and a half to read all the outputs.",
    "Embedding all documents consumed 0.9 kWh.",
    "Perplexity on WikiText-2 fell to 18 after fine-tuning.",
    "After 100 training steps, held-out perplexity was 5.1.",
    "Each evaluation step took 3 s.",
    "The previous adapter emitted around 90 grams of CO2.",
    "Perplexity rose to 15 when the weights were quantised to 2 bits.",
    "The perplexity of the base model was 6.5.",
    "Training emitted roughly 40 g of CO2e.",
    "Training took one hour and fifty-two minutes, or just under two hours.",
    "The fine-tuning took one hour and fifty-two minutes.",
    "Das Training dauerte knapp zwei Stunden.",
    "L'entraînement a duré 1 h 52 min.",
    "Each step took about 13 s.",
    "Training ran at 12.6 s per step.",
    "Perplexity fell from 6.5 to 2.84.",
    "Sequences were cut to 2,048 tokens during training.",
)


def contradicted(sentences: tuple[str, ...]) -> set[str]:
    """Those with an error, each a paragraph of a card that has the run's own section above."""
    record = with_place()
    rendered = render_card(record, body="# A model\n", body_kind="template", pictures=False)
    record = replace(record, card=rendered.card)
    text = f"{rendered.text}\n{HEADING}" + "\n\n".join(sentences)
    lines = text.splitlines()
    found = (one for one in check_card(text, record=record) if one.severity == "error")
    return {lines[(one.line or 1) - 1] for one in found}


def test_what_contradicts_the_run_in_prose_is_found() -> None:
    """Times in words, what a step took, what a result came to, figures behind "around"."""
    assert set(CONTRADICTIONS) - contradicted(CONTRADICTIONS) == set()
    assert contradicted(OF_CARBON) >= set(OF_CARBON)


def test_what_prose_says_of_others_is_left_alone() -> None:
    """Other work, other models, likenesses, and the run's own figures as people round them."""
    assert contradicted(SOUND) & set(SOUND) == set()


def test_times_in_words_are_ranges() -> None:
    """In three languages, with a half and with a smaller unit behind; a part of a time is none."""
    spans = {
        "two hours and forty minutes": "9450-9750 seconds",
        "two and a half hours": "8100-9900 seconds",
        "zweieinhalb Stunden": "8100-9900 seconds",
        "deux heures et demie": "8100-9900 seconds",
        "one or two hours": None,
        "2 hours and fifty minutes": None,
        "three to four hours": None,
    }
    for said, figures in spans.items():
        assert next((one.figures for one in times_in_words(said)), None) == figures, said


LARGE = {
    "list": "- a{0}: {0}\n",
    "sentences": "Training took {0} h, {0} kWh. ",
    "paragraphs": "We trained run {0} for {0} hours.\n\n",
    "headings": "# a{0}\n## b\n### Training of c\n\n",
    "table": "| Energy {0} | {0} kWh |\n",
}


@pytest.mark.parametrize("name", LARGE)
def test_twice_the_card_is_at_most_twice_the_work(name: str) -> None:
    """By the number of calls, with room for what only begins with more lines."""
    record = with_place()
    check_card("# Training\n\n" + LARGE[name].format(1), record=record)  # what is read once for all cards
    counts = []
    for many in (20, 40, 80):
        # Of numbers of its own each, so that nothing is known from the card before.
        body = "".join(LARGE[name].format(many * 1000 + number) for number in range(many))
        head = "| a | b |\n|---|---|\n" if name == "table" else "# Training\n\n"
        profile = cProfile.Profile()
        profile.runcall(check_card, head + body, record=record)
        counts.append(sum(entry.callcount for entry in profile.getstats()))
    # Twice as many more for twice as many more lines: what is needed for any card drops out.
    assert counts[2] - counts[1] < 2.2 * (counts[1] - counts[0])
