"""The journal of a process that is really killed, and of one whose forked children outlive it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from journalled import WATTS, path_in

from cardcallback.journal import goes_on, is_alive, read_journal

KILLED = """
import pathlib, sys
from journalled import JournalledRun
run = JournalledRun()
keeper = run.keeper(pathlib.Path(sys.argv[1]))
while True:
    run.live(keeper, 1.0)
    print(run.joules, flush=True)
"""
# The forked child does what a worker may do with what it inherited, then lives until its standard input ends.
FORKING = """
import os, pathlib, sys
from journalled import JournalledRun
run = JournalledRun()
keeper = run.keeper(pathlib.Path(sys.argv[1]))
run.live(keeper, 5.0)
if os.fork() == 0:
    run.live(keeper, 5.0)
    keeper.request_snapshot()
    keeper.close(final=True)
    print("forked", flush=True)
    sys.stdin.read()
    os._exit(0)
os.close(0)
os.wait()
"""


@contextmanager
def running(program: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process with this program."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    command = [sys.executable, "-c", program, str(folder)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("seed", range(12))
def test_killed_at_any_moment_at_most_a_second_is_lost(tmp_path: Path, seed: int) -> None:
    """What the process said last is in the journal, but for the energy of one second; no line is invented."""
    # Every third lives long enough for the file to be replaced by a shorter one.
    lines = random.Random(seed).randint(1, 14_000 if seed % 3 == 0 else 1500)  # noqa: S311 - it has to vary
    with running(KILLED, tmp_path) as process:
        assert process.stdout is not None
        for _ in range(lines):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        said = [line for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    last = float(said[-1]) if said else lines * WATTS
    recovered = read_journal(path_in(tmp_path))
    assert recovered is not None
    joules = recovered.record.energy.gpu.value
    assert joules is not None
    assert last - 1.01 * WATTS <= joules <= last + 1.01 * WATTS
    assert recovered.damaged_lines <= 1
    assert not is_alive(path_in(tmp_path))


def test_a_forked_child_neither_ends_the_journal_nor_keeps_it_alive(tmp_path: Path) -> None:
    """While the parent lives the journal is its own; once it is killed, a child that outlives it holds nothing."""
    with running(FORKING, tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "forked\n"
        assert is_alive(path_in(tmp_path))
        content = path_in(tmp_path).read_bytes()
        process.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert not is_alive(path_in(tmp_path))
        # The child was alive all the while: only now does it see its input end, and close its output.
        assert process.stdin is not None
        process.stdin.close()
        assert process.stdout.read() == ""
    assert path_in(tmp_path).read_bytes() == content


def test_without_locks_a_journal_lives_while_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a file system that refuses locks its age decides; one that is not there has no writer."""
    journal = path_in(tmp_path)
    assert not is_alive(journal)
    journal.parent.mkdir(parents=True)
    journal.touch()
    written = journal.stat().st_mtime
    assert not is_alive(journal)

    def refuse(*_: int) -> None:
        raise OSError(95, os.strerror(95))

    monkeypatch.setattr("fcntl.flock", refuse)
    assert is_alive(journal, now_seconds=lambda: written + 9.0)
    assert not is_alive(journal, now_seconds=lambda: written + 11.0)


def test_a_writer_whose_lock_is_not_seen_is_found_by_what_it_writes(tmp_path: Path) -> None:
    """On another machine's disk a file written just now is looked at again; one that is old is not waited for."""
    journal = path_in(tmp_path)
    assert not goes_on(journal)
    journal.parent.mkdir(parents=True)
    journal.write_bytes(b"line\n")
    written = journal.stat().st_mtime
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if sum(waits) >= 1.0:
            journal.write_bytes(b"line\nline\n")

    assert goes_on(journal, now_seconds=lambda: written + 1.0, wait=wait)
    waits.clear()
    assert not goes_on(journal, now_seconds=lambda: written + 1.0, wait=waits.append)
    assert sum(waits) == 2.5
    assert not goes_on(journal, now_seconds=lambda: written + 100.0, wait=pytest.fail)
