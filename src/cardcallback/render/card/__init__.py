"""A whole card: the body somebody wrote, its placeholders, its front matter, and our section in it."""

from cardcallback.render.card.compose import (
    CardReport,
    ComposedCard,
    compose_card,
    default_hub_template,
    emissions_stated_by,
)
from cardcallback.render.card.whole import render_card

__all__ = ["CardReport", "ComposedCard", "compose_card", "default_hub_template", "emissions_stated_by", "render_card"]
