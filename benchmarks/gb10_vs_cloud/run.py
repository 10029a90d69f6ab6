"""Measures one workload on this machine: a check, a warm-up, three repeats; records are left.

python -m benchmarks.gb10_vs_cloud.run --machine dgx-spark --tier same-work --workload qlora-270m
"""

from __future__ import annotations

import argparse
import functools
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from cardcallback.errors import CardCallbackError
from cardcallback.sensors.discovery import open_sensors
from cardcallback.sensors.surroundings import surroundings
from cardcallback.settings import system_root

from .clocks import Clock, MachineClock
from .environment import LONGEST_COOL_DOWN_SECONDS, Gpu
from .jobs import Job, write_job
from .layout import RECORDS, SIMULATED
from .series import Plan, Tools, run_series
from .workloads import SAME_WORK, TIERS, WORKLOADS_FILE, load_tuning, load_workloads

ROOT = Path(__file__).resolve().parents[2]
_WORK = Path("runs/gb10_vs_cloud")


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 0 where the series is complete, else 1 or 3 with one line that says what to do."""
    options = _options(arguments)
    return told(lambda: _run(options))


def told(command: Callable[[], int]) -> int:
    """The command's exit code; a mistake becomes one line and its own exit code."""
    try:
        return command()
    except CardCallbackError as error:
        sys.stderr.write(f"{' '.join(str(error).split())}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("stopped; the same command goes on where this one was\n")
        return 130


def machine_gpu(clock: Clock | None = None) -> Gpu:
    """This machine's GPU, looked at by its own clock or another."""
    opened = functools.partial(open_sensors, system_root=system_root(os.environ), environ=os.environ)
    return Gpu(open_sensors=opened, about=surroundings, clock=clock or MachineClock())


def launch(job: Job, environ: dict[str, str] | None = None, step_seconds: float | None = None) -> int:
    """Train the job in a process of its own, its output in a log beside its weights.

    Args:
        job: what to train.
        environ: further variables of its environment.
        step_seconds: how long each step lasts at least, for a simulated device.
    """
    folder = Path(job.output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "job.json"
    write_job(job, path)
    search = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    given = os.environ | (environ or {}) | {"PYTHONPATH": os.pathsep.join(search)}
    with (folder / "log.txt").open("wb") as log:
        module = "train" if step_seconds is None else "paced"
        command = [sys.executable, "-m", f"benchmarks.gb10_vs_cloud.{module}", str(path)]
        command += [] if step_seconds is None else ["--step-seconds", f"{step_seconds:g}"]
        return subprocess.run(command, env=given, stdout=log, stderr=log, check=False).returncode


def _run(options: argparse.Namespace) -> int:
    _refuse_names(options.machine)
    workloads = load_workloads(options.workloads)
    workload = workloads.named(options.workload)
    if not workload.tried:
        say(f"nobody has run {workload.name} with this harness yet: please report what goes wrong")
    plan = Plan(
        workloads=workloads,
        workload=workload,
        tier=options.tier,
        machine=options.machine,
        records=options.records,
        work=options.work,
        tuning=load_tuning(options.tuning) if options.tuning is not None else {},
        longest_cool_down_seconds=options.longest_cool_down,
    )
    folder = run_series(plan, Tools(gpu=machine_gpu(), launch=launch, say=say))
    say(f"records: {folder}; check them with python -m benchmarks.gb10_vs_cloud.check_submission {folder}")
    return 0


def say(line: str) -> None:
    """Tell a person how far it is."""
    print(line, flush=True)


def _refuse_names(machine: str) -> None:
    host = socket.gethostname().lower()
    if machine.lower() in {host, host.partition(".")[0]}:
        msg = "--machine is the name of this computer, which nobody should read: name the product, as in dgx-spark"
        raise CardCallbackError(msg)
    if machine.startswith(SIMULATED) and os.environ.get("CARDCALLBACK_SIMULATED") != "1":
        msg = f"names that begin with {SIMULATED} are for simulated devices: give another --machine"
        raise CardCallbackError(msg)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--machine", required=True, help="the product's name, as in dgx-spark or h100-sxm")
    parser.add_argument("--tier", choices=TIERS, default=SAME_WORK, help="default: %(default)s")
    parser.add_argument("--workload", required=True, help="a name from workloads.yaml")
    parser.add_argument("--tuning", type=Path, help="YAML file of settings for this machine, best-effort only")
    parser.add_argument("--records", type=Path, default=RECORDS, help="where records go (default: beside this file)")
    parser.add_argument("--work", type=Path, default=_WORK, help="where weights and logs go (default: %(default)s)")
    parser.add_argument("--workloads", type=Path, default=WORKLOADS_FILE, help="another workloads.yaml")
    parser.add_argument(
        "--longest-cool-down",
        type=float,
        default=LONGEST_COOL_DOWN_SECONDS,
        metavar="SECONDS",
        help="wait so long at most before a repeat (default: %(default)g)",
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
