"""Launchers and numbers of processes: each device once, tokens of all of them, one card, and the true energy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from test_processes import TARGETS, TOKENS, WORKER, launch_command, machine, watts_of

from cardcallback import load_run

__all__ = ["machine"]

pytestmark = [pytest.mark.training, pytest.mark.matrix]
# A counter's refresh at both ends is well below 1 % of so many steps.
_STEPS = 300
_STEPS_OF_TOKENS = 40
_TIMEOUT_SECONDS = 900
_GPUS = (6, 1, 3, 0)


@pytest.mark.parametrize("kind", ["", "sharded"])
@pytest.mark.parametrize("processes", [2, 4])
@pytest.mark.parametrize("launcher", ["torchrun", "accelerate"])
def test_every_launcher(launcher: str, processes: int, kind: str, machine: dict[str, str], tmp_path: Path) -> None:
    """Whole models side by side, and one model in shards."""
    folder = tmp_path / "out"
    command = [*launch_command(launcher, processes), str(WORKER), str(folder), str(tmp_path / "base"), kind]
    environment = machine | {"STEPS_OF_JOB": str(_STEPS)}
    done = subprocess.run(
        [sys.executable, *command],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    (lasted,) = [line for line in done.stdout.splitlines() if line.startswith("lasted: ")]
    shortest, longest = map(float, lasted.split()[1:])
    watts = sum(map(watts_of, _GPUS[:processes]))

    record = load_run(folder)
    gpu = record.energy.gpu
    assert gpu.value is not None
    assert 0.99 * watts * shortest <= gpu.value <= 1.01 * watts * longest
    assert gpu.method == "counter"
    assert record.energy.partial_reason is None
    assert [device.energy.value is not None for device in record.hardware.accelerators] == [True] * processes
    assert (record.processes, record.nodes[0].ranks) == (processes, tuple(range(processes)))
    scale = processes * _STEPS / _STEPS_OF_TOKENS
    tokens = record.training.tokens
    assert (tokens.processed, tokens.in_loss) == (scale * TOKENS, scale * TARGETS)
    training = record.training
    assert (training.method, training.total_parameters) == ("full fine-tuning", training.trainable_parameters)
    cards = [path for path in tmp_path.rglob("README.md") if "cardcallback:begin" in path.read_text()]
    assert cards == [folder / "README.md"]
    assert len(list(folder.rglob("record*.json"))) == 1
