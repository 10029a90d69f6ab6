"""Every way a card has of leaving room for a value, and what it is filled with there."""

from __future__ import annotations

import pytest
from card_inputs import with_place

from cardcallback.render.card.filling import fill_placeholders
from cardcallback.testing import make_record

CARBON = "GPU only: 107 Wh × 344 g/kWh, Germany, 2024, lifecycle"


def filled(body: str) -> str:
    """The body with the values of a run in Germany."""
    return fill_placeholders(body, with_place()).text


@pytest.mark.parametrize(
    "placeholder",
    [
        "[X]", "[e.g., 64]", "[e.g. 64]", "[rank]", "[Your value here]", "[...]", "[…]", "[?]", "[#]", "[___]",
        "[TODO]",
        "[Optional]", "[More Information Needed]", "[N]", "[Estimate based on the run]", "TBD", "tbd", "TODO", "TBA",
        "To be determined", "XX", "####", "____", "…", "...", "???", "?", "<value>", "<your value>", "<X>",
        "{{ lora_rank }}", "{{rank}}", "{rank}", "${RANK}", "`[X]`", "`{{ rank }}`", "*[X]*", "**[X]**", "_TBD_",
        "(e.g., 64)", "(your value)", "e.g., 64", "\\[X\\]", "&lt;value&gt;", "<!-- the rank of the adapter -->",
        "More information needed", "[e.g., [64]]", "0.XX", "0,XXX", "`0.XX`", "X.Xe-X", "`Xe-XX`",
        "[answer here]", "[Antwort]", "\u3010TBD\u3011", "\u3010\u5f85\u586b\u5199\u3011",
    ],
)  # fmt: skip
def test_each_style_of_placeholder_is_filled(placeholder: str) -> None:
    """In a list, a table and a paragraph; what is around it in the card stays."""
    for frame in ("- **LoRA Rank:** {}\n", "| P | Value |\n|---|---|\n| LoRA Rank | {} |\n", "LoRA Rank: {}\n"):
        text = filled(frame.format(placeholder))
        assert text in {frame.format(value) for value in ("16", "*16*", "**16**", "_16_")}, text


@pytest.mark.parametrize(
    "value",
    [
        "16", "N/A", "None", "unknown", "-", "[16](x.md)", "[16][ref]", "[^1]", "[1]", "[1, 2]", "[0.1, 1e-4]", "[x]",
        "['a', 'b']", "[q_proj, v_proj]", "16 [see the paper]", "`r`", "https://x.org/[X]", "![X](x.png)", "16 <br>",
        "about 16", "X-large", "Not applicable", "X", "N", "0.X", "0.x", "4.X",
    ],
)  # fmt: skip
def test_what_somebody_wrote_is_no_placeholder(value: str) -> None:
    """Values, links, references, lists of values, words that say there is none."""
    for frame in ("- **LoRA Rank:** {}\n", "| P | Value |\n|---|---|\n| LoRA Rank | {} |\n"):
        assert filled(frame.format(value)) == frame.format(value)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # inside a longer text
        ("**Training Time:** ~[X] minutes", "**Training Time:** ~112 minutes"),
        ("**Training Time:** [X] hours", "**Training Time:** 1.87 hours"),
        ("**Training Time:** about [X] h in total", "**Training Time:** about 1.87 h in total"),
        ("**Training Time:** [X] hours and [Y] minutes", "**Training Time:** 1 hour and 52 minutes"),
        ("**Batch Size:** [X] (effective [X] with gradient accumulation)",
         "**Batch Size:** 2 (effective 16 with gradient accumulation)"),
        ("**Learning Rate:** [X] with [scheduler] schedule", "**Learning Rate:** 2e-4 with cosine schedule"),
        ("**Fine-tuning method:** QLoRA (r=[X], alpha=[X])", "**Fine-tuning method:** QLoRA (r=16, alpha=32)"),
        ("**LoRA:** rank [X], alpha [X], dropout [X]", "**LoRA:** rank 16, alpha 32, dropout 0"),
        ("**Dataset Size:** [X] examples", "**Dataset Size:** 8,000 examples"),
        ("**Dataset Size:** [e.g., 5000 examples]", "**Dataset Size:** 8,000 examples"),
        ("**Epochs:** [X] ([X] steps)", "**Epochs:** 1 (500 steps)"),
        ("**Trainable parameters:** [X] ([X]%)", "**Trainable parameters:** 29.8 M (0.77%)"),
        # thousands, millions and billions of a count
        ("**Training tokens:** [X] B", "**Training tokens:** 0.00552 B (without padding)"),
        ("**Training tokens:** [X]M", "**Training tokens:** 5.52M (without padding)"),
        ("**Training tokens:** ~[X]k tokens", "**Training tokens:** ~5,520k tokens (without padding)"),
        ("**Training tokens:** [X] million", "**Training tokens:** 5.52 million (without padding)"),
        ("**Training tokens:** [X] million tokens", "**Training tokens:** 5.52 million tokens (without padding)"),
        ("**Training tokens:** ~[X] in all", "**Training tokens:** ~5.52 M tokens (without padding) in all"),
        ("**Training tokens:** [X]", "**Training tokens:** 5.52 M tokens, without padding"),
        ("**Training tokens:** [X billion]", "**Training tokens:** 5.52 M tokens, without padding"),
        ("**Training tokens (millions):** [X]", "**Training tokens (millions):** 5.52 (without padding)"),
        ("**Tokens processed:** [X]M", "**Tokens processed:** 6.02M (with padding)"),
        ("**Total parameters:** [X] billion", "**Total parameters:** 3.88 billion"),
        ("**Total parameters:** [X] Mrd.", "**Total parameters:** 3.88 Mrd."),
        ("**Total parameters:** [X]B parameters", "**Total parameters:** 3.88B parameters"),
        ("**Total parameters:** [e.g., 7B]", "**Total parameters:** 3.88 B"),
        ("**Parameters (M):** [X]", "**Parameters (M):** 3,880"),
        ("**Parameters (in billions):** TBD", "**Parameters (in billions):** 3.88"),
        ("**Trainable parameters:** [X]M ([Y]%)", "**Trainable parameters:** 29.8M (0.77%)"),
        ("**Dataset size:** [X]k examples", "**Dataset size:** 8.00k examples"),
        ("**Epochs:** [K]", "**Epochs:** 1"),
        ("## Training\n\n- **Throughput:** [tokens/s]",
         "## Training\n\n- **Throughput:** 821 tokens/s (in training, without padding)"),
        ("| Item | Value | Unit |\n|---|---|---|\n| Parameters | TBD | B |",
         "| Item | Value | Unit |\n|---|---|---|\n| Parameters | 3.88 | B |"),
        # the unit that is asked for
        ("**Training Time (hours):** [X]", "**Training Time (hours):** 1.87"),
        ("**Training time [min]:** TBD", "**Training time [min]:** 112"),
        ("**Training time, hours:** TBD", "**Training time, hours:** 1.87"),
        ("**training_time_seconds:** TBD", "**training_time_seconds:** 6,720"),
        ("**Training Duration:** [Hours]", "**Training Duration:** 1.87 hours"),
        ("**Training Time:** [e.g., 4 hours]", "**Training Time:** 1.87 hours"),
        ("**Training Time:** [e.g., 4 days]", "**Training Time:** 1 h 52 min"),
        ("**Training Time:** [X]", "**Training Time:** 1 h 52 min"),
        ("**Training Time:** XX.X hours", "**Training Time:** 1.87 hours"),
        ("**Estimated Energy (kWh):** [Estimate based on TDP]",
        "**Estimated Energy (kWh):** 0.107 (GPU only, measured)"),
        ("**Energy consumed in Wh:** [X]", "**Energy consumed in Wh:** 107 (GPU only, measured)"),
        ("**Energy:** [X] MJ", "**Energy:** 0.385 MJ (GPU only, measured)"),
        ("**Carbon Emissions:** [If known]", f"**Carbon Emissions:** 37 g CO2eq ({CARBON})"),
        ("**Carbon Emissions (kg CO2eq):** [X]", f"**Carbon Emissions (kg CO2eq):** 0.037 ({CARBON})"),
        ("**CO₂ emissions:** [X] kg CO₂e", f"**CO₂ emissions:** 0.037 kg CO₂e ({CARBON})"),
        ("**CO2 emissions (g):** ~[X]", f"**CO2 emissions (g):** ~37 ({CARBON})"),
        ("**Peak Memory:** [X] GB", "**Peak Memory:** 65.5 GB (61.0 GiB of 120 GiB in use, whole machine)"),
        ("**Peak Memory:** [X] GiB", "**Peak Memory:** 61.0 GiB (of 120 GiB in use, whole machine)"),
        ("**Energy:** TBD (kWh)", "**Energy:** 0.107 (kWh) (GPU only, measured)"),
        ("Carbon footprint: TBD gCO2e", f"Carbon footprint: 37 gCO2e ({CARBON})"),
        ("**GPU hours:** [X]", "**GPU hours:** 1.87 GPU-hours (1 GPU)"),
        ("**Number of training examples:** [N]", "**Number of training examples:** 8,000"),
        ("### Training time\n\nApproximately [X] hours.", "### Training time\n\nApproximately 1.87 hours."),
        ("### Training hardware\n\n[GPU type] × [number of GPUs]", "### Training hardware\n\nNVIDIA GB10 × 1"),
        ("**Optimizer:** ____ (lr = ____, seed = ____)", "**Optimizer:** paged_adamw_8bit (lr = 2e-4, seed = 42)"),
        ("**Max. sequence length:** [X] tokens", "**Max. sequence length:** 2048 tokens"),
        ("**Avg. GPU power:** [X]W", "**Avg. GPU power:** 57.3W (GPU only, mean over the run)"),
        ("**Warm-up:** [X]% of steps", "**Warm-up:** 3.0% of steps"),
        ("**Optimizer used:** [X]", "**Optimizer used:** paged_adamw_8bit"),
        ("## Training\n\nIt took {{ training_time }} on {{ hardware }}.",
         "## Training\n\nIt took 1 h 52 min on 1 × NVIDIA GB10 (NVIDIA DGX Spark)."),
        # where the value stands below or beside its label
        ("**LoRA Rank**\n: [X]", "**LoRA Rank**\n: 16"),
        ("**LoRA Rank**  \n[X]", "**LoRA Rank**  \n16"),
        ("LoRA Rank\n: [X]", "LoRA Rank\n: 16"),
        ("**LoRA Rank** [X]", "**LoRA Rank** 16"),
        ("**LoRA Rank** – [X]", "**LoRA Rank** – 16"),
        ("`lora_r`: [X]", "`lora_r`: 16"),
        ("lora_r = [X]", "lora_r = 16"),
        ("**LoRA Rank:** [X], **LoRA Alpha:** [X]", "**LoRA Rank:** 16, **LoRA Alpha:** 32"),
        ("**LoRA Rank:** [X] | **LoRA Alpha:** [X]", "**LoRA Rank:** 16 | **LoRA Alpha:** 32"),
        ("- [ ] LoRA Rank: [X]", "- [ ] LoRA Rank: 16"),
        ("<b>LoRA Rank:</b> [X]", "<b>LoRA Rank:</b> 16"),
        ("### LoRA Rank\n\n[X]", "### LoRA Rank\n\n16"),
        ("**LoRA Rank**\n\n[X]", "**LoRA Rank**\n\n16"),
        ("### LoRA Rank\n<!-- of the adapter -->", "### LoRA Rank\n16"),
        ("- Training\n  - LoRA\n    - Rank: [X]", "- Training\n  - LoRA\n    - Rank: 16"),
        ("> - **LoRA Rank:** [X]", "> - **LoRA Rank:** 16"),
        ("**LoRA Rank\uff1a** [X]", "**LoRA Rank\uff1a** 16"),
        ("🔧 **LoRA Rank:** [X]", "🔧 **LoRA Rank:** 16"),
        # tables
        ("| LoRA Rank | [X] |\n|---|---|\n| LoRA Alpha | [X] |",
        "| LoRA Rank | 16 |\n|---|---|\n| LoRA Alpha | 32 |"),
        ("| P | Value |\n|---|---|\n| LoRA Rank | |", "| P | Value |\n|---|---|\n| LoRA Rank | 16 |"),
        ("| LoRA Rank | LoRA Alpha |\n|---|---|\n| [X] | [X] |",
        "| LoRA Rank | LoRA Alpha |\n|---|---|\n| 16 | 32 |"),
        ("| P | Value | Notes |\n|---|---|---|\n| LoRA Rank | [X] | [why] |",
         "| P | Value | Notes |\n|---|---|---|\n| LoRA Rank | 16 | [why] |"),
        ("| Metric | Base | Fine-tuned |\n|---|---|---|\n| Perplexity | [X] | [X] |",
         "| Metric | Base | Fine-tuned |\n|---|---|---|\n| Perplexity | 6.49 (NF4 weights) | 2.84 (NF4 weights) |"),
        ("| Metric | gemma-3-4b-it | Ours | GPT-4 |\n|---|---|---|---|\n| Eval loss | [X] | [X] | [X] |",
         "| Metric | gemma-3-4b-it | Ours | GPT-4 |\n|---|---|---|---|\n| Eval loss | 1.87 | 1.04 | [X] |"),
        ("| Setting | Value | Setting | Value |\n|---|---|---|---|\n| LoRA Rank | [X] | LoRA Alpha | [X] |",
         "| Setting | Value | Setting | Value |\n|---|---|---|---|\n| LoRA Rank | 16 | LoRA Alpha | 32 |"),
        ("| | | | |\n|---|---|---|---|\n| LoRA Rank | [X] | LoRA Alpha | [X] |",
         "| | | | |\n|---|---|---|---|\n| LoRA Rank | 16 | LoRA Alpha | 32 |"),
        ("| Item | Value | Unit |\n|---|---|---|\n| Training time | TBD | h |",
         "| Item | Value | Unit |\n|---|---|---|\n| Training time | 1.87 | h |"),
        ("| Model | Eval loss | LoRA Rank |\n|---|---|---|\n| Base | [X] | [X] |\n| **Ours** | [X] | [X] |",
         "| Model | Eval loss | LoRA Rank |\n|---|---|---|\n| Base | 1.87 | [X] |\n| **Ours** | 1.04 | 16 |"),
        ("| Model | Eval loss |\n|---|---|\n| **Ours** | [X] |\n| GPT-4 | [X] |",
         "| Model | Eval loss |\n|---|---|\n| **Ours** | 1.04 |\n| GPT-4 | [X] |"),
        ("`lora_r`: `[R]`, `lora_alpha`: `[ALPHA]`", "`lora_r`: 16, `lora_alpha`: 32"),
        ("| Setting | SFT | DPO |\n|---|---|---|\n| Epochs | [X] | [X] |",
         "| Setting | SFT | DPO |\n|---|---|---|\n| Epochs | 1 | [X] |"),
    ],
)  # fmt: skip
def test_a_value_stands_in_the_words_and_unit_that_are_asked_for(before: str, after: str) -> None:
    """Only what holds a place is replaced."""
    assert filled(before) == after


@pytest.mark.parametrize(
    "body",
    [
        "## Inference\n\n- **Batch Size:** [X]\n",
        "## Inference Parameters\n\n| Parameter | Recommended Value |\n|---|---|\n| Max length | [X] |\n",
        "### Browser Performance\n\n- **Hardware:** [X]\n",
        "## How to Use\n\n- **GPU:** [X]\n",
        "## Teacher Model\n\n- **Learning Rate:** [X]\n",
        "## Pretraining\n\n- **Epochs:** [X]\n",
        "| Metric | GPT-4 | Llama-3-8B |\n|---|---|---|\n| Perplexity | [X] | [X] |\n",
        "| Setting | Value | Other | Value |\n|---|---|---|---|\n| Seed | 1 | LoRA Alpha | [X] |\n",
        "| Metric | Target |\n|---|---|\n| Validation loss | [X] |\n",
        "- **Training Time:** [X] steps\n",
        "- **Training tokens:** [X] lakh\n",
        "- **Training tokens:** [X]M tokens/s\n",
        "## Training\n\n- **Training speed:** ~[X] steps per second\n",
        "- **Training tokens:** [X] million per second\n",
        "- **Total parameters:** [X] lakh\n",
        "- **Total parameters:** [X] GB\n",
        "- **Training steps:** [X] steps per epoch\n",
        "- **Max sequence length (T):** [X]\n",
        "- **Batch size (B):** [X]\n",
        "- **Dataset Size:** [X GB]\n",
        "- **Carbon Emissions (stones):** [X]\n",
        "- **Learning Rate:** between [X] and [Y]\n",
        "- **Training Loss:** [start] to [end]\n",
        "- **Training Time:** [X] - [Y] hours\n",
        "## Training\n\nIt ran from [date] to [date].\n",
        "- **Knowledge Cutoff:** [DATE]\n",
        "- **Model Size:** ~[X] MB (browser-ready)\n",
        "## Events\n\n- **Date:** [X]\n",
        "## Changelog\n\n| Version | Date |\n|---|---|\n| v1 | [Date] |\n",
        "The weather was [X] and [nice].\n",
        "## Training\n\nScaled by $\\frac{\\alpha}{r}$, $W_{rank}$ and ${r}$.\n",
        "## Training\n\nSee [lora rank](a.md), [batch size][b] and [seed].\n\n[b]: c.md\n[seed]: d.md\n",
        "## Model Details\n\n- **Max steps per second:** [X]\n",
    ],
)
def test_nothing_is_filled_where_there_is_doubt(body: str) -> None:
    """Another model's, another purpose's, another quantity's place."""
    assert filled(body) == body


def test_a_part_that_is_not_known_stays() -> None:
    """One placeholder of several is filled, the other says that it is not known."""
    settings = {"learning_rate": 2e-4}
    record = make_record()
    training = type(record.training)(hyperparameters=settings)
    result = fill_placeholders("- **Learning Rate:** [X] with [scheduler] schedule\n", make_record(training=training))
    assert result.text == "- **Learning Rate:** 2e-4 with [scheduler] schedule\n"
    assert result.remarks == ("left: Learning Rate (not known from this run)",)
    later = fill_placeholders(result.text, record, known=result.fills)
    assert later.text == "- **Learning Rate:** 2e-4 with cosine schedule\n"


def test_example_rows_and_items_become_what_the_run_had() -> None:
    """Data, stages and results in order; what the run has no more of stays; the rows are found again."""
    body = (
        "## Training data\n\n| Dataset | Size | Source |\n|---|---|---|\n| [Dataset 1] | [N] | [Source] |\n"
        "| [Dataset 2] | [N] | [Source] |\n\n**Training Stages:**\n1. [Stage 1]\n2. [Stage 2]\n"
    )
    first = fill_placeholders(body, make_record())
    assert "| Training data | 8,000 examples | local file |\n| [Dataset 2] | [N] | [Source] |" in first.text
    assert "1. SFT with QLoRA on a local file (500 steps, 1 h 52 min, GPU energy 107 Wh)\n2. [Stage 2]" in first.text
    training = make_record().training
    other = make_record(training=type(training)(objective="DPO"))
    again = fill_placeholders(first.text, make_record(), known=first.fills)
    assert (again.text, again.fills) == (first.text, first.fills)
    assert "| [Dataset 1] | [N] | [Source] |" in fill_placeholders(first.text, other, known=first.fills).text


def test_a_heading_with_a_placeholder_is_filled_and_what_is_below_it_found_again() -> None:
    """What a heading said before is what the fills below it are remembered by."""
    body = "# Model Card: [Your Model Name]\n\n- **LoRA Rank:** [X]\n"
    first = fill_placeholders(body, make_record())
    assert first.text == "# Model Card: QLoRA fine-tune of gemma-3-4b-it\n\n- **LoRA Rank:** 16\n"
    unnamed = make_record(training=type(make_record().training)())
    assert fill_placeholders(first.text, unnamed, known=first.fills).text == body


def test_a_title_that_is_a_placeholder_is_filled() -> None:
    """What the model is stands in for a name that nobody gave."""
    assert filled("# [Your Model Name]\n") == "# QLoRA fine-tune of gemma-3-4b-it\n"


def test_the_report_says_what_became_of_each_field() -> None:
    """Filled, left and why, not recognised."""
    body = "## Training\n\n- **LoRA Rank:** [X]\n- **Author:** [Name]\n- **Colour:** [X]\n- **Carbon Emitted:** [X]\n"
    report = fill_placeholders(body, make_record()).report
    assert report.lines() == (
        "filled 1: LoRA Rank",
        "left 2: Author (for you to write, since no run can tell); Carbon Emitted (not known from this run)",
        "not recognised 1: Colour",
    )


def test_own_labels_come_before_ours() -> None:
    """A person's row wins over the shipped one, and their placeholder counts."""
    own = "placeholders: [fehlt]\nrows:\n  - {label: Rang, value: lora_rank}\n  - {label: GPU, value: machine}\n"
    body = "- **Rang:** fehlt\n- **GPU:** [X]\n- **LoRA Alpha:** [X]\n"
    text = fill_placeholders(body, make_record(), own_labels=own).text
    assert text == "- **Rang:** 16\n- **GPU:** NVIDIA DGX Spark\n- **LoRA Alpha:** 32\n"
