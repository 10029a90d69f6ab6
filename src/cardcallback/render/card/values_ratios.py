"""Named values of what a step and a token took, of how the energy is known, and of when the run began."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cardcallback.compare.cells import highest_power
from cardcallback.record import Measurement, RunRecord, is_unresolved
from cardcallback.render.card.quantities import Value
from cardcallback.render.card.values_time_energy import gpu_energy
from cardcallback.render.energy_words import energy_owner, is_plain
from cardcallback.render.figures import at_least, is_known, resolved_value, source_words, verb
from cardcallback.render.run_words import covers_every_step, devices, least_time_each, recorded_steps
from cardcallback.render.text import escape_markdown
from cardcallback.units import format_duration, format_energy, format_number, format_power


def energy_per_token(record: RunRecord) -> Value | None:
    """GPU energy over the tokens without padding."""
    return _energy_of_tokens(record, 1)


def _energy_of_tokens(record: RunRecord, tokens: int) -> Value | None:
    per_token = resolved_value(record.energy.per_token)
    if per_token is None or at_least(record.energy.gpu):
        return None
    note = _note(f"{_of_energy(record, 'this run')}, without padding", record)
    joules = per_token * tokens
    figure = f"{format_number(per_token * 1e3)} mJ" if tokens == 1 else format_energy(joules)
    return Value(text=f"{figure} ({note})", short=figure, amount=joules, kind="energy", note=note)


def energy_per_step(record: RunRecord) -> Value | None:
    """GPU energy of a training step."""
    per_step = resolved_value(record.energy.per_step)
    if per_step is None or at_least(record.energy.gpu):
        return None
    note, figure = _note(_of_energy(record), record), format_energy(per_step)
    return Value(text=f"{figure} ({note})", short=figure, amount=per_step, kind="energy", note=note)


def energy_per_epoch(record: RunRecord) -> Value | None:
    """GPU energy of the run over its passes through the data, a part of one counted as that."""
    whole, epochs = gpu_energy(record), record.training.epochs
    if whole is None or whole.amount is None or not epochs or whole.least or not covers_every_step(record):
        return None
    joules, note = whole.amount / epochs, f"{whole.note}, mean of its epochs"
    figure = format_energy(joules)
    return Value(text=f"{figure} ({note})", short=figure, amount=joules, kind="energy", note=note)


def highest_gpu_power(record: RunRecord) -> Value | None:
    """The highest mean of a second of the GPU's power; None of several GPUs, or where the record holds no seconds."""
    found = highest_power(record)
    if found.value is None or found.is_part or len(devices(record)) != 1 or not is_plain(record):
        return None
    note, figure = _note("GPU only, highest mean of a second", record), format_power(found.value)
    return Value(text=f"{figure} ({note})", short=figure, amount=found.value, kind="power", note=note)


def tokens_per_joule(record: RunRecord) -> str | None:
    """Tokens without padding over the run's GPU energy."""
    per_token = resolved_value(record.energy.per_token)
    if not per_token or at_least(record.energy.gpu):
        return None
    note = _note(f"without padding, for a joule {_of_energy(record)}", record)
    return f"{format_number(1 / per_token)} ({note})"


def time_per_step(record: RunRecord) -> Value | None:
    """The run's time over its steps."""
    return _time_over(record, recorded_steps(record))


def time_per_epoch(record: RunRecord) -> Value | None:
    """The run's time over its passes through the data."""
    return _time_over(record, record.training.epochs if covers_every_step(record) else None)


def _time_over(record: RunRecord, count: float | None) -> Value | None:
    if not count or record.duration_seconds <= 0:
        return None
    seconds, least = record.duration_seconds / count, least_time_each(record)
    figure, note = f"{least}{format_duration(seconds)}", "mean of the whole run, evaluation and saving included"
    return Value(text=f"{figure} ({note})", short=figure, amount=seconds, kind="time", note=note, least=least)


def energy_method(record: RunRecord) -> str | None:
    """How the energy that the card gives is known: by which interface."""
    measured: Measurement = record.energy.system if is_known(record.energy.system) else record.energy.gpu
    if measured.value is None or is_unresolved(measured):
        return None
    return f"{verb(measured)}: {source_words(measured)}"


def start_date(record: RunRecord) -> str | None:
    """The day on which the first session began."""
    return escape_markdown(min(session.started_on for session in record.sessions)) if record.sessions else None


def _of_energy(record: RunRecord, owner: str = "") -> str:
    """Whose energy was divided, as the section says it; ``owner`` is named where it is the job's own."""
    plain = f"of {owner}'s GPU energy" if owner else "of GPU energy"
    return plain if is_plain(record) else f"drawn by {energy_owner(record)}"


def _note(words: str, record: RunRecord) -> str:
    return f"{words}, simulated device" if record.simulated else words


RATIO_VALUES: Mapping[str, Callable[[RunRecord], Value | str | None]] = {
    "energy_method": energy_method,
    "energy_per_epoch": energy_per_epoch,
    "energy_per_step": energy_per_step,
    "energy_per_million_tokens": lambda record: _energy_of_tokens(record, 1_000_000),
    "energy_per_thousand_tokens": lambda record: _energy_of_tokens(record, 1_000),
    "energy_per_token": energy_per_token,
    "highest_gpu_power": highest_gpu_power,
    "start_date": start_date,
    "time_per_epoch": time_per_epoch,
    "time_per_step": time_per_step,
    "tokens_per_joule": tokens_per_joule,
}
