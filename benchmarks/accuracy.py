"""How right the GPU energy is, and how sure. All of it simulated.

    python benchmarks/accuracy.py --schedules 500          # random faults on a driven clock: a minute
    python benchmarks/accuracy.py --seed 17 --verbose      # one of them again
    python benchmarks/accuracy.py --peers 15 600           # beside codecarbon and zeus, on the real clock

``--peers`` needs the environment that ``make bench`` builds; without it this Python must have both.
"""

from __future__ import annotations

import argparse
import functools
import json
import multiprocessing
import os
import sys
from pathlib import Path

import comparison
import comparison_report
import schedule_report
from schedule_run import Outcome, run
from schedules import draw
from simulated import require_simulator


def outcome_of(seed: int, *, sampled: bool = False) -> Outcome:
    """Draw and run the schedule of one seed."""
    return run(draw(seed, sampled=sampled))


def main() -> int:
    """Run what the command line asks for; 1 if a budget is broken."""
    arguments = _arguments()
    require_simulator()
    if arguments.read is not None:
        return _show_comparison(json.loads(arguments.read.read_text(encoding="utf-8")), arguments)
    if arguments.peers:
        return _compare(arguments)
    if arguments.seed is not None:
        if arguments.verbose:
            print(draw(arguments.seed, sampled=arguments.sampled))
        print(schedule_report.described(outcome_of(arguments.seed, sampled=arguments.sampled)))
        return 0
    return _schedules(arguments)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    schedules = parser.add_argument_group("random fault schedules")
    schedules.add_argument("--schedules", type=int, default=500, help="how many (default: %(default)s)")
    schedules.add_argument("--first-seed", type=int, default=0, help="seed of the first (default: %(default)s)")
    schedules.add_argument("--seed", type=int, help="run this one alone")
    schedules.add_argument("--verbose", action="store_true", help="with --seed: the schedule itself too")
    schedules.add_argument("--sampled", action="store_true", help="all of the device whose driver keeps its readings")
    schedules.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (default: %(default)s)")
    peers = parser.add_argument_group("beside codecarbon and zeus")
    peers.add_argument("--peers", type=float, nargs="+", metavar="SECONDS", help="lengths of the runs, such as 15 600")
    peers.add_argument("--together", type=int, default=3, help="cases at a time, each four processes (default: 3)")
    peers.add_argument("--python", default=comparison.default_python(), help="the Python that has them")
    peers.add_argument("--read", type=Path, metavar="FILE", help="show what an earlier --peers --json printed")
    parser.add_argument("--json", action="store_true", help="print data only")
    parser.add_argument("--markdown", action="store_true", help="print tables for a document")
    return parser.parse_args()


def _schedules(arguments: argparse.Namespace) -> int:
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.schedules)
    drawn = functools.partial(outcome_of, sampled=arguments.sampled)
    with multiprocessing.Pool(arguments.jobs) as pool:
        outcomes = sorted(pool.imap_unordered(drawn, seeds, chunksize=4), key=lambda one: one.seed)
    summary = schedule_report.summarise(outcomes)
    show = schedule_report.markdown if arguments.markdown else schedule_report.text
    print(json.dumps(summary, indent=1) if arguments.json else show(summary))
    return 0 if all(kept for *_, kept in schedule_report.verdicts(summary)) else 1


def _compare(arguments: argparse.Namespace) -> int:
    results = []
    for seconds in arguments.peers:
        results += comparison.compare(comparison.cases(seconds), arguments.python, arguments.together)
    return _show_comparison({"machine": comparison.load_note(), "results": results}, arguments)


def _show_comparison(data: dict[str, object], arguments: argparse.Namespace) -> int:
    results = data["results"]
    if not isinstance(results, list):
        print("the file holds no results of --peers --json", file=sys.stderr)
        return 1
    if arguments.json:
        groups = comparison_report.grouped(results)
        data = data | {"summary": {str(seconds): comparison_report.summary(rows) for seconds, rows in groups.items()}}
        print(json.dumps(data, indent=1))
    else:
        print(comparison_report.text(results, markdown=arguments.markdown), f"\nMachine: {data['machine']}.")
    return 0 if comparison_report.kept(results) else 1


if __name__ == "__main__":
    sys.exit(main())
