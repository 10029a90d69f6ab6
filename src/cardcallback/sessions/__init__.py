"""Runs of several sessions: their sums, and which sessions a run has; pure but for the reading of records."""

from cardcallback.sessions.accounts import discarded, with_longer_accounts
from cardcallback.sessions.energies import over_sessions
from cardcallback.sessions.joining import joined_sessions
from cardcallback.sessions.lineage import (
    SUMMARY_NAME,
    Lineage,
    agreeing_checkpoint,
    earlier_sessions,
    folders_before,
    has_checkpoint_of,
    last_checkpoint,
    later_summary,
    lineage_of,
    read_record,
    record_files,
    step_of,
    with_last_checkpoint,
)
from cardcallback.sessions.notes import (
    EARLIER_RUNS,
    NO_EMISSIONS,
    OTHER_WEIGHTS,
    RECOVERED,
    STAGES_UNREAD,
    session_notes,
)
from cardcallback.sessions.steps import counted_steps, steps_done_again
from cardcallback.sessions.totals import with_sessions
from cardcallback.sessions.words import NAMED_SESSION, sessions_named

__all__ = [
    "EARLIER_RUNS",
    "NAMED_SESSION",
    "NO_EMISSIONS",
    "OTHER_WEIGHTS",
    "RECOVERED",
    "STAGES_UNREAD",
    "SUMMARY_NAME",
    "Lineage",
    "agreeing_checkpoint",
    "counted_steps",
    "discarded",
    "earlier_sessions",
    "folders_before",
    "has_checkpoint_of",
    "joined_sessions",
    "last_checkpoint",
    "later_summary",
    "lineage_of",
    "over_sessions",
    "read_record",
    "record_files",
    "session_notes",
    "sessions_named",
    "step_of",
    "steps_done_again",
    "with_last_checkpoint",
    "with_longer_accounts",
    "with_sessions",
]
