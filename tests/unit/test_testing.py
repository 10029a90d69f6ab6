"""The public fakes keep their promises."""

from __future__ import annotations

import pytest

from cardcallback.errors import SensorReadError
from cardcallback.record import Scope, decode, encode
from cardcallback.sensors import Sensor, SensorSpec
from cardcallback.testing import FakeClock, FakeSensor, make_record

SPEC = SensorSpec(
    quantity="gpu_power", source="fake", kind="gauge", unit="watts", scope=Scope(), covers="", interval_seconds=1.0
)


def test_made_record_survives_a_file_and_agrees_with_itself() -> None:
    """Written and read it is the same; phases, sessions and ratios add up."""
    record = make_record()
    assert decode(encode(record).encode()).record == record
    energy = record.energy
    assert sum(phase.energy.value or 0 for phase in energy.phases) == pytest.approx(energy.gpu.value)
    assert sum(phase.duration_seconds for phase in energy.phases) == record.duration_seconds
    assert sum(session.duration_seconds for session in record.sessions) == record.duration_seconds
    assert energy.per_step is not None
    assert energy.per_step.value == pytest.approx((energy.phases[0].energy.value or 0) / record.training.steps)
    held_out = dict(record.curves["eval_loss"])
    assert record.training.published_step == min(held_out, key=lambda step: held_out[step])


def test_overrides_replace_top_level_fields() -> None:
    """A test states only what it is about."""
    assert make_record(status="interrupted").status == "interrupted"


def test_clock_moves_only_when_told() -> None:
    """Elapsed time counts suspend, awake time does not."""
    clock = FakeClock(elapsed=5.0)
    clock.advance(1.0)
    clock.suspend(10.0)
    assert (clock.elapsed_seconds(), clock.awake_seconds()) == (16.0, 6.0)


def test_sensor_gives_readings_in_order_then_fails() -> None:
    """Values in order, an exception raised where it stands, then no more readings."""
    sensor = FakeSensor(SPEC, [1.0, SensorReadError("busy")])
    assert isinstance(sensor, Sensor)
    assert sensor.read() == 1.0
    for _ in range(2):
        with pytest.raises(SensorReadError):
            sensor.read()
    assert sensor.reads == 3
