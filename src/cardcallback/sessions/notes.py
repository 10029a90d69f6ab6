"""What a reader must be told about the sums over several sessions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from cardcallback.energy import counter_of_renewal
from cardcallback.record import Session, session_is_least
from cardcallback.sessions.energies import energy_notes
from cardcallback.sessions.hardware import hardware_notes
from cardcallback.sessions.steps import steps_done_again
from cardcallback.sessions.words import session_name, sessions_named

# How notes begin that every session tells anew, of its own moment.
EARLIER_RUNS = "Earlier unfinished runs in this folder"
STAGES_UNREAD = "The stages before this run could not be read in time"
OTHER_WEIGHTS = "When this run completed, the files of weights in its folder were those that an earlier run had saved"
# How the note of a killed session begins, which says how far its figures reach.
RECOVERED = "Recovered from the journal: "
NO_EMISSIONS = "No CO2e figure: "

# How a note ends of records from before each session kept its own grid.
_ONE_FACTOR, _FOR_ALL = ": the CO2e takes one for ", "all of them."

# What a measurer tells of its run's processes and journal.
_OF_ITS_RUN = re.compile(rf"Ranks? \d|{RECOVERED}|\d+ damaged lines? of the journal ")


def session_notes(sessions: Sequence[Session]) -> tuple[str, ...]:
    """What a reader must know about several sessions' sums."""
    if len(sessions) < 2:
        return ()
    notes = [*_redone(sessions), *hardware_notes(sessions), *energy_notes(sessions)]
    notes += [
        f"{of_session(place)} was killed: what it did after its journal's last line, a second or so, is in no figure."
        for place, session in enumerate(sessions[:-1])
        if session.killed and not session.rest_unknown
    ]
    for place, session in enumerate(sessions):
        if session.rest_unknown:
            notes.append(
                f"What {session_name(place)} did after its checkpoint at step {session.last_step:,} is not known: "
                "time and energy are at least what is given."
            )
    return tuple(notes)


def named_ending(note: str, place: int) -> str:
    """A note of how the session at ``place`` went, for the run that went on: what was the run then is that session.

    One of an older record that speaks of all sessions is of those up to ``place``: later ones have grids of their own.
    """
    if note.endswith(_ONE_FACTOR + _FOR_ALL):
        return note.removesuffix(_FOR_ALL) + f"{sessions_named(range(place + 1))}."
    if _OF_ITS_RUN.match(note) is None:
        return note
    return f"{of_session(place)}: {note[:1].lower()}{note[1:].replace('the run', 'that session')}"


def of_session(place: int) -> str:
    """The session at ``place`` (from 0 on), as a sentence begins with it."""
    name = session_name(place)
    return f"{name[:1].upper()}{name[1:]}"


def _redone(sessions: Sequence[Session]) -> list[str]:
    again = steps_done_again(sessions)
    if not again:
        return []
    # What is not known of a session's end was done again too.
    least = any(session_is_least(session) for session in sessions[:-1])
    steps, their = ("1 step was", "its") if again == 1 else (f"{again:,} steps were", "their")
    steps = f"At least {steps}" if least else steps
    counted = "time and energy are in the figures each time, and figures per step and per token count the work once"
    return [f"{steps} done again after a resume or a new attempt: {their} {counted}."]


def unique(notes: Iterable[str]) -> tuple[str, ...]:
    """The notes in order, each once; of what each session saw of one counter's renewal the last, which saw most."""
    told = list(dict.fromkeys(notes))
    last = {counter_of_renewal(note): note for note in told}
    return tuple(note for note in told if counter_of_renewal(note) is None or last[counter_of_renewal(note)] == note)
