"""The output folder: the card, the record, the pictures, and the originals kept aside."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import msgspec

from cardcallback import handlers
from cardcallback.card_authors import author_of
from cardcallback.card_keeper import CardKeeper, read_text
from cardcallback.card_memory import join_fills
from cardcallback.errors import CardCallbackError
from cardcallback.other_cards import OtherCards
from cardcallback.record import (
    PRIVATE_FOLDER,
    RECORD_FOLDER,
    Card,
    RunRecord,
    encode,
)
from cardcallback.record_place import RecordPlace
from cardcallback.render.card import ComposedCard, render_card, show_pictures
from cardcallback.run_pictures import RunPictures
from cardcallback.sessions import SUMMARY_NAME
from cardcallback.settings import Settings
from cardcallback.temporary_files import remove_abandoned
from cardcallback.writing import FileChangedError, own_folder, real_path, write_atomically

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
        self._place = RecordPlace(folder, run_id, published=publish == "all")
        self._model_index = model_index
        self._labels = labels
        self._private = folder / PRIVATE_FOLDER
        self._keeper = CardKeeper(self._card, self._private, template)
        self._previous_card = Card()
        self._composed_last: tuple[RunRecord, ComposedCard] | None = None
        self._other_cards = OtherCards(self._card, self._keeper, labels)
        self._pictures = RunPictures(folder / RECORD_FOLDER)
        self._earlier_completed_card: str | None = None

    @classmethod
    def by_settings(
        cls, folder: Path, run_id: str, settings: Settings, *, card: str | None = None, publish: str | None = None
    ) -> RunFolder:
        """As the person's settings want it; ``card`` and ``publish`` are the run's own, where they are known."""
        return cls(
            folder,
            run_id=run_id,
            card=card or settings.card,
            template=settings.template_text,
            labels=settings.labels_text,
            publish=publish or settings.publish,
            model_index=settings.model_index,
        )

    @property
    def path(self) -> Path:
        """The output folder."""
        return self._folder

    @property
    def card_path(self) -> Path:
        """The card's file."""
        return self._card

    @property
    def has_earlier_card(self) -> bool:
        """Whether the card was a completed run's as this one began, and its weights are there still."""
        return self._earlier_completed_card is not None

    @property
    def keeps_earlier_card(self) -> bool:
        """Whether the card is another run's: a completed one's whose weights are there, or a newer one's."""
        return self.has_earlier_card or self.is_left_to_newer_run

    @property
    def is_left_to_newer_run(self) -> bool:
        """Whether a run that began here after this one has its record in the main place."""
        return self._place.is_left_to_newer_run

    def alone(self) -> AbstractContextManager[None]:
        """No other run writes into the folder meanwhile, but one that hangs, which looks again before it goes on."""
        return self._place.alone()

    @property
    def has_main_record(self) -> bool:
        """Whether the record in the main place is this run's."""
        return self._place.is_ours

    def begin(self, living: Collection[str] = ()) -> None:
        """Keep what a person had written, and the card of a completed earlier run, before anyone overwrites it.

        Args:
            living: the runs that are writing into this folder just now. None of them is an earlier one: record and
                card are left to them until this run completed.
        """
        with self.alone():
            self._begin(living)

    def _begin(self, living: Collection[str]) -> None:
        text = self._keeper.begin()
        earlier = self._place.begin(living)
        if earlier is not None and earlier.run_id not in living:
            self._previous_card = earlier.card
            if earlier.status == "completed" and text is not None:
                self._earlier_completed_card = text
        own_folder(self._private)  # after the above, which counts where it cannot be made too
        remove_abandoned(self._folder)

    def notice_edits(self) -> None:
        """Before a tool writes the card: what a person wrote into it since we did is kept, or a newer run's card."""
        with self.alone():
            if self.is_left_to_newer_run:
                self._earlier_completed_card = read_text(self._card)
            else:
                self.adopt_edits()

    def adopt_edits(self) -> None:
        """What a person wrote into the card since we did is kept, where the card is known to be no newer run's."""
        self._keeper.notice()

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

    def weights_are_ours(self, require_wanted: Callable[[], None] = lambda: None) -> None:
        """From here on the folder's weights are this run's, so its card may describe them.

        ``require_wanted`` raises where that was too long ago to be so, once the folder has answered.
        """
        self._place.take(require_wanted)
        self._earlier_completed_card = None

    def write_card(
        self, record: RunRecord, *, pictures: bool, before: Callable[[ComposedCard], None] = lambda _: None
    ) -> ComposedCard:
        """Compose the card around what stands in the folder now, and write it.

        Args:
            record: what it tells.
            pictures: whether there are any to show.
            before: told of it before it takes its place, each time that it is composed.

        Raises:
            CardCallbackError: the card cannot be edited or written safely; the old card is whole.
        """
        with self.alone():
            for _ in range(_ATTEMPTS - 1):
                with contextlib.suppress(FileChangedError):
                    return self._write_composed(record, self._composed(record, pictures=pictures), before)
                self._keeper.notice()  # what was written while we composed is newer than what we read
            return self._write_composed(record, self._composed(record, pictures=pictures), before)

    def _composed(self, record: RunRecord, *, pictures: bool) -> tuple[ComposedCard, str | None]:
        """The card, and the text that it was composed around."""
        current = read_text(self._card)
        if self._composed_last is not None:
            shown, composed = self._composed_last
            # What stands there is what this record gave: to compose it again would only take longer.
            if (current, record) == (composed.text, msgspec.structs.replace(shown, card=record.card)):
                return show_pictures(composed, pictures=pictures), current
        filled = join_fills(self._previous_card.filled, self._keeper.filled)
        told = msgspec.structs.replace(self._previous_card, filled=filled)
        known = msgspec.structs.replace(record, card=told)
        try:
            body, kind = self._keeper.body(current)
            return render_card(
                known,
                body=body,
                body_kind=kind,
                trainer_card=current,
                pictures=pictures,
                model_index=self._model_index,
                own_labels=self._labels,
            ), current
        except CardCallbackError as error:
            self._keeper.failed(current)
            if current == self._keeper.original or self._keeper.copy_name in str(error):
                raise
            msg = f"{error}; a copy of the one that was there is in {self._keeper.copy_name}"
            raise CardCallbackError(msg) from error

    def _write_composed(
        self, record: RunRecord, composing: tuple[ComposedCard, str | None], before: Callable[[ComposedCard], None]
    ) -> ComposedCard:
        composed, current = composing
        before(composed)
        self._place.require_ours()
        if not self._card.parent.is_dir():
            self._card.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self._card, composed.text, unless_changed_from=current)
        self._previous_card, self._composed_last = composed.card, (record, composed)
        with handlers.suppress(CardCallbackError):
            # The card stands; that we cannot remember it was said when training began.
            self._keeper.wrote(composed.text, composed.card)
        self._pictures.remove_others()
        return composed

    def complete_other_card(self, card: Path, record: RunRecord) -> None:
        """Complete, or begin, a card of this run's weights in another folder: a checkpoint's, or a person's choice.

        Another card in the output folder itself is left alone: who chose a name for ours left that one to others.
        """
        if real_path(card.parent) == real_path(self._folder):
            return
        self._other_cards.complete(card, record, self._previous_card)

    def put_original_back(self) -> None:
        """At the very end: a person's card that we could not complete stands in its place again."""
        with self.alone():
            self._keeper.put_original_back()

    def write_record(self, record: RunRecord) -> Path:
        """Write the record; an earlier run's record in the main place is kept under its own run id.

        It stays in its place, and this one stands beside it, where the folder's weights are that run's.

        Raises:
            CardCallbackError: it cannot be written; those that were there are whole.
        """
        with self.alone():
            return self._place.write(record, beside_earlier=self.has_earlier_card, filled_before=self._previous_card)

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

    def draw(self, record: RunRecord, require_wanted: Callable[[], None] = lambda: None) -> bool:
        """Draw the pictures beside the card; whether there is any.

        Args:
            record: what they show.
            require_wanted: raises where that was too long ago to be so, once the folder has answered.

        Raises:
            CardCallbackError: one cannot be written, or those that are there are a newer run's.
            ImportError: matplotlib cannot be loaded.
        """
        if self._publish == "card":
            return False
        own_folder(self._folder / RECORD_FOLDER)
        return self._pictures.draw(record, partial(self._place.turn, require_wanted))

    @property
    def has_pictures(self) -> bool:
        """Whether there are any beside the card, and they are this run's."""
        return self._pictures.stand
