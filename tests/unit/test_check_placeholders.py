"""Placeholders of every style, and brackets that are none."""

from __future__ import annotations

from pathlib import Path

import pytest
from card_inputs import trl_card
from checked import GOOD_MATTER, findings, rules

from cardcallback.check import check_card
from cardcallback.render.card import default_hub_template

LEFT = [
    "- **Epochs:** [X]",
    "- **Training time**: ~[X] minutes",
    "| Energy | [Estimate from the rating] |",
    "| Field | Value |\n|---|---|\n| Version | [e.g., v2.1.0] |",
    "[More Information Needed]",
    "## Model description\n\nMore information needed",
    "- [Use case 1]",
    "1. **[Measure 1]:** [Description]",
    "- ❌ [Something it must not do - e.g., Driving a car]",
    "# [Your Model Name]",
    "*Last updated: [Date]*",
    "Limited to [domain]",
    "- Accuracy: [X/10]",
    "Released on [YYYY-MM-DD] by us.",
    "[Describe where the data came from]",
    "Trained for XXX hours.",
    "See the [TODO](https://example.org): TODO",
    "TODO: say where the data came from",
    "- License: TBD",
    "By {{ author }}, 2026.",
    "Contact <your-email>.",
    "| Score | ??? |",
    "This is a fine-tuned version of [None](https://huggingface.co/None).",
    "[Demo](url)",
    "```python\nmodel = load('your-username/your-model')\n```",
    "```bibtex\n@misc{x,\n  author = {YOUR NAME},\n}\n```",
    '```python\nload("[your-model-path]")\n```',
    "```js\npipeline('text-generation', 'YOUR_MODEL_URL')\n```",
]
MEANT = [
    "See [the paper](https://example.org/a) and [this one][1].\n\n[1]: https://example.org/b",
    "As shown before [1], [2, 3], [Yang et al., 2024] and [^4].\n\n[^4]: a note",
    "- [x] trained\n- [ ] evaluated",
    "> [!NOTE]\n> Mind the step.",
    "The prompt is `[INST] {question} [/INST]`, with [MASK] and [SEP] between.",
    "Losses lie in [0.1, 0.9] and shapes are [batch, length].",
    "```python\nx = [your for your in items]\nscores[label]\n```",
    "```bash\ncurl -H 'Authorization: Bearer YOUR_API_KEY' https://example.org\n```",
    "```python\nlogin('your_token_here')\n```",
    "Evaluate your model on your own data before you deploy it.",
    "| [Model A](https://example.org) | 3.1 |",
    "<!-- [More Information Needed] -->\nDone.",
    "## To do\n\nNothing.",
    "See the [TODO list](https://example.org/todo) of the project.",
    "XXX was a film. TODO apps are a benchmark domain.",
    "![A loss curve [smoothed]](https://example.org/a.png)",
]


@pytest.mark.parametrize("body", LEFT)
def test_a_placeholder_is_found(body: str) -> None:
    """One that a template's author left to be filled."""
    assert rules(body) == {"placeholder"}


@pytest.mark.parametrize("body", MEANT)
def test_brackets_that_are_meant_are_left_alone(body: str) -> None:
    """Links, notes, boxes, tokens, intervals, code, and what the reader has to give."""
    assert findings(body) == []


def test_each_line_is_reported_once_with_its_number() -> None:
    """Lines are counted from the card's first."""
    text = f"{GOOD_MATTER}\n# [Your Model Name]\n\n- **A**: [X] of [X]\n"
    first = GOOD_MATTER.count("\n") + 2
    assert [one.line for one in check_card(text)] == [first, first + 2]


def test_the_hubs_template_is_found_empty() -> None:
    """Every field of it."""
    template = default_hub_template()
    found = [one for one in check_card(template) if one.rule == "placeholder"]
    assert len(found) == template.count("[More Information Needed]")


def test_a_trainers_card_has_none() -> None:
    """TRL's card names its model; the misspelt key that it writes is a hint."""
    found = check_card(trl_card("google/gemma-3-4b-it"))
    assert {one.severity for one in found} == {"hint"}


def test_our_own_sections_have_none() -> None:
    """What a section says in brackets is a citation."""
    for file in sorted((Path(__file__).parents[1] / "golden").glob("section_*.md")):
        assert findings(file.read_text(encoding="utf-8")) == [], file.name
