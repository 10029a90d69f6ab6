"""YAML for a front matter's values that every reader of a card takes alike."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

# Plain scalars that every YAML version reads as the same string.
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*(?:[:+@][A-Za-z0-9_./-]+)*(?: [A-Za-z0-9_./-]+)*")
_NOT_STRINGS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_UNPRINTABLE = re.compile("[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


def yaml_scalar(value: Any) -> str:
    """One scalar that YAML 1.1 and 1.2 read alike; numbers are plain decimals without an exponent."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, float):
        return plain_decimal(value)
    if isinstance(value, int):
        return str(value)
    text = str(value)
    if _PLAIN.fullmatch(text) and text.lower() not in _NOT_STRINGS:
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match.group()):04x}", quoted)


def plain_decimal(value: float) -> str:
    """``value`` in full, without exponent, separator or unit; a whole number without a point."""
    if not math.isfinite(value):
        return ".nan" if math.isnan(value) else f"{'-' if value < 0 else ''}.inf"
    text = format(Decimal(repr(float(value))), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def yaml_lines(key: Any, value: Any) -> list[str]:
    """A key and its value (scalars, lists and mappings of them), one item a line, without line ends."""
    name = yaml_scalar(key)
    if isinstance(value, dict) and value:
        return [f"{name}:", *_indented(_mapping_lines(value))]
    if isinstance(value, (list, tuple)) and value:
        return [f"{name}:", *_list_lines(value)]
    return [f"{name}: {_leaf(value)}"]


def _mapping_lines(value: dict[Any, Any]) -> list[str]:
    return [line for name, item in value.items() for line in yaml_lines(name, item)]


def _list_lines(items: Sequence[Any]) -> list[str]:
    lines = []
    for item in items:
        if isinstance(item, dict) and item:
            nested = _mapping_lines(item)
        elif isinstance(item, (list, tuple)) and item:
            nested = _list_lines(item)
        else:
            nested = [_leaf(item)]
        lines += [f"- {nested[0]}", *_indented(nested[1:])]
    return lines


def _leaf(value: Any) -> str:
    if isinstance(value, dict):
        return "{}"
    return "[]" if isinstance(value, (list, tuple)) else yaml_scalar(value)


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"  {line}" for line in lines]
