"""The simulated machines by name; what their devices are stands in ``parts.py``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from parts import (
    A100,
    AVERAGE,
    B200,
    FIELDS,
    GB10,
    GB200,
    GB300,
    GH200,
    GIB,
    H100,
    INSTANT,
    L40S,
    LAPTOP,
    ORIN,
    P100,
    P100_SAMPLES,
    RTX_3090,
    RTX_4090,
    T4,
    THOR,
    V100,
    VGPU,
    uuid_of,
)
from profiles import ALL_ONES, NOT_SUPPORTED, Counter, CounterFault, Device, Fault, GpuProcess, Loss, Profile, Slowdown
from waveforms import Waveform, constant

_SPARK_ROOT = "dgx-spark"


def _spark(name: str, device: Device = GB10, *faults: Fault) -> Profile:
    return Profile(name=name, devices=(device,), faults=faults, system_root=_SPARK_ROOT)


def _mig() -> Profile:
    parent = replace(
        A100,
        values=dict(A100.values) | {"nvmlDeviceGetMigMode": (1, 1)},
        codes={"nvmlDeviceGetUtilizationRates": NOT_SUPPORTED, "nvmlDeviceGetMemoryInfo": 4},
        mig_uuids=tuple(f"MIG-{number:08x}-5157-5c41-8000-{number:012x}" for number in (1, 2)),
    )
    return Profile(name="mig", devices=(parent,))


def _together(name: str, *devices: Device) -> Profile:
    """Several GPUs in one machine, each with a place, a UUID and a counter of its own."""
    return Profile(
        name=name, devices=tuple(_apart(_placed(device, place), place) for place, device in enumerate(devices))
    )


def _placed(device: Device, place: int) -> Device:
    return replace(device, uuid=uuid_of(0x500 + place), numbers=dict(device.numbers) | {"pci_bus": 1 + place})


def _apart(device: Device, place: int) -> Device:
    # No two counters have seen the same since their driver was loaded.
    counter = device.counter
    return replace(device, counter=counter and replace(counter, offset=counter.offset + 12_345.678 * place))


def _board_meter(name: str, device: Device) -> Profile:
    """Two GPUs on one board, of which each shows the board's energy and power."""
    return Profile(name=name, devices=(_placed(device, 0), _placed(device, 1)))


def _tray(name: str, device: Device) -> Profile:
    """Two modules of two GPUs: those of one share its serial, and each has a module id of its own."""
    return _together(
        name,
        *(
            replace(device, serial=f"165000000000{1 + place // 2}", values=_numbered(device, place ^ 1))
            for place in range(4)
        ),
    )


def _numbered(device: Device, number: int) -> dict[str, int | tuple[int, int]]:
    return dict(device.values) | {"nvmlDeviceGetModuleId": 1 + number}


def _without_gpu_scope(profile: Profile) -> Profile:
    calls = [f"{FIELDS}#{field}.0" for field in (AVERAGE, INSTANT)]
    return replace(
        profile,
        name=f"{profile.name}-module-only",
        faults=tuple(Fault(call=call, code=NOT_SUPPORTED) for call in (*calls, "nvmlDeviceGetPowerUsage")),
    )


def _back(name: str, device: Device) -> Profile:
    """A GPU that is gone for ten seconds and comes back with its counter at zero."""
    counter = Counter(faults=(CounterFault(kind="reset", at=30.0),))
    return _spark(name, replace(device, counter=counter, losses=(Loss(at=20.0, until=30.0),)))


_FALLEN = 15
_PROFILES: dict[str, Callable[[], Profile]] = {
    "gb10": lambda: _spark("gb10"),
    "gb10-meminfo-success": lambda: _spark(
        "gb10-meminfo-success", replace(GB10, codes={}, memory_total=127_600_748 * 1024)
    ),
    "gb10-total0": lambda: _spark("gb10-total0", replace(GB10, codes={}, memory_total=0)),
    "gb10-pidns": lambda: _spark("gb10-pidns", replace(GB10, processes=())),
    "gb10-stuck": lambda: _spark(
        "gb10-stuck", replace(GB10, numbers=dict(GB10.numbers) | {"sm_busy_mhz": 721, "events_busy": 0})
    ),
    "gb10-lost": lambda: _spark("gb10-lost", GB10, Fault(call="*", code=_FALLEN, at=20.0)),
    "gb10-back": lambda: _back("gb10-back", GB10),
    "gb10-no-fields": lambda: _spark("gb10-no-fields", replace(GB10, codes=dict(GB10.codes) | {FIELDS: NOT_SUPPORTED})),
    "gb10-no-power": lambda: _spark(
        "gb10-no-power", replace(GB10, codes=dict(GB10.codes) | {FIELDS: NOT_SUPPORTED}, meters={})
    ),
    "gb10-no-energy": lambda: _spark("gb10-no-energy", replace(GB10, counter=None)),
    "gb10-pid-empty": lambda: _spark("gb10-pid-empty", replace(GB10, processes=(GpuProcess(bytes=0),))),
    "gb10-pid-foreign": lambda: _spark("gb10-pid-foreign", replace(GB10, processes=(GpuProcess(pid=1, bytes=5),))),
    "gb10-pid-twice": lambda: _spark("gb10-pid-twice", replace(GB10, processes=(*GB10.processes, *GB10.processes))),
    "h100": lambda: Profile(name="h100", devices=(H100,)),
    "h100x8": lambda: _together("h100x8", *(H100,) * 8),
    "board-meter": lambda: _board_meter("board-meter", H100),
    "a100": lambda: Profile(name="a100", devices=(A100,)),
    "v100": lambda: Profile(name="v100", devices=(V100,)),
    "t4": lambda: Profile(name="t4", devices=(T4,)),
    "rtx4090": lambda: Profile(name="rtx4090", devices=(RTX_4090,)),
    "rtx3090": lambda: Profile(name="rtx3090", devices=(RTX_3090,)),
    "laptop": lambda: Profile(name="laptop", devices=(LAPTOP,)),
    "l40s": lambda: Profile(name="l40s", devices=(L40S,)),
    "b200": lambda: Profile(name="b200", devices=(B200,)),
    "gb200": lambda: _tray("gb200", GB200),
    "gb300": lambda: _tray("gb300", GB300),
    "gb200-module-only": lambda: _without_gpu_scope(_tray("gb200", GB200)),
    "vgpu": lambda: Profile(name="vgpu", devices=(VGPU,)),
    "p100": lambda: Profile(name="p100", devices=(P100,), driver="535.183.01-simulated"),
    "p100-samples": lambda: Profile(name="p100-samples", devices=(P100_SAMPLES,), driver="535.183.01-simulated"),
    "gh200": lambda: Profile(name="gh200", devices=(GH200,)),
    "thor": lambda: Profile(name="thor", devices=(THOR,)),
    "orin": lambda: Profile(name="orin", devices=(ORIN,)),
    "no-driver": lambda: Profile(name="no-driver", codes={"nvmlInit": 9}),
    "mismatch": lambda: Profile(name="mismatch", codes={"nvmlInit": 18}),
    "init999": lambda: Profile(name="init999", codes={"nvmlInit": 999}),
    "no-device": lambda: Profile(name="no-device"),
    "mig": _mig,
    # CUDA's default order would put the faster ones, 1 and 3, first.
    "multi-gpu-reordered": lambda: _together("multi-gpu-reordered", A100, H100, A100, H100),
    "power-stuck-at-zero": lambda: Profile(
        name="power-stuck-at-zero",
        devices=(H100,),
        faults=tuple(Fault(call=f"{FIELDS}#{number}.0", value=0) for number in (AVERAGE, INSTANT)),
    ),
    "foreign-processes": lambda: _spark(
        "foreign-processes",
        replace(GB10, processes=(*GB10.processes, GpuProcess(pid=1, bytes=ALL_ONES, graphics=True))),
    ),
    "h100-thermal": lambda: Profile(
        name="h100-thermal",
        devices=(replace(H100, slowdowns=(Slowdown(kind="software_thermal", begin=30.0, end=330.0),)),),
    ),
    "gb10-idle": lambda: _spark(
        "gb10-idle",
        replace(
            GB10,
            waveform=Waveform((constant(3.4),)),
            values=dict(GB10.values) | {"nvmlDeviceGetPerformanceState": 8, "nvmlDeviceGetDisplayMode": 0},
        ),
    ),
    "gb10-intruder": lambda: _spark(
        "gb10-intruder", replace(GB10, processes=(*GB10.processes, GpuProcess(pid=1, bytes=2 * GIB, begin=90.0)))
    ),
}

PROFILE_NAMES = tuple(_PROFILES)


def profile_named(name: str) -> Profile:
    """The profile called ``name``.

    Raises:
        KeyError: no such profile.
    """
    return _PROFILES[name]()
