"""Tables as people merge and turn them: what heads a column, what stands over rows, whose figures a row holds."""

from __future__ import annotations

import pytest
from card_inputs import filled


def html(*rows: str) -> str:
    """A table in HTML from its rows."""
    return "## Results\n\n<table>\n" + "".join(f"<tr>{row}</tr>\n" for row in rows) + "</table>\n"


def test_heads_over_several_columns_say_whose_and_what() -> None:
    """Loss and perplexity, before and after; of another test set nothing is filled."""
    heads = (
        '<td></td><th colspan="2">Before fine-tuning</th><th colspan="2">After fine-tuning</th>',
        "<td></td><th>Loss</th><th>PPL</th><th>Loss</th><th>PPL</th>",
    )
    other = "<td>Test (OOD)</td>" + "<td>?</td>" * 4
    text = filled(html(*heads, "<td>Validation</td>" + "<td>?</td>" * 4, other))
    figures = ("1.87", "6.49 (NF4 weights)", "1.04", "2.84 (NF4 weights)")
    assert "<td>Validation</td>" + "".join(f"<td>{figure}</td>" for figure in figures) in text
    assert other in text


def test_a_row_for_each_model_below_two_heads() -> None:
    """The lower head is what is measured, the upper one on what."""
    heads = (
        '<th rowspan="2">Model</th><th colspan="2">Loss</th>',
        "<th>Train</th><th>Validation</th>",
    )
    text = filled(html(*heads, "<td>Base</td><td>[X]</td><td>[X]</td>", "<td>Fine-tuned</td><td>[X]</td><td>[X]</td>"))
    assert "<td>Base</td><td>[X]</td><td>1.87</td>" in text
    assert "<td>Fine-tuned</td><td>1.05 (last logged, step 500)</td><td>1.04</td>" in text


def test_what_stands_over_rows_is_a_heading() -> None:
    """A row of one cell, or a cell beside several rows."""
    hardware = "<td>Hardware</td><td>[X]</td>"
    groups = [
        f"<td rowspan=2>{name}</td>{hardware}" if first else "<td>Energy</td><td>[X] kWh</td>"
        for name in ("Training", "Inference")
        for first in (True, False)
    ]
    text = filled(html(*groups))
    assert text.count("<td>0.107 kWh (GPU only, measured)</td>") == 1
    assert text.index("0.107") < text.index("Inference")
    assert hardware in text[text.index("Inference") :]
    rows = ("<th colspan=2>Training</th>", hardware, "<th colspan=2>Serving</th>", hardware)
    text = filled(html(*rows))
    assert "NVIDIA GB10" in text[: text.index("Serving")]
    assert hardware in text[text.index("Serving") :]


def test_a_merged_head_in_markdown_stands_over_the_blank_ones() -> None:
    """As tools write it that know merged cells, for those that do not."""
    head = (
        "|  | Training ||| Inference ||\n|---|---|---|---|---|---|\n|  | GPU | Hours | Energy (kWh) | GPU | Latency |\n"
    )
    text = filled(f"# Card\n\n{head}| Our model | ? | ? | ? | ? | ? |\n| GPT-4o | ? | ? | ? | ? | ? |\n")
    assert "| Our model | NVIDIA GB10 | 1.87 | 0.107 (GPU only, measured) | ? | ? |" in text
    assert "| GPT-4o | ? | ? | ? | ? | ? |" in text
    assert head in text


@pytest.mark.parametrize(
    "rows",
    [
        ("<td rowspan=3>Epochs</td><td>[X]</td>", "<td>[X]</td>"),
        ("<td colspan=900000>Epochs</td><td>[X]</td>",),
        ("<td colspan=2>Epochs</td><td>[X]</td>", "<td>Epochs</td><td>[X]</td>"),
        ("<td colspan=x>Epochs</td><td>[X]</td>",),
    ],
)
def test_merged_cells_that_make_no_table_stay(rows: tuple[str, ...]) -> None:
    """Rows of unlike width, cells over rows that are not there, spans that nobody means."""
    assert filled(html(*rows)) == html(*rows)


def test_columns_of_stages_are_those_of_this_run_only() -> None:
    """Also where somebody else's column has the same text as ours, which stays theirs."""
    head = "| | OLMo 7B (pretraining) | SFT (ours) | DPO (ours) |\n|---|---|---|---|\n"
    text = filled(f"## Hyperparameters\n\n{head}| Epochs | 1 | ? | ? |\n| Learning rate | 4e-4 | ? | ? |\n")
    assert "| Epochs | 1 | 1 | ? |" in text
    assert "| Learning rate | 4e-4 | 2e-4, cosine schedule | ? |" in text


def test_a_column_that_is_called_like_a_method_and_a_row_too() -> None:
    """Neither says more than the other, and both are read once."""
    assert "| `2` |" not in filled("## Training\n\n| Setting | `qlora.yml` |\n|---|---|\n| `lora_r` | `<n>` |\n")


@pytest.mark.parametrize(
    "log", ["| Training Loss | Epoch | Step | Validation Loss |", "| Step | Loss | Eval loss | x |"]
)
def test_a_log_by_steps_is_not_filled_with_the_last_losses(log: str) -> None:
    """They are of different steps."""
    body = f"## Training results\n\n{log}\n|---|---|---|---|\n| [X] | [X] | [X] | [X] |\n"
    assert filled(body) == body


def test_a_baseline_of_another_model_is_not_the_base_of_this_run() -> None:
    """Its row says which one it is."""
    head = "## Results\n\n| Run | Model | Eval loss |\n|---|---|---|\n"
    text = filled(f"{head}| baseline | google/gemma-3-270m | [X] |\n| base | google/gemma-3-4b-it | [X] |\n")
    assert "| baseline | google/gemma-3-270m | [X] |" in text
    assert "| base | google/gemma-3-4b-it | 1.87 |" in text


def test_a_row_and_its_column_make_a_label_together() -> None:
    """But no sum of rows is this run's own figure."""
    head = "## Training data\n\n| Split | Examples | Tokens |\n|---|---|---|\n"
    text = filled(
        f"{head}| Train | [N] | [N] |\n| Validation | [N] | [N] |\n| Test | [N] | [N] |\n| Total | [N] | [N] |\n"
    )
    assert "| Train | 8,000 | 5.52 M tokens, without padding |" in text
    assert "| Validation | 512 | [N] |" in text
    assert "| Test | [N] | [N] |\n| Total | [N] | [N] |" in text


@pytest.mark.parametrize(
    ("head", "row", "wanted"),
    [
        ("| Dataset | Examples |", "| Training | [N] |", "| Training | 8,000 |"),
        ("| Dataset | Number of examples |", "| [name] | [N] |", "| Training data | 8,000 |"),
        ("| Dataset | Size |", "| [name] | [N] |", "| Training data | 8,000 examples |"),
    ],
)
def test_a_column_that_names_what_it_counts_has_bare_counts(head: str, row: str, wanted: str) -> None:
    """And one that does not has the noun."""
    assert wanted in filled(f"## Training data\n\n{head}\n|---|---|\n{row}\n")


def test_a_first_column_of_numbers_is_no_label() -> None:
    """As companies' forms have it."""
    head = "| Nr. | Punkt / item | Angabe / entry | geprüft von |\n|---|---|---|---|\n"
    text = filled(f"## Training\n\n{head}| 1 | Lernrate / learning rate | [ausfüllen] | [Name] |\n")
    assert "| 1 | Lernrate / learning rate | 2e-4, cosine schedule | [Name] |" in text


@pytest.mark.parametrize(
    "column",
    ["SFT baseline", "Mistral 7B SFT", "SFT + DPO", "DPO (ours)", "After RLHF", "Llama-3 (zero-shot)", "Teacher"],
)
def test_a_column_of_another_training_is_not_this_runs(column: str) -> None:
    """Though it names the same objective, or says "ours"."""
    table = (
        f"## Training\n\n| | {column} | Notes |\n|---|---|---|\n| Learning rate | [X] | [X] |\n| Epochs | [X] | x |\n"
    )
    assert filled(table) == table


@pytest.mark.parametrize("column", ["SFT", "SFT (ours)", "Stage 2 (SFT)", "Ours", "This model"])
def test_a_column_of_this_run_is_filled(column: str) -> None:
    """By its objective, or by what it says."""
    table = f"## Training\n\n| | {column} | Notes |\n|---|---|---|\n| Epochs | [X] | x |\n"
    assert "| Epochs | 1 | x |" in filled(table)


def test_a_table_that_no_person_wrote_is_not_spread_out() -> None:
    """Many wide and tall cells would be a grid of millions."""
    row = '<td colspan="64" rowspan="256">[X]</td>' * 2000
    body = f"## Training\n\n<table><tr>{row}</tr><tr>{row}</tr></table>\n"
    assert filled(body) == body


@pytest.mark.parametrize("repeated", ["Energy", ""])
def test_rows_that_belong_together_have_their_labels_in_the_second_column(repeated: str) -> None:
    """The first column says what each is about; "Energy" before "PUE" asks for no energy."""
    text = filled(
        "| Area | Field | Value | Owner |\n|---|---|---|---|\n| Energy | Energy, training (kWh) | TBD | Ada |\n"
        f"| {repeated} | PUE | TBD | Ada |\n| Inference | Energy | TBD | Ada |\n|  | Peak memory | TBD | Ada |\n"
    )
    assert "| Energy | Energy, training (kWh) | 0.107 (GPU only, measured) | Ada |" in text
    assert f"| {repeated} | PUE | TBD | Ada |" in text
    assert "| Inference | Energy | TBD | Ada |\n|  | Peak memory | TBD | Ada |" in text


def test_a_column_of_signs_has_no_labels() -> None:
    """In a table of symbols the meaning is the label, and the unit is obeyed."""
    text = filled("| Symbol | Meaning | Value | Unit |\n|---|---|---|---|\n| E | Energy consumed | TBD | Wh |\n")
    assert "| E | Energy consumed | 107 (GPU only, measured) | Wh |" in text


def test_below_a_quantity_a_table_asks_for_that_of_each_part() -> None:
    """Not for what the GPU and the CPU are called, in Markdown and in HTML."""
    rows = "| Part | Value |\n|---|---|\n| GPU | TBD |\n| CPU | TBD |\n| Total | TBD |\n"
    assert "| GPU | 0.107 kWh (GPU only, measured) |\n| CPU | TBD |\n| Total | TBD |" in filled(
        f"# A\n\n## Energy\n\n{rows}"
    )
    assert rows in filled(f"# A\n\n## Memory\n\n{rows}")
    html = (
        "<table><tr><th colspan=2>Energy</th></tr><tr><td>GPU</td><td></td></tr><tr><td>CPU</td><td></td></tr></table>"
    )
    assert "<td>GPU</td><td>0.107 kWh (GPU only, measured)</td></tr><tr><td>CPU</td><td></td>" in filled(html)
    text = filled("## Hardware\n\n| Part | Value |\n|---|---|\n| GPU | TBD |\n| Energy | TBD |\n")
    assert "| GPU | NVIDIA GB10 |" in text


def test_in_a_table_of_phases_a_device_heads_what_it_took() -> None:
    """The phase's time is filled, and no name."""
    text = filled(
        "## Energy by phase\n\n| Phase | GPU | Duration |\n|---|---|---|\n| Training | | |\n| Evaluation | | |\n"
    )
    assert "| Training | | 1 h 45 min |\n| Evaluation | | 6 min |" in text
    phases = "| Phase | Device | Energy |\n|---|---|---|\n| Training | GPU | TBD |\n| Training | CPU | TBD |\n"
    phases += "| Evaluation | GPU | TBD |\n| Evaluation | CPU | TBD |\n"
    assert filled(phases) == phases


def test_a_label_with_its_unit_is_not_written_over() -> None:
    """In a first cell or a heading the unit in square brackets is no placeholder."""
    text = filled(
        "## Training\n\n| Item | Value |\n|---|---|\n| Training time [min] | TBD |\n\n### Energy [Wh]\n\nTBD\n"
    )
    assert "| Training time [min] | 112 |" in text
    assert "### Energy [Wh]\n" in text


def test_a_column_of_training_beside_one_of_use_is_this_runs() -> None:
    """In two languages; beside one of evaluation it may be a part of the run, and stays."""
    table = "| | {} | {} |\n|---|---|---|\n| GPU | TBD | TBD |\n| Energy (kWh) | TBD | TBD |\n"
    for training, use in (("Training", "Inference"), ("Entraînement", "Inférence (par requête)")):
        text = filled(table.format(training, use))
        assert "| GPU | NVIDIA GB10 | TBD |\n| Energy (kWh) | 0.107 (GPU only, measured) | TBD |" in text
    beside = table.format("Training", "Evaluation")
    assert filled(beside) == beside


def test_a_number_sign_before_a_noun_asks_how_many() -> None:
    """In a head "# GPUs" is no name."""
    text = filled("| Run | # GPUs | Peak mem. (GiB) |\n|---|---|---|\n| | | |\n")
    assert text.endswith("| | 1 | 61.0 (of 120 GiB in use, whole machine) |\n")


def test_a_bold_row_without_a_value_stands_over_the_rows_below_it() -> None:
    """As a title: it asks for nothing, and says what the others are about."""
    rows = "| Property | Value |\n|---|---|\n| **Energy** | |\n| GPU | TBD |\n| **Hardware** | |\n| GPU | TBD |\n"
    text = filled(f"{rows}| **Inference** | |\n| GPU | TBD |\n| Energy | TBD |\n")
    assert (
        "| **Energy** | |\n| GPU | 0.107 kWh (GPU only, measured) |\n| **Hardware** | |\n| GPU | NVIDIA GB10 |" in text
    )
    assert "| **Inference** | |\n| GPU | TBD |\n| Energy | TBD |" in text
    assert "| **Energy** | 0.107 kWh" in filled("| Property | Value |\n|---|---|\n| **Energy** | |\n| **GPU** | |\n")


def test_rows_that_belong_together_in_html_need_no_merged_cell() -> None:
    """The first column repeats, and its last word is alone."""
    rows = [("Training", "Energy"), ("Training", "Time"), ("Inference", "Energy"), ("Energy", "PUE")]
    text = filled(html("<th>Area</th><th>Item</th><th>Value</th>", *(
        f"<td>{area}</td><td>{item}</td><td>TBD</td>" for area, item in rows
    )))  # fmt: skip
    assert "<td>Training</td><td>Energy</td><td>0.107 kWh (GPU only, measured)</td>" in text
    assert "<td>Inference</td><td>Energy</td><td>TBD</td>" in text
    assert "<td>Energy</td><td>PUE</td><td>TBD</td>" in text


def test_what_somebody_needs_to_reproduce_it_is_not_what_there_was() -> None:
    """The settings are the same, and no more than these."""
    text = filled("## Reproducing\n\n- GPU memory: [X] GB\n- GPU: [X]\n- Memory: [X] GB\n- Learning rate: [X]\n")
    assert "- GPU memory: [X] GB\n- GPU: [X]\n- Memory: [X] GB\n- Learning rate: 2e-4, cosine schedule" in text


def test_languages_that_group_the_rows_of_a_table_are_not_those_of_the_card() -> None:
    """The held-out set's perplexity is of none of them; a card in two languages has a table in each."""
    rows = [f"| {name} | {label} | TBD |\n" for name in ("English", "German") for label in ("Perplexity", "Loss")]
    table = "## Evaluation\n\n| Language | Metric | Value |\n|---|---|---|\n" + "".join(rows)
    assert filled(table) == table
    text = "| Item | Value |\n|---|---|\n| Energy | TBD |\n| Training time | TBD |\n"
    assert filled(f"# English\n\n{text}\n# Deutsch\n\n{text}").count("| 0.107 kWh (GPU only, measured) |") == 2


def test_of_several_rows_that_may_be_this_run_the_one_that_says_so_is_filled() -> None:
    """Methods beside each other are an ablation, whatever this run's method is."""
    head = "## Results\n\n| Method | Eval loss | Training time (h) |\n|---|---|---|\n"
    rows = "| LoRA | ? | ? |\n| QLoRA | ? | ? |\n| SFT | ? | ? |\n"
    assert filled(head + rows) == head + rows
    assert "| QLoRA (ours) | 1.04 | 1.87 |\n| SFT | ? | ? |" in filled(head + rows.replace("QLoRA", "QLoRA (ours)"))
    assert "| QLoRA | 1.04 | 1.87 |" in filled(head + "| Base | ? | ? |\n| QLoRA | ? | ? |\n")


def test_a_column_of_what_each_model_scored_holds_no_models_name() -> None:
    """A results table of one metric, with the base model beside this one."""
    for metric in ("BLEU", "Rouge-L"):
        rows = "| Base model | ... |\n| Our model | ... |\n| Llama | ... |\n"
        table = f"## Evaluation\n\n| Model | {metric} |\n|---|---|\n{rows}"
        assert filled(table) == table
    assert "| Base model | google/gemma-3-4b-it |\n| LoRA rank | 16 |" in filled(
        "## Training\n\n| P | V |\n|---|---|\n| Base model | ... |\n| LoRA rank | ... |\n"
    )


def test_a_row_of_blanks_among_others_parts_them() -> None:
    """Alone it is what a template leaves to be filled in."""
    head = "## Training\n\n| Config | Epochs | Training time |\n|---|---|---|\n"
    rows = "| | | |\n| acme-7b.yaml | 4 | 24.9 min |\n| | | |\n"
    assert filled(head + rows) == head + rows


def test_a_column_of_how_figures_are_collected_holds_none() -> None:
    """Though it is the only one."""
    body = "## Training\n\n| Metric | Collection method |\n|---|---|\n| GPU hours | TBD |\n"
    assert filled(body) == body
