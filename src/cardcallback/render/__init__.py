"""From the record to what people read: our section, the whole card and its pictures."""

from cardcallback.render.card import compose_card, default_hub_template
from cardcallback.render.charts import draw_pictures
from cardcallback.render.section import render_section
from cardcallback.render.writing import write_atomically

__all__ = ["compose_card", "default_hub_template", "draw_pictures", "render_section", "write_atomically"]
