"""What a simulated machine is, as data: its devices, meters, counters and faults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from waveforms import Waveform

Rail = Literal["gpu", "module", "memory"]
SlowdownKind = Literal["software_thermal", "hardware_thermal", "power_brake"]
Source = Literal["average", "instant", "usage", "module_average", "module_instant", "memory", "energy"] | SlowdownKind

NOT_SUPPORTED = 3
ALL_ONES = 2**64 - 1
_UNDIVIDED = 2**32 - 1
_INFINITE = float("inf")


@dataclass(frozen=True, kw_only=True)
class Meter:
    """A power gauge: the mean of ``rail`` over the past window, renewed every refresh, seen ``lag`` later."""

    rail: Rail = "gpu"
    window: float = 0.0
    refresh: float = 0.0
    lag: float = 0.0
    noise: float = 0.0
    gain: float = 1.0


@dataclass(frozen=True, kw_only=True)
class CounterFault:
    """``reset`` to zero, ``stuck`` (catches up at ``until``), ``step`` by joules, or a wrong ``gain``."""

    kind: Literal["reset", "stuck", "step", "gain"]
    at: float
    until: float = _INFINITE
    amount: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Counter:
    """An energy counter in millijoules, renewed every ``refresh`` seconds.

    With a ``window`` it sees only that much of every refresh and takes it for the whole. ``modulus`` is
    the value, in millijoules, at which it starts again.
    """

    rail: Rail = "gpu"
    refresh: float = 0.1
    offset: float = 0.0
    window: float = 0.0
    modulus: int = 0
    faults: tuple[CounterFault, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SamplesFault:
    """What goes wrong with a driver's samples.

    Their ``clock`` is set by ``amount`` seconds, the values are ``stuck`` or at a wrong ``gain``, there is a ``hole``,
    or they are ``slow``: only every ``amount``-th is there.
    """

    kind: Literal["clock", "stuck", "gain", "hole", "slow"]
    at: float
    until: float = _INFINITE
    amount: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Samples:
    """The newest ``length`` readings of the plain power call, kept by the driver, one every ``period`` seconds.

    They are stamped by a clock that showed ``epoch`` seconds at the origin. ``disordered``: turned, some entries
    repeated and some empty.
    """

    length: int = 120
    period: float = 0.02
    epoch: float = 1.7e9
    disordered: bool = False
    faults: tuple[SamplesFault, ...] = ()


@dataclass(frozen=True, kw_only=True)
class GpuProcess:
    """A process on a device; ``pid`` 0 is whoever asks, ``bytes`` ``ALL_ONES`` is "not available".

    ``instance`` is the part of a divided device that it runs on.
    """

    pid: int = 0
    bytes: int
    instance: int = _UNDIVIDED
    begin: float = -_INFINITE
    end: float = _INFINITE
    graphics: bool = False


@dataclass(frozen=True, kw_only=True)
class Slowdown:
    """A stretch in which the GPU is slowed: the time counter of its kind goes on, and its reason's bits are set."""

    kind: SlowdownKind
    begin: float
    end: float


@dataclass(frozen=True, kw_only=True)
class Loss:
    """A time in which every call on a device returns ``code``; handles from before it return ``stale`` ever after."""

    at: float
    until: float = _INFINITE
    code: int = 15
    stale: int = 15


@dataclass(frozen=True, kw_only=True)
class Device:
    """One device. ``values`` are plain answers by call, ``codes`` fixed return codes by call.

    ``fields`` maps (field id, scope) to what answers it: a meter, the counter, or a number. A call with
    neither meter nor value is not supported. ``numbers`` are further keys of the configuration's device
    line; ``serial`` is the board's, which the GPUs of one module share.
    """

    name: str
    uuid: str
    waveform: Waveform
    module_waveform: Waveform | None = None
    memory_waveform: Waveform | None = None
    architecture: int
    compute_capability: tuple[int, int]
    memory_total: int = 0
    meters: Mapping[str, Meter] = field(default_factory=dict)
    counter: Counter | None = None
    samples: Samples | None = None
    fields: Mapping[tuple[int, int], Source | int] = field(default_factory=dict)
    values: Mapping[str, int | tuple[int, int]] = field(default_factory=dict)
    codes: Mapping[str, int] = field(default_factory=dict)
    processes: tuple[GpuProcess, ...] = ()
    slowdowns: tuple[Slowdown, ...] = ()
    mig_uuids: tuple[str, ...] = ()
    losses: tuple[Loss, ...] = ()
    serial: str = "0000000000000"
    numbers: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something that goes wrong in ``call`` ("*": every call on a device), on ``device`` or all.

    It holds between two instants and for ``calls`` calls after the first ``after_calls``. ``code`` is
    what the call returns, ``value`` what it answers instead of the truth, ``seconds`` how long it takes
    (on a driven clock the time passes there). ``frozen`` power or energy stays what it was at ``at``. A
    call that does ``hang`` returns when the test releases it. A field's element is the call
    "nvmlDeviceGetFieldValues#186.0".
    """

    call: str
    device: int | None = None
    code: int | None = None
    value: int | None = None
    seconds: float = 0.0
    at: float = -_INFINITE
    until: float = _INFINITE
    after_calls: int = 0
    calls: int | None = None
    frozen: bool = False
    hang: bool = False


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A whole machine. ``system_root`` names a recorded ``proc`` and ``sys`` under ``tests/fixtures``."""

    name: str
    devices: tuple[Device, ...] = ()
    driver: str = "580.95.05-simulated"
    codes: Mapping[str, int] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    serialise: bool = False
    system_root: str | None = None


def configuration(profile: Profile, *, origin_nanoseconds: int, clock: str | None = None) -> str:
    """The simulator's configuration file for ``profile``; ``clock`` is a driven clock's file."""
    start: dict[str, object] = {"driver": profile.driver, "origin": origin_nanoseconds}
    start["serialise"] = int(profile.serialise)
    if clock is not None:
        start["clock"] = clock
    lines = [_line("simulation", start)]
    lines += [_line("code", {"call": call, "code": code}) for call, code in profile.codes.items()]
    for device in profile.devices:
        lines += _device_lines(device)
    lines += [_fault_line(fault) for fault in profile.faults]
    return "".join(lines)


def _device_lines(device: Device) -> list[str]:
    major, minor = device.compute_capability
    head = {"name": device.name, "uuid": device.uuid, "serial": device.serial, "architecture": device.architecture}
    head |= {"major": major}
    lines = [_line("device", head | {"minor": minor, "memory_total": device.memory_total} | dict(device.numbers))]
    rails = {"gpu": device.waveform, "module": device.module_waveform, "memory": device.memory_waveform}
    for rail, waveform in rails.items():
        segments = waveform.segments if waveform is not None else ()
        lines += [_line("segment", {"rail": rail} | vars(part)) for part in segments]
    lines += [_line("meter", {"kind": kind} | vars(meter)) for kind, meter in device.meters.items()]
    lines += _with_faults("counter", device.counter) + _with_faults("samples", device.samples)
    for (number, scope), source in device.fields.items():
        answer = {"source": source} if isinstance(source, str) else {"source": "value", "value": source}
        lines.append(_line("field", {"id": number, "scope": scope} | answer))
    for call, value in device.values.items():
        first, second = value if isinstance(value, tuple) else (value, 0)
        lines.append(_line("value", {"call": call, "first": first, "second": second}))
    lines += [_line("code", {"call": call, "code": code}) for call, code in device.codes.items()]
    lines += [_line("process", vars(process)) for process in device.processes]
    lines += [_line("slowdown", vars(slowdown)) for slowdown in device.slowdowns]
    lines += [_line("mig", {"uuid": uuid}) for uuid in device.mig_uuids]
    for loss in device.losses:
        lines.append(_line("loss", {"from": loss.at, "until": loss.until, "code": loss.code, "stale": loss.stale}))
    return lines


def _with_faults(directive: str, part: Counter | Samples | None) -> list[str]:
    if part is None:
        return []
    lines = [_line(directive, {key: value for key, value in vars(part).items() if key != "faults"})]
    for fault in part.faults:
        pairs = {"kind": fault.kind, "from": fault.at, "until": fault.until, "amount": fault.amount}
        lines += [_line(f"{directive}_fault", pairs)]
    return lines


def _fault_line(fault: Fault) -> str:
    pairs = {"call": fault.call, "device": -1 if fault.device is None else fault.device, "seconds": fault.seconds}
    pairs |= {"from": fault.at, "until": fault.until, "after_calls": fault.after_calls}
    pairs |= {"frozen": fault.frozen, "hang": fault.hang}
    optional = {"code": fault.code, "value": fault.value, "calls": fault.calls}
    return _line("fault", pairs | {key: value for key, value in optional.items() if value is not None})


def _line(directive: str, pairs: Mapping[str, object]) -> str:
    words = [f"{key}={int(value) if isinstance(value, bool) else value}" for key, value in pairs.items()]
    return "\t".join([directive, *words]) + "\n"
