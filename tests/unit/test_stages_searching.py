"""The search for earlier stages: nobody waits for it longer than they want to, and it is told where it does not end."""

from __future__ import annotations

import threading

import pytest
from section_stages import stage

from cardcallback.guard import Guard
from cardcallback.stages import Found, StagesSearch

A = stage("A")


def test_one_that_lasts_tells_so_until_it_ends() -> None:
    """As on a disk that does not answer: no stages and one note; then what it found, and the note is gone."""
    answered = threading.Event()

    def find() -> Found:
        answered.wait()
        return Found(stages=(A,), notes=("found",))

    search = StagesSearch(find, Guard())
    search.wait(0.0)
    assert search.found == Found(notes=("The stages before this run could not be read in time.",))
    answered.set()
    search.wait(60.0)
    assert search.found == Found(stages=(A,), notes=("found",))


@pytest.mark.expects_failure
@pytest.mark.filterwarnings("ignore:cardcallback could not")
def test_one_that_fails_claims_nothing() -> None:
    """It ends, and its failure is a sentence of the record."""
    guard = Guard()

    def find() -> Found:
        raise PermissionError(13, "not yours")

    search = StagesSearch(find, guard)
    search.wait(60.0)
    assert search.found == Found()
    assert guard.sentences == ["cardcallback could not find the stages before this run: Permission denied"]
