"""What a person wrote into a card, before, during or after a run, is never lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from folder_cards import HEADING, PERSONS_CARD, RUN_ID, TRL_CARD, leave_completed_run, open_folder, record_of

from cardcallback.errors import CardCallbackError
from cardcallback.run_folder import RunFolder
from cardcallback.testing import make_record


@pytest.mark.parametrize("copy", [None, b"\xff\xfe no text"])
def test_a_card_whose_copy_went_keeps_the_persons_words(tmp_path: Path, copy: bytes | None) -> None:
    """A full disk refused it, or somebody tidied up: the next run takes them from the card, before a tool writes it."""
    card, kept = tmp_path / "README.md", tmp_path / "_cardcallback" / "original_card.md"
    card.write_text(PERSONS_CARD)
    first = open_folder(tmp_path, "first")
    first.write_card(record_of("first"), pictures=False)
    kept.unlink() if copy is None else kept.write_bytes(copy)
    second = open_folder(tmp_path, "second")
    second.weights_are_ours()
    card.write_text(TRL_CARD)
    second.write_card(record_of("second"), pictures=False)
    assert "Written by hand" in card.read_text()
    assert card.read_text().count(HEADING) == 1


def test_a_persons_card_is_kept_though_what_we_remember_of_it_is_a_circle_of_links(tmp_path: Path) -> None:
    """A tool writes over it, and it is completed from the person's own words."""
    card = tmp_path / "README.md"
    card.write_text(PERSONS_CARD)
    (tmp_path / "_cardcallback").mkdir()
    (tmp_path / "_cardcallback" / "card.json").symlink_to("card.json")
    folder = open_folder(tmp_path)
    card.write_text(TRL_CARD)
    folder.write_card(make_record(), pictures=False)
    assert "Written by hand" in card.read_text()


def test_a_persons_card_comes_back_after_the_trainer_rewrote_it(tmp_path: Path) -> None:
    """What a person wrote stands in the final card byte for byte, whatever the trainer wrote since."""
    (tmp_path / "README.md").write_text(PERSONS_CARD)
    folder = open_folder(tmp_path)
    (tmp_path / "README.md").write_text(TRL_CARD)
    assert folder.write_card(make_record(), pictures=False).card.body == "person"
    text = (tmp_path / "README.md").read_text()
    assert "# My model\n\nWritten by hand, with care.\n" in text
    assert "license: mit # chosen by us" in text
    assert "- trl" in text
    assert "It has been trained using" not in text


def test_a_second_run_still_knows_what_a_person_wrote(tmp_path: Path) -> None:
    """The kept original serves the next run in the folder too."""
    (tmp_path / "README.md").write_text(PERSONS_CARD)
    first = open_folder(tmp_path, "first")
    first.write_card(record_of("first"), pictures=False)
    first.write_record(record_of("first"))
    second = open_folder(tmp_path, "second")
    (tmp_path / "README.md").write_text(TRL_CARD)
    assert second.write_card(record_of("second"), pictures=False).card.body == "person"
    assert "Written by hand" in (tmp_path / "README.md").read_text()


def test_a_person_who_edits_the_finished_card_keeps_the_edit(tmp_path: Path) -> None:
    """An edit made after a run is a person's card for the next one."""
    leave_completed_run(tmp_path)
    path = tmp_path / "README.md"
    path.write_text(path.read_text().replace("# Model Card", "# Our model card, second thoughts\n\n# Model Card", 1))
    folder = open_folder(tmp_path, "second")
    path.write_text(TRL_CARD)
    folder.weights_are_ours()
    folder.write_card(record_of("second"), pictures=False)
    assert "second thoughts" in path.read_text()


def test_an_edit_made_after_training_survives_every_later_write(tmp_path: Path) -> None:
    """What a person writes into the finished card is kept when a tool rewrites it, and when we do."""
    path = tmp_path / "README.md"
    path.write_text(PERSONS_CARD)
    folder = open_folder(tmp_path)
    folder.weights_are_ours()
    folder.write_card(make_record(), pictures=False)
    path.write_text(path.read_text().replace("with care", "with care, and corrected"))
    folder.notice_edits()
    path.write_text(TRL_CARD)
    folder.write_card(make_record(), pictures=False)
    assert "with care, and corrected" in path.read_text()
    assert path.read_text().count(HEADING) == 1


def test_filling_in_a_template_by_hand_is_kept(tmp_path: Path) -> None:
    """The blanks a person fills in a completed template stay filled when the card is rendered again."""
    path = tmp_path / "README.md"
    folder = open_folder(tmp_path, template="# Company card\n\n- **Owner:** [name]\n")
    folder.write_card(make_record(), pictures=False)
    path.write_text(path.read_text().replace("[name]", "the platform team"))
    folder.notice_edits()
    folder.write_card(make_record(), pictures=False)
    assert "the platform team" in path.read_text()


def test_a_persons_card_that_cannot_be_completed_comes_back_at_the_end(tmp_path: Path) -> None:
    """A tool overwrote a card with broken front matter: the message names the copy, and the end restores it."""
    path = tmp_path / "README.md"
    broken = "---\nlicense: [mit\n---\n# Mine\n"
    path.write_text(broken)
    folder = open_folder(tmp_path)
    path.write_text(TRL_CARD)
    with pytest.raises(CardCallbackError, match=r"_cardcallback/original_card\.md"):
        folder.write_card(make_record(), pictures=False)
    assert path.read_text() == TRL_CARD
    folder.put_original_back()
    assert path.read_text() == broken


def test_another_folders_card_of_a_person_keeps_their_metadata(tmp_path: Path) -> None:
    """A person's own card in a folder the weights are saved to is completed, not taken for a tool's."""
    other = tmp_path / "final"
    other.mkdir()
    (other / "README.md").write_text("---\nbase_model: me/other\n---\n# Mine\n")
    folder = open_folder(tmp_path / "out")
    folder.complete_other_card(other / "README.md", make_record())
    text = (other / "README.md").read_text()
    assert "base_model: me/other" in text
    assert HEADING in text


def test_a_persons_only_copy_is_never_overwritten(tmp_path: Path) -> None:
    """A tool's card at the next checkpoint is not copied over the person's words, nor is a later person's card."""
    path, copy = tmp_path / "README.md", tmp_path / "_cardcallback" / "original_card.md"
    broken = "---\nlicense: [mit\n---\n# Mine\n"
    path.write_text(broken)
    folder = open_folder(tmp_path)
    for _ in range(2):
        folder.notice_edits()
        path.write_text(TRL_CARD)
        with pytest.raises(CardCallbackError):
            folder.write_card(make_record(), pictures=False)
    assert copy.read_text() == broken
    path.write_text(PERSONS_CARD)
    open_folder(tmp_path, "second")
    assert copy.read_text() == PERSONS_CARD
    assert copy.with_name("original_card-2.md").read_text() == broken


@pytest.mark.parametrize("newer", [PERSONS_CARD, TRL_CARD + "\nmended by hand\n", None])
def test_what_was_written_since_is_not_put_back(tmp_path: Path, newer: str | None) -> None:
    """A card mended, rewritten or removed after our failure stays as it is when the process ends."""
    path = tmp_path / "README.md"
    path.write_text("---\nlicense: [mit\n---\n# Mine\n")
    folder = open_folder(tmp_path)
    path.write_text(TRL_CARD)
    with pytest.raises(CardCallbackError):
        folder.write_card(make_record(), pictures=False)
    path.unlink()
    if newer is not None:
        path.write_text(newer)
    folder.put_original_back()
    assert (path.read_text() if path.exists() else None) == newer


def test_a_card_in_another_encoding_survives_a_tool(tmp_path: Path) -> None:
    """The bytes of a card that is not UTF-8 are kept aside, and stand again at the end."""
    path = tmp_path / "README.md"
    content = "# Caf\xe9\n".encode("latin-1")
    path.write_bytes(content)
    folder = RunFolder(tmp_path, run_id=RUN_ID, card="README.md", template=None, publish="all")
    with pytest.raises(CardCallbackError):
        folder.begin()
    path.write_text(TRL_CARD)
    with pytest.raises(CardCallbackError, match=r"_cardcallback/original_card\.md"):
        folder.write_card(make_record(), pictures=False)
    assert (tmp_path / "_cardcallback" / "original_card.md").read_bytes() == content
    folder.put_original_back()
    assert path.read_bytes() == content


@pytest.mark.parametrize("tool_wrote", [True, False])
def test_a_card_in_another_encoding_that_a_person_puts_right_is_theirs(tmp_path: Path, *, tool_wrote: bool) -> None:
    """As the warning asks for: it is completed, and the one before is not put over it at the end."""
    path = tmp_path / "README.md"
    path.write_bytes("# Caf\xe9\n".encode("latin-1"))
    folder = RunFolder(tmp_path, run_id=RUN_ID, card="README.md", template=None, publish="all")
    with pytest.raises(CardCallbackError):
        folder.begin()
    if tool_wrote:
        path.write_text(TRL_CARD)
        with pytest.raises(CardCallbackError):
            folder.write_card(make_record(), pictures=False)
    path.write_text("# Caf\xe9\n\nPut right by hand.\n", encoding="utf-8")
    folder.notice_edits()
    folder.write_card(make_record(), pictures=False)
    folder.put_original_back()
    text = path.read_text(encoding="utf-8")
    assert "Put right by hand." in text
    assert HEADING in text
    assert (tmp_path / "_cardcallback" / "original_card-2.md").read_bytes() == "# Caf\xe9\n".encode("latin-1")


def test_an_edit_during_an_unfinished_run_survives_the_restoring(tmp_path: Path) -> None:
    """What a person writes into a completed card while another run trains is newer than what we would put back."""
    leave_completed_run(tmp_path)
    folder = open_folder(tmp_path, "second")
    path = tmp_path / "README.md"
    path.write_text(path.read_text() + "\nA remark.\n")
    folder.restore_earlier_card()
    assert "A remark." in path.read_text()
    path.write_text(TRL_CARD)
    folder.restore_earlier_card()
    assert "A remark." in path.read_text()


def test_a_template_filled_by_hand_stays_filled_in_the_next_run(tmp_path: Path) -> None:
    """The same template again continues the card a person filled; another template starts anew."""
    template, path = "# Company card\n\n- **Owner:** [name]\n", tmp_path / "README.md"
    folder = open_folder(tmp_path, "first", template=template)
    folder.write_card(record_of("first"), pictures=False)
    path.write_text(path.read_text().replace("[name]", "the platform team"))
    for run_id in ("second", "third"):
        folder = open_folder(tmp_path, run_id, template=template)
        folder.write_card(record_of(run_id), pictures=False)
        assert "the platform team" in path.read_text()
    folder = open_folder(tmp_path, "fourth", template="# Another card\n")
    folder.write_card(record_of("fourth"), pictures=False)
    assert path.read_text().count("# Another card") == 1
    assert "the platform team" not in path.read_text()
