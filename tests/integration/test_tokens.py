"""Tokens of real trainings by kind, against sums over the data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tiny import STEPS, make_tokenizer, make_trainer
from torch.utils.data import SequentialSampler
from transformers import DataCollatorForLanguageModeling

from cardcallback import CardCallback, load_run
from cardcallback.record import Tokens

pytestmark = pytest.mark.training
BATCH = 2
# Every row is another length, so that each batch has its own padding.
LENGTHS = (3, 8, 5, 6, 4, 7, 8, 2, 5, 5, 3, 6, 7, 4, 8, 6)


def in_order(trainer: Any, rows: list[dict[str, Any]]) -> None:
    """Train on these rows as they come, each batch padded to its longest."""
    trainer.train_dataset = rows
    trainer.data_collator = DataCollatorForLanguageModeling(make_tokenizer(), mlm=False)
    trainer._get_train_sampler = lambda *_: SequentialSampler(rows)


def trained(folder: Path, base_folder: Path, lengths: tuple[int, ...] = LENGTHS, **options: Any) -> Tokens:
    """What the record of a plain Trainer says, whose batches follow the order of the rows."""
    resume = options.pop("resume_from_checkpoint", None)
    trainer = make_trainer("plain", folder, base_folder=base_folder, callbacks=[CardCallback(quiet=True)], **options)
    in_order(trainer, [{"input_ids": [3 + place for place in range(length)]} for length in lengths])
    trainer.train(resume_from_checkpoint=resume)
    return load_run(folder).training.tokens


def batches(lengths: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The rows' lengths by batch, each row padded to the longest of its batch."""
    return [lengths[start : start + BATCH] for start in range(0, len(lengths), BATCH)]


def expected(lengths: tuple[int, ...]) -> tuple[int, int, int]:
    """Processed, without padding, in the loss: all but the first of each row."""
    processed = sum(max(batch) * len(batch) for batch in batches(lengths))
    return processed, sum(lengths), sum(length - 1 for length in lengths)


def kinds(tokens: Tokens) -> tuple[int | None, int | None, int | None]:
    """The three kinds."""
    return tokens.processed, tokens.non_padding, tokens.in_loss


@pytest.mark.parametrize("accumulation", [1, 2])
def test_each_kind_is_the_sum_over_the_batches(output_folder: Path, base_folder: Path, accumulation: int) -> None:
    """With and without accumulation, and whatever is evaluated meanwhile."""
    tokens = trained(
        output_folder,
        base_folder,
        gradient_accumulation_steps=accumulation,
        eval_strategy="steps",
        eval_steps=1,
    )
    assert kinds(tokens) == expected(LENGTHS[: STEPS * BATCH * accumulation])
    assert tokens.source == "training batches"
    assert tokens.reason is None


def test_the_trainers_own_count_is_the_same(output_folder: Path, base_folder: Path) -> None:
    """Asked to count, it agrees; then it stands, and ours fills in the rest."""
    tokens = trained(output_folder, base_folder, include_num_input_tokens_seen="non_padding")
    assert kinds(tokens) == expected(LENGTHS[: STEPS * BATCH])
    assert tokens.source == "Trainer num_input_tokens_seen, training batches"
    assert tokens.disagreement is None


def test_a_resumed_session_counts_its_own_batches(output_folder: Path, base_folder: Path) -> None:
    """What came before the checkpoint is the earlier session's: together they are the run's, each batch once."""
    trained(output_folder, base_folder, save_strategy="steps", save_steps=2)
    checkpoint = str(output_folder / "checkpoint-2")
    tokens = trained(output_folder, base_folder, resume_from_checkpoint=checkpoint)
    assert kinds(tokens) == expected(LENGTHS[: STEPS * BATCH])


@pytest.mark.parametrize("packing", [False, True])
def test_trl_and_the_batches_agree(output_folder: Path, base_folder: Path, *, packing: bool) -> None:
    """TRL's tokens without padding are those of the batches; those in the loss nobody else counts."""
    rows, length = 8, 9  # eight words and the end of text
    trainer = make_trainer(
        "sft", output_folder, base_folder=base_folder, packing=packing, callbacks=[CardCallback(quiet=True)]
    )
    trainer.train()
    record = load_run(output_folder)
    tokens = record.training.tokens
    assert kinds(tokens) == (rows * length, rows * length, rows * (length - 1))
    assert tokens.source == "TRL num_tokens, training batches"
    assert not [note for note in record.notes if "tokens" in note]


def test_a_loss_of_the_persons_own_has_no_tokens(output_folder: Path, base_folder: Path) -> None:
    """Which tokens it is over only they know; those that were read are counted."""
    trainer = make_trainer("plain", output_folder, base_folder=base_folder, callbacks=[CardCallback(quiet=True)])
    trainer.compute_loss_func = lambda outputs, labels, **_: outputs["logits"].float().mean() + 0 * labels.sum()
    trainer.train()
    tokens = load_run(output_folder).training.tokens
    assert kinds(tokens) == (64, 64, None)
    assert "person's own" in str(tokens.reason)


def test_an_interrupted_run_has_the_tokens_of_its_steps(output_folder: Path, base_folder: Path) -> None:
    """On the processor nothing has to be waited for: the count is whole at any moment."""
    lengths = LENGTHS[: STEPS * BATCH]
    trainer = make_trainer("plain", output_folder, base_folder=base_folder, callbacks=[CardCallback(quiet=True)])
    broken = {"input_ids": "no tokens"}
    in_order(trainer, [*({"input_ids": [3] * length} for length in lengths[:-1]), broken])
    with pytest.raises(Exception):  # noqa: B017, PT011 - whatever the collator makes of it
        trainer.train()
    record = load_run(output_folder)
    assert record.status == "interrupted"
    assert kinds(record.training.tokens) == expected(lengths[: record.sessions[0].last_step * BATCH])
