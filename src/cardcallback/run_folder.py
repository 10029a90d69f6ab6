"""The output folder: the card, the record, the pictures, and the originals kept aside."""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from pathlib import Path

import msgspec

from cardcallback import handlers
from cardcallback.card_keeper import CardKeeper, author_of, join_fills, read_text
from cardcallback.errors import CardCallbackError
from cardcallback.other_cards import OtherCards
from cardcallback.record import (
    PRIVATE_FOLDER,
    RECORD_FOLDER,
    RECORD_NAME,
    RUN_ID,
    Card,
    RunBrief,
    RunRecord,
    brief_of,
    briefs_in,
    encode,
    read_brief,
    record_path,
)
from cardcallback.render.card import ComposedCard, render_card
from cardcallback.render.unfinished import unfinished_runs_note
from cardcallback.run_pictures import RunPictures
from cardcallback.sessions import SUMMARY_NAME
from cardcallback.temporary_files import remove_abandoned
from cardcallback.writing import (
    FileChangedError,
    own_folder,
    write_atomically,
    write_bytes_atomically,
)

# An editor that saves while the card is composed costs one more composition; one that saves for ever does not.
_ATTEMPTS = 3


class RunFolder:
    """Everything written for one run; each method leaves either the old file whole or the new one.

    ``publish`` says what may lie where a push finds it: "card", "pictures" or "all" (the record too). What
    may not is kept under ``_cardcallback/``, which pushes of the Trainer leave out. ``model_index`` puts the held-out
    results into the card's front matter too. ``labels`` is the text of a person's own label map.
    """

    def __init__(
        self,
        folder: Path,
        *,
        run_id: str,
        card: str,
        template: str | None,
        publish: str,
        model_index: bool = False,
        labels: str | None = None,
    ) -> None:
        self._folder = folder
        self._run_id = run_id
        self._card = folder / card
        self._publish = publish
        self._model_index = model_index
        self._labels = labels
        self._private = folder / PRIVATE_FOLDER
        self._keeper = CardKeeper(self._card, self._private, template)
        self._previous_card = Card()
        self._other_cards = OtherCards(self._card, self._keeper, labels)
        self._pictures = RunPictures()
        self._earlier_completed_card: str | None = None
        # Whose record may leave the main place; a run that is not among them began here after this one.
        self._older_run_ids: frozenset[str] = frozenset()
        self._living: frozenset[str] = frozenset()

    @property
    def path(self) -> Path:
        """The output folder."""
        return self._folder

    @property
    def card_path(self) -> Path:
        """The card's file."""
        return self._card

    @property
    def keeps_earlier_card(self) -> bool:
        """Whether the card is another run's: a completed one's whose weights are there, or a newer one's."""
        return self._earlier_completed_card is not None or self.is_left_to_newer_run

    @property
    def is_left_to_newer_run(self) -> bool:
        """Whether a run that began here after this one has its record in the main place."""
        there = read_brief(record_path(self._folder))
        return there is not None and self._is_newer(there)

    @property
    def has_main_record(self) -> bool:
        """Whether the record in the main place is this run's."""
        there = read_brief(record_path(self._folder))
        return there is not None and there.run_id == self._run_id

    def begin(self, living: Collection[str] = ()) -> None:
        """Keep what a person had written, and the card of a completed earlier run, before anyone overwrites it.

        Args:
            living: the runs that are writing into this folder just now. None of them is an earlier one: record and
                card are left to them until this run completed.
        """
        text = self._keeper.begin()
        earlier = read_brief(record_path(self._folder))
        if earlier is not None and earlier.run_id not in living:
            self._previous_card = earlier.card
            if earlier.status == "completed" and text is not None:
                self._earlier_completed_card = text
        self._living = frozenset(living)
        self._older_run_ids = self._run_ids_in_main_places() - self._living
        own_folder(self._private)  # after the above, which counts where it cannot be made too
        remove_abandoned(self._folder)

    def notice_edits(self) -> None:
        """Before a tool writes the card: what a person wrote into it since we did is kept, or a newer run's card."""
        if self.is_left_to_newer_run:
            self._earlier_completed_card = read_text(self._card)
        else:
            self._keeper.notice()

    def unfinished_runs_note(self, own_sessions: Collection[str] = ()) -> str | None:
        """What earlier runs in this folder used without being completed, in one sentence.

        Args:
            own_sessions: those that are in this run's own figures, since it went on from them.
        """
        known = briefs_in(self._folder)
        others = [one for run_id, one in known.items() if run_id not in {self._run_id, *self._living}]
        return unfinished_runs_note(others, own_sessions)

    def restore_earlier_card(self) -> None:
        """Put the completed run's card back after the trainer wrote over it at a mere checkpoint.

        What a person wrote into it meanwhile, or a later run completed, is newer and stays.
        """
        current = read_text(self._card)
        if self._earlier_completed_card is None or current is None or current == self._earlier_completed_card:
            return
        if author_of(current) == "tool":
            write_atomically(self._card, self._earlier_completed_card, unless_changed_from=current)
        else:
            self._earlier_completed_card = current

    def weights_are_ours(self) -> None:
        """From here on the folder's weights are this run's, so its card may describe them."""
        self._earlier_completed_card = None
        self._older_run_ids = self._run_ids_in_main_places()

    def write_card(self, record: RunRecord, *, pictures: bool) -> ComposedCard:
        """Compose the card around what stands in the folder now, and write it.

        Raises:
            CardCallbackError: the card cannot be edited or written safely; the old card is whole.
        """
        for _ in range(_ATTEMPTS - 1):
            with contextlib.suppress(FileChangedError):
                return self._compose_and_write(record, pictures=pictures)
            self._keeper.notice()  # what was written while we composed is newer than what we read
        return self._compose_and_write(record, pictures=pictures)

    def _compose_and_write(self, record: RunRecord, *, pictures: bool) -> ComposedCard:
        current = read_text(self._card)
        filled = join_fills(self._previous_card.filled, self._keeper.filled)
        told = msgspec.structs.replace(self._previous_card, filled=filled)
        known = msgspec.structs.replace(record, card=told)
        try:
            body, kind = self._keeper.body(current)
            composed = render_card(
                known,
                body=body,
                body_kind=kind,
                trainer_card=current,
                pictures=pictures,
                model_index=self._model_index,
                own_labels=self._labels,
            )
        except CardCallbackError as error:
            self._keeper.failed(current)
            if current == self._keeper.original or self._keeper.copy_name in str(error):
                raise
            msg = f"{error}; a copy of the one that was there is in {self._keeper.copy_name}"
            raise CardCallbackError(msg) from error
        if not self._card.parent.is_dir():
            self._card.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self._card, composed.text, unless_changed_from=current)
        self._previous_card = composed.card
        with handlers.suppress(CardCallbackError):
            # The card stands; that we cannot remember it was said when training began.
            self._keeper.wrote(composed.text, composed.card)
        return composed

    def complete_other_card(self, card: Path, record: RunRecord) -> None:
        """Complete, or begin, a card of this run's weights in another folder: a checkpoint's, or a person's choice.

        Another card in the output folder itself is left alone: who chose a name for ours left that one to others.
        """
        if card.parent.resolve() == self._folder.resolve():
            return
        self._other_cards.complete(card, record, self._previous_card)

    def put_original_back(self) -> None:
        """At the very end: a person's card that we could not complete stands in its place again."""
        self._keeper.put_original_back()

    def write_record(self, record: RunRecord) -> Path:
        """Write the record; an earlier run's record in the main place is kept under its own run id.

        It stays in its place, and this one stands beside it, where the folder's weights are that run's.

        Raises:
            CardCallbackError: it cannot be written; those that were there are whole.
        """
        folder = own_folder((self._folder if self._publish == "all" else own_folder(self._private)) / RECORD_FOLDER)
        main, beside = folder / RECORD_NAME, folder / f"record-{self._run_id}.json"
        for _ in range(_ATTEMPTS):
            with contextlib.suppress(FileChangedError):  # by another run that lives, whose record must not be lost
                return self._place_record(record, main, beside)
        write_atomically(beside, encode(record))
        return beside

    def _place_record(self, record: RunRecord, main: Path, beside: Path) -> Path:
        stood = main.read_bytes() if main.is_file() else None
        there, text = None if stood is None else brief_of(stood), encode(record)
        if self._earlier_completed_card is not None or (there is not None and self._is_newer(there)):
            write_atomically(beside, text)
            return beside
        if there is None or there.run_id != self._run_id:
            stood = _set_aside(main, there, stood)
        if record.card == Card() != self._previous_card:
            # The card that stands there was filled by us before, and only the record in this place remembers it.
            text = encode(msgspec.structs.replace(record, card=self._previous_card))
        # Onto the disk, also of a run in progress: only the record remembers what was filled into the card.
        write_bytes_atomically(main, text.encode(), unless_changed_from=stood)
        self._older_run_ids = frozenset()
        beside.unlink(missing_ok=True)
        return main

    def _is_newer(self, there: RunBrief) -> bool:
        return there.run_id != self._run_id and there.run_id not in self._older_run_ids

    def _run_ids_in_main_places(self) -> frozenset[str]:
        found = [read_brief(place / RECORD_FOLDER / RECORD_NAME) for place in (self._folder, self._private)]
        return frozenset(brief.run_id for brief in found if brief is not None)

    def write_summary(self, record: RunRecord, checkpoint: Path, *, uploaded: bool) -> None:
        """What a resume from ``checkpoint`` has to know of its run, beside the weights; without curves of the sensors.

        ``uploaded``: the checkpoint goes to the Hub as it is, so that a record which may not be published stays out.
        """
        if checkpoint.is_dir() and (self._publish == "all" or not uploaded):
            summary = encode(record.without_traces())
            write_atomically(checkpoint / SUMMARY_NAME, summary, waits_for_disk=False)  # nor did the weights

    @staticmethod
    def has_summary(checkpoint: Path) -> bool:
        """Whether such a summary is in the checkpoint."""
        return (checkpoint / SUMMARY_NAME).is_file()

    def draw(self, record: RunRecord) -> bool:
        """Draw the pictures beside the card; whether there is any."""
        return self._publish != "card" and self._pictures.draw(record, own_folder(self._folder / RECORD_FOLDER))


def _set_aside(main: Path, there: RunBrief | None, content: bytes | None) -> bytes | None:
    """Keep the record in the main place under its run's own name; what then stands in its place."""
    if not main.exists() and not main.is_symlink():
        return None
    known = there is not None and RUN_ID.fullmatch(there.run_id) is not None
    aside = main.with_name(f"record-{there.run_id}.json") if there is not None and known else _unused_name(main)
    if known and content is not None and not main.is_symlink():
        # A copy, so that it has its place as long as the new one is not there.
        write_bytes_atomically(aside, content, as_open_as=main)
        return content
    main.replace(aside)
    return None


def _unused_name(main: Path) -> Path:
    number, name = 1, main.with_name("record-damaged.json")
    while name.exists():
        number += 1
        name = main.with_name(f"record-damaged-{number}.json")
    return name
