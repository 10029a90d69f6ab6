"""Python scripts in processes of their own that need not load torch and transformers, which takes most of their time.

One process has loaded both and forks itself for each script. That runs as under ``python SCRIPT ARGUMENTS``: as
``__main__``, with its own arguments, environment, folder and output, and its interpreter ends as any other does.
What a library reads of the environment while it is loaded is that of the process that forks.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

_LIBRARIES = (
    *("torch", "transformers.trainer", "accelerate", "datasets", "peft", "trl", "tiny"),
    "transformers.models.llama.modeling_llama",
    "matplotlib.backends.backend_agg",
)
_LONGEST_REQUEST_BYTES = 1 << 20
# Loading alone, on a machine that does much else.
_LONGEST_START_SECONDS = 600.0


class Forked:
    """A script's process: of ``subprocess.Popen`` what the tests use, with its output in files."""

    def __init__(self, status: socket.socket, output: TextIO, errors: TextIO) -> None:
        self._status, self._files = status, (output, errors)
        status.settimeout(_LONGEST_START_SECONDS)
        self.pid = self._told()
        self.returncode: int | None = None

    def _told(self) -> int:
        told = self._status.recv(64)
        if not told:
            raise RuntimeError("the process that forks is gone")
        return int(told)

    def poll(self) -> int | None:
        """Its exit code, negative for a signal, or ``None`` while it lives."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0.0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, as soon as there is one."""
        if self.returncode is None:
            self._status.settimeout(timeout)
            try:
                self.returncode = self._told()
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0.0) from None
            self._status.close()
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """All that it wrote to its output and its errors, once it has ended."""
        self.wait(timeout)
        return self.written()

    def written(self) -> tuple[str, str]:
        """What it has written so far to its output and its errors."""
        output, errors = (Path(file.name).read_text(encoding="utf-8") for file in self._files)
        return output, errors

    def send_signal(self, signum: int) -> None:
        """Nothing, if it has ended."""
        if self.poll() is None:
            os.kill(self.pid, signum)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


class LoadedPython:
    """The process that forks, with the environment in which it loads the libraries."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder, self._count = folder, 0
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno())],
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )

    def close(self) -> None:
        """Nothing more is started; what lives goes on."""
        self._control.close()
        self._process.wait()

    def start(self, command: Sequence[str], environment: Mapping[str, str], *, cwd: Path | None = None) -> Forked:
        """Run a script with its arguments."""
        self._count += 1
        output, errors = ((self._folder / f"{self._count}.{name}").open("w") for name in ("output", "errors"))
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        request = {"command": list(command), "environment": dict(environment), "cwd": str(cwd or Path.cwd())}
        with theirs, output, errors:
            files = [output.fileno(), errors.fileno(), theirs.fileno()]
            socket.send_fds(self._control, [json.dumps(request).encode()], files)
        return Forked(ours, output, errors)


def _serve(control: socket.socket) -> dict[str, Any] | None:
    """Fork for each request: the request in the process that is to run it, ``None`` in this one when all are made."""
    while True:
        request, files, _, _ = socket.recv_fds(control, _LONGEST_REQUEST_BYTES, 3)
        if not request:
            return None
        if os.fork() == 0:
            control.close()
            if _is_script(socket.socket(fileno=files[2])):
                os.dup2(files[0], sys.stdout.fileno())
                os.dup2(files[1], sys.stderr.fileno())
                os.close(files[0])
                os.close(files[1])
                return dict(json.loads(request))
        for file in files:
            os.close(file)
        _reap()


def _is_script(status: socket.socket) -> bool:
    """Whether this is the script's process; its parent tells how it ended, and ends."""
    child = os.fork()
    if child == 0:
        status.close()
        return True
    status.send(str(child).encode())
    _, ended = os.waitpid(child, 0)
    status.send(str(os.waitstatus_to_exitcode(ended)).encode())
    os._exit(0)


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue


def _load() -> None:
    """What a training imports; nothing is made of it, since some of it keeps how many processes a job has."""
    for name in _LIBRARIES:
        # What is not installed is a script's own trouble, if it needs that.
        with contextlib.suppress(ModuleNotFoundError):
            importlib.import_module(name)


def _load_simulated(environment: Mapping[str, str]) -> None:
    """The simulated NVML: the loader has read its variable long ago, and answers by the name of what is loaded."""
    for folder in environment.get("LD_LIBRARY_PATH", "").split(os.pathsep):
        library = Path(folder, "libnvidia-ml.so.1")
        if "NVML_SIMULATOR" in environment and library.exists():
            ctypes.CDLL(str(library))


def main() -> None:
    """Load, fork until the tests are over, and run the script in each process that is forked."""
    _load()
    request = _serve(socket.socket(fileno=int(sys.argv[1])))
    if request is None:
        return
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environment"])
    search = request["environment"].get("PYTHONPATH", "").split(os.pathsep)
    sys.path[1:1] = [folder for folder in search if folder not in {"", *sys.path}]
    _load_simulated(request["environment"])
    sys.argv = request["command"]
    sys.path[0] = str(Path(sys.argv[0]).resolve().parent)
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
