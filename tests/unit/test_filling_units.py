"""Labels that are a unit, that say a thing in two languages, or that ask for a version; and what is of generation."""

# ruff: noqa: RUF001  cards as people write them, in their own letters

from __future__ import annotations

import pytest
from card_inputs import with_place

from cardcallback.render.card.filling import fill_placeholders


def filled(body: str) -> str:
    """The body with the values of a QLoRA run (SFT) in Germany."""
    return fill_placeholders(body, with_place()).text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("- Training hours: [X]", "- Training hours: 1.87"),
        ("- Horas de entrenamiento: [X]", "- Horas de entrenamiento: 1.87"),
        ("- Hours: [HH:MM]", "- Hours: 01:52"),
        ("| GPU | Hours |\n|---|---|\n| [X] | [X] |", "| GPU | Hours |\n|---|---|\n| NVIDIA GB10 | 1.87 |"),
        ("- Batch size: [X] per GPU, [X] in total", "- Batch size: 2 per GPU, 16 in total"),
        ("- Transformers ([version])", "- Transformers (5.23.0)"),
        ("- 学習率 (Learning rate): [X]", "- 学習率 (Learning rate): 2e-4, cosine schedule"),
        ("- 训练时长 Training time：[X] 小时", "- 训练时长 Training time：1.87 小时"),
        ("| Parameter | Search space | Selected |\n|---|---|---|\n| LoRA r | 8 to 32 | [X] |",
         "| Parameter | Search space | Selected |\n|---|---|---|\n| LoRA r | 8 to 32 | 16 |"),
    ],
)  # fmt: skip
def test_a_label_that_is_a_unit_or_in_two_languages_is_understood(before: str, after: str) -> None:
    """A number of hours where hours are asked for; both halves of a batch; a version in brackets."""
    assert filled(f"## Training\n\n{before}\n") == f"## Training\n\n{after}\n"


def test_a_sentence_with_the_names_of_variables_is_filled() -> None:
    """As templates of programs write them."""
    body = (
        "Our group fine-tuned {{ base_model }} for {{ epochs }} epochs on {{ n_examples }} examples. The model was"
        " trained for {{ hours }} hours on {{ hardware }}, consuming {{ energy_kwh }} kWh of electricity.\n"
    )
    assert filled(f"# Model\n\n{body}") == (
        "# Model\n\nOur group fine-tuned google/gemma-3-4b-it for 1 epoch on 8,000 examples. The model was trained for"
        " 1.87 hours on 1 × NVIDIA GB10 (NVIDIA DGX Spark), consuming 0.107 kWh (GPU only, measured) of electricity.\n"
    )


@pytest.mark.parametrize(
    "body",
    [
        "## Generation speed\n\n- Step time: [X]\n- Peak memory: [X]\n- Batch size: [X]\n",
        "## Speed in llama.cpp\n\n- Peak memory: [X]\n",
        "## Time\n\n### Training\n\n- CPU: [X]\n- Cooling: [X]\n",
        "## Energy\n\n### Training\n\n- GPU: [X]\n\n### Evaluation\n\n- GPU: [X]\n",
        "## Time\n\n### Training\n\n- Hours: [X]\n\n### Validation\n\n- Hours: [X]\n",
        "## Dataset statistics\n\n- Average length: [X]\n- Max length: [X]\n",
        "## Training\n\n- Energy (Perplexity): [X]\n",
        "## Training\n\n- Transformers ([layers])\n",
        "## Software\n\nMinimum: Transformers [version].\n",
    ],
)
def test_what_is_of_generation_or_another_thing_stays(body: str) -> None:
    """Use of the model, a device's name below a time, the lengths of a data set, two labels that differ."""
    assert filled(body) == body


def test_below_time_and_training_a_device_asks_for_its_time() -> None:
    """Not for its name."""
    assert "NVIDIA" not in filled("## Time\n\n### Training\n\n- GPU: [X]\n- Wall clock: [X]\n")


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("- Hours used: [HOURS]", "- Hours used: 1.87 hours"),
        ("- Energy: [KWH]", "- Energy: 0.107 kWh (GPU only, measured)"),
        ("- Training energy measured: ____ Wh", "- Training energy measured: 107 Wh (GPU only, measured)"),
        ("- Energy consumption of the model (known or estimated): TBD",
         "- Energy consumption of the model (known or estimated): 0.107 kWh (GPU only, measured)"),
        ("| Energy consumption, in Wh | TBD |", "| Energy consumption, in Wh | 107 (GPU only, measured) |"),
        ("- Computational resources used: TBD", "- Computational resources used: 1 × NVIDIA GB10 (NVIDIA DGX Spark)"),
        (":Duration: TBD\n:Hardware: TBD", ":Duration: 1 h 52 min\n:Hardware: 1 × NVIDIA GB10 (NVIDIA DGX Spark)"),
        ("b) How long did training take? ______\nc) Reviewer: ______",
         "b) How long did training take? 1 h 52 min\nc) Reviewer: ______"),
    ],
)  # fmt: skip
def test_a_form_of_somebody_elses_is_filled_as_it_is_put(line: str, wanted: str) -> None:
    """What qualifies a label, units in capitals, field lists, letters before a question."""
    table = "| Item | Value |\n|---|---|\n" if line.startswith("|") else ""
    assert filled(f"## Training\n\n{table}{line}\n") == f"## Training\n\n{table}{wanted}\n"


@pytest.mark.parametrize(
    "line", ["- Energy consumption of the model: TBD", "- Memory measured: TBD", ":zap: Latency: TBD", "a) b) TBD"]
)
def test_a_form_about_use_is_left(line: str) -> None:
    """A qualifier changes nothing of what stands above it."""
    assert filled(f"## Inference\n\n{line}\n") == f"## Inference\n\n{line}\n"
