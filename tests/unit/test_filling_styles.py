"""Ways in which people leave room for a value: HTML tables, footnotes, pairs, sentences, other languages."""

from __future__ import annotations

import pytest
from card_inputs import filled
from msgspec.structs import replace

from cardcallback.check import check_card
from cardcallback.render.card.filling import fill_placeholders
from cardcallback.testing import make_record

RECORD = make_record()


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
        ("- Grid carbon intensity (kg CO2/mwh): [X]", "- Grid carbon intensity (kg CO2/mwh): [X]"),
        ("- Grid carbon intensity: [X] kg CO2/mwh", "- Grid carbon intensity: [X] kg CO2/mwh"),
        ("- Number of GPUs: [X] GPUs", "- Number of GPUs: 1 GPU"),
        ("- Epochs: **[X]** epochs", "- Epochs: **1** epoch"),
        ("- Validation loss: [X] to [X]", "- Validation loss: 1.87 to 1.04"),
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


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("The model was trained for [X] hours on [N] [GPU] GPUs.",
         "The model was trained for 1.87 hours on 1 NVIDIA GB10 GPU."),
        ("We train the model using [cluster], with [N] [GPU] GPUs, for [N] hours.",
         "We train the model using [cluster], with 1 NVIDIA GB10 GPU, for 1.87 hours."),
        ("We fine-tuned [base model] with [method] (rank [r], alpha [a]) on [N] examples from [dataset].",
         "We fine-tuned google/gemma-3-4b-it with QLoRA (rank 16, alpha 32) on 8,000 examples from a local file."),
        ("> Trained by [author] in [X] h on a single [GPU], using [X] kWh.",
         "> Trained by [author] in 1.87 h on a single NVIDIA GB10, using 0.107 kWh (GPU only, measured)."),
        ("TinyBank answers questions. We fine-tuned it for [X] epochs. It answers in [X] seconds.",
         "TinyBank answers questions. We fine-tuned it for 1 epoch. It answers in [X] seconds."),
        ("**Cost:** Training took [X] minutes. Llama took [X] minutes.",
         "**Cost:** Training took 112 minutes. Llama took [X] minutes."),
        ("Das Modell wurde [X] Stunden auf [N] [GPU] trainiert und verbrauchte [X] kWh.",
         "Das Modell wurde 1.87 Stunden auf 1 NVIDIA GB10 trainiert und verbrauchte 0.107 kWh (GPU only, measured)."),
        ("Le modèle a été entraîné pendant [X] heures sur [N] GPU [modèle].",
         "Le modèle a été entraîné pendant 1.87 heures sur 1 GPU NVIDIA GB10."),
        ("El modelo se entrenó durante [X] horas en [N] GPU y consumió [X] kWh.",
         "El modelo se entrenó durante 1.87 horas en 1 GPU y consumió 0.107 kWh (GPU only, measured)."),
        ("O modelo foi treinado por [X] horas em [N] GPUs.", "O modelo foi treinado por 1.87 horas em 1 GPU."),
        ("模型在 [N] 块 [GPU] 上训练了 [X] 小时\uff0c耗电 [X] kWh。",
         "模型在 1 块 NVIDIA GB10 上训练了 1.87 小时\uff0c耗电 0.107 kWh (GPU only, measured)。"),
        ("本モデルは [N] 台の [GPU] で [X] 時間学習しました。",
         "本モデルは 1 台の NVIDIA GB10 で 1.87 時間学習しました。"),
        ("The final training loss was [X] and the validation loss [X] (base model: [X]).",
         "The final training loss was 1.05 and the validation loss 1.04 (base model: 1.87)."),
        ("Validation loss: from [X] to [X]", "Validation loss: from 1.87 to 1.04"),
        ("Epochs: ___   Steps: ______", "Epochs: 1   Steps: 500"),
        ("Base model: <base> | GPU: <gpu> | Training time: <time>",
         "Base model: google/gemma-3-4b-it | GPU: NVIDIA GB10 | Training time: 1 h 52 min"),
        ("2.1 Learning rate: ___", "2.1 Learning rate: 2e-4, cosine schedule"),
        ("Lernrate / learning rate: [X]", "Lernrate / learning rate: 2e-4, cosine schedule"),
        ("kg CO2: ____", "kg CO2: ____"),
        ("kWh: ____", "kWh: 0.107 (GPU only, measured)"),
        ("Energy: `[X] kWh`", "Energy: 0.107 kWh (GPU only, measured)"),
        ("学習率: \uff3b未記入\uff3d", "学習率: 2e-4, cosine schedule"),
        ("学習時間: \uff3b未記入\uff3d時間", "学習時間: 1.87時間"),
        ("Final loss: [X]", "Final loss: 1.05 (last logged, step 500) in training; 1.04 on held-out data"),
    ],
)  # fmt: skip
def test_a_sentence_is_filled_by_itself(sentence: str, expected: str) -> None:
    """Beside others that are not understood, in other languages, and beside what only a person can say."""
    assert filled(f"## Training\n\n{sentence}\n") == f"## Training\n\n{expected}\n"


@pytest.mark.parametrize(
    "sentence",
    [
        "[Competitor] was trained for [X] hours.",
        "The base model was trained for [X] hours.",
        "Llama is large. Its training took [X] GPU hours.",
        "The base model was pretrained by others. It was then trained for [X] hours.",
        "All [N] runs took [X] hours of training.",
        "[N] models were trained for [X] epochs.",
        "[X] hours of training audio were used.",
        "Training used [X] kWh; inference uses [X] Wh per request.",
        "The tokenizer was trained on [N] tokens.",
        "We trained for [X] hours on a node of eight [GPU] GPUs.",
        "We trained [N] annotators for [X] hours.",
        "Fine-tuning used [X]% of the energy that training the base model took.",
        "Das Basismodell wurde [X] Stunden lang trainiert.",
        "Das Lehrermodell wurde [X] Stunden lang trainiert.",
        "Le modèle de base a été entraîné pendant [X] heures.",
        "El modelo base se entrenó durante [X] horas.",
        "O modelo base foi treinado por [X] horas.",
        "基础模型训练了 [X] 小时。",
        "教師モデルは [X] 時間学習しました。",
        "Learning rate search: [X]   Epochs of the teacher: [X]",
        "Inference settings\nBatch size: [X]\nGPU: [X]",
        "5. Deployment\n   5.1 GPU(s): ___\n   5.2 Learning rate: ___",
    ],
)
def test_a_sentence_about_others_stays(sentence: str) -> None:
    """Another model, several runs, people, a share."""
    body = f"# A model\n\n## Training\n\n{sentence}\n"
    assert filled(body) == body


def test_of_several_models_only_the_one_that_the_card_names_is_filled() -> None:
    """Sections with the same labels below names are each about another."""
    one = "## {}\n\n- Training time: [X]\n- Energy: [X]\n\n"
    body = "# Collection\n\n" + "".join(map(one.format, ("acme-small (this repository)", "acme-large", "acme-embed")))
    text = filled(body)
    assert text.count("1 h 52 min") == 1
    assert text.index("1 h 52 min") < text.index("acme-large")
    topics = "# Card\n\n" + one.format("Training") + one.format("Environmental impact")
    assert filled(topics).count("1 h 52 min") == 2


def test_the_same_set_is_not_told_twice_under_two_names() -> None:
    """A run measures one held-out set: beside a validation set the test set is another."""
    body = "## Results\n\n- Validation loss: [X]\n- Test loss: [X]\n"
    assert filled(body) == body.replace("Validation loss: [X]", "Validation loss: 1.04")
    assert filled("## Results\n\n- Test loss: [X]\n") == "## Results\n\n- Test loss: 1.04\n"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (17.2, "0 h 0.287 min"),
        (89.0, "0 h 1.48 min"),
        (9.4 * 60, "0 h 9.40 min"),
        (9.6 * 60, "0 h 10 min"),
        (3600.0 + 17.2, "1 h 0 min"),
    ],
)
def test_a_short_time_in_hours_and_minutes_is_not_none(seconds: float, said: str) -> None:
    """A run of some seconds did not take "0 h 0 min"."""
    short = replace(make_record(), duration_seconds=seconds)
    assert fill_placeholders("Training time: [X] h [Y] min", short).text == f"Training time: {said}"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("- Loss: [loss name]", "- Loss: [loss name]"),
        ("- Loss: [value]", "- Loss: 1.04"),
        ("- Trainable parameters: [X] M ([X] % of all)", "- Trainable parameters: 29.8 M (0.77 % of all)"),
        ("- Training took [X] hours and [X] minutes.", "- Training took 1 hour and 52 minutes."),
        ("Training took [X] hours and [X] minutes on [N] GPUs.", "Training took 1 hour and 52 minutes on 1 GPU."),
        ("Trained for [X] epochs in [X] h [X] min.", "Trained for 1 epoch in 1 h 52 min."),
        ("- Training time: [X] hours ([X] minutes)", "- Training time: [X] hours ([X] minutes)"),
        ("- Energy: [X] kWh ([X] Wh)", "- Energy: [X] kWh ([X] Wh)"),
        ("- Training time, wall clock days: [X]", "- Training time, wall clock days: 0.0778"),
        ("- Peak memory: [X] GiB", "- Peak memory: 61.0 GiB (of 120 GiB in use, whole machine)"),
    ],
)
def test_a_figure_is_neither_a_name_nor_said_twice(asked: str, said: str) -> None:
    """The name of the loss is another thing; what the note begins with may stand there already."""
    assert filled(f"## Training\n\n{asked}\n") == f"## Training\n\n{said}\n"


@pytest.mark.parametrize(
    "heading",
    ["How the judge was run", "Data generation", "Cost to you", "Embedding index", "Nightly batch", "ONNX conversion"],
)
def test_what_stands_below_training_too_is_not_filled_below_anything_else(heading: str) -> None:
    """The same labels below a heading of other work are that work's."""
    labels = "- GPU: [X]\n- Batch size: [X]\n"
    text = filled(f"# A model\n\n## Training\n\n- Epochs: [X]\n{labels}\n## {heading}\n\n{labels}")
    assert text.count("NVIDIA GB10") == 1
    assert text.endswith(f"## {heading}\n\n{labels}")
    both = filled(f"# A model\n\n## Training\n\n{labels}\n## Environmental impact\n\n- GPU: [X]\n")
    assert both.count("NVIDIA GB10") == 2


def test_a_model_was_not_trained_on_a_gpu_that_the_job_did_not_use() -> None:
    """It stood in the machine, which is all that may be said of it."""
    devices = tuple(replace(one, used_by_job=False) for one in RECORD.hardware.accelerators)
    hardware = replace(RECORD.hardware, accelerators=devices)
    sessions = tuple(replace(one, hardware=hardware) for one in RECORD.sessions)
    unused = replace(RECORD, hardware=hardware, sessions=sessions)
    ratios = "## Training\n\n- Energy per step: [X]\n- Energy per token: [X]\n- Tokens per joule: [X]\n"
    assert fill_placeholders(ratios, unused).text.count("drawn by the GPU, which this job did not use") == 3
    assert "did not use" not in fill_placeholders(ratios, RECORD).text
    body = "## Training\n\nThe model was trained on [N] [GPU] GPUs. Training took [X] hours on a single [GPU].\n"
    assert fill_placeholders(body, unused).text == body
    assert fill_placeholders(body, RECORD).text != body


def test_the_best_loss_is_not_that_of_other_weights() -> None:
    """The lowest of the run may be of a step whose weights are not these."""
    body = "## Results\n\n- Best validation loss: [X]\n- Best perplexity: [X]\n"
    assert filled(body) == body.replace("loss: [X]", "loss: 1.04").replace("[X]", "2.84 (NF4 weights)")
    earlier = replace(RECORD, curves=RECORD.curves | {"eval_loss": ((300.0, 0.98), (500.0, 1.043))})
    text = fill_placeholders(body, earlier).text
    assert text == body.replace("loss: [X]", "loss: 0.980 (at step 300; 1.04 with these weights)")


def test_a_final_learning_rate_is_not_the_one_that_was_set() -> None:
    """A schedule ends lower."""
    body = "## Training\n\nWe trained the model with a final learning rate of [X].\n"
    assert filled(body) == body
    assert "1.05" in filled("## Training\n\nWe trained the model to a final training loss of [X].\n")


@pytest.mark.parametrize("next_one", ["We used [N] GPUs.", "Total water: [X] l."])
@pytest.mark.parametrize("lead", ["", "- **Note:** ", "> "])
def test_a_sentence_that_is_ours_follows_the_run(lead: str, next_one: str) -> None:
    """Though another of the same text has a placeholder that is left, and the card is written several times."""
    body = f"## Training\n\n{lead}We trained for [X] steps. {next_one}\n"
    assert filled(body) == body.replace("[X]", "500", 1)
    begun = replace(RECORD, training=replace(RECORD.training, steps=100))
    first = fill_placeholders(body, begun)
    second = fill_placeholders(first.text, begun, known=first.fills)
    assert fill_placeholders(second.text, RECORD, known=second.fills).text == body.replace("[X]", "500", 1)


@pytest.mark.parametrize("before", ["Small\u3002 ", "> Small. "])
def test_a_name_that_ends_in_it_points_back_to_nothing(before: str) -> None:
    """The one that was filled in would go again at the next writing."""
    body = f"{before}Trained from <base model> for [X] epochs.\n"
    assert filled(body) == f"{before}Trained from google/gemma-3-4b-it for 1 epoch.\n"


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("- Training time (hh:mm:ss): [X]", "01:52:00"),
        ("- **Runtime (HH:MM)**: [X]", "01:52"),
        ("- Training time: [hh:mm:ss]", "01:52:00"),
        ("- Trainingsdauer (mm:ss): [X]", "112:00"),
        ("- Startdatum: [JJJJ-MM-TT]", "2026-03-02"),
        ("- Started: [DATE]", "2026-03-02"),
        ("- Energy per 1k tokens: [X]", "69.8 J (of this run's GPU energy, without padding)"),
        ("- Energy per million tokens (Wh): [X]", "19.4 (of this run's GPU energy, without padding)"),
    ],
)
def test_clocks_and_energies_of_many_tokens(line: str, value: str) -> None:
    """The form of a time in a label's brackets is a unit; so many tokens are those of one, so many times."""
    body = f"## Training\n\n{line}\n"
    assert filled(body) == f"{body.rpartition('[')[0]}{value}\n"


def test_devices_are_counted_in_other_languages() -> None:
    """How many, and which: each in its place."""
    body = "## Training\n\n- Grafikkarten: [Anzahl] x [Modell]\n- GPUs: [nombre] x [modèle]\n"
    assert filled(body) == "## Training\n\n- Grafikkarten: 1 x NVIDIA GB10\n- GPUs: 1 x NVIDIA GB10\n"


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("- **Hours Used**: ??? hours", "- **Hours Used**: 1.87 hours"),
        ("- 平均功率 (瓦): 待填写", "- 平均功率 (瓦): 57.3 (GPU only, mean over the run)"),
        ("| Grafikprozessor | _bitte ergänzen_ |\n|---|---|", "| Grafikprozessor | _NVIDIA GB10_ |"),
        (
            "3.1 Known or estimated energy consumption of the model (MWh): [to be completed]",
            "3.1 Known or estimated energy consumption of the model (MWh): 0.000107 (GPU only, measured)",
        ),
        ("- Système d'exploitation : à compléter", "- Système d'exploitation : Ubuntu 24.04"),
    ],
)
def test_forms_of_other_programs_and_languages_are_filled(asked: str, answered: str) -> None:
    """As sentence-transformers, companies and the AI Act put it."""
    assert answered in filled(f"## Matériel, training\n\n{asked}\n")


def test_of_several_versions_this_one_is_filled() -> None:
    """The card says which of them it is about."""
    labels = "- GPU: {}\n- Energy: {}\n"
    text = filled(f"## v1\n\n{labels.format('A100', '3.1 kWh')}\n## v2 (this version)\n\n{labels.format('TBD', 'TBD')}")
    assert text.endswith("## v2 (this version)\n\n- GPU: NVIDIA GB10\n- Energy: 0.107 kWh (GPU only, measured)\n")
