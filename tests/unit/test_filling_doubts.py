"""What a card says around, inside and above a placeholder: where that leaves a doubt, the placeholder stays."""

from __future__ import annotations

import msgspec
import pytest
from card_inputs import with_place
from section_sessions import two_machines

from cardcallback.render.card.filling import fill_placeholders


def filled(body: str) -> str:
    """The body with the values of a QLoRA run (SFT) in Germany."""
    return fill_placeholders(body, with_place()).text


@pytest.mark.parametrize(
    "value",
    [
        "Energy: [X] kWh per epoch", "Energy: [X] kWh/epoch", "Energy: [X] kWh per GPU", "Energy: ~[X] Wh/token",
        "Energy: [X] kWh per 1000 queries", "Energy: [X] (measured) / [X] (estimated)", "Emissions: [X] kg per year",
        "Emissions: [X] g/km", "Training time: [X] hours per epoch", "Training time: [X] h on four GPUs",
        "Training time: [X] hours per model (5 models)", "Training tokens: [X] per batch",
        "Training steps: [X] per epoch", "Training throughput: About [X] TFLOP per GPU per second",
        "Hardware: [X] nodes × [X] GPUs", "Hardware: [X]× H100", "Hardware: [X] vCPUs, [X] GB RAM",
        "Hardware: [X] CPU cores", "GPU: [X] MHz", "GPU: [X] x [X]", "Base model: [X]B", "Seed: [X] runs",
        "Training data: [X] images", "Mean power: [X] kW per GPU", "Peak memory: [X] per GPU",
        "Memory: [X] / [X] GB", "Number of GPUs: [X] per node", "Number of GPUs: [X] (of 8)", "Epochs: [X] of 3",
        "Epochs: [X]/[X]", "Epochs: [X] SFT + [X] DPO", "Learning rate: [X]e-4", "Learning rate: [X] to [X]",
        "Learning rate: [X] → [X]", "Learning rate: [X] (projector), [X] (LLM)", "Batch size: [X] (SFT), [X] (DPO)",
        "Batch size: [X] x [X] = [X]", "LoRA rank: [X] (attention), [X] (MLP)", "Training loss: [X] → [X]",
        "Training loss: [X] ± [X]", "Training date: [X] to [X]", "Energy: [X] kWh over [Y] hours",
        "Optimizer: AdamW, lr [X]", "Quantization: [X] GB", "Training examples: [X] (train) / [X] (validation)",
        "Energy: {{ energy }} per epoch", "Training time: 値 [X]",
    ],
)  # fmt: skip
def test_words_around_a_placeholder_that_are_not_understood_keep_it(value: str) -> None:
    """A rate, a product, another noun, a second place: the figure would say something else there."""
    for frame in ("## Training\n\n- {}\n", "## Training\n\n**{}\n"):
        body = frame.format(value if "**" not in frame else value.replace(":", ":**", 1))
        assert filled(body) == body


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Hardware: [N]x [GPU]", "Hardware: 1x NVIDIA GB10"),
        ("GPUs: [N] × [model]", "GPUs: 1 × NVIDIA GB10"),
        ("Training time: **[X]** hours", "Training time: **1.87** hours"),
        ("Training time: about **[X]**", "Training time: about **1 h 52 min**"),
        ("Training time: **[X]** hours per **epoch**", "Training time: **[X]** hours per **epoch**"),
        ("Hardware: [N] [GPU]", "Hardware: 1 NVIDIA GB10"),
        ("Training time: [X] hours ✅", "Training time: 1.87 hours ✅"),
        ("Training time: [X] hours [^1]", "Training time: 1.87 hours [^1]"),
        ("Perplexity: [X] (base: [X])", "Perplexity: 2.84 (base: 6.49)"),
        ("Energy: [X] kWh in total.", "Energy: 0.107 kWh (GPU only, measured) in total."),
        ("Training time: [X] wall-clock hours", "Training time: [X] wall-clock hours"),
        ("Training time: [X] hours (wall clock)", "Training time: 1.87 hours (wall clock)"),
        ("Trainable parameters: [X] of [X] ([X]%)", "Trainable parameters: 29.8 M of 3.88 B (0.77%)"),
        ("Quantization: [X]-bit", "Quantization: 4-bit"),
        ("GPU memory: [X] GB", "GPU memory: 128 GB (unified, 119.7 GiB visible to the system)"),
        ("VRAM (GB): [X]", "VRAM (GB): 128 (unified, 119.7 GiB visible to the system)"),
        ("Throughput: [X] tokens/s", "Throughput: 821 tokens/s (in training, without padding)"),
        ("Throughput: [X] samples/s", "Throughput: [X] samples/s"),
        ("Throughput: [X] tokens/s/GPU", "Throughput: [X] tokens/s/GPU"),
        ("Trainable parameters (M): [X]", "Trainable parameters (M): 29.8"),
        ("Learning rate (peak): [X]", "Learning rate (peak): 2e-4, cosine schedule"),
        ("Energy (kWh, GPU only): [X]", "Energy (kWh, GPU only): 0.107 (GPU only, measured)"),
        ("Energy (kWh, whole data centre): [X]", "Energy (kWh, whole data centre): [X]"),
        ("Training time[^1]: [X]", "Training time[^1]: 1 h 52 min"),
        ("Training time: [HH:MM:SS]", "Training time: 01:52:00"),
        ("Training time: [wall clock days]", "Training time: 0.0778 days"),
        ("Training time: [DD/MM/YYYY]", "Training time: [DD/MM/YYYY]"),
        ("Training date: [DD/MM/YYYY]", "Training date: 02/03/2026"),
        ("Training date: [YYYY-MM-DD]", "Training date: 2026-03-02"),
        ("Training date: [Month Year]", "Training date: March 2026"),
        ("Training date: [TT.MM.JJJJ]", "Training date: 02.03.2026"),
        ("Learning rate: [HH:MM:SS]", "Learning rate: [HH:MM:SS]"),
        ("Hardware: [GPU model and count]", "Hardware: 1 × NVIDIA GB10 (NVIDIA DGX Spark)"),
        ("LoRA: r=[X], alpha=[X], dropout=[X]", "LoRA: r=16, alpha=32, dropout=0"),
    ],
)  # fmt: skip
def test_what_is_asked_for_in_words_that_are_understood_is_filled_so(before: str, after: str) -> None:
    """The row's own words, its unit, a count and what is counted."""
    assert filled(f"## Training\n\n- {before}\n") == f"## Training\n\n- {after}\n"


@pytest.mark.parametrize(
    "value",
    [
        "Stage: [dev / pilot / production]", "Data type: [text/tabular/images]", "Optimizer: [Adam|SGD]",
        "Precision: [bf16/fp16]", "Sequence length: [512/1024/2048]", "Objective: [business objective]",
        "Compute: [budget in EUR]", "Region: [markets covered]", "Duration: [project duration]",
        "Parameters: [list the API parameters]", "Loss: [cross-entropy]", "Training data: [describe]",
        "Training time: [GPU hours]", "Hardware: [inference hardware]",
    ],
)  # fmt: skip
def test_what_a_placeholder_asks_for_itself_is_heeded(value: str) -> None:
    """A list to choose from, another thing's name, a request: none of them is answered with the row's value."""
    body = f"## Training\n\n- {value}\n"
    assert filled(body) == body


def test_devices_that_took_turns_are_not_added_up() -> None:
    """A run that moved to another machine had one GPU at a time; one of two and four has no number."""
    record = two_machines()
    assert fill_placeholders("- Number of GPUs: [X]\n", record).text == "- Number of GPUs: 1 (simulated)\n"
    pair = "- Hardware: [N]x [GPU]\n"
    assert fill_placeholders(pair, record).text == pair
    more = msgspec.structs.replace(
        record.sessions[1].hardware, accelerators=record.sessions[1].hardware.accelerators * 2
    )
    sessions = (record.sessions[0], msgspec.structs.replace(record.sessions[1], hardware=more))
    changed = msgspec.structs.replace(record, sessions=sessions)
    assert fill_placeholders("- Number of GPUs: [X]\n", changed).text == "- Number of GPUs: [X]\n"


@pytest.mark.parametrize(
    "body",
    [
        "## Training\n\n- GPU: <Gpu />\n",
        "## Training\n\n- Epochs: {props.epochs}\n",
        "## Training\n\n- Training time: {trainingTime}\n",
    ],
)
def test_what_a_program_puts_in_is_no_placeholder(body: str) -> None:
    """Components and expressions of MDX."""
    assert filled(body) == body


@pytest.mark.parametrize(
    "body",
    [
        "## Classification\n\n- Precision: [X]\n- Recall: [X]\n",
        "## Results\n\n| Metric | Value |\n|---|---|\n| Precision | [X] |\n| F1 | [X] |\n",
        "## Results\n\n| Class | Precision | Recall |\n|---|---|---|\n| spam | [X] | [X] |\n",
        "## Scores\n\n| Accuracy | Precision |\n|---|---|\n| [X] | [X] |\n",
        "## Results\n\n- Precision: [X]\n",
        "## Model performance\n\n- Precision: [X]\n",
        "## Evaluation\n\n- Precision: [X] %\n- Precision: [X]\n",
    ],
)
def test_precision_beside_other_metrics_is_a_metric(body: str) -> None:
    """In lists, rows and columns, and below a heading about evaluation."""
    assert filled(body) == body


def test_precision_elsewhere_is_the_number_format() -> None:
    """As it was in training."""
    assert filled("## Training\n\n- Precision: [X]\n") == "## Training\n\n- Precision: bf16\n"


@pytest.mark.parametrize(
    "line",
    ["Stage: [X]", "Objective: [X]", "Driver: [X]", "Packing: [X]", "Seed: [X]", "Region: [X]", "Compute: [X]",
     "Duration: [X]", "Parameters: [X]", "Data type: [X]"],
)  # fmt: skip
@pytest.mark.parametrize("above", ["## Vehicle data", "## Funding", "# Demand forecaster"])
def test_plain_words_mean_the_run_only_where_the_card_speaks_of_one(above: str, line: str) -> None:
    """A stage, a driver and a seed are other things in other sections, and on a card about no training."""
    body = f"{above}\n\n- {line}\n- Status: done\n"
    assert filled(body) == body


def test_a_line_that_introduces_a_list_counts_as_a_heading() -> None:
    """A baseline's figures, and a section of training."""
    body = "## Results\n\n**Baseline:**\n\n- Perplexity: [X]\n"
    assert filled(body) == body
    assert "- Seed: 42\n" in filled("## Details\n\n**Training:**\n\n- Seed: [X]\n")


@pytest.mark.parametrize(
    "body",
    [
        "| Item | Value | Unit |\n|---|---|---|\n| Energy | [X] | kWh/epoch |\n",
        "| Item | Value | Unit |\n|---|---|---|\n| Training time | [X] | GPU-h |\n",
        "| Item | Value per GPU |\n|---|---|\n| Energy (kWh) | [X] |\n",
        "| Item | Inference |\n|---|---|\n| Energy (kWh) | [X] |\n",
        "| Item | 2023 |\n|---|---|\n| Energy (kWh) | [X] |\n",
        "## Training cost per epoch\n\n- Energy: [X] kWh\n",
        "## Training\n\n- Annual:\n  - Energy: [X] kWh\n",
        "## Energy at inference\n\n- Energy: [X] kWh\n",
    ],
)
def test_rates_and_parts_in_columns_and_headings_stay(body: str) -> None:
    """A unit that is not known, a year, a GPU, an epoch."""
    assert filled(body) == body


def test_a_column_of_units_may_say_that_there_is_none() -> None:
    """Beside a number without unit, or a name."""
    body = "| Item | Value | Unit |\n|---|---|---|\n| Epochs | [X] | - |\n| GPU | [X] | name |\n"
    assert "[X]" not in filled(body)


def test_plain_words_beside_settings_of_a_run_are_about_it() -> None:
    """A short card without sections."""
    assert "- Seed: 42\n" in filled("# My adapter\n\n- Learning rate: [X]\n- Seed: [X]\n")
    assert "- Seed: 42\n" in filled("## Training\n\n- Seed: [X]\n")


@pytest.mark.parametrize(
    "heading",
    ["Baseline", "Zero-shot evaluation", "Base model results", "Previous version", "acme-1b", "Acme 27B", "GPT-4",
     "Tokenizer training", "Embedding model", "Distillation", "RLHF", "DPO", "Staff training",
     "Results on the test set of customer B", "Original training", "Hyperparameter search", "Ablations",
     "Roadmap", "Base model", "Before", "Results on GSM8K"],
)  # fmt: skip
def test_figures_below_a_heading_of_somebody_elses_stay(heading: str) -> None:
    """Another model's, another stage's, several runs', people's."""
    body = f"## {heading}\n\n- Training time: [X]\n- Learning rate: [X]\n- Perplexity: [X]\n- Epochs: [X]\n"
    assert filled(body) == body


@pytest.mark.parametrize(
    "heading",
    ["Training", "SFT", "Fine-tuning gemma-3-4b-it", "Gemma", "Supervised fine-tuning", "LLaMA-Factory settings",
     "Training on 10M tokens", "Customer support fine-tuning"],
)  # fmt: skip
def test_figures_below_a_heading_that_names_this_run_are_filled(heading: str) -> None:
    """Its stage, its base model, its library."""
    assert filled(f"## {heading}\n\n- Learning rate: [X] (peak)\n- Epochs: [X]\n").endswith("- Epochs: 1\n")


@pytest.mark.parametrize(
    "heading",
    ["Runtime performance", "Hosting", "Deployment", "Monitoring in production", "Minimum hardware",
     "Hardware requirements", "Evaluation", "Evaluation details", "Quantization details", "Einsatz", "Inférence"],
)  # fmt: skip
def test_training_values_stay_out_of_serving_and_evaluation(heading: str) -> None:
    """Hardware, batches and energy of another purpose."""
    body = f"## {heading}\n\n- Hardware: [X]\n- GPU: [X]\n- Batch size: [X]\n- Energy: [X] kWh\n- Max length: [X]\n"
    assert filled(body) == body


def test_a_heading_that_a_row_asks_for_does_not_hide_the_one_below_it() -> None:
    """Hosting has an environmental impact of its own."""
    body = "## Environmental Impact\n\n### Hosting\n\n- Hardware Type: [X]\n"
    assert filled(body) == body


def test_held_out_results_are_filled_below_evaluation() -> None:
    """They are what a run measures of it."""
    body = "## Evaluation\n\n- Validation loss: [X]\n- Perplexity: [X]\n- Perplexity (base): [X]\n"
    assert "[X]" not in filled(body)


def test_requirements_of_an_implementation_are_about_training() -> None:
    """As one widespread template calls what training took."""
    assert filled("## Implementation requirements\n\n- Training time: [fill in]\n").endswith(": 1 h 52 min\n")
