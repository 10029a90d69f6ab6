"""Whose text a card is: the person's, a template, the trainer's, or the Hub's template; and what we did to it."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path

import msgspec

from cardcallback import handlers, portable
from cardcallback.card_authors import author_of, generated_kind
from cardcallback.errors import CardCallbackError
from cardcallback.record import Card, Fill
from cardcallback.render.card import default_hub_template
from cardcallback.render.card.section_block import has_section
from cardcallback.writing import own_folder, read_card, read_ordinary, write_atomically, write_bytes_atomically

ORIGINAL_NAME = "original_card.md"
_GENERATED_NAME = "generated_card.md"
_STATE_NAME = "card.json"
# A card that nothing can be put into is held in memory too, to be put back at the end.
_LARGEST_COPY_BYTES = 64 * 1024**2


class _State(msgspec.Struct, frozen=True, kw_only=True):
    """What every run that has the card remembers: whose body it has, its digest as we left it, and our fills in it."""

    body_kind: str
    digest: str
    template_digest: str | None = None
    filled: tuple[Fill, ...] = ()


_DECODER = msgspec.json.Decoder(_State)  # made here: msgspec cannot be used first by two threads at once


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
        state = _read_state(self._private)
        if state is not None:
            self._digest = state.digest
            if text is not None and digest(text) == state.digest and state.body_kind == "person":
                self._original = self._kept_original()
                if self._original is None:
                    self._digest = None  # their words are in the card alone
        template = self._template
        try:
            self.notice()
        finally:
            self._choose_template(template, state)
        return text

    def _choose_template(self, template: str | None, state: _State | None) -> None:
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
        text = read_text(self._card)
        if text is None or digest(text) == self._digest:
            return
        self._digest = digest(text)
        if self._left_by_another_of_ours(text):
            return
        if author_of(text) == "tool":
            kept = own_folder(self._private) / _GENERATED_NAME
            write_bytes_atomically(kept, text.encode("utf-8"), as_open_as=self._card, waits_for_disk=False)
            return
        # First here: their words go into the card also where no copy can be kept. One that could not be used is older.
        self._original, self._unusable, self._unusable_reason = text, None, None
        self._template = None
        self._copy(text.encode("utf-8"))

    def _left_by_another_of_ours(self, text: str) -> bool:
        """Whether another run of this folder, or ``cardcallback render``, wrote it since: nobody's edit."""
        state = _read_state(self._private)
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
        state = _State(
            body_kind=card.body or "",
            digest=self._digest,
            template_digest=self._template_digest,
            filled=card.filled,
        )
        _write_state(own_folder(self._private), state)

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
        if kept.exists() and not _holds(kept, content):
            number = 2
            while (earlier := kept.with_name(f"original_card-{number}.md")).exists():
                number += 1
            kept.replace(earlier)
        # Training waits for this; the card itself is on the disk, and is not written over at once.
        if write_bytes_atomically(kept, content, as_open_as=self._card, waits_for_disk=False):
            portable.sync_soon(kept)


def note_rendered(private: Path, *, before: str | None, after: str, card: Card) -> None:
    """Remember that a card was rendered again by us, so that no run takes that for a person's edit.

    A run may be going on, which composes the card anew from the body that it knows. A text of which that body knows
    nothing is a person's for every run: one edited since we left it, or another template; only our fills in it are
    told, which stay ours.
    """
    if not private.is_dir():
        return
    state = _read_state(private)
    known = before is None or (state is not None and state.digest == digest(before)) or _is_kept(private, before)
    if card.body != "template" and known:
        kind = state.body_kind if state is not None else card.body or ""
        kept = None if state is None else state.template_digest
        _write_state(private, _State(body_kind=kind, digest=digest(after), template_digest=kept, filled=card.filled))
    elif state is not None:
        _write_state(private, msgspec.structs.replace(state, filled=join_fills(state.filled, card.filled)))
    else:
        _write_state(private, _State(body_kind="", digest="", filled=card.filled))


def filled_into(private: Path) -> tuple[Fill, ...]:
    """What we filled into the card last, as it is remembered beside it."""
    state = _read_state(private)
    return () if state is None else state.filled


def join_fills(*several: tuple[Fill, ...]) -> tuple[Fill, ...]:
    """All of them, each as often as whoever knows of most: a card may ask for one thing twice."""
    joined: list[Fill] = []
    for fills in several:
        missing = Counter(fills) - Counter(joined)
        joined += missing.elements()
    return tuple(joined)


def _is_kept(private: Path, text: str) -> bool:
    """Whether it is the text that a run found before it wrote anything."""
    return any(_holds(private / name, text.encode()) for name in (ORIGINAL_NAME, _GENERATED_NAME))


def _holds(path: Path, content: bytes) -> bool:
    return path.is_file() and path.read_bytes() == content  # a pipe would be waited for


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


def digest(text: str) -> str:
    """What tells one text from another."""
    return hashlib.sha256(text.encode()).hexdigest()


def _read_state(private: Path) -> _State | None:
    try:
        return _DECODER.decode(read_ordinary(private / _STATE_NAME, _LARGEST_COPY_BYTES) or b"")
    except (CardCallbackError, msgspec.MsgspecError) as error:
        handlers.pass_on(error)
        return None


def _write_state(private: Path, state: _State) -> None:
    path, text = private / _STATE_NAME, json.dumps(msgspec.to_builtins(state)) + "\n"
    # Training waits for this; one that a loss of power spoils is no worse than none.
    if write_atomically(path, text, waits_for_disk=False):
        portable.sync_soon(path)
