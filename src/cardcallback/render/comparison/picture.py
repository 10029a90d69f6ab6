"""A comparison as a picture: a panel for each quantity, a mark for each group, a line for its range."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cardcallback.compare import Comparison, Row
from cardcallback.errors import CardCallbackError
from cardcallback.render.comparison.words import group_words, quantity_words
from cardcallback.render.pictures.draw import save_picture
from cardcallback.render.pictures.style import FAINT, SERIES, new_figure
from cardcallback.render.text import escape_picture
from cardcallback.units import JOULES_PER_WATT_HOUR, SECONDS_PER_MINUTE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DRAWN = {
    "time": ("minutes", 1 / SECONDS_PER_MINUTE),
    "gpu_energy": ("Wh", 1 / JOULES_PER_WATT_HOUR),
    "system_energy": ("Wh", 1 / JOULES_PER_WATT_HOUR),
    "mean_power": ("W", 1.0),
    "energy_per_token_non_padding": ("mJ", 1e3),
    "tokens_per_second_non_padding": ("tokens/s", 1.0),
    "emissions_common_factor": ("g", 1.0),
    "held_out_loss": ("", 1.0),
}
# A figure whose whole is on one side of it points there.
_MARKS = {None: "o", "least": ">", "most": "<"}
# Beyond this an axis of millijoules shows joules.
_MOST_MILLIJOULES = 10_000.0
_PANEL_INCHES, _GROUP_INCHES, _EDGE_INCHES = 0.45, 0.22, 0.9


def draw_comparison(comparison: Comparison, path: Path) -> None:
    """Write the picture as a PNG file.

    Raises:
        CardCallbackError: no group has a figure to draw, or the file cannot be written.
    """
    rows = [row for row in comparison.rows if row.name in _DRAWN and any(cell.value is not None for cell in row.cells)]
    if not rows:
        msg = "nothing to draw: none of the runs has a figure"
        raise CardCallbackError(msg, exit_code=3)
    save_picture(path, lambda: _figure(comparison, rows), simulated=any(one.simulated for one in comparison.groups))


def _figure(comparison: Comparison, rows: list[Row]) -> Figure:
    height = _EDGE_INCHES + len(rows) * (_PANEL_INCHES + _GROUP_INCHES * len(comparison.groups))
    figure, panels = new_figure(len(rows), height, share_x=False)
    for axes, row in zip(panels, rows, strict=True):
        _panel(axes, row, [group.letter for group in comparison.groups])
    figure.supxlabel(
        "\n".join(escape_picture(group_words(group), 100) for group in comparison.groups),
        fontsize=9.0,
        x=0.02,
        ha="left",
    )
    return figure


def _unit(row: Row) -> tuple[str, float]:
    unit, scale = _DRAWN[row.name]
    if unit == "mJ" and max(cell.value or 0.0 for cell in row.cells) * scale > _MOST_MILLIJOULES:
        return "J", 1.0
    return unit, scale


def _panel(axes: Axes, row: Row, letters: list[str]) -> None:
    unit, scale = _unit(row)
    for place, cell in enumerate(row.cells):
        if cell.value is None:
            axes.annotate("no figure", (0.01, place), xycoords=axes.get_yaxis_transform(), va="center", color=FAINT)
            continue
        colour = SERIES[place % len(SERIES)]
        if cell.low is not None and cell.high is not None:
            axes.plot([cell.low * scale, cell.high * scale], [place, place], color=colour, linewidth=3.0, alpha=0.4)
        axes.plot([value * scale for value in cell.values], [place] * len(cell.values), "|", color=colour)
        axes.plot([cell.value * scale], [place], _MARKS[cell.bound], color=colour)
    no_ratio = bool(row.ratios) and all(ratio.value is None for ratio in row.ratios)
    unlike = no_ratio or (not row.ratios and len({cell.detail for cell in row.cells if cell.value is not None}) > 1)
    words = quantity_words(row) + (f" ({unit})" if unit else "") + (": not alike, see the table" if unlike else "")
    axes.set_title(words)
    axes.set_yticks(range(len(letters)), letters)
    axes.set_ylim(len(letters) - 0.5, -0.5)
    axes.set_xlim(left=0.0)
    axes.ticklabel_format(axis="x", useOffset=False, style="plain")
