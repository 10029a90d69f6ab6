"""Complete a model card's training, hardware and environmental sections by measurement."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cardcallback.attaching import attach
    from cardcallback.callback import CardCallback
    from cardcallback.compare import compare_runs
    from cardcallback.detailed_card import DetailedModelCard
    from cardcallback.impact import EnvironmentalImpact
    from cardcallback.record import RunRecord, load_run
    from cardcallback.sensors import Sensor

__all__ = [
    "CardCallback",
    "DetailedModelCard",
    "EnvironmentalImpact",
    "RunRecord",
    "Sensor",
    "attach",
    "compare_runs",
    "load_run",
]

_HOME = {
    "CardCallback": "cardcallback.callback",
    "attach": "cardcallback.attaching",
    "RunRecord": "cardcallback.record",
    "load_run": "cardcallback.record",
    "compare_runs": "cardcallback.compare",
    "Sensor": "cardcallback.sensors",
    "DetailedModelCard": "cardcallback.detailed_card",
    "EnvironmentalImpact": "cardcallback.impact",
}


def __getattr__(name: str) -> Any:
    # Loaded on first use: `import cardcallback` must cost milliseconds and pull in no framework.
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415

        return version("cardcallback")
    if name not in _HOME:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(importlib.import_module(_HOME[name]), name)
