"""A GPU, a launcher and records for the harness of benchmarks/gb10_vs_cloud, none of which trains anything."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
from compared import GPU_SCOPE, run_on

from cardcallback.record import RECORD_NAME, Dataset, Lora, RunRecord, Scope, encode
from cardcallback.sensors.base import DeviceInfo, Quantity, SensorSet, SensorSpec, Unit
from cardcallback.sensors.surroundings import Surroundings
from cardcallback.testing import FakeClock, FakeSensor
from gb10_vs_cloud.environment import Gpu
from gb10_vs_cloud.jobs import Job, Outcome, write_outcome
from gb10_vs_cloud.series import Plan, Tools
from gb10_vs_cloud.workloads import SAME_WORK, load_workloads

WORKLOADS = load_workloads()
TRIAL = WORKLOADS.named("trial-270m")
LOSS = 0.64
_UNITS: dict[str, Unit] = {
    "gpu_power": "watts",
    "gpu_temperature": "celsius",
    "gpu_utilization": "share",
    "gpu_clock_event_reasons": "bitmask",
}


class Clock(FakeClock):
    """Waiting moves it."""

    def wait(self, seconds: float) -> None:
        """Let them pass at once."""
        self.advance(seconds)


def gpu(
    *,
    watts: float | Callable[[], float] = 20.0,
    celsius: float | Callable[[], float] = 35.0,
    reasons: float = 1.0,
    about: Surroundings | None = None,
    devices: int = 1,
    clock: Clock | None = None,
) -> Gpu:
    """A GPU that draws so much, is so warm and gives those reasons for its clock."""
    infos = tuple(DeviceInfo(index=index, name="NVIDIA H100 80GB HBM3") for index in range(devices))
    readings = {
        "gpu_power": watts,
        "gpu_temperature": celsius,
        "gpu_utilization": 0.0,
        "gpu_clock_event_reasons": reasons,
    }
    sensors = tuple(_sensor(name, value, info.index) for info in infos for name, value in readings.items())
    opened = SensorSet(sensors=sensors, devices=infos, driver_version="580.95.05")
    around = about or Surroundings(programs=0, drawing=0)
    return Gpu(open_sensors=lambda: opened, about=lambda _: around, clock=clock or Clock())


def _sensor(quantity: Quantity, readings: Any, device: int) -> FakeSensor:
    spec = SensorSpec(
        quantity=quantity,
        source=f"nvml:{quantity}",
        kind="gauge",
        unit=_UNITS[quantity],
        scope=Scope(gpu_core="yes"),
        covers="GPU",
        interval_seconds=1.0,
        device=device,
    )
    return FakeSensor(spec, readings)


def plan(folder: Path, **changes: Any) -> Plan:
    """The trial on a machine called h100, with everything below ``folder``."""
    fields = {
        "workloads": WORKLOADS,
        "workload": TRIAL,
        "tier": SAME_WORK,
        "machine": "h100",
        "records": folder / "records",
        "work": folder / "work",
        "tuning": {},
        "longest_cool_down_seconds": 60.0,
    }
    return Plan(**(fields | changes))


def record_of(job: Job, run_id: str, *, energy: float = 1.0, name: str = "NVIDIA H100 80GB HBM3") -> RunRecord:
    """The record that the job would leave on a GPU that used ``energy`` times what a made-up one does."""
    workload = job.workload
    data = workload.data
    run = run_on(name, run_id, energy=energy, scope=GPU_SCOPE)
    lora = None if workload.lora is None else Lora(rank=workload.lora.rank, alpha=float(workload.lora.alpha))
    training = msgspec.structs.replace(
        run.training,
        base_model=workload.model.name,
        steps=job.steps,
        lora=lora,
        hyperparameters=dict(job.settings),
        dataset=Dataset(
            name="local file", training_examples=data.examples - data.held_out, evaluation_examples=data.held_out
        ),
    )
    return msgspec.structs.replace(run, training=training)


class Launcher:
    """Leaves a record for each job; ``codes`` are how the processes end, warm-ups included, then all well."""

    def __init__(self, codes: Iterable[int] = (), **details: Any) -> None:
        self._codes = iter(codes)
        self._details = details
        self.jobs: list[Job] = []

    def __call__(self, job: Job) -> int:
        """Train nothing."""
        self.jobs.append(job)
        code = next(self._codes, 0)
        folder = Path(job.output_dir)
        folder.mkdir(parents=True)
        if code == 0:
            run_id = f"{job.tier}-{len(self.jobs)}-{self._details.get('name', '')}"
            record = record_of(job, run_id, **self._details)
            (folder / RECORD_NAME).write_text(encode(record), encoding="utf-8")
            write_outcome(Outcome(weights="a package 1.0", held_out_loss=LOSS), folder)
        return code


def tools(launcher: Launcher, said: list[str] | None = None, **changes: Any) -> Tools:
    """A quiet GPU and that launcher."""
    given = Tools(gpu=gpu(), launch=launcher, say=(said if said is not None else []).append)
    return replace(given, **changes)
