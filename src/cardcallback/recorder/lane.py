"""Sensors that are read one after another, apart from those of other drivers, which may hang."""

from __future__ import annotations

import math
import operator
import threading
from collections.abc import Sequence
from typing import NamedTuple

from cardcallback import handlers, portable
from cardcallback.errors import DeviceLostError, SensorReadError, SensorUnavailableError
from cardcallback.guard import swallowed
from cardcallback.record import Point
from cardcallback.recorder.book import Book
from cardcallback.recorder.budget import DRIVER_SHARE, fit_intervals
from cardcallback.recorder.clock import Clock
from cardcallback.recorder.kept_reader import KeptReader, kept_readers
from cardcallback.recorder.kinds import interval_of, reading_rank
from cardcallback.recorder.losses import DeviceLosses
from cardcallback.recorder.opening import NO_THREAD
from cardcallback.recorder.purse import OwnTime, devices_read, let_spare
from cardcallback.recorder.schedule import HARMLESS_CALL_SECONDS, TOGETHER_SECONDS, Appointment
from cardcallback.recorder.slow_phase import SlowPhase
from cardcallback.recorder.standstill import Sleeper
from cardcallback.recorder.taken import TakenReadings, number_of, why_unusable
from cardcallback.sensors.base import Sensor
from cardcallback.units import format_duration

_LONGEST_WAIT_SECONDS = 1.0
_MOST_FAULTS = 10  # of our own with one sensor, outside its reading
_due_seconds = operator.attrgetter("due_seconds")


class _Call(NamedTuple):
    """When a call to a driver began; only time awake is time that it kept the driver."""

    began_seconds: float
    began_awake_seconds: float


class Lane:
    """One driver's sensors with their schedule, and the thread that reads them where there is one.

    ``sample_due`` may be called by hand instead.
    """

    def __init__(
        self, sensors: Sequence[Sensor], *, clock: Clock, book: Book, sampling_interval_seconds: float | None
    ) -> None:
        self._clock = clock
        self._book = book
        ordered = sorted(sensors, key=lambda s: reading_rank(s.spec.quantity))
        # Gauges of equal kind vary alike, so that those of eight GPUs stay due together and one wake-up reads all.
        self.appointments = [Appointment(one, interval_of(one.spec, sampling_interval_seconds)) for one in ordered]
        # Whoever says how often to read means single readings.
        self._kept = kept_readers(self.appointments if sampling_interval_seconds is None else ())
        if sampling_interval_seconds is None:
            let_spare(self.appointments, book.purse)
        book.purse.read_for(self, devices_read(self.appointments))
        self.losses = DeviceLosses()
        self.reading: Sensor | None = None
        self.first_pass = threading.Event()
        self._taken = TakenReadings()
        self._entering = threading.Lock()  # never held while a sensor is read
        self._sleeper = Sleeper(clock, book.standstills)
        self._own_time = OwnTime(clock, book.purse)
        self._thread: threading.Thread | None = None
        self._slow_phase = SlowPhase(self.appointments)

    def start(self) -> None:
        """Read in a daemon thread from now on; without one there are no readings."""
        thread = threading.Thread(target=self.run, name="cardcallback-recorder", daemon=True)
        if portable.starts(thread):
            self._thread = thread
            return
        for one in self.appointments:
            one.retire(NO_THREAD)
        self.first_pass.set()

    def join(self, timeout_seconds: float) -> bool:
        """Whether the thread, told to stop by the book, has ended within that time."""
        self._sleeper.ring()
        if self._thread is None:
            return True
        self._thread.join(timeout_seconds)
        return not self._thread.is_alive()

    def run(self) -> None:
        """Read what is due until the session stops, then once more what its end needs."""
        while not self._book.stopping and not all(one.retired for one in self.appointments):
            wait = self.sample_due()
            if not self.first_pass.is_set():
                self.first_pass.set()
            self._sleeper.wait(min(wait, _LONGEST_WAIT_SECONDS))  # after a stop the loop ends by its own condition
        self.first_pass.set()
        self.read_last()

    def sample_due(self) -> float:
        """Read every sensor that is due; the seconds until the next one is."""
        now = self._clock.elapsed_seconds()
        self._own_time.pay(now)
        # Most are not due, and eight GPUs have a hundred: one comparison sorts them out.
        for appointment in self.appointments:
            if appointment.due_seconds - appointment.early_seconds <= now and not self._book.stopping:
                self._attempt(appointment, now)
        for kept in self._kept.values():
            if kept.due_seconds <= now + TOGETHER_SECONDS and not self._book.stopping:
                self._read_kept(kept)
        if self._taken.energies_are_due(now):
            self.enter_energies()
        if self._taken.states_are_due(now):
            self.enter_taken()
        due = min(map(self._due if self.losses else _due_seconds, self.appointments), default=math.inf)
        due = min(due, *(kept.due_seconds for kept in self._kept.values())) if self._kept else due
        return max(due - self._clock.elapsed_seconds(), 0.0)

    def read_last(self) -> None:
        """Read what the end of a run needs."""
        asked: set[int | None] = set()
        for appointment in self.appointments:
            if self._book.closed:
                return  # a driver hung, and nobody waits for these readings any more
            if appointment.retired or not appointment.is_read_last:
                continue
            if appointment.kept is not None:
                self._read_kept(self._kept[appointment], last=True)
            if appointment.kept is not None:
                continue  # else single readings took their place, and one of them ends what was lost
            device = appointment.sensor.spec.device
            if self.losses.is_lost(device):
                # It may have come back since; only one call finds out, and none that would hold up the end.
                if device in asked or self.losses.last_cost_seconds(device) >= HARMLESS_CALL_SECONDS:
                    continue
                asked.add(device)
            self._attempt(appointment)

    def enter_taken(self) -> None:
        """Enter the readings that were taken since the last time; for whoever looks into the book, in any thread."""
        self._enter(states=True)

    def enter_energies(self) -> None:
        """The same of energy and power alone."""
        self._enter(states=False)

    def _enter(self, *, states: bool) -> None:
        with self._entering:
            for appointment, readings in self._taken.take_out(states=states):
                self._enter_those_of(appointment, readings)

    def _enter_those_of(self, appointment: Appointment, readings: Sequence[Point]) -> None:
        try:
            if self._book.enter(appointment.sensor.spec, readings):
                (appointment.counter or appointment).trust.doubt(self._clock.elapsed_seconds())
        except Exception as error:  # noqa: BLE001 - one sensor's figure is lost, not the others'
            handlers.pass_on(error)  # the main thread enters them too, at a log and at the end
            self._note_fault(appointment, error)

    def _due(self, appointment: Appointment) -> float:
        return max(appointment.due_seconds, self.losses.retry_at(appointment.sensor.spec.device))

    def _attempt(self, appointment: Appointment, now: float = math.inf) -> None:
        """Read it, unless its device is lost and is not to be asked by now."""
        try:
            latest = now + appointment.slack_seconds if self.losses else math.inf  # most devices never were lost
            if self.losses.retry_at(appointment.sensor.spec.device) <= latest:
                self._read(appointment)
        except Exception as error:  # noqa: BLE001 - the thread has nobody to raise to; the other sensors go on
            self._note_fault(appointment, error)

    def _read_kept(self, kept: KeptReader, *, last: bool = False) -> None:
        """Enter what a driver kept, and change between that and single readings where that is called for."""
        appointment, before = kept.appointment, kept.appointment.kept
        lost = self.losses.is_lost(appointment.sensor.spec.device)
        self.reading = appointment.sensor
        try:
            if kept.can_be_read(self._clock.elapsed_seconds(), lost=lost):
                readings = kept.read(self._clock, last=last)
                for at_seconds, value in readings:
                    self._taken.add(appointment, at_seconds, value)
                self.enter_taken()
                sentence = kept.change(self._clock.elapsed_seconds(), self._book.now_seconds())
                if sentence is not None:
                    self._book.note(sentence)
            if appointment.kept is not before:
                self._fit()
        except Exception as error:  # noqa: BLE001 - the thread has nobody to raise to; single readings go on
            kept.give_up(self._clock.elapsed_seconds())
            self._note_fault(appointment, error)
        finally:
            self.reading = None

    def _note_fault(self, appointment: Appointment, error: Exception) -> None:
        swallowed.append(error)
        appointment.due_seconds = max(appointment.due_seconds, self._clock.elapsed_seconds() + _LONGEST_WAIT_SECONDS)
        appointment.faults += 1
        source = appointment.sensor.spec.source
        when = format_duration(self._book.now_seconds())
        if appointment.faults == 1:
            kind = type(error).__name__
            self._book.note(f"A fault of the recorder itself ({kind}) after {when} cost it readings of {source}.")
        elif appointment.faults == _MOST_FAULTS:
            appointment.retire(f"the recorder itself failed ({type(error).__name__})")
            self._book.note(f"After {_MOST_FAULTS} such faults, the last after {when}, it stopped reading {source}.")

    def _read(self, appointment: Appointment) -> None:
        sensor = appointment.sensor
        call = _Call(self._clock.elapsed_seconds(), self._clock.awake_seconds())
        self._book.sleeps.look(*call)
        self.reading = sensor
        self._own_time.call_begins()
        try:
            answer = sensor.read()
        except DeviceLostError as error:
            self._lost(appointment, str(error), call)
            return
        except SensorUnavailableError as error:
            self._retire(appointment, str(error))
            return
        except SensorReadError as error:
            self._failed(appointment, str(error), call)
            return
        except Exception as error:  # noqa: BLE001 - a sensor may be anyone's; its fault must not end the others
            self._retire(appointment, f"the sensor failed ({type(error).__name__})")
            return
        finally:
            self._own_time.call_ends()
            self.reading = None
        self._take(appointment, call, number_of(answer))

    def _take(self, appointment: Appointment, call: _Call, value: float) -> None:
        before, after = call.began_seconds, self._clock.elapsed_seconds()
        cost = self._cost_of(call)
        spec = appointment.sensor.spec
        if self.losses.is_lost(spec.device):
            self._found(appointment, after)
        if (problem := why_unusable(value, is_state=appointment.tells_state)) is not None:
            self._failed(appointment, problem, call)
            return
        if appointment.took_too_long(after - before) and not appointment.is_always_late(cost):
            self.enter_taken()
            self._book.enter_late(spec, ((before + after) / 2, value), after - before)
            self._failed(appointment, "the answer came too late to say when it was true", call)
            return
        planned_seconds = appointment.planned_seconds
        appointment.succeeded(after, cost)
        self._slow_phase.note_call(appointment, after)
        if appointment in self._kept:
            self._kept[appointment].note_single((before + after) / 2, value)
        self._taken.add(appointment, (before + after) / 2, value)
        if appointment.cost_is_new:
            self.enter_taken()
            self._fit()
        elif appointment.planned_seconds != planned_seconds:
            self.enter_taken()
            self._book.follow((appointment,))

    def _fit(self) -> None:
        fit_intervals(self.appointments, self._book.now_seconds())
        self._book.purse.read_for(self, devices_read(self.appointments))
        self._book.follow(self.appointments)

    def _found(self, appointment: Appointment, now: float) -> None:
        """The lost device answers this one: if another goes on saying that it is lost, that is its own fault."""
        device = appointment.sensor.spec.device
        self.losses.answered(device, self._book.now_seconds())
        for other in self.appointments:
            if other.sensor.spec.device == device:
                other.ask_by(now)
        self.enter_taken()
        self._book.note_loss(device)

    def _failed(self, appointment: Appointment, reason: str, call: _Call) -> None:
        now = self._clock.elapsed_seconds()
        # All of them may fail at once, and together have no more than the one share.
        appointment.failed(now, reason, self._cost_of(call), DRIVER_SHARE / len(self.appointments))
        self._slow_phase.note_call(appointment, now)

    def _cost_of(self, call: _Call) -> float:
        return self._clock.awake_seconds() - call.began_awake_seconds

    def _lost(self, appointment: Appointment, reason: str, call: _Call) -> None:
        device = appointment.sensor.spec.device
        if device is None or appointment.cries_wolf:
            self._failed(appointment, reason, call)
            return
        now = self._clock.elapsed_seconds()
        # A call may hang for long before it fails, and nothing was read meanwhile.
        at_seconds = self._book.now_seconds() - (now - call.began_seconds)
        self.losses.failed(device, reason, at_seconds=at_seconds, now=now, cost_seconds=self._cost_of(call))
        appointment.found_lost(reason, self.losses.retry_at(device))

    def _retire(self, appointment: Appointment, reason: str) -> None:
        appointment.retire(reason)
        when = format_duration(self._book.now_seconds())
        self._book.note(f"{appointment.sensor.spec.source} was given up after {when}: {reason}.")
