"""Resident memory of a process and its children."""

from __future__ import annotations

import subprocess
import sys

import pytest

from cardcallback.errors import SensorUnavailableError
from cardcallback.sensors.process import ProcessMemorySensor

_CHILD = [sys.executable, "-c", "print('ready', flush=True); input()"]


def test_children_are_counted_and_looked_for_once_a_minute() -> None:
    """A child started after the last look is in the sum only after the next."""
    now = [0.0]
    sensor = ProcessMemorySensor(monotonic_seconds=lambda: now[0])
    before = sensor.read()
    with subprocess.Popen(_CHILD, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        now[0] = 59.0
        sensor.read()
        unseen = len(sensor._children)
        now[0] = 61.0
        with_child = sensor.read()
        assert len(sensor._children) == unseen + 1
        child.communicate(b"\n")
    assert before > 0
    assert with_child > before
    sensor.read()  # the child has ended: no failure


def test_ended_process_is_unavailable() -> None:
    """A process that is gone will never be read again."""
    with subprocess.Popen(_CHILD, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        sensor = ProcessMemorySensor(child.pid)
        child.communicate(b"\n")
    with pytest.raises(SensorUnavailableError):
        sensor.read()
