"""How right the GPU energy is, and how sure: random fault schedules on a driven clock. All of it simulated.

    python benchmarks/accuracy.py --schedules 500
    python benchmarks/accuracy.py --seed 17 --verbose
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys

from schedule_report import described, summarise, text, verdicts
from schedule_run import Outcome, run
from schedules import draw
from simulated import build_problem


def outcome_of(seed: int) -> Outcome:
    """Draw and run the schedule of one seed."""
    return run(draw(seed))


def main() -> int:
    """Run what the command line asks for; 1 if a budget is broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--schedules", type=int, default=500, help="how many (default: %(default)s)")
    parser.add_argument("--first-seed", type=int, default=0, help="seed of the first (default: %(default)s)")
    parser.add_argument("--seed", type=int, help="run this one alone")
    parser.add_argument("--verbose", action="store_true", help="with --seed: all that is known of it")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print data only")
    arguments = parser.parse_args()
    problem = build_problem()
    if problem is not None:
        print(problem, file=sys.stderr)
        return 1
    if arguments.seed is not None:
        if arguments.verbose:
            print(draw(arguments.seed))
        print(described(outcome_of(arguments.seed)))
        return 0
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.schedules)
    with multiprocessing.Pool(arguments.jobs) as pool:
        outcomes = sorted(pool.imap_unordered(outcome_of, seeds, chunksize=4), key=lambda one: one.seed)
    summary = summarise(outcomes)
    print(json.dumps(summary, indent=1) if arguments.json else text(summary))
    return 0 if all(kept for *_, kept in verdicts(summary)) else 1


if __name__ == "__main__":
    sys.exit(main())
