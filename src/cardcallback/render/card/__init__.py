"""A whole card: the body somebody wrote, its placeholders, its front matter, and our section in it."""

from cardcallback.render.card.compose import CardReport, ComposedCard, default_hub_template
from cardcallback.render.card.fill_report import FillReport
from cardcallback.render.card.labels import check_own_labels
from cardcallback.render.card.whole import render_card, show_pictures

__all__ = [
    "CardReport",
    "ComposedCard",
    "FillReport",
    "check_own_labels",
    "default_hub_template",
    "render_card",
    "show_pictures",
]
