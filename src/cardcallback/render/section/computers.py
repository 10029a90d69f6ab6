"""A line for each computer of a job that ran on several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from cardcallback.record import Accelerator, Measurement, Node, RunRecord, is_only_a_part
from cardcallback.render.figures import energy_figure, is_known, run_energy
from cardcallback.render.text import TIMES, escape_markdown, join_words, sentence
from cardcallback.units import HERTZ_PER_MEGAHERTZ, format_bytes, format_duration, format_number, format_ranks

# More than anyone reads; the record has all of them.
_MOST_LINES = 16


def computer_lines(record: RunRecord) -> list[tuple[str, str]]:
    """What each computer had and used, told by the numbers of its processes; the first one's GPUs have own lines."""
    if len(record.nodes) < 2:
        return []
    parts = list(zip(record.nodes, _devices(record), strict=True))[:_MOST_LINES]
    first = record.nodes[0]
    lines = [
        (
            f"Computer of {format_ranks(node.ranks)}",
            _same(record, node) + _computer(record, node, devices, tells_state=node is not first),
        )
        for node, devices in parts
    ]
    more = len(record.nodes) - len(lines)
    return [*lines, ("Further computers", f"{more:,}, in the record.")] if more else lines


def _devices(record: RunRecord) -> Iterator[tuple[Accelerator, ...]]:
    """Each node's own among the devices of the newest session, where they are all there."""
    devices = record.sessions[-1].hardware.accelerators
    begin = 0
    for node in record.nodes:
        end = begin + len(node.accelerators)
        found = devices[begin:end]
        yield found if tuple(one.name for one in found) == node.accelerators else ()
        begin = end


def _same(record: RunRecord, node: Node) -> str:
    """Which node before it ran on the same computer."""
    first = node if node.computer is None else record.nodes[node.computer]
    return "" if first.ranks == node.ranks else f"The same computer as that of {format_ranks(first.ranks)}: "


def _computer(record: RunRecord, node: Node, devices: Sequence[Accelerator], *, tells_state: bool) -> str:
    kinds = Counter(node.accelerators).items()
    none = "no GPU measured" if node.gpus_of is None else "its GPUs are measured there already"
    parts = [join_words([f"{count} {TIMES} {escape_markdown(name)}" for name, count in kinds]) or none]
    if node.gpu_energy_joules is not None:
        energy = f"GPU energy {run_energy(record, _gpu_energy(node))} in {format_duration(node.duration_seconds)}"
        parts.append(energy + _each(devices))
    if node.memory_peak_bytes is not None:
        parts.append(f"peak memory in use {format_bytes(node.memory_peak_bytes)}")
    partial = f" {sentence(node.partial_reason)}" if node.partial_reason else ""
    if tells_state:
        parts += _clocks_and_heat(devices)
    return f"{', '.join(parts)}.{partial}{_state(devices) if tells_state else ''}"


def _each(devices: Sequence[Accelerator]) -> str:
    """The least and the most that one of several GPUs used."""
    energies = [device.energy for device in devices]
    if len(energies) < 2 or any(not is_known(energy) or is_only_a_part(energy) for energy in energies):
        return ""
    low, high = (find(energies, key=lambda energy: energy.value or 0.0) for find in (min, max))
    least, most = (energy_figure(one, beside_joules=high.value) for one in (low, high))
    return f" ({least} each)" if least == most else f" ({least} to {most} each)"


def _clocks_and_heat(devices: Sequence[Accelerator]) -> Iterator[str]:
    """The least and the most of its GPUs' median clocks, and the highest temperature, where each tells it."""
    clocks = _values([one.median_sm_clock for one in devices])
    if clocks:
        least, most = (format_number(hertz / HERTZ_PER_MEGAHERTZ) for hertz in (min(clocks), max(clocks)))
        yield f"median clock {least} MHz" if least == most else f"median clocks {least} to {most} MHz"
    heats = _values([one.highest_temperature for one in devices])
    if heats:
        yield f"at most {format_number(max(heats))} °C"


def _values(figures: Sequence[Measurement | None]) -> list[float]:
    """Their values; none where one of them has none."""
    known = [one.value for one in figures if one is not None and one.value is not None]
    return known if len(known) == len(figures) else []


def _state(devices: Sequence[Accelerator]) -> str:
    """What slowed its GPUs, each by its number on that computer where there are several."""
    told = [(f"Its GPU {number}" if devices[1:] else "Its GPU", one.health) for number, one in enumerate(devices)]
    return "".join(f" {name}: {' '.join(map(sentence, health))}" for name, health in told if health)


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
