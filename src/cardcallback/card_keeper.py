"""Whose text a card is: the person's, a template, the trainer's, or the Hub's template; and what we did to it."""

from __future__ import annotations

from pathlib import Path

from cardcallback import handlers, portable
from cardcallback.card_authors import author_of, generated_kind
from cardcallback.card_memory import (
    GENERATED_NAME,
    ORIGINAL_NAME,
    CardState,
    digest,
    filled_into,
    holds,
    read_state,
    write_state,
)
from cardcallback.errors import CardCallbackError
from cardcallback.record import Card, Fill
from cardcallback.render.card import default_hub_template
from cardcallback.render.card.section_block import has_section
from cardcallback.writing import own_folder, read_card, write_atomically, write_bytes_atomically

# A card that nothing can be put into is held in memory too, to be put back at the end.
_LARGEST_COPY_BYTES = 64 * 1024**2


class CardKeeper:
    """Tells a person's words in one card from a tool's, and keeps a copy before a tool overwrites them.

    Args:
        card: the card's file.
        private: our folder beside it, where copies and the state are kept.
        template: a text to fill instead of whatever stands there.
    """

    def __init__(self, card: Path, private: Path, template: str | None) -> None:
        self._card = card
        self._private = private
        self._template = template
        self._template_digest = None if template is None else digest(template)
        self._original: str | None = None
        self._unusable: bytes | None = None
        self._unusable_reason: str | None = None
        self._digest: str | None = None
        self._digest_at_failure: str | None = None

    def begin(self) -> str | None:
        """Look at the card before training: the person's words in it are kept. Returns its text.

        Raises:
            CardCallbackError: it cannot be read or completed, or no copy of it can be kept.
        """
        text = self._read_or_copy()
        state = read_state(self._private)
        if state is not None:
            self._digest = state.digest
            if text is not None and digest(text) == state.digest and state.body_kind == "person":
                self._original = self._kept_original()
                if self._original is None:
                    self._digest = None  # their words are in the card alone
        template = self._template
        try:
            self._adopt(text)
        finally:
            self._choose_template(template, state)
        return text

    def _choose_template(self, template: str | None, state: CardState | None) -> None:
        filled_before = state is not None and state.template_digest == self._template_digest
        if template is not None and not (filled_before and self._original is not None):
            # Asked for now, so it comes before what stood there, unless that is this template with a person's words.
            self._template, self._original = template, None
        elif template is not None:
            self._template = None

    def notice(self) -> None:
        """Adopt what somebody wrote into the card since we did: from now on that is what is kept.

        To be called before a tool writes the card, and before we do on our own account; never right after
        a tool wrote it.
        """
        self._adopt(read_text(self._card))

    def _adopt(self, text: str | None) -> None:
        if text is None or digest(text) == self._digest:
            return
        self._digest = digest(text)
        if self._left_by_another_of_ours(text):
            return
        if author_of(text) == "tool":
            kept = own_folder(self._private) / GENERATED_NAME
            write_bytes_atomically(kept, text.encode("utf-8"), as_open_as=self._card, waits_for_disk=False)
            return
        # First here: their words go into the card also where no copy can be kept. One that could not be used is older.
        self._original, self._unusable, self._unusable_reason = text, None, None
        self._template = None
        self._copy(text.encode("utf-8"))

    def _left_by_another_of_ours(self, text: str) -> bool:
        """Whether another run of this folder, or ``cardcallback render``, wrote it since: nobody's edit."""
        state = read_state(self._private)
        if state is None or state.digest != digest(text):
            return False
        if self._original is None and self._template is None and state.body_kind == "person":
            self._original = self._kept_original()
            return self._original is not None
        return True

    def _kept_original(self) -> str | None:
        """The person's words as they were kept; None where no copy could be, or somebody removed it."""
        try:
            return read_text(self._private / ORIGINAL_NAME)
        except CardCallbackError as error:
            handlers.pass_on(error)
            return None

    @property
    def filled(self) -> tuple[Fill, ...]:
        """What any run of ours, or ``cardcallback render``, filled into the card last."""
        return filled_into(self._private)

    def body(self, current: str | None) -> tuple[str, str]:
        """The text to complete, and whose it is; ``current`` is what stands in the card now.

        Raises:
            CardCallbackError: the person's card is not UTF-8, or too long; a copy of it is kept.
        """
        if self._unusable_reason is not None and self._template is None:
            msg = f"{self._unusable_reason}; a copy of the card that was there is in {self.copy_name}"
            raise CardCallbackError(msg)
        if self._template is not None:
            return self._template, "template"
        if self._original is not None:
            return self._original, "person"
        if current is not None:
            return current, generated_kind(current)
        return default_hub_template(), "hub template"

    def wrote(self, text: str, card: Card) -> None:
        """Remember that the card is now as we left it, and what of it is ours."""
        self._digest, self._digest_at_failure = digest(text), None
        state = CardState(
            body_kind=card.body or "",
            digest=self._digest,
            template_digest=self._template_digest,
            filled=card.filled,
        )
        write_state(own_folder(self._private), state)

    @property
    def original(self) -> str | None:
        """The person's own words, where there are any."""
        return self._original

    @property
    def copy_name(self) -> str:
        """Where a person's card is kept, as a message names it."""
        return f"{self._private.name}/{ORIGINAL_NAME}"

    def failed(self, current: str | None) -> None:
        """The person's card could not be completed, and ``current``, a tool's, stands in its place."""
        ours = current is not None and has_section(current)
        self._digest_at_failure = None if current is None or ours else digest(current)

    def put_original_back(self) -> None:
        """At the very end: give the person their card again, where a tool overwrote one we could not complete.

        Only where the card is still exactly what it was when that failed: whatever was written since is newer.
        """
        text = read_text(self._card)
        if text is None or self._digest_at_failure != digest(text):
            return
        if self._unusable is not None:
            write_bytes_atomically(self._card, self._unusable)
        elif self._original is not None:
            write_atomically(self._card, self._original)

    def _read_or_copy(self) -> str | None:
        try:
            return read_text(self._card)
        except CardCallbackError as error:
            if self._card.is_file() and self._card.stat().st_size <= _LARGEST_COPY_BYTES:
                self._unusable, self._unusable_reason = self._card.read_bytes(), str(error)
                self._copy(self._unusable)
            raise

    def _copy(self, content: bytes) -> None:
        """Keep a person's card; an earlier, different copy stays under a name of its own."""
        kept = own_folder(self._private) / ORIGINAL_NAME
        if kept.exists() and not holds(kept, content):
            number = 2
            while (earlier := kept.with_name(f"original_card-{number}.md")).exists():
                number += 1
            kept.replace(earlier)
        # Training waits for this; the card itself is on the disk, and is not written over at once.
        if write_bytes_atomically(kept, content, as_open_as=self._card, waits_for_disk=False):
            portable.sync_soon(kept)


def read_text(path: Path) -> str | None:
    """A card's text, or None where there is none.

    Raises:
        CardCallbackError: it cannot be read, or is not UTF-8, so nothing of ours may be put into it.
    """
    try:
        return read_card(path)
    except CardCallbackError as error:
        if isinstance(error.__cause__, FileNotFoundError) or not path.exists():
            return None
        raise
