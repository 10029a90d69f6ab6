"""The time of devices, one after the other, as a unit: "GPU hours", "A100-days", "horas de GPU"."""

from __future__ import annotations

import re

from cardcallback.render.card.unit_words import UNITS
from cardcallback.units import SECONDS_PER_DAY, SECONDS_PER_HOUR

_HOURS, _DAYS = (
    "|".join(sorted((re.escape(word) for word, one in UNITS["time"].items() if one == seconds), key=len, reverse=True))
    for seconds in (SECONDS_PER_HOUR, SECONDS_PER_DAY)
)
_DEVICE = r"(?:GPU|device|accelerator|TPU|[A-Z]{1,4}\d{1,4}[A-Z]{0,3}|RTX \d{4})"
_PATTERN = (
    # A sign of Chinese, Japanese or Korean may follow without a blank.
    rf"(?:{_DEVICE}[- ]?(?:(?P<days>{_DAYS})|{_HOURS})(?![^\W\u3041-\u9fff\uac00-\ud7af])|"
    rf"(?:heures?|horas?|ore)[- ](?:de )?{_DEVICE}\b)"
)
_NAMED = re.compile(rf"(?<![^\W_]){_PATTERN}", re.IGNORECASE)
_OF_ANY = re.compile(r"(?<![^\W_])(?:GPU|device|accelerator)", re.IGNORECASE)
_LARGE = {"k": 1e3, "m": 1e6, "million": 1e6, "billion": 1e9}
_AT = re.compile(
    rf"\s*(?:(?P<large>million|billion|[km])\b\s*)?(?:(?-i:[A-Z])\w*[- ]){{0,2}}?{_PATTERN}", re.IGNORECASE
)


def device_time_at(text: str, start: int = 0) -> tuple[str, float] | None:
    """The unit that begins at ``start``, behind blanks, and its seconds; None where there is none."""
    found = _AT.match(text, start)
    if found is None:
        return None
    seconds = SECONDS_PER_DAY if found["days"] else SECONDS_PER_HOUR
    return found.group().strip(), seconds * _LARGE.get((found["large"] or "").lower(), 1.0)


def is_of_any_device(unit: str) -> bool:
    """Whether the unit is of whatever devices there were: "A100 hours" and "H100 GPU hours" are of no other GPU."""
    return _OF_ANY.search(unit) is not None and not any(sign.isdigit() for sign in unit)


def names_device_time(text: str) -> bool:
    """Whether a label or sentence speaks of it."""
    return _NAMED.search(text) is not None
