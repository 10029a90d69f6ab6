"""The data by size and harmless name, and which of its tokens the loss covers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from cardcallback.observe.plain import choice, class_names, read, top_package, word
from cardcallback.record import ENCODER_DECODER_OBJECTIVES, Dataset

ANSWERS = "answer tokens only"
ALL_TOKENS = "all tokens"
SOME_TOKENS = "part of the tokens (the data masks the rest)"
TARGETS = "target tokens only"
_IGNORED_LABEL = -100
_CUTTING = frozenset({"wrapped", "bfd_split"})
_SAMPLED_ROWS = 8
_LARGEST_COUNTED_ROWS = 1_000_000
_HUB_DATA = re.compile(r"hf://datasets/([A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95})@")
_FILE_READERS = frozenset(
    ["json", "csv", "parquet", "text", "arrow", "pandas", "xml", "sql", "imagefolder", "audiofolder", "webdataset"]
)


def training_dataset(trainer: object, train_dataloader: object) -> Any:
    """The trainer's own data, which still has the columns its data loader drops; else the loader's."""
    found = read(trainer, "train_dataset")
    return found if found is not None else read(train_dataloader, "dataset")


def evaluation_dataset(trainer: object, eval_dataloader: object) -> Any:
    """The held-out data: one set, a dictionary of sets, or ``None``."""
    found = read(trainer, "eval_dataset")
    return found if found is not None else read(eval_dataloader, "dataset")


def observe_dataset(training: object, evaluation: object, args: object = None) -> Dataset:
    """Name and sizes; streams have no size. After packing, ``training_sequences`` counts the packed rows.

    Where ``args`` say that packing cut examples apart, their number is not known from its rows.
    """
    rows = length(training)
    cut = read(args, "packing") is True and word(read(args, "packing_strategy")) in _CUTTING
    packed = cut or "seq_lengths" in columns(training)
    examples = None if cut else _packed_examples(training) if packed else rows
    return Dataset(
        name=dataset_name(training),
        training_examples=examples,
        evaluation_examples=_evaluation_examples(evaluation),
        training_sequences=rows if packed else None,
        streamed=rows is None and "IterableDataset" in class_names(training),
    )


def _evaluation_examples(evaluation: object) -> int | None:
    if isinstance(evaluation, dict):
        counts = [length(part) for part in evaluation.values()]
        known = [count for count in counts if count is not None]
        return sum(known) if known and len(known) == len(counts) else None
    return length(evaluation)


def length(data: object) -> int | None:
    """The number of rows; ``None`` for a stream."""
    if data is None or not hasattr(type(data), "__len__"):
        return None
    try:
        return len(data)  # type: ignore[arg-type]  # just found to have a length
    except (TypeError, NotImplementedError):
        return None


def columns(data: object) -> frozenset[str]:
    """The column names of a ``datasets`` data set; empty for anything else."""
    found = read(data, "column_names")
    return frozenset(name for name in found if isinstance(name, str)) if isinstance(found, list) else frozenset()


def _is_table(data: object) -> bool:
    """A ``datasets.Dataset`` whose rows may be read without running a person's own (random) transform."""
    if "Dataset" not in class_names(data) or not any(top_package(cls) == "datasets" for cls in type(data).__mro__):
        return False
    return bool(read(read(data, "format"), "type") != "custom")


def _packed_examples(data: object) -> int | None:
    """The examples inside packed rows: each row lists the lengths of those it holds."""
    rows = length(data)
    if not _is_table(data) or rows is None or rows > _LARGEST_COUNTED_ROWS:
        return None
    lengths = data.with_format("arrow")["seq_lengths"]  # type: ignore[attr-defined]  # _is_table
    chunks = read(lengths, "chunks")
    if not isinstance(chunks, list):
        return None
    return sum(len(chunk.flatten()) for chunk in chunks)


def dataset_name(data: object) -> str | None:
    """The Hub id where the data set remembers it, "local file" where it was read from one, else ``None``.

    ``datasets`` keeps only a rewritten form of a Hub set's name, so most have none here.
    """
    info = read(data, "info")
    sources = read(info, "download_checksums")
    sources = list(sources) if isinstance(sources, dict) else _streamed_files(data)
    for source in sources:
        found = _HUB_DATA.match(str(source))
        if found:
            return found.group(1)
    builder = choice(read(info, "builder_name"), _FILE_READERS)
    if builder is not None and read(info, "dataset_name") == builder:
        return "local file"
    return None


def _streamed_files(data: object) -> list[object]:
    inner = read(read(data, "_ex_iterable"), "kwargs")
    files = read(inner, "base_files")
    return files if isinstance(files, list) else []


def find_loss_coverage(objective: str | None, trainer: object, args: object, data: object) -> str | None:
    """Which tokens the loss counts, from the labels themselves where the data has them; else from the settings."""
    if objective in ENCODER_DECODER_OBJECTIVES:
        return TARGETS
    if objective not in {"SFT", "language modelling"}:
        return None
    answers = _asks_for_answers(trainer, args, data)
    masked = _labels_masked(data)
    if masked is not None:
        return ALL_TOKENS if not masked else ANSWERS if answers else SOME_TOKENS
    if answers:
        return ANSWERS
    return ALL_TOKENS if objective == "SFT" or _collator_labels_all(trainer) else None


def _asks_for_answers(trainer: object, args: object, data: object) -> bool:
    if read(args, "assistant_only_loss") is True:
        return True
    if any("CompletionOnly" in name for name in class_names(read(trainer, "data_collator"))):
        return True
    decided = read(trainer, "completion_only_loss")
    if decided is None:
        decided = read(args, "completion_only_loss")
    names = columns(data)
    if decided is None:
        return {"prompt", "completion"} <= names
    # Asked for on data without completions it masks nothing.
    return decided is True and ("labels" in names or "completion_mask" in names or {"prompt", "completion"} <= names)


def _collator_labels_all(trainer: object) -> bool:
    collator = read(trainer, "data_collator")
    known = "DataCollatorForLanguageModeling" in class_names(collator) and top_package(type(collator)) == "transformers"
    return known and read(collator, "mlm") is False


def _labels_masked(data: object) -> bool | None:
    """Whether some tokens of a few sampled rows carry the label that the loss ignores; ``None``: no labels to see."""
    rows = length(data)
    if not rows or not _is_table(data) or "labels" not in columns(data):
        return None
    places = sorted({round(index * (rows - 1) / (_SAMPLED_ROWS - 1)) for index in range(_SAMPLED_ROWS)})
    return any(_IGNORED_LABEL in _plain_list(data[place]["labels"]) for place in places)  # type: ignore[index]  # _is_table


def _plain_list(labels: Any) -> Sequence[Any]:
    lister = read(labels, "tolist")
    found = lister() if callable(lister) else labels
    return found if isinstance(found, list) else [found]
