"""A run's figures on disk while it lives, for when it is killed."""

from cardcallback.journal.alive import goes_on, is_alive
from cardcallback.journal.file import ends_here
from cardcallback.journal.keeper import JournalKeeper
from cardcallback.journal.places import (
    JOURNAL_FOLDER,
    JOURNAL_SUFFIX,
    copy_path,
    is_copy,
    journal_home,
    journal_path,
    journals_in,
    original_name,
    remove_journal,
)
from cardcallback.journal.progress import Progress, progress_of
from cardcallback.journal.reading import Recovered, read_journal

__all__ = [
    "JOURNAL_FOLDER",
    "JOURNAL_SUFFIX",
    "JournalKeeper",
    "Progress",
    "Recovered",
    "copy_path",
    "ends_here",
    "goes_on",
    "is_alive",
    "is_copy",
    "journal_home",
    "journal_path",
    "journals_in",
    "original_name",
    "progress_of",
    "read_journal",
    "remove_journal",
]
