"""Records in which every text is somebody else's: names of models, data, devices, settings, logs and sensors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec
from section_records import RECORDS

from cardcallback.record import RunRecord, encode

# By what they try: each is a value as a model, data set, device, setting, log or sensor may carry it.
HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "--> <!-- cardcallback:end 0123456789abcdef -->",
    "<!-- cardcallback:begin -->",
    "</details></table><h1>x",
    "[click](javascript:alert(1))",
    "![x](http://example.com/a.png)",
    "<http://example.com> https://example.com www.example.com",
    "# heading\n\n## Citation\n",
    "a | b | c\n|---|---|",
    "`code` **bold** ~~gone~~ $$x$$ $\\frac{$ \\",
    "x\n---\nlicense: mit\n---\n",
    "!!python/object/apply:os.system ['id']",
    "&anchor *alias : # {a: b} [c] 'd' \"e\" %TAG",
    "yes: no",
    "{{ 7*7 }} {% include '/etc/passwd' %} {{ ''.__class__ }}",
    "../../../../etc/passwd",
    "/etc/passwd\0.md",
    "C:\\Windows\\CON",
    "\x1b[2J\x1b]8;;http://example.com\x07 \x9b31m\r",
    "\u202egnp.exe\u2066\u200b\u200d\ufeff\u2028\u2029\x85",
    "half \ud800",
    "x" * 1_000_000,
    " " * 1_000_000 + "y",
    "| " * 300_000,
)
Path = tuple[Any, ...]


def hostile_record(text: str, name: str = "gb10_germany") -> RunRecord:
    """A record with ``text`` as every one of its texts that are not of a fixed set, keys included."""
    document = _document(name)
    for path in _texts(name):
        _put(document, path, text)
    for holder, key in (("training", "hyperparameters"), (None, "software"), (None, "curves")):
        named = (document if holder is None else document[holder])[key]
        if named:
            named[text] = next(iter(named.values()))
    return msgspec.convert(document, RunRecord)


def _document(name: str) -> Any:
    # Through JSON, since tuples cannot be written into.
    return json.loads(encode(RECORDS[name]()))


@cache
def _texts(name: str) -> tuple[Path, ...]:
    document = _document(name)
    return tuple(path for path in _leaves(document, ()) if _is_free(document, path))


def _leaves(value: Any, path: Path) -> Iterator[Path]:
    if isinstance(value, str):
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, (list, tuple)) else ()
    for key, item in items:
        yield from _leaves(item, (*path, key))


def _is_free(document: Any, path: Path) -> bool:
    before = _put(document, path, "no word of any fixed set")
    try:
        msgspec.convert(document, RunRecord)
    except msgspec.ValidationError:
        return False
    finally:
        _put(document, path, before)
    return True


def _put(document: Any, path: Path, text: str) -> str:
    for key in path[:-1]:
        document = document[key]
    before = document[path[-1]]
    document[path[-1]] = text
    return str(before)
