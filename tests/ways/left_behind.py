"""What a way left, and the truth about it: all that the checks look at."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from cardcallback import RunRecord, load_run
from hub_server import Commit
from simulator import Simulation
from way import Place

_NANOSECONDS = 1e9


@dataclass(frozen=True)
class LeftBehind:
    """One way's run after it ended.

    ``versions`` are those of the libraries, by package. ``published`` is what ``cardcallback publish`` said, or
    ``None`` where there is no merged folder. ``live_refusal`` is why no live figures could be asked for. ``devices``
    are the numbers of the job's own, where these are not all.
    """

    place: Place
    simulation: Simulation
    commits: tuple[Commit, ...]
    versions: dict[str, str]
    published: str | None
    live_refusal: str | None = None
    notes: tuple[dict[str, Any], ...] = field(default=())
    devices: tuple[int, ...] | None = None

    @cached_property
    def record(self) -> RunRecord:
        """The record in the output folder.

        Raises:
            CardCallbackError: there is none.
        """
        return load_run(self.place.output)

    @property
    def card(self) -> str:
        """The card in the output folder."""
        return (self.place.output / "README.md").read_text(encoding="utf-8")

    @property
    def trainings(self) -> tuple[dict[str, Any], ...]:
        """What was noted of each training into the output folder, by its first process."""
        output = os.path.realpath(self.place.output)
        return tuple(note for note in self.notes if note["output"] == output and note["first"])

    def true_joules(self) -> tuple[float, float]:
        """The least and the most the devices really used while training, by the waveforms' formula.

        A session begins while the callbacks are told so, which takes some milliseconds.
        """
        return self._joules("begin_after"), self._joules("begin_before")

    def _joules(self, begin: str) -> float:
        origin = self.simulation.origin_nanoseconds
        devices = self.devices or range(len(self.simulation.profile.devices))
        return sum(
            self.simulation.true_joules(
                (note[begin] - origin) / _NANOSECONDS, (note["end"] - origin) / _NANOSECONDS, device=device
            )
            for note in self.trainings
            for device in devices
        )


def read_notes(folder: Path) -> tuple[dict[str, Any], ...]:
    """What the watcher of each process noted."""
    lines = [line for path in sorted(folder.glob("*.jsonl")) for line in path.read_text("utf-8").splitlines()]
    return tuple(json.loads(line) for line in lines)
