"""The energies of a session alone, asked for once a second while it goes on."""

from __future__ import annotations

import pytest
from recorded import device, gpu_sensors, run, sensor
from virtual_gpu import GB10, VirtualGpu, training_waveform

from cardcallback.recorder import Recorder
from cardcallback.sensors import SensorSet
from cardcallback.testing import FakeClock

FIGURES = ("gpu", "gpu_counter", "gpu_integrated", "cpu", "dram", "system", "others")


@pytest.mark.parametrize("count", [1, 2])
def test_energies_are_those_of_a_snapshot_of_the_same_moment(count: int) -> None:
    """Every figure of the cheap answer is the whole recording's, the devices' own in the same order."""
    clock, gpu = FakeClock(), VirtualGpu(waveform=training_waveform(), **GB10)
    sensors = [one for index in range(count) for one in gpu_sensors(gpu, clock, index)]
    sensors.append(sensor("cpu_energy", lambda: 40.0 * clock.elapsed_seconds(), unit="joules", covers="package 0"))
    devices = tuple(device(index) for index in range(count))
    recorder = Recorder(SensorSet(sensors=tuple(sensors), devices=devices), clock=clock)
    run(recorder, clock, 30.0)
    clock.suspend(5.0)
    now, whole = recorder.energies(), recorder.snapshot()
    for name in FIGURES:
        asked, told = getattr(now.energy, name), getattr(whole.energy, name)
        assert asked == told or asked.value is told.value is None  # why there is none is not looked for every second
    assert now.energy.gpu.value is not None
    assert now.energy.cpu.value is not None
    assert now.accelerators == tuple(one.energy for one in whole.accelerators)
    assert (now.duration_seconds, now.suspended_seconds) == (whole.duration_seconds, whole.suspended_seconds)
    assert now.suspended_seconds == pytest.approx(5.0)


def test_asking_for_energies_changes_no_figure() -> None:
    """A session that was asked every second ends as one that was never asked."""
    endings = []
    for asked in (False, True):
        clock, gpu = FakeClock(), VirtualGpu(waveform=training_waveform(), **GB10)
        recorder = Recorder(SensorSet(sensors=tuple(gpu_sensors(gpu, clock)), devices=(device(),)), clock=clock)
        for _ in range(20):
            run(recorder, clock, 1.0)
            if asked:
                recorder.energies()
        endings.append(recorder.stop().energy)
    assert endings[0] == endings[1]
