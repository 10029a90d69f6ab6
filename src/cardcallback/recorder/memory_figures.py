"""The seven memory figures, each with its own window and how often it was read."""

from __future__ import annotations

from cardcallback.record import Measurement, Memory, Method, Window, not_measured
from cardcallback.recorder.keepers import Peak
from cardcallback.recorder.session import Session, absence_reason
from cardcallback.sensors.base import Quantity

# The recorder's first pass through its sensors takes a moment itself.
_AT_BEGIN_SECONDS = 1.0


class MemoryFigures:
    """Builds ``record.Memory`` from the peaks of one session."""

    def __init__(self, peaks: dict[Quantity, Peak], session: Session) -> None:
        self._peaks = peaks
        self._session = session
        end = session.duration_seconds
        self._window = Window(name="training", begin_seconds=0.0, end_seconds=end)
        # The allocator's marks may have been reset by anyone since the process began.
        self._since_process_start = Window(name="since process start", begin_seconds=None, end_seconds=end)

    def memory(self) -> Memory:
        """All seven, each unknown with its reason where it was not read."""
        return Memory(
            system_peak=self._figure("system_memory", "sampled_peak", self._window),
            system_baseline=self._baseline(),
            torch_peak_allocated=self._figure("torch_allocated", "high_water_mark", self._since_process_start),
            torch_peak_reserved=self._figure("torch_reserved", "high_water_mark", self._since_process_start),
            accelerator_process_peak=self._figure("gpu_process_memory", "sampled_peak", self._window),
            process_peak_rss=self._figure("process_rss", "sampled_peak", self._window),
            total=self._figure("system_memory_total", "high_water_mark", None),
        )

    def _figure(self, quantity: Quantity, method: Method, window: Window | None) -> Measurement:
        peak = self._peaks[quantity]
        if peak.highest is None:
            return not_measured("bytes", absence_reason(self._session, quantity, None), window=window)
        return self._measurement(peak, peak.highest, method, window)

    def _measurement(self, peak: Peak, value: float, method: Method, window: Window | None) -> Measurement:
        spec = peak.specs[0]
        return Measurement(
            value=value,
            unit="bytes",
            # A peak that was sampled is at least this high; nothing bounds it from above.
            recording_low=value,
            recording_high=value if method == "high_water_mark" else None,
            instrument_accuracy=spec.accuracy,
            source=spec.source,
            scope=spec.scope,
            covers=tuple(dict.fromkeys(one.covers for one in peak.specs)),
            method=method,
            longest_gap_seconds=self._longest_pause(peak) if method == "sampled_peak" else None,
            sampling_interval_seconds=spec.interval_seconds,
            window=window,
        )

    def _longest_pause(self, peak: Peak) -> float:
        return max(peak.longest_pause_seconds, self._session.duration_seconds - peak.last_at_seconds)

    def _baseline(self) -> Measurement:
        peak = self._peaks["system_memory"]
        early = self._session.early.of(peak.specs[0]) if peak.specs else None
        if early is not None:
            at = early[0] - self._session.begin_elapsed_seconds
            return self._measurement(peak, early[1], "sampled_peak", _moment(at))
        if peak.first is None:
            return not_measured("bytes", absence_reason(self._session, "system_memory", None))
        return self._measurement(peak, peak.first, "sampled_peak", _moment(peak.first_at_seconds))


def _moment(at_seconds: float) -> Window:
    """The window of one reading, named by where it stands to the begin."""
    if at_seconds < 0:
        name = "before training"
    else:
        name = "training began" if at_seconds <= _AT_BEGIN_SECONDS else "after training began"
    return Window(name=name, begin_seconds=at_seconds, end_seconds=at_seconds)
