"""A detailed model card: typed fields from a person, training and impact from a run's record."""

from cardcallback.detailed_card.card import DetailedModelCard
from cardcallback.detailed_card.whole import render_detailed_model_card

__all__ = ["DetailedModelCard", "render_detailed_model_card"]
