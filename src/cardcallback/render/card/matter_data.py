"""What the YAML of a front matter says: read without trusting it, and only where that takes seconds."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any

from ruamel.yaml import YAML

from cardcallback.errors import CardCallbackError
from cardcallback.render.card.matter_keys import KeySpans, spans_of

# ruamel.yaml reads some 100 KB a second, and what was edited is read again.
_LONGEST_MATTER = 256 * 1024
_MOST_VALUES = 200_000


def parse_matter(matter: str | None) -> dict[str, Any]:
    """The front matter's data, keys as strings.

    Raises:
        CardCallbackError: not YAML, or not a mapping. Of a key that stands there twice the first value is given.
    """
    return {} if matter is None else dict(_read(matter)[0])


def key_spans(matter: str) -> KeySpans:
    """Where the front matter's keys stand.

    Raises:
        CardCallbackError: as ``parse_matter``.
    """
    return _read(matter)[1]


def _parsed(matter: str) -> tuple[Any, KeySpans]:
    """The data, and where its keys stand: to parse is most of the work, and the data is made from what is parsed."""
    made = YAML(typ="rt", pure=True)
    made.allow_duplicate_keys = True
    made.composer.warn_double_anchors = False  # YAML allows an anchor twice
    constructor, parser = made.get_constructor_parser(io.StringIO(matter))
    try:
        root = constructor.composer.get_single_node()
        spans = spans_of(root, matter)  # first, since keys that are merged in are taken out of what is parsed
        return (None if root is None else constructor.construct_document(root)), spans
    finally:
        parser.dispose()


# Each text is asked for several times while its card is composed.
@lru_cache(maxsize=8)
def _read(matter: str) -> tuple[dict[str, Any], KeySpans]:
    """The data of one text, shared by all who ask and not to be changed, and where its keys stand."""
    if len(matter) > _LONGEST_MATTER:
        msg = f"the card's front matter is longer than {_LONGEST_MATTER // 1024} KiB: the card is left as it is"
        raise CardCallbackError(msg)
    try:
        # A round-trip reader makes no objects of the person's tags and keeps every key.
        data, spans = _parsed(matter)
    except Exception as error:
        # ruamel.yaml lets plain Python errors out for some text that is no YAML, such as an impossible date.
        msg = f"the card's front matter is not valid YAML ({_problem(error)}): mend it, the card is left as it is"
        raise CardCallbackError(msg) from error
    if data is None:
        return {}, spans
    if not isinstance(data, dict):
        msg = "the card's front matter is not a list of keys and values: mend it, the card is left as it is"
        raise CardCallbackError(msg)
    _require_few_values(data)
    return {str(key): value for key, value in data.items()}, spans


def _require_few_values(data: Any) -> None:
    """A few aliases of aliases stand for more values than any memory holds, or for ones without an end."""
    waiting, seen = [data], 0
    while waiting:
        value = waiting.pop()
        seen += 1
        if seen > _MOST_VALUES:
            msg = "the card's front matter refers to its own parts too often: the card is left as it is"
            raise CardCallbackError(msg)
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, (list, tuple)):
            waiting.extend(value)


def _problem(error: BaseException) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or type(error).__name__
    # The text at fault is not repeated: it may be what the person would not have printed.
    return f"line {mark.line + 1}: {problem}" if mark is not None else str(problem)
