"""What is begun while a person's script still loads its model: so that training's begin has less to wait for."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping
from pathlib import Path

from cardcallback import portable
from cardcallback.observe import machine_once, observe_software
from cardcallback.recorder import BackgroundOpening, SystemClock, open_in_background
from cardcallback.sensors.discovery import sensor_parts
from cardcallback.settings import system_root


def begin_early(environ: Mapping[str, str]) -> tuple[BackgroundOpening, ...]:
    """Open the sensors, each part in a thread of its own, and have read what a first record needs from files.

    A training that is killed soon after its begin has that record only once all of it is read, and beside a main
    thread that computes, a file is some milliseconds.
    """
    root = system_root(environ)
    portable.starts(threading.Thread(target=_look, args=(root,), name="cardcallback-look", daemon=True))
    return open_in_background(sensor_parts(system_root=root, environ=environ), SystemClock())


def _look(root: Path) -> None:
    # A thread has nobody to raise to: what fails here is asked for again, and its failure told, by the first record.
    with contextlib.suppress(Exception):
        observe_software()
        machine_once(root)
