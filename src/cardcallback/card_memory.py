"""What every run that has a card remembers of it, in files beside it: whose body it has, and what of it is ours."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path

import msgspec

from cardcallback import handlers, portable
from cardcallback.errors import CardCallbackError
from cardcallback.record import Card, Fill
from cardcallback.writing import read_ordinary, write_atomically

ORIGINAL_NAME = "original_card.md"
GENERATED_NAME = "generated_card.md"
_STATE_NAME = "card.json"
_LARGEST_STATE_BYTES = 64 * 1024**2


class CardState(msgspec.Struct, frozen=True, kw_only=True):
    """What every run that has the card remembers: whose body it has, its digest as we left it, and our fills in it."""

    body_kind: str
    digest: str
    template_digest: str | None = None
    filled: tuple[Fill, ...] = ()


_DECODER = msgspec.json.Decoder(CardState)  # made here: msgspec cannot be used first by two threads at once


def note_rendered(private: Path, *, before: str | None, after: str, card: Card) -> None:
    """Remember that a card was rendered again by us, so that no run takes that for a person's edit.

    A run may be going on, which composes the card anew from the body that it knows. A text of which that body knows
    nothing is a person's for every run: one edited since we left it, or another template; only our fills in it are
    told, which stay ours.
    """
    if not private.is_dir():
        return
    state = read_state(private)
    known = before is None or (state is not None and state.digest == digest(before)) or _is_kept(private, before)
    if card.body != "template" and known:
        kind = state.body_kind if state is not None else card.body or ""
        kept = None if state is None else state.template_digest
        write_state(private, CardState(body_kind=kind, digest=digest(after), template_digest=kept, filled=card.filled))
    elif state is not None:
        write_state(private, msgspec.structs.replace(state, filled=join_fills(state.filled, card.filled)))
    else:
        write_state(private, CardState(body_kind="", digest="", filled=card.filled))


def filled_into(private: Path) -> tuple[Fill, ...]:
    """What we filled into the card last, as it is remembered beside it."""
    state = read_state(private)
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
    return any(holds(private / name, text.encode()) for name in (ORIGINAL_NAME, GENERATED_NAME))


def holds(path: Path, content: bytes) -> bool:
    """Whether the file is there and is exactly that."""
    return path.is_file() and path.read_bytes() == content  # a pipe would be waited for


def digest(text: str) -> str:
    """What tells one text from another."""
    return hashlib.sha256(text.encode()).hexdigest()


def read_state(private: Path) -> CardState | None:
    """What is remembered of the card; ``None`` where nothing is, or nothing that can be read."""
    try:
        return _DECODER.decode(read_ordinary(private / _STATE_NAME, _LARGEST_STATE_BYTES) or b"")
    except (CardCallbackError, msgspec.MsgspecError) as error:
        handlers.pass_on(error)
        return None


def write_state(private: Path, state: CardState) -> None:
    """Remember it from now on.

    Raises:
        CardCallbackError: it cannot be written; what was remembered before is whole.
    """
    path, text = private / _STATE_NAME, json.dumps(msgspec.to_builtins(state)) + "\n"
    # Training waits for this; one that a loss of power spoils is no worse than none.
    if write_atomically(path, text, waits_for_disk=False):
        portable.sync_soon(path)
