"""One GPU as its sensors see it, and what they need of NVML. Knows no binding."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from cardcallback.sensors.nvml_power import Part
from cardcallback.sensors.nvml_values import GpuProcess

Ask = Callable[[], float]


class Driver(Protocol):
    """What the sensors need of NVML: calls by name on a device by index, in NVML's own units."""

    def ask(self, call: str, index: int, *arguments: Any) -> Any:
        """The answer of ``nvmlDeviceGet<call>`` for device ``index``.

        Raises:
            NvmlCallError: it returned an error.
        """

    def ask_field(self, index: int, field: int, scope: int) -> int:
        """One field's value in one scope.

        Raises:
            NvmlCallError: the call or the field's element returned an error.
        """

    def power_samples(self, index: int, after_microseconds: int) -> list[tuple[int, int]]:
        """(stamp in microseconds, milliwatts) of the readings that the driver keeps and stamped later than that.

        Raises:
            NvmlCallError: it returned an error.
        """

    def processes(self, index: int, *, graphics: bool = False) -> list[GpuProcess]:
        """Processes with a compute (or graphics) context.

        Raises:
            NvmlCallError: it returned an error.
        """


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    """One GPU as the sensors see it. ``own_among`` gives those of some processes that are ours or our children.

    ``highest_watts`` is the most the GPU may draw for long, ``highest_module_watts`` its whole module.
    """

    driver: Driver
    index: int
    part: Part
    own_among: Callable[[Iterable[int]], frozenset[int]]
    highest_watts: float | None = None
    highest_module_watts: float | None = None
