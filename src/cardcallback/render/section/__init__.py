"""Our section of a card, from a record."""

from cardcallback.render.section.whole import render_section

__all__ = ["render_section"]
