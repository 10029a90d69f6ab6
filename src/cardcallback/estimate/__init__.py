"""Energy and CO2e without a measurement: power times hours, labelled as the estimate it is."""

from cardcallback.estimate.estimating import Estimate, EstimateInput, estimate

__all__ = ["Estimate", "EstimateInput", "estimate"]
