"""What is left of the energy where calls to the driver, or our own wake-ups, are dear. All of it simulated.

    python benchmarks/slow_calls.py                        # calls of 20 ms, runs of 15 s to 1 h: a minute or two
    python benchmarks/slow_calls.py --devices p100 --call-seconds 4e-5 --wake-up-seconds 1.5e-4

On a driven clock, with random work; a device stands for how its sensors behave, by letter. Nothing is broken in these
runs, so that none has a gap, and the recording intervals are to hold as ever.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
import sys

from device_letters import legend, letter
from random_devices import KINDS, SAMPLED, random_work
from schedule_run import Outcome, run
from schedules import QUIET_WAKE_UP_SECONDS, Schedule, SlowCalls
from simulated import require_simulator

_DEVICES = ("p100", "p100-samples", "gb10", "a100")
_BEGIN_SECONDS = 40.0
_QUICK_SECONDS = 1e-4
_HELD_SHARE = 0.99
_HEADER = (
    "| device | run | error: median | 90th percentile | highest | width: median | held | with gaps | power calls "
    "| driver's time |"
)


def outcome_of(
    device: str, seconds: float, call_seconds: float, seed: int, wake_up_seconds: float = QUIET_WAKE_UP_SECONDS
) -> Outcome:
    """One run of random work beside a driver that is slow throughout."""
    kind = next(one for one in (*KINDS, SAMPLED) if one.name == device)
    schedule = Schedule(
        seed=seed,
        kind=kind,
        begin=_BEGIN_SECONDS,
        duration=seconds,
        work=random_work(random.Random(seed), kind.highest_watts, _BEGIN_SECONDS, _BEGIN_SECONDS + seconds),  # noqa: S311
        call_seconds=min(call_seconds, _QUICK_SECONDS),
        wake_up_seconds=wake_up_seconds,
        jitter_seconds=1e-3,
        noise_watts=1e-3 * kind.highest_watts,
        faults=["slow calls"],
    )
    if call_seconds > _QUICK_SECONDS:
        schedule.slow.append(SlowCalls(begin=-math.inf, end=math.inf, seconds=call_seconds))
    return run(schedule)


def row(device: str, seconds: float, outcomes: list[Outcome]) -> str:
    """A table's line: errors and widths as shares, how many intervals held, and the driver's share of the time.

    A run without a figure is as wrong, and one without a bound as wide, as can be.
    """
    errors = sorted(math.inf if one.error is None else abs(one.error) for one in outcomes)
    widths = [math.inf if one.width is None else one.width for one in outcomes]
    calls = statistics.mean(0 if one.gauge is None else one.gauge.calls for one in outcomes)
    tenth = errors[min(len(errors) * 9 // 10, len(errors) - 1)]
    cells = (
        letter(device),
        f"{seconds:g} s",
        f"{statistics.median(errors):.2%}",
        f"{tenth:.2%}",
        f"{errors[-1]:.2%}",
        f"{statistics.median(widths):.1%}",
        f"{sum(one.held for one in outcomes)} of {len(outcomes)}",
        f"{sum(one.coverage != 1.0 for one in outcomes)}",
        f"{calls:.0f}",
        f"{statistics.median(one.driver_share for one in outcomes):.3%}",
    )
    return f"| {' | '.join(cells)} |"


def broken(outcomes: list[Outcome]) -> list[str]:
    """What is not as it has to be: too few intervals that held, and gaps where nothing was lost."""
    found = []
    if sum(one.held for one in outcomes) < _HELD_SHARE * len(outcomes):
        found.append(f"fewer than {_HELD_SHARE:.0%} of the intervals held")
    if any(one.coverage != 1.0 for one in outcomes):
        found.append("pauses that were planned count as gaps")
    return found


def main() -> int:
    """Print the table; 1 if the simulator cannot be built, or something is not as it has to be."""
    arguments = _arguments()
    require_simulator()
    print(*(f"- {line}" for line in legend(arguments.devices)), sep="\n", end="\n\n")
    print(_HEADER, "|---" * _HEADER.count(" |"), sep="\n", end="|\n")
    everything = []
    for device in arguments.devices:
        for seconds in arguments.seconds:
            seeds = range(arguments.runs)
            call_seconds, wake_up_seconds = arguments.call_seconds, arguments.wake_up_seconds
            outcomes = [outcome_of(device, seconds, call_seconds, seed, wake_up_seconds) for seed in seeds]
            print(row(device, seconds, outcomes), flush=True)
            everything += outcomes
    problems = broken(everything)
    print(*(f"\nBROKEN: {one}" for one in problems), sep="")
    return 1 if problems else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--seconds", type=float, nargs="+", default=[15.0, 60.0, 600.0, 3600.0], help="how long runs are"
    )
    parser.add_argument("--devices", nargs="+", choices=_DEVICES, default=_DEVICES, help="which (default: all)")
    parser.add_argument(
        "--wake-up-seconds", type=float, default=QUIET_WAKE_UP_SECONDS, help="of our own time (default: %(default)s)"
    )
    parser.add_argument("--call-seconds", type=float, default=0.02, help="how long a call takes (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=100, help="runs of each kind (default: %(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
