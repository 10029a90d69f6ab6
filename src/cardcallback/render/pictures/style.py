"""Sizes, colours and small parts that both pictures share.

The Hub shows a card's pictures about 700 px wide: 7 inches at 200 dots are twice that, for sharp screens,
and a 10 point letter is then 14 px high. The background is white, so a dark page shows a white plate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cardcallback.units import BYTES_PER_GIBIBYTE, format_bytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DOTS_PER_INCH = 200
WIDTH_INCHES = 7.0
_WARNING = "#B00020"
_LEGEND_LETTERS = 104
# Names of lines closer than this share of the axis would overlap.
_LEVEL_DISTANCE = 0.1
DASHES = (0, (4, 3))
# A curve that moves by less of its value is flat.
_LEAST_RANGE_SHARE = 0.01

# Okabe and Ito's colours, which people with colour-vision deficiency can tell apart.
BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#AA4499"
SERIES = (BLUE, ORANGE, GREEN, PURPLE, "#E69F00", "#56B4E9", "#332288", "#882255")
INK, FAINT = "#222222", "#6B6B6B"
EVALUATION_SHADE, SAVING_SHADE = "#9CC9E8", "#F3C98B"

STYLE: dict[str, Any] = {
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 10.5,
    "font.family": "DejaVu Sans",
    "font.size": 10.0,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.8,
    "legend.fontsize": 9.5,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "text.color": INK,
    # A dollar sign in a name is a dollar sign.
    "text.parse_math": False,
    "xtick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.color": FAINT,
    "ytick.labelcolor": INK,
}


def new_figure(
    rows: int, height_inches: float, ratios: tuple[float, ...] | None = None, *, share_x: bool = True
) -> tuple[Figure, list[Axes]]:
    """A figure and its stacked axes, which share their horizontal axis unless told otherwise."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415  loaded only to draw
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(WIDTH_INCHES, height_inches), dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, 1, sharex=share_x, squeeze=False, height_ratios=ratios)
    return figure, [row[0] for row in axes]


def legend_above(axes: Axes) -> None:
    """The legend in one line between title and plot, where it hides no data."""
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        longest = max(len(label) for label in labels)
        axes.legend(
            handles,
            labels,
            loc="lower left",
            bbox_to_anchor=(-0.01, 1.0),
            ncols=max(1, min(len(handles), _LEGEND_LETTERS // (longest + 6))),
            columnspacing=1.4,
            handlelength=1.6,
            borderaxespad=0.2,
        )


def plain_heights(axes: Axes, values: list[float]) -> None:
    """Whole numbers at the vertical axis, no offset to add to them, and no noise stretched to a curve."""
    if axes.get_yscale() != "linear":
        return
    axes.ticklabel_format(axis="y", useOffset=False, style="plain")
    low, high = min(values), max(values)
    least = _LEAST_RANGE_SHARE * max(abs(low), abs(high)) or 1.0
    if high - low < least:
        middle = (low + high) / 2
        axes.set_ylim(middle - least / 2, middle + least / 2)


def draw_levels(axes: Axes, levels: list[tuple[str, float]]) -> None:
    """Dashed lines at sizes in bytes, the highest first, named where there is room and least of a curve is hidden.

    The axes end above the highest.
    """
    drawn = float(axes.dataLim.y1) if axes.has_data() else 0.0
    top = max(levels[0][1] / BYTES_PER_GIBIBYTE, drawn) * 1.13 if levels else 0.0
    room = top * _LEVEL_DISTANCE
    curves = _points_at_the_right(axes)
    above = top * 2
    values = [size_bytes / BYTES_PER_GIBIBYTE for _, size_bytes in levels]
    for (name, size_bytes), value, below in zip(levels, values, [*values[1:], 0.0], strict=True):
        axes.axhline(value, color=INK, linewidth=1.0, linestyle=DASHES, zorder=2)
        fits_over, fits_under = above - value >= room, value - below >= (2 * room if below else room)
        if not fits_over and value < room:
            continue
        under = not fits_over or (
            fits_under and _between(curves, value - room, value) < _between(curves, value, value + room)
        )
        axes.annotate(
            f"{name} {format_bytes(size_bytes)}",
            xy=(1.0, value),
            xycoords=axes.get_yaxis_transform(),
            xytext=(-3, -3 if under else 3),
            textcoords="offset points",
            ha="right",
            va="top" if under else "bottom",
            fontsize=9.5,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.0},
            zorder=1.5,
        )
        above = value - room if under else value
    axes.set_ylim(top=top or None)


def _points_at_the_right(axes: Axes) -> list[float]:
    """Heights of the curves where a name at the right would stand."""
    import numpy as np  # noqa: PLC0415  comes with matplotlib, loaded only to draw

    middle = sum(axes.dataLim.intervalx) / 2
    points = [point for line in axes.get_lines() for point in np.asarray(line.get_xydata()).tolist()]
    return [height for time, height in points if time > middle]


def _between(heights: list[float], low: float, high: float) -> int:
    return sum(low < height < high for height in heights)


def mark_simulated(figure: Figure) -> None:
    """The mark that no crop of the picture loses: in its corner, and across every panel."""
    figure.suptitle(
        "SIMULATED DEVICE: no hardware figure here is real", color=_WARNING, fontsize=10.5, fontweight="bold"
    )
    for axes in figure.axes:
        axes.text(
            0.5,
            0.5,
            "SIMULATED DEVICE",
            transform=axes.transAxes,
            ha="center",
            va="center",
            fontsize=26,
            fontweight="bold",
            color=_WARNING,
            alpha=0.13,
            zorder=0.5,
        )
