"""One group's figure over another's, where that says something, and why not where it does not."""

from __future__ import annotations

from collections.abc import Sequence

from cardcallback.compare.model import Cell, Ratio
from cardcallback.compare.work import scope_words
from cardcallback.record import Scope

_SEVERAL = 2


def ratio(first: Cell, other: Cell, *, has_scope: bool, unlike: str | None = None) -> Ratio:
    """``other`` over ``first``.

    Args:
        first: the figure that is 1.
        other: the figure that is compared with it.
        has_scope: whether the figures hold parts of a machine: then both must hold the same, all of it known.
        unlike: why no ratio of the two means anything, where that is known before.
    """
    reason = _why_none(first, other, has_scope=has_scope) or unlike
    if reason is not None:
        return Ratio(reason=reason)
    one, two = first.value, other.value
    if not one or two is None:
        return Ratio(reason="the first figure is 0")
    low, high = _bounds(first, other)
    return Ratio(value=two / one, low=low, high=high)


def _why_none(first: Cell, other: Cell, *, has_scope: bool) -> str | None:
    for letter, cell in (("the first", first), ("this one", other)):
        if cell.value is None:
            return f"{letter} has no figure: {cell.reason}"
        if cell.is_part:
            return f"{letter} is not of its whole run"
    if has_scope:
        return _scopes_differ(first.scope, other.scope)
    return None


def _scopes_differ(first: Scope | None, other: Scope | None) -> str | None:
    if first is None or other is None:
        return "what the figures hold is not known"
    unknown = any("unknown" in (getattr(first, name), getattr(other, name)) for name in Scope.__struct_fields__)
    if first == other and not unknown:
        return None
    if first == other:
        return f"nobody documents what both figures hold ({scope_words(first)})"
    return f"they hold different parts: {scope_words(first)} against {scope_words(other)}"


def _bounds(first: Cell, other: Cell) -> tuple[float | None, float | None]:
    """From the outermost figures of both; of a single run nobody knows how much the next would differ."""
    if min(len(first.values), len(other.values)) < _SEVERAL:
        return None, None
    bounds = (first.low, first.high, other.low, other.high)
    if any(bound is None for bound in bounds):
        return None, None
    first_low, first_high, other_low, other_high = (bound or 0.0 for bound in bounds)
    return (other_low / first_high if first_high else None), (other_high / first_low if first_low > 0 else None)


def ratios(cells: Sequence[Cell], *, has_scope: bool, unlike: Sequence[str | None]) -> tuple[Ratio, ...]:
    """Of each cell but the first over the first."""
    return tuple(
        ratio(cells[0], cell, has_scope=has_scope, unlike=why) for cell, why in zip(cells[1:], unlike, strict=True)
    )
