"""Detailed cards to render: a complete one, and one whose every text is somebody else's."""

from __future__ import annotations

import dataclasses
from datetime import date
from typing import Any

from cardcallback import DetailedModelCard
from cardcallback.detailed_card.fields import BIAS_KEYS, USE_KEYS

TODAY = date(2026, 3, 9)


def complete_card(**changes: Any) -> DetailedModelCard:
    """A card with every field given, made up."""
    fields: dict[str, Any] = {
        "model_name": "support-assistant-4b",
        "model_version": "2.0.0",
        "model_type": "Text generation (conversational)",
        "base_model": "google/gemma-3-4b-it",
        "developed_by": "Support team",
        "funded_by": "Internal R&D budget",
        "shared_by": "Nobody yet",
        "license": "Proprietary (internal)",
        "language": ["en", "no", "Klingon"],
        "summary": """Answers questions about products.
        Not for decisions.""",
        "primary_uses": [{"use": "Support chat", "example": "'How do I reset my password?'"}, {"use": "Search"}],
        "secondary_uses": ["Search in manuals"],
        "out_of_scope": ["Refunds (a person decides)"],
        "misuse_risks": ["Unsupervised answers"],
        "technical_limitations": ["8,192 tokens of context"],
        "knowledge_limitations": ["Nothing after December 2024"],
        "behavioral_limitations": ["Verbose"],
        "biases": [{"type": "Formality", "description": "Longer answers | formal", "mitigation": "Informal data"}],
        "safety_evaluations": {"BBQ accuracy": 0.82, "BBQ bias score": -0.04},
        "safety_evaluation_plan": ["Monthly red team"],
        "guardrails_implemented": ["PII filter"],
        "training_data_summary": """Made of:
        - 7,000 conversations
        - 1,000 questions (< 0.1% toxic)

        Filtered for:
        1. names
        2. addresses""",
        "training_procedure": "QLoRA with 4-bit weights",
        "training_hyperparameters": {"LoRA Rank": "64", "Learning Rate": "2e-4", "Optimizer": "AdamW (paged 8-bit)"},
        "training_hardware": "NVIDIA DGX Spark",
        "ethical_considerations": ["Conversations may be personal"],
        "recommendations": ["Say that it is a machine"],
    }
    return DetailedModelCard(**(fields | changes))


def card_of_text(text: str) -> DetailedModelCard:
    """A card with ``text`` as every one of its texts, names of settings and scores included."""
    fields: dict[str, Any] = {entry.name: text for entry in dataclasses.fields(DetailedModelCard)}
    for name, kind in (
        (entry.name, entry.default_factory())
        for entry in dataclasses.fields(DetailedModelCard)
        if callable(entry.default_factory)
    ):
        fields[name] = [text, text] if isinstance(kind, list) else {text: text}
    fields["primary_uses"] = [dict.fromkeys(USE_KEYS, text)]
    fields["biases"] = [dict.fromkeys(BIAS_KEYS, text)]
    fields["safety_evaluations"] = {text: 0.5}
    # Folders are refused, which has a test of its own.
    fields["model_name"] = fields["base_model"] = f"a {text}"
    return DetailedModelCard(**fields)
