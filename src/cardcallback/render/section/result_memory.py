"""Memory rows: the whole machine's, and beside it the accelerator's own where it has one."""

from __future__ import annotations

from cardcallback.record import Measurement, RunRecord
from cardcallback.render.figures import absent, cadence, source_words, value_of
from cardcallback.render.run_words import (
    WHOLE_MACHINE,
    baseline_words,
    devices,
    had_all_devices,
    has_unified_memory,
    memory_owner,
    whose_peak,
)
from cardcallback.units import format_bytes

Row = tuple[str, str, str]


def memory_rows(record: RunRecord) -> list[Row]:
    """Label, result and how it is known, as Markdown, for each row."""
    rows = [_system_row(record)]
    if devices(record) and not has_unified_memory(record):
        rows.insert(0, _accelerator_row(record))
    return rows


def peak_of(peak_bytes: float, total_bytes: float | None) -> str:
    """The peak with the total beside it, as in "61.0 of 120 GiB", or alone; a peak above the total is doubted."""
    peak = format_bytes(peak_bytes)
    if total_bytes is None:
        return peak
    if peak_bytes > total_bytes:
        return f"{peak} by its reading, more than the {format_bytes(total_bytes)} there are: one of the two is wrong"
    number, unit = peak.rsplit(" ", 1)
    total = format_bytes(total_bytes)
    return f"{number} of {total}" if total.endswith(unit) else f"{peak} of {total}"


def _system_row(record: RunRecord) -> Row:
    memory = record.memory
    peak = memory.system_peak
    label = f"Memory in use, {memory_owner(record)}"
    if peak.value is None:
        return label, absent(peak), ""
    result = f"peak {peak_of(peak.value, value_of(memory.total))}"
    baseline = memory.system_baseline
    if baseline.value is not None:
        result += f"; {format_bytes(baseline.value)} {baseline_words(baseline)}"
    outside = "" if memory_owner(record) == WHOLE_MACHINE else "; CUDA memory is not in it"
    return label, result, f"{_how_and_whose(peak)}{outside}"


def _accelerator_row(record: RunRecord) -> Row:
    memory = record.memory
    sizes = [device.memory_total_bytes for device in devices(record)]
    total = sum(size for size in sizes if size) if all(sizes) and had_all_devices(record) else None
    label = "GPU memory of this job"
    own = memory.accelerator_process_peak
    if own.value is not None:
        return label, f"peak {peak_of(own.value, total)}", _how_and_whose(own)
    reserved = memory.torch_peak_reserved
    if reserved.value is not None:
        why = f"NVML's own figure is {absent(own)}"
        return label, f"peak {peak_of(reserved.value, total)} reserved by PyTorch", f"{_how_and_whose(reserved)}; {why}"
    return label, absent(own), ""


def _how_and_whose(peak: Measurement) -> str:
    return "; ".join(part for part in (_how(peak), whose_peak(peak)) if part)


def _how(peak: Measurement) -> str:
    if peak.method == "high_water_mark":
        return f"measured: high-water mark of {source_words(peak)}"
    words = f"measured: {source_words(peak)}"
    often = cadence(peak)
    return f"{words}, {often}; a shorter peak can be missed" if often else words
