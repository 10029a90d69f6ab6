"""A killed run of several sessions: every figure of the whole is the sum of its sessions' newest."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from session_records import session_record

from cardcallback.journal.recovering import Newest, interrupted_record
from cardcallback.record import PhaseEnergy, RunRecord
from cardcallback.sessions import counted_steps, joined_sessions

SPENT = 1100.0


def resumed() -> RunRecord:
    """A run of 50 steps that went on from step 30 and is at step 80 after 100 s of its second session."""
    first = _with_device(session_record(1000.0, steps=(0, 50), status="interrupted", session_id="first"))
    second = _with_device(session_record(1000.0, steps=(30, 80), status="running", session_id="second"))
    return joined_sessions(first, second)


def _with_device(record: RunRecord) -> RunRecord:
    """Its only device used what the session did; half of the time was evaluation."""
    (session,) = record.sessions
    gpu = session.energy.gpu
    device = replace(session.hardware.accelerators[0], energy=gpu, mean_power=replace(gpu, value=10.0, unit="watts"))
    phases = (PhaseEnergy(phase="evaluation", duration_seconds=50.0, visits=1, energy=replace(gpu, value=500.0)),)
    energy = replace(session.energy, others=(replace(gpu, source="a plug"),), phases=phases)
    session = replace(session, energy=energy, hardware=replace(session.hardware, accelerators=(device,)))
    return replace(record, sessions=(session,), energy=energy, hardware=session.hardware)


def newest(seconds: float, step: int | None, joules: float = SPENT) -> Newest:
    """The line of that age."""
    figure = (seconds, (joules, joules - 1, joules + 1, 1.0))
    return Newest(
        duration_seconds=seconds, suspended_seconds=None, last_step=step, figures={"gpu": figure, "others.0": figure}
    )


def test_steps_that_were_done_again_are_divided_by_once() -> None:
    """2,100 J over 88 steps, of which 20 were done twice."""
    record = interrupted_record(resumed(), newest(110.0, 88))
    assert counted_steps(record.sessions) == 88
    assert record.energy.per_step is not None
    assert record.energy.per_step.value == pytest.approx(2100.0 / 88)


def test_devices_and_second_sensors_of_the_whole_reach_to_the_last_second() -> None:
    """They are the sums of the sessions' own, as the total is."""
    record = interrupted_record(resumed(), newest(110.0, 88))
    (device,) = record.hardware.accelerators
    (plug,) = record.energy.others
    assert (record.energy.gpu.value, device.energy.value, plug.value) == (2100.0, 2100.0, 2100.0)
    assert device.mean_power is not None
    assert device.mean_power.value == pytest.approx(2100.0 / 210.0)
    assert record.duration_seconds == 210.0
    assert record.stages[-1].duration_seconds == 210.0


def test_a_figure_that_was_lost_in_the_last_session_is_unknown_of_the_whole() -> None:
    """The note still tells what the session before used."""
    lost = Newest(duration_seconds=110.0, suspended_seconds=None, last_step=80, figures={"gpu": (110.0, None)})
    record = interrupted_record(resumed(), lost)
    assert record.energy.gpu.reason == "session 2: it was no longer measured when the run was killed"
    assert "GPU energy of session 1 alone: 1,000 J." in record.notes


def test_tokens_of_the_run_are_not_divided_into_the_energy_of_one_session() -> None:
    """Of 2,000 tokens a session counted 1,000: its own quotient is the snapshot's."""
    record = interrupted_record(resumed(), newest(110.0, 80))
    assert record.training.tokens.non_padding == 2000
    assert record.energy.per_token is not None
    assert record.energy.per_token.value == pytest.approx(2100.0 / 2000)
    assert record.sessions[-1].energy.per_token == resumed().sessions[-1].energy.per_token
