"""What a sensor is: a spec that never changes and a reading in base units."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from cardcallback.errors import SensorReadError
from cardcallback.record import InstrumentAccuracy, Scope

Kind = Literal["counter", "gauge"]
Unit = Literal["joules", "watts", "bytes", "celsius", "hertz", "bitmask", "count", "share", "seconds"]
Quantity = Literal[
    "gpu_energy",
    "gpu_power",
    "gpu_process_memory",
    "gpu_temperature",
    "gpu_sm_clock",
    "gpu_clock_event_reasons",
    "gpu_utilization",
    "gpu_software_thermal_time",
    "gpu_hardware_thermal_time",
    "gpu_power_brake_time",
    "gpu_other_processes",
    "system_memory",
    "system_memory_total",
    "memory_limit",
    "swap_used",
    "memory_stalled_some",
    "memory_stalled_all",
    "process_rss",
    "torch_allocated",
    "torch_reserved",
    "torch_allocated_now",
    "torch_reserved_now",
    "torch_devices",
    "cpu_energy",
    "cpu_power",
    "dram_energy",
    "system_power",
    "system_energy",
    "other_energy",
    "other_power",
]

# The source of an absence whose driver has not answered, or could not be asked, while sensors were opened.
OPENING = "opening"
NOT_PUBLISHED = InstrumentAccuracy(statement="not published")


@dataclass(frozen=True, kw_only=True, slots=True)
class SensorSpec:
    """What one sensor reads.

    ``source`` names the interface ("nvml:total_energy_consumption", "proc:meminfo"). ``interval_seconds``
    is how often a sensor of this kind must be read to lose nothing. ``averaging_seconds`` is the window a
    power reading averages over (``None``: it does not average). ``refresh_seconds`` is how often the
    hardware renews the value, where known. ``device`` is the accelerator's place in the job's own list.
    ``wraps_at`` is the value, in ``unit``, after which a counter starts again at zero, and
    ``longest_interval_seconds`` how far apart its readings may lie at most without a wrap between them being
    missed. ``highest_watts`` is what the device may draw for longer than a moment, as its driver or maker says.
    ``resolution`` is the smallest step it shows, in ``unit``, where that is coarse.

    Beside the GPU, a counter and a gauge of equal ``covers`` are one instrument, and a further one is set aside, as it
    would count the same twice. ``cpu_*`` and ``dram_energy`` are summed over instruments (one per socket); of several
    ``system_*`` ones the one that covers most is the machine's figure. ``other_*`` overlaps other figures: it is
    printed beside them and added to nothing.
    """

    quantity: Quantity
    source: str
    kind: Kind
    unit: Unit
    scope: Scope
    covers: str
    interval_seconds: float
    averaging_seconds: float | None = None
    refresh_seconds: float | None = None
    device: int | None = None
    accuracy: InstrumentAccuracy = NOT_PUBLISHED
    wraps_at: float | None = None
    longest_interval_seconds: float | None = None
    highest_watts: float | None = None
    resolution: float | None = None


@runtime_checkable
class Sensor(Protocol):
    """Anything with a ``spec`` and a ``read()``; also what the entry-point group yields."""

    @property
    def spec(self) -> SensorSpec:
        """What this sensor reads; constant for the sensor's life."""

    def read(self) -> float:
        """One reading in ``spec.unit``.

        Raises:
            SensorReadError: this reading failed; the next may succeed.
            SensorUnavailableError: no reading will succeed any more.
        """


Sample = tuple[int, float]  # microseconds on a clock of the driver's own, and the value


@runtime_checkable
class KeepsSamples(Protocol):
    """A sensor whose driver keeps its newest readings, so that one call gives all that came since the last one.

    Whether they are any good is for whoever reads them to find out, beside ``read``.
    """

    @property
    def spec(self) -> SensorSpec:
        """What this sensor reads; constant for the sensor's life."""

    def read(self) -> float:
        """As of any sensor."""

    def kept_samples(self, after_microseconds: int) -> Sequence[Sample]:
        """The readings stamped later than that, in any order; from the driver's clock's beginning for 0.

        Raises:
            SensorReadError: the call failed; the next may succeed.
        """


@dataclass(frozen=True, kw_only=True, slots=True)
class Absence:
    """A quantity that cannot be read here: the reason a card prints, and the cure for whoever is at the machine."""

    quantity: Quantity
    source: str
    reason: str
    device: int | None = None
    cure: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceInfo:
    """One accelerator as its driver describes it; ``uuid`` is for matching and is never written to a file.

    ``module`` tells devices that share one module counter apart from those that do not: equal values are
    one module. ``energy_scope_note`` is the sentence a card prints about a whole-GPU figure (MIG, other
    processes), or ``None``. ``mig_uuids`` are the instances it is divided into, for matching only.
    ``unified_memory`` says whether the GPU shares the machine's memory; ``None`` where that is not known.
    ``max_sm_clock_hertz`` is the highest SM clock that its driver knows for it.
    """

    index: int
    name: str
    uuid: str | None = None
    memory_total_bytes: int | None = None
    architecture: str | None = None
    compute_capability: str | None = None
    module: str | None = None
    energy_scope_note: str | None = None
    mig_uuids: tuple[str, ...] = ()
    unified_memory: bool | None = None
    max_sm_clock_hertz: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SensorSet:
    """Every sensor that works, why the others do not, and the devices they belong to.

    ``not_ready``: the driver could not be used yet and may be later, so that opening again may give more.
    """

    sensors: tuple[Sensor, ...] = ()
    absences: tuple[Absence, ...] = ()
    devices: tuple[DeviceInfo, ...] = ()
    driver_version: str | None = None
    simulated: bool = False
    notes: tuple[str, ...] = ()
    not_ready: bool = False

    def for_devices(self, indices: frozenset[int]) -> SensorSet:
        """This set with only the devices in ``indices``; what belongs to no device that opened stays."""
        others = {device.index for device in self.devices} - indices
        return SensorSet(
            sensors=tuple(s for s in self.sensors if s.spec.device not in others),
            absences=tuple(a for a in self.absences if a.device not in others),
            devices=tuple(d for d in self.devices if d.index in indices),
            driver_version=self.driver_version,
            simulated=self.simulated,
            notes=self.notes,
        )

    def with_others(self, others: SensorSet) -> SensorSet:
        """Both sets as one, what belongs to this one first."""
        return SensorSet(
            sensors=(*self.sensors, *others.sensors),
            absences=(*self.absences, *others.absences),
            devices=(*self.devices, *others.devices),
            driver_version=self.driver_version or others.driver_version,
            simulated=self.simulated or others.simulated,
            notes=(*self.notes, *others.notes),
        )

    def absence(self, quantity: Quantity, device: int | None = None) -> Absence | None:
        """The first reason why ``quantity`` is not read (of ``device``, where given)."""
        for absence in self.absences:
            if absence.quantity == quantity and device in {None, absence.device}:
                return absence
        return None


def those_readable(candidates: Iterable[Sensor]) -> tuple[tuple[Sensor, ...], tuple[Absence, ...]]:
    """The sensors whose first reading succeeds, and why the others' did not."""
    sensors, absences = [], []
    for sensor in candidates:
        reason = _failure(sensor)
        if reason is None:
            sensors.append(sensor)
        else:
            absences.append(Absence(quantity=sensor.spec.quantity, source=sensor.spec.source, reason=reason))
    return tuple(sensors), tuple(absences)


def _failure(sensor: Sensor) -> str | None:
    try:
        sensor.read()
    except SensorReadError as error:
        return str(error)
    return None


@dataclass(frozen=True, kw_only=True, slots=True)
class SensorPart:
    """Sensors that are opened apart from all others; ``quantities`` are what they may read.

    ``open`` raises nothing that is known of and may take as long as a driver does. ``simulated`` is what is known
    of it before.
    """

    open: Callable[[], SensorSet]
    quantities: tuple[Quantity, ...] = ()
    simulated: bool = False
