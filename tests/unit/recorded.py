"""Sensors, devices and a session of the recorder on a clock that the test moves."""

from __future__ import annotations

from collections.abc import Callable

from virtual_gpu import VirtualGpu

from cardcallback.record import Scope
from cardcallback.recorder import Recorder, Recording
from cardcallback.sensors import DeviceInfo, Quantity, Sensor, SensorSet, SensorSpec
from cardcallback.testing import FakeClock, FakeSensor

Readings = float | Callable[[], float]
UNITS = {
    "gpu_energy": "joules",
    "gpu_power": "watts",
    "gpu_sm_clock": "hertz",
    "gpu_temperature": "celsius",
    "gpu_clock_event_reasons": "bitmask",
    "gpu_other_processes": "count",
}
INTERVALS = {"gpu_energy": 1.0, "gpu_power": 0.5, "gpu_process_memory": 60.0, "system_memory_total": 86400.0}


def sensor(quantity: Quantity, readings: Readings, device: int | None = None, **details: object) -> FakeSensor:
    """A sensor of a quantity, with what is usual for it."""
    fields = {
        "quantity": quantity,
        "source": f"fake:{quantity}",
        "kind": "counter" if quantity.endswith("energy") else "gauge",
        "unit": UNITS.get(quantity, "bytes"),
        "scope": Scope(gpu_core="yes"),
        "covers": f"GPU {device}",
        "interval_seconds": INTERVALS.get(quantity, 1.0),
        "device": device,
    }
    if quantity.endswith("energy"):
        fields["refresh_seconds"] = 0.1
    if quantity == "gpu_power":
        fields |= {"averaging_seconds": 1.0, "refresh_seconds": 0.1}
    return FakeSensor(SensorSpec(**(fields | details)), readings)


def gpu_sensors(gpu: VirtualGpu, clock: FakeClock, device: int = 0, origin: float = 1000.0) -> list[Sensor]:
    """Counter and gauge of a virtual GPU whose waveform begins at ``origin`` on the clock."""
    return [
        sensor("gpu_energy", lambda: gpu.joules(clock.elapsed_seconds() - origin), device),
        sensor("gpu_power", lambda: gpu.watts(clock.elapsed_seconds() - origin), device),
    ]


def device(index: int = 0, **details: object) -> DeviceInfo:
    """A device of the job."""
    return DeviceInfo(index=index, name="NVIDIA GB10", **details)


def run(recorder: Recorder, clock: FakeClock, seconds: float) -> None:
    """Let the recorder's loop run, without its thread."""
    end = clock.elapsed_seconds() + seconds
    while clock.elapsed_seconds() < end:
        wait = recorder.sample_due()
        clock.advance(min(max(wait, 1e-3), end - clock.elapsed_seconds()))


def record(sensors: SensorSet, seconds: float, clock: FakeClock | None = None, **options: object) -> Recording:
    """One session."""
    clock = clock or FakeClock()
    recorder = Recorder(sensors, clock=clock, **options)
    run(recorder, clock, seconds)
    return recorder.stop()
