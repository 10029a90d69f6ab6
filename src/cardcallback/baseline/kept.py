"""What is kept of a machine's idle power, as a file, and the sentence that a card makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from cardcallback.errors import CardCallbackError
from cardcallback.record import InstrumentAccuracy
from cardcallback.sensors.base import SensorSet
from cardcallback.units import HERTZ_PER_MEGAHERTZ, format_duration, format_number, format_percent, format_power

BASELINES_FILE = "baselines.json"
# Fields are only ever added, with defaults: every file of version 1 stays readable.
_SCHEMA_VERSION = 1


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """Mean power of one device while nothing was asked of it; alike devices of a machine are one entry.

    ``watts_mean`` is per device, over ``seconds`` and ``device_count`` devices; ``watts_low`` and ``watts_high``
    are what sampling, refresh and gaps prove, ``instrument_accuracy`` is the sensor's own beside that (None in files
    of earlier versions), and ``coverage`` is the share of the time for which readings stand.
    ``other_processes`` counts the programs that held a device meanwhile, None where the driver does not say;
    ``graphics_processes`` those that only draw on it, such as a desktop. ``busy`` says why the machine was not
    idle after all; it is empty where nothing speaks against it. ``performance_states`` are those seen, 0 the
    highest; ``display_attached`` is whether a display was on one of the devices.
    """

    device: str
    driver_version: str | None
    watts_mean: float
    seconds: float
    date: str
    device_count: int
    other_processes: int | None
    method: str
    source: str
    simulated: bool
    watts_low: float | None = None
    watts_high: float | None = None
    instrument_accuracy: InstrumentAccuracy | None = None
    coverage: float | None = None
    utilization_mean: float | None = None
    sm_clock_hertz_median: float | None = None
    temperature_celsius_mean: float | None = None
    performance_states: tuple[int, ...] = ()
    display_attached: bool | None = None
    graphics_processes: int | None = None
    busy: tuple[str, ...] = ()


class _File(msgspec.Struct, frozen=True, kw_only=True):
    schema_version: int
    baselines: tuple[Baseline, ...]


def baseline_notes(folder: Path, sensors: SensorSet) -> tuple[str, ...]:
    """A sentence for each kind of device here whose idle power was measured before, for a card's notes.

    Raises:
        CardCallbackError: as ``load_baselines``.
    """
    notes = []
    for name in dict.fromkeys(device.name for device in sensors.devices):
        for kept in load_baselines(folder, device=name, driver_version=sensors.driver_version):
            if kept.simulated == sensors.simulated:
                idle = f"{format_power(kept.watts_mean)} for {format_duration(kept.seconds)} on {kept.date}"
                known = "; ".join(part for part in (doubt_words(kept), circumstance_words(kept)) if part)
                notes.append(
                    f"Idle power of {kept.device}, measured before: {idle} ({known}){_busy_words(kept)}; "
                    "included in the energy."
                )
    return tuple(notes)


def doubt_words(kept: Baseline) -> str:
    """Both doubts of the mean: what its recording proves, and the sensor's own accuracy."""
    accuracy = kept.instrument_accuracy
    own = "was not kept" if accuracy is None else accuracy.statement
    source = f" ({accuracy.source})" if accuracy is not None and accuracy.source else ""
    return f"{_recording_words(kept)}, the sensor's own accuracy: {own}{source}"


def _recording_words(kept: Baseline) -> str:
    if kept.watts_low is None:
        return "recording interval not known"
    low = format_power(kept.watts_low)
    if kept.watts_high is None:
        return f"by its recording at least {low}"
    high = format_power(kept.watts_high)
    return f"by its recording {low} to {high}" if low != high else "recording error too small to show"


def circumstance_words(kept: Baseline) -> str:
    """What the device was doing meanwhile, as far as the driver told; empty for a file of an earlier version."""
    parts = []
    if kept.utilization_mean is not None:
        parts.append(f"utilisation {format_percent(kept.utilization_mean, 2)}")
    if kept.sm_clock_hertz_median is not None:
        parts.append(f"SM clock {format_number(kept.sm_clock_hertz_median / HERTZ_PER_MEGAHERTZ)} MHz")
    if kept.performance_states:
        parts.append(" and ".join(f"P{state}" for state in kept.performance_states))
    if kept.temperature_celsius_mean is not None:
        parts.append(f"{format_number(kept.temperature_celsius_mean, 2)} °C")
    if kept.display_attached is not None:
        parts.append("a display attached" if kept.display_attached else "no display attached")
    return ", ".join(parts)


def load_baselines(
    folder: Path, *, device: str | None = None, driver_version: str | None = None
) -> tuple[Baseline, ...]:
    """The baselines kept in ``folder``, of one device and driver where given; none where none was measured.

    Raises:
        CardCallbackError: the file cannot be read, or is damaged or from a newer version.
    """
    try:
        content = (folder / BASELINES_FILE).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError as error:
        msg = f"{BASELINES_FILE} cannot be read ({error.strerror}): mend its permissions"
        raise CardCallbackError(msg) from error
    try:
        file = msgspec.json.decode(content, type=_File)
    except msgspec.DecodeError as error:
        msg = f"{BASELINES_FILE} is damaged: measure again with `cardcallback doctor --baseline 60`"
        raise CardCallbackError(msg) from error
    if file.schema_version != _SCHEMA_VERSION:
        msg = f"{BASELINES_FILE} is from a newer cardcallback: upgrade it"
        raise CardCallbackError(msg)
    return tuple(
        baseline
        for baseline in file.baselines
        if device in {None, baseline.device} and driver_version in {None, baseline.driver_version}
    )


def encode_baselines(kept: Sequence[Baseline], measured: Sequence[Baseline]) -> str:
    """The file's text: ``measured`` replaces what was kept of the same device and driver."""
    replaced = {_key(baseline) for baseline in measured}
    baselines = (*(b for b in kept if _key(b) not in replaced), *measured)
    content = msgspec.json.encode(_File(schema_version=_SCHEMA_VERSION, baselines=baselines))
    return msgspec.json.format(content, indent=1).decode() + "\n"


def _busy_words(kept: Baseline) -> str:
    if kept.busy:
        return f", though it was not idle: {'; '.join(kept.busy)}"
    return f", while {kept.other_processes} processes used it" if kept.other_processes else ""


def _key(baseline: Baseline) -> tuple[str, str | None, bool]:
    return baseline.device, baseline.driver_version, baseline.simulated
