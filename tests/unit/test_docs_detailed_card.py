"""The examples of docs/detailed_card.md run, and print what the page says they print."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard
from markdown_it import MarkdownIt

from cardcallback.record import encode
from cardcallback.testing import make_record

PAGE = Path(__file__).parents[2] / "docs" / "detailed_card.md"


def blocks() -> list[tuple[str, str]]:
    """Language and text of each block of code."""
    tokens = MarkdownIt().parse(PAGE.read_text(encoding="utf-8"))
    return [(token.info, token.content) for token in tokens if token.type == "fence"]


def test_the_examples_run_and_print_what_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One after the other, as somebody would who reads the page, in a folder with a recorded run."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "outputs" / "training_run"
    folder.mkdir(parents=True)
    (folder / "record.json").write_text(encode(make_record()), encoding="utf-8")
    names: dict[str, Any] = {}
    said, printed = [], []
    for language, text in blocks():
        if language == "yaml":
            (tmp_path / "card.yaml").write_text(text, encoding="utf-8")
        elif language == "text":
            said.append(text)
        else:
            output = io.StringIO()
            with contextlib.redirect_stdout(output):
                exec(text, names)  # noqa: S102  a page of ours
            printed.append(output.getvalue())
    assert printed == said
    card = ModelCard.load(tmp_path / "README.md")
    assert card.data.to_dict()["co2_eq_emissions"]["emissions"] == 37
    assert "| LoRA Rank | 16 (recorded; the author states 64) |" in card.text
