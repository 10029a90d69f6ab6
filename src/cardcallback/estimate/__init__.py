"""Energy and CO2e without a measurement: power times hours, labelled as the estimate it is."""

from cardcallback.estimate.estimating import (
    HIGHEST_COUNT,
    HIGHEST_HOURS,
    HIGHEST_WATTS,
    Estimate,
    EstimateInput,
    estimate,
)

__all__ = ["HIGHEST_COUNT", "HIGHEST_HOURS", "HIGHEST_WATTS", "Estimate", "EstimateInput", "estimate"]
