"""Somebody else writes, or a disk gives up, while a card is completed: nothing is lost and nothing half done."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from publish_inputs import MERGED_CARD, PICTURES, make_output, make_target, run, snapshot

from cardcallback.carbon import assess_footprint, factor_for, find_place
from cardcallback.errors import CardCallbackError
from cardcallback.publishing import Change, Source, Wishes, publish
from cardcallback.publishing.folder import FolderPlace
from cardcallback.record import load_document


class InterruptedPlace(FolderPlace):
    """A folder whose card somebody else writes, or whose disk gives up, right before ours is written."""

    def __init__(self, folder: Path, meanwhile: Sequence[Any]) -> None:
        super().__init__(folder)
        self._meanwhile = meanwhile

    def write(self, changes: Sequence[Change]) -> str:
        """Write as ever, after whatever happens meanwhile."""
        for happening in self._meanwhile:
            happening()
        return super().write(changes)


def source_of(output: Path) -> Source:
    """What the folder's run publishes."""
    loaded = load_document(output)
    record = loaded.record
    carbon = assess_footprint(record.energy, factor_for(find_place("DE"))).carbon
    return Source(record=msgspec.structs.replace(record, carbon=carbon), document=loaded.document, pictures=PICTURES)


def test_a_card_that_changes_meanwhile_is_read_again(tmp_path: Path) -> None:
    """Somebody's words that were saved while ours was composed are in the result."""
    target = make_target(tmp_path)
    readme = target / "README.md"
    edits = iter([lambda: readme.write_text(readme.read_text() + "\nAda's words.\n")])
    opened = lambda: InterruptedPlace(target, list(edits))  # noqa: E731  a place is opened again at each attempt
    done = publish(opened, source_of(make_output(tmp_path)), Wishes())
    assert done.where is not None
    assert "Ada's words." in readme.read_text()
    assert "## Training, hardware" in readme.read_text()


def test_a_card_that_never_rests_is_left_and_so_is_the_folder(tmp_path: Path) -> None:
    """After three attempts the person decides; no record lies there without its card."""
    target, count = make_target(tmp_path), iter(range(100))
    readme = target / "README.md"
    again = lambda: readme.write_text(f"{MERGED_CARD}{next(count)}\n")  # noqa: E731
    with pytest.raises(CardCallbackError, match="changed by somebody else"):
        publish(lambda: InterruptedPlace(target, [again]), source_of(make_output(tmp_path)), Wishes())
    assert not (target / "training_run").exists()
    assert readme.read_text() == f"{MERGED_CARD}2\n"


def test_a_file_that_cannot_be_written_takes_the_others_back(tmp_path: Path) -> None:
    """A folder stands where the card should go at the last moment: pictures and record are not left behind."""
    target = make_target(tmp_path, card=None)
    occupy, source = (target / "README.md").mkdir, source_of(make_output(tmp_path))
    before = snapshot(target)
    with pytest.raises(CardCallbackError, match=r"README\.md"):
        publish(lambda: InterruptedPlace(target, [occupy]), source, Wishes())
    assert snapshot(target) == before
    assert not (target / "training_run").exists()


def test_what_was_replaced_before_a_failure_comes_back(tmp_path: Path) -> None:
    """An earlier publication stays whole."""
    output, target = make_output(tmp_path), make_target(tmp_path)
    assert run(output, target) == 0
    before = snapshot(target)
    readme = target / "README.md"

    def vanish() -> None:
        readme.unlink()
        readme.mkdir()

    with pytest.raises(CardCallbackError, match=r"README\.md"):
        publish(lambda: InterruptedPlace(target, [vanish]), source_of(output), Wishes())
    readme.rmdir()
    assert snapshot(target) == {name: content for name, content in before.items() if name != "README.md"}
