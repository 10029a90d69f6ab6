"""The data: sizes, harmless names, and which tokens the loss covers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from observe_stand_ins import SFT_TRAINER, named, observe

from cardcallback.observe.data import find_loss_coverage, observe_dataset
from cardcallback.record import Dataset
from cardcallback.render.section.recipe import recipe
from cardcallback.testing import make_record


class Table:
    """A ``datasets.Dataset`` by name, columns and rows."""

    __module__ = "datasets.arrow_dataset"

    def __init__(self, rows: list[dict[str, Any]], kind: str | None = None) -> None:
        self.rows = rows
        self.column_names = list(rows[0]) if rows else []
        self.format = {"type": kind}

    def __len__(self) -> int:
        """As many as there are."""
        return len(self.rows)

    def __getitem__(self, place: int) -> dict[str, Any]:
        """One row."""
        if self.format["type"] == "custom":
            msg = "a transform of the person's own must not be run"
            raise AssertionError(msg)
        return self.rows[place]


Table.__name__ = Table.__qualname__ = "Dataset"

MASKED = {"input_ids": [1, 2, 3], "labels": [-100, 2, 3]}
OPEN = {"input_ids": [1, 2, 3], "labels": [1, 2, 3]}


@pytest.mark.parametrize(
    ("rows", "trainer", "covers"),
    [
        ([MASKED] * 9, {"completion_only_loss": True}, "answer tokens only"),
        ([MASKED] * 9, {"completion_only_loss": False}, "part of the tokens (the data masks the rest)"),
        ([OPEN] * 9, {"completion_only_loss": True}, "all tokens"),
        ([OPEN] * 9, {"completion_only_loss": False}, "all tokens"),
        ([{"prompt": "a", "completion": "b"}], {}, "answer tokens only"),
        ([{"text": "a"}], {"completion_only_loss": True}, "all tokens"),
        ([{"text": "a"}], {}, "all tokens"),
    ],
)
def test_coverage_is_read_from_the_labels(rows: list[dict[str, Any]], trainer: dict[str, Any], covers: str) -> None:
    """What the labels mask outranks what was asked for."""
    assert find_loss_coverage("SFT", SimpleNamespace(**trainer), SimpleNamespace(), Table(rows)) == covers


def test_assistant_only_loss_covers_answers() -> None:
    """TRL's setting for conversations."""
    assert find_loss_coverage("SFT", None, SimpleNamespace(assistant_only_loss=True), None) == "answer tokens only"


def test_a_persons_transform_is_not_run() -> None:
    """It may draw random numbers: the training would no longer be the same."""
    table = Table([MASKED], kind="custom")
    assert find_loss_coverage("SFT", None, SimpleNamespace(), table) == "all tokens"


def test_a_plain_trainers_coverage_is_its_collators() -> None:
    """Without labels to see, only the known collator tells."""
    collator = named("DataCollatorForLanguageModeling", module="transformers.data", mlm=False)()
    trainer = SimpleNamespace(data_collator=collator)
    assert find_loss_coverage("language modelling", trainer, SimpleNamespace(), None) == "all tokens"
    assert find_loss_coverage("language modelling", SimpleNamespace(), SimpleNamespace(), None) is None


def test_sizes_and_streams() -> None:
    """A data set has a size, a stream has none, several held-out sets have their sum."""
    trainer = SFT_TRAINER()
    trainer.train_dataset, trainer.eval_dataset = Table([OPEN] * 3), {"a": Table([OPEN]), "b": Table([OPEN] * 2)}
    data = observe(trainer).dataset
    assert (data.training_examples, data.evaluation_examples, data.training_sequences) == (3, 3, None)
    trainer.train_dataset, trainer.eval_dataset = iter([1]), None
    data = observe(trainer).dataset
    assert (data.training_examples, data.evaluation_examples, data.streamed) == (None, None, False)


@pytest.mark.parametrize(
    ("settings", "examples", "sequences"),
    [
        ({"packing": True, "packing_strategy": "wrapped"}, None, 3),
        ({"packing": True, "packing_strategy": "bfd_split"}, None, 3),
        ({"packing": False, "packing_strategy": "wrapped"}, 3, None),
    ],
    ids=str,
)
def test_examples_that_packing_cut_apart(settings: dict[str, Any], examples: int | None, sequences: int | None) -> None:
    """The rows are no examples then, and nothing counts those."""
    trainer = SFT_TRAINER()
    trainer.train_dataset = Table([OPEN] * 3)
    data = observe(trainer, SimpleNamespace(**settings)).dataset
    assert (data.training_examples, data.training_sequences) == (examples, sequences)


def test_a_stream_is_told_as_one() -> None:
    """A row without a size says why; a table is no stream."""
    stream = named("IterableDataset", module="datasets.iterable_dataset")()
    assert observe_dataset(stream, None).streamed
    assert not observe_dataset(Table([OPEN]), None).streamed
    record = make_record()
    for evaluation, said in (
        (None, "name not known, streamed, size not known |"),
        (2, "not known; 2 held-out examples"),
    ):
        dataset = Dataset(evaluation_examples=evaluation, streamed=True)
        training = msgspec.structs.replace(record.training, dataset=dataset)
        assert said in "\n".join(recipe(msgspec.structs.replace(record, training=training)))


def test_the_card_of_examples_that_packing_cut_apart() -> None:
    """Sequences are not passed off as examples."""
    record = make_record()
    dataset = Dataset(name="local file", evaluation_examples=2, training_sequences=5)
    training = msgspec.structs.replace(record.training, dataset=dataset)
    text = "\n".join(recipe(msgspec.structs.replace(record, training=training)))
    assert "local file, 2 held-out examples; training data packed into 5 sequences" in text


@pytest.mark.parametrize(
    ("info", "name"),
    [
        ({"builder_name": "json", "dataset_name": "json"}, "local file"),
        ({"builder_name": "parquet", "dataset_name": "capybara"}, None),
        ({"builder_name": None, "dataset_name": None}, None),
        ({"download_checksums": {"hf://datasets/trl-lib/Capybara@abc/train.parquet": {}}}, "trl-lib/Capybara"),
        (
            {"download_checksums": {"/home/somebody/x.json": {}}, "builder_name": "json", "dataset_name": "json"},
            "local file",
        ),
    ],
)
def test_data_is_named_by_its_hub_id_or_not_at_all(info: dict[str, Any], name: str | None) -> None:
    """Never a path, and no name that ``datasets`` has rewritten."""
    trainer = SFT_TRAINER()
    trainer.train_dataset = Table([OPEN])
    trainer.train_dataset.info = SimpleNamespace(**info)  # type: ignore[attr-defined]  # the real one has it
    assert observe(trainer).dataset.name == name
