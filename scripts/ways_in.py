"""Tries the ways in that this Python can run, and makes the table of docs/ways_in.md from what was found.

    python scripts/ways_in.py run                 # every way whose packages are here: a JSON file each
    python scripts/ways_in.py run sft trainer     # these
    python scripts/ways_in.py render              # docs/ways_in.md from the JSON files
    python scripts/ways_in.py list                # the ways, and what each needs that is not here

A way is a file of tests/ways/registry; tests/ways/way.py says what such a file has.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests" / "ways"), str(ROOT / "tests" / "simulator")]

from simulator import build_problem  # noqa: E402 - found by the lines above
from table import FOLDER, PAGE, read_results, rendered  # noqa: E402 - as above
from trial import WayFailedError, try_way  # noqa: E402 - as above
from way import identifiers, load, missing  # noqa: E402 - as above


def main() -> int:
    """Do what the command line asks for; 1 where a way fails or a cell does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("run", "render", "list"))
    parser.add_argument("ways", nargs="*", metavar="WAY", help="these only (default: all that can run here)")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.ways) - set(identifiers()))
    if unknown:
        parser.error(f"no such way: {', '.join(unknown)} (there are: {', '.join(identifiers())})")
    if arguments.action == "render":
        PAGE.write_text(rendered(read_results()), encoding="utf-8")
        return 0
    chosen = arguments.ways or identifiers()
    if arguments.action == "list":
        return _list(chosen)
    return _run(chosen, asked_for=bool(arguments.ways))


def _list(chosen: list[str] | tuple[str, ...]) -> int:
    for identifier in chosen:
        lacking = missing(load(identifier))
        print(f"{identifier}: {'can run here' if not lacking else 'needs ' + ', '.join(lacking)}")
    return 0


def _run(chosen: list[str] | tuple[str, ...], *, asked_for: bool) -> int:
    problem = build_problem()
    if problem is not None:
        print(problem, file=sys.stderr)
        return 1
    good = True
    for identifier in chosen:
        lacking = missing(load(identifier))
        if lacking:
            print(f"{identifier}: skipped: needs {', '.join(lacking)}", flush=True)
            good = good and not asked_for
            continue
        good = _try(identifier) and good
    return 0 if good else 1


def _try(identifier: str) -> bool:
    print(f"{identifier}: training ...", flush=True)
    try:
        result = try_way(identifier)
    except WayFailedError as error:
        print(f"{identifier}: failed:\n{error}", file=sys.stderr)
        return False
    FOLDER.mkdir(exist_ok=True)
    text = json.dumps(result, indent=1, ensure_ascii=False) + "\n"
    (FOLDER / f"{identifier}.json").write_text(text, encoding="utf-8")
    for name, cell in result["cells"].items():
        print(f"  {name}: {'holds' if cell['holds'] else cell['why']}", flush=True)
    return all(cell["holds"] is not False for cell in result["cells"].values())


if __name__ == "__main__":
    sys.exit(main())
