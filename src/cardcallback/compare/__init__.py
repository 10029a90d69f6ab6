"""Records of several runs side by side: first what makes them unequal, then figures, and ratios where they are due."""

from cardcallback.compare.comparing import compare_runs
from cardcallback.compare.model import BreakEven, Cell, Comparison, Costs, Difference, Group, Ratio, Row
from cardcallback.compare.prices import CostInput

__all__ = [
    "BreakEven",
    "Cell",
    "Comparison",
    "CostInput",
    "Costs",
    "Difference",
    "Group",
    "Ratio",
    "Row",
    "compare_runs",
]
