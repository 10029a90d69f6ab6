"""The examples of docs/trainer.md run as they stand there, one after the other, with a tiny model."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from tiny import make_model, make_tokenizer

from cardcallback import load_run
from cardcallback.cli import main

sys.path.append(str(Path(__file__).parents[1] / "unit"))

from docs_pages import DOCS, blocks

pytestmark = pytest.mark.training
_FINDINGS = 4
_PAGE = DOCS / "trainer.md"


def run_command(line: str) -> int:
    """The exit code of a ``cardcallback`` command as the page has it."""
    with pytest.raises(SystemExit) as stop:
        main(shlex.split(line)[1:])
    return int(stop.value.code or 0)


def test_the_examples_do_what_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, base_folder: Path) -> None:
    """The first trains, the second attaches to the same trainer, the third has both evaluations on the card."""
    from datasets import Dataset  # noqa: PLC0415 - only where a training test runs

    monkeypatch.chdir(tmp_path)
    tokens = make_tokenizer()("the quick brown fox jumps over a lazy dog")["input_ids"]
    data = Dataset.from_list([{"input_ids": tokens, "labels": tokens}] * 8)
    names: dict[str, Any] = {"model": make_model(base_folder), "data": data}
    first, second, third = (block.text for block in blocks(_PAGE, "python"))
    exec(first, names)  # noqa: S102 - a page of ours
    output = tmp_path / "my-model"
    for name in ("README.md", "training_run/record.json", "training_run/loss_curve.png"):
        assert (output / name).is_file()
    # What an attached callback is for: a trainer that has none yet.
    trainer = names["trainer"]
    trainer.callback_handler.callbacks = [
        one for one in trainer.callback_handler.callbacks if type(one).__name__ != "CardCallback"
    ]
    before = load_run(output).run_id
    exec(second, names)  # noqa: S102 - as above
    assert load_run(output).run_id != before
    exec(third, names)  # noqa: S102 - as above
    evaluation = load_run(output).evaluation
    assert evaluation.before is not None
    assert evaluation.after is not None
    publish, check = (block.text.strip() for block in blocks(_PAGE, "sh"))
    names["model"].save_pretrained(tmp_path / "merged")
    assert run_command(publish) == 0
    assert run_command(check) == _FINDINGS  # the trainer's own card has places that only a person can fill
