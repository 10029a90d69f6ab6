"""NVML's library where the loader does not look: Windows puts it into its WSL2 guests by a path of its own."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable

PLACES = ("/usr/lib/wsl/lib/libnvidia-ml.so.1",)


def load_from_its_place(places: Iterable[str] = PLACES) -> bool:
    """Load the first library that is there into this process; whether one was."""
    for place in places:
        try:
            ctypes.CDLL(place)
        except OSError:
            continue
        return True
    return False
