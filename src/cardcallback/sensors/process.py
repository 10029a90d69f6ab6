"""Resident memory of this process and its children; CUDA allocations on unified memory are not in it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from cardcallback.errors import SensorReadError, SensorUnavailableError
from cardcallback.record import InstrumentAccuracy, Scope
from cardcallback.sensors.base import Absence, Sensor, SensorSpec
from cardcallback.sensors.sysfs import content_of

_TELLS_STATM = sys.platform == "linux"
SOURCE = "proc:statm" if _TELLS_STATM else "psutil:rss"
_INTERVAL_SECONDS = 1.0
# Finding children walks every process of the machine: often at first, when workers start, then once a minute;
# sooner again where one has ended, since another may have taken its place.
_FIRST_LOOK_AGAIN_SECONDS = 5.0
_LOOK_AGAIN_SECONDS = 60.0
_AFTER_AN_END_SECONDS = 10.0


class ProcessMemorySensor:
    """Resident bytes of one process and all its children.

    Pages that several of them share (those of forked data loader workers) are counted once for each, so that
    the sum may be more than they take together. Children are looked for from time to time: a short life
    between two looks is missed.

    Args:
        pid: whose memory; ``None``: this process's.
        monotonic_seconds: a clock for when to look for children.
    """

    spec = SensorSpec(
        quantity="process_rss",
        source=SOURCE,
        kind="gauge",
        unit="bytes",
        scope=Scope(host_dram="yes"),
        covers="this process and its children",
        interval_seconds=_INTERVAL_SECONDS,
        accuracy=InstrumentAccuracy(statement="kernel's own book-keeping; shared pages count once per process"),
    )

    def __init__(self, pid: int | None = None, monotonic_seconds: Callable[[], float] = time.monotonic) -> None:
        self._process = psutil.Process(pid if pid is not None else own_pid())
        self._monotonic_seconds = monotonic_seconds
        self._children: list[psutil.Process] = []
        self._looked_at: float | None = None
        self._look_again_seconds = _FIRST_LOOK_AGAIN_SECONDS
        self._one_ended = False

    def read(self) -> float:
        """Bytes now.

        Raises:
            SensorReadError: the system refused.
            SensorUnavailableError: the process is gone.
        """
        try:
            own = resident_bytes(self._process)
        except psutil.NoSuchProcess as error:
            msg = "the process is gone"
            raise SensorUnavailableError(msg) from error
        except psutil.Error as error:
            msg = "the system does not tell this process's memory"
            raise SensorReadError(msg) from error
        return own + sum(self._resident(child) for child in self._current_children())

    def _current_children(self) -> list[psutil.Process]:
        now = self._monotonic_seconds()
        if self._looked_at is None or now - self._looked_at >= self._wait_seconds():
            if self._looked_at is not None:
                self._look_again_seconds = min(2 * self._look_again_seconds, _LOOK_AGAIN_SECONDS)
            self._looked_at = now
            self._one_ended = False
            try:
                self._children = self._process.children(recursive=True)
            except psutil.Error:
                self._children = []
        return self._children

    def _wait_seconds(self) -> float:
        return min(self._look_again_seconds, _AFTER_AN_END_SECONDS) if self._one_ended else self._look_again_seconds

    def _resident(self, child: psutil.Process) -> float:
        try:
            resident = resident_bytes(child)
        except psutil.Error:
            resident = 0.0
        if resident == 0.0:
            self._one_ended = True  # gone, or waiting to be reaped
        return resident


def resident_bytes(process: psutil.Process) -> float:
    """What it has in memory now; on Linux by the file that psutil asks too, at a tenth of the cost of asking psutil.

    Raises:
        psutil.Error: the process is gone, or the system refused.
    """
    if not _TELLS_STATM:
        return float(process.memory_info().rss)
    try:
        pages = content_of(f"{psutil.PROCFS_PATH}/{process.pid}/statm").split()[1]
    except (FileNotFoundError, ProcessLookupError) as error:
        raise psutil.NoSuchProcess(process.pid) from error
    except (OSError, IndexError) as error:
        raise psutil.AccessDenied(process.pid) from error
    return float(int(pages) * os.sysconf("SC_PAGE_SIZE"))


def open_process() -> tuple[tuple[Sensor, ...], tuple[Absence, ...]]:
    """The sensor of this process's memory, or why there is none."""
    try:
        return (ProcessMemorySensor(),), ()
    except psutil.Error:
        reason = "the system does not tell this process's memory"
        return (), (Absence(quantity="process_rss", source=SOURCE, reason=reason),)


def own_pid(process_files: Path = Path("/proc")) -> int:
    """This process's number as ``process_files`` has it.

    In a process namespace that kept the machine's ``/proc``, ``os.getpid()`` is the number of someone else
    there.
    """
    try:
        return int((process_files / "self").readlink().name)
    except (OSError, ValueError):
        return os.getpid()
