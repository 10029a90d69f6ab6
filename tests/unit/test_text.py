"""Escaping: an outside string reads as itself and does nothing else."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from cardcallback.render.text import (
    LONGEST_TEXT,
    as_paragraph,
    clean,
    escape_line,
    escape_markdown,
    escape_picture,
    join_words,
    public_reason,
    table_row,
)

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
MARKS = st.text(alphabet=st.sampled_from("ab1 \\`*_[]()<>#!~$&;-+=.|'\"\n\t"), max_size=40)


def read(rendered: str) -> str:
    """The text a browser shows for an HTML fragment without tags of its own."""
    return html.unescape(rendered)


@given(MARKS)
def test_markdown_reads_as_the_cleaned_string(text: str) -> None:
    """Inside a sentence every string comes out as its own characters, with no element around any of them."""
    inner = MARKDOWN.renderInline(f"a {escape_markdown(text, 100)} b")
    assert "<" not in inner
    assert " ".join(read(inner).split()) == " ".join(f"a {clean(text, 100)} b".split())


@given(MARKS)
def test_a_cell_stays_one_cell(text: str) -> None:
    """A string in a table row makes neither a further cell nor a further row, and reads as itself."""
    table = "\n".join(["| a | b |", "|---|---|", table_row(f"x{escape_markdown(text, 100)}x", "y")])
    cells = re.findall(r"<td>(.*?)</td>", MARKDOWN.render(table))
    assert len(cells) == 2
    assert read(cells[0]) == f"x{clean(text, 100)}x" or read(cells[0]).split() == f"x{clean(text, 100)}x".split()


@given(MARKS)
def test_a_line_begins_no_block(text: str) -> None:
    """At the start of a line a string is a paragraph, never a heading, list, quotation, rule or code."""
    rendered = MARKDOWN.render(escape_line(text, 100))
    assert not re.search(r"<(?!/?p>)", rendered)


@given(st.text())
def test_cleaned_text_is_one_visible_line(text: str) -> None:
    """Nothing invisible, no line break, no more than asked for."""
    line = clean(text, 50)
    assert len(line) <= 50
    assert line.isprintable()
    assert clean(line, 50) == line


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("google/gemma-3-4b-it", "google/gemma-3-4b-it"),
        ("paged_adamw_8bit", "paged_adamw_8bit"),
        ("5.23.0", "5.23.0"),
        ("a|b", "a\\|b"),
        ("_x_", "\\_x\\_"),
        ("<b>", "&lt;b&gt;"),
        ("two\nlines", "two lines"),
    ],
)
def test_ordinary_names_stay_legible_in_the_source(text: str, expected: str) -> None:
    """Only what would act is escaped, so that the card's source can be read too."""
    assert escape_markdown(text) == expected


def test_long_strings_are_cut_with_a_mark() -> None:
    """A string of any length takes the room it is given, and shows that it was cut."""
    assert clean("x" * 500, 10) == "x" * 9 + "…"


def test_pictures_get_only_letters_their_font_has() -> None:
    """A glyph beyond Latin becomes a question mark instead of an empty box and a warning."""
    assert escape_picture("Modèle 模型 $x$") == "Modèle ?? $x$"


@pytest.mark.parametrize(
    ("words", "expected"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_words_are_joined_as_in_a_sentence(words: list[str], expected: str) -> None:
    """Commas, and a final "and"."""
    assert join_words(words) == expected


@pytest.mark.parametrize("text", [" " * 1_000_000 + "end", "; set " * 200_000, "(set " * 200_000, "x" * 1_000_000])
def test_endless_strings_are_short_work(text: str) -> None:
    """Of a megabyte only the beginning is looked at, and what is left out shows."""
    assert len(clean(text)) <= LONGEST_TEXT
    assert clean(text).endswith("…")
    assert len(public_reason(text)) <= 4 * LONGEST_TEXT


@given(MARKS)
def test_a_paragraph_begins_no_block(text: str) -> None:
    """What is escaped for the inside of a sentence may begin one too."""
    rendered = MARKDOWN.render(as_paragraph(escape_markdown(text, 100)))
    assert not re.search(r"<(?!/?p>)", rendered)


@pytest.mark.parametrize("text", ["1.5 hours", "1 h 52 min", "[a/b](https://huggingface.co/a/b)", "r 16"])
def test_an_ordinary_value_begins_as_it_is(text: str) -> None:
    """A figure is no item of a list."""
    assert as_paragraph(text) == text
