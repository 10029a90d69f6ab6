"""Who wrote a card, by the sentences that only a tool's own template has."""

from __future__ import annotations

from cardcallback.render.card.section_block import has_section

# Sentences that only a tool's own template writes; a card with one of them was not written by a person.
_HUB_TEMPLATE_MARK = "<!-- Provide a quick summary of what the model is/does. -->"
_GENERATED_MARKS = (
    "<!-- This model card has been generated automatically according to the information the Trainer had access to",
    "It has been trained using [TRL](https://github.com/huggingface/trl).",
    "This is a [sentence-transformers](https://www.SBERT.net) model",
    "](https://www.sbert.net/docs/cross_encoder/usage/usage.html) model",
    "](https://www.sbert.net/docs/sparse_encoder/usage/usage.html) model",
    "](https://www.sbert.net/docs/multi_vector_encoder/usage/usage.html) model",
    "This is a [SetFit](https://github.com/huggingface/setfit) model",
    _HUB_TEMPLATE_MARK,
)


def author_of(text: str) -> str:
    """Who wrote it: "tool" for a tool's own template, "person" for anything else.

    To be asked only of a text that is not as we left it: our section in it means that somebody edited it.
    """
    generated = any(mark in text for mark in _GENERATED_MARKS)
    return "person" if has_section(text) or not generated else "tool"


def kind_of(text: str) -> str:
    """Whose body a card has that is not as we left it."""
    return "person" if author_of(text) == "person" else generated_kind(text)


def generated_kind(text: str) -> str:
    """Which tool's card this is: "hub template" or "trainer"."""
    return "hub template" if _HUB_TEMPLATE_MARK in text else "trainer"
