"""What each memory figure covers, since when and how often it was read, and what none of them sees."""

from __future__ import annotations

from cardcallback.record import Measurement, RunRecord
from cardcallback.render.energy_words import used_by_job
from cardcallback.render.figures import absent, cadence, figure, is_known, value_of
from cardcallback.render.run_words import (
    WHOLE_MACHINE,
    baseline_words,
    devices,
    has_unified_memory,
    memory_owner,
    session_of,
    whose_peak_within,
)
from cardcallback.render.text import escape_markdown
from cardcallback.sessions import NAMED_SESSION
from cardcallback.units import format_bytes, format_duration, format_percent

# Above this share of the time waiting for memory has cost the run something.
_NOTABLE_STALL_SHARE = 0.01
_WINDOWS = {"training": "during training"}


def memory_doubts(record: RunRecord) -> str:
    """One paragraph of Markdown."""
    sentences = [
        _torch(record),
        (
            f"This job on the GPU by NVML{_read(record.memory.accelerator_process_peak)}: "
            f"{figure(record.memory.accelerator_process_peak, format_bytes)}."
        ),
        _contradiction(record),
        (
            f"This process and its children in main memory{_read(record.memory.process_peak_rss, _shared(record))}: "
            f"{figure(record.memory.process_peak_rss, format_bytes)}."
        ),
        _swap(record),
        _stalled(record),
        _limit(record),
        _paged(record),
        (
            "These overlap and are not summed. A peak read from time to time may have been higher; a peak observed "
            "is not a minimum required."
        ),
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def _shared(record: RunRecord) -> str:
    whose = whose_peak_within(record.memory.process_peak_rss)
    return "shared pages count once for each process" + (f"; {whose}" if whose else "")


def _torch(record: RunRecord) -> str:
    allocated, reserved = record.memory.torch_peak_allocated, record.memory.torch_peak_reserved
    if not is_known(allocated) and not is_known(reserved):
        return f"PyTorch's allocator was {absent(allocated)}."
    known = allocated if is_known(allocated) else reserved
    window = _window(known) or "window not recorded"
    several = next((words for words in known.covers if words.startswith("sum of ")), None)
    told = [window, f"its own marks, {cadence(known)}" if cadence(known) else "", several or ""]
    return (
        f"PyTorch ({'; '.join(words for words in told if words)}): {figure(allocated, format_bytes)} in tensors, "
        f"{figure(reserved, format_bytes)} reserved."
    )


def _contradiction(record: RunRecord) -> str:
    """Two instruments that disagree on whether the job was on the GPU."""
    if used_by_job(record) or not value_of(record.memory.accelerator_process_peak):
        return ""
    if record.simulated:
        return "The driver is simulated, and so is this figure: PyTorch did not use the GPU."
    return (
        "Two sources disagree here: the driver lists this job with memory on the GPU, but PyTorch did not use it. "
        "Which is right is not known."
    )


def _read(measurement: Measurement, more: str = "", *, session: str = "highest in") -> str:
    """When and how often, in brackets after a blank; empty for a figure that is not there.

    ``session`` stands before the session that it was in, where there are several.
    """
    if not is_known(measurement):
        return ""
    words = ", ".join(part for part in (_window(measurement, session), cadence(measurement) or "", more) if part)
    return f" ({words})" if words else ""


def _window(peak: Measurement, session: str = "highest in") -> str:
    """Since when a peak was watched for, and of several sessions which had it; empty where that is not known."""
    name = NAMED_SESSION.sub("", peak.window.name) if peak.window is not None else ""
    its = session_of(peak)
    told = [_WINDOWS.get(name, escape_markdown(name)), f"{session} {its}" if its else ""]
    return ", ".join(part for part in told if part)


def _swap(record: RunRecord) -> str:
    peak, baseline = record.memory.swap_peak, record.memory.swap_baseline
    if peak is None or peak.value is None:
        return ""
    if peak.value == 0:
        return f"No swap was in use{_read(peak, session='in')}."
    before = value_of(baseline)
    beside = f", {format_bytes(before)} {baseline_words(baseline)}" if baseline and before is not None else ""
    return f"Swap in use{_read(peak)}: peak {format_bytes(peak.value)}{beside}."


def _stalled(record: RunRecord) -> str:
    some, every = value_of(record.memory.stalled_some), value_of(record.memory.stalled_all)
    if some is None or record.duration_seconds <= 0 or some < _NOTABLE_STALL_SHARE * record.duration_seconds:
        return ""
    share = format_percent(some / record.duration_seconds)
    whole = f"; for {format_duration(every)} all work on it did" if every else ""
    return (
        f"**Memory was short:** during {share} of the time ({format_duration(some)}) work on this machine waited for "
        f"memory{whole}."
    )


def _limit(record: RunRecord) -> str:
    limit = value_of(record.memory.limit)
    if limit is None:
        return ""
    words = f"This container or job may use {format_bytes(limit)} of host memory"
    if devices(record) and has_unified_memory(record):
        words += "; CUDA memory does not count towards that"
    return f"{words}."


def _paged(record: RunRecord) -> str:
    if "paged" not in str(record.training.hyperparameters.get("optim", "")):
        return ""
    parts = [part for part in (_paged_in_others(record), _paged_in_system(record)) if part]
    return f"Paged optimiser state is managed memory: {'; '.join(parts)}." if parts else ""


def _paged_in_others(record: RunRecord) -> str:
    memory = record.memory
    torch = is_known(memory.torch_peak_allocated) or is_known(memory.torch_peak_reserved)
    driver = is_known(memory.accelerator_process_peak)
    if torch and driver:
        return "PyTorch's figures leave it out, and NVML's figure of this job may"
    if torch:
        return "PyTorch's figures leave it out"
    return "NVML's figure of this job may leave it out" if driver else ""


def _paged_in_system(record: RunRecord) -> str:
    if not is_known(record.memory.system_peak) or memory_owner(record) != WHOLE_MACHINE:
        return ""
    if has_unified_memory(record):
        return "the whole machine's figure has it"
    return "what of it lies in main memory is in the whole machine's figure"
