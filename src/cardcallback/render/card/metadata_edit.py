"""Edits of a front matter, gathered and then made at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from cardcallback.errors import CardCallbackError
from cardcallback.record import Fill
from cardcallback.render.card.emissions import EMISSIONS_KEY
from cardcallback.render.card.front_matter import (
    KeyEdit,
    SplitCard,
    copied,
    edit_keys,
    key_source,
    plain,
    rewritten,
)
from cardcallback.render.card.matter_data import parse_matter
from cardcallback.render.card.matter_text import plain_decimal


@dataclass(kw_only=True, slots=True)
class MetadataEdit:
    """A card whose front matter is being completed, the fills in it, and what to tell the person.

    ``card`` is as it was until ``finish``, since each edit of the text means to read all of it again.
    """

    card: SplitCard
    fills: list[Fill] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    _edits: dict[str, KeyEdit] = field(default_factory=dict)

    def data(self) -> dict[str, Any]:
        """The front matter with the edits so far."""
        data = parse_matter(self.card.matter)
        for key, edit in self._edits.items():
            data.pop(key, None)
            if edit.lines:
                data[key] = edit.value
        return data

    def set(self, key: str, value: Any) -> None:
        """Set one key, which stays untouched where it says the same already."""
        data = self.data()
        if key not in data or plain(data[key]) != value or not self._is_plainly_written(key, value):
            self._edits[key] = rewritten(key, value)

    def add(self, key: str, value: Any, source: str | None) -> None:
        """Add one key as it stands in another front matter; without its lines there it is written anew."""
        self._edits[key] = rewritten(key, plain(value)) if source is None else copied(source, value)

    def remove(self, key: str) -> None:
        """Take one key out, if it is there."""
        if key in parse_matter(self.card.matter):
            self._edits[key] = KeyEdit()
        else:
            self._edits.pop(key, None)

    def finish(self) -> None:
        """Make the edits.

        Raises:
            CardCallbackError: the front matter cannot be edited key by key.
        """
        if not self._edits:
            return
        matter, newline = self.card.matter or "", self.card.newline
        try:
            edited = edit_keys(matter, self._edits, newline=newline)
        except CardCallbackError:
            # Lines of another card may mean nothing alone, such as an alias without its anchor.
            anew = {key: rewritten(key, plain(edit.value)) for key, edit in self._edits.items() if edit.lines}
            edited = edit_keys(matter, self._edits | anew, newline=newline)
        self.card = self.card.with_matter(edited)
        self._edits.clear()

    def _is_plainly_written(self, key: str, value: Any) -> bool:
        """Other tools write small numbers with an exponent, which the Hub's filter misreads."""
        emissions = value.get("emissions") if isinstance(value, dict) else None
        if key != EMISSIONS_KEY or emissions is None or key in self._edits:
            return True
        return f"emissions: {plain_decimal(emissions)}" in (key_source(self.card.matter or "", key) or "")
