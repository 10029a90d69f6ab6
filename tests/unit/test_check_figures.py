"""Figures of a card that contradict each other, and ones that only look as if they did."""

from __future__ import annotations

import pytest
from checked import errors, findings, rules

WRONG = {
    "product": ("emissions", "The GPU used 2.4 kWh × 350 g/kWh = 1,200 g CO2e."),
    "product, kilograms": ("emissions", "- **Carbon:** 840 kg CO2e = 2.4 kWh x 350 g/kWh"),
    "no grid": ("emissions", "| Energy | Carbon |\n|---|---|\n| 3.1 kWh | 12 t CO2eq |"),
    "no grid, headings": ("emissions", "| Energy (kWh) | Emissions (kg) |\n|---|---|\n| 0.4 | 31,220 |"),
    "place": ("emissions", "- **Compute Region:** Norway\n- **Energy:** 10 kWh\n- **Carbon Emitted:** 4.4 kg CO2eq"),
    "cloud": (
        "emissions",
        ("- **Cloud Provider:** Google Cloud\n- **Compute Region:** us-central1\n"
         "- Energy: 10 kWh\n- Carbon Emitted: 41 g CO2eq"),
    ),
    "devices": (
        "emissions",
        ("- **Hardware Type:** A100\n- **Hours used:** 10\n"
         "- **Compute Region:** Germany\n- **Carbon Emitted:** 1.4 g CO2eq"),
    ),
    "time and power": ("energy", "Energy: 3 h × 300 W = 90 Wh."),
    "time at power": ("energy", "| Energy |\n|---|\n| 2 hours at 250 W: 5.0 kWh |"),
    "minutes for hours": ("energy", "Energy: 30 min × 200 W = 6 kWh"),
    "mean power": ("energy", "- Training time: 4 h\n- Average GPU power: 60 W\n- GPU energy: 2.4 kWh"),
    "more than a GPU draws": ("energy", "- GPU: RTX 4090\n- Training time: 3 h\n- Energy used: 1,250 kWh"),
    "rated power": ("energy", "- Energy: 0.56 kWh, measured (TDP × training hours)"),
    "rated power, digits": (
        "energy",
        "- Hardware: NVIDIA DGX Spark\n- Training Time: 4 hours\n- Energy consumed: 0.56 kWh (measured)",
    ),
    "rated power, stated": (
        "energy",
        "| | |\n|---|---|\n| Board power limit | 230 W |\n| Training time | 5 h |\n| Measured energy | 1.15 kWh |",
    ),
    "rated power of eight": (
        "energy",
        "Trained on 8 x H100 GPUs.\n\n- Training time: 10 h\n- Measured energy: 56.0 kWh",
    ),
    "mean power in a sentence": ("energy", "Training took 4 hours at an average of 60 W, using 2.4 kWh."),
    "power for a time": ("energy", "The GPU drew 60 W for 4 hours: 24 Wh."),
    "a table without headings": ("emissions", "| Energy | 107 Wh |\n|---|---|\n| CO2e | 370 g (344 g/kWh) |"),
    "trainable, in a list": ("figures", "- LoRA: r 16; 29.8 M trainable parameters (770 %)"),
    "rated power in words": ("energy", "We measured 0.56 kWh by multiplying the 140 W TDP by 4 hours."),
    "factor on another line": ("emissions", "- Energy: 10 kWh\n- Grid: 400 g/kWh\n- Carbon emitted: 6 kg CO2eq"),
    "steps": (
        "figures",
        "- Training examples: 8,000\n- Epochs: 1\n- Effective batch size: 16\n- Training steps: 5,000",
    ),
    "tokens a second": (
        "figures",
        "- Training time: 2 h\n- Training speed: 8,210 tokens/s over 5.52 M tokens",
    ),
    "energy a token": (
        "figures",
        "- Energy: 107 Wh\n- Training: 5.52 M tokens, 7.0 J per token",
    ),
    "two units of time": ("figures", "- **Training time:** 95 minutes\n\n## Impact\n\n- **Hours used:** 95 h"),
    "hours without unit": ("figures", "- Training Time: 1.5 h\n- Hours used: 90"),
    "share": ("figures", "| Metric | Value |\n|---|---|\n| Accuracy | 104.2 % |"),
    "trainable": ("figures", "- Trainable parameters: 117 % of all"),
    "peak of total": ("figures", "- Memory: peak 141 of 128 GB"),
    "peak": ("figures", "- GPU Memory: 24 GB\n- Peak Memory: 31 GB"),
    "total batch": (
        "figures",
        "- train_batch_size: 4\n- gradient_accumulation_steps: 8\n- num_devices: 2\n- total_train_batch_size: 32",
    ),
    "product of batches": ("figures", "| Batch | 2 × 8 accumulation = 32 sequences |\n|---|---|"),
    "twice": ("figures", "## Training\n\n- Validation Loss: 1.23\n\n## Evaluation\n\n- Validation Loss: 1.32"),
    "rate twice": (
        "figures",
        ("- **Learning Rate:** 2e-4\n\n## Details\n\n| Parameter | Value |\n"
         "|---|---|\n| Learning Rate | 1e-4 |"),
    ),
    "perplexity": ("perplexity", "- Eval loss: 1.20\n- Perplexity: 4.32"),
    "perplexity in a table": (
        "perplexity",
        ("| Metric | Base | Tuned |\n|---|---|---|\n"
         "| Loss | 2.00 | 1.50 |\n| Perplexity | 7.39 | 3.48 |"),
    ),
    "perplexity by columns": (
        "perplexity",
        ("| Model | Validation loss | Perplexity |\n"
         "|---|---|---|\n| ours | 1.50 | 2.83 |"),
    ),
    "two labels of one time": ("figures", "- Training time: 4 hours\n- Training duration: 6.5 h"),
    "two labels of the epochs": ("figures", "- Epochs: 3\n- num_train_epochs: 1"),
    "two labels of the rate": ("figures", "- Learning rate: 2e-4\n- learning_rate: 1e-5"),
    "two labels of the energy": ("figures", "- Energy: 3 kWh\n- Energy consumed: 1.9 kWh"),
    "two units of mass": ("figures", "- CO2: 37 g (0.37 kg)"),
    "two units of energy": ("figures", "Training used 107 Wh (0.17 kWh)."),
    "a share of its parts": ("figures", "- LoRA: 10 M of 4 B (5 %)"),
    "GPU hours": ("figures", "- Training time: 4 h\n- GPUs: 2 x H100\n- GPU hours: 16"),
    "hours for energy": ("figures", "| Energy | 4 h |\n|---|---|"),
    "energy for emissions": ("figures", "- Emissions: 3 kWh"),
    "a sentence's own energy": ("emissions", "An ablation used 90 kWh.\n\nWe used 4 kWh and emitted 14 kg of CO2."),
    "perplexity below 1": ("perplexity", "- Perplexity: 0.82"),
}  # fmt: skip

RIGHT = {
    "product": "The GPU used 2.4 kWh × 350 g/kWh = 840 g CO2e.",
    "product, rounded": "| CO2e | 37 g | 107 Wh × 344 g/kWh (Germany, 2024) |\n|---|---|---|",
    "overhead": "CO2e: 10 kWh × 400 g/kWh × 1.2 for building overhead = 4.8 kg CO2e",
    "product per MWh": "Carbon: 3 MWh x 57 kg CO2/MWh = 171 kg",
    "no emissions at all": "135,000 kWh of hydropower: 0 t CO2eq.",
    "steps": "- Training examples: 8,000\n- Epochs: 1\n- Effective batch size: 16\n- Training steps: 500",
    "steps, packed": "Packed.\n\n- Training examples: 8,000\n- Epochs: 1\n- Effective batch size: 16\n- Steps: 50",
    "tokens": "- Energy: 107 Wh\n- Training time: 112 min\n- Training: 821 tokens/s, 5.52 M tokens, 70 mJ per token",
    "speed of use": "- Training time: 2 h\n- Inference speed: 35 tokens/s over 2,000 tokens",
    "factor and overhead": "- Energy: 10 kWh\n- Grid: 400 g/kWh\n- PUE: 1.5\n- Carbon emitted: 6 kg CO2eq",
    "place": "- **Compute Region:** Germany\n- **Energy:** 10 kWh\n- **Carbon Emitted:** 3.6 kg CO2eq",
    "unknown place": "- Compute Region: the moon\n- Energy: 10 kWh\n- Carbon Emitted: 3.6 kg CO2eq",
    "devices": "- Hardware Type: A100\n- Hours used: 10\n- Compute Region: Germany\n- Carbon Emitted: 1.1 kg CO2eq",
    "time and power": "Energy: 3 h × 300 W = 0.9 kWh.",
    "eight devices": "Energy: 3 h × 300 W on 8 GPUs: 7.2 kWh",
    "an estimate that says so": "- Hardware: DGX Spark\n- Training Time: 4 hours\n"
    "- Energy: 0.56 kWh (estimated from TDP, not measured)",
    "measured": "- Hardware: DGX Spark\n- Training Time: 4 hours\n- Energy: 0.23 kWh (measured)",
    "peak and idle power": "Over 2 h the GPU drew 300 W at the peak; energy 0.4 kWh.",
    "inference time": "- Training time: 4 h\n- Inference time: 240 s\n- Evaluation: 4 min",
    "gpu hours": "- Training time: 3 h on 8 × H100\n- Hours used: 24 GPU-hours",
    "improvement": "| Accuracy improvement | 140 % |\n|---|---|",
    "word error rate": "- Wer: 1.0007\n- Cer: 0.63",
    "eight GPUs' memory": "Trained on 8 x A100 GPUs.\n\n- GPU Memory: 80 GB\n- Peak Memory: 512 GB",
    "GB and GiB": "- GPU Memory: 128 GB unified\n- Peak memory: 119.7 GiB",
    "total batch without devices": "- train_batch_size: 4\n- gradient_accumulation_steps: 8\n"
    "- total_train_batch_size: 64",
    "product of batches": "| Batch | 2 × 8 accumulation × 2 processes = 32 sequences |\n|---|---|",
    "resolution": "Images of 224 x 224 pixels; 1024 × 1024 = 1,048,576 pixels.",
    "stages": "## Stage 1: SFT\n\n- Learning Rate: 2e-4\n\n## Stage 2: DPO\n\n- Learning Rate: 5e-6",
    "same to its digits": "- Validation Loss: 1.04\n\n## Evaluation\n\n- Validation Loss: 1.0431",
    "perplexity": "- Eval loss: 1.20\n- Perplexity: 3.32",
    "perplexity of another text": "- Eval loss: 1.20\n- Perplexity (WikiText-2): 8.9",
    "perplexity beside the base model's loss": (
        "The held-out loss is 1.87 for the base model and 1.04 for ours.\n\nPerplexity is 2.84."
    ),
    "perplexity and training loss": "- Training Loss: 1.02\n- Validation Loss: 1.20\n- Perplexity: 3.32",
    "base and tuned": "- Validation Loss: 1.043\n- Perplexity (Base): 6.50\n- Perplexity (Fine-tuned): 2.84",
    "a checkpoint's table": "| Training Loss | Epoch | Step | Validation Loss |\n"
    "|:---:|:---:|:---:|:---:|\n| 0.87 | 1.0 | 1423 | 0.88 |",
    "use of the model": "Training used 107 Wh and emitted 37 g CO2eq in Germany.\n\n"
    "Inference: 2.1 kWh per month, 0.72 kg CO2e.",
    "use, in other words": "Energy: 3 kWh, 1.03 kg CO2e, Germany.\n\n"
    "Running the model costs 2.1 kWh per month, 0.072 kg CO2e.",
    "use, in a list": "- Training energy: 3 kWh\n- Training emissions: 1.03 kg CO2eq (Germany)\n"
    "- Inference: 70 kg CO2e per month",
    "certificates": "Trained in Germany with 3 kWh.\n\nOffset: we bought 50 kg CO2e of certificates.",
    "avoided": "Trained with 3 kWh. LoRA avoided 900 kg CO2e of a full fine-tune.",
    "the base model's pretraining": "Pretraining of the base model emitted 31.22 tCO2eq. "
    "Our fine-tuning: 3 kWh and 1.03 kg CO2e in Germany.",
    "two sentences": "The small run used 1 Wh and emitted 0.4 g CO2e. The big one used 9 kWh and emitted 3.4 kg CO2e.",
    "runs in a table": "| Run | Energy (kWh) | CO2 (kg) |\n|---|---|---|\n| A (Germany) | 3 | 1.03 |\n"
    "| B (France) | 3 | 0.13 |",
    "two units": "- CO2: 37 g (0.037 kg)\n- Energy: 107 Wh (0.107 kWh)\n- Time: 112 min (1.87 h)",
    "a share": "- Trainable: 29.8 M of 4.33 B parameters (0.69 %)\n- Memory: 61 of 120 GiB",
    "a share of millions": "Trained on 3 of 10 M examples (30 %).\n\n- Sequence: 2,048 of 4 k tokens (51 %)",
    "not its unit again": "Energy: 107 Wh (0.2 kWh with the machine around it).",
    "planned and done": "- Epochs: 1.7, stopped early\n- num_train_epochs: 3",
    "rates in two notations": "- Learning rate: 2e-4\n- learning_rate: 0.0002",
    "GPU hours": "- Training time: 4 h\n- GPUs: 2 x H100\n- GPU hours: 8",
    "no units": "It takes 5 g of salt, 3 t of gravel and 10 kWh of patience.",
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_contradiction_is_found(name: str) -> None:
    """One wrong figure, one error of the rule that it breaks."""
    rule, body = WRONG[name]
    assert rules(body) == {rule}, errors(body)


@pytest.mark.parametrize("name", RIGHT)
def test_what_fits_is_left_alone(name: str) -> None:
    """No error, and no hint either."""
    assert findings(RIGHT[name]) == []
