"""Makes this process look like one on another operating system, and trains in it: no code of ours is changed.

    python other_platform.py SYSTEM OUTPUT_FOLDER        SYSTEM: windows, macos, rocm

What a system does not have is taken from ``os``, ``signal`` and ``time``; modules it does not have cannot be
imported; files it does not have are not there for us; and on Windows an open file can be neither moved nor replaced,
and is synced only through a descriptor that may write to it.
Only our own calls are held to that: torch was built for Linux and needs it.
"""

from __future__ import annotations

import json
import os
import platform
import signal
import sys
import time
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
_OURS = f"{os.sep}cardcallback{os.sep}"
_POSIX_MODULES = frozenset({"fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog"})
_NOT_ON_WINDOWS = {
    os: (
        *("O_NOFOLLOW", "O_DIRECTORY", "O_CLOEXEC", "O_NONBLOCK", "O_SYNC", "fdatasync", "register_at_fork", "fork"),
        *("getuid", "geteuid", "getgid", "chown", "fchown", "fchmod", "uname", "getpgid", "setsid", "killpg", "mkfifo"),
        *("statvfs", "sched_getaffinity", "getloadavg", "posix_spawn"),
    ),
    signal: ("SIGHUP", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGKILL", "SIGCHLD", "pthread_sigmask"),
    time: ("CLOCK_BOOTTIME", "CLOCK_MONOTONIC", "clock_gettime", "clock_gettime_ns"),
}
_NOT_ON_MACOS = {
    os: ("fdatasync", "sched_getaffinity", "O_TMPFILE"),
    signal: (),
    time: ("CLOCK_BOOTTIME",),
}
_NO_SUCH_FILES = ("/proc/", "/sys/", "/etc/os-release", "/usr/lib/os-release")


def become(system: str) -> None:
    """Take away what ``system`` has not; torch and transformers must be imported already."""
    if system == "rocm":
        import torch  # noqa: PLC0415 - only in this process

        torch.version.hip = "6.4.0"
        return
    windows = system == "windows"
    name, release, machine = ("Windows", "11", "AMD64") if windows else ("Darwin", "24.1.0", "arm64")
    fields = {"system": name, "node": "somebodys-laptop", "release": release, "version": "10.0", "machine": machine}
    platform._uname_cache = platform.uname_result(**fields)
    platform.mac_ver = lambda *_: ("" if windows else "15.1", ("", "", ""), machine)  # type: ignore[assignment]
    sys.platform = "win32" if windows else "darwin"
    if windows:
        os.fsync = _fsync_of_windows(os.fsync)
        sys.meta_path.insert(0, _NoSuchModules())
        for module in _POSIX_MODULES:
            sys.modules.pop(module, None)
        os.supports_dir_fd = set()  # type: ignore[misc]
        os.open = _open_of_windows(os.open)
    for module, names in (_NOT_ON_WINDOWS if windows else _NOT_ON_MACOS).items():
        for one in names:
            vars(module).pop(one, None)
    sys.addaudithook(lambda event, values: _refuse(event, values, windows=windows))


class _NoSuchModules:
    """Finds none of the modules that only POSIX systems have."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> None:
        """Refuse them; what is not ours to refuse is for the others to find."""
        del path, target
        if fullname in _POSIX_MODULES:
            msg = f"No module named {fullname!r}"
            raise ModuleNotFoundError(msg, name=fullname)


def _open_of_windows(opened: Any) -> Any:
    def open_file(path: Any, flags: int, mode: int = 0o777, **where: Any) -> int:
        if where:
            msg = "dir_fd unavailable on this platform"
            raise NotImplementedError(msg)
        if _is_for_us() and os.path.isdir(path):  # noqa: PTH112 - the path may be anything
            raise PermissionError(13, "Permission denied")
        return int(opened(path, flags, mode))

    return open_file


def _fsync_of_windows(synced: Any) -> Any:
    from fcntl import F_GETFL, fcntl  # noqa: PLC0415 - while it is there

    def fsync(descriptor: int) -> None:
        if fcntl(descriptor, F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(9, "Bad file descriptor")
        synced(descriptor)

    return fsync


def _refuse(event: str, values: tuple[Any, ...], *, windows: bool) -> None:
    if event == "open" and isinstance(values[0], str) and values[0].startswith(_NO_SUCH_FILES) and _is_for_us():
        raise FileNotFoundError(2, "No such file or directory", values[0])
    if windows and event in {"os.rename", "os.remove"} and _is_for_us():
        for path in values[: 2 if event == "os.rename" else 1]:
            if _is_open_here(str(path)):
                raise PermissionError(13, "The process cannot access the file because it is being used", str(path))


def _is_for_us() -> bool:
    """Whether the nearest caller outside the standard library is code of cardcallback."""
    frame = sys._getframe(1)
    library = os.path.dirname(os.__file__)  # noqa: PTH120 - called in the middle of opening files
    while frame is not None:
        name = frame.f_code.co_filename
        is_library = name.startswith((library, "<frozen")) and "site-packages" not in name
        if not is_library and name != __file__:
            return _OURS in name
        frame = frame.f_back  # type: ignore[assignment]
    return False


def _is_open_here(path: str) -> bool:
    place = os.path.realpath(path)
    return any(_leads_to(number) == place for number in os.listdir("/dev/fd"))  # noqa: PTH208 - as above


def _leads_to(number: str) -> str | None:
    try:
        return os.readlink(f"/dev/fd/{number}")  # noqa: PTH115 - as above
    except OSError:
        return None  # the listing itself, which is closed by now


def main() -> None:
    """Train with the callback, and print what was swallowed."""
    system, output = sys.argv[1], Path(sys.argv[2])
    sys.path.insert(0, str(_HERE))
    from tiny import make_trainer  # noqa: PLC0415 - imports torch

    # Everything that a training imports, by one without us, while this still is the system that torch was built for.
    make_trainer("peft", output.with_name("warm-up"), base_folder=output.with_name("base"), max_steps=1).train()
    import matplotlib.font_manager  # noqa: F401, PLC0415 - looks for fonts as its system does, where it has no list yet
    import psutil  # noqa: F401, PLC0415 - built for Linux too, and no part of every version's training

    become(system)
    from cardcallback import CardCallback, guard  # noqa: PLC0415 - what is looked at

    trainer = make_trainer(
        "peft",
        output,
        base_folder=output.with_name("base"),
        callbacks=[CardCallback(base_model="example/tiny", location="DE")],
        save_strategy="steps",
        save_steps=2,
    )
    trainer.train()
    trainer.save_model()
    sys.stdout.write(json.dumps([f"{type(one).__name__}: {one}" for one in guard.swallowed]) + "\n")


if __name__ == "__main__":
    main()
