"""The whole harness on two simulated devices, to show that it works: nothing it leaves is about any real device.

python -m benchmarks.gb10_vs_cloud.simulate

A processor trains, each step prolonged to a given time; a library in the place of the driver's plays the meter of a
GPU. Device A and device B are made up: how their sensors behave follows published captures, what they draw and how
fast they are follows nothing.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from cardcallback.errors import CardCallbackError
from cardcallback.sensors.nvml import reset_nvml

from .clocks import Clock
from .jobs import Job
from .layout import RECORDS, SIMULATED
from .run import ROOT, launch, machine_gpu, say, told
from .series import Launch, Plan, Tools, run_series
from .workloads import BEST_EFFORT, SAME_WORK, TIERS, WORKLOADS_FILE, Settings, load_workloads

sys.path.append(str(ROOT / "tests" / "simulator"))
from profiles import Device, Profile
from simulator import Simulation, build_problem, profile_named
from waveforms import Waveform, constant, ramp, square

LETTERS = ("a", "b")
_WORK = Path("runs/gb10_vs_cloud_simulated")
_IDLE_WATTS = {"a": 40.0, "b": 25.0}
_STEP_SECONDS = {"a": 4.0, "b": 7.0}
# Each its own, so that the tier is shown as it is meant: other settings, the same held-out loss.
_TUNINGS: dict[str, Settings] = {"a": {"learning_rate": 3.0e-4}, "b": {"learning_rate": 2.5e-4}}


def device(letter: str, *, idle: bool) -> Device:
    """Device A, whose power is a mean over a second, or B, whose gauge looks at half of the time."""
    like = profile_named({"a": "h100", "b": "v100"}[letter]).devices[0]
    watts = _IDLE_WATTS[letter]
    work = {
        "a": (constant(watts), square(30.0, 260.0, 1.7, begin=0.0, duty=0.7)),
        "b": (constant(watts), ramp(0.0, 60.0, 0.0, 30.0), square(20.0, 170.0, 2.3, begin=0.0, duty=0.6)),
    }
    waveform = Waveform((constant(watts),) if idle else work[letter])
    numbers = dict(like.numbers) | {"busy_above_watts": watts + 15.0}
    return replace(like, name=f"Simulated device {letter.upper()}", waveform=waveform, numbers=numbers)


def machine(letter: str, *, idle: bool) -> Profile:
    """The same as a machine of its own."""
    return Profile(name=f"device-{letter}", devices=(device(letter, idle=idle),))


def launch_simulated(letter: str, folder: Path) -> Launch:
    """Trains in a process that meets the device at work from the moment it begins."""

    def begin(job: Job) -> int:
        simulation = Simulation(machine(letter, idle=False), folder)
        return launch(job, simulation.environment, _STEP_SECONDS[letter])

    return begin


def run_simulated(plan: Plan, letter: str, make_launch: Launch | None = None, clock: Clock | None = None) -> Path:
    """A series on one of the devices: at rest before and between the trainings, at work while one runs."""
    with tempfile.TemporaryDirectory(prefix="cardcallback-simulated-") as rest, tempfile.TemporaryDirectory() as work:
        simulation = Simulation(machine(letter, idle=True), Path(rest))
        started = make_launch if make_launch is not None else launch_simulated(letter, Path(work))
        with simulation.in_process(reset_nvml):
            return run_series(plan, Tools(gpu=machine_gpu(clock), launch=started, say=say))


def main(arguments: list[str] | None = None) -> int:
    """Run both devices' series."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workload", default="trial-270m", help="default: %(default)s")
    parser.add_argument("--tier", choices=TIERS, default=SAME_WORK, help="default: %(default)s")
    parser.add_argument("--records", type=Path, default=RECORDS, help="where records go (default: beside this file)")
    options = parser.parse_args(arguments)
    return told(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    problem = build_problem()
    if problem is not None:
        raise CardCallbackError(problem, exit_code=3)
    for letter in LETTERS:
        say(f"device {letter.upper()}, simulated")
        run_simulated(plan_for(letter, options.tier, options.workload, options.records), letter)
    return 0


def plan_for(letter: str, tier: str, workload: str, records: Path, work: Path = _WORK) -> Plan:
    """The series of one device, tuned for it in the tier that is."""
    workloads = load_workloads(WORKLOADS_FILE)
    return Plan(
        workloads=workloads,
        workload=workloads.named(workload),
        tier=tier,
        machine=f"{SIMULATED}device-{letter}",
        records=records,
        work=work,
        tuning=_TUNINGS[letter] if tier == BEST_EFFORT else {},
    )


if __name__ == "__main__":
    sys.exit(main())
