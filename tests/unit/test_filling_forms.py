"""Signs, blanks and tables in which companies, courses and registers leave a place for a value."""

# ruff: noqa: E501, ISC004, RUF001  cards as people write them, in their own letters

from __future__ import annotations

import pytest
from card_inputs import with_place
from test_templates import nothing_known

from cardcallback.render.card.filling import fill_placeholders

TRAINING = "# A model\n\n## Training\n\n"


def filled(body: str) -> str:
    """The card after one run, which a second one leaves alone and a run of which nothing is known puts back."""
    first = fill_placeholders(body, with_place())
    again = fill_placeholders(first.text, with_place(), known=first.fills)
    assert (again.text, again.fills) == (first.text, first.fills)
    assert fill_placeholders(first.text, nothing_known(), known=first.fills).text == body
    return first.text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # The sign that stands for nothing goes with the value in its place.
        ("<dl><dt>Training time</dt><dd>&nbsp;</dd></dl>", "<dl><dt>Training time</dt><dd>1 h 52 min</dd></dl>"),
        ("| P | Value |\n|---|---|\n| Epochs | &nbsp; |", "| P | Value |\n|---|---|\n| Epochs | 1 |"),
        ("| P | Value |\n|---|---|\n| Epochs | <br> |", "| P | Value |\n|---|---|\n| Epochs | 1 |"),
        # A blank cell has a blank on both sides of its value, where it has room for none or one.
        ("| P | Value |\n|---|---|\n| Epochs | |", "| P | Value |\n|---|---|\n| Epochs | 1 |"),
        ("P|Value\n---|---\nEpochs||", "P|Value\n---|---\nEpochs|1|"),
        # A label before a line's end that somebody wrote, with another label or nothing below.
        ("**Training Time:** <br>\n**GPU:** <br>", "**Training Time:** 1 h 52 min<br>\n**GPU:** NVIDIA GB10<br>"),
        ("* Total kWh = <br>\n* Epochs: <br>", "* Total kWh = 0.107 (GPU only, measured)<br>\n* Epochs: 1<br>"),
        # A list's item that is nothing but a label, with an item, a heading or nothing below.
        ("- Hardware:\n- **Training time:**\n- **Hours used**: \n\n## Next\n", "- Hardware: 1 × NVIDIA GB10 (NVIDIA DGX Spark)\n- **Training time:** 1 h 52 min\n- **Hours used**: 1.87 hours of wall time; 1.87 GPU-hours (1 GPU) \n\n## Next\n"),
        ("* learning_rate:\n* [ ] Epochs:\n\n<!-- end -->", "* learning_rate: 2e-4, cosine schedule\n* [ ] Epochs: 1\n\n<!-- end -->"),
        ("1. 训练时长：\n2. Steps:", "1. 训练时长：1 h 52 min\n2. Steps: 500"),
        # Names in capitals right behind a sign of equality, and a value there that is remembered too.
        ("- LoRA r={LORA_R}, alpha={LORA_ALPHA}, dropout 0", "- LoRA r=16, alpha=32, dropout 0"),
        ("- epochs=[X]\n- learning_rate=<value>", "- epochs=1\n- learning_rate=2e-4, cosine schedule"),
        ("- Logged training time: [X] s", "- Logged training time: 6,720 s"),
        # A unit behind other words of a hint, or at the end of a comment.
        ("- Training time: [duration in hours]", "- Training time: 1.87 hours"),
        ("- Peak memory: [peak usage in GB]", "- Peak memory: 65.5 GB (61.0 GiB of 120 GiB in use, whole machine)"),
        ("### Training time\n\n<!-- all of it, in minutes -->", "### Training time\n\n112 minutes"),
        ("- Carbon emitted (est.): [grams]", "- Carbon emitted (est.): 37 grams (GPU only: 107 Wh × 344 g/kWh, Germany, 2024, lifecycle)"),
        ("- Training compute: [X] GPU-hours", "- Training compute: 1.87 GPU-hours (1 GPU)"),
        # The default of a template that nobody rendered.
        ("- **Epochs:** {{ epochs | default('[More Information Needed]', true) }}", "- **Epochs:** 1"),
        # Attributes of Quarto and Pandoc.
        ("| P | Value |\n|---|---|\n| Epochs | [TBD]{.red} |", "| P | Value |\n|---|---|\n| Epochs | 1 |"),
        ("Training time\n:   [TBD]{.todo #t}", "Training time\n:   1 h 52 min"),
        # Circles in Chinese and Japanese.
        ("- **検証損失**：〇〇", "- **検証損失**：1.04"),
        ("- **学習時間**：約○○時間", "- **学習時間**：約1.87時間"),
        # Letters for digits, right before a unit, beside an arrow and in a sentence.
        ("- :stopwatch: **Time**: XXh XXm", "- :stopwatch: **Time**: 1h 52m"),
        ("- **Validation loss**: X.XX → X.XX", "- **Validation loss**: 1.87 → 1.04"),
        ("We trained for XX epochs with a batch size of XX.", "We trained for 1 epoch with a batch size of 2."),
        ("Das Training dauerte XX Stunden auf einer [GPU].", "Das Training dauerte 1.87 Stunden auf einer NVIDIA GB10."),
        ("L'entraînement a duré XX heures.", "L'entraînement a duré 1.87 heures."),
        ("El entrenamiento duró XX horas.", "El entrenamiento duró 1.87 horas."),
        # Words that no HTML tag begins with.
        ("- Durée : <à compléter>", "- Durée : 1 h 52 min"),
        # A form whose first column numbers its rows.
        (
            "| Ref | Field | Entry | Owner |\n|---|---|---|---|\n| B.1 | Training time | ____ | ML |\n"
            "| B.2 | Approved budget (kWh) | ____ | ML |",
            "| Ref | Field | Entry | Owner |\n|---|---|---|---|\n| B.1 | Training time | 1 h 52 min | ML |\n"
            "| B.2 | Approved budget (kWh) | ____ | ML |",
        ),
        # A row that is of this run, below heads that are the labels.
        ("| Run | Epochs | GPU |\n|---|---|---|\n| this run | | |", "| Run | Epochs | GPU |\n|---|---|---|\n| this run | 1 | NVIDIA GB10 |"),
        ("1. Training loss at the end: ____", "1. Training loss at the end: 1.05 (last logged, step 500)"),
        ("- Estimated energy consumption for the training: TBD", "- Estimated energy consumption for the training: 0.107 kWh (GPU only, measured)"),
    ],
)  # fmt: skip
def test_a_place_is_filled_however_it_is_left(before: str, after: str) -> None:
    """The sign of the place goes, and every other byte stays."""
    assert filled(f"{TRAINING}{before}\n") == f"{TRAINING}{after}\n"


@pytest.mark.parametrize(
    "body",
    [
        # A list's item that introduces what stands below it, or may.
        "- Hardware:\n  - four of them\n",
        "- Hardware:\n\n      A100\n",
        "- Hardware:\n\nFour A100 of a colleague.\n",
        "- Hardware:\n\n| A100 | 4 |\n|---|---|\n",
        "- **Hardware:\n---\n** 1\n",
        # What the model reads and writes is of its use.
        "### Input/Output Format\n\n**Output**:\n- **Max length**: [X] tokens\n",
        "- LoRA r={lora.rank}",
        "- Training compute (FLOPs): [X]",
        "- Training compute: [X] PF-days",
        "- Training time: [latency in hours]",
        # Other models', whatever stands beside them.
        "| Model | Val loss |\n|---|---|\n| Baseline | XX |\n| Previous release | XX |",
        # A single circle is "yes", a cross or a number a name.
        "| P | Value |\n|---|---|\n| Mixed precision | ○ |\n| Epochs | × |",
        "The model was trained on texts about the XX chromosome.",
        "We trained an XXL model and an XX-large one.",
        # What introduces a list, and a label without a line's end of its own.
        "**Training time:** <br>\n\n- one day",
        "**Epochs:**",
        # Steps of a log are no numbers of rows.
        "| Step | Loss | Eval loss |\n|---|---|---|\n| 1 | XX | XX |\n| 2 | XX | XX |",
        "| P | Value |\n|---|---|\n| Epochs | [see TBD]{.red} |",
    ],
)
def test_what_only_looks_like_a_place_stays(body: str) -> None:
    """A figure of somebody else's, an answer or a word."""
    assert filled(f"{TRAINING}{body}\n") == f"{TRAINING}{body}\n"
