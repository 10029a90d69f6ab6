"""Reads every sensor at the rate of its kind, in one daemon thread that nobody ever waits on for long."""

from __future__ import annotations

import math
import random
import threading
from collections.abc import Callable

from cardcallback.errors import SensorReadError, SensorUnavailableError
from cardcallback.recorder.budget import DRIVER_SHARE, fit_intervals
from cardcallback.recorder.clock import Clock
from cardcallback.recorder.ledger import Ledger
from cardcallback.recorder.opening import EarlyReading
from cardcallback.recorder.recording import Recording, make_recording
from cardcallback.recorder.schedule import HARMLESS_CALL_SECONDS, LAST_READ, Appointment, interval_of, took_too_long
from cardcallback.recorder.session import Session
from cardcallback.sensors.base import Sensor, SensorSet
from cardcallback.units import format_duration

_LONGEST_WAIT_SECONDS = 1.0
_STOP_TIMEOUT_SECONDS = 0.1
_MOST_FAULTS = 10  # of our own, outside a sensor's reading
# The two clocks are read one after the other.
_CLOCK_NOISE_SECONDS = 0.1
# Energy first, so that a slow driver call elsewhere costs the window nothing at its begin.
_ORDER = (
    *("gpu_energy", "gpu_power", "cpu_energy", "cpu_power", "dram_energy", "system_energy", "system_power"),
    *("other_energy", "other_power", "system_memory"),
)
# What a run's end needs once more; of the process lists, which may take long, only those that do not.
_LAST_READ = frozenset({*_ORDER, "process_rss", "torch_allocated", "torch_reserved"})


class Recorder:
    """One session's measuring.

    Args:
        sensors: what to read; only the job's own devices.
        clock: where every time comes from.
        sampling_interval_seconds: how often to read, for all but the rare sensors; ``None``: as each needs.
        session: the session's place in its run.
        early: readings from before training, at the same clock.

    ``start`` runs it in a thread. Without ``start``, ``sample_due`` may be called by hand, and the session
    begins when the recorder is made.
    """

    def __init__(
        self,
        sensors: SensorSet,
        *,
        clock: Clock,
        sampling_interval_seconds: float | None = None,
        session: int = 0,
        early: EarlyReading | None = None,
    ) -> None:
        self._clock = clock
        self._session = session
        self._sampling_interval_seconds = sampling_interval_seconds
        self._take(sensors, early)
        self._lock = threading.Lock()  # never held while a sensor is read
        self._wake = threading.Event()
        self._first_pass = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None
        self._reading: Sensor | None = None
        self._notes: list[str] = []
        self._faults = 0
        self._recording: Recording | None = None
        self._begin()

    def start(self, first_reading_timeout_seconds: float = 0.05) -> None:
        """Begin the session and the thread; waits at most that long for the first readings."""
        if self._thread is not None:
            return
        self._begin()
        self._thread = threading.Thread(target=self._run, name="cardcallback-recorder", daemon=True)
        self._thread.start()
        self._first_pass.wait(first_reading_timeout_seconds)

    def adopt(self, sensors: SensorSet, early: EarlyReading | None = None) -> bool:
        """Read these sensors instead from now on, for drivers that open late: until here it is a gap.

        Returns:
            Whether they were taken: a recorder that is stopping keeps its own.
        """
        with self._lock:
            if self._stopping or self._recording is not None:
                return False
            phases = tuple(self._ledger.spans)
            self._take(sensors, early)
            for phase in phases:
                self._ledger.mark_phase(*phase)
        self._wake.set()
        return True

    @property
    def news(self) -> list[str]:
        """Trouble that a person could act on now, a line of each kind; whoever tells it takes it out."""
        return self._ledger.news

    def now_seconds(self) -> float:
        """Seconds since the session began."""
        return self._clock.elapsed_seconds() - self._begin_elapsed

    def mark_phase(self, phase: str, begin_seconds: float, end_seconds: float) -> None:
        """One visit of a phase, told when it is over."""
        with self._lock:
            self._ledger.mark_phase(phase, begin_seconds, end_seconds)

    def sample_due(self) -> float:
        """Read every sensor that is due; the seconds until the next one is."""
        now = self._clock.elapsed_seconds()
        for appointment in self._appointments:
            if not appointment.retired and appointment.due_seconds <= now and not self._stopping:
                self._read(appointment)
        due = min((a.due_seconds for a in self._appointments if not a.retired), default=math.inf)
        return max(due - self._clock.elapsed_seconds(), 0.0)

    def snapshot(self) -> Recording:
        """Everything measured until now; measuring goes on."""
        if self._recording is not None:
            return self._recording
        with self._lock:
            return make_recording(self._ledger, self._state(self.now_seconds()))

    def stop(self) -> Recording:
        """End the session, waiting a tenth of a second at most for a driver that hangs.

        A second call gives the same recording.
        """
        if self._recording is not None:
            return self._recording
        end_seconds = self.now_seconds()
        self._stopping = True
        self._wake.set()
        if self._thread is None:
            self._read_last()
        else:
            self._thread.join(_STOP_TIMEOUT_SECONDS)
            self._note_hanging()
        with self._lock:
            self._recording = make_recording(self._ledger, self._state(end_seconds))
        return self._recording

    def _take(self, sensors: SensorSet, early: EarlyReading | None) -> None:
        self._sensors = sensors
        self._early = early or EarlyReading()
        self._ledger = Ledger(sensors, self._sampling_interval_seconds)
        # The distance of readings has to vary, not to be unpredictable.
        variation = random.Random(self._session)  # noqa: S311
        ordered = sorted(sensors.sensors, key=lambda s: _rank(s.spec.quantity))
        self._appointments = [
            Appointment(sensor, interval_of(sensor.spec, self._sampling_interval_seconds), variation)
            for sensor in ordered
        ]

    def _begin(self) -> None:
        self._started_on = self._clock.today()
        self._begin_elapsed = self._clock.elapsed_seconds()
        self._begin_awake = self._clock.awake_seconds()

    def _run(self) -> None:
        while not self._stopping and self._faults < _MOST_FAULTS:
            wait = self._guarded(self.sample_due)
            self._first_pass.set()
            self._wake.wait(min(wait, _LONGEST_WAIT_SECONDS))
            self._wake.clear()  # after a stop the loop ends by its own condition
        self._guarded(self._read_last)

    def _guarded(self, work: Callable[[], float | None]) -> float:
        """Do it; the seconds to wait after it, also where it failed by a fault of our own."""
        try:
            return work() or 0.0
        except Exception as error:  # noqa: BLE001 - the thread has nobody to raise to, and must not end unnoticed
            self._note_fault(error)
            return _LONGEST_WAIT_SECONDS

    def _note_fault(self, error: Exception) -> None:
        self._faults += 1
        when = format_duration(self.now_seconds())
        first = f"A fault of the recorder itself ({type(error).__name__}) after {when} cost it readings."
        last = f"After {_MOST_FAULTS} such faults, the last after {when}, it stopped reading."
        with self._lock:
            self._notes += {1: [first], _MOST_FAULTS: [last]}.get(self._faults, [])

    def _read_last(self) -> None:
        for appointment in self._appointments:
            if self._recording is not None:
                return  # a driver hung, and nobody waits for these readings any more
            if not appointment.retired and _may_be_read_last(appointment):
                self._read(appointment)

    def _read(self, appointment: Appointment) -> None:
        sensor = appointment.sensor
        before = self._clock.elapsed_seconds()
        self._reading = sensor
        try:
            value = float(sensor.read())
        except SensorUnavailableError as error:
            self._retire(appointment, str(error))
            return
        except SensorReadError as error:
            self._failed(appointment, str(error), before)
            return
        except Exception as error:  # noqa: BLE001 - a sensor may be anyone's; its fault must not end the others
            self._retire(appointment, f"the sensor failed ({type(error).__name__})")
            return
        finally:
            self._reading = None
        after = self._clock.elapsed_seconds()
        if not math.isfinite(value):
            self._failed(appointment, "the reading is not a number", before)
            return
        if took_too_long(sensor.spec, after - before):
            self._failed(appointment, "the answer came too late to say when it was true", before)
            return
        appointment.succeeded(after, after - before)
        if appointment.cost_is_new:
            self._fit()
        with self._lock:
            if self._recording is None:
                self._ledger.add(sensor.spec, (before + after) / 2 - self._begin_elapsed, value)

    def _failed(self, appointment: Appointment, reason: str, before: float) -> None:
        now = self._clock.elapsed_seconds()
        # All of them may fail at once, and together have no more than the one share.
        appointment.failed(now, reason, now - before, DRIVER_SHARE / len(self._appointments))

    def _fit(self) -> None:
        fit_intervals(self._appointments)
        with self._lock:
            for appointment in self._appointments:
                self._ledger.follow(appointment.sensor.spec, appointment.interval_seconds)

    def _retire(self, appointment: Appointment, reason: str) -> None:
        appointment.retired = True
        spec = appointment.sensor.spec
        with self._lock:
            appointment.last_failure = reason
            self._notes.append(f"{spec.source} was given up after {format_duration(self.now_seconds())}: {reason}.")

    def _note_hanging(self) -> None:
        reading = self._reading
        if self._thread is None or not self._thread.is_alive():
            return
        source = reading.spec.source if reading is not None else "a sensor"
        with self._lock:
            self._notes.append(f"{source} did not answer when the run ended; what followed its last reading is a gap.")

    def _state(self, end_seconds: float) -> Session:
        suspended = self.now_seconds() - (self._clock.awake_seconds() - self._begin_awake)
        return Session(
            sensors=self._sensors,
            index=self._session,
            started_on=self._started_on,
            begin_elapsed_seconds=self._begin_elapsed,
            duration_seconds=end_seconds,
            suspended_seconds=max(suspended, 0.0) if suspended > _CLOCK_NOISE_SECONDS else 0.0,
            early=self._early,
            failures=self._failures(),
            notes=(*self._notes, *self._failure_notes()),
        )

    def _failures(self) -> dict[tuple[str, int | None], str]:
        failed = [a for a in self._appointments if a.last_failure]
        return {(a.sensor.spec.quantity, a.sensor.spec.device): a.last_failure for a in failed}

    def _failure_notes(self) -> list[str]:
        # A sensor that never gave a reading has its reason in the figure itself.
        return [
            f"{a.sensor.spec.source}: {a.failures} of {a.reads} readings failed (last: {a.last_failure})."
            for a in self._appointments
            if a.reads > a.failures > 0
        ]


def _may_be_read_last(appointment: Appointment) -> bool:
    quantity = appointment.sensor.spec.quantity
    if quantity == "gpu_process_memory":
        return appointment.last_cost_seconds < HARMLESS_CALL_SECONDS
    return quantity in LAST_READ


def _rank(quantity: str) -> int:
    return _ORDER.index(quantity) if quantity in _ORDER else len(_ORDER)
