"""What each field of a detailed card may hold, refused in one line with the cure where it does not."""

from __future__ import annotations

import difflib
import numbers
import re
from collections.abc import Callable, Iterable
from typing import Any

from cardcallback.errors import CardCallbackError
from cardcallback.impact.checks import require_number, shown
from cardcallback.render.text import clean

LONGEST_CELL = 2_000
LONGEST_PROSE = 50_000
MOST_ENTRIES = 1_000
USE_KEYS = ("use", "example")
BIAS_KEYS = ("type", "description", "mitigation")
# Only what cannot be a name: "Llama 3.1 8B" is one; "./llama", "C:\\llama" and "out/checkpoint-500" are folders.
_FOLDER = re.compile(
    r"""
    (?:[/~\\]|\.{1,2}(?:[/\\]|$)|[A-Za-z]:[/\\]|file:).*
    |[\w.-]+(?:\\[\w.-]+)+
    |[\w.-]+(?:/[\w.-]+){2,}
    |(?:.*/)?checkpoint-\d+/?
    """,
    re.DOTALL | re.IGNORECASE | re.VERBOSE,
)


def check_field(name: str, value: object) -> None:
    """Refuse a value that the field ``name`` cannot hold.

    Raises:
        CardCallbackError: of another type, too long, or not to be published.
    """
    _CHECKS[name](name, value)


def nearest_key(key: object, known: Iterable[str]) -> str:
    """The name of ``known`` that ``key`` was most likely meant to be."""
    plain = re.sub(r"\W+", "_", str(key)[:100].strip().lower())
    return difflib.get_close_matches(plain, list(known), n=1, cutoff=0.0)[0]


def refuse_unknown(keys: Iterable[object], known: tuple[str, ...], where: str) -> None:
    """Refuse keys that mean nothing, naming the nearest that does.

    Raises:
        CardCallbackError: a key is not one of ``known``.
    """
    for key in keys:
        if key not in known:
            msg = f"{where} has no {shown(key)}: the nearest is {nearest_key(key, known)}"
            raise CardCallbackError(msg)


def _text(name: str, value: object, longest: int = LONGEST_CELL) -> None:
    if not isinstance(value, str):
        cure = "put it in quotes" if isinstance(value, (int, float)) or hasattr(value, "isoformat") else "give text"
        _refuse(f"{name} must be text, not {shown(value)}: {cure}")
    elif len(value) > longest:
        _refuse(f"{name} is longer than {longest:,} characters: shorten it")


def _prose(name: str, value: object) -> None:
    _text(name, value, LONGEST_PROSE)


def _model_name(name: str, value: object) -> None:
    _text(name, value)
    if isinstance(value, str) and not clean(value):
        _refuse(f"{name} is empty: give the model's name")
    if isinstance(value, str) and _FOLDER.fullmatch(value.strip()):
        _refuse(f"{name} is a folder: give the model's name")


def _base_model(name: str, value: object) -> None:
    _text(name, value)
    if isinstance(value, str) and _FOLDER.fullmatch(value.strip()):
        _refuse(f"{name} is a folder, which nobody else can find: give the model's Hub id (owner/name)")


def _list(name: str, value: object, kind: str) -> list[Any]:
    if not isinstance(value, (list, tuple)):
        _refuse(f"{name} must be a list of {kind}, not {shown(value)}: put it in brackets")
    elif len(value) > MOST_ENTRIES:
        _refuse(f"{name} has more than {MOST_ENTRIES:,} entries: shorten it")
    return list(value) if isinstance(value, (list, tuple)) else []


def _texts(name: str, value: object) -> None:
    for index, entry in enumerate(_list(name, value, "texts")):
        _text(f"{name}[{index}]", entry)


def _mappings(keys: tuple[str, ...]) -> Callable[[str, object], None]:
    def check(name: str, value: object) -> None:
        for index, entry in enumerate(_list(name, value, f"mappings with {', '.join(keys)}")):
            where = f"{name}[{index}]"
            if not isinstance(entry, dict):
                _refuse(f"{where} must be a mapping with {', '.join(keys)}, not {shown(entry)}: name each part")
            refuse_unknown(entry, keys, where)
            if not entry.get(keys[0]):
                _refuse(f"{where} has no {keys[0]}: give at least that")
            for key, text in entry.items():
                if text is not None:
                    _text(f"{where}.{key}", text)

    return check


def _named(name: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        _refuse(f"{name} must be a mapping of names to values, not {shown(value)}: write name: value")
    elif len(value) > MOST_ENTRIES:
        _refuse(f"{name} has more than {MOST_ENTRIES:,} entries: shorten it")
    entries = value if isinstance(value, dict) else {}
    for key in entries:
        _text(f"a name in {name}", key)
    return entries


def _scores(name: str, value: object) -> None:
    for key, score in _named(name, value).items():
        where = f"{name}[{shown(key)}]"
        share = require_number(where, score, "a share such as 0.58")
        if not -1 <= share <= 1:
            _refuse(f"{where} must be a share between -1 and 1, not {share:g}: 58 % is 0.58")


def _settings(name: str, value: object) -> None:
    for key, setting in _named(name, value).items():
        where = f"{name}[{shown(key)}]"
        if isinstance(setting, numbers.Real) and not isinstance(setting, bool):
            require_number(where, setting, "a setting such as 2e-4, or leave it out")
        elif setting is not None and not isinstance(setting, bool):
            _text(where, setting)


def _refuse(message: str) -> None:
    raise CardCallbackError(message)


_CHECKS: dict[str, Callable[[str, object], None]] = {
    "model_name": _model_name,
    "model_version": _text,
    "model_type": _text,
    "base_model": _base_model,
    "developed_by": _text,
    "funded_by": _text,
    "shared_by": _text,
    "license": _text,
    "language": _texts,
    "summary": _prose,
    "primary_uses": _mappings(USE_KEYS),
    "secondary_uses": _texts,
    "out_of_scope": _texts,
    "misuse_risks": _texts,
    "technical_limitations": _texts,
    "knowledge_limitations": _texts,
    "behavioral_limitations": _texts,
    "biases": _mappings(BIAS_KEYS),
    "safety_evaluations": _scores,
    "safety_evaluation_plan": _texts,
    "guardrails_implemented": _texts,
    "training_data_summary": _prose,
    "training_procedure": _prose,
    "training_hyperparameters": _settings,
    "training_hardware": _prose,
    "ethical_considerations": _texts,
    "recommendations": _texts,
}
FIELD_NAMES = tuple(_CHECKS)
