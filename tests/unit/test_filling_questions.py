"""Questions with their answers below, and texts in which each value's name stands beside it."""

from __future__ import annotations

import pytest
from card_inputs import filled
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from test_templates import nothing_known

from cardcallback.check import check_card
from cardcallback.render.card.filling import fill_placeholders
from cardcallback.testing import make_record

ANSWERED = {
    "**How long did training take?**\n[X]\n": "1 h 52 min",
    "**How long did training take?**\n\n[X]\n": "1 h 52 min",
    "How long did training take?\n[X]\n": "1 h 52 min",
    "### How long did training take?\n\n[X]\n": "1 h 52 min",
    "1. How long did training take?\n   [X]\n": "1 h 52 min",
    "Q: How long did training take?\nA: [X]\n": "1 h 52 min",
    "Question: Which GPU was used?\nAnswer: [X]\n": "NVIDIA GB10",
    "**Which base model was fine-tuned?**\n[TBD]\n": "google/gemma-3-4b-it",
    "Which GPU did you use? [X]\n": "NVIDIA GB10",
    "1. Which optimizer did you use?\n\n   **Answer:** [X]\n": "paged_adamw_8bit",
    "1. What was the peak memory?\n   **Answer**: [X]\n": "61.0 GiB of 120 GiB",
    "**What was the peak memory?**\n_Your answer:_ [X]\n": "61.0 GiB of 120 GiB",
    "How long did training take?\nAnswer: [X]\n": "1 h 52 min",
}
LEFT = (
    "How long does inference take?\n[X]\n",
    "Q: How long did training take?\nB: [X]\n",
    "Q: What did training cost?\nA: [X]\n",
    "What did training cost?\n**Answer:** [X]\n",
    "Which GPU did you use for inference?\n**Answer:** [X]\n",
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
    "- LoRA (r/alpha): [X]/[X]": "- LoRA (r/alpha): 16/32",
    "- Trainierbare Parameter: [X] Mio. ([X] %)": "- Trainierbare Parameter: 29.8 Mio. (0.77 %)",
    "Training took [duration] and used [energy] kWh of electricity.": (
        "Training took 1 h 52 min and used 0.107 kWh (GPU only, measured) of electricity."
    ),
    "Die Feinabstimmung: das Training verbrauchte [..] kWh Strom.": (
        "Die Feinabstimmung: das Training verbrauchte 0.107 kWh (GPU only, measured) Strom."
    ),
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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("| Micro batch × accumulation | … × … |", "| Micro batch × accumulation | 2 × 8 |"),
        ("| Epochs / steps | ... / ... |", "| Epochs / steps | 1 / 500 |"),
        ("| Adapter rank / alpha | TBD / TBD |", "| Adapter rank / alpha | 16 / 32 |"),
        ("| Energy | {{ energy_kwh }} kWh |", "| Energy | 0.107 kWh (GPU only, measured) |"),
        ("| Average power | {{ avg_power_w }} W |", "| Average power | 57.3 W (GPU only, mean over the run) |"),
    ],
)
def test_a_table_of_a_firm_or_a_program_is_filled(text: str, expected: str) -> None:
    """Blanks with dividers between them, and names that end in the unit that stands behind them."""
    table = "## Training\n\n| Item | Value |\n|---|---|\n"
    assert filled(f"{table}{text}\n") == f"{table}{expected}\n"


def test_what_was_before_and_after_is_told_by_its_column() -> None:
    """In German too, and with a full stop behind what is abbreviated."""
    table = "## Training\n\n| Item | Vorher | Nachher |\n|---|---|---|\n| Val. PPL | [X] | [X] |\n"
    assert filled(table) == table.replace("| [X] | [X] |", "| 6.49 (NF4 weights) | 2.84 (NF4 weights) |")


def test_names_of_libraries_ask_for_their_versions() -> None:
    """Each right behind its name; one that is not known stays open."""
    assert filled("**G. Software.** Python ____, PEFT ____, TRL ____.\n").endswith(
        "Python ____, PEFT 0.21.2, TRL 1.16.0.\n"
    )


@pytest.mark.parametrize(
    "before",
    [":zap: Energy:", "- :zap: Energy:", "- :zap: **Energy:**", "- :zap: **Energy** -", "### :zap: Energy\n\n",
     "| Item | Value |\n|---|---|\n| :zap: Energy |"],
)  # fmt: skip
def test_the_name_of_an_emoji_is_no_part_of_a_label(before: str) -> None:
    """As the emoji itself; a name with nothing behind it is a field's, and says what the value is."""
    assert filled(f"## Training\n\n{before} TBD\n") == f"## Training\n\n{before} 0.107 kWh (GPU only, measured)\n"
    assert filled("## Training hardware\n\n- :driver_name: TBD\n") == "## Training hardware\n\n- :driver_name: TBD\n"


def test_a_callout_is_no_placeholder() -> None:
    """What stands in it is text as any other."""
    expected = "> [!NOTE]\n> The model was trained for 1 h 52 min.\n"
    assert filled("> [!NOTE]\n> The model was trained for [training time].\n") == expected
    assert not [one for one in check_card(f"# A\n\n## Training\n\n{expected}") if one.rule == "placeholder"]


def test_dots_in_prose_are_no_places() -> None:
    """Only where nothing else stands between them."""
    for text in ("And so on … / … as before.", "| Epochs / colour | … / … |"):
        assert filled(f"## Training\n\n{text}\n") == f"## Training\n\n{text}\n"


@pytest.mark.parametrize("lead", ["> ", "- ", "> - "])
def test_a_sentence_over_several_lines_of_a_quotation_is_remembered(lead: str) -> None:
    """What was written is ours in the next run too, and follows it."""
    goes_on = lead.replace("-", " ")
    body = f"{lead}The model was\n{goes_on}trained for [training time].\n"
    first = fill_placeholders(body, make_record())
    changed = fill_placeholders(first.text, make_record(duration_seconds=60.0), known=first.fills)
    assert changed.text == body.replace("[training time]", "1 min")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- Training time: [X] GPU hours", "- Training time: 1.87 GPU hours (1 GPU)"),
        ("- Trainingszeit: [X] GPU-Stunden", "- Trainingszeit: 1.87 GPU-Stunden (1 GPU)"),
        ("Training took [X] hours ([X] GPU hours).", "Training took 1.87 hours (1.87 GPU hours (1 GPU))."),
        ("- GPU hours: [X] h", "- GPU hours: 1.87 h (1 GPU)"),
        ("- Training time: [X] A100 hours", "- Training time: [X] A100 hours"),
        ("- GPU hours: [X] A100-hours", "- GPU hours: [X] A100-hours"),
        ("- Training time: [X] H100 GPU hours", "- Training time: [X] H100 GPU hours"),
        ("- GPU hours: [X] H100 GPU hours", "- GPU hours: [X] H100 GPU hours"),
        ("- Compute: [GPU hours]", "- Compute: [GPU hours]"),
    ],
)
def test_hours_of_devices_are_a_unit_of_their_own(text: str, expected: str) -> None:
    """Beside the label of a time they ask for the devices' hours; those of a named device for nothing that we know."""
    assert filled(f"## Training\n\n{text}\n") == f"## Training\n\n{expected}\n"


@pytest.mark.parametrize(
    ("label", "value"),
    [
        ("4.2.3 Start of training (date)", "2026-03-02"),
        ("4.2.6 Number of records used for training", "8,000 examples"),
        ("4.2.7 Number of records used for validation", "512 examples"),
        ("4.2.8 Computing equipment", "1 × NVIDIA GB10 (NVIDIA DGX Spark)"),
        ("4.2.9 Electricity consumed during training (kWh)", "0.107 (GPU only, measured)"),
        ("5.1 Expected electricity per year (kWh)", "\u2026\u2026\u2026"),
    ],
)
def test_a_line_of_dots_is_filled_as_a_form_has_it(label: str, value: str) -> None:
    """By the label behind its number; what is expected or of a year stays."""
    dots = "\u2026\u2026\u2026"
    assert filled(f"## 4.2 Development\n\n{label}: {dots}\n") == f"## 4.2 Development\n\n{label}: {value}\n"


LINES = st.sampled_from(
    ["Q: How long did training take?", "A: [X]", "**How long did training take?**", "[X]", "How many GPUs were used?",
     "1. How long did training take?", "   [X]", "> [!NOTE]", "> The model was trained for [training time].", "? ",
     "> our data for [X] hours", "- Loss: train [X], eval [X] (base [X])", "- LoRA (r/alpha): [X]/[X]", "Loss: …",
     "| Epochs / steps | … / … |", "| Item | Value |", "|---|---|", "Training time: [X] GPU hours", "## Training", "",
     "Training took [X] hours ([X] GPU hours).", "**G. Software.** Python ____, PEFT ____.", "Epochs: ……"]
)  # fmt: skip


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(lines=st.lists(LINES, max_size=9), newline=st.sampled_from(["\n", "\r\n"]))
@example(
    lines=["| Epochs / steps | … / … |", "|---|---|", "Training took [X] hours ([X] GPU hours)."],
    newline="\n",  # a first pair that heads the table, and an example in the row below it
)
def test_filling_these_can_be_repeated_and_undone(lines: list[str], newline: str) -> None:
    """In whatever order such lines stand."""
    body = newline.join([*lines, ""])
    first = fill_placeholders(body, make_record())
    again = fill_placeholders(first.text, make_record(), known=first.fills)
    assert (again.text, again.fills) == (first.text, first.fills)
    assert fill_placeholders(first.text, nothing_known(), known=first.fills).text == body
