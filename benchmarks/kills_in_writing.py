"""A tiny training that is killed, or whose disk is full, at each of its file operations in the output folder in turn.

    python benchmarks/kills_in_writing.py            # half an hour
    python benchmarks/kills_in_writing.py --every 10 # a part of it

What is left must be whole each time: the person's card, every record, every checkpoint's summary. Then a copy is
recovered as ``cardcallback recover`` does, and the training goes on from its last whole checkpoint to a completed
record with both sessions. A full disk (once, or from then on) must not end the training, and the next one in the folder
has a record again.
"""

from __future__ import annotations

import argparse
import atexit
import contextlib
import errno
import json
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import torch
from transformers import TrainerCallback

import cardcallback.journal.keeper as journal_keeper
from cardcallback import CardCallback, load_run
from cardcallback.errors import CardCallbackError
from cardcallback.journal import journals_in
from cardcallback.recovery import killed_runs, write_recovered
from cardcallback.settings import resolve_settings
from cardcallback.temporary_files import remove_abandoned
from kills import make_trainer
from simulated import Simulation, nvidia_smi_in, profile_named, require_simulator, restart_beside

Trouble = Literal["killed", "full once", "full"]
TROUBLES: tuple[Trouble, ...] = ("killed", "full once", "full")
_CARD = """---
license: mit
---

# Mine

Written by hand.

- **Hardware Type:** [More Information Needed]
"""
_SETTINGS = {"max_steps": 24, "logging_steps": 4, "save_steps": 8}
_STEP_SECONDS = 0.01
_NAMED = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod")
_BY_DESCRIPTOR = ("write", "fsync", "fdatasync")
# These free space, or need none.
_ALWAYS_POSSIBLE = ("os.remove", "os.rmdir")


class Operations:
    """Counts what this process writes below ``folder``, and makes trouble at the one of number ``at``."""

    def __init__(self, folder: Path, trouble: Trouble, at: int) -> None:
        self._folder = str(folder)
        self._trouble = trouble
        self._at = at
        self._count = 0
        self._lock = threading.Lock()

    def watch(self) -> None:
        """From now on, in all threads; there is no end to it."""
        sys.addaudithook(self._audited)
        for name in _BY_DESCRIPTOR:
            setattr(os, name, self._watched(name, getattr(os, name)))

    def _audited(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            if writes and isinstance(path, (str, bytes)):
                self._operation(event, os.fsdecode(path))
        elif event in _NAMED:
            self._operation(event, os.fsdecode(arguments[0]))

    def _watched(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def called(descriptor: int, *arguments: Any) -> Any:
            place = ""
            with contextlib.suppress(OSError):  # closed meanwhile: the call itself says so
                place = str(Path(f"/proc/self/fd/{descriptor}").readlink())
            self._operation(name, place)
            return original(descriptor, *arguments)

        return called

    def _operation(self, name: str, path: str) -> None:
        # The journal names its files within a folder that it holds open.
        if not path.startswith(self._folder) and ("/" in path or ".journal" not in path):
            return
        with self._lock:
            self._count += 1
            count = self._count
        if self._trouble == "killed" and count == self._at:
            os.kill(os.getpid(), signal.SIGKILL)
        is_trainers = "checkpoint-" in path and "_cardcallback" not in path
        possible = is_trainers or name in _ALWAYS_POSSIBLE
        if not possible and (count == self._at if self._trouble == "full once" else count >= self._at):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class _Slowly(TrainerCallback):
    def on_step_end(self, *_: Any, **__: Any) -> None:
        time.sleep(_STEP_SECONDS)


def train(folder: Path, trouble: tuple[Trouble, int] | None = None, checkpoint: Path | None = None) -> int:
    """Train in a fork of this process; its exit code, or the negative number of the signal that ended it."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            vars(journal_keeper).update(_COMPACT_BYTES=4000, _EVERY_SECONDS=0.05)  # a second's is begun anew many times
            if trouble is not None:
                Operations(folder, *trouble).watch()
            callbacks = [_Slowly(), CardCallback(quiet=True, charts=False)]
            trainer = make_trainer(folder, callbacks, **_SETTINGS)
            trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
            trainer.save_model()
            atexit._run_exitfuncs()  # noqa: SLF001 - a fork leaves by os._exit, which calls none
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def damages(folder: Path) -> list[str]:
    """What is not whole in a folder."""
    records = (*folder.rglob("record*.json"), *folder.rglob("_cardcallback.json"))
    found = [told for path in records if (told := _damage(path))]
    card = (folder / "README.md").read_text(encoding="utf-8")
    if "Written by hand." not in card or "license: mit" not in card:
        found.append("the person's card is not whole")
    return found


def _damage(path: Path) -> str:
    try:
        load_run(path)
    except CardCallbackError as error:
        return str(error)
    return ""


def left_behind(folder: Path, *suffixes: str) -> list[str]:
    """Files of ours that should be gone."""
    return [f"{path.name} is left" for path in folder.rglob("*") if path.name.endswith(suffixes)]


def recover(folder: Path) -> list[str]:
    """Recover what was killed in a folder, and say what is wrong afterwards."""
    settings = resolve_settings({}, environ={}, working_directory=Path("/"), user_config_directory=Path("/"))
    had_journal, told = bool(journals_in(folder)), []
    remove_abandoned(folder)
    for run in list(killed_runs([folder], lives=lambda _: False, on_alive=lambda _: None, warn=told.append)):
        write_recovered(run, settings, warn=told.append)
    if had_journal and not list(folder.glob("training_run/record*.json")):
        told.append("no record was recovered")
    return [*told, *damages(folder), *left_behind(folder, ".journal", ".new", ".tmp")]


def last_whole_checkpoint(folder: Path) -> Path | None:
    """As a person would choose it."""
    found = [path for path in folder.glob("checkpoint-*") if (path / "trainer_state.json").is_file()]
    return max(found, key=lambda path: int(path.name.removeprefix("checkpoint-")), default=None)


def after_a_kill(folder: Path) -> list[str]:
    """Look at what a kill left, recover a copy of it, and go on with the training itself."""
    copy = folder.with_name(f"{folder.name}-copy")
    shutil.copytree(folder, copy)
    wrong = [*damages(folder), *recover(copy)]
    shutil.rmtree(copy)
    checkpoint = last_whole_checkpoint(folder)
    goes_on = checkpoint is not None and (checkpoint / "_cardcallback.json").is_file()
    return [*wrong, *_completed(folder, checkpoint, sessions=2 if goes_on else 1)]


def after_a_full_disk(folder: Path) -> list[str]:
    """Look at what is there, recover what no record is of, and train there once more."""
    wrong = [*damages(folder), *left_behind(folder, ".new", ".tmp"), *recover(folder)]
    return [*wrong, *_completed(folder, None, sessions=1)]


def _completed(folder: Path, checkpoint: Path | None, *, sessions: int) -> list[str]:
    code = train(folder, checkpoint=checkpoint)
    wrong = [f"the next training ended with {code}"] if code else []
    try:
        record = load_run(folder)
        if (record.status, len(record.sessions)) != ("completed", sessions):
            wrong.append(f"the next record is {record.status}, of {len(record.sessions)} sessions and not {sessions}")
    except CardCallbackError as error:
        wrong.append(str(error))
    return [*wrong, *damages(folder), *left_behind(folder, ".journal", ".new", ".tmp")]


def examine(trouble: Trouble, at: int, folder: Path) -> list[str] | None:
    """Train with that trouble at that operation; what was wrong, or ``None`` where there were fewer operations."""
    folder.mkdir()
    (folder / "README.md").write_text(_CARD, encoding="utf-8")
    code = train(folder, (trouble, at))
    if trouble == "killed":
        return None if code == 0 else after_a_kill(folder)
    return [*([f"the training ended with {code}"] if code else []), *after_a_full_disk(folder)]


def main() -> int:
    """Make trouble at one operation after another, and print what was wrong; 1 where anything was."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=1, help="look at every n-th operation only (default: %(default)s)")
    every = parser.parse_args().every
    require_simulator()
    torch.set_num_threads(1)
    wrong: dict[str, list[str]] = {}
    # Not a TemporaryDirectory, which a fork that goes through its exit would remove.
    place = Path(tempfile.mkdtemp(prefix="cardcallback-kills-"))
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, place)
        simulation = Simulation(profile_named("gb10"), place)
        os.environ.update(simulation.environment)
        os.environ["PATH"] = os.pathsep.join([str(nvidia_smi_in(place)), os.environ.get("PATH", "")])
        at = 1
        while (found := _all_troubles(at, place)) is not None:
            wrong |= found
            at += every
    print(json.dumps({"simulated": True, "operations": at - 1, "every": every, "wrong": wrong}, indent=1))
    return 1 if wrong else 0


def _all_troubles(at: int, place: Path) -> dict[str, list[str]] | None:
    wrong = {}
    for trouble in TROUBLES:
        folder = place / f"run-{at}"
        found = examine(trouble, at, folder)
        shutil.rmtree(folder)
        if found is None:
            return None
        if found:
            wrong[f"{trouble} at {at}"] = found
    return wrong


if __name__ == "__main__":
    restart_beside("gb10")
    sys.exit(main())
