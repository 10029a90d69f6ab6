"""Forms in which a card states a figure of its run that the record knows otherwise, and sound ones beside them."""

from __future__ import annotations

import pytest
from card_inputs import with_place
from msgspec.structs import replace
from test_check_planted import NAMES, added

from cardcallback.check import check_card

HEADING = "# Training details of ours\n\n"
CONTRADICTIONS = (
    "- train_runtime: 40320\n",
    "Training peaked at 12 GB of memory.\n",
    "- Adapter: LoRA, r = 8\n",
    "| Epochs | Learning rate | Batch size |\n|---|---|---|\n| 7 | 2e-4 | 2 |\n",
    "模型训练了约 11 小时。\n",
    "298 million parameters were trained.\n",
    "The run drew 240 W on average while it trained.\n",
    "**How much energy did training use?**\n\n3.4 kWh\n",
    "How long did training take? 9 hours\n",
    "loss_eval_final: 2.31\n",
    "- PEFT: LoRA rank 64\n",
    "| Epochs | Learning rate |\n|---|---|\n| 4 | 2e-4 |\n",
    '{\n"learning_rate": 2e-5,\n"num_train_epochs": 1,\n}\n',
    "A learning rate of 2e-5 was used for training.\n",
)
SOUND = (
    "- train_runtime: 6720.4\n- train_steps_per_second: 0.074\n",
    "Training peaked at 61 GiB of 119.7 GiB.\n",
    "At least 24 GB of memory are needed for inference.\n",
    "- Adapter: LoRA, r = 16\n",
    "| Epochs | Learning rate | Batch size |\n|---|---|---|\n| 1 | 2e-4 | 2 |\n",
    "训练数据收集了约 11 小时。\n",
    "Gemma has 4 billion parameters; 29.8 million of them were trained.\n",
    "The GPU's TDP is 140 W, and it drew 57 W on average.\n",
    "How long does inference take? 3 seconds\n",
    "- Optimizer: Adam\n",
    "This is a 4 billion parameter fine-tuned model.\n",
    "Only 0.77 % of the 3.88 billion parameters are trainable.\n",
    "All 4 billion parameters were trained by Google.\n",
    "Loading the model for training peaked at 15 GB of memory.\n",
    "With a batch of 4 it peaked at 88 GiB.\n",
    "The display drew 30 W on average.\n",
    "| Run | Epochs | Loss |\n|---|---|---|\n| first trial | 7 | 2.2 |\n",
    "While idle the GPU draws 8 W on average.\n",
    "A LoRA of rank 64 peaked at 55 GB.\n",
    "With rank 8 the held-out loss was 1.09.\n",
    "The tokenizer has 262k tokens.\n",
    "The vocabulary has 262,144 tokens.\n",
    "The model's context is 131,072 tokens.\n",
    "| Step | Learning rate |\n|---|---|\n| 100 | 1e-4 |\n",
    "Base perplexity was 6.5; ours is 2.84.\n",
    "Prior work trains for 3 epochs with a batch size of 128.\n",
    "- PEFT: LoRA rank 16\n",
    "| Epochs | Learning rate |\n|---|---|\n| 1 | 2e-4 |\n",
    "| Device | Memory | Time |\n|---|---|---|\n| iPhone 15 | 8 GB | 3 s |\n",
)


@pytest.mark.parametrize("number", range(len(CONTRADICTIONS)))
def test_what_contradicts_the_record_is_found(number: int) -> None:
    """Without a unit where trainers log seconds, in a sentence, in a table of one row, below a question."""
    assert added(NAMES[number % len(NAMES)], HEADING + CONTRADICTIONS[number])


@pytest.mark.parametrize("number", range(len(SOUND)))
def test_what_is_sound_in_the_same_forms_is_left_alone(number: int) -> None:
    """The run's own figures, and those of something else."""
    assert added(NAMES[number % len(NAMES)], HEADING + SOUND[number]) == []


MORE_CONTRADICTIONS = (
    "Training took half a day.\n",
    "Die Trainingsdauer betrug 9 Stunden.\n",
    "Training took over 9 hours.\n",
    "Training took under 1 hour.\n",
    "Training took about five hours.\n",
    "It took a week to train.\n",
    "Sequences were truncated to 8,192 tokens.\n",
    "Examples were packed into blocks of 4,096 tokens.\n",
    "Throughput was 3,200 tokens/s.\n",
    "The model processed about 82 tokens per second during training.\n",
    "Energy use of training: roughly 1.5 kilowatt hours.\n",
    "```yaml\nlearning_rate: 1e-5\nnum_epochs: 1\n```\n",
    "```python\nargs = SFTConfig(learning_rate=1e-5, num_train_epochs=1)\n```\n",
    '```json\n{\n  "num_train_epochs": 1,\n  "max_length": 8192\n}\n```\n',
    "```\nTraining time: 5 h 10 min\nGPU energy: 107 Wh\n```\n",
    "Our configuration was\n\n```yaml\ntraining:\n  # what worked\n  learning_rate: 5e-4\n  num_epochs: 1\n```\n",
    "Training took well over five hours.\n",
    "Training took under an hour.\n",
)
MORE_SOUND = (
    "Training took just under two hours.\n",
    "Training took a few hours.\n",
    "Die Trainingszeit lag bei 1,9 Stunden, die Wartezeit betrug 9 Stunden.\n",
    "Training finished within 9 hours.\n",
    "Training took under 3 hours.\n",
    "Training took at least 1 hour.\n",
    "Training took over 1 hour.\n",
    "Training took two hours less than we thought.\n",
    "The whole project took half a day including data cleaning.\n",
    "An H100 would do it in half an hour.\n",
    "Merging took half an hour.\n",
    "Sequences were truncated to 2,048 tokens.\n",
    "Sequences longer than 8,192 tokens were split.\n",
    "In evaluation inputs are truncated to 8,192 tokens.\n",
    "Throughput was about 820 tokens/s in training.\n",
    "Training throughput peaked at 1,200 tokens/s.\n",
    "At inference the GGUF reaches 32 tokens per second, after training.\n",
    "```yaml\nlearning_rate: 0.0002\nnum_epochs: 1\nmicro_batch_size: 2\nsequence_len: 2048\nlora_r: 16\n```\n",
    "```python\n# to train it further\nargs = SFTConfig(learning_rate=1e-5, num_train_epochs=3)\n```\n",
    "```python\noutput = model.generate(**inputs, learning_rate=1e-5, max_length=512)\n```\n",
    "```yaml\n# inference config\nmax_seq_length: 8192\n```\n",
    "```\nlearning_rate: 2e-4   # 1e-5 was slower\nmax_steps: -1\nlora_r: ${RANK}\n```\n",
    "```\nTraining time: 1:52:00\nPeak memory: 61 GiB\nGPU: NVIDIA GB10\n```\n",
    "Training took an hour or two.\n",
    "Training took one hour and fifty minutes.\n",
    "Training took between one and three hours.\n",
    "Training took well over an hour.\n",
    "Training took under three hours.\n",
    "The full fine-tune, for comparison, used\n\n```yaml\nlearning_rate: 1e-5\nnum_epochs: 3\n```\n",
    "To fine-tune it on your own data:\n\n```yaml\nlearning_rate: 5e-5\nnum_epochs: 3\n```\n",
    "These settings diverged:\n\n```yaml\nlearning_rate: 5e-3\nnum_epochs: 3\n```\n",
    "```yaml\n# stage 2: DPO\nlearning_rate: 5e-6\nnum_epochs: 2\n```\n",
    "```yaml\nfor_dpo_stage:\n  learning_rate: 5e-6\n  num_epochs: 2\n```\n",
    "```\nStep 100: loss=1.4 learning_rate=1e-4\n```\n",
    "```\nepoch: 0.5\nlearning_rate: 1.1e-4\n```\n",
    "```\nloss: 0.91\nlearning_rate: 0.0\n```\n",
    "```\neval_loss: 1.31\neval_loss: 1.04\n```\n",
    "## Continue training\n\n```python\nargs = SFTConfig(learning_rate=1e-5, num_train_epochs=3)\n```\n",
    "## Usage\n\n```python\nargs = SFTConfig(learning_rate=1e-5, num_train_epochs=3)\n```\n",
)


@pytest.mark.parametrize("number", range(len(MORE_CONTRADICTIONS)))
def test_what_contradicts_the_record_in_words_or_code_is_found(number: int) -> None:
    """A time in words, lengths and speeds in sentences, a configuration in a block of code."""
    assert added(NAMES[number % len(NAMES)], HEADING + MORE_CONTRADICTIONS[number])


@pytest.mark.parametrize("number", range(len(MORE_SOUND)))
def test_what_is_sound_in_words_or_code_is_left_alone(number: int) -> None:
    """The run's own, rounded as people round, and what is of something else."""
    assert added(NAMES[number % len(NAMES)], HEADING + MORE_SOUND[number]) == []


@pytest.mark.parametrize("stopped", [True, False])
@pytest.mark.parametrize("text", ["- num_epochs: 10\n", "```yaml\nnum_train_epochs: 10\nlearning_rate: 2e-4\n```\n"])
def test_the_epochs_that_were_asked_for_are_no_contradiction_where_training_stopped_early(
    text: str,
    stopped: bool,  # noqa: FBT001  pytest calls it by name
) -> None:
    """A trainer lists its argument as it stands; a run that went to its end had as many."""
    record = with_place()
    planned = 5000 if stopped else record.training.steps
    record = replace(record, training=replace(record.training, planned_steps=planned))
    found = [one.what for one in check_card(f"{HEADING}{text}", record=record) if "says 10" in one.what]
    assert bool(found) != stopped
