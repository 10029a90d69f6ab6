"""Copies of the recorded ``sys`` trees whose counters and gauges follow a waveform on a clock that tests move."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from cardcallback.testing import FakeClock
from waveforms import Waveform

FIXTURES = Path(__file__).parents[1] / "fixtures"
POWERCAP = Path("sys/class/powercap")
HWMON = Path("sys/class/hwmon")
# Where the clock of a test stands when its session begins.
ORIGIN_SECONDS = 1000.0


def copied(name: str, folder: Path) -> Path:
    """A tree of ``tests/fixtures`` that may be changed."""
    root = folder / name
    shutil.copytree(FIXTURES / name, root)
    return root


@dataclass(frozen=True, kw_only=True)
class CounterFile:
    """A file of microjoules: what ``waveform`` used, from ``start_joules``, in steps, beginning again at the range."""

    path: Path
    waveform: Waveform
    range_joules: float
    start_joules: float = 0.0
    step_seconds: float = 0.001

    def write(self, at: float) -> None:
        """Show the counter as it stands at a time of the session."""
        renewed = at // self.step_seconds * self.step_seconds
        joules = self.start_joules + self.waveform.energy_joules(0.0, max(renewed, 0.0))
        self.path.write_text(f"{round(joules % self.range_joules * 1e6)}\n")


@dataclass(frozen=True, kw_only=True)
class PowerFile:
    """A file of microwatts: the mean of ``waveform`` over the past ``window_seconds``."""

    path: Path
    waveform: Waveform
    window_seconds: float

    def write(self, at: float) -> None:
        """Show the gauge as it stands at a time of the session."""
        joules = self.waveform.energy_joules(at - self.window_seconds, at)
        self.path.write_text(f"{round(joules / self.window_seconds * 1e6)}\n")


@dataclass(frozen=True, kw_only=True)
class RailFile:
    """A file of milliamperes: what ``waveform`` draws now from a rail of steady voltage."""

    path: Path
    waveform: Waveform
    volts: float

    def write(self, at: float) -> None:
        """Show the current as it stands at a time of the session."""
        self.path.write_text(f"{round(self.waveform.power_watts(at) / self.volts * 1000)}\n")


class FileClock(FakeClock):
    """A clock that brings files up to its time whenever it moves."""

    def __init__(self, *files: CounterFile | PowerFile | RailFile) -> None:
        super().__init__(elapsed=ORIGIN_SECONDS)
        self.files = list(files)
        self.advance(0.0)

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass for clock and files."""
        super().advance(seconds)
        for file in self.files:
            file.write(self.elapsed_seconds() - ORIGIN_SECONDS)
