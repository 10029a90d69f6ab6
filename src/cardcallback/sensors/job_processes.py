"""Which processes of this machine belong to the same job of several processes: its launcher's words tell."""

from __future__ import annotations

import os
from collections.abc import Mapping

import psutil

# Together they are alike in every process of a job, and in its children, and in hardly any other's.
_OF_THE_JOB = ("MASTER_ADDR", "MASTER_PORT", "WORLD_SIZE", "TORCHELASTIC_RUN_ID")
_ALONE = {"", "1"}


def is_of_several(environ: Mapping[str, str] | None = None) -> bool:
    """Whether this process is one of a job of several that find each other by a port."""
    own = os.environ if environ is None else environ
    return "MASTER_PORT" in own and own.get("WORLD_SIZE", "") not in _ALONE


def is_of_this_job(pid: int, environ: Mapping[str, str] | None = None) -> bool:
    """Whether process ``pid`` was started by the same launch as this one."""
    own = os.environ if environ is None else environ
    if not is_of_several(own):
        return False
    try:
        other = psutil.Process(pid).environ()
    except (psutil.Error, OSError, ValueError, OverflowError):
        return False
    return all(other.get(name) == own.get(name) for name in _OF_THE_JOB)
