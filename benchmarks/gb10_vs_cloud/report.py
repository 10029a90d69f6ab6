"""Makes a report of all records: python -m benchmarks.gb10_vs_cloud.report."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from cardcallback.carbon import chosen_factor
from cardcallback.compare import Comparison, compare_runs
from cardcallback.errors import CardCallbackError
from cardcallback.record import CarbonFactor
from cardcallback.render.comparison import comparison_markdown
from cardcallback.render.comparison.picture import draw_comparison
from cardcallback.render.text import escape_markdown, table_row
from cardcallback.settings.checks import own_factors
from cardcallback.units import format_duration, format_power
from cardcallback.writing import write_atomically

from .gather import Contest, Entry, gather
from .layout import RECORDS
from .published import load_published, published_table
from .run import say, told
from .workloads import BEST_EFFORT

REPORT = Path(__file__).with_name("report")
_METHOD = Path(__file__).with_name("method.md")
_LONGEST = 300
_TITLE = "# GB10 and cloud GPUs on the same work"
_NONE_MEASURED = (
    "No record of a real machine has been submitted yet: all figures of ours below are simulated. They show what the "
    "harness and its report do, and say nothing about any device that can be bought."
)
_OF_A_PROCESSOR = (
    "**Simulated.** A processor trained, and a library in the driver's place played the meter of a GPU. Watts are made "
    "up, and so is the least time of a step; steps that took longer, and with them the spread of time and energy, are "
    "the processor's and its other work's."
)
_PUBLISHED = (
    "## What others measured\n\nOther work, on other machines, with other instruments and scopes: to be read, and not "
    "to be divided by each other or by anything above."
)


def main(arguments: list[str] | None = None) -> int:
    """Write the report; 0, or 1 or 3 with one line that says what to do."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=Path, default=RECORDS, help="default: beside this file")
    parser.add_argument("--output", type=Path, default=REPORT, help="folder of the report (default: beside this file)")
    parser.add_argument("--location", help="one grid for all, for CO2e: DE, US-CA, gcp/us-central1, ...")
    parser.add_argument("--factors", type=Path, help="CSV file of your own factors (docs/carbon.md), for --location")
    options = parser.parse_args(arguments)
    return told(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    path = write_report(options.records, options.output, _factor(options.location, options.factors))
    say(f"report: {path}")
    return 0


def _factor(location: str | None, factors: Path | None) -> CarbonFactor | None:
    if factors is None:
        return chosen_factor(location, None)
    if location is None:
        msg = "--factors needs a place of its rows: give --location too"
        raise CardCallbackError(msg)
    return chosen_factor(location, None, own_factors(factors))


def write_report(records: Path, output: Path, factor: CarbonFactor | None = None) -> Path:
    """Write README.md and a picture for each comparison, and return the former's path.

    Args:
        records: where the machines' records lie.
        output: the report's folder.
        factor: grams of CO2e per kWh for all machines; without one there is no CO2e.

    Raises:
        CardCallbackError: there are no records, or something cannot be read or written.
    """
    contests = gather(records)
    output.mkdir(parents=True, exist_ok=True)
    parts = [_TITLE]
    if all(contest.simulated for contest in contests):
        parts.append(_NONE_MEASURED)
    for contest in contests:
        parts += _section(contest, output, factor)
    parts += [_PUBLISHED, published_table(load_published()), _METHOD.read_text(encoding="utf-8").rstrip()]
    path = output / "README.md"
    write_atomically(path, "\n\n".join(parts) + "\n")
    return path


def _section(contest: Contest, output: Path, factor: CarbonFactor | None) -> Iterator[str]:
    mark = " (simulated)" if contest.simulated else ""
    yield f"## {contest.workload}, {contest.tier}{mark}"
    if contest.simulated:
        yield _OF_A_PROCESSOR
    records = contest.records
    comparison = compare_runs(records, factor=factor, target_loss=contest.target) if len(records) > 1 else None
    yield _machines(contest, comparison)
    yield from _doubts(contest)
    if comparison is None:
        yield "Fewer than two completed runs: nothing to compare."
        return
    yield _demoted(comparison_markdown(comparison)).rstrip()
    name = f"{contest.workload}-{contest.tier}{'-simulated' if contest.simulated else ''}.png"
    draw_comparison(comparison, output / name)
    yield f"![{contest.workload}, {contest.tier}{mark}: figures of each machine as in the table]({name})"


def _machines(contest: Contest, comparison: Comparison | None) -> str:
    mark = " (simulated)" if contest.simulated else ""
    columns = ("", f"machine{mark}", "repeats", "failed or stopped", "at rest", "cool-downs", "held back")
    lines = [table_row(*columns), table_row(*["---"] * len(columns))]
    for entry in contest.entries:
        cells = (
            _letters(entry, comparison),
            entry.series.machine,
            f"{len(entry.records)}",
            _failures(entry),
            ", ".join(format_power(one.watts_mean) for one in entry.series.idle) or "not known",
            _cool_downs(entry),
            " ".join(dict.fromkeys(words for one in entry.attempts.values() for words in one.health)) or "no",
        )
        lines.append(table_row(*(escape_markdown(cell, _LONGEST) for cell in cells)))
    return "\n".join(lines)


def _letters(entry: Entry, comparison: Comparison | None) -> str:
    own = {record.run_id for record in entry.records}
    groups = comparison.groups if comparison is not None else ()
    return ", ".join(group.letter for group in groups if own & set(group.run_ids)) or "–"


def _failures(entry: Entry) -> str:
    told = [f"{name}: {one.reason or one.status}" for name, one in entry.attempts.items() if one.status != "completed"]
    return "; ".join(told) or "none"


def _cool_downs(entry: Entry) -> str:
    waits = [attempt.cool_down for attempt in entry.attempts.values() if attempt.cool_down is not None]
    if not waits:
        return "none"
    longest = format_duration(max(wait.seconds for wait in waits))
    missed = sum(not wait.reached for wait in waits)
    return f"{longest} at most" + (f"; {missed} ended before the GPU was at rest" if missed else "")


def _doubts(contest: Contest) -> Iterator[str]:
    """What a comparison of records cannot know: how each was tuned, and whether data and weights were the same."""
    if contest.tier == BEST_EFFORT:
        tunings = (f"{entry.series.machine} {_tuning(entry)}" for entry in contest.entries)
        yield f"Tuned: {escape_markdown('; '.join(tunings), _LONGEST)}."
    data = {entry.series.data_sha256 for entry in contest.entries}
    if len(data) == 1:
        yield f"All were given the same examples (SHA-256 {next(iter(data))[:16]}…), which no record can tell."
    else:
        yield "Not all were given the same examples: their records are of different versions of this workload."
    attempts = [attempt for entry in contest.entries for attempt in entry.attempts.values()]
    weights = sorted({attempt.weights for attempt in attempts if attempt.weights})
    told = escape_markdown(", ".join(weights), _LONGEST)
    yield f"Weights: {told}." if len(weights) == 1 else f"Not all began from the same weights: {told or 'not known'}."
    notes = {f"{entry.series.machine}: {note}" for entry in contest.entries for note in entry.series.notes}
    if notes:
        yield f"Before the first run: {escape_markdown('; '.join(sorted(notes)), _LONGEST)}."


def _tuning(entry: Entry) -> str:
    return ", ".join(f"{name} {value}" for name, value in entry.series.tuning.items()) or "as same-work"


def _demoted(markdown: str) -> str:
    return re.sub(r"^#", "##", markdown, flags=re.MULTILINE)


if __name__ == "__main__":
    sys.exit(main())
