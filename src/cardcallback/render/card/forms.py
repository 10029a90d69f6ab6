"""Dates and times in the form that a card asks for: "[DD/MM/YYYY]", "[Month Year]", "[HH:MM:SS]"."""

from __future__ import annotations

import re
from datetime import date

from cardcallback.render.card.quantities import Value
from cardcallback.units import format_clock

_PART = r"(?:month|year|day|dd?|mm?|y{4}|yy|hh?|ss?)"
_FORM = re.compile(rf"{_PART}(?:[:/.,\- ]+{_PART})+", re.IGNORECASE)
# Day, month and year by their first letters: English, German, French, Spanish and Portuguese, Italian, Dutch, Polish
# and Czech, Turkish, Russian, Finnish, Swedish.
_LETTERS = ("dmy", "tmj", "jma", "dma", "gma", "dmj", "dmr", "gay", "\u0434\u043c\u0433", "pkv", "dm\u00e5")
_RUNS = re.compile(r"([^\W\d_])\1*")
# What Chinese, Japanese and Korean write behind the parts of a date stays where it is.
_MARKS = re.compile(r"[\s./,-]|[\u5e74\u6708\u65e5]|[\ub144\uc6d4\uc77c]")
_DIGITS = re.compile(
    r"(?P<sign>[Xx_#])(?P=sign){3}(?P<a>[-./\u5e74\ub144]\s?)(?P=sign){2}(?P<b>[-./\u6708\uc6d4]\s?)(?P=sign){2}(?P<c>[\u65e5\uc77c]?)"
)
_PART_FORMS = ({1: "{0.day}", 2: "{0.day:02}"}, {1: "{0.month}", 2: "{0.month:02}"}, {2: "{0:%y}", 4: "{0.year}"})
_ISO_DATE = re.compile(r"(?P<date>\d{4}-\d{2}-\d{2})(?P<rest>.*)")
_DATE_PARTS = {
    "day": "{0.day}", "d": "{0.day}", "dd": "{0.day:02}", "m": "{0.month}", "mm": "{0.month:02}",
    "month": "{0:%B}", "yy": "{0:%y}", "yyyy": "{0.year}", "year": "{0.year}",
}  # fmt: skip


def asks_for_form(hint: str) -> bool:
    """Whether a hint is nothing but the form of a date or time."""
    return _FORM.fullmatch(hint.strip()) is not None or _parts(hint.strip()) is not None


def is_bare_form(text: str) -> bool:
    """Whether a text without brackets can only be the form of a whole date: "YYYY-MM-DD", "TT.MM.JJJJ"."""
    parts = _parts(text.strip())
    return parts is not None and len(parts) == len(_PART_FORMS) and any(len(run) == 4 for run, _ in parts)


def in_form(value: Value, hint: str) -> str | None:
    """The date or duration in the form of ``hint``; None where the value is neither, or not in that form."""
    if value.kind == "time":
        written = format_clock(value.amount or 0.0, hint.strip())
        return None if written is None else f"{value.least}{written}{value.remark}"
    found = _ISO_DATE.fullmatch(value.text)
    if found is None:
        return None
    day = date.fromisoformat(found.group("date"))
    parts = _parts(hint.strip())
    if parts is not None:
        return _with_parts(hint.strip(), parts, day) + found.group("rest")
    form = hint.strip().casefold()
    if any(part not in _DATE_PARTS for part in re.findall(_PART, form)):
        return None
    return re.sub(_PART, lambda part: _DATE_PARTS[part.group()].format(day), form) + found.group("rest")


def _parts(form: str) -> list[tuple[str, str]] | None:
    """The runs of letters of a date's form, each with how it is written; None where it is no such form."""
    form = _as_letters(form)
    rest = _MARKS.sub("", _RUNS.sub("", form))
    runs = [found.group() for found in _RUNS.finditer(_MARKS.sub(" ", form))]
    letters = [run[0].casefold() for run in runs]
    if rest.strip() or not 1 < len(set(letters)) == len(runs):
        return None
    language = next((one for one in _LETTERS if set(letters) <= set(one)), None)
    if language is None or language[2] not in letters or language[1] not in letters:
        return None
    written = [_PART_FORMS[language.index(letter)].get(len(run)) for letter, run in zip(letters, runs, strict=True)]
    return [(run, one) for run, one in zip(runs, written, strict=True) if one] if all(written) else None


def _as_letters(form: str) -> str:
    """A form that has one sign for all digits, year first: "XXXX-XX-XX" is "YYYY-MM-DD"."""
    found = _DIGITS.fullmatch(form)
    return form if found is None else f"YYYY{found['a']}MM{found['b']}DD{found['c']}"


def _with_parts(form: str, parts: list[tuple[str, str]], day: date) -> str:
    text, at, form = "", 0, _as_letters(form)
    for run, written in parts:
        begin = form.index(run, at)
        text += form[at:begin] + written.format(day)
        at = begin + len(run)
    return text + form[at:]
