"""Runs a command on a simulated machine: python tests/simulator/run_simulated.py --profile gb10 -- COMMAND..."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from simulator import PROFILE_NAMES, Simulation, build_problem, profile_named

_NOT_FOUND = 127


def main(arguments: list[str] | None = None) -> int:
    """Run the command and give its exit code; 1 where the simulator cannot be built, 127 without a command."""
    parser = argparse.ArgumentParser(description="Run a command on a simulated machine.")
    parser.add_argument("--profile", default="gb10", choices=PROFILE_NAMES, help="which machine")
    parser.add_argument("command", nargs="+", metavar="COMMAND", help="after --: the command and its arguments")
    options = parser.parse_args(arguments)
    problem = build_problem()
    if problem is not None:
        sys.stderr.write(f"{problem}\n")
        return 1
    command = shutil.which(options.command[0])
    if command is None:
        sys.stderr.write(f"{options.command[0]}: command not found\n")
        return _NOT_FOUND
    with tempfile.TemporaryDirectory(prefix="cardcallback-simulated-") as folder:
        simulation = Simulation(profile_named(options.profile), Path(folder))
        done = subprocess.run([command, *options.command[1:]], env=os.environ | simulation.environment, check=False)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
