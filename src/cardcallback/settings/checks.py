"""What each setting may be: from a value as it was given to the value as it is used."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Any

from cardcallback.carbon import OwnFactors, chosen_factor, read_own_factors, user_factor
from cardcallback.carbon.footprint import check_pue
from cardcallback.errors import CardCallbackError
from cardcallback.hub_id import is_hub_id
from cardcallback.record import load_run, record_path

SHORTEST_INTERVAL_SECONDS = 0.01
LONGEST_INTERVAL_SECONDS = 600.0
_PUBLISH = ("card", "pictures", "all")
_WORDS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
_LONGEST_TEXT = 96
_LARGEST_TEMPLATE_BYTES = 4 * 1024**2


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Where a value came from: what the person would look for, and what its relative paths start from."""

    label: str
    folder: Path
    is_text: bool = False


Check = Callable[[Any, Origin], Any]


def place(value: Any, origin: Origin, own: OwnFactors | None = None) -> str:
    """The code of a known place, or the name of one in the person's own file of factors."""
    name = _text(value, origin)
    factor = _named(origin, lambda: chosen_factor(name, None, own))
    code: str = factor.place_code
    return code


def carbon_intensity(value: Any, origin: Origin) -> float:
    """Grams of CO2e per kWh that a grid can have."""
    number = _number(value, origin)
    grams_per_kwh: float = _named(origin, lambda: user_factor(number).grams_per_kwh)
    return grams_per_kwh


def pue(value: Any, origin: Origin) -> float:
    """A power usage effectiveness of 1 or more."""
    number = _number(value, origin)
    _named(origin, lambda: check_pue(number))
    return number


def hub_id(value: Any, origin: Origin) -> str:
    """A Hub id such as "google/gemma-3-1b-it", never a path or a file."""
    text = _text(value, origin)
    if not is_hub_id(text):
        need = 'needs a Hub id as organisation/name, such as "google/gemma-3-1b-it", not a path or a file\'s name'
        raise _wrong(origin, need)
    return text


def stage(value: Any, origin: Origin) -> str:
    """A short name on one line."""
    text = _text(value, origin).strip()
    if not text or len(text) > _LONGEST_TEXT or not text.isprintable():
        raise _wrong(origin, f'needs a short name on one line, such as "SFT" (at most {_LONGEST_TEXT} characters)')
    return text


def path(value: Any, origin: Origin) -> Path:
    """A path, from the folder the value was written in where it is relative."""
    if not isinstance(value, (str, os.PathLike)) or not str(value).strip() or "\0" in str(value):
        raise _wrong(origin, "needs a path")
    return origin.folder / Path(os.fspath(value)).expanduser()


def record_location(value: Any, origin: Origin) -> Path:
    """The folder of an earlier stage, or the record of one that can be read.

    A folder without a record is taken: that one is missing is said on the card.
    """
    location = path(value, origin)
    if not location.is_dir() or record_path(location).exists():
        _named(origin, lambda: load_run(location))
    return location


def template_text(template: Path) -> str:
    """The template's text, read once so that a later change of it does not reach this run.

    Raises:
        CardCallbackError: it cannot be read or is not UTF-8.
    """
    return _file_text(template, "template", "a Markdown file")


def labels_text(labels: Path) -> str:
    """The text of a file of a person's own labels, as ``template_text``.

    Raises:
        CardCallbackError: it cannot be read or is not UTF-8.
    """
    return _file_text(labels, "labels", "a YAML file such as the labels.yaml of cardcallback")


def own_factors(factors: Path) -> OwnFactors:
    """The grid factors of a person's own file, read once as ``template_text``.

    Raises:
        CardCallbackError: it cannot be read, is not UTF-8 or holds what is no factor.
    """
    return read_own_factors(_file_text(factors, "factors", "a CSV file: place,grams_per_kwh,...,source"), factors.name)


def _file_text(path: Path, name: str, kind: str) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_TEMPLATE_BYTES + 1)
    except OSError as error:
        msg = f"{name} cannot be read ({path}: {error.strerror}): give {kind}"
        raise CardCallbackError(msg) from error
    if len(content) > _LARGEST_TEMPLATE_BYTES:
        msg = f"{name} is larger than any card ({path}): give {kind}"
        raise CardCallbackError(msg)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        msg = f"{name} is not UTF-8 ({path}): save it as UTF-8"
        raise CardCallbackError(msg) from error


def card_name(value: Any, origin: Origin) -> str:
    """The bare name of a Markdown file, so that the card stays in the output folder."""
    text = _text(value, origin)
    bare = not set(text) & set('/\\:*?"<>|') and text.isprintable() and not text.startswith(".")
    if not bare or not text.lower().endswith(".md") or len(text) > _LONGEST_TEXT:
        raise _wrong(origin, f'needs a bare file name ending in .md, such as "README.md", not {text!r}')
    return text


def interval(value: Any, origin: Origin) -> float:
    """Seconds between readings."""
    number = _number(value, origin)
    if not SHORTEST_INTERVAL_SECONDS <= number <= LONGEST_INTERVAL_SECONDS:
        between = f"between {SHORTEST_INTERVAL_SECONDS:g} and {LONGEST_INTERVAL_SECONDS:g} seconds"
        raise _wrong(origin, f"needs {between}, not {number:g}; leave it out to read each sensor as it needs")
    return number


def publish(value: Any, origin: Origin) -> str:
    """How much is put where a push finds it."""
    text = _text(value, origin)
    if text not in _PUBLISH:
        raise _wrong(origin, f"needs one of {', '.join(_PUBLISH)}, not {text!r}")
    return text


def flag(value: Any, origin: Origin) -> bool:
    """On or off."""
    if isinstance(value, bool):
        return value
    if origin.is_text and str(value).strip().lower() in _WORDS:
        return _WORDS[str(value).strip().lower()]
    raise _wrong(origin, f"needs {'1 or 0' if origin.is_text else 'true or false'}, not {value!r}")


def _text(value: Any, origin: Origin) -> str:
    if not isinstance(value, str):
        raise _wrong(origin, f"needs text, not {type(value).__name__}")
    return value


def _number(value: Any, origin: Origin) -> float:
    if isinstance(value, str) and origin.is_text:
        try:
            value = float(value)
        except ValueError:
            raise _wrong(origin, f"needs a number, not {value!r}") from None
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        raise _wrong(origin, f"needs a number, not {value!r}")
    return float(value)


def _wrong(origin: Origin, need: str) -> CardCallbackError:
    return CardCallbackError(f"{origin.label} {need}")


def _named(origin: Origin, check: Callable[[], Any]) -> Any:
    try:
        return check()
    except CardCallbackError as error:
        msg = f"{origin.label}: {error}"
        raise CardCallbackError(msg, exit_code=error.exit_code) from error
