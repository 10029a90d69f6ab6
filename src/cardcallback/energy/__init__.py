"""Pure, streaming energy accounting: counter differences, integrated power, and how sure both are."""

from cardcallback.energy.account import EnergyAccount
from cardcallback.energy.notes import counter_of_renewal
from cardcallback.energy.result import (
    CONSISTENT_SHARE,
    SHORTEST_COMPARISON_SECONDS,
    AccountResult,
    Consistency,
    EnergyResult,
    PhaseSum,
)
from cardcallback.energy.traits import USUAL_REFRESH_SECONDS, CounterTraits, PowerTraits

__all__ = [
    "CONSISTENT_SHARE",
    "SHORTEST_COMPARISON_SECONDS",
    "USUAL_REFRESH_SECONDS",
    "AccountResult",
    "Consistency",
    "CounterTraits",
    "EnergyAccount",
    "EnergyResult",
    "PhaseSum",
    "PowerTraits",
    "counter_of_renewal",
]
