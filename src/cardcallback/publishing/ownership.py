"""Whether a card may be made this run's: it describes weights, and another run's are not described by its figures."""

from __future__ import annotations

from dataclasses import dataclass

from cardcallback.errors import CardCallbackError
from cardcallback.publishing.base_names import base_contradiction
from cardcallback.publishing.place import Place
from cardcallback.publishing.weights import contradiction
from cardcallback.record import RECORD_FOLDER, RECORD_NAME, RunRecord, decode
from cardcallback.record.codec import LARGEST_RECORD_BYTES
from cardcallback.render.card.section_block import has_section
from cardcallback.render.section.headline import headline
from cardcallback.sessions import SUMMARY_NAME
from cardcallback.units import format_count

MAIN_RECORD = f"{RECORD_FOLDER}/{RECORD_NAME}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Present:
    """What the place tells of the run whose card it holds.

    ``record_content`` is its main record as it stands. ``record`` is what that says, or the account that lies in a
    checkpoint; None where nothing can be read. ``same_run`` is None where no card and no record of ours is there.
    ``card_text`` is the card.
    """

    record_content: bytes | None
    record: RunRecord | None
    same_run: bool | None
    card_text: str | None = None


def look_at(place: Place, record: RunRecord, card_text: str | None) -> Present:
    """Whose card and record lie in the place.

    Raises:
        CardCallbackError: the record there cannot be read at all.
    """
    content = place.read(MAIN_RECORD, LARGEST_RECORD_BYTES)
    # A checkpoint has its run's account so far, and a card of that moment.
    summary = None if content is not None else place.read(SUMMARY_NAME, LARGEST_RECORD_BYTES)
    there = _decoded(content if content is not None else summary)
    if content is not None or there is not None:
        same = there is not None and there.run_id == record.run_id
    elif card_text is not None and has_section(card_text):
        # Without a record beside it the first sentence tells runs apart: time, machine, energy, losses.
        same = headline(record)[0] in card_text
    else:
        same = None
    return Present(record_content=content, record=there, same_run=same, card_text=card_text)


def objection(place: Place, record: RunRecord, present: Present) -> str | None:
    """Why this record should not describe what lies in the place; None where nothing speaks against it."""
    if record.status == "running":
        return "the record is of a run that goes on or was killed: wait for its end, or use cardcallback recover"
    there = present.record
    if present.same_run and there is not None and _is_later(there, record):
        return f"{place.name} holds a later account of the same run: publish that run's newest record"
    if present.same_run is False:
        whose = (
            "a record that cannot be read" if present.record_content and there is None else "the card of another run"
        )
        state = "" if there is None else f" ({there.status}{_begun(there)})"
        return f"{place.name} holds {whose}{state}"
    found = contradiction(place, record)
    # What this run's own card names was settled when it was written.
    found = found or (None if present.same_run else base_contradiction(place, record, present.card_text))
    return None if found is None else f"the weights in {place.name} are not this run's: {found}"


def weights_sentence(place: Place, record: RunRecord) -> str:
    """Which weights the card describes from now on, for the person to compare."""
    training = record.training
    step = training.published_step
    if step is None:
        which = f"a run of {format_count(training.steps)} steps, of which step is not recorded"
    else:
        why = f", {training.published_reason}" if training.published_reason else ""
        which = f"step {format_count(step)} of {format_count(training.steps)}{why}"
    broken_off = "; the run was interrupted, and the section says so" if record.status == "interrupted" else ""
    return f"the card describes the weights of {which}: make sure that {place.name} holds these{broken_off}"


def _is_later(there: RunRecord, record: RunRecord) -> bool:
    if there.status != record.status:
        return there.status == "completed"
    return there.duration_seconds > record.duration_seconds


def _begun(record: RunRecord) -> str:
    first = min((session.started_on for session in record.sessions), default="")
    return f", begun on {first}" if first else ""


def _decoded(content: bytes | None) -> RunRecord | None:
    try:
        return None if content is None else decode(content).record
    except CardCallbackError:
        return None
