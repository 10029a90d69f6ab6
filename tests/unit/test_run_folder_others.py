"""Others read and write the output folder while we do: an editor, an upload, a person with other rights."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest
from folder_cards import HEADING, PERSONS_CARD, RUN_ID, TRL_CARD, open_folder

from cardcallback.errors import CardCallbackError
from cardcallback.record import decode, load_run
from cardcallback.render.card.front_matter import split_card
from cardcallback.render.card.matter_data import parse_matter
from cardcallback.render.card.section_block import section_spans
from cardcallback.run_folder import RunFolder
from cardcallback.testing import make_record


def saving(path: Path, texts: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """An editor that saves one of ``texts`` each time a new file has just reached the disk."""
    fsync = os.fsync

    def sync(descriptor: int) -> None:
        fsync(descriptor)
        if texts:
            path.write_text(texts.pop(0))

    monkeypatch.setattr(os, "fsync", sync)


def test_a_card_saved_between_our_reading_and_our_writing_is_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a person saves at that moment is not written over: it gets the section, and a copy is kept."""
    path = tmp_path / "README.md"
    path.write_text(TRL_CARD)
    folder = open_folder(tmp_path)
    saving(path, [PERSONS_CARD], monkeypatch)
    folder.write_card(make_record(), pictures=False)
    assert "Written by hand, with care." in path.read_text()
    assert HEADING in path.read_text()
    assert (tmp_path / "_cardcallback" / "original_card.md").read_text() == PERSONS_CARD


def test_a_card_that_is_saved_without_end_is_left_to_its_writer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a few attempts the last text stands, whole, and one line says why ours is not in it."""
    path = tmp_path / "README.md"
    path.write_text(TRL_CARD)
    folder = open_folder(tmp_path)
    texts = [f"# Version {number}\n" for number in range(100)]
    saving(path, texts, monkeypatch)
    with pytest.raises(CardCallbackError, match=r"^README\.md was changed by somebody else just now"):
        folder.write_card(make_record(), pictures=False)
    assert path.read_text().startswith("# Version ")
    assert HEADING not in path.read_text()
    assert len(texts) > 80


def test_a_reader_sees_whole_files_only(tmp_path: Path) -> None:
    """An upload that reads while we write gets the whole old card or the whole new one, and so for the record."""
    path = tmp_path / "README.md"
    path.write_text(PERSONS_CARD)
    folder = open_folder(tmp_path)
    record = make_record()
    record_file = folder.write_record(record)
    folder.write_card(record, pictures=False)
    done, seen, faults = threading.Event(), set(), []

    def read() -> None:
        try:
            while not done.is_set() or not seen:
                card = split_card(path.read_bytes().decode())
                assert parse_matter(card.matter)["license"] == "mit"
                assert len(section_spans(card.body)) == 1
                seen.add(decode(record_file.read_bytes()).record.notes)
        except Exception as error:  # noqa: BLE001 - whatever a reader meets is the finding
            faults.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(60):
        changed = make_record(notes=tuple(f"note {number}" for _ in range(1 + number % 7)))
        folder.write_record(changed)
        folder.write_card(changed, pictures=False)
    done.set()
    reader.join()
    assert faults == []
    assert seen


def test_a_persons_words_outlive_a_folder_that_takes_no_copy(tmp_path: Path) -> None:
    """Where no copy can be kept, the card that a tool overwrote is still completed from the person's own."""
    path = tmp_path / "README.md"
    path.write_text(PERSONS_CARD)
    (tmp_path / "_cardcallback").write_text("a file in the folder's place")
    folder = RunFolder(tmp_path, run_id=RUN_ID, card="README.md", template=None, publish="all")
    with pytest.raises(CardCallbackError, match="cannot make the folder _cardcallback"):
        folder.begin()
    path.write_text(TRL_CARD)
    folder.write_card(make_record(), pictures=False)
    assert "Written by hand, with care." in path.read_text()
    assert HEADING in path.read_text()
    assert load_run(folder.write_record(make_record())).status == "completed"


def test_what_is_private_is_as_closed_as_the_card(tmp_path: Path) -> None:
    """The copy and the card keep the card's mode, and all else follows the umask, so that a group can go on."""
    path = tmp_path / "README.md"
    path.write_text(PERSONS_CARD)
    path.chmod(0o600)
    umask = os.umask(0o027)
    try:
        folder = open_folder(tmp_path)
        record_file = folder.write_record(make_record())
        folder.write_card(make_record(), pictures=False)
    finally:
        os.umask(umask)
    private = tmp_path / "_cardcallback"
    modes = {file: stat.S_IMODE(file.stat().st_mode) for file in (path, *private.iterdir(), record_file, private)}
    assert modes[path] == modes[private / "original_card.md"] == 0o600
    assert modes[record_file] == modes[private / "card.json"] == 0o640
    assert modes[private] == 0o750
