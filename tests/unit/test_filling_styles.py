"""Ways in which people leave room for a value: HTML tables, footnotes, pairs, sentences, other languages."""

from __future__ import annotations

import pytest

from cardcallback.check import check_card
from cardcallback.render.card.filling import fill_placeholders
from cardcallback.testing import make_record

RECORD = make_record()


def filled(body: str) -> str:
    """The body, filled; a second time changes nothing, and what knows nothing of our fills leaves them."""
    first = fill_placeholders(body, RECORD)
    again = fill_placeholders(first.text, RECORD, known=first.fills)
    assert (again.text, again.fills) == (first.text, first.fills)
    return first.text


HTML = """## Training

<table>
<tr><th>Parameter</th><th>Value</th></tr>
<tr><td>Learning rate</td><td>[X]</td></tr>
<tr>
  <td><b>Epochs</b></td>
  <td></td>
</tr>
<tr><td>Colour</td><td>[X]</td></tr>
</table>
"""


def test_the_cells_of_an_html_table_are_filled() -> None:
    """By the label of their row; what is not ours stays, byte for byte."""
    expected = HTML.replace("rate</td><td>[X]", "rate</td><td>2e-4, cosine schedule").replace("<td></td>", "<td>1</td>")
    assert filled(HTML) == expected
    assert filled(HTML.replace("\n", "\r\n")) == expected.replace("\n", "\r\n")


def test_a_bold_first_row_heads_a_table() -> None:
    """The row of this model is filled by its columns' heads, another model's is not."""
    head = "<tr><td></td><td><strong>GPU hours</strong></td><td><strong>Colour</strong></td></tr>"
    rows = "".join(f"<tr><td>{name}</td><td>[X]</td><td>[X]</td></tr>" for name in ("This model", "Llama 3.1 70B"))
    text = filled(f"## Environmental impact\n\n<table>{head}{rows}</table>\n")
    assert "<td>This model</td><td>1.87 GPU-hours (1 GPU)</td><td>[X]</td>" in text
    assert "<td>Llama 3.1 70B</td><td>[X]</td><td>[X]</td>" in text


@pytest.mark.parametrize(
    "table",
    [
        "<table><tr><td rowspan=2>Epochs</td><td>[X]</td></tr></table>",
        "<table><tr><td>Epochs<td>[X]</table>",
        "<table><tr><td>Epochs</td><td><table><tr><td>Epochs</td><td>[X]</td></tr></table></td></tr></table>",
        "<table><tr><td>Epochs</td><td>[X]</td></tr>",
        "<pre><table><tr><td>Epochs</td><td>[X]</td></tr></table></pre>\n\n```\n<table><tr><td>Epochs</td></tr>\n```",
        "<!-- <table><tr><td>Epochs</td><td>[X]</td></tr></table> -->",
    ],
)
def test_an_html_table_that_is_not_plain_stays(table: str) -> None:
    """Which label belongs to which value is not sure, or it is no table at all."""
    body = f"## Training\n\n{table}\n"
    if "<pre>" not in table:
        assert filled(body) == body
    assert filled(f"## Training\n\n```html\n{table.splitlines()[0]}\n```\n").count("[X]") == table.count("[X]")


def test_a_table_without_heads_is_one_of_labels_and_values() -> None:
    """Written in Markdown, which wants a head, or in HTML, which does not."""
    head = "## Training\n\n| | |\n|---|---|\n"
    assert filled(f"{head}| Epochs | [X] |\n") == f"{head}| Epochs | 1 |\n"
    assert "<td>1</td>" in filled("## Training\n\n<table><tr><td>Epochs</td><td>[X]</td></tr></table>\n")


def test_a_value_in_html_is_html() -> None:
    """Markdown would stand there as it is written."""
    body = "## Model details\n\n<table><tr><td>Finetuned from model</td><td>[X]</td></tr></table>\n"
    assert "<td>google/gemma-3-4b-it</td>" in filled(body)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("[^1]: Training time: [X] hours", "[^1]: Training time: 1.87 hours"),
        (
            "Peak GPU memory: [X] / [X] GB",
            "Peak GPU memory: 46.7 (this job's) / 128 GB (unified, 119.7 GiB visible to the system)",
        ),
        ("We trained for [X] epochs on [X] GPUs.", "We trained for 1 epoch on 1 GPU."),
        ("The model was fine-tuned (batch size [X], learning rate [X]).",
         "The model was fine-tuned (batch size 2, learning rate 2e-4)."),
        ("It was trained on a total of [X] tokens.",
         "It was trained on a total of 5,520,000 tokens (without padding)."),
        ("It is small. Training took [X] hours.", "It is small. Training took 1.87 hours."),
        ("It was trained with LoRA (r=[X], alpha=[X]) for [X] steps.",
         "It was trained with LoRA (r=16, alpha=32) for 500 steps."),
        ("Energy and emissions: [X] kWh", "Energy and emissions: 0.107 kWh (GPU only, measured)"),
    ],
)  # fmt: skip
def test_what_is_named_beside_it_is_filled(line: str, expected: str) -> None:
    """In a footnote, a pair, a sentence."""
    assert filled(f"## Training\n\n{line}\n") == f"## Training\n\n{expected}\n"


@pytest.mark.parametrize(
    "line",
    [
        "The teacher was trained for [X] epochs on [X] GPUs.",
        "The base model was pretrained by others. It was trained for [X] steps.",
        "We trained each of five models for [X] epochs.",
        "We trained for [X] epochs on [N] H100 GPUs.",
        "We did not train for [X] epochs.",
        "Training took [X] hours per epoch.",
        "We trained the tokenizer with batch size [X].",
        "We trained for [X] epochs and evaluated for [X] steps.",
        "The model was trained on [N] examples of [X] tokens.",
        "The model answers in [X] seconds.",
        "Memory: [X] GB / [X] GB",
    ],
)
def test_any_other_word_may_change_what_is_asked_for(line: str) -> None:
    """A sentence is filled only where each of its words is understood."""
    assert filled(f"## Training\n\n{line}\n") == f"## Training\n\n{line}\n"


@pytest.mark.parametrize(
    "heading",
    ["Experiment 1", "Run B", "Test set 2", "Trial #3", "Configuration II", "Model 2", "Versuch 2", "Stage 2",
     "Subgroup results", "Einschränkungen", "基础模型", "Préentraînement"],
)  # fmt: skip
def test_below_these_nothing_is_this_runs(heading: str) -> None:
    """Another experiment, another part of the data, another model."""
    body = f"# A model\n\n## {heading}\n\n- Learning rate: [X]\n- Perplexity: [X]\n- Training time: [X]\n"
    assert filled(body) == body


def test_a_numbered_stage_that_is_named_as_this_run_is_it() -> None:
    """The record's run is an SFT."""
    assert "- Epochs: 1" in filled("# A model\n\n## Training\n\n### Stage 1: SFT\n\n- Epochs: [X]\n")


def test_a_row_of_a_slice_stays() -> None:
    """No run measured a part of the data; the row of all of it did."""
    table = "## Results\n\n| Name | Value | Slice |\n|---|---|---|\n| Validation loss | [X] | {} |\n"
    assert filled(table.format("under 18")) == table.format("under 18")
    assert "| 1.04 | overall |" in filled(table.format("overall"))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Lernrate: [auszufüllen]", "Lernrate: 2e-4, cosine schedule"),
        ("Trainingsdauer: [X] Stunden", "Trainingsdauer: 1.87 Stunden"),
        ("Trainingsdauer (Minuten): TODO", "Trainingsdauer (Minuten): 112"),
        ("Époques : [à compléter]", "Époques : 1"),
        ("Durée d'entraînement : [X] heures", "Durée d'entraînement : 1.87 heures"),
        ("Tasa de aprendizaje: [por completar]", "Tasa de aprendizaje: 2e-4, cosine schedule"),
        ("Taxa de aprendizado: [a preencher]", "Taxa de aprendizado: 2e-4, cosine schedule"),
        ("学习率\uff1a[待补充]", "学习率\uff1a2e-4, cosine schedule"),
        ("学習時間: [X] 時間", "学習時間: 1.87 時間"),
        ("训练时间\uff08小时\uff09: 待补充", "训练时间\uff08小时\uff09: 1.87"),
        ("消費電力量\uff08kWh\uff09: [X]", "消費電力量\uff08kWh\uff09: 0.107 (GPU only, measured)"),
        ("Epochs: [未記入]", "Epochs: 1"),
    ],
)
def test_other_languages_are_read(line: str, expected: str) -> None:
    """Their placeholders, their commonest labels, their words for hours and minutes."""
    assert filled(f"## Training\n\n{line}\n") == f"## Training\n\n{expected}\n"


def test_a_unit_stands_in_a_column_of_any_language() -> None:
    """The value is written in it."""
    table = "## Training\n\n| Größe | Wert | Einheit |\n|---|---|---|\n| Energieverbrauch | [X] | kWh |\n"
    assert "| Energieverbrauch | 0.107 (GPU only, measured) | kWh |" in filled(table)


PROGRAMS = [
    "import Chart from './chart'\n\n## Training\n\n- Learning rate: {{ lr }}\n- Epochs: {epochs}\n",
    "## Training\n\n{% for run in runs %}\n- Learning rate: {{ learning_rate }}\n{% endfor %}\n",
    "## Training\n\nThe rate is <Chart rate={{lr}} /> here.\n",
    "## Training\n\n- Learning rate: {{ run.learning_rate }}\n",
]


@pytest.mark.parametrize("body", PROGRAMS)
def test_a_programs_expression_is_no_placeholder(body: str) -> None:
    """Of whatever it names; in a card that is no program it is one."""
    assert filled(body) == body
    assert filled("## Training\n\n- Learning rate: {{ lr }}\n") != "## Training\n\n- Learning rate: {{ lr }}\n"


def test_check_takes_no_expression_of_mdx_for_a_placeholder() -> None:
    """What its program puts there is not to be filled in; a card that is none has it left."""
    matter = "---\nlicense: mit\n---\n"
    assert "placeholder" not in {one.rule for one in check_card(matter + PROGRAMS[0])}
    assert "placeholder" in {one.rule for one in check_card(matter + PROGRAMS[0].partition("\n")[2])}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("- Energy: **[X]** kWh", "- Energy: **0.107** kWh (GPU only, measured)"),
        ("- Energy: [X] mWh", "- Energy: 107,000 mWh (GPU only, measured)"),
        ("- Energy: [X] MWH", "- Energy: 0.000107 MWH (GPU only, measured)"),
        ("- Energy: [X] mwh", "- Energy: [X] mwh"),
        ("- Number of GPUs: [X] GPUs", "- Number of GPUs: 1 GPU"),
        ("- Epochs: **[X]** epochs", "- Epochs: **1** epoch"),
        ("- Validation loss: [X] to [X]", "- Validation loss: [X] to [X]"),
        ("- Peak memory: [X] Go", "- Peak memory: 65.5 Go (61.0 GiB of 120 GiB in use, whole machine)"),
    ],
)
def test_a_unit_is_read_as_it_is_spelled(asked: str, said: str) -> None:
    """Milliwatt-hours and megawatt-hours differ by a letter; of one there is no plural; bold may end before it."""
    assert filled(f"## Training\n\n{asked}\n") == f"## Training\n\n{said}\n"


def test_libraries_are_told_apart_from_data() -> None:
    """Below the versions "Datasets" is the library, also in a section about training."""
    body = "## Training procedure\n\n### Framework versions\n\n- Datasets: TBD\n- PEFT: TBD\n"
    assert filled(body) == body.replace("PEFT: TBD", "PEFT: 0.21.2")


def test_what_a_reader_may_do_himself_is_not_this_run() -> None:
    """Settings that are recommended for another training."""
    body = "## Fine-tuning it further yourself\n\n- Learning rate: [X]\n- GPU: [X]\n"
    assert filled(body) == body
