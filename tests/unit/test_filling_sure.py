"""What a card asks for, and what only looks like it: batches of one device, baselines, dates, lines of labels."""

from __future__ import annotations

import pytest
from card_inputs import filled
from section_records import RECORDS

from cardcallback.render.card.filling import fill_placeholders


@pytest.mark.parametrize(
    "label",
    [
        "Batch size (per GPU)",
        "per device batch size",
        "per_device_train_batch_size",
        "Batch size per device",
        "Micro batch size",
    ],
)
@pytest.mark.parametrize("form", ["- {}: [X]\n", "| Setting | Value |\n|---|---|\n| {} | |\n"])
def test_a_batch_of_one_device_is_no_product(label: str, form: str) -> None:
    """Of two devices with accumulation a step sees sixteen times as much."""
    text = fill_placeholders("## Training\n\n" + form.format(label), RECORDS["two_h100"]()).text
    assert text.rstrip(" |\n").endswith((": 2", "| 2"))


@pytest.mark.parametrize("column", ["Baseline", "Baseline (TF-IDF)", "Strong baseline", "Our baseline"])
def test_a_baseline_is_whatever_its_author_means(column: str) -> None:
    """The base model's loss before training stands only below what can be nothing else."""
    table = f"## Results\n\n| Metric | {column} | This model |\n|---|---|---|\n| Eval loss | [X] | [X] |\n"
    assert filled(table).endswith("| Eval loss | [X] | 1.04 |\n")
    assert filled(table.replace(column, "Base model")).endswith("| Eval loss | 1.87 | 1.04 |\n")
    assert filled(table.replace(column, "Baseline (gemma-3-4b-it)")).endswith("| Eval loss | 1.87 | 1.04 |\n")


def test_a_later_stage_did_not_begin_from_the_base_model() -> None:
    """Its first loss says so, whoever heads the column."""
    table = "## Results\n\n| Metric | Base model | This model |\n|---|---|---|\n| Eval loss | [X] | [X] |\n"
    text = fill_placeholders(table, RECORDS["dpo_after_sft"]()).text
    assert text.endswith("| Eval loss | 0.693 (before this stage) | 0.412 |\n")


def test_a_date_says_of_what_it_is() -> None:
    """A card's and a version's date are others; below data it is left."""
    assert filled("## Model details\n\n- Date: [X]\n") == "## Model details\n\n- Date: 2026-03-02 (date of training)\n"
    assert filled("## Training\n\n- Training date: [X]\n") == "## Training\n\n- Training date: 2026-03-02\n"
    for body in (
        "# Card\n\n- Date: [X]\n- Version: 2\n",
        "## Overview\n\n- Date: [X]\n",
        "## Training data\n\n- Date: [X]\n- Source: news\n",
        "## Training\n\n- Trained on: [X]\n",
    ):
        assert filled(body) == body


@pytest.mark.parametrize("end", ["  ", "\\", ""])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_lines_of_labels_are_filled_behind_each(end: str, newline: str) -> None:
    """With the blanks that break a line in Markdown, which stay."""
    lines = ["## Training", "", f"**Epochs:**{end}", f"**Colour:**{end}", f"**Seed:** [X]{end}", "**Steps:**", ""]
    text = filled(newline.join(lines))
    assert text == newline.join(
        ["## Training", "", f"**Epochs:** 1{end}", f"**Colour:**{end}", f"**Seed:** 42{end}", "**Steps:** 500", ""]
    )
    plain = newline.join(["## Training", "", f"Epochs:{end}", "Steps:", ""])
    assert filled(plain) == newline.join(["## Training", "", f"Epochs: 1{end}", "Steps: 500", ""])


@pytest.mark.parametrize(
    "lines",
    ["**Hardware:**\nGPU: A100\n", "Epochs:\nmany\n", "Hardware:\nGPU: one\n", "**Epochs:**\nmany\n", "Epochs:\n"],
)
def test_a_label_above_something_else_is_left(lines: str) -> None:
    """What stands below it may be its value, or what it only introduces."""
    body = f"## Training\n\n{lines}\nThat is all.\n"
    assert filled(body) == body


def test_rows_that_are_questions_are_no_models() -> None:
    """One about "the final model" asks for something; the column beside it is not of what each model scored."""
    table = (
        "### Climate card\n\nIt follows [a guideline (2022)](https://a.b/c):\n\n| Least | |\n|---|---|\n"
        "| 1. Is it public? | |\n| 2. How much time does the training of the final model take? | |\n"
        "| 3. How much time did all experiments take? | |\n"
        "| 4. How much CO2eq was emitted to train the final model? | |\n"
    )
    text = fill_placeholders(table, RECORDS["gb10_germany"]()).text
    assert "| 2. How much time does the training of the final model take? | 1 h 52 min |" in text
    assert "| 3. How much time did all experiments take? | |" in text
    assert "| 4. How much CO2eq was emitted to train the final model? | 37 g" in text


def test_an_answer_with_a_colon_is_still_its_questions() -> None:
    """Else the next rendering takes it for a person's figure, and leaves the section's out."""
    record = RECORDS["gb10_germany"]()
    first = fill_placeholders("## Climate\n\n- How much CO2eq was emitted to train the final model? [X]\n", record)
    assert "37 g CO2eq (GPU only: " in first.text
    again = fill_placeholders(first.text, record, known=first.fills)
    assert (again.text, again.fills) == (first.text, first.fills)


def test_several_of_one_kind_are_none_of_them_this_run() -> None:
    """Though the name of one is a word that a card of one run has as a heading too."""
    labels = "- Result: [X]\n- Training time: [X]\n\n"
    body = f"## Results\n\n### Target: U (internal energy)\n\n{labels}### Target: H (enthalpy)\n\n{labels}"
    assert filled(body) == body
