"""A run in progress: its recorder, what is known of it so far, and the record it would leave now."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from cardcallback import portable
from cardcallback.assemble import RunState, assemble_record, with_carbon
from cardcallback.baseline import baseline_notes
from cardcallback.console import say
from cardcallback.curves import curves_from_history, history_notes, log_entries
from cardcallback.folder_work import FolderWork
from cardcallback.guard import Guard
from cardcallback.hooks import output_folder
from cardcallback.live_figures import LiveFigures
from cardcallback.observe import machine_once, observe_software, version_of
from cardcallback.observed_run import TRAINED_BEFORE, ObservedRun
from cardcallback.processes.announcement import own_devices
from cardcallback.processes.job_sensors import JobSensors
from cardcallback.processes.node import MeasuredNode
from cardcallback.processes.place import Place
from cardcallback.record import RunRecord, Status, Training
from cardcallback.recorder import BackgroundOpening, Clock, EarlyReading, EnergiesNow, Recorder, Recording
from cardcallback.rest import with_rest_estimate
from cardcallback.sensors import SensorSet
from cardcallback.sessions import Lineage
from cardcallback.settings import Settings, user_config_directory
from cardcallback.stages import Found, StagesSearch

# Of the 50 ms that training's begin may cost; a first reading has what opening has left, for files take the rest.
_OPENING_TIMEOUT_SECONDS = 0.02
_FIRST_READING_UNTIL_SECONDS = 0.03
_STAGES_TIMEOUT_SECONDS = 0.01
_STAGES_AT_END_TIMEOUT_SECONDS = 1.0


class LiveRun:
    """Holds one session from begin to end; ``record`` may be asked at any time, ``work`` is for its output folder."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock,
        system_root: Path,
        guard: Guard | None = None,
        lineage: Lineage | None = None,
        work: FolderWork | None = None,
    ) -> None:
        self._lineage = lineage or Lineage()
        self.run_id, self.session_id = self._lineage.run_id, self._lineage.session_id
        self._settings, self._clock, self._system_root = settings, clock, system_root
        self._search: StagesSearch | None = None
        self._run_before: str | None = None
        self._devices = JobSensors()
        self._recorder: Recorder | None = None
        self._measuring: Recorder | None = None  # once it does
        self._recording: Recording | None = None
        self._figures: LiveFigures | None = None
        self._guard = guard or Guard()
        self.work = work or FolderWork(self._guard)
        self.observed = ObservedRun(settings, self._guard)
        self.node: MeasuredNode | None = None
        self._joining, self._ended = threading.Lock(), threading.Event()
        self.notes: list[str] = [*self._lineage.notes]
        self.news: list[str] = []  # trouble to tell of; the recorder's own list, so that to ask at each step is cheap

    @property
    def sensors(self) -> SensorSet:
        """The sensors of this job's devices."""
        return self._devices.told

    @property
    def earlier_sessions(self) -> frozenset[str]:
        """The ids of the sessions that this one went on from, which are in the record's figures."""
        return self._lineage.session_ids_before

    @property
    def finished(self) -> bool:
        """Whether measuring has ended."""
        return self._recording is not None

    def tell_news(self) -> None:
        """Print each kind of trouble since it was last asked; of a GPU that the job leaves unused its card tells."""
        while self.news:
            line = self.news.pop(0)
            if self._devices.job.uses_cuda is not False and not self._guard.quiet:
                say(f"cardcallback: {line}", self._settings)

    def start_recording(
        self,
        openings: Sequence[BackgroundOpening],
        environ: Mapping[str, str],
        args: Any,
        model: Any,
        *,
        first: bool,
        place: Place | None = None,
        ready: Callable[[], None] = lambda: None,
    ) -> None:
        """Begin to measure; waits for no driver longer than 30 ms in all, and for no other process.

        What opens later is a gap at the start of its own figures. ``place``: where it measures for others too;
        ``ready`` is called once there is a record, of a run that begins, before any driver is waited for.
        """
        own = own_devices(sys.modules.get("torch"), args=args, model=model, environ=environ)
        if place is not None and not place.is_alone:
            self.node = MeasuredNode(
                place,
                output_folder(args),
                own,
                clock=self._clock,
                on_change=self._choose_again,
                counts=self.observed.counts_of_process,
                devices=lambda: self.sensors.devices,
                guard=self._guard,
            )
        ranks = self.node.ranks if self.node is not None else None
        self._devices = JobSensors(own.job, environ, ranks, [opening.pending() for opening in openings])
        begun = self._clock.elapsed_seconds()
        interval_seconds = self._settings.sampling_interval_seconds
        self._recorder = Recorder(self.sensors, clock=self._clock, sampling_interval_seconds=interval_seconds)
        self.news = self._recorder.news
        ready()
        deadline = begun + _OPENING_TIMEOUT_SECONDS
        opened = [one.result(max(deadline - self._clock.elapsed_seconds(), 0.0)) for one in openings]
        for part, result in enumerate(opened):
            if result is not None:
                self._join(self._recorder, part, result, first=first)
        self._measuring = self._recorder
        self._recorder.start(max(begun + _FIRST_READING_UNTIL_SECONDS - self._clock.elapsed_seconds(), 0.0))
        if self.node is not None:
            self.node.ranks.start()
        for part, result in enumerate(opened):
            if result is None or result[0].not_ready:
                late = partial(self._join_late, self._recorder, part, openings[part], first=first)
                portable.starts(threading.Thread(target=late, name="cardcallback-late", daemon=True))

    def _join_late(self, recorder: Recorder, place: int, opening: BackgroundOpening, *, first: bool) -> None:
        for opened in opening.results(self._ended):
            self._join(recorder, place, opened, first=first)

    def _join(self, recorder: Recorder, place: int, opened: tuple[SensorSet, EarlyReading], *, first: bool) -> None:
        """Measure with this part's sensors too: each is read apart, and one that hangs or fails costs no other."""
        with self._guard("measure with some of the sensors"), self._joining:
            # A second train() has had the first one "before" it.
            self._devices.join(recorder, place, opened[0], opened[1] if first else None)

    def _choose_again(self) -> None:
        """Another process of this node announced its devices."""
        with self._guard("measure the GPUs of a further process"), self._joining:
            if self._recorder is not None and not self.finished:
                self._devices.choose_again(self._recorder)

    def now_seconds(self) -> float:
        """Seconds since this session began; 0 before it did."""
        return self._measuring.now_seconds() if self._measuring is not None else 0.0

    def begin_steps(self, state: Any, trainer: Any, model: Any, *, after: LiveRun | None) -> None:
        """Remember where this session starts, which is neither step 0 nor token 0 after a resume.

        ``after`` is the run before it in this process; where it trained the same model and is no stage before this
        one, the record says so.
        """
        self.observed.begin(state, trainer, model)
        if after is not None and after.observed.has_trained(model) and self.observed.first_step == 0:
            self._run_before = after.run_id

    def begins_after(self, search: StagesSearch | None) -> None:
        """Take the stages before this run from ``search`` whenever it ends; it is waited for 10 ms at most."""
        self._search = search
        if search is not None:
            search.wait(_STAGES_TIMEOUT_SECONDS)

    def _before(self) -> Found:
        found = Found() if self._search is None else self._search.found
        if self._run_before in {None, self.run_id, *(stage.run_id for stage in found.stages)}:
            return found
        return replace(found, notes=(*found.notes, TRAINED_BEFORE))

    def describe(
        self,
        args: Any,
        state: Any,
        trainer: Any,
        objects: Mapping[str, Any],
        *,
        after: LiveRun | None,
        metrics_before: Mapping[str, Any] | None,
    ) -> None:
        """Read what the run is from what the Trainer's events come with, as far as it can be read.

        ``after`` is as ``begin_steps`` has it; ``metrics_before`` were measured before the first step, if any were.
        """
        with self._guard("read the idle power measured before"):
            self.notes.extend(baseline_notes(user_config_directory(os.environ), self.sensors))
        with self._guard("read what the run is"):
            self.begin_steps(state, trainer, objects.get("model"), after=after)
            described = {name: objects.get(name) for name in ("model", "train_dataloader", "eval_dataloader")}
            self.observed.describe(args=args, trainer=trainer, **described)
            if metrics_before is not None and state.global_step == 0:
                self.observed.evaluated(metrics_before, step=0, outside=True)
        self.count_tokens(args, trainer, objects)

    def count_tokens(self, args: Any, trainer: Any, objects: Mapping[str, Any]) -> None:
        """Count the tokens of this process's training batches from now on."""
        with self._guard("count the tokens of the training batches"):
            self.observed.count_tokens(trainer, args=args, model=objects.get("model"))

    def mark_phase(self, phase: str, begin_seconds: float, end_seconds: float) -> None:
        """One visit of a phase inside the training; before the session began there is none."""
        if self._recorder is not None and not self.finished:
            self._recorder.mark_phase(phase, begin_seconds, end_seconds)

    def stop_recording(self) -> None:
        """End measuring, and wait a second at most for the stages before; a second call does what the first left."""
        self._ended.set()
        self.observed.close()
        if self._recorder is not None and self._recording is None:
            self._recording = self._recorder.stop()
            if self._search is not None:
                self._search.wait(_STAGES_AT_END_TIMEOUT_SECONDS)
        if self.finished and self.node is not None and not self.node.finished:
            self.work.do("hear the job's other processes once more", self.node.finish, None, is_last=True)

    def give_up(self) -> None:
        """Its begin failed: end the threads that it began."""
        self.stop_recording()
        self.work.stop()

    def energies(self) -> EnergiesNow | None:
        """What was used until now, cheaply; ``None`` where nothing is measured yet, or any more."""
        return self._measuring.energies(briefly=True) if self._measuring is not None and not self.finished else None

    def figures_now(self, state: Any, logs: Mapping[str, Any], trainer: Any) -> dict[str, float]:
        """What there is to show beside what the Trainer just logged, by name; nothing once measuring has ended."""
        if self._recorder is None or self.finished:
            return {}
        self._figures = self._figures or LiveFigures(
            self._recorder, self._devices, node=self.node, before=self._lineage.record, system_root=self._system_root
        )
        self.observed.logged(logs)
        return self._figures.now(self.observed.tokens_at_log(logs, state, trainer))

    def record_in_progress(self, state: Any, *, status: Status, **trainer_objects: Any) -> RunRecord:
        """As of now, for any thread: touches neither device nor folder, changes nothing; ``status`` is how it ended."""
        training = self.observed.training_now(state, **trainer_objects)
        return self._record(status, training, log_entries(state.log_history), int(state.global_step), reads=False)

    def record(self, status: Status, *, log_history: list[Mapping[str, Any]], last_step: int) -> RunRecord:
        """The record as of now, for the thread that has the folder, in which other processes may tell of themselves."""
        self.observed.last_step = last_step
        return self._record(status, self.observed.training, log_history, last_step, reads=True)

    def _record(
        self, status: Status, training: Training, log_history: list[Mapping[str, Any]], last_step: int, *, reads: bool
    ) -> RunRecord:
        if self._recorder is None:
            msg = "no recording was started"
            raise RuntimeError(msg)
        with self._joining:  # of one moment: a part that joins brings sensors, a selection and notes
            recording, selection = self._recording or self._recorder.snapshot(), self._devices.selection
            if self._measuring is None:  # the session's own begin is still to come
                recording = replace(recording, duration_seconds=0.0)
            before = self._before()
            notes = (*selection.notes, *self.notes, *before.notes, *self.observed.notes)
        state = RunState(
            run_id=self.run_id,
            cardcallback_version=version_of("cardcallback"),
            status=status,
            first_step=self.observed.first_step,
            last_step=last_step,
            training=training,
            evaluation=self.observed.evaluation,
            curves=curves_from_history(log_history),
            stages=before.stages,
            notes=(*notes, *history_notes(log_history), *filter(None, [training.tokens.disagreement])),
            energy_covers=selection.covers,
            energy_partial_reason=selection.partial_reason,
            session_id=self.session_id,
            factor=self._settings.factor,
            pue=self._settings.pue,
        )
        record = assemble_record(
            state,
            recording,
            software=observe_software(),
            machine=machine_once(self._system_root),
            uses_accelerators=self._devices.job.uses_cuda is not False,
            unmeasured=self._devices.job.names,
        )
        record = self._lineage.joined(record if self.node is None else self.node.joined(record, reads=reads))
        return with_carbon(with_rest_estimate(record) if self._settings.estimate_rest else record)
