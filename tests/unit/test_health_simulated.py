"""Health end to end on simulated machines: real binding, real sensors, the recorder on the driven clock."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from recorded import run

from cardcallback.assemble import RunState, assemble_record
from cardcallback.record import Evaluation, Machine, RunRecord, Training
from cardcallback.recorder import Recorder
from cardcallback.render.section import render_section
from cardcallback.sensors.discovery import open_sensors
from cardcallback.sensors.nvml import reset_nvml
from simulator import Simulation
from simulator_fixtures import Simulate


@pytest.fixture(autouse=True)
def _released() -> Iterator[None]:
    yield
    reset_nvml()


class MachineClock:
    """The simulated machine's own time."""

    def __init__(self, machine: Simulation) -> None:
        self._machine = machine

    def elapsed_seconds(self) -> float:
        """Seconds since the machine's origin."""
        return self._machine.now_seconds()

    def awake_seconds(self) -> float:
        """The same: it never sleeps."""
        return self._machine.now_seconds()

    def thread_seconds(self) -> float:
        """A driven run costs nothing."""
        return 0.0

    def today(self) -> str:
        """A date."""
        return "2026-03-02"

    def advance(self, seconds: float) -> None:
        """Let time pass on the machine."""
        self._machine.advance(seconds)


def trained_on(simulate: Simulate, profile: str, seconds: float, root: Path) -> tuple[RunRecord, list[str]]:
    """The record of a training beside the machine, and what was told while it ran."""
    clock = MachineClock(simulate(profile))
    sensors = open_sensors(system_root=root, environ={"CARDCALLBACK_SIMULATED": "1"}, plugins=[])
    recorder = Recorder(sensors, clock=clock)
    run(recorder, clock, seconds)  # type: ignore[arg-type] - it only advances
    state = RunState(
        run_id="0",
        cardcallback_version="0",
        status="completed",
        first_step=0,
        last_step=100,
        training=Training(steps=100),
        evaluation=Evaluation(),
        curves={},
    )
    record = assemble_record(state, recorder.stop(), software={}, machine=Machine())
    return record, list(recorder.news)


def test_healthy_spark_is_left_in_peace(simulate: Simulate, tmp_path: Path) -> None:
    """Ten minutes of training under the power cap: nothing told, all figures there."""
    record, news = trained_on(simulate, "gb10", 600.0, tmp_path)
    (device,) = record.hardware.accelerators
    assert (news, device.health) == ([], ())
    assert "slower" not in render_section(record)
    assert device.throttle_reasons == ("software power cap",)
    assert device.median_utilization is not None
    assert device.median_utilization.value == 0.96
    times = (device.low_clock_time, device.thermal_slowdown_time, device.hardware_slowdown_time)
    assert [time.value for time in times if time is not None] == [0.0, 0.0, 0.0]


def test_stuck_spark(simulate: Simulate, tmp_path: Path) -> None:
    """721 MHz at 96 % without a reason: a line while it runs, a sentence on the card, in its time nearly all."""
    record, news = trained_on(simulate, "gb10-stuck", 300.0, tmp_path)
    (device,) = record.hardware.accelerators
    assert ["low-power state" in line for line in news] == [True]
    assert device.low_clock_time is not None
    assert device.low_clock_time.value == pytest.approx(300.0, abs=5.0)
    assert "SM clock below 1,400 MHz, where a healthy GB10 runs near 2,400 MHz" in render_section(record)


def test_hot_h100(simulate: Simulate, tmp_path: Path) -> None:
    """Slowed from 30 s to 330 s: the driver's counter gives 300 s within its reading's distance."""
    record, news = trained_on(simulate, "h100-thermal", 600.0, tmp_path)
    (device,) = record.hardware.accelerators
    assert device.thermal_slowdown_time is not None
    assert device.thermal_slowdown_time.value == pytest.approx(300.0)
    assert device.thermal_slowdown_time.source == "nvml:field_269 + nvml:field_270"
    assert device.throttle_reasons == ("software power cap", "software thermal slowdown")
    assert ["cooling" in line for line in news] == [True]
    assert "Thermal slowdown for 5 min (50 % of the time watched)" in render_section(record)


def test_a_process_that_comes(simulate: Simulate, tmp_path: Path) -> None:
    """From 90 s on another program computes there: told once, and the energy's row says whose it is."""
    record, news = trained_on(simulate, "gb10-intruder", 400.0, tmp_path)
    assert ["another process has come" in line for line in news] == [True]
    assert "shared with 1 other process" in render_section(record)


def test_a_desktop_that_was_there_is_on_the_card_only(simulate: Simulate, tmp_path: Path) -> None:
    """Who drew on the GPU from the start is no news, and still shares its energy."""
    record, news = trained_on(simulate, "foreign-processes", 400.0, tmp_path)
    assert news == []
    assert "shared with 1 other process" in render_section(record)


def test_divided_gpu(simulate: Simulate, tmp_path: Path) -> None:
    """Under MIG the energy is said to be the whole GPU's, and no clock is judged without a utilisation."""
    record, news = trained_on(simulate, "mig", 300.0, tmp_path)
    assert news == []
    assert "the GPU is divided (MIG): its energy is the whole GPU's" in render_section(record)
    time = record.hardware.accelerators[0].low_clock_time
    assert time is not None
    assert (time.value, time.reason) == (None, "no utilisation: not supported by this GPU's driver")
