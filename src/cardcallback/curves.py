"""Curves from a trainer's log history: finite, thinned, and ending where training ended."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

from cardcallback.record import Point

LARGEST_POINTS = 1000
_LARGEST_CURVES = 64
_KNOWN_NAMES = 1024
_NOT_CURVES = re.compile(
    r"step|epoch|total_flos|num_tokens|num_input_tokens_seen|(train|eval|test)_num_tokens"
    r"|train_loss|.*_runtime|.*_per_second|.*_model_preparation_time|.*_jit_compilation_time|.*_mem_.*"
)
# A method logs several dozen quantities: what it is for is kept first.
_IMPORTANT = tuple(
    re.compile(f"(eval_)?({pattern})")
    for pattern in (
        r"loss",
        r"\w*_loss",
        r"reward|rewards/(chosen|rejected|margins|accuracies|.*/mean)|accuracy|margin|mean_reward",
        r"kl|objective/kl|entropy|mean_token_accuracy|completions/(mean_length|clipped_ratio)",
        r"learning_rate|grad_norm|rewards?(/|_).*|completions/.*",
    )
)
_NOT_FINITE = " was not a finite number at "
_FILTERED = ": the gradient norm shows it, and the 0 that the trainer logged in its place is left out"
_NAME = re.compile(r"[A-Za-z][\w.\- ]{0,79}(/[\w.\- ]{1,79}){0,3}")
# A held-out set named by a path, an address or a key: not for publishing.
_IDENTIFYING = re.compile(
    r"_/|\.\.|(^|[/_])(home|users|root|mnt|tmp|var|private|volumes)/|[0-9a-f]{32,}|[A-Za-z0-9]{40,}", re.IGNORECASE
)

LogHistory = Sequence[Mapping[str, Any]]
# SetFit's names of the loss.
_OTHER_NAMES = {"embedding_loss": "loss", "eval_embedding_loss": "eval_loss"}
_LOSS, _GRADIENT_NORM = "loss", "grad_norm"


def log_entries(log_history: object) -> list[Mapping[str, Any]]:
    """What a Trainer logged; what a person's code put in its place, or among it, is no entry."""
    return [one for one in log_history if isinstance(one, Mapping)] if isinstance(log_history, (list, tuple)) else []


def curves_from_history(log_history: LogHistory) -> dict[str, tuple[Point, ...]]:
    """Each logged quantity as ``(step, value)`` points in rising step, at most ``LARGEST_POINTS`` of them.

    Thinning keeps the first, last, smallest and largest point. Values that are not finite are left out
    (``history_notes`` names them), and so is a loss that the trainer's NaN filter made 0. A step logged
    twice keeps its last value. What was logged after training ended (an evaluation of restored weights)
    belongs to no step and is left out.
    """
    series: dict[str, dict[float, float]] = {}
    for entry in map(_by_usual_names, _training_part(log_history)):
        step = _finite(entry.get("step"))
        if step is None:
            continue
        for name, value in entry.items():
            if _is_curve(name) and (number := _finite(value)) is not None and not _is_filtered(name, entry):
                if name not in series:
                    series[name] = {}
                series[name][step] = number
    kept = sorted(series, key=_importance)[:_LARGEST_CURVES]
    return {name: thin(sorted(series[name].items()), limit=LARGEST_POINTS) for name in kept}


def _by_usual_names(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    if not any(name in entry for name in _OTHER_NAMES):
        return entry
    return {_OTHER_NAMES.get(name, name): value for name, value in entry.items()}


def thin(points: Sequence[Point], *, limit: int = LARGEST_POINTS) -> tuple[Point, ...]:
    """At most ``limit`` (4 or more) of the points, evenly by place, with first, last, smallest and largest."""
    if len(points) <= limit:
        return tuple(points)
    values = [value for _, value in points]
    places = range(len(points))
    kept = {0, len(points) - 1, min(places, key=values.__getitem__), max(places, key=values.__getitem__)}
    free = limit - len(kept)
    kept.update(round((index + 1) * (len(points) - 1) / (free + 1)) for index in range(free))
    return tuple(points[place] for place in sorted(kept))


def history_notes(log_history: LogHistory) -> tuple[str, ...]:
    """One sentence for each quantity that was not a finite number at some logged step.

    A trainer that filters NaN losses (transformers' default) logs 0 in their place; the gradient norm
    still shows them.
    """
    odd: dict[str, list[float]] = {}
    filtered = False
    for entry in _training_part(log_history):
        step = _finite(entry.get("step"))
        for name, value in entry.items():
            if step is not None and _is_curve(name) and (_is_not_finite(value) or _is_filtered(name, entry)):
                odd.setdefault(name, []).append(step)
                filtered = filtered or _is_filtered(name, entry)
    return tuple(
        f"{name}{_NOT_FINITE}{len(steps):,} logged step{'s' if len(steps) > 1 else ''}, "
        f"first at step {min(steps):,.0f}{_FILTERED if filtered and name == _LOSS else ''}."
        for name, steps in sorted(odd.items())
    )


def is_history_note(note: str) -> bool:
    """Whether ``note`` is one of ``history_notes``: a later log history, which holds the earlier one, tells it anew."""
    return _NOT_FINITE in note


def _is_filtered(name: str, entry: Mapping[str, Any]) -> bool:
    """Whether the 0 of a logged loss stands for NaN.

    A gradient norm that is not finite is not enough: mixed precision skips such steps, and their loss is good.
    """
    return name == _LOSS and entry.get(name) == 0 and _is_not_finite(entry.get(_GRADIENT_NORM))


def _is_not_finite(value: object) -> bool:
    if type(value) is float:  # nearly all are, and to ask what else a value may be takes ten times as long
        return not math.isfinite(value)
    return isinstance(value, Real) and not math.isfinite(_as_float(value))


def _as_float(value: Real) -> float:
    try:
        return float(value)
    except OverflowError:  # a whole number or fraction larger than any of these
        return math.inf


def _training_part(log_history: LogHistory) -> Sequence[Mapping[str, Any]]:
    for place in range(len(log_history) - 1, -1, -1):
        # Only the closing summary has train_loss; train_runtime is in every entry when tokens are counted.
        if "train_loss" in log_history[place]:
            return log_history[:place]
    return log_history


def publishable_name(name: object) -> bool:
    """Whether a logged quantity's name ("rewards/chosen") is harmless to publish: no path, address or key in it."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None and _IDENTIFYING.search(name) is None


@functools.lru_cache(maxsize=_KNOWN_NAMES)  # the same few names stand in each of perhaps a hundred thousand entries
def _is_curve(name: object) -> bool:
    return isinstance(name, str) and publishable_name(name) and _NOT_CURVES.fullmatch(name) is None


def _importance(name: str) -> tuple[int, str]:
    for rank, pattern in enumerate(_IMPORTANT):
        if pattern.fullmatch(name):
            return rank, name
    return len(_IMPORTANT), name


def _finite(value: object) -> float | None:
    if type(value) is float:  # as above
        return value if math.isfinite(value) else None
    if isinstance(value, bool) or not isinstance(value, Real):
        return None
    found = _as_float(value)
    return found if math.isfinite(found) else None
