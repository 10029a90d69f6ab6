"""What many random fault schedules say together: how many intervals held, how wide they are, what they miss."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from typing import Any

from device_letters import legend, letter
from schedule_run import Outcome

HELD_SHARE = 0.99
WIDTH_MEDIAN, WIDTH_NINETIETH = 0.02, 0.05
ERROR_SHARE = 0.005
# A counter lives if it was read at both ends of the run: what lies outside is estimated from beside it.
_COUNTER_REACH_SECONDS = 2.5
_LIES = {"power zero", "power spike", "power stale"}
# Neither sensor is known to be the wrong one, so that there is no right value: the interval spans both.
_UNDECIDED = {"counter gain", "counter partial"}
_WORST = 8
_COLUMNS = ("held_share", "width_median", "width_90th_percentile", "error_median", "error_highest")


def counter_lives(outcome: Outcome) -> bool:
    """Whether a sound counter was read at both ends, of a device that was there all the time."""
    watch, faulty = outcome.counter, ("counter", "lost")
    if watch is None or any(name.startswith(faulty) and name != "counter errors" for name in outcome.faults):
        return False
    return max(watch.lead_seconds, watch.tail_seconds) <= _COUNTER_REACH_SECONDS


def gauge_sees_all(outcome: Outcome) -> bool:
    """Whether an honest gauge without blind moments was read often enough to miss nothing, from begin to end."""
    watch = outcome.gauge
    if watch is None or not outcome.gauge_sees_all or not _LIES.isdisjoint(outcome.faults):
        return False
    longest = max(watch.lead_seconds, watch.tail_seconds, watch.longest_pause_seconds)
    return longest <= outcome.gauge_window and _UNDECIDED.isdisjoint(outcome.faults)


def in_budget_class(outcome: Outcome) -> bool:
    """Whether the value itself has to be right, and not its interval alone."""
    return counter_lives(outcome) or gauge_sees_all(outcome)


def summarise(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Every figure of the report, ready for JSON."""
    figures = [one for one in outcomes if one.value is not None]
    lasting = [one for one in figures if one.lasts]
    rest = [one for one in figures if not one.lasts]
    budget = [one for one in figures if in_budget_class(one)]
    errors = sorted(abs(one.error or 0.0) for one in budget)
    return {
        "simulated": True,
        "devices": legend(one.device for one in outcomes),
        "schedules": len(outcomes),
        "without_a_figure": len(outcomes) - len(figures),
        "held": sum(one.held for one in figures),
        "held_share": _share(figures, _held),
        "without_an_upper_bound": sum(one.high is None for one in figures),
        "lasting": len(lasting),
        "lasting_held_share": _share(lasting, _held),
        "width_median": _quantile(_widths(lasting), 0.5),
        "width_90th_percentile": _quantile(_widths(lasting), 0.9),
        "width_90th_percentile_without_gain": _quantile(
            _widths([one for one in lasting if "counter gain" not in one.faults]), 0.9
        ),
        "excluded": len(rest),
        "excluded_held": sum(one.held for one in rest),
        "excluded_without_an_upper_bound": sum(one.high is None for one in rest),
        "budget_class": len(budget),
        "budget_class_share_within": _share(budget, lambda one: abs(one.error or 0.0) <= ERROR_SHARE),
        "budget_class_error_median": _quantile(errors, 0.5),
        "budget_class_error_99th_percentile": _quantile(errors, 0.99),
        "budget_class_error_highest": errors[-1] if errors else None,
        "by_device": _groups(figures, lambda one: (letter(one.device),)),
        "by_fault": _groups(figures, lambda one: one.faults or ("none",)),
        "by_only_fault": _groups([one for one in figures if len(one.faults) <= 1], lambda one: one.faults or ("none",)),
        "missed": [_line_of(one) for one in sorted(figures, key=_miss, reverse=True) if not one.held],
        "widest": [_line_of(one) for one in sorted(lasting, key=_width, reverse=True)[:_WORST]],
        "worst_errors": [_line_of(one) for one in sorted(budget, key=_error, reverse=True)[:_WORST]],
    }


def verdicts(summary: dict[str, Any]) -> list[tuple[str, float | None, str, bool]]:
    """(what, value, budget, kept) of each budget; a figure that nothing stands for keeps none."""

    def most(name: str, value: float | None, limit: float) -> tuple[str, float | None, str, bool]:
        return name, value, f"<= {limit:.1%}", value is not None and value <= limit

    held, within = summary["held_share"], summary["budget_class_share_within"]
    return [
        ("intervals that held", held, f">= {HELD_SHARE:.0%}", held is not None and held >= HELD_SHARE),
        most("width where a sensor lasts, median", summary["width_median"], WIDTH_MEDIAN),
        most("width where a sensor lasts, 90th percentile", summary["width_90th_percentile"], WIDTH_NINETIETH),
        ("errors within 0.5 % where one sensor is sound", within, "= 100%", within == 1.0),
    ]


def text(summary: dict[str, Any]) -> str:
    """The report for a terminal."""
    lines = [_head(summary)]
    for name, value, limit, kept in verdicts(summary):
        lines.append(f"  {name:48} {_percent(value):>9}  budget {limit}: {'kept' if kept else 'BROKEN'}")
    lines += [f"  {sentence}" for sentence in _sentences(summary)]
    lines += [f"  device {line}" for line in summary["devices"]]
    for title in ("by_device", "by_fault", "by_only_fault"):
        name = title.replace("_", " ")
        lines += ["", f"{name:16} schedules    held   width: median   90th   error: median   highest"]
        for group, row in summary[title].items():
            cells = [_percent(row[key]) for key in _COLUMNS]
            lines.append("{:16} {:9} {:>7} {:>15} {:>6} {:>15} {:>9}".format(group, row["count"], *cells))
    for title in ("missed", "widest", "worst_errors"):
        lines += ["", f"{title.replace('_', ' ')} (replay: --seed N --verbose)"]
        lines += [_row(row) for row in summary[title]]
    return "\n".join(lines)


def _head(summary: dict[str, Any]) -> str:
    return (
        f"{summary['schedules']} random fault schedules, simulated; {summary['without_a_figure']} without a figure, "
        f"{summary['without_an_upper_bound']} without an upper bound"
    )


def _sentences(summary: dict[str, Any]) -> list[str]:
    median, most, highest = (
        _percent(summary[f"budget_class_error_{name}"]) for name in ("median", "99th_percentile", "highest")
    )
    lasting = f"{summary['lasting']}; {_percent(summary['lasting_held_share'])} of these held"
    held, unbounded = summary["excluded_held"], summary["excluded_without_an_upper_bound"]
    without_gain = _percent(summary["width_90th_percentile_without_gain"])
    return [
        f"a sensor lasts (readings over 95 % of the run and until its end) in {lasting}",
        f"90th percentile of their widths without a counter at a wrong rate, which spans both sensors: {without_gain}",
        f"excluded from the widths: {summary['excluded']}; of these {held} held, {unbounded} had no upper bound",
        f"one sensor is sound in {summary['budget_class']}: error median {median}, 99th {most}, highest {highest}",
    ]


def markdown(summary: dict[str, Any]) -> str:
    """The budgets and the tables by device and by fault, for a document."""
    lines = [f"{_head(summary)}.", "", *(f"- {sentence}" for sentence in _sentences(summary)), ""]
    lines += [*(f"- device {line}" for line in summary["devices"]), ""]
    lines += ["| simulated, random faults | measured | budget | |", "|---|---|---|---|"]
    for name, value, limit, kept in verdicts(summary):
        lines.append(f"| {name} | {_percent(value)} | {limit} | {'kept' if kept else 'BROKEN'} |")
    for title in ("by_device", "by_fault"):
        heads = "schedules | held | width: median | 90th percentile | error: median | highest"
        lines += ["", f"| simulated, {title.replace('_', ' ')} | {heads} |", "|" + "---|" * 7]
        for name, row in summary[title].items():
            cells = [_percent(row[key]) for key in _COLUMNS]
            lines.append(f"| {name} | {row['count']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def described(outcome: Outcome) -> str:
    """One outcome in full, for a replay."""
    figure = f"no figure: {outcome.reason}"
    if outcome.value is not None:
        interval = f"[{outcome.low}, {outcome.high}], coverage {outcome.coverage}"
        figure = f"{outcome.value:.1f} J ({outcome.method}) in {interval}"
    faults = ", ".join(outcome.faults) or "none"
    doubts = f"error {_percent(outcome.error)}; width {_percent(outcome.width)}; lasts {outcome.lasts}"
    lines = [
        f"seed {outcome.seed}: device {letter(outcome.device)}, {outcome.duration:.1f} s, faults: {faults}",
        f"  truth {outcome.truth:.1f} J; {figure}",
        f"  held {outcome.held}; {doubts}",
        f"  value has to be right: {in_budget_class(outcome)}; counter {outcome.counter}; gauge {outcome.gauge}",
    ]
    return "\n".join([*lines, *(f"  note: {note}" for note in outcome.notes)])


def _held(outcome: Outcome) -> bool:
    return outcome.held


def _share(outcomes: Sequence[Outcome], of: Callable[[Outcome], bool]) -> float | None:
    return sum(of(one) for one in outcomes) / len(outcomes) if outcomes else None


def _widths(outcomes: Sequence[Outcome]) -> list[float]:
    return sorted(_width(one) for one in outcomes)


def _width(outcome: Outcome) -> float:
    # No upper bound is the widest of all.
    return math.inf if outcome.width is None else outcome.width


def _error(outcome: Outcome) -> float:
    return abs(outcome.error or 0.0)


def _miss(outcome: Outcome) -> float:
    """How far outside the interval the truth lies, as a share of it."""
    low = outcome.low if outcome.low is not None else -math.inf
    high = outcome.high if outcome.high is not None else math.inf
    return max(low - outcome.truth, outcome.truth - high) / outcome.truth


def _quantile(ordered: Sequence[float], share: float) -> float | None:
    """The smallest value that ``share`` of all do not exceed."""
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)] if ordered else None


def _groups(outcomes: Sequence[Outcome], names: Callable[[Outcome], Sequence[str]]) -> dict[str, dict[str, Any]]:
    grouped: dict[str, list[Outcome]] = {}
    for one in outcomes:
        for name in names(one):
            grouped.setdefault(name, []).append(one)
    return {name: _group(members) for name, members in sorted(grouped.items())}


def _group(members: Sequence[Outcome]) -> dict[str, Any]:
    widths = _widths([one for one in members if one.lasts])
    # Errors of the whole run: where part of it was not seen, that part is missing from the value.
    errors = [_error(one) for one in members]
    return {
        "count": len(members),
        "held_share": _share(members, _held),
        "width_median": _quantile(widths, 0.5),
        "width_90th_percentile": _quantile(widths, 0.9),
        "error_median": statistics.median(errors),
        "error_highest": max(errors),
    }


def _line_of(outcome: Outcome) -> dict[str, Any]:
    return {
        "seed": outcome.seed,
        "device": letter(outcome.device),
        "faults": list(outcome.faults),
        "seconds": round(outcome.duration, 1),
        "error": outcome.error,
        "width": outcome.width,
        "outside": _miss(outcome) if not outcome.held else 0.0,
    }


def _row(row: dict[str, Any]) -> str:
    outside = f"  outside by {row['outside']:.3%}" if row["outside"] else ""
    return (
        f"  seed {row['seed']:5} {row['device']:6} {row['seconds']:7.1f} s  error {_percent(row['error']):>9}  "
        f"width {_percent(row['width']):>8}{outside}  {', '.join(row['faults']) or 'no fault'}"
    )


def _percent(share: float | None) -> str:
    if share is None:
        return "none"
    if math.isinf(share):
        return "no bound"
    return f"{share:.1%}" if abs(share) >= 0.9995 or share == 0 else f"{share:.3%}"
