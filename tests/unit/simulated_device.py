"""One simulated device of an exact meter, and its calls by code."""

from __future__ import annotations

from dataclasses import replace

import pynvml  # noqa: TID251 - the simulator is tested through what it pretends to serve

from profiles import Counter, Device, Fault, Meter, Profile
from waveforms import Waveform, constant, ramp, sine, square

MIXED = Waveform(
    (
        constant(12.0),
        square(3.0, 71.0, 1.7, begin=2.0, duty=0.3, phase=0.4),
        ramp(0.0, 40.0, 5.0, 25.0),
        sine(5.0, 4.0, 3.1, begin=1.0),
    )
)
EXACT = Meter()


def device_with(waveform: Waveform = MIXED, **changes: object) -> Device:
    """A device that draws by a waveform, with a counter and an exact meter."""
    device = Device(name="NVIDIA Test", uuid="GPU-1", waveform=waveform, architecture=9, compute_capability=(9, 0))
    return replace(device, **({"counter": Counter(), "meters": {"usage": EXACT}} | changes))


def profile_with(*faults: Fault, **changes: object) -> Profile:
    """A machine of one such device."""
    return Profile(name="test", devices=(device_with(**changes),), faults=faults)


def first_handle() -> object:
    """The only device's handle, NVML started."""
    pynvml.nvmlInit()
    return pynvml.nvmlDeviceGetHandleByIndex(0)


def code_of(call: str, *arguments: object) -> int:
    """What a call returns."""
    try:
        getattr(pynvml, call)(*arguments)
    except pynvml.NVMLError as error:
        return int(error.value)
    return 0
