"""What lies in an output folder, and when it may change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from folder_cards import HEADING, PERSONS_CARD, RUN_ID, TRL_CARD, leave_completed_run, open_folder, record_of

from cardcallback.card_memory import note_rendered
from cardcallback.errors import CardCallbackError
from cardcallback.neighbours import earlier_runs_note
from cardcallback.record import Card, load_run
from cardcallback.render.card import ComposedCard, render_card
from cardcallback.run_folder import RunFolder
from cardcallback.testing import make_record


def test_an_empty_folder_gets_the_hubs_template_filled(tmp_path: Path) -> None:
    """Without any card the Hub's annotated template is completed and our section added."""
    card = open_folder(tmp_path).write_card(make_record(), pictures=False).card
    text = (tmp_path / "README.md").read_text()
    assert HEADING in text
    assert card.body == "hub template"
    assert "**Hardware Type:** [More Information Needed]" not in text


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


@pytest.mark.parametrize("stood", ["", TRL_CARD, PERSONS_CARD, PERSONS_CARD.replace("\n", "\r\n")])
def test_pictures_are_added_to_a_card_without_composing_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stood: str
) -> None:
    """It is what composing it with them gives, whoever wrote it; a record that changed is composed all the same."""
    composed, record = [], make_record()

    def counted(*arguments: Any, **options: Any) -> ComposedCard:
        composed.append(options["pictures"])
        return render_card(*arguments, **options)

    monkeypatch.setattr("cardcallback.run_folder.render_card", counted)
    for folder in (tmp_path / "later", tmp_path / "at once"):
        folder.mkdir()
        if stood:
            (folder / "README.md").write_bytes(stood.encode())
    later = open_folder(tmp_path / "later")
    card = later.write_card(record, pictures=False).card
    record = msgspec.structs.replace(record, card=card)
    later.write_card(record, pictures=True)
    assert composed == [False]
    open_folder(tmp_path / "at once").write_card(make_record(), pictures=True)
    texts = [(tmp_path / name / "README.md").read_bytes() for name in ("later", "at once")]
    assert b"loss_curve.png" in texts[0]
    assert texts[0] == texts[1]
    later.write_card(msgspec.structs.replace(record, notes=("Something new.",)), pictures=True)
    assert composed == [False, True, True]


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
    folder = RunFolder(tmp_path, run_id=RUN_ID, card="README.md", template=None, publish="all")

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
    note = earlier_runs_note(tmp_path, {"third"})
    assert note is not None
    assert "2, 3 h 44 min, together 214 Wh of GPU energy" in note


def test_a_card_rendered_again_is_still_ours(tmp_path: Path) -> None:
    """Changing the place after training does not make the card a person's for the next run."""
    before = leave_completed_run(tmp_path)
    after = f"{before}\n"
    (tmp_path / "README.md").write_text(after)
    note_rendered(tmp_path / "_cardcallback", before=before, after=after, card=Card(body="trainer"))
    folder = open_folder(tmp_path, "second")
    (tmp_path / "README.md").write_text(TRL_CARD)
    folder.weights_are_ours()
    assert folder.write_card(record_of("second"), pictures=False).card.body == "trainer"


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


def test_what_was_filled_is_remembered_by_whatever_record_takes_the_main_place(tmp_path: Path) -> None:
    """A run stopped after a save wrote the card, the next one stopped before its own: the third one knows the fills."""
    first = open_folder(tmp_path, "first")
    card = first.write_card(record_of("first", status="interrupted"), pictures=False).card
    assert card.filled
    first.write_record(msgspec.structs.replace(record_of("first", status="interrupted"), card=card))
    open_folder(tmp_path, "second").write_record(record_of("second", status="interrupted"))
    assert load_run(tmp_path).run_id == "second"
    assert load_run(tmp_path).card == card
