"""Jobs that real launchers of MPI start, where no variable of torchrun's tells who is who.

Each launcher is in a folder of its own, since all of them bring the same commands: ``make matrix-mpi``.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_processes import TARGETS, TOKENS, WORKER, free_port, machine, watts_of

from cardcallback import load_run

__all__ = ["machine"]

pytestmark = [pytest.mark.training, pytest.mark.matrix]
_LAUNCHERS = Path(__file__).resolve().parent.parent.parent / ".venv-mpi"
_COMMANDS = {
    "openmpi": ["mpirun", "--allow-run-as-root", "--oversubscribe"],
    "mpich": ["mpiexec"],
    "impi-rt": ["mpiexec.hydra"],
}
_GPUS = (6, 1, 3, 0)
_PROCESSES = len(_GPUS)
_STEPS = 100
_STEPS_OF_TOKENS = 40
_TIMEOUT_SECONDS = 900


@pytest.fixture(params=_COMMANDS)
def launcher(request: pytest.FixtureRequest) -> list[str]:
    """The command of a launcher, up to the program that its processes run."""
    name, *options = _COMMANDS[request.param]
    command = _LAUNCHERS / request.param / "bin" / name
    if not command.exists():
        pytest.skip(f"no {request.param}: make matrix-mpi installs it")
    return [str(command), *options, "-n", str(_PROCESSES), sys.executable]


@contextlib.contextmanager
def _job(launcher: list[str], machine: dict[str, str], folder: Path, kind: str = "") -> Iterator[subprocess.Popen[str]]:
    # MPI tells no address: accelerate asks the person for one.
    told = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port(), "STEPS_OF_JOB": str(_STEPS)}
    command = [*launcher, str(WORKER), str(folder), str(folder.parent / "base"), kind]
    with subprocess.Popen(
        command, env=machine | told, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as job:
        try:
            yield job
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(job.pid, signal.SIGKILL)


def test_each_device_once(launcher: list[str], machine: dict[str, str], tmp_path: Path) -> None:
    """The true energy of the job's own GPUs, tokens of all processes, one card."""
    folder = tmp_path / "out"
    with _job(launcher, machine, folder) as job:
        output, errors = job.communicate(timeout=_TIMEOUT_SECONDS)
    assert job.returncode == 0, errors
    (lasted,) = [line for line in output.splitlines() if line.startswith("lasted: ")]
    shortest, longest = map(float, lasted.split()[1:])
    watts = sum(map(watts_of, _GPUS))

    record = load_run(folder)
    gpu = record.energy.gpu
    assert gpu.value is not None
    assert 0.97 * watts * shortest <= gpu.value <= 1.03 * watts * longest
    assert record.energy.partial_reason is None
    assert (record.processes, [node.ranks for node in record.nodes]) == (_PROCESSES, [tuple(range(_PROCESSES))])
    scale = _PROCESSES * _STEPS / _STEPS_OF_TOKENS
    tokens = record.training.tokens
    assert (tokens.processed, tokens.in_loss) == (scale * TOKENS, scale * TARGETS)
    cards = [path for path in tmp_path.rglob("README.md") if "cardcallback:begin" in path.read_text()]
    assert cards == [folder / "README.md"]
    assert len([line for line in output.splitlines() if line.startswith("cardcallback:")]) == 2


def test_a_job_that_its_launcher_ends(launcher: list[str], machine: dict[str, str], tmp_path: Path) -> None:
    """A signal to the launcher, as a scheduler sends one: what was measured until then is there."""
    folder = tmp_path / "out"
    with _job(launcher, machine, folder, kind="waits") as job:
        assert job.stdout is not None
        waiting = 0
        for line in job.stdout:
            waiting += line == "waits\n"
            if waiting == _PROCESSES:
                break
        job.terminate()
        job.communicate(timeout=_TIMEOUT_SECONDS)
    assert job.returncode != 0
    _wait_until_written(folder)
    record = load_run(folder)
    assert record.status == "interrupted"
    assert record.energy.gpu.value is not None
    watts = sum(map(watts_of, _GPUS))
    assert record.energy.gpu.value == pytest.approx(watts * record.duration_seconds, rel=0.1)


def _wait_until_written(folder: Path) -> None:
    # Some launchers end before their processes do.
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    while time.monotonic() < deadline and not list(folder.rglob("record.json")):
        time.sleep(0.1)
