"""Whatever stands in a front matter, completing a card adds our keys and changes no other byte."""

from __future__ import annotations

import pytest
import yaml
from card_inputs import compose, with_place, without_base
from huggingface_hub import ModelCard
from hypothesis import given, settings
from hypothesis import strategies as st

from cardcallback.errors import CardCallbackError
from cardcallback.render.card.front_matter import KeyEdit, edit_keys, set_key, split_card
from cardcallback.render.card.matter_data import parse_matter
from cardcallback.render.card.matter_text import yaml_lines

OURS = {"base_model", "base_model_relation", "co2_eq_emissions"}
ENTRIES = st.lists(
    st.sampled_from(
        [
            "license: 'mit'   # chosen\n",
            'language: [en, "no", ar] # three\n',
            "tags:\n- trl\n  # between\n- 'sft'\n",
            "tags2:\n    - deep\n    -   deeper # why\n",
            'thumbnail: "a\\u00e9\\\n  b # no comment\n# not one either"\n',
            "title: |+\n  ---\n  # text\n\n\n",
            "summary: >-\n  folded: no key\n  ...\n",
            "anchor: &a [x, y]\nalias: *a\n",
            "merged: &m {k: 1}\nsecond:\n  <<: *m\n  k2: 2\n",
            "widget:\n- text: '😀 שלום 漢字'\n  example_title: \"émoji\"\n",
            "# a comment alone\n\n\n",
            "   # an indented comment\n",
            "number: 1_000\nclock: 12:30\noctal: 0o17\nlone: ~\n",
            "? asked\n: answered\n",
            "'quoted key': 1\n",
            "empty:\n",
            "text: plain\n  over two lines\n",
            'mathematics: "$x^2$ \u2028 # sep"\n',
            "trailing: blanks   \n",
        ]
    ),
    unique=True,
    max_size=8,
)
OUR_OLD = "co2_eq_emissions:  # ours\n  emissions: 9\n  source: 'Calculated by cardcallback: x'\n"
LINE_ENDS = st.sampled_from(["\n", "\r\n"])


@settings(deadline=None)
@given(before=ENTRIES, after=ENTRIES, has_old=st.booleans(), end=LINE_ENDS, mark=st.sampled_from(["", "\ufeff"]))
def test_only_our_keys_change(before: list[str], after: list[str], has_old: bool, end: str, mark: str) -> None:  # noqa: FBT001  hypothesis calls it by name
    """Comments, order, quotes, anchors, blocks of text and line ends stay, and the Hub's client reads the same."""
    after = [entry for entry in after if entry not in before]
    first, last = ("".join(entries).replace("\n", end) for entries in (before, after))
    old = OUR_OLD.replace("\n", end) if has_old else ""
    card = f"{mark}---{end}{first}{old}{last}---{end}# Card{end}{end}---{end}{end}text: not a key{end}"
    composed = compose(card, with_place())
    matter = split_card(composed.text).matter or ""
    head, tail = (first, last) if has_old else (first + last, "")
    assert matter.startswith(head)
    assert matter[len(head) :].count(end) == matter[len(head) :].count("\n")
    assert tail in matter[len(head) :]
    if has_old:
        assert f"co2_eq_emissions:  # ours{end}  emissions: 37{end}" in matter
    read_before, read = (yaml.safe_load(text) or {} for text in (first + old + last, matter))
    assert {key: value for key, value in read.items() if key not in OURS} == {
        key: value for key, value in read_before.items() if key not in OURS
    }
    assert set(read) >= OURS
    assert compose(composed.text, with_place()).text == composed.text
    assert ModelCard(composed.text.removeprefix(mark)).data.to_dict()["co2_eq_emissions"]["emissions"] == 37


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-999, 999), st.floats(-1e9, 1e9, width=32), st.text(max_size=12)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=6), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(value=VALUES)
def test_nested_values_are_read_alike_by_both_readers(value: object) -> None:
    """Lists of mappings of lists, with emoji and small numbers, come back from PyYAML (1.1) and ruamel.yaml (1.2)."""
    text = "\n".join(yaml_lines("key", value)) + "\n"
    assert yaml.safe_load(text) == {"key": value}
    assert parse_matter(text) == {"key": value}


def test_nothing_to_say_changes_nothing() -> None:
    """Not even an empty mapping, which gives way to a first key."""
    card = "---\n{}\n---\n# Mine\n"
    assert compose(card, without_base()).text.startswith(card)


def test_a_document_end_mark_stays_last() -> None:
    """Behind three dots nothing would be read."""
    matter = "license: mit\n# c\n...\n"
    edited = set_key(matter, "a", 1)
    assert edited == "license: mit\n# c\na: 1\n...\n"
    assert edit_keys(edited, {"a": KeyEdit()}) == matter
    assert yaml.safe_load(edited) == {"license": "mit", "a": 1}


@pytest.mark.parametrize(
    ("line", "edited"),
    [
        ("a: 1  # why\n", "a: 2  # why\n"),
        ("a: 'x # y'   # why\n", "a: 2   # why\n"),
        ("a: # why\n- 1\n- 2 # 2\n", "a: 2 # why\n"),
        ("a: 'x\n  # y'\n", "a: 2\n"),
        ("a: |  # why\n  # text\n\n# outside\n", "a: 2  # why\n\n# outside\n"),
        ("a: {b: 1} # of a mapping\n", "a: 2 # of a mapping\n"),
        ("a: &x\n  b: 1 # of b\n", "a: 2\n"),
        ("a: &x # why\n  b: 1\n", "a: 2 # why\n"),
        ("a:\n  b: 1\n  # of b\nz: 1\n", "a: 2\n  # of b\nz: 1\n"),
    ],
)
def test_what_a_person_noted_beside_a_key_stays(line: str, edited: str) -> None:
    """The comment on the key's own line, and comments behind its value, are not ours to remove."""
    assert set_key(line, "a", 2) == edited


def test_a_key_twice_is_left_and_told() -> None:
    """The Hub's client reads such a card, so the run completes it; a key of ours that stands there twice is refused."""
    composed = compose("---\nlicense: mit\ntags: [a]\nlicense: apache-2.0 # newer\n---\n# Mine\n")
    assert composed.text.startswith("---\nlicense: mit\ntags: [a]\nlicense: apache-2.0 # newer\nbase_model:")
    assert any("license twice" in warning for warning in composed.report.warnings)
    with pytest.raises(CardCallbackError, match="base_model twice"):
        compose("---\nbase_model: ./x\nbase_model: ./y\n---\n# Mine\n")


@pytest.mark.parametrize(
    "card",
    [
        "---\nlicense: mit\n# Mine\n",
        "---\nlicense: mit\n...\n# Mine\n",
        "--- # mine\nlicense: mit\n---\n# Mine\n",
        "---   \nlicense: mit\n---\n# Mine\n",
        "\ufeff\r\n---\r\n\r\n# c\r\ntags:\r\n- a\r\n",
    ],
)
def test_front_matter_that_is_not_closed_is_refused(card: str) -> None:
    """A block of ours above it would make the person's keys text for good."""
    with pytest.raises(CardCallbackError, match="does not read") as raised:
        compose(card)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("card", ["---\n\nNote: a rule above text\n", "---\nno end", "---\n\nlanguages: many\n"])
def test_a_rule_at_the_top_is_no_front_matter(card: str) -> None:
    """A card may begin with a rule."""
    assert compose(card).text.startswith("---\nbase_model: google/gemma-3-4b-it\n")


def test_a_second_block_is_told() -> None:
    """Two tools that each put a block on top leave one that is only text."""
    card = "---\nlicense: mit\n---\n---\ntags:\n- a\n---\n# Mine\n"
    composed = compose(card)
    assert "---\n---\ntags:\n- a\n---\n# Mine\n" in composed.text
    assert any("second block" in warning for warning in composed.report.warnings)
    assert not compose("---\nlicense: mit\n---\n# Mine\n").report.warnings


def test_carriage_returns_alone_stay() -> None:
    """A card from an old Macintosh is completed in its own way, and the person hears what the Hub makes of it."""
    card = "---\rlicense: mit # c\rtags:\r- a\r---\r# Mine\r"
    composed = compose(card)
    assert composed.text.startswith("---\rlicense: mit # c\rtags:\r- a\rbase_model: google/gemma-3-4b-it\r")
    assert "\n" not in composed.text
    assert any("carriage return" in warning for warning in composed.report.warnings)
    assert compose(composed.text).text == composed.text


def test_a_trainers_alias_is_resolved() -> None:
    """Its anchor may stand under a key that the person's card has already."""
    trainer = "---\nlicense: &x mit\nlicense_name: *x\ntags: ['a']\n---\n# Card\n"
    text = compose("---\nlicense: other\n---\n# Mine\n", trainer_card=trainer).text
    assert text.startswith("---\nlicense: other\nlicense_name: mit\ntags:\n- a\n")


@pytest.mark.parametrize("matter", ["a: &a\n- *a\n", "a: &a\n  b:\n  - *a\n", "a: &a [*a]\n"])
def test_an_anchor_inside_itself_stays_as_it_is(matter: str) -> None:
    """Such data has no end; its text has."""
    assert compose(f"---\n{matter}---\n# Mine\n").text.startswith(f"---\n{matter}base_model: ")


def test_many_empty_lines_below_a_rule_are_read_once() -> None:
    """Two ways to read each line end would be all combinations of them."""
    assert compose("---\r\n" + "\r\n" * 5000 + "x\r\n").text.startswith("---\r\nbase_model: ")
