"""The side of a process that does not measure: it announces its devices, and that it lives."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from cardcallback import handlers, portable
from cardcallback.batch_tokens import count_batches, is_closing, was_waited_for
from cardcallback.errors import CardCallbackError, SensorReadError
from cardcallback.guard import Guard
from cardcallback.hooks import output_folder
from cardcallback.observe import StepTokens, observe_training
from cardcallback.processes.announcement import Announcement, OwnDevices, announce, own_devices, with_counts
from cardcallback.processes.place import Place
from cardcallback.processes.rendezvous import Rendezvous
from cardcallback.sensors.base import Sensor
from cardcallback.sensors.process import open_process
from cardcallback.sensors.torch_memory import open_torch_memory

PEAK_QUANTITIES = ("process_rss", "torch_allocated", "torch_reserved")
BEAT_SECONDS = 5.0
# The measurer may begin a little later than the others; one that never does costs little.
_SOON_SECONDS = 0.5
_SOON_ATTEMPTS = 120
_BEATS_SOON = 4
_FIRST_WITH_TOKENS = 2
_END_TIMEOUT_SECONDS = 0.05
_EXIT_TIMEOUT_SECONDS = 2.0
# A training of a second may be over before its measurer was seen.
_LEAST_ATTEMPTS = 4
_ANNOUNCE = "announce this process"
_NOBODY_MEASURES = (
    "nothing is measured on this computer: the first of its processes has no CardCallback; give one to the trainer of "
    "every process, not of some ranks only"
)


class Follower:
    """Tells its node's measurer of one process; no file is read or written in the thread that trains.

    Args:
        rendezvous: where the measurer invites.
        own: this process's devices.
        rank: its number in the job.
        sensors: its own memory, of which the highest reading is told.
        tokens: counts its training batches, where it does.
        guard: catches what fails in the thread.

    Without ``start``, ``beat`` may be called by hand.
    """

    def __init__(
        self,
        rendezvous: Rendezvous,
        own: OwnDevices,
        *,
        rank: int,
        sensors: Sequence[Sensor] = (),
        tokens: StepTokens | None = None,
        guard: Guard | None = None,
    ) -> None:
        self._rendezvous = rendezvous
        self._own = own
        self._rank = rank
        self._sensors = sensors
        self._tokens = tokens
        self._guard = guard or Guard()
        self._peaks: dict[str, float] = {}
        self._salt: str | None = None
        self._announcement: Announcement | None = None
        self._beats = 0
        self._steps = 0
        self._told = self._logged = False
        self._failed: str | None = None
        self._stopped = False
        self._telling = threading.Lock()
        self._ended = threading.Event()
        self._news = threading.Event()
        self._beats_by_hand = False
        self._thread = threading.Thread(target=self._run, name="cardcallback-rank", daemon=True)

    def start(self) -> None:
        """Announce as soon as somebody invites, and beat from then on.

        Where no thread can be started: now, at a log, a save and the end.
        """
        self._beats_by_hand = not portable.starts(self._thread)
        if self._beats_by_hand:
            self._tell_soon()

    def step_begins(self) -> None:
        """One more training step; until the first log, tokens that can be read without waiting are read for each beat.

        A process that is killed before it has told some. After a log those are told which all processes read there.
        """
        self._steps += 1
        if self._tokens is None or self._logged or not (self._told or self._steps == _FIRST_WITH_TOKENS):
            return
        self._told = False
        with self._guard("read the tokens counted so far"):
            self._tokens.snapshot()
        if self._steps == _FIRST_WITH_TOKENS:
            self._tell_soon()

    def logged(self, logs: Mapping[str, Any]) -> None:
        """The Trainer logged: read the tokens where it waited for the device; after the last batch tell them.

        The first ones too, so that a process that is killed early has told some.
        """
        if self._tokens is not None and was_waited_for(logs):
            is_first, self._logged = not self._logged, True
            self._tokens.settle()
            if is_first or is_closing(logs):
                self._tell_soon()

    def saved(self) -> None:
        """A checkpoint was written: its record should know the tokens of all processes so far."""
        if self._tokens is not None:
            self._tokens.snapshot()
            self._tell_soon()

    def end(self, error: BaseException | None = None) -> None:
        """The training ended here, perhaps by an exception; waits a moment at most for that to be told."""
        if error is not None:
            self._failed = type(error).__name__
        try:
            if self._tokens is not None:
                # After an exception the device may never be done.
                self._tokens.settle() if error is None else self._tokens.snapshot()
                self._tokens.close()
        finally:  # also where counting fails: a process that is not told to have ended looks alive
            self._ended.set()
            self._tell_soon()
        if not self._thread.is_alive():
            return
        self._thread.join(_END_TIMEOUT_SECONDS)
        if self._thread.is_alive():
            # A slow disk; a process that leaves while its thread still writes looks like one that was killed.
            atexit.register(self._thread.join, _EXIT_TIMEOUT_SECONDS)

    def _tell_soon(self) -> None:
        self._news.set()
        if self._beats_by_hand:
            with self._guard(_ANNOUNCE):
                self.beat()

    def keep_interrupted(self) -> None:
        """A signal came that may end this process: tell what it has done so far."""
        if self._tokens is not None:
            self._tokens.snapshot()
        self.beat()

    def end_interrupted(self) -> None:
        """A signal ends this process: its last words."""
        self._stopped = True
        if self._tokens is not None:
            self._tokens.close()
        self._ended.set()
        self.keep_interrupted()

    def tell_end(self) -> None:
        """Nothing: the measurer speaks."""

    def add_pictures(self) -> None:
        """Nothing: the measurer draws them."""

    def beat(self) -> bool:
        """Tell once; whether somebody invites."""
        with self._telling:  # also called where a signal ends the process
            return self._tell()

    def _tell(self) -> bool:
        salt = self._rendezvous.salt()
        if salt is None:
            return False
        if salt != self._salt or self._announcement is None:
            self._salt = salt
            self._announcement = announce(self._own, salt, rank=self._rank, process=os.getpid())
        self._beats += 1
        self._read_peaks()
        state = msgspec.structs.replace(
            self._announcement,
            beats=self._beats,
            steps=self._steps,
            ended=self._ended.is_set(),
            failed=self._failed,
            stopped=self._stopped,
            peaks=self._peaks,
        )
        if self._tokens is not None:
            state = with_counts(state, self._tokens.last())
        with handlers.suppress(OSError, CardCallbackError):  # whom the measurer does not hear, it names
            self._rendezvous.announce(state)
        self._told = True
        return True

    def _run(self) -> None:
        with self._guard(_ANNOUNCE):
            attempts = 0
            while not self._ended.is_set():
                heard = self.beat()
                attempts += 1
                if attempts > _SOON_ATTEMPTS:
                    self.tell_if_alone()
                self._news.wait(self._pause_seconds(heard=heard, attempts=attempts))
                self._news.clear()
            self.beat()
            if attempts >= _LEAST_ATTEMPTS:
                self.tell_if_alone()

    def _pause_seconds(self, *, heard: bool, attempts: int) -> float:
        if not heard:
            return BEAT_SECONDS if attempts > _SOON_ATTEMPTS else _SOON_SECONDS
        # Sooner at first, since what a killed process had told is all that is known of it.
        return min(_SOON_SECONDS * (1 << min(self._beats, _BEATS_SOON)), BEAT_SECONDS)

    def tell_if_alone(self) -> None:
        """Say once that nobody measures, where nobody has ever invited and it could have been seen."""
        if self._salt is None and self._rendezvous.can_be_written():
            self._guard.tell([_NOBODY_MEASURES], aloud=True)

    def _read_peaks(self) -> None:
        for sensor in self._sensors:
            with handlers.suppress(SensorReadError):  # a figure that this process does not have
                value = sensor.read()
                self._peaks[sensor.spec.quantity] = max(value, self._peaks.get(sensor.spec.quantity, 0.0))


def follow(
    args: Any, model: Any, place: Place, environ: Mapping[str, str], guard: Guard, trainer: Any = None
) -> Follower:
    """Announce this process from now on; its trainer's ``args`` and ``model`` tell its devices.

    Where ``trainer`` was found the tokens of its batches are told too.
    """
    tokens = None
    with guard("count the tokens of the training batches"):
        tokens = _own_tokens(args, model, trainer, guard)
    follower = Follower(
        Rendezvous(output_folder(args), place.node),
        own_devices(sys.modules.get("torch"), args=args, model=model, environ=environ),
        rank=place.rank,
        sensors=own_memory(),
        tokens=tokens,
        guard=guard,
    )
    follower.start()
    return follower


def _own_tokens(args: Any, model: Any, trainer: Any, guard: Guard) -> StepTokens | None:
    if trainer is None:
        return None
    training = observe_training(args=args, model=model, trainer=trainer)
    return count_batches(training, args=args, trainer=trainer, model=model, guard=guard)


def own_memory() -> tuple[Sensor, ...]:
    """The sensors of one process's own memory."""
    sensors, _ = open_process()
    allocator = open_torch_memory(lambda: sys.modules.get("torch"))
    return tuple(one for one in (*sensors, *allocator) if one.spec.quantity in PEAK_QUANTITIES)
