"""The seven memory figures and what was short of memory, each with its own window and how often it was read."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from cardcallback.record import Measurement, Memory, Method, Window, not_measured
from cardcallback.recorder.faults import Faults
from cardcallback.recorder.keepers import Peak
from cardcallback.recorder.session import Session, absence_reason
from cardcallback.sensors.base import Quantity
from cardcallback.units import format_duration

# The recorder's first pass through its sensors takes a moment itself.
_AT_BEGIN_SECONDS = 1.0
_MARKS: dict[Quantity, Quantity] = {"torch_allocated": "torch_allocated_now", "torch_reserved": "torch_reserved_now"}
_NOTHING_ON_CUDA = "PyTorch's allocator held nothing on CUDA, or another allocator did its work"


class MemoryFigures:
    """Builds ``record.Memory`` from the peaks of one session."""

    def __init__(self, peaks: dict[Quantity, Peak], session: Session, faults: Faults) -> None:
        self._peaks = peaks
        self._session = session
        self._faults = faults
        self._window = Window(name="training", begin_seconds=0.0, end_seconds=session.duration_seconds)

    def memory(self) -> Memory:
        """All of them, each unknown with its reason where it was not read."""
        window = self._window
        return Memory(
            system_peak=self._made("system_memory", lambda of: self._figure(of, "sampled_peak", window)),
            system_baseline=self._made("system_memory", self._baseline),
            torch_peak_allocated=self._made("torch_allocated", self._torch),
            torch_peak_reserved=self._made("torch_reserved", self._torch),
            accelerator_process_peak=self._made(
                "gpu_process_memory", lambda of: self._figure(of, "sampled_peak", window)
            ),
            process_peak_rss=self._made("process_rss", lambda of: self._figure(of, "sampled_peak", window)),
            total=self._made("system_memory_total", lambda of: self._figure(of, "high_water_mark", None)),
            limit=self._made("memory_limit", lambda of: self._figure(of, "high_water_mark", None)),
            swap_peak=self._made("swap_used", lambda of: self._figure(of, "sampled_peak", window)),
            swap_baseline=self._made("swap_used", self._baseline),
            stalled_some=self._made("memory_stalled_some", self._stalled),
            stalled_all=self._made("memory_stalled_all", self._stalled),
        )

    def _made(self, quantity: Quantity, make: Callable[[Quantity], Measurement]) -> Measurement:
        unit = "seconds" if quantity.startswith("memory_stalled") else "bytes"
        return self._faults.figure(quantity.replace("_", " "), unit, lambda: make(quantity))

    def notes(self) -> tuple[str, ...]:
        """What happened to the allocator's marks, in one sentence."""
        times = max(self._peaks[quantity].falls for quantity in _MARKS)
        if not times:
            return ()
        fallen = next(self._peaks[quantity] for quantity in _MARKS if self._peaks[quantity].falls == times)
        interval = format_duration(fallen.specs[0].interval_seconds)
        often = "once" if times == 1 else f"{times:,} times"
        return (
            (
                f"Other code reset PyTorch's peak-memory marks {often} during training: the highest mark read, every "
                f"{interval}, is given, and a peak shortly before a reset may be missing."
            ),
        )

    def _figure(self, quantity: Quantity, method: Method, window: Window | None) -> Measurement:
        peak = self._peaks[quantity]
        if peak.highest is None:
            return not_measured("bytes", absence_reason(self._session, quantity, None), window=window)
        figure = self._measurement(peak, peak.highest, method, window)
        return msgspec.structs.replace(figure, recording_low=min(peak.at_once, peak.highest))

    def _torch(self, quantity: Quantity) -> Measurement:
        """The highest mark read: of a window whose begin only those know who may have reset it before us."""
        peak = self._peaks[quantity]
        resets = ", with resets by other code" if peak.falls else ""
        window = Window(
            name=f"since process start{resets}", begin_seconds=None, end_seconds=self._session.duration_seconds
        )
        figure = self._figure(quantity, "high_water_mark", window)
        if figure.value == 0:
            return not_measured("bytes", _NOTHING_ON_CUDA, window=window)
        if figure.value is not None and (self._peaks["torch_devices"].highest or 1) > 1:
            figure = self._of_several_devices(figure, quantity)
        return msgspec.structs.replace(figure, recording_high=None) if peak.falls else figure

    def _of_several_devices(self, figure: Measurement, quantity: Quantity) -> Measurement:
        # Each device's mark is exact, their sum is no moment's: what was seen at once bounds it from below.
        at_once = self._peaks[_MARKS[quantity]].highest or 0.0
        count = int(self._peaks["torch_devices"].highest or 1)
        covers = f"sum of {count} devices' own peaks, which need not have been at the same moment"
        low = min(at_once, figure.value or 0.0)
        return msgspec.structs.replace(figure, recording_low=low, covers=(*figure.covers, covers))

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

    def _baseline(self, quantity: Quantity) -> Measurement:
        peak = self._peaks[quantity]
        early = self._session.early.of(peak.specs[0]) if peak.specs else None
        if early is not None:
            at = early[0] - self._session.begin_elapsed_seconds
            return self._measurement(peak, early[1], "sampled_peak", _moment(at))
        if peak.first is None:
            return not_measured("bytes", absence_reason(self._session, quantity, None))
        return self._measurement(peak, peak.first, "sampled_peak", _moment(peak.first_at_seconds))

    def _stalled(self, quantity: Quantity) -> Measurement:
        """What the kernel's count of stalled time grew by between its first and its last reading."""
        peak = self._peaks[quantity]
        if peak.first is None:
            return not_measured("seconds", absence_reason(self._session, quantity, None), window=self._window)
        if peak.readings < 2 or peak.falls:
            reason = "the kernel's count went back" if peak.falls else "the kernel's count was read only once"
            return not_measured("seconds", reason, window=self._window)
        grown = peak.newest - peak.first
        window = Window(name="training", begin_seconds=peak.first_at_seconds, end_seconds=peak.last_at_seconds)
        figure = self._measurement(peak, grown, "counter", window)
        return msgspec.structs.replace(figure, unit="seconds", recording_high=grown)


def _moment(at_seconds: float) -> Window:
    """The window of one reading, named by where it stands to the begin."""
    if at_seconds < 0:
        name = "before training"
    else:
        name = "training began" if at_seconds <= _AT_BEGIN_SECONDS else "after training began"
    return Window(name=name, begin_seconds=at_seconds, end_seconds=at_seconds)
