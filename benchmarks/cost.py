"""What measuring costs: processor and driver time, memory over a long run, import. Devices are simulated.

    python benchmarks/cost.py                  # all of it: a quarter of an hour
    python benchmarks/cost.py --only import processor

What the callback adds to a training step, its begin and its end: benchmarks/overhead.py.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

from cost_recorder import Figure, driver, memory, processor
from device_letters import legend
from simulated import ROOT, require_simulator

_DEVICES = ("gb10", "h100", "a100", "p100", "p100-samples")
_VERDICTS = {True: "kept", False: "BROKEN", None: ""}


def importing(pairs: int) -> list[Figure]:
    """``import cardcallback`` beyond the bare interpreter: medians over pairs in alternating order."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])}
    commands = {"bare": [sys.executable, "-c", "pass"], "import": [sys.executable, "-c", "import cardcallback"]}
    for command in commands.values():
        _spent(command, environment)  # byte code is written once
    wall, used = [], []
    for pair in range(pairs):
        order = sorted(commands, reverse=bool(pair % 2))
        spent = {name: _spent(commands[name], environment) for name in order}
        wall.append(spent["import"][0] - spent["bare"][0])
        used.append(spent["import"][1] - spent["bare"][1])
    return [
        Figure(name="import, time", value=1e3 * statistics.median(wall), unit="ms", budget=30.0),
        Figure(name="import, processor time (steadier)", value=1e3 * statistics.median(used), unit="ms", budget=30.0),
    ]


def _spent(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Seconds by the clock and of processor time that a command takes."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    took = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return took, usage.ru_utime + usage.ru_stime


def main() -> int:
    """Measure what the command line asks for; 1 if a budget is broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = ("import", "processor", "driver", "memory")
    parser.add_argument("--only", nargs="+", choices=parts, default=parts, help="parts (default: all)")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each processor-time run (default: %(default)s)")
    parser.add_argument("--days", type=float, default=30.0, help="of the memory run, simulated (default: %(default)s)")
    parser.add_argument("--pairs", type=int, default=31, help="of imports (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print data only")
    arguments = parser.parse_args()
    require_simulator()
    measure: dict[str, Callable[[], list[Figure]]] = {
        "import": lambda: importing(arguments.pairs),
        "processor": lambda: processor(arguments.seconds),
        "driver": driver,
        "memory": lambda: memory(arguments.days),
    }
    figures = [figure for part in parts if part in arguments.only for figure in measure[part]()]
    print(
        json.dumps([vars(one) | {"kept": one.kept} for one in figures], indent=1) if arguments.json else table(figures)
    )
    return 0 if all(one.kept is not False for one in figures) else 1


def table(figures: list[Figure]) -> str:
    """One figure a line, beside its budget, and what the simulated devices are."""
    lines = []
    for one in figures:
        verdict = "" if one.budget is None else f"  budget {_shown(one.budget, one.unit):>8}: {_VERDICTS[one.kept]}"
        lines.append(f"{one.name:44} {_shown(one.value, one.unit):>10}{verdict}")
    return "\n".join([*lines, *(f"device {line} (simulated)" for line in legend(_DEVICES))])


def _shown(value: float, unit: str) -> str:
    return f"{value:.3%}" if unit == "share" else f"{value:.2f} {unit}"


if __name__ == "__main__":
    sys.exit(main())
