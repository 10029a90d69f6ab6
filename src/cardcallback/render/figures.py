"""How one measurement is put into words: its value, its source, its doubts, or why it is absent."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cardcallback.record import (
    FULL_COVERAGE,
    InstrumentAccuracy,
    Measurement,
    RunRecord,
    Spent,
    Window,
    energy_is_least,
    is_only_a_part,
    is_unresolved,
)
from cardcallback.render.text import escape_markdown, public_reason
from cardcallback.units import (
    energy_in,
    energy_unit,
    format_coverage,
    format_duration,
    format_energy,
    format_percent,
)

AT_LEAST = "at least "
# Up to here an interval is called narrow.
NARROW_SHARE = 0.02
# Longer runs are long enough to compare and to resolve: their length is not why something is uncertain.
SHORT_RUN_SECONDS = 60.0
_SMALLEST_SHARE = 0.001
# Of one unit, when a larger one is there: "0 to 37.9 J" rather than "0 to 37,900 mJ".
_TOO_MANY = 10_000.0

_EVERY = {1.0: "second", 5.0: "5 seconds", 60.0: "minute"}
_VERBS = {"calculated": "calculated", "estimated": "estimated"}
_SOURCES = {
    "nvml:total_energy_consumption": "NVML energy counter",
    "proc:meminfo": "/proc/meminfo",
    "torch:allocator": "PyTorch's allocator",
    "psutil:virtual_memory": "the operating system's own account",
    "proc:statm": "resident memory of this process and its children",
    "psutil:rss": "resident memory of this process and its children",
}
_SOURCE_FAMILIES = (
    ("nvml:module_power", "NVML power readings of the module"),
    ("nvml:power", "NVML power readings"),
    ("nvml:process", "NVML, this job's own processes"),
    ("nvml:compute_running_processes", "NVML, this job's own processes"),
    ("nvml:total_energy", "NVML energy counter"),
    ("proc:meminfo", "/proc/meminfo"),
    ("torch:", "PyTorch's allocator"),
    ("rapl", "RAPL energy counter"),
    ("hwmon:spbm", "the firmware's sensors through the driver spbm"),
    ("hwmon:power_meter", "the firmware's ACPI power meter"),
    ("hwmon:ina3221", "the module's own power monitors (INA3221)"),
    ("hwmon:ina238", "the power monitor at the board's input (INA238)"),
)


def is_known(measurement: Measurement | None) -> bool:
    """Whether there is a figure to print."""
    return measurement is not None and measurement.value is not None


def value_of(measurement: Measurement | None) -> float | None:
    """The figure, or ``None``."""
    return None if measurement is None else measurement.value


def resolved_value(measurement: Measurement | None) -> float | None:
    """As ``value_of``, and ``None`` also where the recording interval is wider than the figure."""
    return None if is_unresolved(measurement) else value_of(measurement)


def absent(measurement: Measurement | None, otherwise: str = "nobody measured it") -> str:
    """The words "not measured" and why, as Markdown; ``otherwise`` is why where there is no measurement."""
    reason = measurement.reason if measurement is not None and measurement.reason else otherwise
    return f"not measured: {escape_markdown(public_reason(reason))}"


def figure(measurement: Measurement | None, form: Callable[[float], str], otherwise: str = "nobody measured it") -> str:
    """The figure as ``form`` writes it, or why there is none."""
    value = value_of(measurement)
    return absent(measurement, otherwise) if value is None else form(value)


def verb(measurement: Measurement) -> str:
    """One of "measured", "calculated" and "estimated"."""
    return _VERBS.get(measurement.method or "", "measured")


def source_words(measurement: Measurement) -> str:
    """The interface a figure came from, in words, as Markdown."""
    parts = dict.fromkeys(_one_source(part) for part in (measurement.source or "unknown source").split(" + "))
    return " and ".join(parts)


def _one_source(source: str) -> str:
    if source in _SOURCES:
        return _SOURCES[source]
    for prefix, words in _SOURCE_FAMILIES:
        if source.startswith(prefix):
            return words
    return escape_markdown(source)


def cadence(measurement: Measurement) -> str | None:
    """How often the sensor was read, as in "read every second", where the measurement says so."""
    interval = measurement.sampling_interval_seconds
    if interval is None or interval <= 0:
        return None
    if _is_shorter_than(measurement.window, interval):
        return "read only a few times"  # by a driver too slow for more, or a person's own setting
    return "read every " + _EVERY.get(interval, format_duration(interval))


def _is_shorter_than(window: Window | None, seconds: float) -> bool:
    if window is None or window.begin_seconds is None or window.end_seconds is None:
        return False
    return window.end_seconds - window.begin_seconds < seconds


def relative_width(measurement: Measurement) -> float | None:
    """Larger distance of the recording bounds from the value, as a share of it; ``None`` without bounds."""
    value, low, high = measurement.value, measurement.recording_low, measurement.recording_high
    if not value or low is None or high is None:
        return None
    return max(high - value, value - low, 0.0) / abs(value)


def recording_error(measurement: Measurement) -> str:
    """The recording's own error, as in "below 0.1 %" or "up to 3.2 %"; never printed without the instrument's."""
    if is_unresolved(measurement):
        return "as large as the figure"  # a share of a value that is nothing but chance says nothing
    width = relative_width(measurement)
    if width is None:
        return "not known"
    for bound in (0.001, 0.005, 0.01):
        if width < bound:
            return f"below {format_percent(bound, 1)}"
    return f"up to {format_percent(width, 2)}"


def energy_range(low_joules: float, high_joules: float, beside_joules: float | None = None) -> str:
    """Two energies as "101 to 112 Wh", in the unit of the one that it stands beside, or a much larger one's.

    One where both print alike.
    """
    beside = high_joules if beside_joules is None else beside_joules
    if energy_in(high_joules, energy_unit(beside)) >= _TOO_MANY:
        beside = high_joules
    unit = energy_unit(beside)
    low, high = (format_energy(joules, beside) for joules in (low_joules, high_joules))
    if low_joules == 0:
        return f"0 to {high}"
    if low == high:
        return low
    return f"{low.removesuffix(f' {unit}')} to {high}"


def accuracy_words(accuracy: InstrumentAccuracy | None) -> str:
    """The instrument's own accuracy as its literature gives it, as Markdown."""
    if accuracy is None:
        return "not published"
    source = f" ({escape_markdown(accuracy.source)})" if accuracy.source else ""
    return escape_markdown(accuracy.statement) + source


def beside_accuracy(measurement: Measurement) -> str:
    """The instrument's accuracy to stand behind the recording's error, as Markdown."""
    return f", and beside it the sensor's own accuracy: {accuracy_words(measurement.instrument_accuracy)}"


def coverage_words(measurement: Measurement) -> str:
    """How much of the window was observed, and the longest gap in it."""
    coverage, gap = measurement.coverage, measurement.longest_gap_seconds
    looked = looking_words(measurement)
    beside = f"; {looked}" if looked else ""
    if coverage is None:
        return f"coverage not known{beside}"
    if coverage >= FULL_COVERAGE:
        return f"{'' if looked else 'full coverage, '}no gaps{beside}"
    words = f"readings for {_share_words(coverage)} of the time"
    return f"{words}{beside}" if gap is None else f"{words}, longest gap {format_duration(gap)}{beside}"


def looking_words(measurement: Measurement) -> str | None:
    """At how much of the time the sensor looked, where less than at all that its readings stand for."""
    observed = measurement.observed
    if observed is None or observed >= min(measurement.coverage or 1.0, FULL_COVERAGE):
        return None
    return f"the sensor itself looked at {_share_words(observed)} of the time, which is a sample of it"


def at_least(measurement: Measurement | None) -> str:
    """The words to stand before a figure of energy, or of what is calculated from it; empty for a whole one."""
    return AT_LEAST if measurement is not None and is_only_a_part(measurement) else ""


def least_energy(record: RunRecord, measurement: Measurement | None) -> str:
    """The same before an energy of the run, whole or a part of it: a session whose end is not known used more."""
    return AT_LEAST if measurement is not None and energy_is_least(measurement, record.sessions) else ""


def energy_figure(
    measurement: Measurement | None,
    strong: str = "",
    beside_joules: float | None = None,
    least: str | None = None,
) -> str:
    """An energy as a card prints it anywhere: "42.0 Wh", "at least 42.0 Wh", its interval, or why there is none.

    The interval stands in place of digits that it makes say nothing. ``strong`` encloses the figure, such as ``**``;
    of several in one line or table the unit is that of ``beside_joules``, the largest or their sum. ``least`` are the
    words before it, unless the measurement alone tells them.
    """
    if measurement is None or measurement.value is None:
        return absent(measurement)
    low, high = measurement.recording_low, measurement.recording_high
    if low is None or high is None or not is_unresolved(measurement):
        words = at_least(measurement) if least is None else least
        return f"{words}{strong}{format_energy(measurement.value, beside_joules)}{strong}"
    return f"{strong}between {energy_range(low, high, beside_joules).replace(' to ', ' and ')}{strong}"


def run_energy(record: RunRecord, measurement: Measurement, beside_joules: float | None = None) -> str:
    """As ``energy_figure``, of what a device, a phase, a computer or a second sensor of the run used."""
    return energy_figure(measurement, beside_joules=beside_joules, least=least_energy(record, measurement))


def together_words(spent: Spent) -> str:
    """The GPU energy of several sessions together: at least so much, or with its interval where that is not narrow.

    The figures stand alone, so that an interval which a card would tell elsewhere is told here.
    """
    if spent.joules is None:
        return "not measured"
    low, high = spent.low_joules, spent.high_joules
    wide = low is not None and spent.joules - low > NARROW_SHARE * spent.joules
    if spent.is_least:
        # What is certain, where the doubt is more than a rounding.
        certain = low if wide and low is not None else spent.joules
        return AT_LEAST + format_energy(certain, certain or spent.joules)  # of nothing the unit is the figure's
    if not has_wide_interval(spent) or low is None or high is None:
        return format_energy(spent.joules)
    if high - low > spent.joules:
        return f"between {energy_range(low, high).replace(' to ', ' and ')}"
    return f"{format_energy(spent.joules)} ({energy_range(low, high, spent.joules)})"


def has_wide_interval(spent: Spent) -> bool:
    """Whether its recording interval is told beside it."""
    low, high = spent.low_joules, spent.high_joules
    if spent.joules is None or spent.is_least or low is None or high is None:
        return False
    return max(high - spent.joules, spent.joules - low) > NARROW_SHARE * spent.joules


def accuracies_plain(*spent: Spent) -> str:
    """The instruments' own accuracies as plain text, each once: what no interval is printed without."""
    told = ("not published" if one is None else one.statement for each in spent for one in each.accuracies)
    return "; ".join(dict.fromkeys(told))


def spent_words(record: RunRecord, measurement: Measurement, strong: str = "") -> str:
    """A known energy of the run as it is printed on its own, with why it could not be resolved.

    Args:
        record: the run's, which tells whether it was too short, or was killed.
        measurement: a known energy.
        strong: what encloses the figure, such as ``**``.

    Raises:
        ValueError: it is not known.
    """
    if measurement.value is None:
        msg = "an unknown energy has a reason and no words"
        raise ValueError(msg)
    why = f" ({unresolved_reason(record.duration_seconds)})" if is_unresolved(measurement) else ""
    return energy_figure(measurement, strong=strong, least=least_energy(record, measurement)) + why


def unresolved_reason(seconds: float) -> str:
    """Why an energy could not be resolved."""
    return "too short to resolve" if seconds < SHORT_RUN_SECONDS else "not resolved any closer"


def _share_words(share: float) -> str:
    return format_coverage(share) if share >= _SMALLEST_SHARE else f"less than {format_percent(_SMALLEST_SHARE, 1)}"


def total(measurements: Sequence[Measurement | None]) -> float | None:
    """The sum, or ``None`` where one is unknown or there is none."""
    values = [value_of(measurement) for measurement in measurements]
    known = [value for value in values if value is not None]
    return sum(known) if known and len(known) == len(values) else None
