"""Idle power of a machine's GPUs with its circumstances, measured once and kept for later cards."""

from cardcallback.baseline.kept import (
    BASELINES_FILE,
    Baseline,
    baseline_notes,
    circumstance_words,
    doubt_words,
    encode_baselines,
    load_baselines,
)
from cardcallback.baseline.measuring import measure_baselines

__all__ = [
    "BASELINES_FILE",
    "Baseline",
    "baseline_notes",
    "circumstance_words",
    "doubt_words",
    "encode_baselines",
    "load_baselines",
    "measure_baselines",
]
