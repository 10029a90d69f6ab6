"""Where no NVIDIA driver is to be expected: whose GPUs PyTorch was built for, and what is not measured there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cardcallback.sensors.base import SensorSet

OWN_SENSOR = "give a sensor of your own, such as a plug meter, through the entry-point group cardcallback.sensors"
# Names of torch.version, each set in the builds for that maker's GPUs alone.
_BUILDS = {
    "hip": "this PyTorch computes on AMD GPUs (ROCm), whose energy this version does not read",
    "xpu": "this PyTorch computes on Intel GPUs, whose energy this version does not read",
}
_APPLE = "Apple's GPUs tell their power only to root, so it is not read"


def explained(gpus: SensorSet, torch_module: Any | None, platform_name: str) -> SensorSet:
    """The same, with a reason that fits a machine whose GPUs are not NVIDIA's.

    Args:
        gpus: what was found through NVIDIA's driver.
        torch_module: torch, or ``None`` where nobody imported it.
        platform_name: as ``sys.platform``.
    """
    reason = None if gpus.devices else _reason(torch_module, platform_name)
    if reason is None:
        return gpus
    absences = tuple(replace(one, reason=reason, cure=OWN_SENSOR) for one in gpus.absences)
    return replace(gpus, absences=absences, not_ready=False)


def _reason(torch_module: Any | None, platform_name: str) -> str | None:
    if platform_name == "darwin":
        return _APPLE
    version = getattr(torch_module, "version", None)
    return next((words for name, words in _BUILDS.items() if getattr(version, name, None)), None)
