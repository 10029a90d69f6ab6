"""A line for each computer of a job that ran on several."""

from __future__ import annotations

from collections import Counter

from cardcallback.record import Measurement, Node, RunRecord
from cardcallback.render.figures import energy_figure
from cardcallback.render.text import TIMES, escape_markdown, join_words, sentence
from cardcallback.units import format_bytes, format_duration, format_ranks

# More than anyone reads; the record has all of them.
_MOST_LINES = 16


def computer_lines(record: RunRecord) -> list[tuple[str, str]]:
    """What each computer had and used, told by the numbers of its processes."""
    if len(record.nodes) < 2:
        return []
    lines = [(f"Computer of {format_ranks(node.ranks)}", _computer(node)) for node in record.nodes[:_MOST_LINES]]
    more = len(record.nodes) - len(lines)
    return [*lines, ("Further computers", f"{more:,}, in the record.")] if more else lines


def _computer(node: Node) -> str:
    kinds = Counter(node.accelerators).items()
    parts = [join_words([f"{count} {TIMES} {escape_markdown(name)}" for name, count in kinds]) or "no GPU measured"]
    if node.gpu_energy_joules is not None:
        parts.append(f"GPU energy {energy_figure(_gpu_energy(node))} in {format_duration(node.duration_seconds)}")
    if node.memory_peak_bytes is not None:
        parts.append(f"peak memory in use {format_bytes(node.memory_peak_bytes)}")
    partial = f" {sentence(node.partial_reason)}" if node.partial_reason else ""
    return f"{', '.join(parts)}.{partial}"


def _gpu_energy(node: Node) -> Measurement:
    return Measurement(
        value=node.gpu_energy_joules,
        unit="joules",
        recording_low=node.gpu_energy_low_joules,
        recording_high=node.gpu_energy_high_joules,
        coverage=node.gpu_energy_coverage,
        source="the computer's own record",
        method="calculated",
    )
