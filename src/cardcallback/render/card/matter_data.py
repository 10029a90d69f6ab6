"""What the YAML of a front matter says: read without trusting it, and only where that takes seconds."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any

from ruamel.yaml import YAML

from cardcallback.errors import CardCallbackError

# ruamel.yaml reads some 100 KB a second, and each edit is read again.
_LONGEST_MATTER = 256 * 1024
_MOST_VALUES = 200_000


def parse_matter(matter: str | None) -> dict[str, Any]:
    """The front matter's data, keys as strings.

    Raises:
        CardCallbackError: not YAML, or not a mapping. Of a key that stands there twice the first value is given.
    """
    return {} if matter is None else dict(_loaded(matter))


def reader() -> YAML:
    """A reader that keeps what it reads as it stands, and says nothing of an anchor or a key used twice."""
    made = YAML(typ="rt", pure=True)
    made.allow_duplicate_keys = True
    made.composer.warn_double_anchors = False
    return made


@lru_cache(maxsize=8)
def _loaded(matter: str) -> dict[str, Any]:
    """The data of one text, shared by all who ask: not to be changed."""
    if len(matter) > _LONGEST_MATTER:
        msg = f"the card's front matter is longer than {_LONGEST_MATTER // 1024} KiB: the card is left as it is"
        raise CardCallbackError(msg)
    try:
        # A round-trip reader makes no objects of the person's tags and keeps every key.
        data = reader().load(io.StringIO(matter))
    except Exception as error:
        # ruamel.yaml lets plain Python errors out for some text that is no YAML, such as an impossible date.
        msg = f"the card's front matter is not valid YAML ({_problem(error)}): mend it, the card is left as it is"
        raise CardCallbackError(msg) from error
    if data is None:
        return {}
    if not isinstance(data, dict):
        msg = "the card's front matter is not a list of keys and values: mend it, the card is left as it is"
        raise CardCallbackError(msg)
    _require_few_values(data)
    return {str(key): value for key, value in data.items()}


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
