"""A run's record as the few numbers and texts that a tracker keeps of it; what was not measured is not among them."""

from __future__ import annotations

from dataclasses import dataclass

from cardcallback.record import RunRecord, energy_is_least
from cardcallback.render.carbon_words import places_words
from cardcallback.render.energy_words import emissions_label, energy_owner
from cardcallback.render.run_words import has_unified_memory
from cardcallback.units import JOULES_PER_KILOWATT_HOUR


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """``numbers`` by name with unit, and ``texts``: how it ended, how the energy is known, and the factor's origin."""

    numbers: dict[str, float]
    texts: dict[str, str]


def run_summary(record: RunRecord) -> Summary:
    """What a tracker keeps of a whole run, all of its sessions together."""
    memory, energy = record.memory, record.energy
    shared = "peak_unified_memory_bytes" if has_unified_memory(record) else "peak_main_memory_bytes"
    figures = {
        "energy_joules": energy.gpu,
        "joules_per_token": energy.per_token,
        shared: memory.system_peak,
        "peak_gpu_memory_bytes": memory.accelerator_process_peak,
        "peak_torch_reserved_bytes": memory.torch_peak_reserved,
    }
    numbers = {
        name: figure.value for name, figure in figures.items() if figure is not None and figure.value is not None
    }
    numbers |= {
        "duration_seconds": record.duration_seconds,
        "sessions": float(len(record.sessions)),
        "simulated": float(record.simulated),
    }
    if energy.gpu.value is not None:
        numbers["energy_kwh"] = energy.gpu.value / JOULES_PER_KILOWATT_HOUR
        if energy.gpu.coverage is not None:
            numbers["energy_coverage"] = energy.gpu.coverage
    if record.carbon is not None:
        numbers["co2e_grams"] = record.carbon.emissions_grams
        numbers["co2e_factor_grams_per_kwh"] = record.carbon.factor.grams_per_kwh
    return Summary(numbers=numbers, texts=_texts(record))


def _texts(record: RunRecord) -> dict[str, str]:
    texts = {"status": record.status, "energy": _how_known(record)}
    if record.carbon is not None:
        factor = record.carbon.factor
        year = f", {factor.year}" if factor.year is not None else ""
        covers = [emissions_label(record, record.carbon.energy_name), *places_words(record.carbon)]
        texts["co2e_covers"] = "; ".join(covers)
        texts["co2e_factor"] = f"{factor.place}{year}, {factor.boundary} ({factor.source})"
    if record.simulated:
        texts["simulated_device"] = "these figures are of a simulated device"
    return texts


def _how_known(record: RunRecord) -> str:
    energy = record.energy.gpu
    if energy.value is None:
        return f"not measured: {energy.reason}"
    words = [f"of {energy_owner(record)}", f"{energy.source}, {str(energy.method).replace('_', ' ')}"]
    words += ["more was used than was measured"] if energy_is_least(energy, record.sessions) else []
    return "; ".join([*words, *filter(None, [record.energy.partial_reason])])
