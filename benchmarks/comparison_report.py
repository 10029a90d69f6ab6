"""The comparison of tools as tables: errors, what cardcallback says of its own, what peers raise, who is closest."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from typing import Any

from device_letters import legend, letter

OURS = "cardcallback"
_HEADS = ("device", "fault", OURS, "interval", "held", "codecarbon", "codecarbon, 1 s", "zeus", "closest")
_COST_HEADS = ("tool", "start: median", "highest", "stop: median", "highest", "processor time a run: median")
# What the counter's refresh alone may move a figure by: a tenth of a second at either end.
_REFRESH_SECONDS = 0.1

Row = dict[str, Any]


def error(row: Row) -> float | None:
    """How far the tool's energy is from the truth of its window, while the device was there; ``None``: no energy."""
    joules = row.get("joules")
    return None if joules is None or not row.get("measurable") else joules / row["measurable"] - 1


def held(row: Row) -> bool | None:
    """Whether the stated interval holds the truth of the whole window; ``None`` where none is stated."""
    low, high = row.get("low"), row.get("high")
    if low is None:
        return None
    return low <= row["truth"] and (high is None or row["truth"] <= high)


def kept(results: Sequence[Row]) -> bool:
    """Whether ours ran and did what it promises: in every case it stated an interval, which held."""
    ours = [row for row in results if row["tool"] == OURS]
    return bool(ours) and all(held(row) is True and not row.get("raised") for row in ours)


def closest(rows: Sequence[Row]) -> Row | None:
    """The result with the smallest error, however small the difference; ``None`` if no tool gave any."""
    known = [row for row in rows if error(row) is not None]
    return min(known, key=_distance) if known else None


def tied(rows: Sequence[Row]) -> list[str]:
    """The tools that the counter's refresh at both ends does not tell from the closest, that one included."""
    best = closest(rows)
    if best is None:
        return []
    reach = _distance(best) + 2 * _REFRESH_SECONDS / best["seconds"]
    return [row["tool"] for row in rows if error(row) is not None and _distance(row) <= reach]


def lead(rows: Sequence[Row]) -> str:
    """Whose the case is: "ours", "peers" or "none"; a "tie" where a refresh explains the lead of either side."""
    best, near = closest(rows), tied(rows)
    if best is None:
        return "none"
    if OURS not in near:
        return "peers"
    return "tie" if len(near) > 1 else "ours"


def grouped(results: Sequence[Row]) -> dict[float, dict[tuple[str, str], list[Row]]]:
    """Results by length of run, then by (device, fault), in the order given."""
    groups: dict[float, dict[tuple[str, str], list[Row]]] = {}
    for row in results:
        groups.setdefault(row["seconds"], {}).setdefault((row["device"], row["fault"]), []).append(row)
    return groups


def summary(by_case: dict[tuple[str, str], list[Row]]) -> dict[str, Any]:
    """Who led clearly how often, how many cases are ties, and how many of our intervals held."""
    clear: dict[str, int] = {}
    leads = [lead(rows) for rows in by_case.values()]
    for rows, whose in zip(by_case.values(), leads, strict=True):
        best = closest(rows)
        if best is not None and whose != "tie":
            clear[best["tool"]] = clear.get(best["tool"], 0) + 1
    stated = [held(row) for rows in by_case.values() for row in rows if held(row) is not None]
    return {
        "simulated": True,
        "cases": len(by_case),
        "closest": dict(sorted(clear.items())),
        "ties": leads.count("tie"),
        "peers_closer_beyond_refresh": leads.count("peers"),
        "intervals_stated": len(stated),
        "intervals_held": sum(map(bool, stated)),
    }


def text(results: Sequence[Row], *, markdown: bool = False) -> str:
    """The devices by letter, then both tables for each length of run."""
    parts = ["\n".join(f"- {line}" for line in legend(row["device"] for row in results))]
    for seconds, by_case in grouped(results).items():
        name = length(seconds)
        cells = [_cells(case, rows) for case, rows in by_case.items()]
        costs = list(_costs([row for rows in by_case.values() for row in rows]))
        parts += [
            _title(f"Error of the GPU energy, runs of {name} (simulated)", markdown=markdown),
            _table(_HEADS, cells, markdown=markdown),
            _sentence(summary(by_case)),
            _title(f"What it costs to start and to stop, runs of {name} (simulated)", markdown=markdown),
            _table(_COST_HEADS, costs, markdown=markdown),
        ]
        raised = list(_raised(by_case))
        if raised:
            parts += [_title(f"What was raised, runs of {name} (simulated)", markdown=markdown), "\n".join(raised)]
    return "\n\n".join(parts)


def length(seconds: float) -> str:
    """A run's length in words."""
    if seconds < 120:
        return f"{seconds:g} s"
    return f"{seconds / 60:g} min" if seconds < 7200 else f"{seconds / 3600:g} h"


def _cells(case: tuple[str, str], rows: Sequence[Row]) -> list[str]:
    by_tool = {row["tool"]: row for row in rows}
    ours = by_tool.get(OURS, {})
    best = closest(rows)
    return [
        letter(case[0]),
        case[1],
        _error_cell(ours),
        _interval_cell(ours),
        {True: "yes", False: "NO", None: "none stated"}[held(ours)],
        *(_error_cell(by_tool.get(tool, {})) for tool in _HEADS[5:8]),
        "none" if best is None else f"tie: {best['tool']}" if lead(rows) == "tie" else best["tool"],
    ]


def _distance(row: Row) -> float:
    return abs(error(row) or 0.0)


def _error_cell(row: Row) -> str:
    if row.get("raised"):
        return f"raises at {row.get('stage', 'start')}"
    found = error(row)
    if found is None:
        return "no figure"
    coverage = row.get("coverage")
    partly = f" of {coverage:.0%}" if coverage is not None and coverage < 0.995 else ""
    return f"{found:+,.2%}{partly}" if abs(found) < 1 else f"{found:+,.0%}{partly}"


def _interval_cell(row: Row) -> str:
    if row.get("low") is None or not row.get("joules"):
        return "none"
    if row.get("high") is None:
        return f"from {row['low'] / row['joules'] - 1:+.1%}, no upper bound"
    return f"{row['low'] / row['joules'] - 1:+.2%} to {row['high'] / row['joules'] - 1:+.2%}"


def _sentence(figures: dict[str, Any]) -> str:
    wins = ", ".join(f"{tool} {count}" for tool, count in figures["closest"].items())
    return (
        f"Closest to the truth in {figures['cases']} cases, by more than a counter's refresh explains: "
        f"{wins or 'nobody'}; ties of cardcallback and a peer within that: {figures['ties']}. "
        f"cardcallback stated {figures['intervals_stated']} intervals, of which {figures['intervals_held']} held; "
        "the peers state none."
    )


def _costs(rows: Sequence[Row]) -> Iterator[list[str]]:
    for tool in dict.fromkeys(row["tool"] for row in rows):
        done = [row for row in rows if row["tool"] == tool and "stop_seconds" in row]
        if not done:
            yield [tool, *["-"] * 5]
            continue
        starts = [row["construction_seconds"] + row["start_seconds"] for row in done]
        stops = [row["stop_seconds"] for row in done]
        used = [row["processor_seconds"] for row in done]
        yield [
            tool,
            *(f"{value:.3f} s" for value in (statistics.median(starts), max(starts))),
            *(f"{value:.3f} s" for value in (statistics.median(stops), max(stops), statistics.median(used))),
        ]


def _raised(by_case: dict[tuple[str, str], list[Row]]) -> Iterator[str]:
    seen: dict[tuple[str, str, str], list[str]] = {}
    for (device, fault), rows in by_case.items():
        for row in rows:
            if row.get("raised"):
                key = (row["tool"], row.get("stage", "start"), row["raised"])
                seen.setdefault(key, []).append(f"{letter(device)}, {fault}")
    for (tool, stage, raised), where in seen.items():
        yield f"- {tool} at {stage}: `{raised}` ({'; '.join(where)})"


def _title(words: str, *, markdown: bool) -> str:
    return f"#### {words}" if markdown else words


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, markdown: bool) -> str:
    if markdown:
        lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
        return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])
    widths = [max(len(row[place]) for row in [heads, *rows]) for place in range(len(heads))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in [heads, *rows]
    )
