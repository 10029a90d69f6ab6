"""The run record: everything measured and observed about one run, and nothing calculated from a place.

Paths and names are a public interface (design section 4): a card, a comparison and a published file all
read them. Names with a unit suffix are plain numbers; other names that hold a quantity are a Measurement.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from cardcallback.record.carbon import Carbon, CarbonFactor
from cardcallback.record.measurement import Measurement
from cardcallback.record.node import Node, Point
from cardcallback.record.stage import Stage, Status
from cardcallback.record.training import Evaluation, Training

SCHEMA_VERSION = 1  # the first published layout


class Accelerator(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One device of the job; never its UUID, serial or bus address.

    ``low_clock_time``, ``thermal_slowdown_time`` and ``hardware_slowdown_time`` are seconds within the session:
    at a clock far below normal under load, counting spells of a minute and more; slowed by heat; slowed by the
    hardware for another reason. ``health`` is what that means, in sentences; empty for a device that was well.
    ``median_utilization`` is a share. ``number`` is the driver's, by which notes and traces name it; None where
    sessions had other ones.
    """

    name: str
    energy: Measurement
    memory_total_bytes: int | None = None
    architecture: str | None = None
    compute_capability: str | None = None
    mean_power: Measurement | None = None
    median_sm_clock: Measurement | None = None
    highest_temperature: Measurement | None = None
    median_utilization: Measurement | None = None
    low_clock_time: Measurement | None = None
    thermal_slowdown_time: Measurement | None = None
    hardware_slowdown_time: Measurement | None = None
    health: tuple[str, ...] = ()
    throttle_reasons: tuple[str, ...] = ()
    other_processes: int | None = None
    used_by_job: bool = True
    number: int | None = None


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """The computer, by product and parts; nothing that tells two of a kind apart."""

    name: str | None = None
    processor: str | None = None
    processor_count: int | None = None
    architecture: str | None = None
    memory_total_bytes: int | None = None
    unified_memory: bool | None = None
    operating_system: str | None = None


class Hardware(msgspec.Struct, frozen=True, kw_only=True):
    """What the job ran on; ``accelerators_reason`` says why the list is empty."""

    accelerators: tuple[Accelerator, ...] = ()
    accelerators_reason: str | None = None
    machine: Machine = Machine()

    @property
    def is_used_by_job(self) -> bool | None:
        """Whether the job computed on any of the accelerators; None where there is none to tell."""
        return any(device.used_by_job for device in self.accelerators) if self.accelerators else None


class PhaseEnergy(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """GPU energy and time of one phase ("training", "evaluation", "saving") over all its visits."""

    phase: str
    duration_seconds: float
    visits: int
    energy: Measurement


class Consistency(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Energy counter against integrated power, over the time that both watched.

    ``relative_difference`` is the integral's distance from the counter as a share of it: positive where the
    integral is higher. ``verdict`` is "not resolved" where sampling alone may explain the difference.
    """

    relative_difference: float
    compared_seconds: float
    verdict: Literal["consistent", "inconsistent", "not resolved"]


class Energy(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Energies in joules. ``gpu`` is the best figure; counter and integral are what it rests on.

    ``consistency`` is ``None`` where the two were not watched together for long enough to compare. ``others``
    overlap the figures above (a second sensor of the GPU, a package that holds it) and are added to nothing.
    ``rest_estimate`` is what the rest of the machine is taken to have used, where that was asked for: an
    estimate, in no other figure, whose bounds are a stated range and not proved.
    """

    gpu: Measurement
    gpu_counter: Measurement
    gpu_integrated: Measurement
    cpu: Measurement
    dram: Measurement
    system: Measurement
    before_training: Measurement
    phases: tuple[PhaseEnergy, ...] = ()
    partial_reason: str | None = None  # set where ``gpu`` leaves out GPUs of the job
    per_step: Measurement | None = None
    per_token: Measurement | None = None
    consistency: Consistency | None = None
    others: tuple[Measurement, ...] = ()
    rest_estimate: Measurement | None = None


class Memory(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Memory in bytes: seven figures with seven windows, never summed; and what was short of it.

    ``limit`` is what the job's control group lets it use of host memory. ``stalled_some`` and ``stalled_all``
    are seconds of the training during which at least one task, or every task that had work, waited for
    memory. What an older record does not have is ``None``.
    """

    system_peak: Measurement
    system_baseline: Measurement
    torch_peak_allocated: Measurement
    torch_peak_reserved: Measurement
    accelerator_process_peak: Measurement
    process_peak_rss: Measurement
    total: Measurement
    limit: Measurement | None = None
    swap_peak: Measurement | None = None
    swap_baseline: Measurement | None = None
    stalled_some: Measurement | None = None
    stalled_all: Measurement | None = None


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One process's part of the run. ``started_on`` is a date (ISO 8601), never a time.

    ``session_id`` is random and tells two accounts of one session from two sessions. An earlier session whose
    ``rest_unknown`` is true is known until its last checkpoint only: it took longer and used more than it says. One
    that is ``killed`` is known until its journal's last line, a second or so before its end; older records leave
    that out. In ``stopped_seconds`` of its duration, at least, no thread of the process ran. ``factor`` is of the grid
    at the place, and ``pue`` of the building, that were known in the session itself; ``None`` where none was told, and
    in older records.
    """

    started_on: str
    duration_seconds: float
    suspended_seconds: float = 0.0
    stopped_seconds: float = 0.0
    first_step: int
    last_step: int
    status: Status
    hardware: Hardware
    software: dict[str, str]
    energy: Energy
    session_id: str | None = None
    rest_unknown: bool = False
    killed: bool = False
    factor: CarbonFactor | None = None
    pue: float | None = None


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """A thinned series of one sensor: points are (seconds since the session began, value).

    ``reduction`` says what one point is of the readings it stands for: their mean or their maximum.
    """

    quantity: str
    unit: str
    source: str
    session: int
    device: int | None = None
    reduction: Literal["mean", "maximum", "last"]
    points: tuple[Point, ...]


class PhaseSpan(msgspec.Struct, frozen=True, kw_only=True):
    """One visit of a phase, in seconds since its session began."""

    phase: str
    session: int
    begin_seconds: float
    end_seconds: float


class Fill(msgspec.Struct, frozen=True, kw_only=True):
    """One placeholder we replaced, so that a later run knows what is still ours."""

    heading: str
    label: str
    placeholder: str
    text: str


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """What we put into the card outside our own section."""

    body: str | None = None  # "template", "person", "trainer", "hub template"
    filled: tuple[Fill, ...] = ()


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One model's training from first begin to last end, across interruptions.

    ``duration_seconds`` is the sum over sessions from begin to end, suspend included; the part spent
    suspended is ``suspended_seconds``, and the part in which the process was stopped, frozen or paused is at least
    ``stopped_seconds``. ``stages`` are the runs these weights went through, in order, this one last.
    ``processes`` counts those of the job over all computers, and ``nodes`` are the computers whose figures are in
    it: both only for a job of several processes. ``weights`` tells the files of weights that the run saved into its
    folder from others of the same name.
    """

    schema_version: int = SCHEMA_VERSION
    cardcallback_version: str
    run_id: str
    simulated: bool
    status: Status
    recovered: bool = False
    duration_seconds: float
    suspended_seconds: float = 0.0
    stopped_seconds: float = 0.0
    sessions: tuple[Session, ...]
    stages: tuple[Stage, ...] = ()
    training: Training
    evaluation: Evaluation = Evaluation()
    curves: dict[str, tuple[Point, ...]] = {}
    hardware: Hardware
    software: dict[str, str]
    energy: Energy
    memory: Memory
    traces: tuple[Trace, ...] = ()
    phase_spans: tuple[PhaseSpan, ...] = ()
    carbon: Carbon | None = None
    card: Card = Card()
    notes: tuple[str, ...] = ()
    processes: int | None = None
    nodes: tuple[Node, ...] = ()
    weights: dict[str, str] = {}

    def without_traces(self) -> RunRecord:
        """The same without what power, memory and phases were over time."""
        nodes = tuple(msgspec.structs.replace(node, gpu_power=()) for node in self.nodes)
        return msgspec.structs.replace(self, traces=(), phase_spans=(), nodes=nodes)
