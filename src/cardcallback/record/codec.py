"""The record as a file: versioned JSON, its JSON Schema, and what a newer writer added kept."""

from __future__ import annotations

import json
import math
import re
import stat
from pathlib import Path
from typing import Any

import msgspec

from cardcallback import handlers
from cardcallback.errors import CardCallbackError
from cardcallback.record.run import SCHEMA_VERSION, RunRecord

RECORD_FOLDER = "training_run"
RECORD_NAME = "record.json"
# What may not be published lies here in an output folder: pushes of the Trainer leave out names with an underscore.
PRIVATE_FOLDER = "_cardcallback"
LARGEST_RECORD_BYTES = 64 * 1024**2
_LONGEST_TEXT = 10_000
_INDENTATION = re.compile(r"\n +")
_SURROGATE = re.compile("[\ud800-\udfff]")
# JSON escapes the controls below the space itself. Here: the others, and what has no width or turns the direction.
_DELETE = "\x7f"  # the only one of them in ASCII
_UNSEEN = re.compile("[\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]")

# msgspec works out what a type holds where it is first used, and brings the process down where two threads are first.
msgspec.json.Decoder(RunRecord)


class LoadedRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A record and the raw document it came from, which holds fields this version does not know."""

    record: RunRecord
    document: dict[str, Any]


def record_path(location: Path) -> Path:
    """The record's file for a folder that holds a run, or the file itself.

    A run that publishes no record keeps it in the private folder; where there are both, the newer one counts.
    """
    places = (location / RECORD_FOLDER / RECORD_NAME, location / PRIVATE_FOLDER / RECORD_FOLDER / RECORD_NAME)
    there = [(changed, place) for place in places if (changed := _changed_seconds(place)) is not None]
    if there:
        return max(there, key=lambda one: one[0])[1]
    try:
        return location / RECORD_NAME if location.is_dir() else location
    except OSError as error:  # it may not be looked at, which whoever reads it is told
        handlers.pass_on(error)
        return location


def _changed_seconds(path: Path) -> float | None:
    try:
        return path.stat().st_mtime
    except OSError as error:  # it is not there, or its folder may not be looked into
        handlers.pass_on(error)
        return None


def load_run(location: str | Path) -> RunRecord:
    """The record in a file, or in an output folder's ``training_run/record.json``.

    Raises:
        CardCallbackError: missing (exit code 3), damaged, or written by a newer major version.
    """
    return load_document(location).record


def load_document(location: str | Path) -> LoadedRecord:
    """As ``load_run``, with the raw document so that ``encode`` can keep unknown fields."""
    path = record_path(Path(location))
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
            msg = f"{path.name} is no ordinary file: give an output folder or its training_run/record.json"
            raise CardCallbackError(msg, exit_code=3)
        if found.st_size > LARGEST_RECORD_BYTES:
            msg = f"{path.name} is larger than any record: give the record.json that cardcallback wrote"
            raise CardCallbackError(msg)
        content = path.read_bytes()
    except OSError as error:
        reason = error.strerror or "cannot be read"
        msg = f"no record at {location}: {reason}; give an output folder or its training_run/record.json"
        raise CardCallbackError(msg, exit_code=3) from error
    return decode(content, name=path.name)


def decode(content: bytes, *, name: str = RECORD_NAME) -> LoadedRecord:
    """Parse a record's bytes; ``name`` is only for the message.

    Raises:
        CardCallbackError: damaged, or written by a newer major version.
    """
    try:
        document = json.loads(content, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        damage = f"{name} is damaged ({_first_line(error)}): restore it or run the training again"
        other = f"{name} is no record: give an output folder or its training_run/record.json"
        msg = damage if name.endswith(".json") else other
        raise CardCallbackError(msg) from error
    version = document.get("schema_version") if isinstance(document, dict) else None
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        msg = f"{name} is not a cardcallback record (no schema_version): give training_run/record.json"
        raise CardCallbackError(msg)
    if version > SCHEMA_VERSION:
        msg = f"{name} has schema version {version}, newer than {SCHEMA_VERSION}: upgrade cardcallback"
        raise CardCallbackError(msg)
    try:
        record = msgspec.convert(document, RunRecord)
    except (msgspec.ValidationError, ValueError) as error:
        msg = f"{name} is damaged ({_first_line(error)}): restore it or run the training again"
        raise CardCallbackError(msg) from error
    if record.duration_seconds < 0 or any(session.duration_seconds < 0 for session in record.sessions):
        msg = f"{name} is damaged (a negative duration): restore it or run the training again"
        raise CardCallbackError(msg)
    return LoadedRecord(record=record, document=document)


def encode(record: RunRecord, *, document: dict[str, Any] | None = None, indent: int | None = 1) -> str:
    """The record as JSON with a final newline; ``document`` gives unknown fields to keep.

    ``indent`` is the spaces of each level, and ``None`` puts all of it on one line without any. What could steer a
    terminal or turn a line's direction is written as an escape; a text of more than 10,000 characters is cut, and
    half a character (an unpaired surrogate) becomes a replacement character.
    """
    own = _harmless(msgspec.to_builtins(record))
    if document is not None:
        own = _with_unknown(own, document)
    separators = (",", ":") if indent is None else None
    try:
        text = json.dumps(own, indent=indent, separators=separators, ensure_ascii=False, allow_nan=False) + "\n"
    except ValueError:
        _require_finite(own, "record")  # which names the one that is not
        raise
    if text.isascii() and _DELETE not in text:
        return text
    return _UNSEEN.sub(lambda match: json.dumps(match.group())[1:-1], text)


def encode_quickly(record: RunRecord, *, largest_bytes: int) -> bytes | None:
    """The same record on one line at a part of the time, its texts as they are: for what only ``decode`` reads.

    ``None`` where it would be longer than ``largest_bytes``, or a text holds half a character.

    Raises:
        ValueError: a figure is not finite; the points of traces and curves, which are most of it, are not looked at.
    """
    _require_finite(msgspec.to_builtins(msgspec.structs.replace(record, traces=(), curves={})), "record")
    try:
        content = msgspec.json.encode(record)
    except UnicodeEncodeError:
        return None
    return content if len(content) <= largest_bytes else None


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the record."""
    # Through JSON once, so that defaults are lists here as in the published file, and not tuples.
    schema = json.loads(json.dumps(msgspec.json.schema(RunRecord)))
    for definition in schema["$defs"].values():
        # From Python 3.13 on a docstring comes without its indentation.
        if "description" in definition:
            definition["description"] = _INDENTATION.sub("\n", definition["description"])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"cardcallback run record, version {SCHEMA_VERSION}",
        **schema,
    }


def _with_unknown(own: Any, document: Any) -> Any:
    if isinstance(own, dict) and isinstance(document, dict):
        merged = {key: _with_unknown(value, document.get(key)) for key, value in own.items()}
        unknown = {key: value for key, value in document.items() if key not in own}
        return merged | unknown
    if isinstance(own, (list, tuple)) and isinstance(document, list) and len(own) == len(document):
        return [_with_unknown(left, right) for left, right in zip(own, document, strict=True)]
    return own


def _harmless(value: Any) -> Any:
    if isinstance(value, str):
        return _harmless_text(value)
    if isinstance(value, dict):
        # Nearly all are figures that are not known, numbers and short names: no call for each of them.
        return {
            _harmless_text(key): item if item is None or type(item) is float else _harmless(item)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        # The points of curves and traces are most of a record.
        return [item if _is_point(item) else _harmless(item) for item in value]
    return value


def _is_point(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and len(value) == 2 and type(value[0]) is type(value[1]) is float


def _harmless_text(text: str) -> str:
    if len(text) > _LONGEST_TEXT:
        text = text[: _LONGEST_TEXT - 1] + "…"
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def _require_finite(value: Any, path: str) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        msg = f"{path} is {value}: unknown quantities are None with a reason"
        raise ValueError(msg)
    if isinstance(value, dict):
        for key, item in value.items():
            _require_finite(item, f"{path}.{key}")
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            _require_finite(item, f"{path}[{index}]")


def _refuse_constant(name: str) -> float:
    msg = f"{name} is not a number"
    raise ValueError(msg)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
