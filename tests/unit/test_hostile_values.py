"""Whatever a model, a data set, a device or a sensor is called: it is text in all that we write, and nothing else."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml
from folder_cards import open_folder
from hostile_records import HOSTILE, hostile_record
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from cardcallback.record import RunRecord, decode, encode
from cardcallback.render.card import ComposedCard, render_card
from cardcallback.render.card.filling import default_label_map
from cardcallback.render.card.front_matter import split_card
from cardcallback.render.card.labels import each
from cardcallback.render.pictures import draw_pictures

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
STRUCTURE = {"heading_open", "table_open", "tr_open", "td_open", "th_open", "list_item_open", "blockquote_open", "hr"}
STRUCTURE |= {
    "link_open",
    "image",
    "html_inline",
    "html_block",
    "code_inline",
    "fence",
    "code_block",
    "s_open",
    "em_open",
}
KEYS = {"base_model", "base_model_relation", "co2_eq_emissions", "library_name", "license"}


def asking_for_everything() -> str:
    """A template that asks for every value that we know of, by label, in a table and by heading."""
    parts = ["---\nlicense: mit\n---\n# Template\n"]
    # One label of each value, and one heading where these stand alone: the others are filled by the same rule.
    rows = {(row.value, bool(each(row.label)), each(row.column)): row for row in reversed(default_label_map().rows)}
    for row in reversed(rows.values()):
        if row.value is None:
            continue
        heading, label = next(iter(each(row.heading)), "Any"), next(iter(each(row.label)), None)
        if label is None:
            parts.append(f"## {heading}\n\n[fill me]\n")
        else:
            section = next(iter(row.section), heading)
            parts.append(f"## {section}\n\n- **{label}:** [fill me]\n")
            parts.append(
                f"| Parameter | {next(iter(each(row.column)), 'Value')} |\n|---|---|\n| {label} | [fill me] |\n"
            )
    for examples in default_label_map().examples:
        columns = [next(iter(each(names))) for names in examples.columns.values()]
        parts.append(f"## {next(iter(each(examples.heading)))}\n\n- [fill me]\n\n| {' | '.join(columns)} |\n")
        parts[-1] += f"|{'---|' * len(columns)}\n|{' [fill me] |' * len(columns)}\n"
    return "\n".join(parts)


TEMPLATE = asking_for_everything()


def card_of(record: RunRecord) -> ComposedCard:
    """The filled template with our section."""
    return render_card(record, body=TEMPLATE, body_kind="template", pictures=True)


def structure(text: str) -> Counter[str]:
    """How many of each element a reader's browser gets; comments and tags by their text."""
    return Counter(_kinds(MARKDOWN.parse(split_card(text).body)))


def _kinds(tokens: Iterable[Token]) -> Iterable[str]:
    for token in tokens:
        if token.type in STRUCTURE:
            tag = re.sub(r"end [0-9a-f]{16}", "end", token.content) if token.type.startswith("html") else ""
            yield f"{token.type} {tag if len(tag) < 200 else 'long'}"
        yield from _kinds(token.children or ())


TAME = structure(card_of(hostile_record("x y")).text)


def is_harmless(text: str) -> None:
    """The card of a record whose every text is ``text`` has the shape, keys and letters of a tame one."""
    record = hostile_record(text)
    card = card_of(record).text
    assert {kind: count for kind, count in structure(card).items() if count > TAME[kind]} == {}
    matter = yaml.safe_load(split_card(card).matter or "")
    assert set(matter) <= KEYS
    assert all(isinstance(value, (str, int, float)) for value in _values(matter))
    assert not [letter for letter in card if unicodedata.category(letter)[0] == "C" and letter != "\n"]
    assert len(card) < 200_000
    written = encode(record)
    assert written.encode()
    assert len(decode(written.encode()).record.notes) == len(record.notes)


def _values(matter: dict[str, Any]) -> Iterable[Any]:
    for value in matter.values():
        yield from _values(value) if isinstance(value, dict) else [value]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:24]))
def test_a_hostile_value_is_text(text: str) -> None:
    """No tag, link, picture, heading, row, key or control comes from it."""
    is_harmless(text)


@settings(max_examples=120, deadline=None)
@given(st.text(alphabet=st.sampled_from("ab1 \n\t|\\`*_[]()<>#!~$&-+=.:/@'\"{}%?,\u202e\x1b\ud800é漢"), max_size=40))
def test_any_value_is_text(text: str) -> None:
    """As above, for what nobody thought of; between letters, since a name of letters alone may be a model's."""
    is_harmless(f"a {text} b")


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:24]))
def test_a_picture_takes_any_value(text: str, tmp_path: Path) -> None:
    """No formula, no endless label, no text of others in the file's own fields."""
    drawn = draw_pictures(hostile_record(text), tmp_path)
    assert drawn
    for path in drawn:
        content = path.read_bytes()
        assert content.startswith(b"\x89PNG")
        assert not {b"tEXt", b"iTXt", b"zTXt", b"tIME", b"eXIf"} & set(re.findall(rb"[A-Za-z]{4}", content[8:120]))


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:24]))
def test_no_value_names_a_file(text: str, tmp_path: Path) -> None:
    """A record that says it is of the run "../../x" is set aside under a name of ours, in its own folder."""
    output = tmp_path / "a" / "b" / "out"
    output.mkdir(parents=True)
    (output / "training_run").mkdir()
    (output / "training_run" / "record.json").write_text(encode(hostile_record(text)))
    folder = open_folder(output)
    folder.write_record(hostile_record("tame"))
    files = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    place = "a/b/out/training_run"
    assert files - {"a/b/out/_cardcallback/lock"} == {f"{place}/record.json", f"{place}/record-damaged.json"}
