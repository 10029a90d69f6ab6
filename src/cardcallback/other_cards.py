"""Cards of a run's weights in other folders than its own: a checkpoint's, or one of a person's choice."""

from __future__ import annotations

from pathlib import Path

import msgspec

from cardcallback.card_authors import author_of, generated_kind
from cardcallback.card_keeper import CardKeeper, read_text
from cardcallback.record import Card, RunRecord
from cardcallback.render.card import render_card
from cardcallback.writing import write_atomically


class OtherCards:
    """Completes them, or begins them.

    Args:
        own: the card in the run's own folder.
        keeper: knows whose text that one is.
        labels: the text of a person's own label map.
    """

    def __init__(self, own: Path, keeper: CardKeeper, labels: str | None) -> None:
        self._own = own
        self._keeper = keeper
        self._labels = labels
        self._cards: dict[Path, Card] = {}
        self._newest: tuple[Path, RunRecord, str] | None = None

    def complete(self, card: Path, record: RunRecord, own_card: Card) -> None:
        """Write ``record`` into ``card``; ``own_card`` is what was filled into the run's own.

        A save tells of its card as often as a tool has written it, and that is done once of one record.
        """
        current = read_text(card)
        if self._newest is not None and self._newest == (card, record, current):
            return
        if current is None:
            body, kind = self._keeper.body(read_text(self._own))
        else:
            body, kind = current, "person" if self._is_persons(card, current) else generated_kind(current)
        told = msgspec.structs.replace(record, card=self._cards.get(card, Card() if current is not None else own_card))
        composed = render_card(
            told, body=body, body_kind=kind, trainer_card=current, pictures=False, own_labels=self._labels
        )
        write_atomically(card, composed.text, unless_changed_from=current)
        self._cards[card], self._newest = composed.card, (card, record, composed.text)

    def _is_persons(self, card: Path, text: str) -> bool:
        # One that we completed before still has the tool's own sentences.
        return card not in self._cards and author_of(text) == "person"
