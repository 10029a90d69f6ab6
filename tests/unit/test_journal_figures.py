"""What a journal of a real recorder gives back: figures of one moment that do not contradict each other."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from journalled import path_in
from msgspec.structs import replace
from recorded import device, gpu_sensors, sensor
from virtual_gpu import GB10, VirtualGpu, training_waveform

from cardcallback.check.record_rules import record_findings
from cardcallback.errors import DeviceLostError, SensorReadError
from cardcallback.guard import Guard
from cardcallback.journal import JournalKeeper, Progress, progress_of, read_journal
from cardcallback.record import Measurement, RunRecord
from cardcallback.recorder import Recorder
from cardcallback.sensors import Sensor, SensorSet
from cardcallback.testing import FakeClock, make_record

SECONDS = 100
SETTLED = 20
EVENT = 43.0
Reads = Callable[[float], float]


class Measured:
    """A run of virtual GPUs that is measured and journalled on a clock that the test moves.

    Args:
        folder: its output folder.
        gpus: how many there are.
        told: what the sensors of a GPU tell of it, from its place and their number of them.
    """

    def __init__(self, folder: Path, gpus: int, told: Callable[[int, VirtualGpu, FakeClock], list[Sensor]]) -> None:
        self.clock, self.path = FakeClock(), path_in(folder)
        self.began = self.clock.elapsed_seconds()
        # Of which none reads like another, or they would be taken for one meter's.
        works = [training_waveform(period=1.7 + place / 10, seconds=1000.0) for place in range(gpus)]
        self._gpus = [VirtualGpu(waveform=work, **GB10) for work in works]
        sensors = [one for place, gpu in enumerate(self._gpus) for one in told(place, gpu, self.clock)]
        devices = tuple(device(place) for place in range(gpus))
        self._recorder = Recorder(SensorSet(sensors=tuple(sensors), devices=devices), clock=self.clock)
        self.keeper = JournalKeeper(
            self.path, progress=self._progress, snapshot=self._snapshot, guard=Guard(), clock=self.clock
        )

    def killed_each_second(self) -> Iterator[tuple[float, RunRecord]]:
        """How old it is, and what its journal gives back then."""
        written = second = 0.0
        while (age := self.clock.elapsed_seconds() - self.began) < SECONDS:
            wait = self._recorder.sample_due()
            if age >= written:
                written = age + self.keeper.write_due(self.clock.elapsed_seconds())
            if age >= second:
                recovered, second = read_journal(self.path), second + 1
                assert recovered is not None
                yield age, recovered.record
            self.clock.advance(min(max(min(wait, written - age), 1e-3), 1.0))

    def holds(self, energy: Measurement, places: Iterable[int]) -> bool:
        """Whether it has bounds that hold what those GPUs used in its window."""
        assert energy.window is not None
        assert energy.recording_low is not None
        joules = sum(self._gpus[place].truth(0.0, energy.window.end_seconds or 0.0) for place in places)
        return energy.recording_low <= joules <= (math.inf if energy.recording_high is None else energy.recording_high)

    def _progress(self) -> Progress:
        now = self._recorder.energies(briefly=True)
        return progress_of(now.duration_seconds, 0.0, int(now.duration_seconds), now.energy, now.accelerators)

    def _snapshot(self) -> RunRecord:
        seen, record = self._recorder.snapshot(), replace(make_record(status="running"), carbon=None)
        now = {"duration_seconds": seen.duration_seconds, "energy": seen.energy}
        now["hardware"] = replace(record.hardware, accelerators=seen.accelerators)
        training = replace(record.training, steps=int(seen.duration_seconds))
        session = replace(record.sessions[0], last_step=training.steps, status="running", **now)
        return replace(record, sessions=(session,), training=training, **now)


def sound(place: int, gpu: VirtualGpu, clock: FakeClock) -> list[Sensor]:
    """Counter and gauge."""
    return gpu_sensors(gpu, clock, place)


def without_counter(place: int, gpu: VirtualGpu, clock: FakeClock) -> list[Sensor]:
    """The gauge alone."""
    return sound(place, gpu, clock)[1:]


def reset(place: int, gpu: VirtualGpu, clock: FakeClock, began: float = 1000.0) -> list[Sensor]:
    """The counter of the first begins anew."""

    def joules() -> float:
        age = clock.elapsed_seconds() - began
        return gpu.joules(age) - (gpu.joules(EVENT) if age >= EVENT and place == 0 else 0.0)

    return [sensor("gpu_energy", joules, place), *without_counter(place, gpu, clock)]


def lost(place: int, gpu: VirtualGpu, clock: FakeClock, began: float = 1000.0) -> list[Sensor]:
    """The first falls off its bus."""

    def read(shown: Reads) -> float:
        if clock.elapsed_seconds() - began >= EVENT and place == 0:
            raise DeviceLostError("GPU is lost")
        return shown(clock.elapsed_seconds() - began)

    return [
        sensor("gpu_energy", lambda: read(gpu.joules), place),
        sensor("gpu_power", lambda: read(gpu.watts), place),
    ]


def silent_in_turns(place: int, gpu: VirtualGpu, clock: FakeClock, began: float = 1000.0) -> list[Sensor]:
    """The gauge of each fails for four seconds of each 23, none with another's."""

    def watts() -> float:
        age = clock.elapsed_seconds() - began
        if (age + 7 * place) % 23 < 4:
            raise SensorReadError("busy")
        return gpu.watts(age)

    return [sound(place, gpu, clock)[0], sensor("gpu_power", watts, place)]


@pytest.mark.parametrize(
    ("gpus", "told"),
    [(1, sound), (2, sound), (1, without_counter), (2, reset), (2, lost), (3, silent_in_turns)],
    ids=["one", "two", "no counter", "reset", "lost", "silent in turns"],
)
def test_a_run_killed_at_any_second_contradicts_itself_nowhere(
    tmp_path: Path, gpus: int, told: Callable[[int, VirtualGpu, FakeClock], list[Sensor]]
) -> None:
    """Counter, integral and each device's energy are of the best figure's moment or near it, and hold the truth."""
    run = Measured(tmp_path, gpus, told)
    for age, record in run.killed_each_second():
        if age < SETTLED:
            continue
        energy = record.energy
        figures = [(one.energy, [place]) for place, one in enumerate(record.hardware.accelerators)]
        figures += [(one, range(gpus)) for one in (energy.gpu, energy.gpu_integrated)]
        if told is not without_counter:
            figures.append((energy.gpu_counter, range(gpus)))
        for figure, places in figures:
            assert run.holds(figure, places)
            assert figure.window.end_seconds == pytest.approx(age, abs=0.02 * age + 1.0)
        assert not list(record_findings(record))
