"""Whatever a card is made of, filling it changes placeholders and nothing else, and can be undone and repeated."""

from __future__ import annotations

import pytest
from card_inputs import with_place
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_templates import nothing_known

from cardcallback.render.card.filling import fill_placeholders

LABELS = st.sampled_from(
    ["LoRA Rank", "Training Time", "Training Time (hours)", "Energy", "Batch Size", "Learning Rate", "Hardware",
    "Date",
     "Peak Memory", "Carbon Emissions", "Perplexity", "Base Model", "Dataset Size", "Author", "Größe", "学習率", "عدد",
     "Optimizer", "[Dataset 1]", "`lora_r`", "**Epochs**", "GPU", "Training loss", "x", ""]
)  # fmt: skip
# None of a person's texts is the run's own value: the two could not be told apart.
VALUES = st.sampled_from(
    ["[X]", "~[X] minutes", "[e.g., 64]", "[X] (effective [X] with gradient accumulation)",
    "[X] with [scheduler] schedule",
     "TBD", "____", "…", "{{ rank }}", "<value>", "", "17", "[X](u)", "`[X]`", "**[X]**", "[x]", "\\[X\\]", "a|b",
     "a \\| [X]",
     "NVIDIA DGX Spark", "[More Information Needed]", "<!-- c -->", "[X] <!-- c -->", "[[X]]", "値 [X] 値",
     "\u200f[X]", "[X]  ", "*[X"]
)  # fmt: skip
HEADINGS = st.sampled_from(
    ["# Card: [Your Model Name]", "## Training", "## Training Data", "### Hardware", "## Inference",
    "## Performance Metrics",
     "## Environmental Impact", "**Training Stages:**", "Title\n===", "###### [X] ######", "## 訓練", "#"]
)  # fmt: skip
FIXED = st.sampled_from(
    ["```\n- **LoRA Rank:** [X]\n```", "~~~~\n| LoRA Rank | [X] |", "<!-- - **LoRA Rank:** [X] -->",
    "<div>\n**Epochs:** [X]\n</div>",
     "    - **LoRA Rank:** [X]", "[X]: http://a.b", "1. [Stage 1]\n2. [Stage 2]",
     "* a\n  * **Epochs:** [X]\n\n    [X]\n", "---", "> > **Epochs:** [X]",
     "<details>", "We trained for [X] epochs on [X] GPUs.", "[^1]: Training Time: [X] hours", "VRAM: [X] / [X] GB",
     "Epochs\uff1a[X]", "{% if x %}", "\\", "| a |\n|---|", "This model is a fine-tuned version of [a/b](https://huggingface.co/a/b).",
     "\u2028", "\x0b[X]\x85", "\t[X]"]
)  # fmt: skip
NEWLINES = st.sampled_from(["\n", "\r\n", "\r"])


def html_table(rows: list[tuple[str, str]]) -> str:
    """A table in HTML."""
    cells = "\n".join(f"<tr><td>{one}</td><td> {other}</td></tr>" for one, other in rows)
    return f"<table>\n<tr><th>P</th><th>Value</th></tr>\n{cells}\n</table>\n"


@st.composite
def cards(draw: st.DrawFn) -> str:
    """Labelled values in lists, tables, quotations and paragraphs between headings, code and HTML."""
    parts: list[str] = []
    for kind in draw(st.lists(st.integers(0, 7), max_size=10)):
        label, value = draw(LABELS), draw(VALUES)
        if kind == 0:
            parts.append(draw(HEADINGS))
        elif kind == 1:
            parts.append(draw(FIXED))
        elif kind == 2:
            parts.append(f"{draw(st.sampled_from(['- ', '  - ', '1) ', '> * ', '- [ ] ']))}**{label}:** {value}")
        elif kind == 3:
            rows = [(label, value), (draw(LABELS), draw(VALUES))]
            parts.append("| P | Value |\n|---|---|\n" + "\n".join(f"| {one} | {other} |" for one, other in rows))
        elif kind == 4:
            head = draw(st.sampled_from(["| Dataset | Size | Source |", "| Metric | Base | Fine-tuned |", "|a|b|c|"]))
            parts.append(f"{head}\n|:--|--:|---|\n|{label}|{value}|{draw(VALUES)}|\n| [X] | {value} | |")
        elif kind == 5:
            parts.append(f"{label}: {value}")
        else:
            parts.append(value if kind == 6 else html_table([(label, value), (draw(LABELS), draw(VALUES))]))
    # Right behind bold a value is given a blank of its own, which stays.
    gaps = [draw(st.sampled_from(["\n", "\n\n", *([] if part.endswith("**") else [""])])) for part in parts]
    text = "".join(part + gap for part, gap in zip(parts, gaps, strict=True))
    return text.replace("\n", draw(NEWLINES))


def put_back(text: str, first: object) -> str:
    """The card after a run of which nothing is known."""
    return fill_placeholders(text, nothing_known(), known=first.fills).text  # type: ignore[attr-defined]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(body=cards())
def test_filling_can_be_repeated_and_undone(body: str) -> None:
    """Twice is once, and every byte comes back where nothing is known any more."""
    first = fill_placeholders(body, with_place())
    again = fill_placeholders(first.text, with_place(), known=first.fills)
    assert (again.text, again.fills) == (first.text, first.fills)
    assert put_back(first.text, first) == body


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(body=st.text(alphabet="[]X*_`|<>!-#: \n\r\\{}()&~=.1\uff41é漢\u202e\ufeff\0", max_size=60))
def test_any_text_at_all_survives(body: str) -> None:
    """No text makes it fail, and what is no label of ours stays."""
    first = fill_placeholders(body, with_place())
    assert first.text == body
    assert fill_placeholders(first.text, with_place(), known=first.fills).text == body


@pytest.mark.parametrize(
    "text",
    [
        "[" * 20_000, "- **Epochs:** " + "[" * 3_000, "*" * 20_000 + "[X]", "- **Epochs:** " + "<!-- " * 20_000,
        "| " * 30_000, "> " * 500 + "[X]", "- " * 200 + "[X]", "`" * 10_001, "{" * 20_000, "(e.g. " * 5_000,
        "<table>" * 5_000, "<table><tr>" + "<td>" * 20_000, "<table>" + "<" * 20_000, "<table>" + "<!" * 20_000,
        "<table>" + "<a " * 20_000, "<table>" + "&" * 20_000, "<table><tr><td a='" * 5_000, "<table>" + "</" * 20_000,
        "We trained " * 2_000 + "[X]", "[^" * 20_000,
        ("| a " * 50 + "|\n") * 2 + "|" + "---|" * 50 + "\n" + ("| [X] " * 50 + "|\n") * 100, "\\" * 50_000,
    ],
)  # fmt: skip
def test_no_text_takes_long(text: str) -> None:
    """Long runs of marks are left alone; the test's own time limit would end a search without end."""
    assert fill_placeholders(text, with_place()).text == text


def test_code_and_comments_are_never_touched() -> None:
    """Neither fences, indented code, comments nor raw HTML that is no table."""
    body = (
        "## Training\n\n```yaml\nlora_rank: [X]\n```\n\n    LoRA Rank: [X]\n\n<!--\n- **LoRA Rank:** [X]\n-->\n\n"
        "<div>\nLoRA Rank: [X]\n</div>\n\n<pre><dl><dt>LoRA Rank</dt><dd>[X]</dd></dl></pre>\n\n"
        "In `LoRA Rank: [X]` and a <!-- LoRA Rank: [X] --> b.\n"
    )
    assert fill_placeholders(body, with_place()).text == body
