"""The lines a person sees, safe beside a progress bar."""

from __future__ import annotations

import sys
from pathlib import Path

from cardcallback import handlers
from cardcallback.record import RECORD_NAME, RunRecord
from cardcallback.render.energy_words import energy_noun, energy_owner, is_plain
from cardcallback.render.figures import spent_words
from cardcallback.render.run_words import duration_words
from cardcallback.sensors import SensorSet
from cardcallback.settings import Settings
from cardcallback.units import format_bytes, one_line


def say(line: str, settings: Settings) -> None:
    """Print one line unless the person asked for quiet; names of devices and folders in it steer no terminal."""
    if settings.quiet or sys.stdout is None:
        return
    # A terminal that is gone, a pipe nobody reads, a full disk: what is measured does not depend on being heard.
    with handlers.suppress(OSError, ValueError):
        _print(one_line(line))


def _print(line: str) -> None:
    tqdm = sys.modules.get("tqdm")
    if tqdm is not None and hasattr(tqdm, "tqdm"):
        tqdm.tqdm.write(line)
    else:
        print(line)  # noqa: T201


_DEAF = "; not in the main thread, so SIGTERM ends it unheard: after one, cardcallback recover OUTPUT_DIR"


def begin_line(sensors: SensorSet | None, settings: Settings, *, is_deaf: bool = False, processes: int = 1) -> str:
    """What is measured, what is not and why, and the place.

    Args:
        sensors: of the devices known by now; None where nothing has opened yet.
        settings: of the person.
        is_deaf: whether to say what to do after a SIGTERM too.
        processes: of the job; the others announce their devices a moment later.
    """
    deaf = _DEAF if is_deaf else ""
    if sensors is None:
        return f"cardcallback: sensors are still opening; measuring begins as soon as they answer{deaf}"
    names = {device.index: device.name for device in sensors.devices}
    measured = list(dict.fromkeys(names.values()))
    kinds = {sensor.spec.quantity for sensor in sensors.sensors}
    parts = []
    if measured and kinds & {"gpu_energy", "gpu_power"}:
        how = "energy counter and power" if {"gpu_energy", "gpu_power"} <= kinds else "power"
        how = "energy counter" if kinds.isdisjoint({"gpu_power"}) else how
        others = f"; of the job's {processes} processes the others tell theirs soon" if processes > 1 else ""
        parts.append(f"GPU {how} ({len(names)} x {', '.join(measured)}{others})")
    if "system_memory" in kinds:
        parts.append("memory")
    parts.append("time")
    absence = None if kinds & {"gpu_energy", "gpu_power"} else sensors.absence("gpu_power")
    missing = f"; GPU energy not measured: {absence.reason}" if absence else ""
    simulated = "SIMULATED DEVICE: " if sensors.simulated else ""
    return f"cardcallback: {simulated}measuring {', '.join(parts)}{missing}; {_place(settings)}{deaf}"


def end_line(
    record: RunRecord, card: Path, *, written: bool, file: Path | None, journal_folder: Path | None = None
) -> str:
    """Where the card is, and its three main figures; for a run without a card, how to get one.

    Args:
        record: the run's.
        card: where its card is, or would be.
        written: whether that was written.
        file: where the record is on disk; None where it is not.
        journal_folder: what ``cardcallback recover`` is given to make one, where it is not; None where nothing can.
    """
    memory = record.memory.system_peak
    peak = "memory not measured" if memory.value is None else f"peak memory {format_bytes(memory.value)}"
    simulated = " (SIMULATED DEVICE)" if record.simulated else ""
    figures = f"{duration_words(record)}, {_energy(record)}, {peak}{simulated}"
    steps = record.sessions[-1].last_step
    interrupted = f"interrupted at step {steps}" if record.status == "interrupted" else ""
    if written:
        return f"cardcallback: {_shown(card)}: {interrupted}{', ' if interrupted else ''}{figures}"
    if file is None:
        cure = "these figures are nowhere else"
        if journal_folder is not None:
            cure = f"once it can be: cardcallback recover {_shown(journal_folder)}"
        return f"cardcallback: no record could be written: {figures}; {cure}"
    if record.status == "interrupted" and record.training.steps == 0:
        return f"cardcallback: ended before its first step: {figures}; to see it: cardcallback ls {_shown(card.parent)}"
    state = interrupted or "no card was written"
    # The folder's name means the record in its main place, which may be another run's.
    source = _shown(card.parent if file.name == RECORD_NAME else file)
    return f"cardcallback: {state}: {figures}; for a card: cardcallback render {source} --card NEW.md"


def _energy(record: RunRecord) -> str:
    measured = record.energy.gpu
    if measured.value is None:
        return f"{energy_noun(record)} energy not measured"
    energy = spent_words(record, measured)
    # As on the card: only what is simply this job's own goes by the short name.
    return f"GPU {energy}" if is_plain(record) else f"{energy} drawn by {energy_owner(record)}"


def _place(settings: Settings) -> str:
    if settings.location is None and settings.carbon_intensity_grams_per_kwh is None:
        return "no place given, so no CO2e (set location=... or, later, cardcallback render --location)"
    return f"place: {settings.location or 'own factor'}"


def _shown(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError) as error:  # elsewhere, or the working directory was removed
        handlers.pass_on(error)
        return str(path)
