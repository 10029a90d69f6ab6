"""A GPU's energy counter and power gauge computed from a waveform, to be read at any time."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from cardcallback.energy import CounterTraits, EnergyAccount, PowerTraits
from waveforms import Waveform, constant, ramp, square


@dataclass(frozen=True, kw_only=True)
class VirtualGpu:
    """``waveform`` seen by a gauge (mean of ``window`` seconds, renewed every refresh) and a counter."""

    waveform: Waveform
    window: float = 1.0
    refresh: float = 0.1
    counter_refresh: float = 0.1
    phase: float = 0.037

    def watts(self, at: float) -> float:
        """What the gauge shows."""
        seen = self._renewed(at, self.refresh)
        return self.waveform.energy_joules(seen - self.window, seen) / self.window

    def joules(self, at: float) -> float:
        """What the counter shows."""
        return self.waveform.energy_joules(-3000.0, self._renewed(at, self.counter_refresh))

    def truth(self, begin: float, end: float) -> float:
        """The energy that was really used."""
        return self.waveform.energy_joules(begin, end)

    def _renewed(self, at: float, refresh: float) -> float:
        return math.floor((at - self.phase) / refresh) * refresh + self.phase


def training_waveform(*, period: float = 1.7, seconds: float = 60.0, idle: float = 5.0) -> Waveform:
    """Idle, then work that swings between 20 and 90 W for ``seconds`` from time 0, then idle again."""
    return Waveform(
        (constant(idle, end=0.0), square(20.0, 90.0, period, begin=0.0, end=seconds), constant(idle, begin=seconds))
    )


@dataclass(frozen=True, kw_only=True)
class Swing:
    """Work that swings between two powers, and for how much of each period it is high."""

    low: float
    high: float
    period: float
    duty: float

    def begun_anywhere(self, varied: random.Random) -> Waveform:
        """The swing with time 0 anywhere in its period."""
        begun = -varied.uniform(0.0, self.period)
        return Waveform(
            (square(self.low, self.high, self.period, duty=self.duty, begin=begun), constant(self.low, end=begun))
        )


def rising_waveform(seconds: float = 60.0) -> Waveform:
    """Idle, a slow rise to a plateau, then fast steps."""
    third = seconds / 3
    return Waveform(
        (
            constant(5.0, end=0.0),
            ramp(5.0, 80.0, 0.0, third),
            constant(80.0, begin=third, end=2 * third),
            square(30.0, 90.0, 0.37, begin=2 * third),
        )
    )


GB10 = {"window": 1.0, "refresh": 0.1}
P100 = {"window": 0.02, "refresh": 0.02}
A100 = {"window": 0.025, "refresh": 0.1}


def account_for(
    gpu: VirtualGpu,
    *,
    counter: bool = True,
    power: bool = True,
    interval: float = 0.5,
    limit_watts: float | None = None,
) -> EnergyAccount:
    """An account opened with what is known of the GPU's sensors."""
    return EnergyAccount(
        counter=CounterTraits(refresh_seconds=gpu.counter_refresh) if counter else None,
        power=PowerTraits(averaging_seconds=gpu.window, refresh_seconds=gpu.refresh, interval_seconds=interval)
        if power
        else None,
        limit_watts=limit_watts,
    )
