"""The words in a picture."""

from __future__ import annotations

from matplotlib.figure import Figure


def texts(figure: Figure) -> list[str]:
    """Every text in a figure: annotations, labels, legends and the mark above."""
    found = [artist.get_text() for artist in figure.findobj(match=lambda a: hasattr(a, "get_text"))]
    return [text for text in found if text]


def legend_of(figure: Figure, panel: int = 0) -> list[str]:
    """The names in one panel's legend."""
    legend = figure.axes[panel].get_legend()
    return [text.get_text() for text in legend.get_texts()] if legend else []
