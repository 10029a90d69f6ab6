"""From the record to what people read: our section, the whole card and its pictures."""

from cardcallback.render.section import render_section

__all__ = ["render_section"]
