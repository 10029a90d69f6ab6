"""A made-up run in progress on a clock that the test moves, and the journal it keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from msgspec.structs import replace

from cardcallback.guard import Guard
from cardcallback.journal import JournalKeeper, Progress, copy_path, journal_path, progress_of
from cardcallback.record import Energy, Measurement, RunRecord, Window
from cardcallback.testing import FakeClock, make_record

WATTS = 57.3
SECONDS_PER_STEP = 1.25


class JournalledRun:
    """A run that draws ``WATTS`` from the clock's beginning on, and makes a step every ``SECONDS_PER_STEP``.

    Args:
        record: what its record is like, but for time, steps and energy.
        devices: how many equal devices it has.
    """

    def __init__(self, record: RunRecord | None = None, *, devices: int = 1) -> None:
        self.clock = FakeClock()
        self._began = self.clock.elapsed_seconds()
        made = record or make_record(status="running")
        device = made.hardware.accelerators[0]
        self._record = replace(made, hardware=replace(made.hardware, accelerators=(device,) * devices))
        self._devices = devices
        self.snapshots = 0

    @property
    def seconds(self) -> float:
        """How old the run is."""
        return self.clock.elapsed_seconds() - self._began

    @property
    def step(self) -> int:
        """The step it is at."""
        return int(self.seconds / SECONDS_PER_STEP)

    @property
    def joules(self) -> float:
        """What all devices have used."""
        return self._devices * WATTS * self.seconds

    def energy(self) -> Energy:
        """The energies until now; counter and integral a little apart."""
        energy = self._record.energy
        return replace(
            energy,
            gpu=self._figure(energy.gpu, self.joules),
            gpu_counter=self._figure(energy.gpu_counter, self.joules),
            gpu_integrated=self._figure(energy.gpu_integrated, 1.004 * self.joules),
            per_step=replace(
                energy.gpu, value=self.joules / max(self.step, 1), unit="joules/step", method="calculated"
            ),
        )

    def progress(self) -> Progress:
        """How far it is."""
        each = self._figure(self._record.energy.gpu, self.joules / self._devices)
        return progress_of(self.seconds, 0.0, self.step, self.energy(), [each] * self._devices)

    def snapshot(self) -> RunRecord:
        """The whole record until now."""
        self.snapshots += 1
        record, energy = self._record, self.energy()
        each = self._figure(record.energy.gpu, self.joules / self._devices)
        accelerators = tuple(replace(one, energy=each) for one in record.hardware.accelerators)
        hardware = replace(record.hardware, accelerators=accelerators)
        session = replace(
            record.sessions[0],
            duration_seconds=self.seconds,
            last_step=self.step,
            status="running",
            energy=energy,
            hardware=hardware,
        )
        training = replace(record.training, steps=self.step)
        return replace(
            record,
            duration_seconds=self.seconds,
            sessions=(session,),
            energy=energy,
            hardware=hardware,
            training=training,
        )

    def keeper(self, folder: Path, **settings: Any) -> JournalKeeper:
        """A keeper of this run's journal in an output folder."""
        given = {"progress": self.progress, "snapshot": self.snapshot, "guard": Guard(), "clock": self.clock} | settings
        return JournalKeeper(path_in(folder), **given)

    def live(self, keeper: JournalKeeper, seconds: float) -> None:
        """Let so much time pass, and write what is due meanwhile."""
        end = self.clock.elapsed_seconds() + seconds
        while (now := self.clock.elapsed_seconds()) < end:
            self.clock.advance(min(max(keeper.write_due(now), 1e-3), end - now))

    def _figure(self, like: Measurement, joules: float) -> Measurement:
        window = Window(name="training", begin_seconds=0.0, end_seconds=self.seconds)
        return replace(like, value=joules, recording_low=joules - 12.3, recording_high=joules + 12.3, window=window)


def path_in(folder: Path) -> Path:
    """Where that run's journal lies in an output folder."""
    return journal_path(folder, "20260302-5f0c1a", "first")


def copy_in(folder: Path) -> Path:
    """Where a copy of it does."""
    return copy_path(folder, "20260302-5f0c1a", "first")
