"""One tool measures one run of a simulated device, in a process of its own; prints one line of JSON.

    python tests/simulator/run_simulated.py --profile gb10 -- python benchmarks/one_tool.py cardcallback --seconds 15

The main thread meanwhile does what training does to a sampler: it holds the interpreter lock in bursts. Errors
of a tool are part of what is measured, so they are told and not raised.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:  # each process loads the one tool it measures
    from cardcallback.sensors import Sensor

_BURST_SECONDS, _BURST_EVERY_SECONDS = 0.02, 1.0
_JOULES_PER_KILOWATT_HOUR = 3.6e6
_GPU = 0


class Tool(Protocol):
    """What is asked of each tool; making one opens its sensors.

    ``begins_when_called``: its window begins at the call of ``start``, else where ``start`` returns.
    """

    begins_when_called: bool

    def start(self) -> None:
        """Begin to measure."""

    def stop(self) -> None:
        """End measuring; afterwards ``figure`` may be asked."""

    def figure(self) -> dict[str, Any]:
        """``joules`` (``None``: no figure) and what else the tool says of it."""


class CardCallbackTool:
    """What ``CardCallback`` does with the sensors: opened at construction, begun and ended with the training.

    It is the callback's own run object, without trainer, card and pictures.
    """

    begins_when_called = True

    def __init__(self) -> None:
        from cardcallback.live_run import LiveRun  # noqa: PLC0415 - each process loads the one tool it measures
        from cardcallback.recorder import SystemClock, open_in_background  # noqa: PLC0415
        from cardcallback.sensors.discovery import sensor_parts  # noqa: PLC0415
        from cardcallback.settings import resolve_settings, system_root  # noqa: PLC0415

        settings = resolve_settings({}, environ={}, working_directory=Path("/"), user_config_directory=Path("/"))
        root = system_root(os.environ)
        clock = SystemClock()
        self._openings = open_in_background(sensor_parts(system_root=root, environ=os.environ), clock)
        self._run = LiveRun(settings, clock=clock, system_root=root)

    def start(self) -> None:
        """As at ``on_train_begin``."""
        self._run.start_recording(self._openings, os.environ, None, None, first=True)

    def stop(self) -> None:
        """As at ``on_train_end``."""
        self._run.stop_recording()

    def reads(self) -> list[tuple[Sensor, int]]:
        """Each sensor, and how often it was read until now."""
        lanes = self._run._recorder._lanes if self._run._recorder is not None else []  # noqa: SLF001 - nobody else asks
        return [(one.sensor, one.reads) for lane in lanes for one in lane.appointments]

    def figure(self) -> dict[str, Any]:
        """The record's energy of the GPU."""
        record = self._run.record("completed", log_history=[], last_step=0)
        gpu = record.energy.gpu
        return {
            "joules": gpu.value,
            "low": gpu.recording_low,
            "high": gpu.recording_high,
            "coverage": gpu.coverage,
            "method": gpu.method,
            "power_read_every_seconds": record.energy.gpu_integrated.sampling_interval_seconds,
            "said": [note for note in record.notes if "No CO2e" not in note],
            "reason": gpu.reason,
        }


class CodecarbonTool:
    """codecarbon's offline tracker; of its figures, the GPU's.

    Its ``start`` looks for hardware, which takes more than a second, and reads last.
    """

    begins_when_called = False

    def __init__(self, period_seconds: float | None = None) -> None:
        from codecarbon import OfflineEmissionsTracker  # noqa: PLC0415

        options = {} if period_seconds is None else {"measure_power_secs": period_seconds}
        self._tracker = OfflineEmissionsTracker(
            country_iso_code="DEU", save_to_file=False, log_level="critical", allow_multiple_runs=True, **options
        )

    def start(self) -> None:
        """Begin to track."""
        self._tracker.start()

    def stop(self) -> None:
        """End tracking."""
        self._tracker.stop()

    def figure(self) -> dict[str, Any]:
        """Its GPU energy; ``None`` where it failed silently."""
        data = getattr(self._tracker, "final_emissions_data", None)
        return {"joules": None if data is None else data.gpu_energy * _JOULES_PER_KILOWATT_HOUR}


class ZeusTool:
    """zeus's monitor with one window; nothing runs on a GPU here that would have to be waited for."""

    begins_when_called = True

    def __init__(self) -> None:
        from zeus.monitor import ZeusMonitor  # noqa: PLC0415

        self._monitor = ZeusMonitor(gpu_indices=[_GPU], cpu_indices=[])
        self._measurement: Any = None

    def start(self) -> None:
        """Open the window."""
        self._monitor.begin_window("training", sync_execution=False)

    def stop(self) -> None:
        """Close the window."""
        self._measurement = self._monitor.end_window("training", sync_execution=False)

    def figure(self) -> dict[str, Any]:
        """The window's energy."""
        return {"joules": self._measurement.gpu_energy[_GPU]}


TOOLS: dict[str, Callable[[], Tool]] = {
    "cardcallback": CardCallbackTool,
    "codecarbon": CodecarbonTool,
    "codecarbon, 1 s": lambda: CodecarbonTool(1.0),
    "zeus": ZeusTool,
}
_MODULES = {"cardcallback": "cardcallback.live_run", "codecarbon": "codecarbon", "zeus": "zeus.monitor"}


def measure(name: str, seconds: float, begin_at: float | None) -> dict[str, Any]:
    """One run of ``seconds``, from ``begin_at`` on CLOCK_BOOTTIME or at once."""
    # Loading a library is no part of what a tool's start costs.
    __import__(_MODULES[name.split(",", 1)[0]])
    result: dict[str, Any] = {"tool": name}
    try:
        _measure(TOOLS[name], seconds, begin_at, result)
    except Exception as error:  # noqa: BLE001 - what a tool raises is a result
        result["raised"] = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}".rstrip(": ")
        result["trace"] = traceback.format_exc(limit=-3)
        # A training script that does not expect it ends here; the truth of the planned window is still told.
        result.setdefault("begin", begin_at if begin_at is not None else now())
        result.setdefault("end", result["begin"] + seconds)
    return result


def _measure(make: Callable[[], Tool], seconds: float, begin_at: float | None, result: dict[str, Any]) -> None:
    result["stage"] = "construction"
    tool, result["construction_seconds"] = _timed(make)
    if begin_at is not None:
        time.sleep(max(begin_at - now(), 0.0))
    used = time.process_time()
    called = now()
    result |= {"stage": "start", "begin": called}
    _, result["start_seconds"] = _timed(tool.start)
    result |= {"stage": "run", "begin": called if tool.begins_when_called else now()}
    work_until(result["begin"] + seconds)
    result |= {"stage": "stop", "end": now()}
    _, result["stop_seconds"] = _timed(tool.stop)
    result["processor_seconds"] = time.process_time() - used
    result["stage"] = "figure"
    result |= tool.figure()
    del result["stage"]


def _timed(act: Callable[[], Any]) -> tuple[Any, float]:
    begin = time.perf_counter()
    return act(), time.perf_counter() - begin


def now() -> float:
    """CLOCK_BOOTTIME in seconds, the clock of the simulated device."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def work_until(end: float) -> None:
    """Bursts in which no other thread of this process gets the interpreter, then waiting, as for a GPU."""
    count = 1000
    while (left := end - now()) > 0:
        begin = time.perf_counter()
        sum(range(count))  # one call into C: the lock is held until it returns
        took = time.perf_counter() - begin
        count = max(int(count * min(_BURST_SECONDS / max(took, 1e-6), 4.0)), 1000)
        time.sleep(min(max(_BURST_EVERY_SECONDS - took, 0.0), max(left - took, 0.0)))


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tool", choices=sorted(TOOLS))
    parser.add_argument("--seconds", type=float, default=15.0, help="length of the run (default: %(default)s)")
    parser.add_argument("--begin-at", type=float, help="when to begin, on CLOCK_BOOTTIME")
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)
    print(json.dumps(measure(arguments.tool, arguments.seconds, arguments.begin_at)))


if __name__ == "__main__":
    main()
