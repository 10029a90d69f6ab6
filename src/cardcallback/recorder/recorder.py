"""One session's measuring: lanes of sensors, each with a daemon thread that nobody ever waits on for long."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import replace

from cardcallback.record import Point
from cardcallback.recorder.budget import stretched_note
from cardcallback.recorder.clock import Clock
from cardcallback.recorder.failure_notes import failure_notes
from cardcallback.recorder.instruments import Instruments
from cardcallback.recorder.lane import Lane
from cardcallback.recorder.ledger import Ledger
from cardcallback.recorder.opening import EarlyReading
from cardcallback.recorder.purse import Purse
from cardcallback.recorder.readings import EnergiesNow, ReadingsNow, make_readings
from cardcallback.recorder.recording import Recording, make_energies, make_recording
from cardcallback.recorder.schedule import Appointment
from cardcallback.recorder.session import Session
from cardcallback.recorder.sleeps import Sleeps
from cardcallback.recorder.standstill import Standstills
from cardcallback.sensors.base import Sensor, SensorSet, SensorSpec

_STOP_TIMEOUT_SECONDS = 0.1


class Recorder:
    """One session's measuring.

    Args:
        sensors: what to read; only the job's own devices.
        clock: where every time comes from.
        sampling_interval_seconds: how often to read, for all but the rare sensors; ``None``: as each needs.
        early: readings from before training, at the same clock.

    ``start`` reads in threads: those sensors in one, and in one more those of each set that joins, so that a
    driver which hangs costs only its own. Without ``start``, ``sample_due`` may be called by hand, and
    the session begins when the recorder is made.
    """

    def __init__(
        self,
        sensors: SensorSet,
        *,
        clock: Clock,
        sampling_interval_seconds: float | None = None,
        early: EarlyReading | None = None,
    ) -> None:
        self._clock = clock
        self._sampling_interval_seconds = sampling_interval_seconds
        self._sensors = sensors
        self._early = early or EarlyReading()
        self._ledger = Ledger(sensors, sampling_interval_seconds)
        self._lock = threading.Lock()  # never held while a sensor is read
        self.standstills, self.purse = Standstills(), Purse()
        self._stopping = self._started = False
        self._instruments = Instruments()
        own, notes = self._instruments.first_of_each(sensors.sensors)
        self._notes: list[str] = [*notes]
        self._recording: Recording | None = None
        self._begin()
        self._lanes: list[Lane] = [self._lane(own)] if own else []

    def start(self, first_reading_timeout_seconds: float = 0.05) -> None:
        """Begin the session and its threads; waits at most that long for the first readings."""
        if self._started:
            return
        self._started = True
        self._begin()
        for lane in self._lanes:
            lane.start()
        self._wait_for_first(self._lanes, first_reading_timeout_seconds)

    def join(self, late: SensorSet, whole: SensorSet, early: EarlyReading | None = None) -> bool:
        """Read ``late`` too from now on, for drivers that open late: until here is a gap in their figures.

        Args:
            late: the sensors that were not there before.
            whole: all of them with those that were, as the recording is to describe them.
            early: readings of ``late`` from before training.

        Returns:
            Whether they were taken: a recorder that is stopping keeps what it has.
        """
        own, notes = self._instruments.first_of_each(late.sensors)
        lane = self._lane(own)
        with self._lock:
            if self._stopping or self._recording is not None:
                return False
            self._ledger.join(whole)
            self._sensors = whole
            self._early = self._early.with_others(early or EarlyReading())
            self._notes += notes
            self._lanes += [lane] if own else []
        if self._started and own:
            lane.start()
        return True

    def describe(self, whole: SensorSet, *, release_others: bool = False) -> None:
        """From now on the recording is of the devices in ``whole`` alone.

        Others that are read already go on being read, so that they can be described later without a gap, unless
        ``release_others``.
        """
        self._enter_taken()  # by what is described until now
        with self._lock:
            if self._recording is not None:
                return
            self._sensors = whole
            self._ledger.describe(whole.devices)
            if release_others:
                for appointment in self._appointments():
                    if appointment.sensor.spec.device in self._ledger.withheld:
                        appointment.retire(appointment.last_failure)

    @property
    def news(self) -> list[str]:
        """Trouble that a person could act on now, a line of each kind; whoever tells it takes it out."""
        return self._ledger.news

    @property
    def stopping(self) -> bool:
        """Whether the session is ending."""
        return self._stopping

    @property
    def closed(self) -> bool:
        """Whether the recording is made, and takes nothing more."""
        return self._recording is not None

    def now_seconds(self) -> float:
        """Seconds since the session began."""
        return self._clock.elapsed_seconds() - self._begin_elapsed

    def enter(self, spec: SensorSpec, readings: Sequence[Point]) -> bool:
        """Readings of one sensor in order of time, at the clock's times; whether they show a counter misbehave."""
        with self._lock:
            if self._recording is not None:
                return False
            self._ledger.note_sleeps(self.sleeps.take_out())
            return self._ledger.add(spec, [(at - self._begin_elapsed, value) for at, value in readings])

    def enter_late(self, spec: SensorSpec, reading: Point, call_seconds: float) -> None:
        """A reading, at the middle of a call too long to say when it was true."""
        with self._lock:
            if self._recording is None:
                self._ledger.note_sleeps(self.sleeps.take_out())
                self._ledger.add_late(spec, (reading[0] - self._begin_elapsed, reading[1]), call_seconds)

    def note_loss(self, device: int | None) -> None:
        """As its lane says: a device is back after it was lost."""
        with self._lock:
            self._ledger.note_loss(device)

    def follow(self, appointments: Sequence[Appointment]) -> None:
        """The sensors of these are read at their present intervals from now on."""
        with self._lock:
            for appointment in appointments:
                usual_seconds = appointment.usual_cost_seconds or 0.0
                spec, delivered = appointment.sensor.spec, appointment.delivered_seconds
                self._ledger.follow(spec, appointment.apart_seconds, usual_seconds, delivered)

    def note(self, sentence: str) -> None:
        """Something for the record to tell."""
        with self._lock:
            self._notes.append(sentence)

    def mark_phase(self, phase: str, begin_seconds: float, end_seconds: float) -> None:
        """One visit of a phase, told when it is over."""
        self._enter_taken()
        with self._lock:
            self._ledger.mark_phase(phase, begin_seconds, end_seconds)

    def sample_due(self) -> float:
        """Read every sensor that is due; the seconds until the next one is."""
        return min((lane.sample_due() for lane in self._lanes), default=math.inf)

    def snapshot(self) -> Recording:
        """Everything measured until now; measuring goes on."""
        if self._recording is not None:
            return self._recording
        self._enter_taken()
        with self._lock:
            return make_recording(self._ledger, self._state(self.now_seconds()))

    def energies(self, *, briefly: bool = False) -> EnergiesNow:
        """The energies until now, at a small part of a snapshot's cost (``briefly``: of that); measuring goes on."""
        for lane in self._lanes:
            lane.enter_energies()
        with self._lock:
            return make_energies(self._ledger, self._session_until(self.now_seconds()), briefly=briefly)

    def readings(self) -> ReadingsNow:
        """What the sensors said last; asks none of them."""
        self._enter_taken()
        with self._lock:
            return make_readings(self._ledger, self._sensors, self.now_seconds())

    def stop(self) -> Recording:
        """End the session, waiting a tenth of a second at most for drivers that hang.

        A second call gives the same recording.
        """
        if self._recording is not None:
            return self._recording
        end_seconds = self.now_seconds()
        with self._lock:
            self._stopping = True
            lanes = list(self._lanes)
        if self._started:
            self._wait_for_last(lanes)
        else:
            for lane in lanes:
                lane.read_last()
        self._enter_taken()
        with self._lock:
            self._recording = make_recording(self._ledger, self._state(end_seconds))
        return self._recording

    def _enter_taken(self) -> None:
        for lane in self._lanes:
            lane.enter_taken()

    def _lane(self, sensors: Sequence[Sensor]) -> Lane:
        return Lane(
            sensors,
            clock=self._clock,
            book=self,
            sampling_interval_seconds=self._sampling_interval_seconds,
        )

    def _begin(self) -> None:
        self._started_on = self._clock.today()
        self._begin_elapsed = self._clock.elapsed_seconds()
        self.sleeps = Sleeps(self._clock)

    def _wait_for_first(self, lanes: Sequence[Lane], timeout_seconds: float) -> None:
        deadline = self._clock.elapsed_seconds() + timeout_seconds
        for lane in lanes:
            lane.first_pass.wait(max(deadline - self._clock.elapsed_seconds(), 0.0))

    def _wait_for_last(self, lanes: Sequence[Lane]) -> None:
        deadline = self._clock.elapsed_seconds() + _STOP_TIMEOUT_SECONDS
        for lane in lanes:
            lane.join(0.0)  # all of them are told before any is waited for
        for lane in lanes:
            if not lane.join(max(deadline - self._clock.elapsed_seconds(), 0.0)):
                source = "a sensor" if (reading := lane.reading) is None else reading.spec.source
                self.note(f"{source} did not answer when the run ended; what followed its last reading is a gap.")

    def _state(self, end_seconds: float) -> Session:
        one_device = len(self._sensors.devices) == 1
        losses = [n for lane in self._lanes for n in lane.losses.notes(end_seconds, one_device=one_device)]
        return replace(
            self._session_until(end_seconds),
            failures=self._failures(),
            notes=(
                *self._notes,
                *self.standstills.notes(self._begin_elapsed),
                *losses,
                *failure_notes(self._appointments(), self._ledger.withheld),
                *stretched_note(self._appointments(), self._sampling_interval_seconds),
            ),
        )

    def _session_until(self, end_seconds: float) -> Session:
        return Session(
            sensors=self._ledger.with_shared_meters(self._sensors),
            started_on=self._started_on,
            begin_elapsed_seconds=self._begin_elapsed,
            duration_seconds=end_seconds,
            suspended_seconds=self.sleeps.seconds,
            stopped_seconds=self.standstills.seconds,
            early=self._early,
            failures={},
            notes=(),
        )

    def _appointments(self) -> list[Appointment]:
        return [appointment for lane in self._lanes for appointment in lane.appointments]

    def _failures(self) -> dict[tuple[str, int | None], str]:
        failed = [a for a in self._appointments() if a.last_failure]
        return {(a.sensor.spec.quantity, a.sensor.spec.device): a.last_failure for a in failed}
