"""Dates and times in the form that a card asks for: "[DD/MM/YYYY]", "[Month Year]", "[HH:MM:SS]"."""

from __future__ import annotations

import re
from datetime import date

from cardcallback.render.card.quantities import Value
from cardcallback.units import SECONDS_PER_HOUR, SECONDS_PER_MINUTE

_PART = r"(?:month|year|day|dd?|mm?|y{4}|yy|hh?|ss?)"
_FORM = re.compile(rf"{_PART}(?:[:/.,\- ]+{_PART})+", re.IGNORECASE)
_ISO_DATE = re.compile(r"(?P<date>\d{4}-\d{2}-\d{2})(?P<rest>.*)")
_DATE_PARTS = {
    "day": "{0.day}", "d": "{0.day}", "dd": "{0.day:02}", "m": "{0.month}", "mm": "{0.month:02}",
    "month": "{0:%B}", "yy": "{0:%y}", "yyyy": "{0.year}", "year": "{0.year}",
}  # fmt: skip


def asks_for_form(hint: str) -> bool:
    """Whether a hint is nothing but the form of a date or time."""
    return _FORM.fullmatch(hint.strip()) is not None


def in_form(value: Value, hint: str) -> str | None:
    """The date or duration in the form of ``hint``; None where the value is neither, or not in that form."""
    if value.kind == "time":
        written = _duration(value.amount or 0.0, hint.strip().casefold())
        return None if written is None else f"{value.least}{written}{value.remark}"
    found = _ISO_DATE.fullmatch(value.text)
    if found is None:
        return None
    day = date.fromisoformat(found.group("date"))
    form = hint.strip().casefold()
    if any(part not in _DATE_PARTS for part in re.findall(_PART, form)):
        return None
    return re.sub(_PART, lambda part: _DATE_PARTS[part.group()].format(day), form) + found.group("rest")


def _duration(seconds: float, form: str) -> str | None:
    hours, rest = divmod(round(seconds), SECONDS_PER_HOUR)
    minutes, left = divmod(rest, SECONDS_PER_MINUTE)
    if re.fullmatch(r"hh?:mm:ss", form):
        return f"{hours:02}:{minutes:02}:{left:02}"
    if re.fullmatch(r"hh?:mm", form):
        return f"{hours:02}:{minutes:02}"
    return None
