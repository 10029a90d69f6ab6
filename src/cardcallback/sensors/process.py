"""Resident memory of this process and its children; CUDA allocations on unified memory are not in it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import psutil

from cardcallback.errors import SensorReadError, SensorUnavailableError
from cardcallback.record import InstrumentAccuracy, Scope
from cardcallback.sensors.base import SensorSpec

SOURCE = "psutil:rss"
_INTERVAL_SECONDS = 1.0
# Finding children walks every process of the machine.
_CHILDREN_INTERVAL_SECONDS = 60.0


class ProcessMemorySensor:
    """Resident bytes of one process and all its children.

    Pages that several of them share are counted once for each. Children are looked for once a minute: a
    shorter life is missed.

    Args:
        pid: whose memory; ``None``: this process's.
        monotonic_seconds: a clock for that minute.
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
        self._process = psutil.Process(pid if pid is not None else os.getpid())
        self._monotonic_seconds = monotonic_seconds
        self._children: list[psutil.Process] = []
        self._looked_at: float | None = None

    def read(self) -> float:
        """Bytes now.

        Raises:
            SensorReadError: the system refused.
            SensorUnavailableError: the process is gone.
        """
        try:
            own = float(self._process.memory_info().rss)
        except psutil.NoSuchProcess as error:
            msg = "the process is gone"
            raise SensorUnavailableError(msg) from error
        except psutil.Error as error:
            msg = "the system does not tell this process's memory"
            raise SensorReadError(msg) from error
        return own + sum(_resident(child) for child in self._current_children())

    def _current_children(self) -> list[psutil.Process]:
        now = self._monotonic_seconds()
        if self._looked_at is None or now - self._looked_at >= _CHILDREN_INTERVAL_SECONDS:
            self._looked_at = now
            try:
                self._children = self._process.children(recursive=True)
            except psutil.Error:
                self._children = []
        return self._children


def _resident(process: psutil.Process) -> float:
    try:
        return float(process.memory_info().rss)
    except psutil.Error:
        return 0.0  # it ended since it was found
