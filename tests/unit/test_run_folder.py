"""What lies in an output folder, and when it may change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from cardcallback.card_keeper import note_rendered
from cardcallback.errors import CardCallbackError
from cardcallback.record import RunRecord, load_run
from cardcallback.run_folder import RunFolder
from cardcallback.testing import make_record

HEADING = "## Training, hardware and environmental impact"
TRL_CARD = """---
library_name: peft
tags:
- trl
---

# Model Card for out

It has been trained using [TRL](https://github.com/huggingface/trl).

## Citations

None.
"""
PERSONS_CARD = """---
license: mit # chosen by us
---

# My model

Written by hand, with care.
"""


def open_folder(folder: Path, run_id: str = "this-run", **changes: Any) -> RunFolder:
    """A run's folder after training began in it."""
    settings = {"card": "README.md", "template": None, "publish": "all"} | changes
    opened = RunFolder(folder, run_id=run_id, **settings)
    opened.begin()
    return opened


def record_of(run_id: str, **changes: Any) -> RunRecord:
    """A record under a run id."""
    return make_record(run_id=run_id, **changes)


def leave_completed_run(folder: Path) -> str:
    """Complete a run in the folder and return its card."""
    opened = open_folder(folder, "earlier")
    opened.weights_are_ours()
    record = record_of("earlier")
    card = opened.write_card(record, pictures=False).card
    opened.write_record(msgspec.structs.replace(record, card=card))
    return (folder / "README.md").read_text()


def test_an_empty_folder_gets_the_hubs_template_filled(tmp_path: Path) -> None:
    """Without any card the Hub's annotated template is completed and our section added."""
    card = open_folder(tmp_path).write_card(make_record(), pictures=False).card
    text = (tmp_path / "README.md").read_text()
    assert HEADING in text
    assert card.body == "hub template"
    assert "**Hardware Type:** [More Information Needed]" not in text


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


def test_a_generated_card_is_the_trainers_and_a_copy_is_kept(tmp_path: Path) -> None:
    """A card with a tool's own sentences is not taken for a person's, but nothing is lost."""
    (tmp_path / "README.md").write_text(TRL_CARD)
    assert open_folder(tmp_path).write_card(make_record(), pictures=False).card.body == "trainer"
    assert (tmp_path / "_cardcallback" / "generated_card.md").read_text() == TRL_CARD


def test_writing_twice_changes_nothing(tmp_path: Path) -> None:
    """The second time the card is byte for byte the first."""
    (tmp_path / "README.md").write_text(TRL_CARD)
    folder = open_folder(tmp_path)
    folder.write_card(make_record(), pictures=False)
    once = (tmp_path / "README.md").read_bytes()
    folder.write_card(make_record(), pictures=False)
    assert (tmp_path / "README.md").read_bytes() == once


def test_a_running_run_puts_a_completed_card_back(tmp_path: Path) -> None:
    """A checkpoint of a later run does not replace the card of the weights that are there."""
    good = leave_completed_run(tmp_path)
    folder = open_folder(tmp_path, "second")
    (tmp_path / "README.md").write_text(TRL_CARD)
    assert folder.keeps_earlier_card
    folder.restore_earlier_card()
    assert (tmp_path / "README.md").read_text() == good


def test_an_unfinished_runs_record_stands_beside_the_completed_one(tmp_path: Path) -> None:
    """The main record stays the completed run's until its weights are replaced."""
    leave_completed_run(tmp_path)
    folder = open_folder(tmp_path, "second")
    folder.write_record(record_of("second", status="running"))
    assert load_run(tmp_path).run_id == "earlier"
    assert load_run(tmp_path / "training_run" / "record-second.json").run_id == "second"


def test_a_completed_run_keeps_the_old_record_under_its_id(tmp_path: Path) -> None:
    """A new run in a used folder moves the old record aside."""
    leave_completed_run(tmp_path)
    folder = open_folder(tmp_path, "second")
    folder.write_record(record_of("second", status="running"))
    folder.weights_are_ours()
    folder.write_record(record_of("second"))
    assert load_run(tmp_path).run_id == "second"
    names = sorted(path.name for path in (tmp_path / "training_run").iterdir())
    assert names == ["record-earlier.json", "record.json"]


@pytest.mark.parametrize("content", [b"---\nlicense: [mit\n---\n# Card\n", b"# Caf\xe9\n"])
def test_a_card_that_cannot_be_edited_is_left_alone(tmp_path: Path, content: bytes) -> None:
    """Broken front matter and other encodings: one error, not a byte changed."""
    (tmp_path / "README.md").write_bytes(content)
    folder = RunFolder(tmp_path, run_id="this-run", card="README.md", template=None, publish="all")

    def begin_and_write() -> None:
        folder.begin()
        folder.write_card(make_record(), pictures=False)

    with pytest.raises(CardCallbackError) as caught:
        begin_and_write()
    assert "\n" not in str(caught.value)
    assert (tmp_path / "README.md").read_bytes() == content


def test_what_may_not_be_published_lies_apart(tmp_path: Path) -> None:
    """With publish="card" pictures and record stay out of what a push uploads."""
    folder = open_folder(tmp_path, publish="card")
    folder.write_record(make_record())
    assert not folder.draw(make_record())
    assert not (tmp_path / "training_run").exists()
    assert load_run(tmp_path / "_cardcallback").run_id == make_record().run_id


def test_a_template_comes_before_everything(tmp_path: Path) -> None:
    """A template given is the body, whatever stood there."""
    (tmp_path / "README.md").write_text(PERSONS_CARD)
    folder = open_folder(tmp_path, template="# Company card\n\nOurs.\n")
    assert folder.write_card(make_record(), pictures=False).card.body == "template"
    assert "# Company card" in (tmp_path / "README.md").read_text()


def test_what_earlier_unfinished_runs_used_is_said(tmp_path: Path) -> None:
    """Interrupted runs in the folder are counted with their time and energy; completed ones are not."""
    leave_completed_run(tmp_path)
    for run_id in ("stopped-1", "stopped-2"):
        folder = open_folder(tmp_path, run_id)
        folder.write_record(record_of(run_id, status="interrupted"))
    note = open_folder(tmp_path, "third").unfinished_runs_note()
    assert note is not None
    assert "2, 3 h 44 min, together 214 Wh of GPU energy" in note


def test_a_card_rendered_again_is_still_ours(tmp_path: Path) -> None:
    """Changing the place after training does not make the card a person's for the next run."""
    before = leave_completed_run(tmp_path)
    after = f"{before}\n"
    (tmp_path / "README.md").write_text(after)
    note_rendered(tmp_path / "_cardcallback", before=before, after=after)
    folder = open_folder(tmp_path, "second")
    (tmp_path / "README.md").write_text(TRL_CARD)
    folder.weights_are_ours()
    assert folder.write_card(record_of("second"), pictures=False).card.body == "trainer"


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


def test_a_card_beside_ours_is_left_to_its_writer(tmp_path: Path) -> None:
    """With a name of its own for our card, the trainer's README.md is not touched."""
    folder = open_folder(tmp_path, card="CARD.md")
    (tmp_path / "README.md").write_text(TRL_CARD)
    folder.complete_other_card(tmp_path / "README.md", make_record())
    assert (tmp_path / "README.md").read_text() == TRL_CARD


def test_no_upload_meets_a_temporary_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Temporary files lie in our own folder, which pushes leave out, also those of the record."""
    folder = open_folder(tmp_path)
    places = []
    replace = Path.replace

    def seen(self: Path, target: Path) -> Path:
        places.append(self.parent.name)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", seen)
    folder.write_record(make_record())
    folder.write_card(make_record(), pictures=False)
    assert set(places) == {"_cardcallback"}


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


def test_a_finished_card_is_not_given_up_for_a_later_failure(tmp_path: Path) -> None:
    """Rendering again fails once: the completed card stays when the process ends."""
    path = tmp_path / "README.md"
    path.write_text(PERSONS_CARD)
    folder = open_folder(tmp_path)
    folder.write_card(make_record(), pictures=False)
    finished = path.read_text()
    folder._keeper.failed(finished)
    folder.put_original_back()
    assert path.read_text() == finished


def test_a_card_in_another_encoding_survives_a_tool(tmp_path: Path) -> None:
    """The bytes of a card that is not UTF-8 are kept aside, and stand again at the end."""
    path = tmp_path / "README.md"
    content = "# Caf\xe9\n".encode("latin-1")
    path.write_bytes(content)
    folder = RunFolder(tmp_path, run_id="this-run", card="README.md", template=None, publish="all")
    with pytest.raises(CardCallbackError):
        folder.begin()
    path.write_text(TRL_CARD)
    with pytest.raises(CardCallbackError, match=r"_cardcallback/original_card\.md"):
        folder.write_card(make_record(), pictures=False)
    assert (tmp_path / "_cardcallback" / "original_card.md").read_bytes() == content
    folder.put_original_back()
    assert path.read_bytes() == content


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
