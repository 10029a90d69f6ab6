"""A comparison of runs as text for a terminal, as Markdown, and as a picture."""

from cardcallback.render.comparison.document import comparison_markdown, comparison_text

__all__ = ["comparison_markdown", "comparison_text"]
