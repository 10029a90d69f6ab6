"""The record as a file."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cardcallback.record
from cardcallback.errors import CardCallbackError
from cardcallback.record import (
    SCHEMA_VERSION,
    Measurement,
    Scope,
    decode,
    encode,
    json_schema,
    load_run,
    not_measured,
)
from cardcallback.testing import make_record

FIXTURES = Path(__file__).parents[1] / "fixtures" / "records"
SCHEMA_FILE = Path(cardcallback.record.__file__).with_name("record.schema.json")


def document(**changes: Any) -> dict[str, Any]:
    """A valid record's document with top-level changes."""
    return json.loads(encode(make_record())) | changes


def test_a_record_survives_its_file() -> None:
    """What was written is what is read."""
    record = make_record()
    assert decode(encode(record).encode()).record == record


def test_the_file_follows_the_published_schema() -> None:
    """The document validates against the JSON Schema that ships with the package."""
    jsonschema.Draft202012Validator(json.loads(SCHEMA_FILE.read_text())).validate(document())


def test_the_published_schema_is_the_one_of_the_types() -> None:
    """The committed schema is not older than the types."""
    assert json.loads(SCHEMA_FILE.read_text()) == json_schema()


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*.json")), ids=lambda path: path.name)
def test_records_of_every_published_version_can_be_read(path: Path) -> None:
    """A file written by an earlier version stays readable, and rewriting it loses nothing."""
    loaded = decode(path.read_bytes())
    rewritten = json.loads(encode(loaded.record, document=loaded.document))
    assert _holds(rewritten, json.loads(path.read_text()))


def test_fields_of_a_newer_writer_are_kept_at_every_depth() -> None:
    """Rewriting a file keeps what this version does not know, also inside lists."""
    newer = document(colour="green")
    newer["energy"]["gpu"]["phase_of_moon"] = 0.5
    newer["sessions"][0]["hardware"]["machine"]["noise_decibels"] = 31
    loaded = decode(json.dumps(newer).encode())
    assert json.loads(encode(loaded.record, document=loaded.document)) == newer


def test_a_newer_version_is_refused_with_the_cure() -> None:
    """A newer major version says: upgrade."""
    with pytest.raises(CardCallbackError, match="upgrade cardcallback") as caught:
        decode(json.dumps(document(schema_version=SCHEMA_VERSION + 1)).encode())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"schema_version": 1}',
        b'{"schema_version": true}',
        b'{"schema_version": "1"}',
        b'{"schema_version": 1, "duration_seconds": NaN}',
        b"[" * 100_000,
        json.dumps(document(duration_seconds="long")).encode(),
        json.dumps(document(sessions=None)).encode(),
        json.dumps(document(duration_seconds=-5)).encode(),
    ],
)
def test_damaged_files_are_refused_in_one_line(content: bytes) -> None:
    """Whatever is wrong with a file, the message is one line and an exit code of 1."""
    with pytest.raises(CardCallbackError) as caught:
        decode(content)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 1


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(content: bytes) -> None:
    """Arbitrary bytes never escape as another kind of error."""
    with pytest.raises(CardCallbackError):
        decode(content)


def test_a_missing_record_is_nothing_to_work_on(tmp_path: Path) -> None:
    """A folder without a record gives exit code 3."""
    with pytest.raises(CardCallbackError) as caught:
        load_run(tmp_path)
    assert caught.value.exit_code == 3


def test_a_folder_stands_for_its_record(tmp_path: Path) -> None:
    """An output folder may be given instead of the file in it."""
    (tmp_path / "training_run").mkdir()
    (tmp_path / "training_run" / "record.json").write_text(encode(make_record()))
    assert load_run(tmp_path) == make_record()


def test_a_folder_stands_for_the_record_that_is_not_published(tmp_path: Path) -> None:
    """A run with ``publish="card"`` keeps its record aside; beside an earlier published one the newer counts."""
    aside = tmp_path / "_cardcallback" / "training_run"
    aside.mkdir(parents=True)
    (aside / "record.json").write_text(encode(make_record(run_id="aside")))
    assert load_run(tmp_path).run_id == "aside"
    (tmp_path / "training_run").mkdir()
    published = tmp_path / "training_run" / "record.json"
    published.write_text(encode(make_record(run_id="published")))
    os.utime(published, (1000, 1000))
    assert load_run(tmp_path).run_id == "aside"
    os.utime(aside / "record.json", (500, 500))
    assert load_run(tmp_path).run_id == "published"


def test_numbers_that_are_none_are_never_written() -> None:
    """NaN and infinity are refused when writing: unknown is None with a reason."""
    record = msgspec.structs.replace(make_record(), duration_seconds=float("nan"))
    with pytest.raises(ValueError, match="duration_seconds"):
        encode(record)


def test_an_absent_figure_needs_its_reason() -> None:
    """A measurement without a value and without a reason cannot be built."""
    with pytest.raises(ValueError, match="reason"):
        Measurement(value=None, unit="joules")


def test_a_figure_needs_its_source() -> None:
    """A value that came from nowhere cannot be built."""
    with pytest.raises(ValueError, match="source"):
        Measurement(value=1.0, unit="joules")


def test_an_absent_figure_keeps_what_is_known_of_it() -> None:
    """Scope and source of what could not be read stay with the reason."""
    figure = not_measured("joules", "no driver", source="nvml", scope=Scope(gpu_core="yes"))
    assert (figure.value, figure.scope, figure.reason) == (None, Scope(gpu_core="yes"), "no driver")


def _holds(new: object, old: object) -> bool:
    """Whether everything in ``old`` is in ``new``, which may have further fields at every depth."""
    if isinstance(old, dict) and isinstance(new, dict):
        return all(key in new and _holds(new[key], value) for key, value in old.items())
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(_holds, new, old))
    return new == old


def test_hostile_texts_are_harmless_in_the_file() -> None:
    """No control, direction or half character reaches the file as itself, no text is endless, and names are kept."""
    names = (
        "\x1b[2J\x9b31m",
        "gnp.\u202eexe",
        "zero\u200bwidth",
        "flag \U0001f1e9\U0001f1ea",
        "half \ud800",
        "x" * 1_000_000,
    )
    text = encode(make_record(notes=names))
    assert re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\ud800-\udfff]", text) is None
    assert len(text.encode()) < 200_000
    *kept, half, long = decode(text.encode()).record.notes
    assert tuple(kept) == names[:4]
    assert half == "half \ufffd"
    assert len(long) == 10_000


def test_a_control_is_an_escape_where_all_else_is_ascii() -> None:
    """A text of ASCII alone needs no search for what could steer a terminal, but for the one such character in it."""
    text = encode(make_record(notes=("erased\x7f",)))
    assert text.isascii()
    assert "\x7f" not in text
    assert "erased\\u007f" in text
    assert decode(text.encode()).record.notes == ("erased\x7f",)


def test_a_place_that_cannot_be_looked_at_has_no_record(tmp_path: Path) -> None:
    """As one that is not there: a name too long for any file, and a folder that nobody may look into."""
    for place in (tmp_path / ("x" * 300), tmp_path / "out" / ("x" * 300)):
        with pytest.raises(CardCallbackError) as raised:
            load_run(place)
        assert raised.value.exit_code == 3


@pytest.mark.parametrize("kind", ["record", "brief"])
def test_threads_that_are_the_first_to_read_a_record_bring_nothing_down(tmp_path: Path, kind: str) -> None:
    """A search for earlier stages, the journal's thread and the one that trains may be: each is told what it holds."""
    record = tmp_path / "record.json"
    record.write_text(encode(make_record()))
    script = Path(__file__).with_name("decoding_at_once.py")
    subprocess.run([sys.executable, str(script), kind, str(record)], check=True, timeout=120)
