"""Whatever a card holds, only what is ours changes, and composing twice is composing once."""

from __future__ import annotations

import pytest
from card_checks import only_fills_changed
from card_inputs import again, compose, with_place
from hypothesis import given, settings
from hypothesis import strategies as st

from cardcallback.errors import CardCallbackError
from cardcallback.render.card.front_matter import split_card
from cardcallback.render.card.matter_data import parse_matter
from cardcallback.render.card.section_block import (
    SECTION_BEGIN,
    SECTION_END,
)
from cardcallback.testing import make_record

PIECES = st.sampled_from(
    [
        "# Title",
        "## Environmental Impact",
        "## Citation",
        "### Hardware",
        "[More Information Needed]",
        "- **Hours used:** [More Information Needed]",
        "- **LoRA Rank**: [X]  ",
        "  - **Epochs:** 3",
        "| Parameter | Value |\n|---|---|\n| LoRA Alpha | [e.g., 128] |\n| Other | [X] |",
        "```python\n- **Epochs:** [X]\n```",
        "```",
        "<!-- a comment -->",
        "<!--",
        "<details>",
        "---",
        "Prose with [a link](x) and *marks*.",
        "- **Hardware:** NVIDIA DGX Spark",
        "> **Training Time:** [X]",
        "This model is a fine-tuned version of [None](https://huggingface.co/None).",
        SECTION_BEGIN,
        f"{SECTION_END} 0123456789abcdef -->",
        "$x$ é 漢 \u2028 \x0b end",
        "\t- **Epochs:** [X]",
        "",
    ]
)
NEWLINES = st.sampled_from(["\n", "\r\n", "\n\n", "\r\n\r\n", "\r"])
MATTERS = st.sampled_from(
    [
        "",
        "---\nlicense: mit # why\n---\n",
        "---\r\ntags:\r\n  - 'a'\r\n\r\n# c\r\nlanguage: [no]\r\n---\r\n",
        "---\n{}\n---\n",
        "---\n---\n",
        "\n---\nbase_model: /home/ada/x\n---",
        "---\nco2_eq_emissions: 3\nbase_model: a/b\n---\n",
    ]
)


@st.composite
def cards(draw: st.DrawFn) -> str:
    """A card of pieces that mean something, put together in any order and with any line ends."""
    parts = draw(st.lists(st.tuples(PIECES, NEWLINES), max_size=14))
    return draw(st.sampled_from(["", "\ufeff"])) + draw(MATTERS) + "".join(piece + end for piece, end in parts)


@settings(deadline=None)
@given(body=cards(), kind=st.sampled_from(["person", "template", "trainer", "hub template"]), placed=st.booleans())
def test_any_card_changes_only_where_it_may(body: str, kind: str, placed: bool) -> None:  # noqa: FBT001  hypothesis calls it by name
    """Outside fills, our section and the keys we own not a byte changes, and twice is once."""
    record = with_place() if placed else make_record()
    try:
        composed = compose(body, record, body_kind=kind)
    except CardCallbackError:
        if not split_card(body).body_begins_like_matter:
            with pytest.raises(CardCallbackError):
                parse_matter(split_card(body).matter)
        return
    only_fills_changed(split_card(body).body, composed)
    before, after = parse_matter(split_card(body).matter), parse_matter(split_card(composed.text).matter)
    owned = {"base_model", "base_model_relation", "co2_eq_emissions"}
    if kind in {"trainer", "hub template"} and "library_name" not in before:
        owned.add("library_name")
    assert {key: value for key, value in after.items() if key not in owned} == {
        key: value for key, value in before.items() if key not in owned
    }
    assert again(composed, record, body_kind=kind).text == composed.text
    assert compose(composed.text, record, body_kind=kind).text == composed.text
    assert composed.text.startswith("\ufeff") == body.startswith("\ufeff")


@settings(deadline=None)
@given(body=st.text(max_size=200))
def test_any_text_at_all_is_kept(body: str) -> None:
    """What is no card is still somebody's text."""
    try:
        composed = compose(body)
    except CardCallbackError:
        return
    assert split_card(body).body in composed.text
    assert again(composed, make_record()).text == composed.text
