"""The boundary between our failures and a training."""

from __future__ import annotations

import os
import warnings

import pytest

from cardcallback.errors import CardCallbackError, CardCallbackWarning
from cardcallback.guard import Guard


@pytest.mark.expects_failure
def test_a_failure_warns_once_and_training_goes_on() -> None:
    """Two failures give one warning and two sentences."""
    guard = Guard()
    with pytest.warns(CardCallbackWarning) as caught:
        for task in ("read a sensor", "write the card"):
            with guard(task):
                raise CardCallbackError("the disk is full: free some space")
    assert len(caught) == 1
    assert guard.sentences == [
        "cardcallback could not read a sensor: the disk is full: free some space",
        "cardcallback could not write the card: the disk is full: free some space",
    ]


@pytest.mark.expects_failure
def test_warnings_turned_into_errors_do_not_stop_a_training(capsys: pytest.CaptureFixture[str]) -> None:
    """With warnings as errors the sentence goes to the error stream."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with Guard()("write the card"):
            raise CardCallbackError("no")
    assert "could not write the card" in capsys.readouterr().err


@pytest.mark.expects_failure
def test_a_file_name_does_not_reach_the_record() -> None:
    """The sentence of an operating-system error names the reason and not the path."""
    guard = Guard()
    with pytest.warns(CardCallbackWarning), guard("write the card"):
        raise PermissionError(13, os.strerror(13), "/home/somebody/card.md")
    assert "somebody" not in guard.sentences[0]


def test_an_interrupt_belongs_to_the_person() -> None:
    """Ctrl-C passes through."""
    with pytest.raises(KeyboardInterrupt), Guard()("write the card"):
        raise KeyboardInterrupt
