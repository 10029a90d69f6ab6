"""Records of one session each, to be joined."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from cardcallback.assemble import with_carbon
from cardcallback.carbon import chosen_factor
from cardcallback.record import Measurement, RunRecord, Scope, Status, Tokens, not_measured
from cardcallback.testing import make_record

RUN_ID = "0" * 32


def session_record(
    joules: float | None = 1000.0,
    *,
    seconds: float = 100.0,
    steps: tuple[int, int] = (0, 100),
    status: Status = "completed",
    session_id: str | None = None,
    doubt: float | None = 1.0,
    coverage: float = 1.0,
    tokens: int | None = 1000,
    scope: Scope | None = None,
    **fields: Any,
) -> RunRecord:
    """A record of a session that took ``steps`` and used ``joules`` of GPU energy."""
    record = make_record(run_id=RUN_ID, duration_seconds=seconds, status=status, notes=())
    energy = replace(
        record.energy,
        gpu=_gpu(record.energy.gpu, joules, doubt, coverage, scope),
        phases=(),
        per_step=None,
        per_token=None,
    )
    session = replace(
        record.sessions[0],
        duration_seconds=seconds,
        first_step=steps[0],
        last_step=steps[1],
        status=status,
        energy=energy,
        session_id=session_id,
    )
    training = replace(record.training, steps=steps[1], tokens=Tokens(non_padding=tokens, source="data collator"))
    return replace(record, sessions=(session,), energy=energy, training=training, **fields)


def placed(record: RunRecord, code: str, *, pue: float | None = None) -> RunRecord:
    """The record of one session that was told where it ran, as the callback's settings tell it."""
    session = replace(record.sessions[0], factor=chosen_factor(code, None), pue=pue)
    return replace(record, sessions=(session,))


def emitting(record: RunRecord, code: str, **details: float) -> RunRecord:
    """The same with the CO2e that is calculated while it runs."""
    return with_carbon(placed(record, code, **details))


def _gpu(
    figure: Measurement, joules: float | None, doubt: float | None, coverage: float, scope: Scope | None
) -> Measurement:
    if joules is None:
        return not_measured("joules", "the driver was lost")
    return replace(
        figure,
        value=joules,
        recording_low=None if doubt is None else joules - doubt,
        recording_high=None if doubt is None else joules + doubt,
        coverage=coverage,
        scope=scope or figure.scope,
    )
