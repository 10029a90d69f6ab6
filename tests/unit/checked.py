"""Short ways to check a card, for the tests of ``cardcallback check``."""

from __future__ import annotations

from cardcallback.check import Finding, check_card

GOOD_MATTER = """---
license: apache-2.0
language:
- en
library_name: peft
base_model: google/gemma-3-4b-it
base_model_relation: adapter
pipeline_tag: text-generation
---
"""


def findings(body: str, matter: str = GOOD_MATTER) -> list[Finding]:
    """What is found in a card of this front matter and body."""
    return list(check_card(f"{matter}\n{body}"))


def errors(body: str, matter: str = GOOD_MATTER) -> list[Finding]:
    """The errors alone."""
    return [one for one in findings(body, matter) if one.severity == "error"]


def rules(body: str, matter: str = GOOD_MATTER) -> set[str]:
    """The rules that found an error."""
    return {one.rule for one in errors(body, matter)}
