"""How a method's own quantities went while training, where no held-out evaluation tells it."""

from __future__ import annotations

from cardcallback.record import Point, RunRecord
from cardcallback.render.method_words import (
    REWARD,
    change_words,
    metric_label,
    metric_rank,
    metric_words,
    without_repetitions,
)
from cardcallback.render.pictures.choice import curve
from cardcallback.render.text import table_row
from cardcallback.units import first_upper

_MOST_ROWS = 6
_SHARE_OF_POINTS = 10
# Any of these shows that the others are a method's and not just a trainer's habit.
_TELLING = (
    REWARD,
    "rewards/accuracies",
    "rewards/margins",
    "accuracy",
    "margin",
    "mean_reward",
    "self_distillation/reward_mean",
    "kl",
    "objective/kl",
)
_ACCURACY, _MARGIN = "rewards/accuracies", "rewards/margins"
_UNEQUAL = "; of the reward accuracy those of unequal rewards"
_BESIDE = ("entropy", "completions/mean_length", "completions/clipped_ratio")


def course_table(record: RunRecord) -> list[str]:
    """Beginning and end of what was logged while training and not measured on the held-out set; empty without any."""
    names = _shown(record)
    if not names:
        return []
    rows = []
    for name in names:
        first, last = _ends(_points(record, name))
        rows.append(table_row(metric_label(name), metric_words(name, first), metric_words(name, last)))
    is_without = _ACCURACY in names and len(_points(record, _ACCURACY)) < len(curve(record, _ACCURACY))
    told = f"{_averaged(_points(record, names[0]))}{_UNEQUAL if is_without else ''}"
    head = table_row(f"While training, {told}", "Beginning", "End")
    return [head, "|---|---|---|", *rows]


def course_sentence(record: RunRecord) -> str:
    """The method's main quantity from beginning to end; empty where the table has none."""
    names = _shown(record)
    if not names:
        return ""
    name = names[0]
    first, last = _ends(_points(record, name))
    words = change_words(metric_words(name, first), metric_words(name, last), grew=last > first)
    label = metric_label(name)
    return f"{first_upper(label)} {words} while training."


def _shown(record: RunRecord) -> list[str]:
    logged = [name for name in record.curves if len(_points(record, name)) > 1]
    if not any(name in logged for name in _TELLING):
        return []
    of_functions = [name for name in logged if name.startswith("rewards/") and name.endswith("/mean")]
    names = [name for name in (*_TELLING, *_BESIDE) if name in logged]
    names = without_repetitions([*names, *of_functions])
    after = record.evaluation.after
    held_out = set(after.metrics) if after is not None else set()
    return sorted((name for name in names if f"eval_{name}" not in held_out), key=metric_rank)[:_MOST_ROWS]


def _points(record: RunRecord, name: str) -> tuple[Point, ...]:
    """A curve, without the accuracies of steps whose rewards are all equal.

    At the first step a model is its own reference: trainers count equal rewards as no preference, so the 0 % there
    says nothing, and a rise from it would be no merit of the training.
    """
    points = curve(record, name)
    if name != _ACCURACY:
        return points
    equal = {step for step, margin in curve(record, _MARGIN) if margin == 0}
    return tuple(point for point in points if point[0] not in equal or point[1] != 0)


def _ends(points: tuple[Point, ...]) -> tuple[float, float]:
    """The means of the first and of the last tenth of the points: one noisy step is no end of a run."""
    count = max(1, len(points) // _SHARE_OF_POINTS)
    values = [value for _, value in points]
    return sum(values[:count]) / count, sum(values[-count:]) / count


def _averaged(points: tuple[Point, ...]) -> str:
    count = max(1, len(points) // _SHARE_OF_POINTS)
    return "first and last value logged" if count == 1 else f"mean of the first and last {count} values logged"
