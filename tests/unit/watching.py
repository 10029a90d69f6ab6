"""An energy account that watches a virtual GPU, and how far its figure is off."""

from __future__ import annotations

import random
from collections.abc import Callable

from virtual_gpu import VirtualGpu

from cardcallback.energy import AccountResult, EnergyAccount, EnergyResult
from waveforms import Waveform, constant, square

Fault = Callable[[float, float], "float | None"]
ALWAYS = Waveform((constant(5.0, end=0.0), square(20.0, 90.0, 1.7, begin=0.0)))


def watch(
    account: EnergyAccount,
    gpu: VirtualGpu,
    end: float,
    *,
    interval: float = 0.5,
    fault: Fault = lambda _, joules: joules,
    blind: tuple[float, float] = (-1.0, -1.0),
    gauge: bool = True,
) -> EnergyAccount:
    """Feed an account as a recorder does, with somewhat irregular readings; ``blind``: no reading at all."""
    varied = random.Random(1)  # noqa: S311 - readings that vary, not secrets
    times, at = [], 0.003
    while at < end:
        times.append((at, "power"))
        at += interval * (1 + varied.uniform(-0.02, 0.02))
    times += [(second + 0.002 + 0.001 * (second % 7), "counter") for second in range(int(end))]
    times += [(end + 0.001, "counter"), (end + 0.0015, "power")]
    for moment, kind in sorted(times):
        if blind[0] <= moment < blind[1]:
            continue
        if kind == "power" and gauge:
            account.add_power(moment, gpu.watts(moment))
        elif kind == "counter" and account._counter is not None:
            joules = fault(moment, gpu.joules(moment))
            if joules is not None:
                account.add_counter(moment, joules)
    return account


def best(result: AccountResult) -> EnergyResult:
    """The best energy, which must be there."""
    assert result.best is not None
    return result.best


def off(result: EnergyResult, truth: float) -> float:
    """Relative error."""
    return result.joules / truth - 1


def holds(result: EnergyResult, truth: float) -> bool:
    """Whether the recording interval contains the truth."""
    return result.low <= truth and (result.high is None or truth <= result.high)


def reset(at: float, joules: float) -> float:
    """A counter that starts again at zero after half a minute."""
    return joules if at < 30.2 else joules - VirtualGpu(waveform=ALWAYS).joules(30.2)
