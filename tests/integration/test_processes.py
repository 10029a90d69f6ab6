"""Jobs of several real processes under gloo, beside a simulated machine whose GPUs each draw a power of their own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from loaded_python import Forked, LoadedPython

from cardcallback import load_run
from cardcallback.processes import load_summaries, merge_nodes
from cardcallback.record import RunRecord
from simulator import Simulation, build_problem, profile_named
from waveforms import Waveform, constant

pytestmark = pytest.mark.training
_HERE = Path(__file__).resolve().parent
_SOURCE = _HERE.parent.parent / "src"
WORKER = _HERE / "rank_of_job.py"
_TIMEOUT_SECONDS = 240
# Longer than a silence that is worth a word.
_LONG_SECONDS = 25.0
# Of each process: 40 steps of two rows of eight tokens, of which the first is no target.
TOKENS = 40 * 2 * 8
TARGETS = 40 * 2 * 7
_LAUNCHERS = {
    "torchrun": ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node"],
    # The launcher of several GPUs also where there is none: the trainer asks for the CPU.
    "accelerate": [
        *("-m", "accelerate.commands.launch", "--multi_gpu", "--num_machines", "1"),
        *("--mixed_precision", "no", "--dynamo_backend", "no", "--num_processes"),
    ],
}


def launch_command(launcher: str, processes: int) -> list[str]:
    """The launcher's arguments up to the script that its processes run."""
    return [*_LAUNCHERS[launcher], str(processes)]


def watts_of(gpu: int) -> float:
    """What a GPU draws all the time: a sum tells of which GPUs it is."""
    return 100.0 + 2.0**gpu


@pytest.fixture
def machine(tmp_path: Path) -> dict[str, str]:
    """The environment of a machine with eight GPUs."""
    if build_problem() is not None:
        pytest.skip(str(build_problem()))
    eight = profile_named("h100x8")
    devices = tuple(
        replace(device, waveform=Waveform((constant(watts_of(gpu)),)), memory_waveform=None)
        for gpu, device in enumerate(eight.devices)
    )
    environment = os.environ | Simulation(replace(eight, devices=devices), tmp_path).environment
    search = [str(_SOURCE), str(_HERE)]
    return environment | {"PYTHONPATH": os.pathsep.join(search), "GPU_OF_RANK": "6,1,3,0"}


StartRanks = Callable[..., list[Forked]]


@pytest.fixture
def start_ranks(machine: dict[str, str], loaded_python: LoadedPython, tmp_path: Path) -> Iterator[StartRanks]:
    """Starts processes of one job, one for each folder, without a launcher that would end one for another's sake."""
    with contextlib.ExitStack() as stack:

        def start(
            *folders: Path,
            nodes: int,
            kind: str = "",
            computers: int = 1,
            gpus: Sequence[str] = ("5", "6"),
            worker: Path = WORKER,
        ) -> list[Forked]:
            port = free_port()
            started = []
            for rank, folder in enumerate(folders):
                local = len(folders) // nodes
                own = {"RANK": str(rank), "WORLD_SIZE": str(len(folders)), "MASTER_ADDR": "127.0.0.1"}
                own |= {"LOCAL_RANK": str(rank % local), "LOCAL_WORLD_SIZE": str(local), "MASTER_PORT": port}
                own |= {"GROUP_RANK": str(rank if nodes == 2 else 0)}
                if nodes == 2:
                    own["GPU_OF_RANK"] = gpus[rank]
                own["CARDCALLBACK_SYSTEM_ROOT"] = str(_system(tmp_path / f"system-{rank % computers}"))
                command = [str(worker), str(folder), str(tmp_path / "base"), kind]
                process = loaded_python.start(command, machine | own)
                stack.callback(_ended, process)
                started.append(process)
            return started

        yield start


def _system(root: Path) -> Path:
    """A system of its own, as far as the number of its boot tells."""
    boot = root / "proc/sys/kernel/random/boot_id"
    boot.parent.mkdir(parents=True, exist_ok=True)
    boot.write_text(f"0f2c8d9e-{root.name}\n")
    return root


def _ended(process: Forked) -> None:
    process.kill()
    process.wait()


def free_port() -> str:
    """One of this machine's that nobody listens at."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])


def _joules(record: RunRecord, *gpus: int) -> float:
    return sum(map(watts_of, gpus)) * record.duration_seconds


def test_exactly_the_job_s_gpus_are_measured(machine: dict[str, str], tmp_path: Path) -> None:
    """Four processes that each see one of eight GPUs: the energy of these four, told by one process alone."""
    folder = tmp_path / "out"
    command = [sys.executable, *launch_command("torchrun", 4), str(WORKER), str(folder), str(tmp_path / "base")]
    done = subprocess.run(command, env=machine, capture_output=True, text=True, check=False, timeout=_TIMEOUT_SECONDS)
    assert done.returncode == 0, done.stderr
    record = load_run(folder)
    assert record.energy.gpu.value == pytest.approx(_joules(record, 6, 1, 3, 0), rel=0.02)
    assert record.energy.gpu.coverage == pytest.approx(1.0, abs=0.05)
    assert record.energy.partial_reason is None
    assert (record.processes, [node.ranks for node in record.nodes]) == (4, [(0, 1, 2, 3)])
    tokens = record.training.tokens
    assert (tokens.processed, tokens.non_padding, tokens.in_loss) == (4 * TOKENS, 4 * TOKENS, 4 * TARGETS)
    assert record.energy.per_token is not None
    assert record.energy.per_token.value == pytest.approx(_joules(record, 6, 1, 3, 0) / (4 * TOKENS), rel=0.02)
    assert record.memory.process_peak_rss.covers[-1].endswith("the highest of 4 processes")
    told = [line for line in done.stdout.splitlines() if line.startswith("cardcallback:")]
    assert len(told) == 2
    assert "cardcallback" not in done.stderr
    private = folder / "_cardcallback"
    assert not list(private.glob("ranks-*"))
    assert not (private / "job").exists()
    for path in (path for path in folder.rglob("*") if path.is_file()):
        assert b"-5157-4c41-" not in path.read_bytes()  # as in every UUID here


def test_a_killed_rank_is_named(start_ranks: StartRanks, tmp_path: Path) -> None:
    """The other one's training breaks off with it, and its record says which was gone."""
    folder = tmp_path / "out"
    first, second = start_ranks(folder, folder, nodes=1, kind="killed")
    first.communicate(timeout=_TIMEOUT_SECONDS)
    assert second.wait(_TIMEOUT_SECONDS) < 0
    record = load_run(folder)
    assert record.status == "interrupted"
    assert [note for note in record.notes if note.startswith("Rank 1 ended without saying so, or was killed,")]
    assert record.energy.gpu.value == pytest.approx(_joules(record, 6, 1), rel=0.05)


def test_a_job_that_is_ended_by_a_signal_tells_its_tokens(start_ranks: StartRanks, tmp_path: Path) -> None:
    """Each process says its own with its last words, also those since the last log; their exit codes stay."""
    folder = tmp_path / "out"
    first, second = start_ranks(folder, folder, nodes=1, kind="waits")
    for process in (first, second):
        _wait_until(lambda process=process: "waits\n" in process.written()[0])
    for process in (second, first):
        process.terminate()
        assert process.wait(_TIMEOUT_SECONDS) == -signal.SIGTERM
    record = load_run(folder)
    assert (record.status, record.training.steps) == ("interrupted", 20)
    tokens = record.training.tokens
    assert (tokens.processed, tokens.in_loss, tokens.reason) == (TOKENS, TARGETS, None)
    assert record.energy.per_token is not None
    assert record.energy.per_token.value is not None
    assert "Ended by a signal: rank 1." in record.notes
    assert not any("killed" in note for note in record.notes)


def test_two_processes_are_left_as_they_were(start_ranks: StartRanks, tmp_path: Path) -> None:
    """Bit-identical with a complete record; one alone with the callback says so; one that fails is named."""
    started = start_ranks(tmp_path, tmp_path, nodes=1, worker=_HERE / "rank_of_two.py")
    (printed, _), (said_alone, warned) = (process.communicate(timeout=_TIMEOUT_SECONDS) for process in started)
    assert all(process.returncode for process in started)
    for rank in (0, 1):
        bare, measured = json.loads((tmp_path / f"seen-{rank}.json").read_text())
        assert measured == bare
        assert len([one for one in bare["logged"] if "loss" in one]) == 16
    record = load_run(tmp_path / "measured")
    assert (record.status, record.processes, record.training.steps) == ("completed", 2, 16)
    assert record.energy.gpu.value == pytest.approx(_joules(record, 6, 1), rel=0.05)
    assert record.energy.partial_reason is None
    before, _, after = warned.partition("alone:")
    alone, _, failed = after.partition("fails:")
    assert "cardcallback" not in before + failed.partition("Traceback")[0]
    assert alone.count("give one to the trainer of every process") == 1
    assert not list((tmp_path / "alone").rglob("record*"))
    (line, *_) = [line for line in printed.splitlines() if line.startswith("cardcallback: SIMULATED DEVICE: measuring")]
    assert "of the job's 2 processes the others tell theirs soon" in line
    assert "cardcallback" not in said_alone.partition("fails:")[0]
    record = load_run(tmp_path / "failed")
    assert record.status == "interrupted"
    assert "Rank 1 ended by an exception (ArithmeticError), in its step 8 or later." in record.notes


@pytest.mark.slow
def test_ranks_that_are_silent_are_named_and_not_waited_for(start_ranks: StartRanks, tmp_path: Path) -> None:
    """Two jobs, since a silence that is worth a word lasts: one rank is stopped before its end, one stuck in a step."""
    first, stopped = start_ranks(tmp_path / "stopped", tmp_path / "stopped", nodes=1, kind="stopped")
    *others, stuck = start_ranks(*[tmp_path / "stuck"] * 4, nodes=1, kind="stuck")
    _wait_until(lambda: _state_of(stuck) == "T")
    time.sleep(_LONG_SECONDS)
    for process in others:
        process.terminate()
    assert others[0].wait(_TIMEOUT_SECONDS) == -signal.SIGTERM
    first.wait(_TIMEOUT_SECONDS)
    assert stopped.poll() is None
    _assert_complete_without_the_stopped_one(load_run(tmp_path / "stopped"))
    _assert_broken_off_by_the_stuck_one(load_run(tmp_path / "stuck"))


def _assert_complete_without_the_stopped_one(record: RunRecord) -> None:
    assert record.status == "completed"
    assert [note for note in record.notes if note.startswith("Rank 1 gave no sign of life")]
    assert record.energy.partial_reason is None


def _assert_broken_off_by_the_stuck_one(record: RunRecord) -> None:
    assert record.status == "interrupted"
    (note,) = [note for note in record.notes if "gave no sign of life in the last" in note]
    assert note.startswith("Rank 3 ")
    assert record.energy.gpu.value == pytest.approx(_joules(record, 6, 1, 3, 0), rel=0.05)
    assert record.training.tokens.non_padding is None
    assert "did not tell those of the same batches" in str(record.training.tokens.reason)


def _wait_until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _state_of(process: Forked) -> str:
    return Path(f"/proc/{process.pid}/stat").read_text().rpartition(") ")[2][0]


@pytest.mark.parametrize("shared", [True, False])
def test_two_computers_are_one_job(
    start_ranks: StartRanks,
    tmp_path: Path,
    shared: bool,  # noqa: FBT001 - a case
) -> None:
    """On a shared disk rank 0 joins both at its end; without one whoever has both folders does, to the same sum."""
    folders = [tmp_path / "first", tmp_path / ("first" if shared else "second")]
    for process in start_ranks(*folders, nodes=2, computers=2):
        process.communicate(timeout=_TIMEOUT_SECONDS)
        assert process.returncode == 0
    record = load_run(folders[0])
    if not shared:
        assert record.energy.partial_reason == "the GPUs of rank 1 are not in it"
        assert record.energy.gpu.value == pytest.approx(_joules(record, 5), rel=0.02)
        assert [path.name for path in sorted(folders[1].iterdir())] == ["_cardcallback"]
        record = merge_nodes(record, [*load_summaries(folders[0]), *load_summaries(folders[1])])
    assert record.energy.partial_reason is None
    assert record.training.tokens.non_padding == 2 * TOKENS
    assert record.energy.gpu.value == pytest.approx(_joules(record, 5, 6), rel=0.02)
    assert [node.ranks for node in record.nodes] == [(0,), (1,)]
    assert [watts for node in record.nodes for _, watts in node.gpu_power[:1]] == [watts_of(5), watts_of(6)]
    assert any("network cards" in note for note in record.notes)


def test_two_launchers_of_one_computer_are_told_as_that(start_ranks: StartRanks, tmp_path: Path) -> None:
    """Neither shares a disk with the other, as two containers of one machine: one boot, no link, a GPU of both."""
    folders = [tmp_path / "first", tmp_path / "second"]
    for process in start_ranks(*folders, nodes=2, gpus=("4+5+6", "6+7+0")):
        process.communicate(timeout=_TIMEOUT_SECONDS)
        assert process.returncode == 0
    record = merge_nodes(load_run(folders[0]), [one for folder in folders for one in load_summaries(folder)])
    assert record.energy.gpu.value == pytest.approx(_joules(record, 4, 5, 6, 7, 0), rel=0.02)
    assert record.energy.partial_reason is None
    assert any("measured too are counted there: 1 of 3." in note for note in record.notes)
    assert [node.computer for node in record.nodes] == [0, 0]
    assert any("Several measurers ran on one computer" in note for note in record.notes)
    assert not any("network cards" in note for note in record.notes)


def test_a_killed_rank_0_is_recovered(start_ranks: StartRanks, tmp_path: Path) -> None:
    """Nobody wrote a record: the journal has it, of the GPUs of both processes, and no tokens of half the steps."""
    folder = tmp_path / "out"
    first, second = start_ranks(folder, folder, nodes=1, kind="first killed")
    assert first.wait(_TIMEOUT_SECONDS) < 0
    second.communicate(timeout=_TIMEOUT_SECONDS)
    assert not (folder / "training_run" / "record.json").exists()
    command = [sys.executable, "-m", "cardcallback", "recover", str(folder)]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": str(_SOURCE)}, check=False, capture_output=True)
    assert done.returncode == 0, done.stderr
    record = load_run(folder)
    assert (record.status, record.recovered, record.processes) == ("interrupted", True, 2)
    assert record.energy.gpu.value == pytest.approx(_joules(record, 6, 1), rel=0.05)
    assert record.energy.partial_reason is None
    assert record.training.tokens.non_padding is None
    assert not [path for path in folder.rglob("*") if path.is_file() and b"-5157-4c41-" in path.read_bytes()]
