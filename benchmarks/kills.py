"""Trainings killed at random moments beside a simulated GPU: what is missing of their energy, and what is damaged.

    python benchmarks/kills.py --kills 200 --results runs/kills.jsonl

Each is a real training in a process of its own, ended by SIGKILL somewhere between before its begin and after its
end; then its folder is recovered, as ``cardcallback recover`` does. The truth is the energy that the simulated device
used from the training's begin until as long after it as the record says that it reaches. A kill needs no more than a
fork of this process, which has loaded everything that a training needs. With ``--results`` each kill is a line of that
file as soon as it was looked at: broken off and started again, the benchmark goes on with the seeds that are not in it.
One that is through leaves the file under another name, and the next begins anew.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import select
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from cardcallback import CardCallback, load_run
from cardcallback.errors import CardCallbackError
from cardcallback.journal import is_alive, journals_in
from cardcallback.record import RunRecord
from cardcallback.recovery import killed_runs, write_recovered
from cardcallback.settings import resolve_settings
from cardcallback.temporary_files import remove_abandoned
from simulated import Simulation, nvidia_smi_in, profile_named, require_simulator, restart_beside

_STEP_SECONDS = 0.02
_SAVE_STEPS = 50
# What a killed run may lack.
MOST_MISSING_SECONDS = 1.0
# A fork that does not come to its begin, as on a machine that ran out of memory, is one line and not the end.
_LONGEST_BEFORE_BEGIN_SECONDS = 300.0


@dataclass(frozen=True, kw_only=True)
class Kill:
    """One kill: when it came, what was recovered, and what was wrong with it.

    ``at_seconds`` is from the begin of the training, ``None`` where it had not begun. ``missing_seconds`` is what
    the record lacks of the run's time, ``error_share`` how far its energy is from the truth of its own time, and
    ``error_seconds`` the same in seconds of the mean power.
    """

    seed: int
    at_seconds: float | None
    status: str | None
    recovered: bool
    missing_seconds: float | None
    error_share: float | None
    error_seconds: float | None
    held: bool | None
    damaged: tuple[str, ...]


class _Begin(TrainerCallback):
    """Tells the parent when training begins, and makes a step take a while."""

    def __init__(self, pipe: int, now_seconds: Callable[[], float]) -> None:
        self._pipe = pipe
        self._now_seconds = now_seconds

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        os.write(self._pipe, json.dumps(self._now_seconds()).encode() + b"\n")

    def on_step_end(self, *_: Any, **__: Any) -> None:
        time.sleep(_STEP_SECONDS)


class _OneLayer(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(16, 16)

    def forward(self, inputs: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"loss": torch.nn.functional.mse_loss(self.layer(inputs), labels)}


def train(folder: Path, pipe: int, now_seconds: Callable[[], float], *, seconds: float) -> None:
    """Train for about ``seconds`` in ``folder``."""
    callbacks = [_Begin(pipe, now_seconds), CardCallback(quiet=True, charts=False)]
    steps = round(seconds / _STEP_SECONDS)
    make_trainer(folder, callbacks, max_steps=steps, logging_steps=10, save_steps=_SAVE_STEPS).train()


def make_trainer(folder: Path, callbacks: Sequence[TrainerCallback], **settings: Any) -> Trainer:
    """A trainer of one layer on the processor, which prints nothing; it keeps two checkpoints."""
    arguments = TrainingArguments(
        output_dir=str(folder),
        save_total_limit=2,
        report_to="none",
        disable_tqdm=True,
        use_cpu=True,
        **settings,
    )
    examples = [{"inputs": torch.zeros(16), "labels": torch.ones(16)} for _ in range(64)]
    trainer = Trainer(model=_OneLayer(), args=arguments, train_dataset=examples, callbacks=list(callbacks))
    trainer.remove_callback(PrinterCallback)
    return trainer


def kill_once(seed: int, simulation: Simulation, folder: Path, *, seconds: float) -> Kill:
    """Start a training, kill it at a moment that ``seed`` chooses, and look at what is left."""
    varied = random.Random(seed)  # noqa: S311 - it has to vary, and to come again
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _train_and_leave(folder, writing, simulation, seconds)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        begun = None
        if varied.random() < 0.05:
            time.sleep(varied.uniform(0.0, 0.3))  # before it began, or just then
        else:
            readable, _, _ = select.select([pipe], [], [], _LONGEST_BEFORE_BEGIN_SECONDS)
            line = pipe.readline() if readable else ""
            begun = float(line) if line else None
            time.sleep(varied.uniform(0.0, seconds * 1.1))
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        at = simulation.now_seconds()
        os.waitpid(child, 0)
    return _examined(seed, simulation, folder, begun=begun, killed_at=at)


def _train_and_leave(folder: Path, pipe: int, simulation: Simulation, seconds: float) -> None:
    status = 1
    try:
        with Path(os.devnull).open("w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
            train(folder, pipe, simulation.now_seconds, seconds=seconds)
        status = 0
    finally:
        sys.stderr.flush()
        os._exit(status)  # the parent's own exit handlers are not this process's


def _examined(seed: int, simulation: Simulation, folder: Path, *, begun: float | None, killed_at: float) -> Kill:
    damaged: list[str] = [f"{path.name} is still locked" for path in journals_in(folder) if is_alive(path)]
    settings = resolve_settings({}, environ={}, working_directory=Path("/"), user_config_directory=Path("/"))
    remove_abandoned(folder)
    runs = list(killed_runs([folder], lives=lambda _: False, on_alive=lambda _: None, warn=damaged.append))
    for run in runs:
        write_recovered(run, settings, warn=damaged.append)
    record = _record(folder, damaged)
    damaged += [f"{path.name} is left" for path in folder.rglob("*") if path.name.endswith((".new", ".tmp"))]
    if record is None or begun is None:
        return Kill(
            seed=seed,
            at_seconds=None if begun is None else killed_at - begun,
            status=None if record is None else record.status,
            recovered=bool(runs),
            missing_seconds=None,
            error_share=None,
            error_seconds=None,
            held=None,
            damaged=tuple(damaged),
        )
    energy, duration = record.energy.gpu, record.duration_seconds
    truth = simulation.true_joules(begun, begun + duration)
    lived = record.status != "completed"
    error = None if energy.value is None else energy.value / truth - 1
    return Kill(
        seed=seed,
        at_seconds=killed_at - begun,
        status=record.status,
        recovered=bool(runs),
        missing_seconds=killed_at - begun - duration if lived else 0.0,
        error_share=error,
        error_seconds=None if error is None else error * duration,
        held=None
        if energy.value is None or energy.recording_low is None
        else energy.recording_low <= truth <= (energy.recording_high or float("inf")),
        damaged=tuple(damaged),
    )


def _record(folder: Path, damaged: list[str]) -> RunRecord | None:
    """The run's record, with every record that lies there read."""
    found = [_read(path, damaged) for path in sorted(folder.glob("training_run/record*.json"))]
    return found[0] if found else None


def _read(path: Path, damaged: list[str]) -> RunRecord | None:
    try:
        return load_run(path)
    except CardCallbackError as error:
        damaged.append(str(error))
        return None


def measure(
    kills: int, *, first_seed: int = 0, seconds: float = 8.0, profile: str = "gb10", results: Path | None = None
) -> list[Kill]:
    """Kill that many trainings, one after another; those that stand in ``results`` are not killed again."""
    torch.set_num_threads(1)
    done = {} if results is None else known_kills(results, seconds)
    seeds = range(first_seed, first_seed + kills)
    with tempfile.TemporaryDirectory(prefix="cardcallback-kills-") as place:
        folder = Path(place)
        simulation = Simulation(profile_named(profile), folder)
        os.environ.update(simulation.environment)
        os.environ["PATH"] = os.pathsep.join([str(nvidia_smi_in(folder)), os.environ.get("PATH", "")])
        for seed in (seed for seed in seeds if seed not in done):
            own = folder / f"run-{seed}"
            own.mkdir()
            done[seed] = kill_once(seed, simulation, own, seconds=seconds)
            shutil.rmtree(own)
            if results is not None:
                keep(results, done[seed], seconds)
    if results is not None and results.exists():
        results.replace(results.with_name(f"last-{results.name}"))
    return [done[seed] for seed in seeds]


def known_kills(results: Path, seconds: float) -> dict[int, Kill]:
    """The kills of trainings of that length that stand in a file, by seed; a torn line is none."""
    found = {}
    for line in results.read_text(encoding="utf-8").splitlines() if results.exists() else ():
        with contextlib.suppress(ValueError, TypeError, KeyError):
            told = json.loads(line)
            if told.pop("seconds") == seconds:
                kill = Kill(**told | {"damaged": tuple(told["damaged"])})
                found[kill.seed] = kill
    return found


def keep(results: Path, kill: Kill, seconds: float) -> None:
    """One line more, beginning anew where the last one was torn."""
    results.parent.mkdir(parents=True, exist_ok=True)
    torn = results.exists() and not results.read_bytes().endswith(b"\n")
    with results.open("a", encoding="utf-8") as file:
        file.write("\n" * torn + json.dumps({"seconds": seconds} | asdict(kill)) + "\n")


def summary(kills: Sequence[Kill]) -> dict[str, Any]:
    """What all of them say together."""
    missing = sorted(kill.missing_seconds for kill in kills if kill.missing_seconds is not None)
    errors = sorted(abs(kill.error_seconds) for kill in kills if kill.error_seconds is not None)
    return {
        "simulated": True,
        "kills": len(kills),
        "before_the_begin": sum(kill.at_seconds is None for kill in kills),
        "after_the_end": sum(kill.status == "completed" for kill in kills),
        "without_a_record": [kill.seed for kill in kills if kill.status is None and kill.at_seconds is not None],
        "recovered_from_the_journal": sum(kill.recovered for kill in kills),
        "missing_seconds_median": statistics.median(missing) if missing else None,
        "missing_seconds_highest": missing[-1] if missing else None,
        "missing_more_than_a_second": [
            kill.seed for kill in kills if (kill.missing_seconds or 0.0) > MOST_MISSING_SECONDS
        ],
        "error_in_seconds_of_mean_power_median": statistics.median(errors) if errors else None,
        "error_in_seconds_of_mean_power_highest": errors[-1] if errors else None,
        "intervals_that_did_not_hold": [kill.seed for kill in kills if kill.held is False],
        "damaged": {kill.seed: kill.damaged for kill in kills if kill.damaged},
    }


def main() -> int:
    """Kill, and print what was found; 1 where something was lost or damaged."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200, help="how many (default: %(default)s)")
    parser.add_argument("--first-seed", type=int, default=0, help="seed of the first (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=8.0, help="length of a training (default: %(default)s)")
    parser.add_argument("--results", type=Path, help="where each kill is kept, to go on after being broken off")
    parser.add_argument("--json", action="store_true", help="print each kill too")
    arguments = parser.parse_args()
    require_simulator()
    kills = measure(
        arguments.kills,
        first_seed=arguments.first_seed,
        seconds=arguments.seconds,
        results=None if arguments.results is None else arguments.results.resolve(),
    )
    found = summary(kills)
    print(json.dumps(found | ({"each": [asdict(kill) for kill in kills]} if arguments.json else {}), indent=1))
    bad = ("without_a_record", "missing_more_than_a_second", "intervals_that_did_not_hold", "damaged")
    return 1 if any(found[name] for name in bad) else 0


if __name__ == "__main__":
    restart_beside("gb10")
    sys.exit(main())
