"""A whole card: the body somebody wrote, its placeholders, its front matter, and our section in it."""

from cardcallback.render.card.compose import CardReport, ComposedCard, default_hub_template
from cardcallback.render.card.whole import render_card

__all__ = ["CardReport", "ComposedCard", "default_hub_template", "render_card"]
