"""What the operating system does with a signal; Python's own table does not know of handlers written in C."""

from __future__ import annotations

import ctypes
import os

# Not the shared ``ctypes.pythonapi.PyOS_getsig``, whose types somebody else may set.
_get = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.c_int)(("PyOS_getsig", ctypes.pythonapi))
_set = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)(("PyOS_setsig", ctypes.pythonapi))


def handler_address(signum: int) -> int | None:
    """Where the handler in place begins; None for the default action."""
    address = _get(signum)
    return None if address is None else int(address)


def die_of(signum: int) -> None:
    """End this process by the signal's default action, so that its parent sees what it would have seen.

    From any thread, which ``signal.signal`` does not allow.
    """
    _set(signum, None)
    os.kill(os.getpid(), signum)
