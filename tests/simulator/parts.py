"""The simulated devices by kind. Behaviour follows published captures; power figures are examples.

Limits, scopes and which GPUs share a serial: the nvidia-smi captures in NVIDIA/k8s-test-infra (3b2b865,
tests/e2e/go/assertions/nvidiasmi/testdata/hardware). Windows and refreshes: Yang, Adamek, Armour, SC24.
"""

from __future__ import annotations

from dataclasses import replace

from profiles import NOT_SUPPORTED, Counter, Device, GpuProcess, Meter, Samples, Source
from waveforms import Waveform, constant, sine, square

GIB = 1024**3
AVERAGE, INSTANT, _ENERGY, _LIMIT = 185, 186, 83, 190
_GPU, _MODULE, _MEMORY = 0, 1, 2
FIELDS = "nvmlDeviceGetFieldValues"
_SLOWDOWN_TIMES: dict[tuple[int, int], Source] = {
    (269, _GPU): "software_thermal",
    (270, _GPU): "hardware_thermal",
    (271, _GPU): "power_brake",
}

_SECOND_MEAN = Meter(window=1.0, refresh=0.1)
_TRAINING = Waveform((constant(11.0), square(9.0, 70.0, 1.7, begin=0.0, duty=0.62), sine(0.0, 3.0, 23.0, begin=0.0)))
_LARGE_TRAINING = Waveform((constant(75.0), square(100.0, 600.0, 1.7, begin=0.0, duty=0.7)))


def uuid_of(number: int) -> str:
    """A UUID of the driver's form."""
    return f"GPU-{number:08x}-5157-4c41-8000-{number:012x}"


GB10 = Device(
    name="NVIDIA GB10",
    uuid=uuid_of(0x10),
    waveform=_TRAINING,
    architecture=10,
    compute_capability=(12, 1),
    meters={"average": _SECOND_MEAN, "instant": Meter(window=0.025, refresh=0.1), "usage": _SECOND_MEAN},
    counter=Counter(),
    fields={(INSTANT, _GPU): "instant", (AVERAGE, _GPU): "average", (_ENERGY, _GPU): "energy"} | _SLOWDOWN_TIMES,
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

H100 = Device(
    name="NVIDIA H100 80GB HBM3",
    uuid=uuid_of(0x100),
    waveform=_LARGE_TRAINING,
    memory_waveform=Waveform((constant(33.0),)),
    architecture=9,
    compute_capability=(9, 0),
    memory_total=80 * GIB,
    meters={
        "average": _SECOND_MEAN,
        "instant": Meter(window=0.025, refresh=0.1),
        "usage": _SECOND_MEAN,
        "memory": Meter(rail="memory", window=1.0, refresh=0.1),
    },
    counter=Counter(),
    fields={
        (INSTANT, _GPU): "instant",
        (AVERAGE, _GPU): "average",
        (AVERAGE, _MEMORY): "memory",
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
    processes=(GpuProcess(bytes=24 * GIB),),
    numbers={"temperature_base": 30, "temperature_per_watt": 0.07, "busy_above_watts": 150, "sm_busy_mhz": 1755},
)


def _limited(like: Device, watts: int) -> dict[str, int | tuple[int, int]]:
    """The plain answers of another device, with limits of its own."""
    calls = ("Enforced", "PowerManagement", "PowerManagementDefault")
    names = (f"nvmlDeviceGet{call}{'PowerLimit' if call == 'Enforced' else 'Limit'}" for call in calls)
    return dict(like.values) | dict.fromkeys(names, watts * 1000)


A100 = replace(
    H100,
    name="NVIDIA A100-SXM4-40GB",
    uuid=uuid_of(0xA100),
    waveform=Waveform((constant(50.0), square(60.0, 340.0, 1.7, begin=0.0, duty=0.7))),
    architecture=7,
    compute_capability=(8, 0),
    memory_total=40 * GIB,
    meters={"instant": Meter(window=0.025, refresh=0.101), "usage": Meter(window=0.025, refresh=0.101)},
    fields={(INSTANT, _GPU): "instant", (_ENERGY, _GPU): "energy"} | _SLOWDOWN_TIMES,
    values=_limited(H100, 400),
)

P100 = replace(
    A100,
    name="Tesla P100-PCIE-16GB",
    uuid=uuid_of(0xF100),
    waveform=Waveform((constant(30.0), square(40.0, 190.0, 0.737, begin=0.0, duty=0.7))),
    architecture=4,
    compute_capability=(6, 0),
    memory_total=16 * GIB,
    meters={"usage": Meter(window=0.01, refresh=0.02)},
    counter=None,
    fields={},
    codes={FIELDS: NOT_SUPPORTED},
    values=_limited(A100, 250),
)

# "nvidia-smi -q -d POWER" of many parts shows 119 samples of 2.36 to 2.38 s while they work, and of 118 s in idle.
P100_SAMPLES = replace(P100, name="Tesla P100-SXM2-16GB", uuid=uuid_of(0xF101), samples=Samples())

GH200 = replace(
    H100,
    name="NVIDIA GH200 480GB",
    uuid=uuid_of(0x200),
    module_waveform=Waveform((constant(170.0), square(120.0, 650.0, 1.7, begin=0.0, duty=0.7))),
    memory_total=96 * GIB,
    meters={
        "module_average": Meter(rail="module", window=1.0, refresh=0.1),
        "module_instant": Meter(rail="module", window=0.025, refresh=0.1),
    },
    counter=Counter(rail="module"),
    fields={
        (INSTANT, _MODULE): "module_instant",
        (AVERAGE, _MODULE): "module_average",
        (_ENERGY, _GPU): "energy",
    }
    | _SLOWDOWN_TIMES,
)

V100 = replace(
    A100,
    name="Tesla V100-SXM2-32GB",
    uuid=uuid_of(0xF700),
    waveform=Waveform((constant(40.0), square(60.0, 250.0, 0.737, begin=0.0, duty=0.7))),
    architecture=5,
    compute_capability=(7, 0),
    memory_total=32 * GIB,
    meters={"instant": Meter(window=0.01, refresh=0.02), "usage": Meter(window=0.01, refresh=0.02)},
    values=_limited(A100, 300),
)

T4 = replace(
    A100,
    name="Tesla T4",
    uuid=uuid_of(0x0075),
    waveform=Waveform((constant(12.0), square(8.0, 55.0, 1.7, begin=0.0, duty=0.7))),
    architecture=6,
    compute_capability=(7, 5),
    memory_total=16 * GIB,
    meters={"instant": Meter(window=0.1, refresh=0.1), "usage": Meter(window=0.1, refresh=0.1)},
    values=_limited(A100, 70),
)

_GAME_METERS = {
    "average": _SECOND_MEAN,
    "instant": Meter(window=0.1, refresh=0.1),
    "usage": _SECOND_MEAN,
}
_GAME_FIELDS = {(INSTANT, _GPU): "instant", (AVERAGE, _GPU): "average", (_ENERGY, _GPU): "energy"}

RTX_4090 = replace(
    H100,
    name="NVIDIA GeForce RTX 4090",
    uuid=uuid_of(0x4090),
    waveform=Waveform((constant(20.0), square(40.0, 360.0, 1.7, begin=0.0, duty=0.7))),
    memory_waveform=None,
    architecture=8,
    compute_capability=(8, 9),
    memory_total=24 * GIB,
    meters=_GAME_METERS,
    fields=_GAME_FIELDS,
    values=_limited(H100, 450),
)

RTX_3090 = replace(
    RTX_4090,
    name="NVIDIA GeForce RTX 3090",
    uuid=uuid_of(0x3090),
    architecture=7,
    compute_capability=(8, 6),
    values=_limited(H100, 350),
)

# Management limit and its constraints are not supported, the enforced limit is (XuehaiPan/nvitop#86).
LAPTOP = replace(
    RTX_4090,
    name="NVIDIA GeForce RTX 4080 Laptop GPU",
    uuid=uuid_of(0x4080),
    waveform=Waveform((constant(8.0), square(20.0, 120.0, 1.7, begin=0.0, duty=0.7))),
    memory_total=12 * GIB,
    values={"nvmlDeviceGetEnforcedPowerLimit": 150_000, "nvmlDeviceGetClockInfo": 9001},
)

L40S = replace(RTX_4090, name="NVIDIA L40S", uuid=uuid_of(0x405), memory_total=48 * GIB, values=_limited(H100, 350))

B200 = replace(
    H100,
    name="NVIDIA B200",
    uuid=uuid_of(0xB200),
    architecture=10,
    compute_capability=(10, 0),
    memory_total=180 * GIB,
    values=_limited(H100, 1000),
)

# One of the two GPUs of a module. Nobody published what its energy counter holds: here the whole module,
# as on GH200, so that a figure built on it is caught.
GB200 = replace(
    B200,
    name="NVIDIA GB200",
    uuid=uuid_of(0xB2000),
    module_waveform=Waveform((constant(300.0), square(200.0, 1500.0, 1.7, begin=0.0, duty=0.7))),
    memory_total=189_471 * 1024**2,
    meters=dict(H100.meters)
    | {
        "module_average": Meter(rail="module", window=1.0, refresh=0.1),
        "module_instant": Meter(rail="module", window=0.025, refresh=0.1),
    },
    counter=Counter(rail="module"),
    fields=dict(H100.fields)
    | {(INSTANT, _MODULE): "module_instant", (AVERAGE, _MODULE): "module_average", (_LIMIT, _MODULE): 2_500_000},
    values=_limited(H100, 1200),
)

GB300 = replace(
    GB200,
    name="NVIDIA GB300",
    uuid=uuid_of(0xB3000),
    fields=dict(GB200.fields) | {(_LIMIT, _MODULE): 2_900_000},
    values=_limited(H100, 1400),
)

# A part of a GPU in a virtual machine: no counter, no limits (mlco2/codecarbon#1316).
VGPU = replace(
    A100,
    name="GRID A100-40C",
    uuid=uuid_of(0x6D1D),
    counter=None,
    fields={},
    codes={FIELDS: NOT_SUPPORTED},
    values={"nvmlDeviceGetClockInfo": 1215},
)

_SOC_CODES = dict.fromkeys(
    (
        "nvmlDeviceGetMemoryInfo",
        "nvmlDeviceGetClockInfo",
        "nvmlDeviceGetTemperature",
        "nvmlDeviceGetCurrentClocksEventReasons",
        "nvmlDeviceGetCurrentClocksThrottleReasons",
    ),
    NOT_SUPPORTED,
)

THOR = replace(GB10, name="NVIDIA Thor", uuid=uuid_of(0x7402), meters={}, counter=None, fields={}, codes=_SOC_CODES)

ORIN = replace(
    THOR,
    name="Orin (nvgpu)",
    uuid=uuid_of(0x0412),
    architecture=7,
    compute_capability=(8, 7),
    codes=_SOC_CODES
    | dict.fromkeys((FIELDS, "nvmlDeviceGetUtilizationRates", "nvmlDeviceGetComputeRunningProcesses"), NOT_SUPPORTED),
)
