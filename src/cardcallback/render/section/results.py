"""The result table: each figure and, beside it, how it is known."""

from __future__ import annotations

import re

from cardcallback.record import ENCODER_DECODER_OBJECTIVES, Measurement, RunRecord, Tokens
from cardcallback.render.energy_words import ratio_words
from cardcallback.render.figures import at_least, resolved_value
from cardcallback.render.run_words import (
    covers_every_step,
    devices,
    duration_words,
    least_time_each,
    most_speed,
    over_the_run,
    plural,
    recorded_steps,
    status_words,
)
from cardcallback.render.section.references import References
from cardcallback.render.section.result_carbon import carbon_row
from cardcallback.render.section.result_energy import gpu_energy_row, interval_words
from cardcallback.render.section.result_machine import cpu_rows, rest_rows, system_row
from cardcallback.render.section.result_memory import memory_rows
from cardcallback.render.section.stages import stages_rows
from cardcallback.render.text import escape_markdown, public_reason, table_row
from cardcallback.units import format_duration, format_energy, format_large, format_number, format_percent

Row = tuple[str, str, str]
_KIND = r"tokens (?:without padding|with padding|in the loss)"
_OF_TOKENS_WITHOUT_PADDING = re.compile(
    rf"(?:^|; )(?:{_KIND} and )*tokens without padding(?: and {_KIND})*: (.+?)(?=; {_KIND}(?: and|:)|$)"
)


def result_table(record: RunRecord, references: References) -> list[str]:
    """The table's Markdown lines."""
    rows = [
        _time_row(record),
        gpu_energy_row(record),
        *cpu_rows(record),
        system_row(record, references),
        *rest_rows(record, references),
        carbon_row(record, references),
        *memory_rows(record),
        _speed_row(record),
        *stages_rows(record),
    ]
    return ["| | Result | How it is known |", "|---|---|---|", *(table_row(*row) for row in rows)]


def _time_row(record: RunRecord) -> Row:
    training = record.training
    parts = [duration_words(record), _steps(record)]
    # Epochs are the trainer's count from step 0: beside a part of the steps they would be taken for its own.
    if training.epochs is not None and covers_every_step(record):
        epochs = format_number(training.epochs)
        epochs = epochs.rstrip("0").rstrip(".") if "." in epochs else epochs
        parts.append(f"{epochs} {'epoch' if epochs == '1' else 'epochs'}")
    if words := status_words(record):
        parts.append(words)
    how = ["measured by a clock that counts suspend"]
    if record.suspended_seconds >= 1:
        how.append(f"suspended for {format_duration(record.suspended_seconds)} of it")
    if record.stopped_seconds >= 1:
        how.append(f"the process was stopped for at least {format_duration(record.stopped_seconds)} of it")
    if any(device.health and device.used_by_job for device in devices(record)):
        how.append("a GPU was slower than it can be for a part of it (its state is told below)")
    how.append(_dates(record))
    return "Time", ", ".join(parts), "; ".join(part for part in how if part)


def _steps(record: RunRecord) -> str:
    steps, measured = record.training.steps, recorded_steps(record)
    if covers_every_step(record):
        return plural(steps, "step")
    first = min((session.first_step for session in record.sessions), default=0)
    resumed = f"resumed at step {first:,}; " if first > 0 else ""
    return f"{measured:,} of {plural(steps, 'step')} ({resumed}what came before is not in this record)"


def _dates(record: RunRecord) -> str:
    dates = sorted({session.started_on for session in record.sessions})
    if not dates:
        return ""
    return f"begun on {escape_markdown(dates[0])}" + (f", last on {escape_markdown(dates[-1])}" if dates[1:] else "")


def _speed_row(record: RunRecord) -> Row:
    tokens = record.training.tokens
    if tokens.non_padding and covers_every_step(record) and record.duration_seconds > 0:
        noun = "input token" if record.training.objective in ENCODER_DECODER_OBJECTIVES else "token"
        result = f"{most_speed(record)}{format_number(tokens.non_padding / record.duration_seconds)} {noun}s/s"
        per_token = resolved_value(record.energy.per_token)
        if per_token is not None:
            energy = at_least(record.energy.per_token) + format_energy(per_token)
            result += f"; {ratio_words(record, energy, noun)}"
        return "Speed", result, _token_words(record) + _doubt(record.energy.per_token)
    steps = recorded_steps(record)
    if not steps or record.duration_seconds <= 0:
        return "Speed", "not measured: no optimiser step was taken", ""
    result = f"{least_time_each(record)}{format_duration(record.duration_seconds / steps)} a step"
    per_step = resolved_value(record.energy.per_step)
    if per_step is not None:
        # A training phase that was seen whole is a whole figure, though the run's is not.
        energy = at_least(record.energy.per_step) + format_energy(per_step)
        result += f"; {ratio_words(record, energy, 'step')}"
    how = f"calculated {over_the_run(record)}; tokens/s not measured: {_why_no_tokens(tokens)}"
    return "Speed", result, how + _doubt(record.energy.per_step)


def _why_no_tokens(tokens: Tokens) -> str:
    if tokens.non_padding:
        return "tokens of earlier steps cannot be told apart"
    reason = escape_markdown(public_reason(_of_speed(tokens.reason or "nobody counted them")))
    least = tokens.at_least.get("non_padding")
    return reason if not least else f"{reason} (at least {format_large(least)} without padding)"


def _of_speed(reason: str) -> str:
    """Of the reasons for several kinds of tokens the one for those that a speed is of."""
    found = _OF_TOKENS_WITHOUT_PADDING.search(reason)
    return found[1] if found else reason


def _doubt(ratio: Measurement | None) -> str:
    """The interval of an energy per step or token, where it is not narrow, after a semicolon."""
    interval = None if ratio is None or resolved_value(ratio) is None else interval_words(ratio)
    return "" if interval is None else f"; of the energy: {interval}"


def _token_words(record: RunRecord) -> str:
    tokens = record.training.tokens
    words = (
        f"calculated {over_the_run(record)}, evaluation and saving included: {format_large(tokens.non_padding or 0)} "
    )
    generated = "generated answers" in (tokens.source or "")
    if record.training.objective in ENCODER_DECODER_OBJECTIVES:
        beside = f"; {format_large(tokens.in_loss)} target tokens come on top" if tokens.in_loss else ""
        return f"{words}input tokens without padding{beside}"
    words += "tokens of prompts and generated answers" if generated else "tokens without padding"
    if tokens.processed and tokens.non_padding and tokens.processed >= tokens.non_padding:
        extra = tokens.processed / tokens.non_padding - 1
        words += f" (padding: {format_percent(extra, 1)} more)" if extra > 0 else " (there was none)"
    if tokens.in_loss and tokens.non_padding and tokens.in_loss <= tokens.non_padding:
        words += f", {format_large(tokens.in_loss)} of them in the loss"
    return words
