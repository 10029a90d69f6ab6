"""Times and energies as parts of a unit, bounds in words, devices in other languages, results before and now."""

# ruff: noqa: RUF001  sentences as people write them, in their own letters

from __future__ import annotations

import pytest
from test_check_planted import NAMES, added

HEADING = "# Training details of ours\n\n"
CONTRADICTIONS = (
    "Training used half a kilowatt-hour.\n",
    "Fine-tuning consumed a quarter of a megawatt-hour.\n",
    "Das Training verbrauchte eine halbe Kilowattstunde.\n",
    "Training used 3.4 kilowatt-hours.\n",
    "Training took less than one hour.\n",
    "It was trained in a quarter of an hour.\n",
    "Fine-tuning took a day and a half.\n",
    "Training took a day.\n",
    "Das Training lief auf einer H100.\n",
    "Das Modell wurde auf vier A100 trainiert.\n",
    "O modelo foi treinado em uma A100.\n",
    "Das Feintuning lief auf zwei RTX 4090.\n",
    "模型在 8 张 H100 上进行了微调。\n",
    "L'entraînement a duré 12 heures sur une A100.\n",
    "El modelo fue entrenado en dos RTX 4090.\n",
    "训练耗时 20 小时，使用 8 张 A100。\n",
    "The held-out loss was 1.87 before and is 0.72 now.\n",
    "Before fine-tuning the validation loss was 3.20; now it is 1.04.\n",
    "- **Validation loss:** 2.95 before, 1.04 now\n",
    "Perplexity: 6.5 before, 1.9 after.\n",
    "Fine-tuned from meta-llama/Llama-3.1-8B.\n",
)
SOUND = (
    "Training used a tenth of a kilowatt-hour.\n",
    "Training took less than two hours.\n",
    "Training took more than an hour.\n",
    "Training took less than half of the planned time.\n",
    "Training took longer than the baseline's, which ran for an hour.\n",
    "The model can be trained on one H100 in less than half an hour, we think.\n",
    "A kettle uses half a kilowatt-hour for four boils.\n",
    "A fridge uses half a kilowatt-hour a day.\n",
    "A kilowatt-hour of training costs 0.30 euros.\n",
    "It answers in a quarter of a second.\n",
    "Das Basismodell lief auf einer H100.\n",
    "Das Training lief auf einer DGX Spark.\n",
    "Die Auswertung lief auf einer H100 und dauerte zwei Tage.\n",
    "El modelo fue entrenado en español y se sirve en una A100.\n",
    "Le modèle a été entraîné sur 8 000 exemples et tourne aussi sur une RTX 3060.\n",
    "Das Modell wurde auf deutschen Texten trainiert.\n",
    "Perplexity on WikiText was 12.0 before and is 11.2 now.\n",
    "Training cost less than a dollar.\n",
    "L'évaluation a été faite sur une A100.\n",
    "推理在一张 A100 上需要 3 秒。\n",
    "The held-out loss was 1.87 before and is 1.04 now.\n",
    "Before fine-tuning the validation loss was 1.87; now it is 1.04.\n",
    "The training loss was 1.9 before and is 1.05 now.\n",
    "- **Validation loss:** 1.87 before, 1.04 now\n",
    "Before the upgrade the service answered in 900 ms; now it takes 300 ms.\n",
    "Accuracy on the validation split was 41 before and is 77 now, and the loss of the teacher 0.9.\n",
    "The classifier of names in our pipeline uses a learning rate of 1e-3.\n",
    "Fine-tuned from google/gemma-3-4b-it.\n",
    "The reward model was fine-tuned from meta-llama/Llama-3.1-8B.\n",
)


@pytest.mark.parametrize("number", range(len(CONTRADICTIONS)))
def test_what_contradicts_the_record_is_found(number: int) -> None:
    """In whatever words and language the figure, the device or the model is told."""
    assert added(NAMES[number % len(NAMES)], HEADING + CONTRADICTIONS[number])


@pytest.mark.parametrize("number", range(len(SOUND)))
def test_what_is_sound_in_the_same_words_is_left_alone(number: int) -> None:
    """The run's own figures, and those of something else."""
    assert added(NAMES[number % len(NAMES)], HEADING + SOUND[number]) == []
