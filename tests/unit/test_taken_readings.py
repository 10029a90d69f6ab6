"""Readings that are taken and not entered yet: which of them wait for how long."""

from __future__ import annotations

import pytest
from recorded import device, gpu_sensors, sensor
from virtual_gpu import GB10, VirtualGpu, training_waveform

from cardcallback.recorder import Recorder
from cardcallback.recorder.schedule import Appointment
from cardcallback.recorder.taken import TakenReadings
from cardcallback.sensors import SensorSet
from cardcallback.testing import FakeClock


def appointment(quantity: str, unit: str) -> Appointment:
    """Of a sensor of that kind."""
    return Appointment(sensor(quantity, 1.0, unit=unit), 1.0)


def test_energy_is_due_after_seconds_and_all_else_after_ten() -> None:
    """Each by its oldest reading; where another thread has taken all of them out, nothing is due."""
    taken = TakenReadings()
    assert not taken.energies_are_due(1e9)
    assert not taken.states_are_due(1e9)
    taken.add(appointment("gpu_power", "watts"), 5.0, 100.0)
    taken.add(appointment("gpu_temperature", "celsius"), 5.0, 60.0)
    assert [taken.energies_are_due(at) for at in (7.4, 7.5)] == [False, True]
    assert [taken.states_are_due(at) for at in (14.9, 15.0)] == [False, True]
    assert [one.sensor.spec.quantity for one, _ in taken.take_out(states=False)] == ["gpu_power"]
    assert not taken.energies_are_due(1e9)
    assert taken.states_are_due(15.0)


def test_readings_come_out_in_order_and_those_of_one_sensor_in_a_row_together() -> None:
    """What judges a clock is read just before it, and is entered before it too."""
    taken = TakenReadings()
    clock, utilization = appointment("gpu_sm_clock", "hertz"), appointment("gpu_utilization", "share")
    power = appointment("gpu_power", "watts")
    for at in (1.0, 2.0):
        taken.add(utilization, at, 0.9)
        taken.add(clock, at, 2e9)
        taken.add(power, at, 100.0 * at)
    assert list(taken.take_out(states=True)) == [
        (power, [(1.0, 100.0), (2.0, 200.0)]),
        (utilization, [(1.0, 0.9)]),
        (clock, [(1.0, 2e9)]),
        (utilization, [(2.0, 0.9)]),
        (clock, [(2.0, 2e9)]),
    ]
    assert list(taken.take_out(states=True)) == []


@pytest.mark.parametrize("seconds", [3.0, 25.0])
def test_a_snapshot_has_every_reading_however_young(seconds: float) -> None:
    """Those that a second's energies left waiting too."""
    clock, gpu = FakeClock(), VirtualGpu(waveform=training_waveform(), **GB10)
    memory = sensor("system_memory", lambda: 1e9 + 1e6 * round(clock.elapsed_seconds() * 10), unit="bytes")
    sensors = SensorSet(sensors=(*gpu_sensors(gpu, clock), memory), devices=(device(),))
    recorder = Recorder(sensors, clock=clock)
    begin = clock.elapsed_seconds()
    while clock.elapsed_seconds() < begin + seconds:
        clock.advance(max(recorder.sample_due(), 1e-6))
        recorder.energies()
    recorder.sample_due()
    peak = recorder.snapshot().memory.system_peak.value
    newest = 1e9 + 1e6 * round(clock.elapsed_seconds() * 10)
    assert peak == pytest.approx(newest, abs=1.1e7)  # it is read every second
