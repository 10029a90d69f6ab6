"""Who this process is in its job, as torchrun, accelerate and the launchers of MPI tell it."""

from __future__ import annotations

import os


def _told(*names: str) -> int:
    return next(int(os.environ[name]) for name in names if name in os.environ)


RANK = _told("RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK")
PROCESSES = _told("WORLD_SIZE", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE")
LOCAL_RANK = _told("LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID")
