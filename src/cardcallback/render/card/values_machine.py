"""Named values of what a run ran on: hardware, memory and software."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from cardcallback.record import RunRecord
from cardcallback.render.card.quantities import Value
from cardcallback.render.card.values_time_energy import SIMULATED, speeds
from cardcallback.render.figures import value_of
from cardcallback.render.run_words import (
    device_names,
    devices,
    had_all_devices,
    has_gb10,
    has_unified_memory,
    library_name,
    memory_owner,
    most_devices_at_once,
    software_words,
)
from cardcallback.render.text import TIMES, escape_markdown
from cardcallback.units import BYTES_PER_GIBIBYTE, format_bytes

_SPARK = re.compile(r"\bDGX[ _-]?Spark\b", re.IGNORECASE)
_GB10_SYSTEM = "NVIDIA GB10 system"
# GB10 is sold with this much alone; what the firmware keeps is not visible to the system.
_GB10_MEMORY, _GB10_BYTES = "128 GB unified", 128e9
_GB10_VISIBLE_BYTES = (110 * BYTES_PER_GIBIBYTE, 128 * BYTES_PER_GIBIBYTE)
# As they are installed, which for some is not how they are imported.
_FRAMEWORKS = ("unsloth", "axolotl", "llamafactory", "trl", "setfit", "sentence-transformers", "peft", "transformers")


def is_dgx_spark(record: RunRecord) -> str | None:
    """Whether all of the run was on a real DGX Spark, "yes" or "no", by the machine's own name for itself."""
    name, found = record.hardware.machine.name, devices(record)
    if record.simulated or not had_all_devices(record):
        return "no"  # a simulated one is none, and sessions on unlike machines were not all on one
    if name:
        return "yes" if _SPARK.search(name) else "no"
    return "no" if found else None


def hardware_words(record: RunRecord) -> str | None:
    """Count and name of the GPUs and the machine as Markdown; the processor where no GPU was measured."""
    machine = record.hardware.machine
    computer = escape_markdown(machine.name) if machine.name else None
    if record.hardware.accelerators:
        simulated = SIMULATED if record.simulated else ""
        if has_gb10(record) and len(devices(record)) == 1 and not (machine.name and _SPARK.search(machine.name)):
            return _GB10_SYSTEM + (f" ({computer})" if computer else "") + simulated
        names = device_names(record)
        names = f"1 {TIMES} {names}" if len(record.hardware.accelerators) == 1 else names
        return f"{names} ({computer}){simulated}" if computer else names + simulated
    processor = escape_markdown(machine.processor) if machine.processor else None
    if processor and machine.processor_count:
        processor += f", {machine.processor_count} cores"
    known = "; ".join(part for part in (computer, processor) if part)
    if not known:
        return None
    reason = escape_markdown(record.hardware.accelerators_reason or "none was found")
    return f"{known}; no GPU measured: {reason}"


def hardware_with_memory(record: RunRecord) -> str | None:
    """The hardware and how much memory its GPUs have."""
    hardware, memory = hardware_words(record), gpu_memory(record)
    return f"{hardware}, {_memory_words(memory)}" if hardware and memory and devices(record) else hardware


def gpu_memory(record: RunRecord) -> str | None:
    """What the GPUs have for memory: their own, or the one they share with the processor."""
    found = gpu_memory_value(record)
    return found.text if found is not None else None


def gpu_memory_value(record: RunRecord) -> Value | None:
    """As ``gpu_memory``, with one GPU's bytes as its amount."""
    found = devices(record)
    if not found:
        return None
    if has_unified_memory(record):
        return _unified_memory(record)
    sizes = {device.memory_total_bytes for device in found}
    size = sizes.pop() if len(sizes) == 1 else None
    if not size:
        return None
    count = most_devices_at_once(record)
    text = format_bytes(size) if count == 1 else f"{count} {TIMES} {format_bytes(size)}"
    return Value(text=text, amount=size, kind="memory", note="" if count == 1 else f"each of {count} GPUs")


def _unified_memory(record: RunRecord) -> Value | None:
    total = record.hardware.machine.memory_total_bytes or value_of(record.memory.total)
    if not total:
        return None
    if has_gb10(record) and _GB10_VISIBLE_BYTES[0] < total < _GB10_VISIBLE_BYTES[1]:
        visible = f"{total / BYTES_PER_GIBIBYTE:.1f} GiB visible to the system"
        text = f"{_GB10_MEMORY} ({visible})"
        return Value(text=text, amount=_GB10_BYTES, kind="memory", note=f"unified, {visible}")
    return Value(text=f"{format_bytes(total)} unified", amount=total, kind="memory", note="unified")


def infrastructure(record: RunRecord) -> str | None:
    """The machine, its processor, memory and operating system."""
    machine = record.hardware.machine
    parts = [escape_markdown(machine.name)] if machine.name else []
    parts += [found] if (found := processor(record)) else []
    parts += [_memory_words(found)] if (found := machine_memory(record)) else []
    parts += [escape_markdown(machine.operating_system)] if machine.operating_system else []
    return "; ".join(parts) or None


def processor(record: RunRecord) -> str | None:
    """The processor and its cores."""
    machine = record.hardware.machine
    cores = f", {machine.processor_count} cores" if machine.processor_count else ""
    return escape_markdown(machine.processor) + cores if machine.processor else None


def machine_memory(record: RunRecord) -> str | None:
    """The machine's main memory."""
    found = machine_memory_value(record)
    return found.text if found is not None else None


def machine_memory_value(record: RunRecord) -> Value | None:
    """As ``machine_memory``, with its bytes as the amount."""
    total = record.hardware.machine.memory_total_bytes
    if not total:
        return None
    if record.hardware.machine.unified_memory:
        return _unified_memory(record)
    return Value(text=format_bytes(total), amount=total, kind="memory")


def _memory_words(amount: str) -> str:
    """The amount with its noun, before what is said of it in brackets."""
    figure, bracket, rest = amount.partition(" (")
    return f"{figure} memory{bracket}{rest}"


def hardware_needed(record: RunRecord) -> str | None:
    """The hardware and the peak of its memory, which readers take for what is needed."""
    hardware, peak = hardware_words(record), _peak_words(record)
    if not hardware or not peak:
        return hardware
    return f"{hardware}; {peak}. A peak observed, not a minimum required"


def _peak_words(record: RunRecord) -> str | None:
    peak = peak_memory(record)
    return f"peak memory in use, {memory_owner(record)}, {peak.text}" if peak else None


def peak_memory(record: RunRecord) -> Value | None:
    """The highest memory in use, of the whole machine, and the total beside it."""
    peak, total = record.memory.system_peak.value, record.memory.total.value
    if peak is None:
        return None
    # A peak above the total is a misreading: without a sentence about it neither is worth much beside the other.
    of_total = f" of {format_bytes(total)}" if total and peak <= total else ""
    note = f"{format_bytes(peak)}{of_total} in use, {memory_owner(record)}"
    return Value(text=format_bytes(peak) + of_total, short=format_bytes(peak), amount=peak, kind="memory", note=note)


def peak_gpu_memory(record: RunRecord) -> Value | None:
    """What the job itself had of the GPUs' memory; of memory shared with the processor, what PyTorch reserved."""
    own, reserved = record.memory.accelerator_process_peak.value, record.memory.torch_peak_reserved.value
    if not devices(record) or (own is None and reserved is None):
        return None
    peak, note = (own, "this job's") if own is not None else (reserved or 0.0, "reserved by PyTorch")
    return Value(text=f"{format_bytes(peak)} ({note})", short=format_bytes(peak), amount=peak, kind="memory", note=note)


def framework(record: RunRecord) -> str | None:
    """The libraries that trained, the outermost first."""
    library = (record.training.trainer_library or "").replace("_", "-")
    names = [name for name in _FRAMEWORKS if name in record.software or name == library]
    words = [f"{library_name(name)} {escape_markdown(record.software.get(name, ''))}".strip() for name in names]
    trainer = record.training.trainer
    if words and trainer:
        words[0] += f" ({escape_markdown(trainer)})"
    return ", ".join(words) or None


def uses_unsloth(record: RunRecord) -> str | None:
    """Whether Unsloth trained, "yes" or "no"; None where no library is known."""
    if not record.software and not record.training.trainer_library:
        return None
    return "yes" if "unsloth" in record.software or record.training.trainer_library == "unsloth" else "no"


def operating_system(record: RunRecord) -> str | None:
    """The operating system's name and version."""
    found = record.hardware.machine.operating_system
    return escape_markdown(found) if found else None


def machine_name(record: RunRecord) -> str | None:
    """The computer's product name."""
    name = record.hardware.machine.name
    return escape_markdown(name) if name else _GB10_SYSTEM if has_gb10(record) else None


MACHINE_VALUES: Mapping[str, Callable[[RunRecord], Value | str | None]] = {
    "compute_infrastructure": infrastructure,
    "framework": framework,
    "gpu_memory": gpu_memory_value,
    "hardware": hardware_words,
    "hardware_needed": hardware_needed,
    "hardware_with_memory": hardware_with_memory,
    "machine": machine_name,
    "machine_is_dgx_spark": is_dgx_spark,
    "machine_memory": machine_memory_value,
    "operating_system": operating_system,
    "peak_gpu_memory": peak_gpu_memory,
    "peak_memory": peak_memory,
    "processor": processor,
    "software": lambda record: software_words(record.software) or None,
    "speeds_sizes_times": lambda record: speeds(record, _peak_words(record)),
    "trained_with_unsloth": uses_unsloth,
}
