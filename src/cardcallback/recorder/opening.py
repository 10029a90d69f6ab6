"""Opening the sensors beside the caller, with one reading from before training."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, repeat

from cardcallback import portable
from cardcallback.recorder.budget import DRIVER_SHARE
from cardcallback.recorder.clock import Clock
from cardcallback.sensors.base import OPENING, Absence, Quantity, Sensor, SensorPart, SensorSet, SensorSpec

SensorKey = tuple[str, str, int | None, str]
NO_THREAD = "no thread could be started to read with: there were too many already"
_LATE = "the driver had not answered yet"
# How long after an attempt a driver that was not ready is tried again, and from then on.
_FIRST_AGAIN_SECONDS = (10.0, 30.0, 60.0)
_AGAIN_SECONDS = 300.0
_ENDED_EVERY_SECONDS = 60.0
_WAS_NOT_READY = (
    "The driver was not ready when it was first asked ({reason}) and was opened later: what the GPUs used until then "
    "is a gap."
)
_EARLY_QUANTITIES = ("gpu_energy", "cpu_energy", "dram_energy", "system_energy", "system_memory", "swap_used")


def sensor_key(spec: SensorSpec) -> SensorKey:
    """What tells one sensor from another across openings: quantity, source, device, and which instrument it is.

    Only beside the GPU does ``covers`` name an instrument; of memory it is told anew once the GPUs are known.
    """
    instrument = spec.covers if spec.device is None and spec.unit in {"joules", "watts"} else ""
    return (spec.quantity, spec.source, spec.device, instrument)


@dataclass(frozen=True, slots=True)
class EarlyReading:
    """Readings from before training: (clock's elapsed seconds, value in the sensor's unit) by sensor."""

    readings: dict[SensorKey, tuple[float, float]] = field(default_factory=dict)

    def of(self, spec: SensorSpec) -> tuple[float, float] | None:
        """The reading of one sensor, or ``None``."""
        return self.readings.get(sensor_key(spec))

    def with_others(self, others: EarlyReading) -> EarlyReading:
        """Both readings as one."""
        return EarlyReading({**self.readings, **others.readings})


class BackgroundOpening:
    """Opens sensors in a daemon thread at once, and reads energy counters and memory there once.

    Args:
        open_sensors: gives the sensors; may take as long as a driver does.
        clock: where the time of the reading comes from.
        quantities: what they may read, to give the reason for while they are not open.
        simulated: whether they are known to be simulated before they are open.
    """

    def __init__(
        self,
        open_sensors: Callable[[], SensorSet],
        clock: Clock,
        *,
        quantities: Sequence[Quantity] = (),
        simulated: bool = False,
    ) -> None:
        self._open = open_sensors
        self._clock = clock
        self._quantities = quantities
        self._simulated = simulated
        self._sensors = SensorSet()
        self._early = EarlyReading()
        self._tried_at = clock.elapsed_seconds()
        self._begin()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._done = threading.Event()
        if not portable.starts(threading.Thread(target=self._work, name="cardcallback-opening", daemon=True)):
            self._sensors = self._absent(NO_THREAD)
            self._done.set()

    def _go_on_in_child(self) -> None:
        """In a child that was forked meanwhile, as by a notebook's launcher: the thread stayed with the parent."""
        if self._process != os.getpid() and not self._done.is_set():
            self._begin()

    def result(self, timeout_seconds: float) -> tuple[SensorSet, EarlyReading] | None:
        """Sensors and early reading, or ``None`` if they are not there within ``timeout_seconds``."""
        self._go_on_in_child()
        if not self._done.wait(timeout_seconds):
            return None
        return self._sensors, self._early

    def results(self, ended: threading.Event) -> Iterator[tuple[SensorSet, EarlyReading]]:
        """What opening gave; of a driver that was not ready once more, when it is.

        For a thread of its own: it waits for both until ``ended``.
        """
        self._go_on_in_child()
        while not self._done.wait(_ENDED_EVERY_SECONDS):
            if ended.is_set():
                return
        first = self._sensors
        yield first, self._early
        cost_seconds = 0.0  # of the first attempt, which loads the binding too, nobody knows what was the driver's
        for delay in chain(_FIRST_AGAIN_SECONDS, repeat(_AGAIN_SECONDS)):
            if not self._sensors.not_ready or ended.wait(self._until(max(delay, cost_seconds / DRIVER_SHARE))):
                break
            began = self._clock.awake_seconds()
            self._attempt()
            cost_seconds = self._clock.awake_seconds() - began
        if first.not_ready and not self._sensors.not_ready:
            note = (_WAS_NOT_READY.format(reason=first.absences[0].reason),) if self._sensors.sensors else ()
            yield replace(self._sensors, notes=(*self._sensors.notes, *note)), self._early

    def _until(self, seconds_after_the_last: float) -> float:
        return max(self._tried_at + seconds_after_the_last - self._clock.elapsed_seconds(), 0.0)

    def pending(self) -> SensorSet:
        """What there is until the driver answers: no sensor, and the reason."""
        return self._absent(_LATE)

    def _absent(self, reason: str) -> SensorSet:
        absences = tuple(Absence(quantity=q, source=OPENING, reason=reason) for q in self._quantities)
        return SensorSet(absences=absences, simulated=self._simulated)

    def _work(self) -> None:
        try:
            self._attempt()
        finally:
            self._done.set()

    def _attempt(self) -> None:
        try:
            self._sensors = self._open()
            self._early = read_early(self._sensors, self._clock)
        except Exception as error:  # noqa: BLE001 - a thread has nobody to raise to; the card gives the reason
            reason = f"the sensors could not be opened ({type(error).__name__})"
            # A driver that was not ready is asked again, whatever one attempt meanwhile ended in.
            self._sensors = replace(
                self._absent(reason), notes=(f"{reason[0].upper()}{reason[1:]}.",), not_ready=self._sensors.not_ready
            )
        self._tried_at = self._clock.elapsed_seconds()


def open_in_background(parts: Iterable[SensorPart], clock: Clock) -> tuple[BackgroundOpening, ...]:
    """Each part in a thread of its own, so that one that hangs holds up no other."""
    return tuple(
        BackgroundOpening(part.open, clock, quantities=part.quantities, simulated=part.simulated) for part in parts
    )


def read_early(sensors: SensorSet, clock: Clock) -> EarlyReading:
    """One reading of every energy counter and of the memory in use; what fails is left out."""
    readings = {}
    for sensor in sensors.sensors:
        if sensor.spec.quantity in _EARLY_QUANTITIES:
            reading = _read(sensor, clock)
            if reading is not None:
                readings[sensor_key(sensor.spec)] = reading
    return EarlyReading(readings)


def _read(sensor: Sensor, clock: Clock) -> tuple[float, float] | None:
    before = clock.elapsed_seconds()
    try:
        value = sensor.read()
    except Exception:  # noqa: BLE001 - a sensor may be anyone's; the recorder asks it again and tells its fault
        return None
    return (before + clock.elapsed_seconds()) / 2, value
