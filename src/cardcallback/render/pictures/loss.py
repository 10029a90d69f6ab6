"""The loss curve: training raw and smoothed, held-out, the published step; rewards below where there are some."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cardcallback.record import Point, RunRecord
from cardcallback.render.pictures.choice import (
    FEWEST_SMOOTHED,
    TRAIN_LOSS,
    curve,
    held_out_curve,
    reward_curves,
    rewards_come_first,
    smooth,
)
from cardcallback.render.pictures.style import (
    BLUE,
    DASHES,
    FAINT,
    INK,
    ORANGE,
    SERIES,
    legend_above,
    new_figure,
    plain_heights,
)
from cardcallback.render.text import escape_picture
from cardcallback.units import format_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LOG_SPREAD = 15.0
_REWARD_NAMES = {
    "rewards/chosen": "chosen",
    "rewards/rejected": "rejected",
    "rewards/margins": "margin",
    "reward": "reward",
    "margin": "margin",
    "mean_reward": "mean reward",
}


def draw_loss(record: RunRecord) -> Figure:
    """The picture as a figure; needs ``pictures_of`` to have named it."""
    rewards = reward_curves(record)
    if rewards:
        first = rewards_come_first(record)
        figure, panels = new_figure(2, 5.4, (3.0, 2.2))
        loss_axes, reward_axes = reversed(panels) if first else panels
        _draw_rewards(reward_axes, rewards)
        last = panels[-1]
    else:
        figure, (loss_axes,) = new_figure(1, 3.8)
        last = loss_axes
    _draw_losses(loss_axes, record)
    last.set_xlabel("optimiser step")
    _whole_steps(last)
    return figure


def _draw_losses(axes: Axes, record: RunRecord) -> None:
    train, held_out = curve(record, TRAIN_LOSS), held_out_curve(record)
    if train:
        _draw_training(axes, train)
    if held_out:
        steps, losses = zip(*held_out, strict=True)
        axes.plot(steps, losses, color=ORANGE, marker="o", markersize=5.5, label="held-out", zorder=4)
    values = [value for _, value in (*train, *held_out)]
    if min(values) > 0 and max(values) / min(values) > _LOG_SPREAD:
        axes.set_yscale("log")
    axes.set_ylabel(_loss_name(record))
    axes.margins(x=0.02, y=0.1)
    plain_heights(axes, values)
    _mark_published(axes, record, held_out)
    legend_above(axes)


def _draw_training(axes: Axes, train: tuple[Point, ...]) -> None:
    steps, losses = zip(*train, strict=True)
    if len(train) < FEWEST_SMOOTHED:
        axes.plot(steps, losses, color=BLUE, marker=".", markersize=6, label="training", zorder=3)
        return
    axes.plot(steps, losses, color=BLUE, alpha=0.3, linewidth=1.0, label="training, as logged", zorder=2)
    axes.plot(*zip(*smooth(train), strict=True), color=BLUE, label="training, smoothed", zorder=3)


def _loss_name(record: RunRecord) -> str:
    result = record.evaluation.after or record.evaluation.before
    kind = record.training.loss_kind or (result.kind if result is not None else None)
    if kind is None or "loss" in kind.lower():
        return escape_picture(kind or "loss", 30)
    return f"loss ({escape_picture(kind, 30)})"


def _mark_published(axes: Axes, record: RunRecord, held_out: tuple[Point, ...]) -> None:
    """A line at the published step, named in the legend, where no name can hide data."""
    step = record.training.published_step
    if step is None:
        return
    label = f"published: step {step:,}"
    loss = dict(held_out).get(float(step))
    if loss is not None:
        label += f", held-out loss {format_number(loss)}"
        axes.plot([step], [loss], marker="o", markersize=11, markerfacecolor="none", markeredgecolor=INK, zorder=5)
    axes.axvline(step, color=INK, linewidth=1.1, linestyle=DASHES, zorder=1, label=label)


def _draw_rewards(axes: Axes, rewards: dict[str, tuple[Point, ...]]) -> None:
    names = list(_REWARD_NAMES)
    for name, points in rewards.items():
        held_out = name.startswith("eval_")
        plain = name.removeprefix("eval_")
        steps, values = zip(*points, strict=True)
        label = _REWARD_NAMES[plain] + (", held-out" if held_out else "")
        color = SERIES[names.index(plain)]
        if held_out:
            axes.plot(steps, values, color=color, marker="o", markersize=5, linestyle="none", label=label, zorder=4)
        elif len(points) < FEWEST_SMOOTHED:
            axes.plot(steps, values, color=color, label=label)
        else:
            axes.plot(steps, values, color=color, alpha=0.3, linewidth=1.0)
            axes.plot(*zip(*smooth(points), strict=True), color=color, label=label)
    axes.axhline(0, color=FAINT, linewidth=0.8, zorder=1)
    axes.set_ylabel("reward")
    plain_heights(axes, [0.0, *(value for points in rewards.values() for _, value in points)])
    legend_above(axes)


def _whole_steps(axes: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator  # noqa: PLC0415  loaded only to draw

    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda step, _: f"{step:,.0f}"))
