"""What each power and energy reading of each GPU generation means: window, refresh, scope, accuracy.

Windows, refresh intervals and errors against an external meter: Yang, Adamek, Armour, "Part-time Power
Measurements" (arXiv 2312.02741, SC24) and its published table; which call averages: the NVML header. No
Blackwell part is covered by that work, so for those the accuracy is not published.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from cardcallback.record import InstrumentAccuracy, Scope
from cardcallback.sensors.base import NOT_PUBLISHED

PASCAL, VOLTA, TURING, AMPERE, ADA, HOPPER, BLACKWELL = 4, 5, 6, 7, 8, 9, 10
_ARCHITECTURES = {
    2: "Kepler",
    3: "Maxwell",
    PASCAL: "Pascal",
    VOLTA: "Volta",
    TURING: "Turing",
    AMPERE: "Ampere",
    ADA: "Ada Lovelace",
    HOPPER: "Hopper",
    BLACKWELL: "Blackwell",
    13: "Rubin",
}
_GA100 = (8, 0)
_UNIFIED = re.compile(r"GB10(?!\d)|Thor|Orin")
FIELD_AVERAGE, FIELD_INSTANT, FIELD_POWER_LIMIT = 185, 186, 190
SCOPE_GPU, SCOPE_MODULE = 0, 1

_YANG = "Yang et al., SC24"
_SECOND = 1.0
# A second's mean, read twice a second, leaves no part of the run unseen.
_SECOND_INTERVAL = 0.5
_COUNTER_INTERVAL = 1.0
# The granularity the ML.ENERGY project reports for data-centre and consumer parts from Volta on.
_COUNTER_REFRESH = 0.1


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """What tells one GPU's readings from another's; ``capability`` is (major, minor).

    ``has_no_memory``: the driver has no memory figure for it, as the NVML header says of systems on a chip.
    ``unnamed``: ``name`` is not what its driver calls it, so that it may be a superchip. ``has_module``: its driver
    tells the power of a module that it is on, which those of GPUs on a board of their own answer with "not supported".
    """

    name: str
    architecture: int | None = None
    capability: tuple[int, int] | None = None
    has_no_memory: bool = False
    unnamed: bool = False
    has_module: bool = False

    @property
    def architecture_name(self) -> str | None:
        """The generation's name, or ``None`` for one this version does not know."""
        return None if self.architecture is None else _ARCHITECTURES.get(self.architecture)

    @property
    def unified(self) -> bool:
        """Whether the GPU shares the machine's memory: as its driver shows, or a part known to (GB10, Thor, Orin)."""
        return self.has_no_memory or _UNIFIED.search(self.name) is not None

    @property
    def whole_module_counter(self) -> bool:
        """Whether the energy counter is known to be the whole module's (GH200: one GPU on each module)."""
        return "GH200" in self.name

    @property
    def superchip(self) -> bool:
        """Whether a processor shares the module: as its driver shows, or a part known to (GH200, GB200, GB300)."""
        return self.has_module or any(word in self.name for word in ("GH200", "GB200", "GB300"))

    @property
    def shares_module(self) -> bool:
        """Whether several GPUs are on one module (GB200, GB300), or may be, as on a superchip of another name."""
        return self.superchip and not self.whole_module_counter


@dataclass(frozen=True, kw_only=True, slots=True)
class PowerSource:
    """One way to ask for power: a field and its scope, or (``field`` None) the plain call."""

    source: str
    field: int | None
    module: bool = False

    @property
    def element(self) -> tuple[int, int] | None:
        """(field, scope) as NVML takes it, or ``None`` for the plain call."""
        if self.field is None:
            return None
        return self.field, SCOPE_MODULE if self.module else SCOPE_GPU


# A mean over the past second misses nothing, an instantaneous reading does: it is asked second.
POWER_SOURCES = (
    PowerSource(source="nvml:power_average", field=FIELD_AVERAGE),
    PowerSource(source="nvml:power_instant", field=FIELD_INSTANT),
    PowerSource(source="nvml:module_power_average", field=FIELD_AVERAGE, module=True),
    PowerSource(source="nvml:module_power_instant", field=FIELD_INSTANT, module=True),
    PowerSource(source="nvml:power_usage", field=None),
)


MODULE_POWER_SOURCES = tuple(source for source in POWER_SOURCES if source.module)


def power_sources(part: Part) -> tuple[PowerSource, ...]:
    """The ways to ask ``part`` for power, best first.

    Where several GPUs share a module (GB200, GB300) only what is sure to be the GPU's own: the module's
    power would be counted more than once where it is not known which GPUs those are, and whether the plain
    call gives it is not published. Nor is the module asked of a part without a name, which may be such a one.
    """
    if part.shares_module:
        return tuple(source for source in POWER_SOURCES if source.field is not None and not source.module)
    if part.unnamed:
        return tuple(source for source in POWER_SOURCES if not source.module)
    return POWER_SOURCES


@dataclass(frozen=True, kw_only=True, slots=True)
class Timing:
    """How a gauge sees time, in seconds; ``None`` is "not known"."""

    averaging_seconds: float | None
    refresh_seconds: float | None
    interval_seconds: float


def power_timing(part: Part, source: PowerSource) -> Timing:
    """The window, the refresh and how often to read, for one way of asking one part."""
    if source.field == FIELD_AVERAGE or (source.field is None and _plain_call_averages(part)):
        return Timing(averaging_seconds=_SECOND, refresh_seconds=0.1, interval_seconds=_SECOND_INTERVAL)
    return _instant_timing(part)


def _plain_call_averages(part: Part) -> bool:
    if part.architecture is None or part.architecture < AMPERE:
        return False
    return part.capability != _GA100


def _instant_timing(part: Part) -> Timing:
    if part.architecture in {PASCAL, VOLTA}:
        return Timing(averaging_seconds=0.01, refresh_seconds=0.02, interval_seconds=0.02)
    if part.capability == _GA100 or part.architecture == HOPPER:
        return Timing(averaging_seconds=0.025, refresh_seconds=0.1, interval_seconds=0.1)
    if part.architecture in {TURING, AMPERE, ADA}:
        return Timing(averaging_seconds=0.1, refresh_seconds=0.1, interval_seconds=0.1)
    return Timing(averaging_seconds=None, refresh_seconds=None, interval_seconds=0.1)


def counter_timing(part: Part) -> Timing:
    """How often the energy counter moves and is to be read; on GB10 its refresh is not published."""
    refresh = None if part.unified or part.unnamed else _COUNTER_REFRESH
    return Timing(averaging_seconds=None, refresh_seconds=refresh, interval_seconds=_COUNTER_INTERVAL)


def power_scope(part: Part, *, module: bool) -> Scope:
    """Which parts of the machine a power or energy figure of ``part`` includes."""
    if module:
        return Scope(gpu_core="yes", gpu_memory="yes", cpu="yes", host_dram="unknown", regulators="unknown")
    if part.unified:
        return Scope(gpu_core="yes", gpu_memory="unknown")
    if part.unnamed:
        return Scope(gpu_core="yes", gpu_memory="unknown", cpu="unknown", host_dram="unknown", regulators="unknown")
    return Scope(gpu_core="yes", gpu_memory="yes")


# TDP of the whole chip, processor included, which the GPU's own rail cannot exceed for long: NVIDIA's Hot Chips
# slides and huggingface/huggingface.js packages/tasks/src/hardware-nvidia.ts. Its driver tells no limit.
_GB10_TDP_WATTS = 140.0


def highest_watts(part: Part, limit_watts: float | None) -> float | None:
    """The most that a GPU may draw for long: the limit its driver enforces, or what is published of its chip."""
    if limit_watts is None and "GB10" in part.name and part.unified:
        return _GB10_TDP_WATTS
    return limit_watts


# "Up to 1000 W", processor, GPU and memory: NVIDIA's data sheet of the GH200 Grace Hopper Superchip.
_GH200_TDP_WATTS = 1000.0


def highest_module_watts(part: Part, limit_watts: float | None) -> float | None:
    """The same of the module that a GPU is on."""
    return _GH200_TDP_WATTS if limit_watts is None and part.whole_module_counter else limit_watts


def source_scope(part: Part, source: PowerSource) -> Scope:
    """The same for one way of asking; what the plain call of a superchip includes is not published."""
    if part.superchip and source.field is None:
        return Scope(gpu_core="yes", gpu_memory="yes", cpu="unknown", host_dram="unknown", regulators="unknown")
    return power_scope(part, module=source.module)


def power_accuracy(part: Part) -> InstrumentAccuracy:
    """How far the power gauge was off an external meter, where someone measured that generation."""
    if part.architecture == PASCAL:
        return _measured("within 1 % on two Pascal GPUs", 0.01)
    if part.architecture == TURING:
        return _measured("between 8 % low and 13 % high on two Turing GPUs", 0.13)
    if part.capability == _GA100:
        return _measured("about 6 % low on an A100", 0.06)
    if part.architecture == AMPERE and not part.unified:
        return _measured("about 5 % low on Ampere consumer GPUs", 0.06)
    if part.architecture == ADA:
        return _measured("about 5 % low on an RTX 4090", 0.06)
    return NOT_PUBLISHED


def _measured(statement: str, relative: float) -> InstrumentAccuracy:
    return InstrumentAccuracy(statement=statement, relative=relative, source=_YANG)
