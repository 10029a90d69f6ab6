"""From ``cardcallback run`` to the command: its environment, and its place in this process."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from cardcallback.errors import CardCallbackError

NOT_FOUND = 127
NOT_EXECUTABLE = 126
_FIRST_ON_PATH = Path(__file__).parent / "first_on_path"
_PATH = "PYTHONPATH"
# Python ignores these from its start, and what is ignored stays so in the command.
_IGNORED_BY_PYTHON = ("SIGPIPE", "SIGXFSZ")
_BLIND = {"I": "does without PYTHONPATH", "E": "does without PYTHONPATH", "S": "does without sitecustomize"}


def environment_of_command(environ: Mapping[str, str], variables: Mapping[str, str]) -> dict[str, str]:
    """The environment in which every Python that the command starts attaches to its trainers.

    Args:
        environ: this process's.
        variables: settings as ``CARDCALLBACK_<NAME>``, which win.

    Raises:
        CardCallbackError: this package is no folder on disk (an archive), so that no other Python can find it.
    """
    if not (_FIRST_ON_PATH / "sitecustomize.py").is_file():
        msg = "cardcallback runs from an archive, where the command cannot find it: install it beside the command"
        raise CardCallbackError(msg, exit_code=2)
    own = str(_FIRST_ON_PATH)
    others = [entry for entry in environ.get(_PATH, "").split(os.pathsep) if entry != own]
    path = own if others == [""] else os.pathsep.join([own, *others])
    return {**environ, **variables, _PATH: path}


def unreached(command: Sequence[str]) -> str | None:
    """Why nothing will attach in this command, in one line; None where its first words do not tell."""
    program = Path(command[0]).name.lower()
    if program == "env":
        ignoring = [word for word in _options(command) if word in {"-", "-i", "--ignore-environment"}]
        return f"env {ignoring[0]} takes the environment away" if ignoring else None
    if not program.startswith("python"):
        return None
    for option in _options(command):
        for letter in option[1:]:
            if letter in "cmWX-":  # what follows is no letter of an option
                break
            if letter in _BLIND:
                return f"python -{letter} {_BLIND[letter]}"
    return None


def start(command: Sequence[str], environ: Mapping[str, str]) -> int:
    """Become the command, so that its signals, output and exit code are its own; on Windows wait for it.

    Args:
        command: the program and its arguments.
        environ: its whole environment.

    Returns:
        The command's exit code, where there is a Python left to return to.

    Raises:
        CardCallbackError: it was not found (exit code 127) or cannot be started (126).
    """
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # None where it was closed before Python began
            with contextlib.suppress(OSError):
                stream.flush()
    try:
        if os.name == "nt":
            return _wait_for(command, environ)
        _stop_ignoring()
        os.execvpe(command[0], list(command), dict(environ))  # noqa: S606 - no shell is what is wanted
    except OSError as error:
        raise _not_started(command[0], environ, error) from error


def _options(command: Sequence[str]) -> list[str]:
    options: list[str] = []
    for word in command[1:]:
        if not word.startswith("-") or word == "--":
            break
        options.append(word)
        if word in {"-c", "-m"}:
            break
    return options


def _stop_ignoring() -> None:
    for name in _IGNORED_BY_PYTHON:
        number = getattr(signal, name, None)
        if number is not None:
            signal.signal(number, signal.SIG_DFL)


def _wait_for(command: Sequence[str], environ: Mapping[str, str]) -> int:
    program = shutil.which(command[0], path=environ.get("PATH")) or command[0]
    with subprocess.Popen([program, *command[1:]], env=dict(environ)) as process:  # noqa: S603 - it is what was asked for
        while process.poll() is None:
            # The command was told by the same key, and it decides.
            with contextlib.suppress(KeyboardInterrupt):
                process.wait()
        return process.returncode


def _not_started(program: str, environ: Mapping[str, str], error: OSError) -> CardCallbackError:
    is_path = os.sep in program
    there = Path(program).exists() if is_path else shutil.which(program, os.F_OK, environ.get("PATH")) is not None
    if not there:
        hint = f"; to run a script: cardcallback run -- python {program}" if Path(program).is_file() else ""
        return CardCallbackError(f"{program}: command not found{hint}", exit_code=NOT_FOUND)
    if Path(program).is_dir():
        return CardCallbackError(f"{program} cannot be started: it is a folder", exit_code=NOT_EXECUTABLE)
    reasons = {
        errno.EACCES: "it is not executable; a script can be started as: cardcallback run -- python SCRIPT",
        errno.ENOEXEC: "it is no program and names no interpreter; start it with one, as python SCRIPT",
        errno.ENOENT: "the interpreter that its first line names is not there; start it with one that is",
    }
    reason = reasons.get(error.errno or 0, error.strerror or type(error).__name__)
    return CardCallbackError(f"{program} cannot be started: {reason}", exit_code=NOT_EXECUTABLE)
