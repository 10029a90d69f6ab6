"""What runs used and cost together: time, energy, and money at prices that the person gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from cardcallback.cli.found_runs import FoundRun
from cardcallback.record import Measurement, Spent, each_once, spent_together
from cardcallback.render.figures import NARROW_SHARE, accuracies_plain, has_wide_interval
from cardcallback.render.run_words import plural
from cardcallback.units import JOULES_PER_KILOWATT_HOUR, SECONDS_PER_HOUR, format_money


@dataclass(frozen=True, kw_only=True, slots=True)
class Prices:
    """What the person pays: for a kWh, for an hour of one computer, in ``currency``; None where not given."""

    per_kwh: float | None = None
    per_hour: float | None = None
    currency: str | None = None

    @property
    def unit(self) -> str:
        """The currency's name behind a figure or a label; empty where none was given."""
        return f" {self.currency}" if self.currency else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Used:
    """What some runs used: their sessions' time and energy, each once, and the time of all their computers."""

    spent: Spent
    computer_seconds: float

    def energy_cost(self, prices: Prices) -> float | None:
        """The price of the GPUs' energy; None without one, or without the energy."""
        if prices.per_kwh is None or self.spent.joules is None:
            return None
        return self.spent.joules / JOULES_PER_KILOWATT_HOUR * prices.per_kwh

    def time_cost(self, prices: Prices) -> float | None:
        """The price of the time on every computer; None without one."""
        return None if prices.per_hour is None else self.computer_seconds / SECONDS_PER_HOUR * prices.per_hour

    def energy_cost_words(self, prices: Prices) -> str:
        """As it is printed, with the doubts of the energy; empty where there is none."""
        cost, spent = self.energy_cost(prices), self.spent
        if cost is None or spent.joules is None:
            return ""
        low, high = _bounds(cost, spent)
        if spent.is_least:
            wide = low is not None and cost - low > NARROW_SHARE * cost
            return f"at least {format_money(low if wide and low is not None else cost)}"
        if has_wide_interval(spent) and low is not None and high is not None:
            return f"{format_money(low)} to {format_money(high)}"
        return format_money(cost)

    def time_cost_words(self, prices: Prices) -> str:
        """As it is printed; empty where there is none."""
        cost = self.time_cost(prices)
        least = "at least " if self.spent.is_least_time else ""
        return "" if cost is None else f"{least}{format_money(cost)}"


def used_by(runs: Sequence[FoundRun]) -> Used:
    """What ``runs`` used together, a session that several of them share counted once."""
    sessions = each_once(run.sessions for run in runs)
    computers = {name: max(1, len(run.record.nodes)) for run in runs for name in run.sessions}
    return Used(
        spent=spent_together(sessions.values()),
        computer_seconds=sum(session.duration_seconds * computers[name] for name, session in sessions.items()),
    )


def summed_runs(runs: Sequence[FoundRun]) -> list[FoundRun]:
    """The runs that the sum is of: what was simulated is added to nothing real."""
    real = [run for run in runs if not run.record.simulated]
    return real or list(runs)


def sum_notes(runs: Sequence[FoundRun], prices: Prices) -> list[str]:
    """What must be said about the sum, and about the figures above it."""
    counted = summed_runs(runs)
    total = used_by(counted).spent
    each = [used_by([run]).spent for run in runs]
    notes = []
    unknown = sum(one.joules is None for one in (used_by([run]).spent for run in counted))
    if 0 < unknown < len(counted):
        notes.append(f"the sum lacks the energy of {plural(unknown, 'run')} in which it was not measured")
    if len(counted) < len(runs):
        notes.append(f"the sum leaves out {plural(len(runs) - len(counted), 'simulated run')}")
    if len({figure.scope for run in counted for figure in _energies(run)}) > 1:
        notes.append("the sum is over figures of unlike scopes: GPU cores, GPU memory or whole modules")
    if sharing := sum(count > 0 for count in shared_sessions(runs)):
        notes.append(f"{sharing} runs went on from shared sessions: they are in each one's line and once in the sum")
    if any(map(has_wide_interval, (total, *each))):
        accuracy = accuracies_plain(total, *each)
        notes.append(f"intervals are of the recording alone; beside them the sensors' own accuracy: {accuracy}")
    return notes + _price_notes(prices)


def shared_sessions(runs: Sequence[FoundRun]) -> list[int]:
    """Of each run, how many of its sessions are another one's too."""
    told = Counter(name for run in runs for name in run.sessions)
    return [sum(told[name] > 1 for name in run.sessions) for run in runs]


def _energies(run: FoundRun) -> list[Measurement]:
    return [session.energy.gpu for session in run.sessions.values() if session.energy.gpu.value is not None]


def _bounds(cost: float, spent: Spent) -> tuple[float | None, float | None]:
    if not spent.joules:
        return None, None
    low, high = spent.low_joules, spent.high_joules
    share = cost / spent.joules
    return None if low is None else low * share, None if high is None else high * share


def _price_notes(prices: Prices) -> list[str]:
    notes = []
    if prices.per_kwh is not None:
        notes.append(f"energy cost: the GPUs' energy alone, at your {prices.per_kwh:g}{prices.unit} per kWh")
    if prices.per_hour is not None:
        price = f"{prices.per_hour:g}{prices.unit}"
        notes.append(f"time cost: training time on each computer, at your {price} per hour; added to no energy cost")
    return notes
