"""An estimate of what the machine around the GPUs used, where someone published such a figure; never a measurement."""

from cardcallback.rest.estimate import estimate_rest, with_rest_estimate

__all__ = ["estimate_rest", "with_rest_estimate"]
