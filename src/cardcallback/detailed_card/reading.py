"""A card's fields from a mapping, from YAML or from JSON, with every key and value as it was written."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from cardcallback.detailed_card.fields import FIELD_NAMES, refuse_unknown
from cardcallback.errors import CardCallbackError
from cardcallback.impact.checks import shown
from cardcallback.writing import read_card

_LARGEST_CHARACTERS = 256 * 1024
_ENDINGS = (".yaml", ".yml", ".json")


def read_fields(data: object) -> dict[str, Any]:
    """The fields of a mapping, without those that are empty.

    Raises:
        CardCallbackError: no mapping, a key that is no field, or no model name.
    """
    if not isinstance(data, dict):
        msg = f"a card is a mapping of field names to values, not {shown(data)}: begin with model_name"
        raise CardCallbackError(msg)
    refuse_unknown(data, FIELD_NAMES, "a detailed card")
    if data.get("model_name") is None:
        msg = "the card has no model_name: give it"
        raise CardCallbackError(msg)
    return {key: value for key, value in data.items() if value is not None}


def read_yaml(source: str | Path) -> object:
    """What YAML says, read without making objects of its tags.

    Raises:
        CardCallbackError: not YAML, too long, or no file (exit code 3).
    """
    text, name = _text(source, "the YAML")
    try:
        return YAML(typ="safe", pure=True).load(io.StringIO(text))
    except Exception as error:
        # ruamel.yaml lets plain Python errors out for some text that is no YAML, such as an impossible date.
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark is not None else ""
        problem = str(getattr(error, "problem", None) or type(error).__name__).splitlines()[0]
        msg = f"{name} cannot be read ({where}{shown(problem)}): mend it"
        raise CardCallbackError(msg) from error


def read_json(source: str | Path) -> object:
    """What JSON says.

    Raises:
        CardCallbackError: not JSON, a key twice, too long, or no file (exit code 3).
    """
    text, name = _text(source, "the JSON")
    try:
        return json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        msg = f"{name} cannot be read ({str(error).splitlines()[0]}): mend it"
        raise CardCallbackError(msg) from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) != len(pairs):
        msg = "a key stands there twice"
        raise ValueError(msg)
    return read


def _text(source: str | Path, name: str) -> tuple[str, str]:
    # A card has several lines or a colon and a blank; a file's name has an ending.
    is_name = isinstance(source, str) and "\n" not in source and source.strip().lower().endswith(_ENDINGS)
    if isinstance(source, Path) or is_name:
        path = Path(source)
        text, name = read_card(path), path.name
    elif isinstance(source, str):
        text = source
    else:
        msg = f"a card is read from text or a path, not from {shown(source)}: give one of these"
        raise CardCallbackError(msg)
    if len(text) > _LARGEST_CHARACTERS:
        msg = f"{name} is longer than {_LARGEST_CHARACTERS // 1024} KiB: shorten it"
        raise CardCallbackError(msg)
    return text, name
