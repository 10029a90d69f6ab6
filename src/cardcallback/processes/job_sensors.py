"""Which of the sensors that open are read, and of which devices is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cardcallback.processes.ranks import Ranks
from cardcallback.recorder import EarlyReading, Recorder
from cardcallback.sensors import SensorSet
from cardcallback.sensors.discovery import joined
from cardcallback.sensors.job_devices import JobDevices
from cardcallback.sensors.nvml import Selection, select_devices
from cardcallback.sensors.visible_devices import without_visible


class JobSensors:
    """The sensors of a run as its parts open, and the choice of the job's devices among them.

    Where other processes of the node may still announce their devices, all that it has are read from the
    beginning, so that what is announced late is not a gap; only the job's are told of.

    Args:
        job: what this process knows of its devices.
        environ: the environment's variables.
        ranks: the node's processes, where they are several.
        pending: for each part what there is until it opens.
    """

    def __init__(
        self,
        job: JobDevices | None = None,
        environ: Mapping[str, str] | None = None,
        ranks: Ranks | None = None,
        pending: Sequence[SensorSet] = (),
    ) -> None:
        self.job = job or JobDevices(uses_cuda=None)
        self.selection = Selection(indices=frozenset())
        self._environ = environ or {}
        self._ranks = ranks
        self._parts = dict(enumerate(pending))
        self.told = joined(self._parts.values())
        self._gpus: tuple[int, SensorSet] | None = None

    def join(self, recorder: Recorder, place: int, opened: SensorSet, early: EarlyReading | None) -> None:
        """Measure with a part that opened; a recorder that has stopped keeps what it has."""
        of_gpus = bool(opened.devices) or opened.absence("gpu_energy") is not None
        told, selection = self._own(opened) if of_gpus else (opened, None)
        read = opened if self._ranks is not None else told
        # Record and reasons must be of one set: nothing changes here where the recorder takes nothing.
        if recorder.join(read, joined((self._parts | {place: read}).values()), early):
            if of_gpus:
                self._gpus = (place, opened)
            self._take(recorder, place, told, selection)

    def choose_again(self, recorder: Recorder) -> None:
        """Further devices of the job were announced."""
        if self._gpus is not None:
            place, gpus = self._gpus
            self._take(recorder, place, *self._own(gpus))

    def _take(self, recorder: Recorder, place: int, told: SensorSet, selection: Selection | None) -> None:
        self._parts[place] = told
        self.told = joined(self._parts.values())
        self.selection = selection or self.selection
        if self._ranks is not None:
            recorder.describe(self.told, release_others=self._ranks.all_heard)

    def _own(self, sensors: SensorSet) -> tuple[SensorSet, Selection]:
        """Of the part that knows of GPUs only this job's, with what a reader must know about the choice."""
        if self._ranks is not None:
            selection = self._ranks.select(sensors.devices)
        else:
            selection = select_devices(
                sensors.devices,
                job=self.job,
                visible_devices=self._environ.get("CUDA_VISIBLE_DEVICES"),
                device_order=self._environ.get("CUDA_DEVICE_ORDER"),
            )
        own = sensors.for_devices(selection.indices)
        return own if own.devices or not sensors.devices else without_visible(own), selection
