"""What was about a GPU at one moment: asked once or twice, and never while a run is measured. Knows no binding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cardcallback.sensors import nvml
from cardcallback.sensors.nvml_device import Driver
from cardcallback.sensors.nvml_errors import NvmlCallError

_LOWEST_STATE = 15


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """Processes of others that compute on a GPU, or only draw on it, its performance state and its display.

    Each is ``None`` where the driver does not tell. The counts are of the processes that the driver lists: in a
    container without the host's process numbers it may list none. Performance state 0 is the highest.
    """

    programs: int | None = None
    drawing: int | None = None
    performance_state: int | None = None
    display_attached: bool | None = None


def surroundings(index: int) -> Surroundings:
    """What is about device ``index`` now, for a process that does not itself compute on it."""
    opened = nvml.driver()
    if opened is None:
        return Surroundings()
    computing, drawing = (_pids(opened, index, graphics=graphics) for graphics in (False, True))
    state = _known(opened, "PerformanceState", index)
    display = _known(opened, "DisplayMode", index)
    return Surroundings(
        programs=None if computing is None else len(computing),
        drawing=None if drawing is None else len(drawing - (computing or frozenset())),
        # NVML gives 32 for a state that it does not know.
        performance_state=state if state is not None and 0 <= state <= _LOWEST_STATE else None,
        display_attached=None if display is None else bool(display),
    )


def _pids(driver: Driver, index: int, *, graphics: bool) -> frozenset[int] | None:
    try:
        listed = frozenset(process.pid for process in driver.processes(index, graphics=graphics))
    except NvmlCallError:
        return None
    return listed - nvml.own_among(listed)


def _known(driver: Driver, call: str, index: int) -> Any:
    try:
        return driver.ask(call, index)
    except NvmlCallError:
        return None
