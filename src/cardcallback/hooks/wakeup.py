"""Signals heard of at once, even while the main thread is inside C code, where Python's handlers wait."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable

from cardcallback import portable

_END = 0  # no signal has this number


class Wakeup:
    """Calls ``heard`` with a signal's number, in a thread of its own, for each that Python handles.

    To be made and closed in the main thread. Where somebody has Python's wake-up descriptor already (an
    asyncio loop with signal handlers) it stays theirs, and nothing is heard.
    """

    def __init__(self, heard: Callable[[int], None]) -> None:
        self._heard = heard
        read_end, self._write_end = os.pipe()
        self._pipe = portable.identity_of(self._write_end)
        os.set_blocking(self._write_end, False)
        try:
            threading.Thread(target=self._listen, args=(read_end,), name="cardcallback-wakeup", daemon=True).start()
        except BaseException:  # goes on up: there may be no thread left, and then nobody closes these
            os.close(read_end)
            os.close(self._write_end)
            raise
        theirs = signal.set_wakeup_fd(self._write_end, warn_on_full_buffer=False)
        if theirs != -1:
            _give_back(theirs)

    def close(self) -> None:
        """Hear of nothing more."""
        self.let_go()
        # Somebody may close all that this process has open, as daemons do, and another file have the number since.
        if portable.identity_of(self._write_end) == self._pipe:
            with contextlib.suppress(OSError):  # full: then the listener is awake and will see the end; or gone
                os.write(self._write_end, bytes([_END]))
            os.close(self._write_end)

    def let_go(self) -> None:
        """Give the descriptor back, if it is still ours; all that a forked child has to do."""
        current = signal.set_wakeup_fd(-1)
        if current not in {-1, self._write_end}:
            _give_back(current)

    def _listen(self, read_end: int) -> None:
        # The descriptor is this thread's to close: another one's number may be the same a moment later.
        with contextlib.suppress(OSError), os.fdopen(read_end, "rb", buffering=0) as pipe:
            while numbers := pipe.read(64):
                for number in numbers:
                    if number == _END:
                        return
                    self._heard(number)


def _give_back(descriptor: int) -> None:
    # Python does not tell whether they wanted to be warned of a full buffer; asyncio and its like do not.
    signal.set_wakeup_fd(descriptor, warn_on_full_buffer=False)
