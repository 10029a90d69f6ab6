"""A run's figures while it goes on, from what was read already: no sensor is asked and nothing is waited for."""

from __future__ import annotations

from pathlib import Path

from cardcallback.observe import machine_once
from cardcallback.processes.job_sensors import JobSensors
from cardcallback.processes.node import MeasuredNode
from cardcallback.ratios import energy_per_token
from cardcallback.record import RunRecord, is_unresolved
from cardcallback.record.sums import sum_or_none
from cardcallback.recorder import ReadingsNow, Recorder
from cardcallback.sessions import over_sessions


class LiveFigures:
    """The figures of one session's run.

    Args:
        recorder: what measures the session.
        sensors: the job's, as they are chosen.
        node: the processes of this computer; None where this one is the whole job.
        before: the record of the run's sessions before this one.
        system_root: holds ``proc`` and ``sys``, which tell what the machine is.
    """

    def __init__(
        self,
        recorder: Recorder,
        sensors: JobSensors,
        *,
        node: MeasuredNode | None,
        before: RunRecord | None,
        system_root: Path,
    ) -> None:
        self._recorder = recorder
        self._sensors = sensors
        self._is_whole_job = node is None or node.place.local_processes == node.place.processes
        self._before = before
        self._is_unified_machine = machine_once(system_root).unified_memory is True

    def now(self, tokens: int | None) -> dict[str, float]:
        """By name with unit; what is not known is left out.

        Energy and energy per token are the run's, all of its sessions together; power and memory are the newest
        readings. There is none of the GPUs where they are only a part of the job's, and none at all where the job
        has other computers too.

        Args:
            tokens: this session's until now, without padding; None where they are not known of this moment.
        """
        if not self._is_whole_job:
            return {}
        readings = self._recorder.readings()
        figures = self._memory(readings)
        if self._sensors.selection.partial_reason is None:
            power = "module_power_watts" if readings.power_is_of_modules else "gpu_power_watts"
            figures |= {power: readings.gpu_power_watts} | self._energy(tokens)
        return {name: float(value) for name, value in figures.items() if value is not None}

    def _memory(self, readings: ReadingsNow) -> dict[str, float | None]:
        if self._is_unified_machine or any(one.unified_memory for one in self._sensors.told.devices):
            return {"unified_memory_bytes": readings.system_memory_bytes}
        return {
            "main_memory_bytes": readings.system_memory_bytes,
            "gpu_memory_bytes": readings.gpu_memory_bytes,
        }

    def _energy(self, tokens: float | None) -> dict[str, float | None]:
        now, before = self._recorder.energies(), self._before
        spent = now.energy.gpu
        if before is not None:
            if before.energy.partial_reason is not None:
                return {}
            spent = over_sessions([before.energy.gpu, spent], [before.duration_seconds, now.duration_seconds])
            tokens = sum_or_none([before.training.tokens.non_padding, tokens])
        if is_unresolved(spent):  # of the first moments, whose digits would say nothing
            return {}
        per_token = energy_per_token(spent, None if tokens is None else int(tokens), "not counted")
        return {"energy_joules": spent.value, "joules_per_token": per_token.value}
