"""Reads a record in several threads of a process that has read none: python decoding_at_once.py KIND RECORD."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path

from cardcallback.record import read_brief
from cardcallback.record.codec import load_run

READERS: dict[str, Callable[[Path], object]] = {"record": load_run, "brief": read_brief}


def main() -> None:
    """All of them begin together, and take turns as often as can be."""
    read, record = READERS[sys.argv[1]], Path(sys.argv[2])
    sys.setswitchinterval(1e-6)
    together = threading.Barrier(4)

    def at_once() -> None:
        together.wait()
        read(record)

    threads = [threading.Thread(target=at_once) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
