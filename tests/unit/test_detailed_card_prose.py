"""A person's own Markdown in a detailed card: alive where it is prose, harmless where it is not; stages listed."""

from __future__ import annotations

import re

import pytest
from detailed_cards import TODAY, complete_card
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from section_stages import after, stage

from cardcallback.detailed_card.prose import as_cell, as_list, as_live_cell, as_prose


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("**Bold**, _slanted_ and `code`", "**Bold**, *slanted* and `code`"),
        ("See [the paper](https://example.org/a_b).", "See [the paper](https://example.org/a_b)."),
        ("[run](javascript:alert(1)) and [file](../secret)", r"\[run\](javascript:alert(1)) and file"),
        ("![a chart](https://example.org/c.png)", "[a chart](https://example.org/c.png)"),
        ("Look!<https://example.org>", r"Look\![https://example.org](https://example.org)"),
        ("a\n- &nbsp;", "a\n\\- &amp;nbsp;"),
        ("5 * 3 * 2, a_b_c, **open", r"5 \* 3 \* 2, a_b_c, \*\*open"),
        ("<b>tag</b> & <!-- comment -->", "&lt;b&gt;tag&lt;/b&gt; &amp; &lt;!-- comment --&gt;"),
        ("# Not a section", "**Not a section**"),
        ("a\n===\n---", "a\n\\===\n\\---"),
        ("`` a ` b ``", "``a ` b``"),
        ("- **first**\n- second", "- **first**\n- second"),
        ('```python\nprint("<b>")\n  x\n````\nafter', '```python\nprint("<b>")\n  x\n```\nafter'),
        ("```\nnever closed", "\\`\\`\\`\nnever closed"),
    ],
)
def test_prose_keeps_its_inline_markup(text: str, printed: str) -> None:
    """And nothing that would change the card's sections or leave its page."""
    assert as_prose(text) == printed


@pytest.mark.parametrize("unseen", ["\u200b", "\x00", "\u00ad", "\u2060"])
def test_nothing_invisible_ends_a_block_of_code(unseen: str) -> None:
    """What looks like the block's end is its end: behind it headings and tags are text again."""
    text = f"```\n`{unseen}``\n# Heading <b>x</b>\n```"
    assert as_prose(text).splitlines()[:3] == ["```", "```", "**Heading &lt;b&gt;x&lt;/b&gt;**"]


@pytest.mark.parametrize(
    "text",
    [
        "a&#10;# H",
        "&NewLine;# H",
        "*a*&#10;# H",
        "a&#x0a;<b>",
        "&#8232;- b",
        "*&#10;# H*",
        "*&nbsp;a*",
        "**b**&#13;> q",
    ],
)
def test_an_entity_begins_no_line(text: str) -> None:
    """A line's end that is written as an entity would begin a heading, or end a table."""
    for written in (as_prose(text), as_live_cell(text), as_list([text])):
        assert len(written.splitlines()) == 1
    types = {token.type for token in MarkdownIt().parse(as_prose(text))}
    assert types == {"paragraph_open", "inline", "paragraph_close"}


PIECES = ("a", "# ", "\n", "```", "~~~", "`", "*", "**", "_", "- ", "1. ", "> ", "<b>", "<!--", "[x](http://a.b)", "[",
          "]", "![", "!", "|", "---", "===", "&#10;", "&NewLine;", "&#35; ", "&nbsp;", "\u200b", "\x00", "\t", "    ",
          "\\", "\u2028", "<http://a.b>", "[r]: http://e", "<div>\n")  # fmt: skip
OF_PROSE = re.compile(
    r"(paragraph|bullet_list|ordered_list|list_item|em|strong|link)_(open|close)|inline|fence|text|softbreak|code_inline"
)


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
def test_whatever_a_person_writes_is_prose(text: str) -> None:
    """No heading, table, picture or tag comes from it, and a cell ends where it should."""
    reader = MarkdownIt("gfm-like", {"linkify": False})
    for written in (as_prose(text), as_list([text])):
        tokens = [part for token in reader.parse(written) for part in (token, *(token.children or ()))]
        assert [token.type for token in tokens if not OF_PROSE.fullmatch(token.type)] == []
    row = reader.parse(f"| a | b |\n|---|---|\n| {as_live_cell(text)} | end |\n")
    assert [token.content for token in row if token.type == "inline"][-1] == "end"
    assert row[-1].type == "table_close"


def test_a_cell_stays_one_cell() -> None:
    """A bar is text in it, in code and in an address too."""
    assert as_live_cell("**a | b** and `c|d`") == r"**a \| b** and `c\|d`"
    assert as_live_cell("[x](https://example.org/?a|b)") == "[x](https://example.org/?a%7Cb)"
    assert as_list(["`max_length` of **8,192**", "- dash"]) == "- `max_length` of **8,192**\n- \\- dash"
    assert as_cell("**name**") == r"\*\*name\*\*"


def test_stages_before_the_run_are_listed() -> None:
    """Each with method, data, time and energy, below the procedure; a run without one before it has no table."""
    text = complete_card().render(after(stage()), generated_on=TODAY)
    procedure = text[text.index("### Training Procedure") : text.index("### Hyperparameters")]
    assert "\n\n| Stage | Method | Base | Data | Time |" in procedure
    assert "SFT" in procedure
    assert "| Together |" in procedure
    assert "\n\n\n" not in text
    assert "| Stage |" not in complete_card().render(generated_on=TODAY)
