"""What measures the machine beside its GPUs: the processor's own counters, and the sensors of the board."""

from __future__ import annotations

from pathlib import Path

from cardcallback.sensors.base import SensorSet
from cardcallback.sensors.power_meters import open_power_meters
from cardcallback.sensors.rapl import open_rapl
from cardcallback.sensors.spbm import open_spbm

# Two ways to the same figure: where one is there, the other's absence is no news and its sensor a second count.
_CPU = frozenset({"cpu_energy", "cpu_power"})
_SYSTEM = frozenset({"system_energy", "system_power"})


def open_machine_energy(system_root: Path) -> SensorSet:
    """Energy of processors, memory and the whole machine, or the reasons why not; raises nothing.

    Args:
        system_root: the folder that holds ``sys``.
    """
    rapl, board = open_rapl(system_root), open_spbm(system_root).with_others(open_power_meters(system_root))
    by_rapl = {sensor.spec.quantity for sensor in rapl.sensors}
    of_board = [sensor for sensor in board.sensors if not (sensor.spec.quantity in _CPU and by_rapl & _CPU)]
    sensors = (*rapl.sensors, *of_board)
    covered = {quantity for sensor in sensors for quantity in same_figure(sensor.spec.quantity)}
    absences = [absence for absence in (*board.absences, *rapl.absences) if absence.quantity not in covered]
    return SensorSet(sensors=sensors, absences=tuple(absences))


def same_figure(quantity: str) -> frozenset[str]:
    """The quantities that are ways to one figure, ``quantity`` among them."""
    return next((figure for figure in (_CPU, _SYSTEM) if quantity in figure), frozenset({quantity}))
