"""Several meters of one machine: which is the figure, and when none is."""

from __future__ import annotations

import pytest
from recorded import record

from cardcallback.record import Scope
from cardcallback.sensors import DeviceInfo, SensorSet, SensorSpec
from cardcallback.testing import FakeClock, FakeSensor


def _meter(watts: float, covers: str, **scope: str) -> FakeSensor:
    spec = SensorSpec(
        quantity="system_power",
        source=f"meter:{covers}",
        kind="gauge",
        unit="watts",
        scope=Scope(**scope),
        covers=covers,
        interval_seconds=1.0,
    )
    return FakeSensor(spec, watts)


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_meters_of_one_machine_the_wider_counts(order: int) -> None:
    """A plug that holds the supply's losses is the machine's figure; the board's stands beside, neither is added."""
    board = _meter(100.0, "board", gpu_core="yes", cpu="yes", host_dram="yes")
    plug = _meter(130.0, "plug", gpu_core="yes", cpu="yes", host_dram="yes", supply_loss="yes")
    energy = record(SensorSet(sensors=(board, plug)[::order]), 60.0).energy
    assert energy.system.value == pytest.approx(130.0 * 60.0)
    assert {one.source: one.value for one in energy.others} == {"meter:board": pytest.approx(100.0 * 60.0)}


def test_a_meter_that_gives_nothing_leaves_the_place_to_the_next() -> None:
    """The wider meter that never answered is no reason to leave the machine unmeasured."""
    board, plug = _meter(100.0, "board", cpu="yes"), _meter(float("nan"), "plug", cpu="yes", supply_loss="yes")
    energy = record(SensorSet(sensors=(plug, board)), 60.0).energy
    assert energy.system.value == pytest.approx(100.0 * 60.0)
    assert energy.others == ()


@pytest.mark.parametrize(("watts", "believed"), [(150.0, True), (20.0, False)])
def test_a_whole_machine_below_its_gpus_is_none(watts: float, *, believed: bool) -> None:
    """A plug on one of several supplies gives less than the GPUs use: it is shown, and not as the whole machine."""
    clock = FakeClock()
    gpu = SensorSpec(
        quantity="gpu_power",
        source="fake:gpu",
        kind="gauge",
        unit="watts",
        scope=Scope(gpu_core="yes"),
        covers="GPU",
        interval_seconds=0.5,
        averaging_seconds=1.0,
        refresh_seconds=0.1,
        device=0,
    )
    plug = SensorSpec(
        quantity="system_power",
        source="fake:plug",
        kind="gauge",
        unit="watts",
        scope=Scope(gpu_core="yes", cpu="yes", supply_loss="yes"),
        covers="everything on the plug",
        interval_seconds=0.5,
        averaging_seconds=1.0,
        refresh_seconds=0.1,
    )
    sensors = SensorSet(
        sensors=(FakeSensor(gpu, 60.0), FakeSensor(plug, watts)), devices=(DeviceInfo(index=0, name="NVIDIA A"),)
    )
    energy = record(sensors, 120.0, clock).energy
    assert (energy.system.value is not None) == believed
    if not believed:
        assert "less than the GPUs alone used" in (energy.system.reason or "")
        assert energy.others[0].value == pytest.approx(120 * watts, rel=0.02)
