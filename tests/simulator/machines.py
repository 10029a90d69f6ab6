"""The simulated machines by name. Behaviour follows published captures; power figures are examples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from profiles import ALL_ONES, NOT_SUPPORTED, Counter, Device, Fault, GpuProcess, Meter, Profile, Slowdown, Source
from waveforms import Waveform, constant, sine, square

_GIB = 1024**3
_AVERAGE, _INSTANT, _ENERGY = 185, 186, 83
_GPU, _MODULE, _MEMORY = 0, 1, 2
_FIELDS = "nvmlDeviceGetFieldValues"
_SLOWDOWN_TIMES: dict[tuple[int, int], Source] = {
    (269, _GPU): "software_thermal",
    (270, _GPU): "hardware_thermal",
    (271, _GPU): "power_brake",
}

_SECOND_MEAN = Meter(window=1.0, refresh=0.1)
_TRAINING = Waveform((constant(11.0), square(9.0, 70.0, 1.7, begin=0.0, duty=0.62), sine(0.0, 3.0, 23.0, begin=0.0)))
_LARGE_TRAINING = Waveform((constant(75.0), square(100.0, 600.0, 1.7, begin=0.0, duty=0.7)))


def _uuid(number: int) -> str:
    return f"GPU-{number:08x}-5157-4c41-8000-{number:012x}"


_GB10 = Device(
    name="NVIDIA GB10",
    uuid=_uuid(0x10),
    waveform=_TRAINING,
    architecture=10,
    compute_capability=(12, 1),
    meters={"average": _SECOND_MEAN, "instant": Meter(window=0.025, refresh=0.1), "usage": _SECOND_MEAN},
    counter=Counter(),
    fields={(_INSTANT, _GPU): "instant", (_AVERAGE, _GPU): "average", (_ENERGY, _GPU): "energy"} | _SLOWDOWN_TIMES,
    values={
        "nvmlDeviceGetUtilizationRates": 0,
        "nvmlDeviceGetMaxClockInfo": 3003,
        "nvmlDeviceGetPerformanceState": 0,
        "nvmlDeviceGetPersistenceMode": 1,
        "nvmlDeviceGetCurrPcieLinkGeneration": 1,
        "nvmlDeviceGetCurrPcieLinkWidth": 1,
    },
    codes={"nvmlDeviceGetMemoryInfo": NOT_SUPPORTED},
    processes=(GpuProcess(bytes=1_278_197_760),),
    numbers={"pci_domain": 15, "temperature_base": 43, "temperature_per_watt": 0.35, "sm_busy_mhz": 2410},
)

_H100 = Device(
    name="NVIDIA H100 80GB HBM3",
    uuid=_uuid(0x100),
    waveform=_LARGE_TRAINING,
    memory_waveform=Waveform((constant(33.0),)),
    architecture=9,
    compute_capability=(9, 0),
    memory_total=80 * _GIB,
    meters={
        "average": _SECOND_MEAN,
        "instant": Meter(window=0.025, refresh=0.1),
        "usage": _SECOND_MEAN,
        "memory": Meter(rail="memory", window=1.0, refresh=0.1),
    },
    counter=Counter(),
    fields={
        (_INSTANT, _GPU): "instant",
        (_AVERAGE, _GPU): "average",
        (_AVERAGE, _MEMORY): "memory",
        (_ENERGY, _GPU): "energy",
    }
    | _SLOWDOWN_TIMES,
    values={
        "nvmlDeviceGetEnforcedPowerLimit": 700_000,
        "nvmlDeviceGetPowerManagementLimit": 700_000,
        "nvmlDeviceGetPowerManagementDefaultLimit": 700_000,
        "nvmlDeviceGetPowerManagementLimitConstraints": (200_000, 700_000),
        "nvmlDeviceGetPowerManagementMode": 1,
        "nvmlDeviceGetEccMode": (1, 1),
        "nvmlDeviceGetMigMode": (0, 0),
        "nvmlDeviceGetClockInfo": 2619,
        "nvmlDeviceGetMaxClockInfo": 1980,
        "nvmlDeviceGetPerformanceState": 0,
        "nvmlDeviceGetPersistenceMode": 1,
        "nvmlDeviceGetModuleId": 1,
        "nvmlDeviceGetPcieThroughput": 1200,
    },
    processes=(GpuProcess(bytes=24 * _GIB),),
    numbers={"temperature_base": 30, "temperature_per_watt": 0.07, "busy_above_watts": 150, "sm_busy_mhz": 1755},
)

_A100 = replace(
    _H100,
    name="NVIDIA A100-SXM4-40GB",
    uuid=_uuid(0xA100),
    waveform=Waveform((constant(50.0), square(60.0, 340.0, 1.7, begin=0.0, duty=0.7))),
    architecture=7,
    compute_capability=(8, 0),
    memory_total=40 * _GIB,
    meters={"instant": Meter(window=0.025, refresh=0.101), "usage": Meter(window=0.025, refresh=0.101)},
    fields={(_INSTANT, _GPU): "instant", (_ENERGY, _GPU): "energy"} | _SLOWDOWN_TIMES,
)

_P100 = replace(
    _A100,
    name="Tesla P100-PCIE-16GB",
    uuid=_uuid(0xF100),
    waveform=Waveform((constant(30.0), square(40.0, 190.0, 0.737, begin=0.0, duty=0.7))),
    architecture=4,
    compute_capability=(6, 0),
    memory_total=16 * _GIB,
    meters={"usage": Meter(window=0.01, refresh=0.02)},
    counter=None,
    fields={},
    codes={_FIELDS: NOT_SUPPORTED},
)

_GH200 = replace(
    _H100,
    name="NVIDIA GH200 480GB",
    uuid=_uuid(0x200),
    module_waveform=Waveform((constant(170.0), square(120.0, 650.0, 1.7, begin=0.0, duty=0.7))),
    memory_total=96 * _GIB,
    meters={
        "module_average": Meter(rail="module", window=1.0, refresh=0.1),
        "module_instant": Meter(rail="module", window=0.025, refresh=0.1),
    },
    counter=Counter(rail="module"),
    fields={
        (_INSTANT, _MODULE): "module_instant",
        (_AVERAGE, _MODULE): "module_average",
        (_ENERGY, _GPU): "energy",
    }
    | _SLOWDOWN_TIMES,
)

_SOC_NUMBERS = {"nvmlDeviceGetMemoryInfo": NOT_SUPPORTED, "nvmlDeviceGetClockInfo": NOT_SUPPORTED}

_THOR = replace(
    _GB10,
    name="NVIDIA Thor",
    uuid=_uuid(0x7402),
    meters={},
    counter=None,
    fields={},
    codes=_SOC_NUMBERS,
)

_ORIN = replace(
    _THOR,
    name="Orin (nvgpu)",
    uuid=_uuid(0x0412),
    architecture=7,
    compute_capability=(8, 7),
    codes=_SOC_NUMBERS
    | dict.fromkeys(
        (
            _FIELDS,
            "nvmlDeviceGetTemperature",
            "nvmlDeviceGetUtilizationRates",
            "nvmlDeviceGetCurrentClocksEventReasons",
            "nvmlDeviceGetComputeRunningProcesses",
        ),
        NOT_SUPPORTED,
    ),
)

_SPARK_ROOT = "dgx-spark"


def _spark(name: str, device: Device = _GB10, *faults: Fault) -> Profile:
    return Profile(name=name, devices=(device,), faults=faults, system_root=_SPARK_ROOT)


def _mig() -> Profile:
    parent = replace(
        _A100,
        values=dict(_A100.values) | {"nvmlDeviceGetMigMode": (1, 1)},
        codes={"nvmlDeviceGetUtilizationRates": NOT_SUPPORTED, "nvmlDeviceGetMemoryInfo": 4},
        mig_uuids=tuple(f"MIG-{number:08x}-5157-5c41-8000-{number:012x}" for number in (1, 2)),
    )
    return Profile(name="mig", devices=(parent,))


def _several() -> Profile:
    """Four GPUs of two kinds; CUDA's default order would put the faster ones, 1 and 3, first."""
    return Profile(
        name="multi-gpu-reordered",
        devices=tuple(
            replace(device, uuid=_uuid(0x500 + place), numbers=dict(device.numbers) | {"pci_bus": 1 + place})
            for place, device in enumerate((_A100, _H100, _A100, _H100))
        ),
    )


_FALLEN = 15
_PROFILES: dict[str, Callable[[], Profile]] = {
    "gb10": lambda: _spark("gb10"),
    "gb10-meminfo-success": lambda: _spark(
        "gb10-meminfo-success", replace(_GB10, codes={}, memory_total=127_600_748 * 1024)
    ),
    "gb10-total0": lambda: _spark("gb10-total0", replace(_GB10, codes={}, memory_total=0)),
    "gb10-pidns": lambda: _spark("gb10-pidns", replace(_GB10, processes=())),
    "gb10-stuck": lambda: _spark(
        "gb10-stuck", replace(_GB10, numbers=dict(_GB10.numbers) | {"sm_busy_mhz": 721, "events_busy": 0})
    ),
    "gb10-lost": lambda: _spark("gb10-lost", _GB10, Fault(call="*", code=_FALLEN, at=20.0)),
    "h100": lambda: Profile(name="h100", devices=(_H100,)),
    "a100": lambda: Profile(name="a100", devices=(_A100,)),
    "p100": lambda: Profile(name="p100", devices=(_P100,), driver="535.183.01-simulated"),
    "gh200": lambda: Profile(name="gh200", devices=(_GH200,)),
    "thor": lambda: Profile(name="thor", devices=(_THOR,)),
    "orin": lambda: Profile(name="orin", devices=(_ORIN,)),
    "no-driver": lambda: Profile(name="no-driver", codes={"nvmlInit": 9}),
    "mismatch": lambda: Profile(name="mismatch", codes={"nvmlInit": 18}),
    "init999": lambda: Profile(name="init999", codes={"nvmlInit": 999}),
    "no-device": lambda: Profile(name="no-device"),
    "mig": _mig,
    "multi-gpu-reordered": _several,
    "power-stuck-at-zero": lambda: Profile(
        name="power-stuck-at-zero",
        devices=(_H100,),
        faults=tuple(Fault(call=f"{_FIELDS}#{number}.0", value=0) for number in (_AVERAGE, _INSTANT)),
    ),
    "foreign-processes": lambda: _spark(
        "foreign-processes",
        replace(_GB10, processes=(*_GB10.processes, GpuProcess(pid=1, bytes=ALL_ONES, graphics=True))),
    ),
}

_PROFILES["h100-thermal"] = lambda: Profile(
    name="h100-thermal",
    devices=(replace(_H100, slowdowns=(Slowdown(kind="software_thermal", begin=30.0, end=330.0),)),),
)
_PROFILES["gb10-idle"] = lambda: _spark(
    "gb10-idle",
    replace(
        _GB10,
        waveform=Waveform((constant(3.4),)),
        values=dict(_GB10.values) | {"nvmlDeviceGetPerformanceState": 8, "nvmlDeviceGetDisplayMode": 0},
    ),
)
_PROFILES["gb10-intruder"] = lambda: _spark(
    "gb10-intruder", replace(_GB10, processes=(*_GB10.processes, GpuProcess(pid=1, bytes=2 * _GIB, begin=90.0)))
)

PROFILE_NAMES = tuple(_PROFILES)


def profile_named(name: str) -> Profile:
    """The profile called ``name``.

    Raises:
        KeyError: no such profile.
    """
    return _PROFILES[name]()
