"""Whose energy the GPU figure is, in words: every sentence, row, key and picture about it asks here.

The scope set of the measurement decides between GPU and module; the devices decide whether the job used
them, alone or with others.
"""

from __future__ import annotations

from cardcallback.record import SCOPE_PARTS, Covered, Measurement, RunRecord, Scope
from cardcallback.render.run_words import devices
from cardcallback.render.text import join_words
from cardcallback.units import first_upper

# In the source of a power reading that is the module's; a trace carries no scope set.
_OF_MODULE = ":module"
_DIVIDED = "(MIG)"
_SYSTEM = "system"
_MODULE_PARTS = (("gpu_core", "GPU"), ("cpu", "CPU"), ("host_dram", "main memory"))
_OUTSIDE = (("cpu", "processor"), ("host_dram", "memory"), ("supply_loss", "power supply"))


def energy_noun(record: RunRecord) -> str:
    """The figure's subject to stand before "energy": "GPU" or "module"."""
    return _noun(record.energy.gpu.scope)


def power_noun(measurement: Measurement | None, source: str | None = None) -> str:
    """As ``energy_noun``, for one measurement of power, or for a trace by its source."""
    if source is not None:
        return "module" if _OF_MODULE in source else "GPU"
    return _noun(measurement.scope if measurement is not None else None)


def energy_parts(record: RunRecord) -> str:
    """What a module's figure holds for certain, in brackets after a blank; empty for a GPU's."""
    scope = record.energy.gpu.scope
    if scope is None or energy_noun(record) == "GPU":
        return ""
    held = [words for name, words in _MODULE_PARTS if getattr(scope, name) == "yes"]
    return f" ({join_words(held)})"


def used_by_job(record: RunRecord) -> bool:
    """Whether the job computed on a device that was measured; true where there is none to tell."""
    return record.hardware.is_used_by_job is not False


def is_divided(energy: Measurement) -> bool:
    """Whether it is of a GPU that the driver divides between jobs (MIG)."""
    return any(_DIVIDED in words for words in energy.covers)


def is_shared(record: RunRecord) -> bool:
    """Whether other work was on the job's GPUs, or the driver divides one between jobs."""
    return is_divided(record.energy.gpu) or any(device.other_processes for device in devices(record))


def energy_owner(record: RunRecord) -> str:
    """Whose energy it is, to stand after "of": "the GPU, which this job did not use"."""
    several = len(devices(record)) > 1
    noun = f"{energy_noun(record)}{'s' if several else ''}{energy_parts(record)}"
    if not used_by_job(record):
        unused = "which this job did not use" if energy_noun(record) == "GPU" else "whose GPU this job did not use"
        return f"the {noun}, {unused}"
    if is_shared(record):
        return f"the whole {noun}, shared with other work"
    if record.energy.partial_reason is not None:
        return f"the {noun} that could be measured"
    return f"the {noun}"


def spending_sentence(record: RunRecord, energy: str) -> str:
    """The headline's words, as in "The GPU used 107 Wh.", or what it drew while the job did not use it."""
    owner = energy_owner(record)
    comma = "," if ", " in owner.replace(energy_parts(record), "") else ""
    if not used_by_job(record):
        return f"{first_upper(owner)}{comma} drew {energy} meanwhile."
    return f"{first_upper(owner)}{comma} used {energy}."


def is_plain(record: RunRecord) -> bool:
    """Whether the figure is simply the job's own GPUs'."""
    return energy_owner(record) in {"the GPU", "the GPUs"}


def ratio_words(record: RunRecord, energy: str, unit: str) -> str:
    """An energy per step or token: "69.8 mJ of GPU energy per token"."""
    if is_plain(record):
        return f"{energy} of GPU energy per {unit}"
    owner = energy_owner(record)
    return f"{energy} per {unit} drawn by {owner}"


def emissions_label(record: RunRecord, energy_name: str) -> str:
    """Which part's CO2e it is: "GPU part only", "whole machine", "the module (GPU and CPU)"."""
    if energy_name == _SYSTEM:
        return "whole machine"
    return "GPU part only" if is_plain(record) else energy_owner(record)


def scope_parts(scope: Scope, state: Covered) -> list[str]:
    """The parts of a machine of which a scope says "yes", "no" or "unknown"."""
    return [words for name, words in SCOPE_PARTS if getattr(scope, name) == state]


def not_alike(one: Scope, other: Scope) -> list[str]:
    """The parts in which two scopes differ, or of which one of them says nothing: with any, there is no ratio."""
    pairs = ((words, {getattr(one, name), getattr(other, name)}) for name, words in SCOPE_PARTS)
    return [words for words, states in pairs if len(states) > 1 or "unknown" in states]


def outside_words(scope: Scope | None) -> str:
    """The larger parts of a computer that the figure certainly leaves out."""
    if scope is None:
        return ""
    return join_words([words for name, words in _OUTSIDE if getattr(scope, name) == "no"])


def _noun(scope: Scope | None) -> str:
    return "module" if scope is not None and "yes" in {scope.cpu, scope.host_dram} else "GPU"
