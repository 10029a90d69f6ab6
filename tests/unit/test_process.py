"""Resident memory of a process and its children."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from cardcallback.errors import SensorUnavailableError
from cardcallback.sensors.process import ProcessMemorySensor, own_pid, resident_bytes

_CHILD = [sys.executable, "-c", "print('ready', flush=True); input()"]


def _times_of_looks(seconds: int) -> list[int]:
    """When children are looked for, reading every second."""
    now, looks = [0.0], []
    sensor = ProcessMemorySensor(monotonic_seconds=lambda: now[0])
    for second in range(seconds):
        now[0] = float(second)
        before = sensor._looked_at
        sensor.read()
        if sensor._looked_at != before:
            looks.append(second)
    return looks


def test_children_are_looked_for_often_at_first_then_once_a_minute() -> None:
    """Workers start after training began; later each look costs a walk through every process."""
    assert _times_of_looks(300) == [0, 5, 15, 35, 75, 135, 195, 255]


def test_a_child_counts_from_the_next_look_on() -> None:
    """Started after the last one, it is in the sum only after the next; one that ended brings a look sooner."""
    now = [0.0]
    sensor = ProcessMemorySensor(monotonic_seconds=lambda: now[0])
    before = sensor.read()
    with subprocess.Popen(_CHILD, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        now[0] = 4.0
        sensor.read()
        unseen = len(sensor._children)
        for now[0] in (5.0, 15.0, 35.0):
            with_child = sensor.read()
        assert len(sensor._children) == unseen + 1
        child.communicate(b"\n")
    assert before > 0
    assert with_child > before
    now[0] = 36.0
    sensor.read()  # the child has ended: no failure
    now[0] = 45.0
    sensor.read()
    assert len(sensor._children) == unseen


def test_what_is_told_is_what_psutil_tells() -> None:
    """Of a process that does nothing meanwhile, to the byte; of one that is gone, that it is gone."""
    with subprocess.Popen(_CHILD, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        process = psutil.Process(child.pid)
        assert resident_bytes(process) == process.memory_info().rss > 0
        child.communicate(b"\n")
    with pytest.raises(psutil.NoSuchProcess):
        resident_bytes(process)


def test_the_own_number_is_the_one_of_the_process_files(tmp_path: Path) -> None:
    """In a namespace that kept the machine's /proc, another process has our number there."""
    assert own_pid(tmp_path) == os.getpid()
    (tmp_path / "self").symlink_to("4711")
    assert own_pid(tmp_path) == 4711


def test_ended_process_is_unavailable() -> None:
    """A process that is gone will never be read again."""
    with subprocess.Popen(_CHILD, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        sensor = ProcessMemorySensor(child.pid)
        child.communicate(b"\n")
    with pytest.raises(SensorUnavailableError):
        sensor.read()
