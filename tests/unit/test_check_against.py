"""One value as a person states it against a record: in other words the same, or something else."""

from __future__ import annotations

import pytest
from card_inputs import with_place
from msgspec.structs import replace

from cardcallback.check import check_card
from cardcallback.check.against import AgainstRecord
from cardcallback.record import RunRecord

SAME = [
    ("training_time", "1 Stunde 52 Minuten"),
    ("training_time", "1 heure et 52 minutes"),
    ("training_time", "1小时52分钟"),
    ("training_time", "01:52:00"),
    ("max_length", "2k"),
    ("max_length", "2048 (base model: 8192)"),
    ("effective_batch_size", "32,768 tokens"),
    ("effective_batch_size", "2 × 8 = 16"),
    ("learning_rate", "SFT 1e-5, DPO 2e-4"),
    ("learning_rate", r"$2 \times 10^{-4}$"),
    ("learning_rate", "1e-6 to 2e-4"),
    ("training_loss", "last (step 500): 1.05"),
    ("base_model", "google/gemma-3-4b-it."),
    ("software.transformers", ">=4.40"),
    ("software.transformers", "4.40 or newer"),
    ("hardware", "NVIDIA GB10, 24 GPU hours"),
    ("hardware", "NVIDIA GB10 with a 128 GB GPU"),
    ("date_of_training", "2026-06-01"),
    ("throughput", "910 tokens/s, with padding"),
    ("hours_used", "1.9"),
    ("region", "Germany"),
]
OTHER = [
    ("training_time", "2 Stunden 52 Minuten"),
    ("training_time", "3小时52分钟"),
    ("max_length", "4k"),
    ("effective_batch_size", "2 × 32 = 64"),
    ("learning_rate", "SFT 1e-5, DPO 5e-6"),
    ("learning_rate", r"$2 \times 10^{-5}$"),
    ("lora_rank", "64 (alpha 16)"),
    ("training_loss", "last (step 500): 0.105"),
    ("base_model", "google/gemma-3-12b-it."),
    ("software.transformers", "4.46.1"),
    ("hardware", "8 × NVIDIA GB10, 24 GPU hours"),
    ("gpu_count", "4 nodes × 8 GPUs"),
    ("date_of_training", "2025-01-01"),
    ("start_date", "2025-11-12"),
    ("throughput", "5,000 tokens/s"),
    ("hours_used", "12"),
    ("region", "Norway"),
]


@pytest.mark.parametrize(("name", "text"), SAME)
def test_what_says_the_same_does_not_contradict(name: str, text: str) -> None:
    """In another language, unit or form, with its parts, or as a bound."""
    assert not AgainstRecord(record=with_place()).contradicts(name, text)


@pytest.mark.parametrize(("name", "text"), OTHER)
def test_what_says_something_else_contradicts(name: str, text: str) -> None:
    """In the same forms."""
    assert AgainstRecord(record=with_place()).contradicts(name, text)


def on(*names: str) -> RunRecord:
    """The made-up run on other GPUs, by their names; on none that were measured without one."""
    record = with_place()
    own = record.hardware.accelerators[0]
    hardware = replace(record.hardware, accelerators=tuple(replace(own, name=name) for name in names))
    sessions = tuple(replace(session, hardware=hardware) for session in record.sessions)
    return replace(record, hardware=hardware, sessions=sessions)


@pytest.mark.parametrize(
    ("names", "same", "other"),
    [
        (["NVIDIA GeForce RTX 4090"], "NVIDIA RTX 4090 GPU", "2 × NVIDIA RTX 4090"),
        (["NVIDIA GeForce RTX 4090"], "1 GeForce RTX 4090 GPU, 24 GB", "NVIDIA H100"),
        (["NVIDIA H100 80GB HBM3"] * 32, "4 nodes of 8 × NVIDIA H100", "8 × NVIDIA H100"),
        (["NVIDIA H100 80GB HBM3"] * 2, "NVIDIA H100 80 GB GPU (**2** × NVIDIA H100)", "4 NVIDIA H100 GPUs"),
    ],
)
def test_the_number_in_a_devices_name_is_no_count(names: list[str], same: str, other: str) -> None:
    """Nor is its memory; several computers have so many each."""
    against = AgainstRecord(record=on(*names))
    assert not against.contradicts("hardware", same)
    assert against.contradicts("hardware", other)


def test_gpus_that_were_not_measured_are_no_contradiction() -> None:
    """Of another maker's, nothing is known."""
    assert not AgainstRecord(record=on()).contradicts("hardware", "1 × AMD Instinct MI300X")


def test_a_state_is_not_another_one() -> None:
    """A country and a part of it may both be right."""
    against = AgainstRecord(record=with_place("US-CA"))
    assert not against.contradicts("region", "California")
    assert not against.contradicts("region", "USA")
    assert against.contradicts("region", "Texas")


def test_more_than_what_is_known_as_a_least_is_no_contradiction() -> None:
    """A killed run took longer than its record knows."""
    record = with_place()
    record = replace(record, sessions=tuple(replace(one, rest_unknown=True) for one in record.sessions))
    against = AgainstRecord(record=record)
    assert not against.contradicts("training_time", "3 h")
    assert against.contradicts("training_time", "30 min")


@pytest.mark.parametrize(
    "text", ["1" + "0" * 400 + " h", "2 × 10 -\u00a05 h", "2 × 10^99 h", "1.234 s " * 400, "٣ h", "9" * 39 + " h"]
)
def test_odd_numbers_are_read_or_left(text: str) -> None:
    """Without an end, or an error."""
    assert AgainstRecord(record=with_place()).contradicts("training_time", text) in {True, False}


@pytest.mark.parametrize(("day", "seconds"), [("someday", 60.0), ("9999-12-31", 60.0), ("2026-03-02", 1e300)])
def test_odd_days_of_a_record_are_left(day: str, seconds: float) -> None:
    """As somebody may have written them by hand."""
    record = with_place()
    session = replace(record.sessions[0], started_on=day, duration_seconds=seconds)
    assert not AgainstRecord(record=replace(record, sessions=(session,))).contradicts("date", "2026-03-02")


@pytest.mark.parametrize(
    "body",
    [
        "- Training time: 3 hours\n- Compute: 24 GPU hours\n",
        "- GPU: NVIDIA RTX 4090 GPU\n- Training time: 2 hours\n- GPU hours: 4\n",
        "- GPU: two with 24 GB GPU memory\n- Training time: 2 hours\n- GPU hours: 4\n",
    ],
)
def test_gpu_hours_are_held_only_against_gpus_that_are_counted(body: str) -> None:
    """Hours, memory and the number in a name count none."""
    assert not [one for one in check_card(f"# A\n\n## Training\n\n{body}") if "GPU hours" in one.what]


def test_epochs_that_steps_overrule_are_no_contradiction() -> None:
    """A trainer that lists all of its arguments has both; a person's number of epochs is held as before."""
    record = with_place()
    by_steps = replace(record, training=replace(record.training, epochs=50.0, hyperparameters={"max_steps": 500}))
    lists = "## Training Hyperparameters\n\n- `max_steps`: 500\n- `num_train_epochs`: 3.0\n"
    assert not _against(lists, by_steps)
    assert _against(lists, replace(by_steps, training=replace(by_steps.training, hyperparameters={})))
    assert _against("## Training\n\n- Epochs: 3\n", by_steps)


def _against(text: str, record: RunRecord) -> list[str]:
    return [found.what for found in check_card(text, record=record) if found.rule == "against-record"]


@pytest.mark.parametrize("weight_decay", [None, 0.0, 0.01])
@pytest.mark.parametrize("said", ["Adam", "Adam (fused)", "8-bit Adam", "paged_adam_8bit"])
def test_adam_for_adamw_is_a_word_of_advice_where_the_two_differ(said: str, weight_decay: float | None) -> None:
    """Many say Adam for it, and without a weight decay it is the same."""
    record = with_place()
    settings = record.training.hyperparameters | ({} if weight_decay is None else {"weight_decay": weight_decay})
    record = replace(record, training=replace(record.training, hyperparameters=settings))
    found = [one for one in check_card(f"# A\n\n## Training\n\n- Optimizer: {said}\n", record=record) if one.line == 5]
    assert [one.severity for one in found] == (["hint"] if weight_decay else [])


@pytest.mark.parametrize("said", ["AdamW (fused)", "8-bit AdamW", "paged_adamw_8bit", "Adam, decoupled weight decay"])
def test_adamw_in_other_words_is_adamw(said: str) -> None:
    """No word, with a weight decay too."""
    record = with_place()
    settings = record.training.hyperparameters | {"weight_decay": 0.1}
    against = AgainstRecord(record=replace(record, training=replace(record.training, hyperparameters=settings)))
    assert not against.contradicts("optimizer", said)
    assert not against.is_loose("optimizer", said)
