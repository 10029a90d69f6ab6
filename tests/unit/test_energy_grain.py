"""Gauges that are coarser than anybody published: in watts, or in the time for which each reading stands."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest
from virtual_gpu import GB10, P100, VirtualGpu, account_for

from cardcallback.energy import EnergyResult
from cardcallback.energy.grain import Grain
from waveforms import Waveform, constant, sine, square

WORK = Waveform((constant(20.0), square(0.0, 90.0, 3.3, duty=0.4), sine(20.0, 15.0, 47.0)))
END = 300.0


def alone(
    shown: Callable[[VirtualGpu, float], float],
    device: dict[str, float] = P100,
    *,
    end: float = END,
    limit_watts: float | None = None,
) -> tuple[EnergyResult, float]:
    """What a run with a gauge alone ends in, and the truth; ``shown`` is what it shows at a time."""
    gpu = VirtualGpu(waveform=WORK, **device)
    account = account_for(gpu, counter=False, interval=0.1, limit_watts=limit_watts)
    varied, at = random.Random(4), 0.003  # noqa: S311 - readings that vary, not secrets
    while at < end + 0.1:
        account.add_power(at, shown(gpu, at))
        at += 0.1 * varied.uniform(0.5, 1.5)
    best = account.result(end).best
    assert best is not None
    assert best.high is not None
    return best, gpu.truth(0, end)


def renewed_every(seconds: float) -> Callable[[VirtualGpu, float], float]:
    """A gauge whose driver renews its reading only that often; like any real one, it flickers."""

    def shown(gpu: VirtualGpu, at: float) -> float:
        tick = math.floor(at / seconds)
        return gpu.watts(tick * seconds) + random.Random(tick).gauss(0, 0.2)  # noqa: S311 - noise, not secrets

    return shown


@pytest.mark.parametrize("device", [GB10, P100], ids=["a second's mean", "10 of 20 ms"])
@pytest.mark.parametrize("seconds", [5.0, 10.0])
def test_a_gauge_that_is_renewed_rarely_is_a_sample(seconds: float, device: dict[str, float]) -> None:
    """Where each reading stands for seconds, what the work did meanwhile is in the interval."""
    best, truth = alone(renewed_every(seconds), device)
    assert best.low <= truth <= (best.high or 0.0)


@pytest.mark.parametrize("device", [GB10, P100], ids=["a second's mean", "10 of 20 ms"])
@pytest.mark.parametrize("end", [25.0, 40.0])
def test_a_gauge_that_is_renewed_a_few_times_in_a_short_run_says_little(end: float, device: dict[str, float]) -> None:
    """Each of its readings stood for seconds: what the work did meanwhile is no more known than in a gap."""
    best, truth = alone(renewed_every(10.0), device, end=end, limit_watts=250.0)
    assert best.low <= truth <= (best.high or 0.0)


@pytest.mark.parametrize("step", [1.0, 5.0, 10.0])
def test_readings_in_coarse_steps_are_rounded_or_cut_off(step: float) -> None:
    """Whichever it is, a whole step is in the interval."""
    best, truth = alone(lambda gpu, at: max(math.floor(gpu.watts(at) / step) * step, 1e-3))
    assert best.low <= truth <= (best.high or 0.0)


def test_a_fine_gauge_is_not_widened() -> None:
    """Readings to the milliwatt that change with every refresh stay as sure as they were."""
    best, truth = alone(renewed_every(0.02))
    assert best.low <= truth <= (best.high or 0.0)
    assert (best.high or 0.0) - best.low < 0.06 * best.joules


def test_a_few_steady_loads_are_no_steps_and_no_slow_gauge() -> None:
    """Work between a few powers comes back to each of them, and stands still by itself."""
    grain = Grain()
    for count in range(4000):
        grain.add(count * 0.1, (20.113, 90.472, 150.905, 60.031)[count // 50 % 4])
    assert grain.step_watts == 0.0
    assert grain.renewal_seconds == 0.0


@pytest.mark.parametrize("device", [GB10, P100], ids=["a second's mean", "10 of 20 ms"])
def test_steady_work_shows_few_coarse_readings(device: dict[str, float]) -> None:
    """A pause, a load and little between: three different readings to ten watts are always rounded the same way."""
    gpu = VirtualGpu(waveform=Waveform((constant(34.0), square(0.0, 140.0, 40.0, duty=0.5))), **device)
    account, end = account_for(gpu, counter=False, interval=0.5, limit_watts=250.0), 300.0
    shown = [(at, round(gpu.watts(at), -1)) for at in (0.5 * count for count in range(1, int(2 * end) + 1))]
    for at, watts in shown:
        account.add_power(at, watts)
    best = account.result(end).best
    assert best is not None
    assert best.low <= gpu.truth(0, end) <= (best.high or 0.0)


def test_each_reading_stood_for_so_long() -> None:
    """The step and the time between renewals as they were seen."""
    grain, varied = Grain(), random.Random(3)  # noqa: S311 - readings, not secrets
    watts = 0.0
    for count in range(1000):
        watts = varied.randrange(20, 90) * 0.5 if count % 20 == 0 else watts
        grain.add(count * 0.1, watts)
    assert grain.step_watts == pytest.approx(0.5)
    assert grain.renewal_seconds == pytest.approx(2.0, rel=0.3)
