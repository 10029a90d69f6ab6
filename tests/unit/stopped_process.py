"""A process that is sent a signal: python stopped_process.py SCENE SIGNAL HANDLER FOLDER [chained].

With ``chained`` our handlers stand in front. What its session did is in FOLDER/events, one word a line.
"""

from __future__ import annotations

import ctypes
import faulthandler
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cardcallback.guard import Guard
from cardcallback.hooks import StopSignals


class Session:
    """Notes what is asked of it."""

    def __init__(self, events: Path, during_end: Callable[[], None] | None = None) -> None:
        self._events = events
        self._during_end = during_end

    def keep_interrupted(self) -> None:
        """As the publisher's."""
        self._note("kept")

    def end_interrupted(self) -> None:
        """As the publisher's."""
        if self._during_end is not None:
            self._during_end()
        self._note("ended")

    def tell_end(self) -> None:
        """As the publisher's."""
        self._note("told")

    def add_pictures(self) -> None:
        """As the publisher's."""
        self._note("drawn")

    def _note(self, event: str) -> None:
        with self._events.open("a") as file:
            file.write(f"{event}\n")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _returns(signum: int, frame: object) -> None:
    _say(f"handled {signum} {frame is not None}")


def _exits(signum: int, frame: object) -> None:
    del signum, frame
    sys.exit(3)


def _leaves(signum: int, frame: object) -> None:
    del signum, frame
    os._exit(4)


def _raises(signum: int, frame: object) -> None:
    del signum, frame
    raise TimeoutError


PYTHON_HANDLERS: dict[str, Any] = {"returns": _returns, "exits": _exits, "leaves": _leaves, "raises": _raises}
HANDLERS: dict[str, Any] = {"default": signal.SIG_DFL, "ignored": signal.SIG_IGN, **PYTHON_HANDLERS}


def _send(signum: int) -> None:
    os.kill(os.getpid(), signum)
    for _ in range(1000):  # byte codes enough for a handler to run between
        pass


def _in_c(signum: int) -> None:
    """Send it from another thread, and never come back from a lock of the C library."""
    library, mutex = ctypes.CDLL(None), ctypes.create_string_buffer(256)
    library.pthread_mutex_lock(mutex)
    threading.Timer(0.2, os.kill, (os.getpid(), signum)).start()
    library.pthread_mutex_lock(mutex)


def _in_child(signum: int) -> None:
    """Send it to a forked child, which says what of ours it still has."""
    ready, wait = os.pipe()
    child = os.fork()
    if child == 0:
        clean = signal.getsignal(signum) is signal.SIG_DFL and signal.set_wakeup_fd(-1) == -1
        os.write(wait, b"clean" if clean else b"ours")
        while True:
            signal.pause()
    _say(os.read(ready, 8).decode())
    os.kill(child, signum)
    _say(f"child {os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}")


def _put_on_top(signum: int, *, chaining: bool) -> None:
    """Install a handler over ours, which calls ours or does not."""
    ours = signal.getsignal(signum)

    def on_top(signum: int, frame: object) -> None:
        _say("on top")
        if chaining and callable(ours):
            ours(signum, frame)

    signal.signal(signum, on_top)


def _with_another_on_top(signals: StopSignals, signum: int, scene: str) -> None:
    """Another handler comes over ours before the signal, or after it is heard and before anybody stands in."""
    if scene != "on top meanwhile":
        _put_on_top(signum, chaining=scene == "on top, chaining")
        _send(signum)
    thread = threading.Thread(target=signals._heard, args=(signum,))
    thread.start()
    if scene == "on top meanwhile":
        _put_on_top(signum, chaining=False)
    thread.join()


def main(scene: str, signum: int, handler: str, folder: Path, *, chained: bool) -> None:
    """Play one scene; only what survives it prints "went on"."""
    if handler == "faulthandler":
        faulthandler.register(signum, all_threads=False)
    else:
        signal.signal(signum, HANDLERS[handler])
    held = threading.Lock()
    during_end = {
        "again": lambda: os.kill(os.getpid(), signum),
        "interrupted": lambda: os.kill(os.getpid(), signal.SIGINT),
        "locked": held.acquire,
    }.get(scene)
    guard = Guard()
    signals = StopSignals(guard)
    if chained:
        signals.install(Session(folder / "events", during_end))
    if scene == "in C":
        _in_c(signum)
    elif scene == "in a child":
        _in_child(signum)
    elif scene.startswith("on top"):
        _with_another_on_top(signals, signum, scene)
    elif scene == "busy":
        with guard("write"):
            _send(signum)
            _say("written")
    elif scene == "ends meanwhile":
        with guard("write"):
            _send(signum)
            signals.remove()
    else:
        with held:
            _send(signum)
    signals.remove()
    _say("went on")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], Path(sys.argv[4]), chained="chained" in sys.argv)
