"""Energy, CO2e and their equivalents of one training: measured by a run, or estimated from hours and watts."""

from cardcallback.impact.calculator import EnvironmentalImpact
from cardcallback.impact.constants import DEFAULT_EQUIVALENTS, SEED_EQUIVALENTS, Equivalent, Equivalents
from cardcallback.impact.report import impact_report

__all__ = [
    "DEFAULT_EQUIVALENTS",
    "SEED_EQUIVALENTS",
    "EnvironmentalImpact",
    "Equivalent",
    "Equivalents",
    "impact_report",
]
