"""Placeholders of every style, and brackets that are none."""

from __future__ import annotations

from pathlib import Path

import pytest
from card_inputs import trl_card
from checked import GOOD_MATTER, errors, findings, rules

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
    "Durée : <à compléter>",
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
# Every style of docs/templates.md, beside a label.
STYLES = [
    "[X]", "[e.g., 64]", "~[X] minutes", "`[X]`", "[More Information Needed]", "<value>", "{{ lora_rank }}", "${RANK}",
    "____", "…", "XX.X hours", "X hours", "X B", "TBD", "TODO", "to be determined", "More information needed",
    "e.g., 64", "QLoRA (r=[X], alpha=[X])", "<!-- fill in -->", "(your value)", "####", "?", "{rank}",
]  # fmt: skip
FRAMES = ["- **LoRA rank:** {}\n", "LoRA rank: {}\n", "| P | Value |\n|---|---|\n| LoRA rank | {} |\n"]
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
    "- **BOS token:** <s>\n- **Padding:** <pad>\n- **Mask token:** [MASK]\n- **Turn:** `<start_of_turn>`",
    "| Model | Score |\n|---|---|\n| A | 3 |\n| ... | ... |\n| B | |",
    "- **Optimizer:** AdamW (e.g., with its defaults)\n- **Training regime:** bf16 <!--fp32, fp16-->",
    "It answers questions (e.g., about cars), in sets {a} and ranges <b.\n\n- e.g., summaries\n- for example, chat",
    "- **LoRA rank:** 16\n- **LoRA alpha:** N/A\n- **Seed:** none\n- **Dropout:** unknown\n- **Epochs:** X",
    "## Paper\n\n- **Status:** pending review\n- **Size:** X-large",
]


@pytest.mark.parametrize("body", LEFT)
def test_a_placeholder_is_found(body: str) -> None:
    """One that a template's author left to be filled."""
    assert rules(body) == {"placeholder"}


@pytest.mark.parametrize("placeholder", STYLES)
@pytest.mark.parametrize("frame", FRAMES)
def test_what_a_template_is_filled_by_is_found(frame: str, placeholder: str) -> None:
    """One definition: what would be filled and was not is left, once a line."""
    assert [one.rule for one in errors(frame.format(placeholder))] == ["placeholder"]


@pytest.mark.parametrize("value", ["e.g., 64", "XX.X hours", "to be determined", "…", "<!-- fill in -->"])
def test_a_paragraph_below_its_heading_is_a_value_too(value: str) -> None:
    """The heading is then the label."""
    assert rules(f"## LoRA rank\n\n{value}\n") == {"placeholder"}


@pytest.mark.parametrize("label", ["Our own figure", "Reviewer"])
@pytest.mark.parametrize("placeholder", ["<value>", "${NAME}", "____", "…", "XX.X hours", "X hours", "[e.g., 64]"])
def test_a_label_need_not_be_known(label: str, placeholder: str) -> None:
    """A place that nobody filled is one beside any label."""
    assert rules(f"- **{label}:** {placeholder}\n") == {"placeholder"}


def test_an_empty_cell_of_a_known_label_is_found() -> None:
    """Templates leave room that way too; in a table of results it may say that there is none."""
    assert rules("| P | Value |\n|---|---|\n| LoRA rank | |\n") == {"placeholder"}
    assert findings("| Model | Score | Other |\n|---|---|---|\n| A | | 3 |\n") == []


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


def test_the_form_of_a_date_that_is_described_is_no_placeholder() -> None:
    """Only where a date is asked for."""
    table = "| Column | Form |\n|---|---|\n| `created` | YYYY-MM-DD |\n"
    assert not rules(f"- **Date format:** YYYY-MM-DD\n\n{table}") & {"placeholder"}
    assert "placeholder" in rules("## Training\n\n- Training date: YYYY-MM-DD\n")
