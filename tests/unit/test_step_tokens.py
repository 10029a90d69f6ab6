"""Tokens of training batches by kind, from real tensors."""

from __future__ import annotations

import signal
from types import SimpleNamespace
from typing import Any

import pytest

from cardcallback.observe import CountingPlan, StepTokens, plan_counting
from cardcallback.record import TOKEN_CROSS_ENTROPY, Training

torch = pytest.importorskip("torch")

SFT = Training(objective="SFT", loss_kind=TOKEN_CROSS_ENTROPY)
ARGS = SimpleNamespace(world_size=1, n_gpu=0, gradient_accumulation_steps=1)
# Two rows of 5 and 3 tokens, filled up to 6; of each row the first two are a prompt.
PADDED = {
    "input_ids": torch.arange(12).reshape(2, 6),
    "attention_mask": torch.tensor([[1, 1, 1, 1, 1, 0], [1, 1, 1, 0, 0, 0]]),
    "labels": torch.tensor([[-100, -100, 3, 4, 5, -100], [-100, -100, 3, -100, -100, -100]]),
}


def counted(*batches: Any, plan: CountingPlan | None = None, given: Any = None) -> dict[str, int]:
    """The sums over these batches."""
    counter = StepTokens(plan or CountingPlan(labels_shifted=True))
    for batch in batches:
        counter.add(batch, given)
    return dict(counter.settle().tokens)


def test_the_three_kinds_of_a_padded_batch() -> None:
    """With padding, without, and what the loss is a mean over, summed over batches."""
    assert counted(PADDED) == {"processed": 12, "non_padding": 8, "in_loss": 4}
    assert counted(PADDED, PADDED) == {"processed": 24, "non_padding": 16, "in_loss": 8}


def test_the_first_position_is_no_target_of_a_causal_model() -> None:
    """A label at position 0 is predicted by nothing; masked models predict it."""
    batch = {**PADDED, "labels": torch.ones(2, 6, dtype=torch.long)}
    assert counted(batch)["in_loss"] == 10
    assert counted(batch, plan=CountingPlan(labels_shifted=False))["in_loss"] == 12
    assert counted({**batch, "shift_labels": PADDED["labels"]})["in_loss"] == 4


@pytest.mark.parametrize("given", [torch.tensor(4.0), torch.tensor(4), 4])
def test_transformers_own_count_of_the_loss_is_taken(given: Any) -> None:
    """It is not counted again, and the trainer's own tensor stays what it was."""
    plan = CountingPlan(labels_shifted=True, given_in_loss=True)
    labels = {**PADDED, "labels": None}
    assert counted(labels, labels, labels, plan=plan, given=given)["in_loss"] == 12
    assert given == 4


def test_transformers_count_is_not_taken_where_it_is_of_another_kind() -> None:
    """Under accumulation it is of the whole step, with several GPUs divided, before transformers 5 unshifted."""
    shifts = SimpleNamespace(_loss_shifts_labels=True)

    def given(trainer: Any, **args: int) -> bool:
        arguments = SimpleNamespace(**{**vars(ARGS), **args})
        return plan_counting(SFT, args=arguments, trainer=trainer, model=None).given_in_loss

    assert given(shifts)
    assert not given(SimpleNamespace())
    assert not given(SimpleNamespace(_loss_shifts_labels=False))
    assert not given(shifts, gradient_accumulation_steps=8)
    assert not given(shifts, n_gpu=2)


def test_long_runs_are_added_up_on_the_way() -> None:
    """Thousands of batches between two readings keep a few numbers, and lose none."""
    counter = StepTokens(CountingPlan(labels_shifted=True, given_in_loss=True))
    for _ in range(5000):
        counter.add(PADDED, torch.tensor(4.0))
    assert all(len(total._new) <= 64 for total in counter._sums.values())
    assert counter.settle().tokens == {"processed": 60_000, "non_padding": 40_000, "in_loss": 20_000}
    counter.add(PADDED, torch.tensor(4.0))
    assert counter.settle().tokens == {"processed": 60_012, "non_padding": 40_008, "in_loss": 20_004}


def copies(count: int, **changes: Any) -> list[dict[str, Any]]:
    """Batches of tensors of their own, as a collator gives them."""
    return [{name: value.clone() for name, value in {**PADDED, **changes}.items()} for _ in range(count)]


def test_small_batches_are_counted_together() -> None:
    """The first one at once, and most others without an operation of their own; rows may differ in length."""
    short = {name: value[:, :4] for name, value in PADDED.items()}  # 7 tokens without padding, 3 of them in the loss
    batches = [batch for pair in zip(copies(70), copies(70, **short), strict=True) for batch in pair]
    counter = StepTokens(CountingPlan(labels_shifted=True))
    for batch in batches[:20]:
        counter.add(batch)
    assert len(counter._kept._kept) == 18
    for batch in batches[20:]:
        counter.add(batch)
    assert counter.settle().tokens == {"processed": 70 * 20, "non_padding": 70 * 15, "in_loss": 70 * 7}


def test_kept_batches_of_any_shapes_are_counted_by_row() -> None:
    """The last batch of an epoch has fewer rows, and labels of one dimension are one row."""
    counter = StepTokens(CountingPlan(labels_shifted=True))
    shapes = [(2, 6), (2, 6), (2, 6), (2, 4), (1, 4), (3, 6), (5,), (5,)]
    for shape in shapes:
        counter.add({name: torch.ones(shape, dtype=torch.int64) for name in PADDED})
    rows = [shape if len(shape) == 2 else (1, *shape) for shape in shapes]
    size = sum(count * length for count, length in rows)
    in_loss = sum(count * (length - 1) for count, length in rows)
    assert counter.settle().tokens == {"processed": size, "non_padding": size, "in_loss": in_loss}


def test_a_kept_batch_whose_mask_is_another_is_no_figure() -> None:
    """The first two had one mark a token, so that others are looked at only when they are counted."""
    counter = StepTokens(CountingPlan(labels_shifted=True))
    for batch in (*copies(3), *copies(1, attention_mask=torch.ones(2, 6)), *copies(1)):
        counter.add(batch)
    counts = counter.settle()
    assert counts.tokens == {"processed": 60, "in_loss": 20}
    assert "not one mark a token" in counts.reasons["non_padding"]


def test_what_the_trainer_takes_out_of_a_batch_is_counted_all_the_same() -> None:
    """TRL takes the labels out of the mapping, which stays the trainer's own."""
    counter = StepTokens(CountingPlan(labels_shifted=True))
    for batch in copies(5):
        counter.add(batch)
        batch.clear()
    assert counter.settle().tokens == {"processed": 60, "non_padding": 40, "in_loss": 20}


def test_a_large_batch_is_never_kept() -> None:
    """It would hold the device's memory, and its step is long."""
    counter = StepTokens(CountingPlan(labels_shifted=True))
    large = {name: value.repeat(500, 1) for name, value in PADDED.items()}
    for _ in range(4):
        counter.add(large)
    assert counter._kept._kept == []
    assert counter.settle().tokens == {"processed": 24_000, "non_padding": 16_000, "in_loss": 8_000}


def test_masks_of_pairs_of_tokens_are_not_kept() -> None:
    """They would hold far more of the device; the labels of their batches are counted all the same."""
    counter = StepTokens(CountingPlan(labels_shifted=True))
    for batch in copies(5, attention_mask=torch.ones(2, 1, 6, 6)):
        counter.add(batch)
    assert counter._kept._kept == []
    assert counter.settle().tokens == {"processed": 60, "in_loss": 20}


def test_the_kept_take_little_memory() -> None:
    """However many tokens come before the next reading."""
    counter = StepTokens(CountingPlan(labels_shifted=True))
    batch = {name: value.repeat(200, 1) for name, value in PADDED.items()}
    for _ in range(100):
        counter.add(batch)
        assert sum(kept[0] for kept in counter._kept._kept) <= 16_384 + 2_400
    assert counter.settle().tokens["processed"] == 240_000


def test_a_training_that_writes_into_its_batches_is_counted_at_once() -> None:
    """A person's loss marks padding in the labels it is given: what it was given is counted."""
    counter = StepTokens(CountingPlan(labels_shifted=True))
    for batch in copies(50):
        counter.add(batch)
        batch["labels"].fill_(-100)
    assert counter.settle().tokens == {"processed": 600, "non_padding": 400, "in_loss": 200}


def test_batches_in_one_memory_are_counted_at_once() -> None:
    """A collator may fill the same NumPy arrays again and again: no version tells of that."""
    arrays = {name: value.numpy().copy() for name, value in PADDED.items()}
    counter = StepTokens(CountingPlan(labels_shifted=True))
    for marked in (8, 8, 8, 4, 4):
        arrays["attention_mask"][:] = 0
        arrays["attention_mask"].reshape(-1)[:marked] = 1
        counter.add({name: torch.from_numpy(array) for name, array in arrays.items()})
    assert counter.settle().tokens == {"processed": 60, "non_padding": 32, "in_loss": 20}


def test_a_training_that_once_wrote_into_a_batch_is_counted_at_once() -> None:
    """It may leave some alone, and mark padding in those that come after them."""
    counter = StepTokens(CountingPlan(labels_shifted=True))
    for place, batch in enumerate(copies(50)):
        counter.add(batch)
        if place % 10 in {0, 5}:
            batch["labels"].fill_(-100)
    assert counter.settle().tokens == {"processed": 600, "non_padding": 400, "in_loss": 200}


def test_what_a_signal_handler_raises_while_a_batch_is_looked_at_goes_on() -> None:
    """A data loader's worker that died is told of by a RuntimeError, which torch's inference mode has too."""

    def died(*_: Any) -> None:
        raise RuntimeError("a worker is gone")

    class Slow(dict[str, Any]):
        def get(self, name: str, default: Any = None) -> Any:
            signal.raise_signal(signal.SIGINT)
            return super().get(name, default)

    counter = StepTokens(CountingPlan(labels_shifted=True))
    for batch in copies(3):
        counter.add(batch)
    before = signal.signal(signal.SIGINT, died)
    try:
        with pytest.raises(RuntimeError, match="a worker is gone"):
            counter.keep(Slow(copies(1)[0]), None)
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("odd", [{}, {"input_ids": None}, ("ids", "mask"), None])
def test_a_batch_unlike_those_before_has_a_reason_and_fails_nothing(odd: Any) -> None:
    """Of several data sets one may have no tokens: nothing is told to have gone wrong."""
    counter = StepTokens(CountingPlan(labels_shifted=True))
    for batch in copies(3):
        counter.add(batch)
    assert not counter.add(odd)
    counts = counter.settle()
    assert (counts.tokens, set(counts.reasons.values())) == ({}, {"the training batches hold no input_ids"})


def test_a_batch_of_inference_mode_among_others_is_counted_at_once() -> None:
    """Its tensors do not tell whether they are changed later."""
    counter = StepTokens(CountingPlan(labels_shifted=True))
    for batch in copies(3):
        counter.add(batch)
    with torch.inference_mode():
        (odd,) = copies(1)
    counter.add(odd)
    assert counter.settle().tokens == {"processed": 48, "non_padding": 32, "in_loss": 16}


def test_a_batch_that_is_written_into_later_is_no_figure() -> None:
    """The training left its first batches as they were, so that others were kept: no count rather than a wrong one."""
    counter = StepTokens(CountingPlan(labels_shifted=True))
    batches = copies(5)
    for batch in batches:
        counter.add(batch)
    batches[3]["attention_mask"].zero_()
    counts = counter.settle()
    assert counts.tokens == {"processed": 60}
    assert "in place" in counts.reasons["non_padding"]


def test_tensors_that_tell_of_no_change_are_counted_at_once() -> None:
    """Those that were made in torch's inference mode."""
    with torch.inference_mode():
        batches = copies(3)
    assert counted(*batches) == {"processed": 36, "non_padding": 24, "in_loss": 12}


def test_a_sum_is_exact_beyond_what_a_float_holds() -> None:
    """A hundred steps of a million tokens and one, each given as a float."""
    plan = CountingPlan(labels_shifted=True, given_in_loss=True)
    assert counted(*[PADDED] * 100, plan=plan, given=torch.tensor(1_000_001.0))["in_loss"] == 100_000_100


def test_masks_that_number_packed_sequences_are_counted_not_summed() -> None:
    """Axolotl marks the tokens of its second sequence with 2."""
    assert counted({**PADDED, "attention_mask": torch.tensor([[1, 1, 2, 2, 3, 0]] * 2)})["non_padding"] == 10


FLAT = {
    "input_ids": torch.arange(8)[None],
    "position_ids": torch.tensor([[0, 1, 2, 3, 4, 0, 1, 2]]),
    "labels": torch.tensor([[-100, 1, 2, 3, 4, -100, 1, 2]]),
}


def test_flattened_batches_have_no_padding() -> None:
    """Sequences end to end: every token is one, unless the collator fills the end up."""
    assert counted(FLAT) == {"processed": 8, "non_padding": 8, "in_loss": 6}
    collator = SimpleNamespace(pad_to_multiple_of=8)
    plan = plan_counting(SFT, args=ARGS, trainer=SimpleNamespace(data_collator=collator), model=None)
    assert counted(FLAT, plan=plan) == {"processed": 8, "in_loss": 6}


@pytest.mark.parametrize(
    ("change", "lost", "word"),
    [
        ({"attention_mask": None}, {"non_padding"}, "no attention mask"),
        ({"attention_mask": torch.ones(2, 1, 6, 6)}, {"non_padding"}, "not one mark a token"),
        ({"attention_mask": [[1] * 6] * 2}, {"non_padding"}, "not one mark a token"),
        ({"labels": None}, {"in_loss"}, "no labels"),
        ({"labels": [[1] * 6] * 2}, {"in_loss"}, "no labels"),
        ({"input_ids": None}, {"processed", "non_padding", "in_loss"}, "no input_ids"),
    ],
)
def test_what_a_batch_does_not_tell_is_unknown(change: dict[str, Any], lost: set[str], word: str) -> None:
    """One such batch makes the kind's sum no figure, whatever comes before or after."""
    counter = StepTokens(CountingPlan(labels_shifted=True))
    for batch in (PADDED, {**PADDED, **change}, PADDED):
        counter.add(batch)
    counts = counter.settle()
    assert set(counts.reasons) == lost
    assert not lost & set(counts.tokens)
    assert all(word in counts.reasons[kind] for kind in lost)  # type: ignore[index]  # a kind's name


def test_a_lazy_device_is_left_alone() -> None:
    """Adding to a graph that is built first and run later would change what is compiled."""
    counter = StepTokens(CountingPlan(labels_shifted=True))
    counter.add({name: value.to("meta") for name, value in PADDED.items()})
    assert all("this kind of device" in reason for reason in counter.settle().reasons.values())


def test_batches_of_no_names_are_unknown() -> None:
    """GRPO's steps are given prompts in a list."""
    assert counted([{"prompt": "words"}]) == {}


def test_without_a_batch_there_is_no_figure() -> None:
    """Nothing counted is not zero tokens."""
    counts = StepTokens(CountingPlan()).settle()
    assert counts.tokens == {}
    assert set(counts.reasons.values()) == {"no training batch was seen"}


@pytest.mark.parametrize(
    ("training", "word"),
    [
        (Training(objective="DPO", loss_kind="DPO loss"), "DPO loss"),
        (Training(objective="image-text language modelling", loss_kind="its"), "not one known to be"),
        (Training(objective="SFT", loss_kind=None), "person's own"),
    ],
)
def test_other_losses_are_not_over_labelled_tokens(training: Training, word: str) -> None:
    """Only a loss that is known to be one over labels has tokens in it."""
    plan = plan_counting(training, args=ARGS, trainer=None, model=None)
    assert set(counted(PADDED, plan=plan)) == {"processed", "non_padding"}
    assert word in plan.unknown["in_loss"]


def test_one_process_of_several_counts_its_own_batches() -> None:
    """The Trainer's number of targets is then of all processes: the batch's own labels count."""
    args = SimpleNamespace(world_size=4, n_gpu=1, gradient_accumulation_steps=1)
    trainer = SimpleNamespace(_loss_shifts_labels=True)
    plan = plan_counting(SFT, args=args, trainer=trainer, model=None)
    assert counted(PADDED, plan=plan, given=torch.tensor(1000)) == {"processed": 12, "non_padding": 8, "in_loss": 4}


@pytest.mark.parametrize(
    ("trainer", "model"),
    [
        *(
            (SimpleNamespace(accelerator=SimpleNamespace(parallelism_config=SimpleNamespace(**{name: 2}))), None)
            for name in ("tp_size", "cp_size", "sp_size")
        ),
        (None, SimpleNamespace(_tp_size=2)),
    ],
)
def test_processes_of_one_batch_do_not_count_it_each(trainer: Any, model: Any) -> None:
    """With tensor, context or sequence parallelism a sum over processes is no sum over batches."""
    plan = plan_counting(SFT, args=ARGS, trainer=trainer, model=model)
    assert counted(PADDED, plan=plan) == {}
    assert all("same batch" in reason for reason in plan.unknown.values())


def test_what_was_read_last_is_of_a_known_number_of_batches() -> None:
    """By it processes can tell whether their sums are of the same moment; later batches change nothing of it."""
    counter = StepTokens(CountingPlan(labels_shifted=True))
    counter.add(PADDED)
    counter.settle()
    counter.add(PADDED)
    assert (counter.read.batches, counter.read.tokens["processed"], counter.read.tokens["non_padding"]) == (1, 12, 8)
    counter.settle()
    assert (counter.read.batches, counter.read.tokens["processed"]) == (2, 24)


def test_learned_prompts_shift_the_labels() -> None:
    """With prompt tuning position 0 is a target after all: no count rather than a wrong one."""
    model = SimpleNamespace(active_peft_config=SimpleNamespace(is_prompt_learning=True))
    assert "in_loss" not in counted(PADDED, plan=plan_counting(SFT, args=ARGS, trainer=None, model=model))


def test_nothing_is_counted_after_the_end() -> None:
    """A batch after ``close`` belongs to nobody."""
    counter = StepTokens(CountingPlan(labels_shifted=True))
    counter.add(PADDED)
    counter.close()
    counter.add(PADDED)
    assert counter.settle().tokens["processed"] == 12


class Queued:
    """A number on a device that still works."""

    device = SimpleNamespace(type="cuda")
    _version = 0

    def numel(self) -> int:
        """Which no device has to tell."""
        return 12

    def is_floating_point(self) -> bool:
        """Nor this."""
        return False

    def item(self) -> int:
        """Reading it would wait."""
        raise AssertionError("waited for the device")


def test_an_interrupted_run_does_not_wait_for_the_device() -> None:
    """What cannot be read at once is unknown; what the processor counted stands."""
    counter = StepTokens(CountingPlan(labels_shifted=True))
    counter.add(PADDED)
    counter._sums["non_padding"].take()
    counter._sums["non_padding"]._total = Queued()
    counts = counter.settle(may_wait=False)
    assert counts.tokens == {"processed": 12, "in_loss": 4}
    assert "interrupted" in counts.reasons["non_padding"]
    assert not counts.at_least


def test_what_was_read_before_the_device_was_busy_is_the_least_there_was() -> None:
    """Both of a record in passing and of the end; only the last of all batches is told as complete."""
    counter = StepTokens(CountingPlan(labels_shifted=True))
    counter.add(PADDED)
    counter.settle()
    assert not counter.last().complete
    counter.add(PADDED)
    counter._sums["non_padding"].drop()
    counter._sums["non_padding"].add(Queued())
    assert counter.snapshot().at_least == {"processed": 12, "non_padding": 8, "in_loss": 4}
    counter.close()
    assert not counter.last().complete
    counts = counter.settle(may_wait=False)
    assert (counts.tokens, counts.at_least) == ({"processed": 24, "in_loss": 8}, {"non_padding": 8})
    assert counter.last().complete


def test_a_record_kept_in_passing_gives_nothing_up() -> None:
    """Where the device still works it has no tokens and says why; the count goes on and is whole afterwards."""
    counter = StepTokens(CountingPlan(labels_shifted=True))
    counter.add(PADDED)
    waiting = counter._sums["non_padding"]._new
    waiting.append(Queued())
    counts = counter.snapshot()
    assert counts.tokens == {}
    assert all("interrupted" in reason for reason in counts.reasons.values())
    waiting.pop()
    assert counter.snapshot().tokens == counted(PADDED)


def test_kept_batches_are_not_waited_for_either() -> None:
    """On a device that still works they make no record's tokens until it is done."""
    counter = StepTokens(CountingPlan(labels_shifted=True))
    for batch in copies(3):
        counter.add(batch)
    real = counter._kept._kept[0]
    queued = (real[0], Queued(), *real[2:])
    counter._kept._kept[0] = queued
    assert counter.snapshot().tokens == {}
    counter._kept._kept[0] = real
    assert counter.snapshot().tokens == {"processed": 36, "non_padding": 24, "in_loss": 12}
    counter.add(copies(1)[0])
    counter._kept._kept[0] = (*queued[:4], *counter._kept._kept[0][4:])
    counts = counter.settle(may_wait=False)
    assert counts.tokens == {"processed": 48}
    assert "interrupted" in counts.reasons["non_padding"]


def test_a_failed_device_leaves_a_reason() -> None:
    """After an error of CUDA reading raises: the kind is unknown, and the rest is told."""

    class Broken(Queued):
        def item(self) -> int:
            raise RuntimeError("CUDA error: device-side assert triggered")

    counter = StepTokens(CountingPlan(labels_shifted=True))
    counter.add(PADDED)
    counter._sums["non_padding"].take()
    counter._sums["non_padding"]._total = Broken()
    assert "failed" in counter.settle().reasons["non_padding"]


def test_a_failure_ends_the_counting_at_once() -> None:
    """The batch's fault is told, and the next batches cost nothing."""
    counter = StepTokens(CountingPlan(labels_shifted=True))
    with pytest.raises(AttributeError):
        counter.add({"input_ids": SimpleNamespace(numel=lambda: 3)})
    counter.add(PADDED)
    assert set(counter.settle().reasons.values()) == {"counting them failed"}


def test_a_sum_that_is_waited_for_outlives_ctrl_c() -> None:
    """It comes while the device is waited for: what was added up there is read the next time."""

    class Waited(torch.Tensor):  # type: ignore[misc]  # torch is typed only where it is installed
        interrupted = True

        def item(self) -> Any:
            if Waited.interrupted:
                Waited.interrupted = False
                raise KeyboardInterrupt
            return super().item()

    counter = StepTokens(CountingPlan(labels_shifted=True, given_in_loss=True))
    counter.add(PADDED, torch.tensor(4).as_subclass(Waited))
    with pytest.raises(KeyboardInterrupt):
        counter.settle()
    assert counter.settle().tokens == {"processed": 12, "non_padding": 8, "in_loss": 4}


def test_kept_batches_whose_count_is_broken_off_are_no_figure() -> None:
    """A part of them is counted: a smaller number would look whole."""

    class Broken(torch.Tensor):  # type: ignore[misc]  # as above
        def count_nonzero(self) -> Any:
            raise KeyboardInterrupt

    counter = StepTokens(CountingPlan(labels_shifted=True))
    for batch in copies(10):
        counter.add(batch)
    assert counter.settle().tokens["non_padding"] == 80
    for batch in copies(10):
        counter.add({**batch, "attention_mask": batch["attention_mask"].as_subclass(Broken)})
    with pytest.raises(KeyboardInterrupt):
        counter.settle()
    assert counter.settle().tokens == {}
