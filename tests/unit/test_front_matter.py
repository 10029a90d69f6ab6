"""Front matter is found as the Hub finds it and edited key by key."""

from __future__ import annotations

import math
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from cardcallback.errors import CardCallbackError
from cardcallback.render.card.front_matter import (
    KeyEdit,
    copied,
    edit_keys,
    key_source,
    rewritten,
    set_key,
    split_card,
)
from cardcallback.render.card.matter_data import parse_matter
from cardcallback.render.card.matter_text import plain_decimal, yaml_scalar

MATTER = """\
# made by hand
license: 'apache-2.0'   # checked
base_model: "./models/x"
tags:
  - a
  - b

# who speaks
language:
- en
- no
description: |
  # not a comment
  text
"""


@pytest.mark.parametrize(
    ("text", "matter", "body"),
    [
        ("---\na: 1\n---\n# T\n", "a: 1\n", "# T\n"),
        ("---\r\na: 1\r\n---\r\n# T", "a: 1\r\n", "# T"),
        ("\ufeff---\na: 1\n---\n", "a: 1\n", ""),
        ("\n\n---\na: 1\n---", "a: 1\n", ""),
        ("---\n---\n# T\n", "", "# T\n"),
        ("# T\n\n---\n\nmore\n\n---\n", None, "# T\n\n---\n\nmore\n\n---\n"),
        ("---\nno end", None, "---\nno end"),
        ("", None, ""),
    ],
)
def test_the_front_matter_is_found(text: str, matter: str | None, body: str) -> None:
    """Line ends, a byte order mark, an empty block and a mere rule are told apart."""
    card = split_card(text)
    assert (card.matter, card.body) == (matter, body)


@settings(deadline=None)
@given(text=st.text(alphabet="-\n\r a:#\ufeff{}[]'\"é"))
def test_a_split_card_joins_to_itself(text: str) -> None:
    """Splitting loses and adds nothing."""
    assert split_card(text).join() == text


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        ("a: [1\n", "line"),
        ("- a\n", "keys and values"),
        ("text\n", "keys and values"),
        ("a: 2024-99-99\n", "ValueError"),
        ("a: *nowhere\n", "line"),
        ("\ta: 1\n", "line"),
    ],
)
def test_bad_yaml_is_one_clear_line(bad: str, problem: str) -> None:
    """What cannot be read is refused, with the cure and without repeating the text."""
    with pytest.raises(CardCallbackError, match=problem) as raised:
        parse_matter(bad)
    assert "mend it" in str(raised.value)
    assert "\n" not in str(raised.value)


@settings(deadline=None)
@given(text=st.text(alphabet="abc:-? \n'\"[]{}!&*#|>%@`<~.,0123456789\t\\=é\x85\u2028", max_size=60))
def test_hostile_yaml_raises_only_our_error(text: str) -> None:
    """Whatever stands in a card, reading it ends in data or in one clear line."""
    try:
        parse_matter(text)
    except CardCallbackError as error:
        assert "\n" not in str(error)  # noqa: PT017  the fuzz has two good outcomes


def remove_key(matter: str, key: str) -> str:
    """The front matter without a key."""
    return edit_keys(matter, {key: KeyEdit()})


def test_setting_a_key_touches_its_lines_only() -> None:
    """Comments, quotes, empty lines and order stay."""
    edited = set_key(MATTER, "base_model", "google/gemma-3-4b-it")
    assert edited == MATTER.replace('base_model: "./models/x"', "base_model: google/gemma-3-4b-it")


def test_a_list_is_replaced_up_to_the_comment_of_the_next_key() -> None:
    """What stands between two keys belongs to the person."""
    edited = set_key(MATTER, "tags", ["c"])
    assert edited == MATTER.replace("tags:\n  - a\n  - b\n", "tags:\n- c\n")


def test_a_removed_key_leaves_the_rest() -> None:
    """Removing takes the key's own lines."""
    assert remove_key(MATTER, "tags") == MATTER.replace("tags:\n  - a\n  - b\n", "")


def test_a_block_scalar_goes_as_a_whole() -> None:
    """A line that only looks like a comment is part of the text it stands in."""
    assert remove_key(MATTER, "description") == MATTER[: MATTER.index("description")]


@pytest.mark.parametrize("matter", ["{}\n", "", "{ }\n", "# only a comment\n"])
def test_the_first_key_of_an_empty_block(matter: str) -> None:
    """The empty mapping that tools write gives way to the first key."""
    assert parse_matter(set_key(matter, "a", 1)) == {"a": 1}


@pytest.mark.parametrize(
    ("matter", "added"),
    [
        ("{a: 1, b: 2}\n", '{a: 1, b: 2, c: {"d": [1, "x: y"]}}\n'),
        ("{a: 1, b: 2,}\n", '{a: 1, b: 2, c: {"d": [1, "x: y"]},}\n'),
        ("{a: 1, # one\n b: [2, 3]} # end\n", '{a: 1, # one\n b: [2, 3], c: {"d": [1, "x: y"]}} # end\n'),
    ],
)
def test_a_mapping_in_braces_stays_one(matter: str, added: str) -> None:
    """A new key goes before its last brace, and what was written stays byte for byte."""
    assert set_key(matter, "c", {"d": [1, "x: y"]}) == added
    assert parse_matter(added)["c"] == {"d": [1, "x: y"]}


def test_a_key_in_braces_is_replaced_and_taken_out() -> None:
    """With its comma; several edits at once keep their order."""
    matter = "{a: 1, b: [2, 3], c: x}\n"
    assert set_key(matter, "b", "y") == '{a: 1, b: "y", c: x}\n'
    assert remove_key(matter, "a") == "{b: [2, 3], c: x}\n"
    assert remove_key(matter, "c") == "{a: 1, b: [2, 3]}\n"
    both = edit_keys(matter, {"d": rewritten("d", 4), "a": rewritten("a", 5), "e": rewritten("e", 6)})
    assert both == "{a: 5, b: [2, 3], c: x, d: 4, e: 6}\n"


@pytest.mark.parametrize(
    ("matter", "gone", "left"),
    [
        ("{a: 1}\n", "a", "{d: 4}\n"),
        ("{a: 1, }\n", "a", "{d: 4, }\n"),
        ("{a: 1, b: 2, c: 3}\n", "bc", "{a: 1, d: 4}\n"),
        ("{a: 1, b: 2, c: 3}\n", "ab", "{c: 3, d: 4}\n"),
        ("{a: 1, b: 2, c: 3}\n", "ac", "{b: 2, d: 4}\n"),
    ],
)
def test_keys_in_braces_give_way_to_another(matter: str, gone: str, left: str) -> None:
    """Whichever of them go at once, one comma parts those that stay."""
    assert edit_keys(matter, {**{key: KeyEdit() for key in gone}, "d": rewritten("d", 4)}) == left


def test_two_keys_on_a_line_without_braces_are_refused() -> None:
    """What cannot be edited without touching something else is left alone: a key twice, a document that is a list."""
    with pytest.raises(CardCallbackError, match="a twice"):
        set_key("{a: 1, a: 2}\n", "a", 3)
    with pytest.raises(CardCallbackError, match="front matter"):
        set_key("- a\n", "c", 3)


def test_an_indented_block_keeps_its_indent() -> None:
    """New keys line up with the old ones."""
    assert set_key("  a: 1\n  b: 2\n", "c", {"d": 1}) == "  a: 1\n  b: 2\n  c:\n    d: 1\n"


def test_windows_line_ends_stay() -> None:
    """Edited lines end like the others."""
    assert set_key("a: 1\r\nb: 2\r\n", "a", "x/y", newline="\r\n") == "a: x/y\r\nb: 2\r\n"


def test_lines_of_another_card_are_taken_over_as_they_are() -> None:
    """A quoted "no" stays a string for every reader."""
    source = key_source("language:\n- 'no'\nother: 1\n", "language")
    assert source == "language:\n- 'no'\n"
    assert edit_keys("a: 1\n", {"language": copied(source, ["no"])}) == "a: 1\nlanguage:\n- 'no'\n"


def test_lines_that_mean_nothing_alone_are_refused() -> None:
    """An alias whose anchor stays behind."""
    source = key_source("a: &x [1, 2]\nb: *x\n", "b")
    assert source == "b: *x\n"
    with pytest.raises(CardCallbackError, match="cannot take b"):
        edit_keys("", {"b": copied(source, [1, 2])})


def test_several_edits_at_once() -> None:
    """Each where its key stands, new ones at the end in their order, the rest untouched."""
    edits = {
        "tags": KeyEdit(),
        "z": copied("z: 1", 1),
        "license": copied("license: mit", "mit"),
        "y": copied("y: 2", 2),
    }
    edited = edit_keys(MATTER, edits)
    assert edited == MATTER.replace("tags:\n  - a\n  - b\n", "").replace("'apache-2.0'", "mit") + "z: 1\ny: 2\n"


@pytest.mark.parametrize(
    ("value", "text"),
    [(37.0, "37"), (0.00012, "0.00012"), (5.7e-07, "0.00000057"), (1.5e21, "1500000000000000000000"), (41110, "41110")],
)
def test_numbers_are_plain_decimals(value: float, text: str) -> None:
    """The Hub's filter misreads an exponent."""
    assert plain_decimal(value) == text


@settings(deadline=None)
@given(value=st.floats(allow_nan=False, allow_infinity=False, min_value=1e-12, max_value=1e18))
def test_plain_decimals_lose_nothing(value: float) -> None:
    """Read back they are the same number."""
    assert math.isclose(float(plain_decimal(value)), value, rel_tol=1e-15)
    assert "e" not in plain_decimal(value)


SCALARS = st.one_of(st.text(), st.booleans(), st.integers(-(10**9), 10**9), st.none())


@settings(deadline=None)
@given(value=SCALARS)
def test_scalars_read_alike_in_both_yaml_versions(value: Any) -> None:
    """Norway's code, numbers as text and odd characters survive PyYAML (1.1) and ruamel.yaml (1.2)."""
    line = f"key: {yaml_scalar(value)}\n"
    assert yaml.safe_load(line) == {"key": value}
    assert parse_matter(line) == {"key": value}


@settings(deadline=None)
@given(
    data=st.dictionaries(
        # Names begin with a letter: ruamel.yaml cannot read a key such as "-_", and such a card is refused.
        st.from_regex(r"[a-f][a-f_-]{0,7}", fullmatch=True),
        st.one_of(SCALARS, st.lists(SCALARS, min_size=1, max_size=3)),
        max_size=5,
    ),
    width=st.sampled_from([20, 80, 10_000]),
    value=st.one_of(SCALARS, st.lists(SCALARS, min_size=1, max_size=3)),
)
def test_any_dumped_block_takes_a_key_and_gives_it_back(data: dict[str, Any], width: int, value: Any) -> None:
    """Adding a key appends only, and removing it gives back every byte."""
    matter = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=width) if data else ""
    edited = set_key(matter, "zzz", value)
    assert edited.startswith(matter)
    # Not with ``data``: PyYAML itself reads a next-line character that it wrote as a space.
    assert yaml.safe_load(edited) == {**(yaml.safe_load(matter) or {}), "zzz": value}
    assert remove_key(edited, "zzz") == matter


ALIASES = "".join(f"b{level}: &b{level} [*b{level - 1}, *b{level - 1}]\n" for level in range(1, 40))


@pytest.mark.parametrize(
    ("matter", "words"),
    [
        ("a: " + "x" * 300_000 + "\n", "longer than 256 KiB"),
        (f"b0: &b0 [x, x]\n{ALIASES}", "refers to its own parts"),
        ("a: " + "[" * 2000 + "]" * 2000 + "\n", "not valid YAML"),
    ],
)
def test_yaml_made_to_exhaust_its_reader_is_refused(matter: str, words: str) -> None:
    """Too long, too deep, or a few lines that stand for more values than there is memory: one line each."""
    with pytest.raises(CardCallbackError, match=words) as raised:
        parse_matter(matter)
    assert "\n" not in str(raised.value)


def test_what_is_read_may_be_changed_by_its_reader() -> None:
    """The data is read once; taking a key out of it takes it out for nobody else."""
    assert parse_matter("a: 1\n").pop("a") == 1
    assert parse_matter("a: 1\n") == {"a": 1}


def test_an_anchor_used_twice_is_nobodys_news(recwarn: pytest.WarningsRecorder) -> None:
    """YAML allows it; a person who trains hears nothing of it, and warnings as errors change nothing."""
    assert parse_matter("a: &x 1\nb: &x 2\nc: *x\n") == {"a": 1, "b": 2, "c": 2}
    assert not recwarn.list
