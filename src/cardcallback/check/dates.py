"""Days as people write them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

# In English, German, French, Spanish, Portuguese and Italian.
_MONTHS = (
    "january jan januar janvier enero janeiro gennaio",
    "february feb februar f\u00e9vrier febrero fevereiro febbraio",
    "march mar m\u00e4rz mars marzo mar\u00e7o",
    "april apr avril abril aprile",
    "may mai mayo maio maggio",
    "june jun juni juin junio junho giugno",
    "july jul juli juillet julio julho luglio",
    "august aug ao\u00fbt agosto",
    "september sep sept septembre septiembre setembro settembre",
    "october oct oktober okt octobre octubre outubro ottobre",
    "november nov novembre noviembre novembro",
    "december dec dezember dez d\u00e9cembre diciembre dezembro dicembre",
)
_NUMBER_OF = {name: number for number, names in enumerate(_MONTHS, start=1) for name in names.split()}
_ISO = re.compile(r"(?<!\d)(\d{4})[-/.\u5e74]\s?(\d{1,2})[-/.\u6708]\s?(\d{1,2})(?!\d)")
_LAST_YEAR = re.compile(r"(?<!\d)(\d{1,2})[-/.]\s?(\d{1,2})[-/.]\s?(\d{4})(?!\d)")
_WORD = r"(?P<month>[A-Za-z\u00c0-\u017f]{3,10})\.?"
_YEAR = r",?\s+(?:de\s+)?(?P<year>\d{4})"
_DAY_FIRST = re.compile(rf"(?<!\d)(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.|er)?\s+(?:de\s+|of\s+)?{_WORD}{_YEAR}")
_MONTH_FIRST = re.compile(rf"{_WORD}\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?{_YEAR}")
# A month is all of its days.
_MONTH = re.compile(rf"(?<![A-Za-z\u00c0-\u017f]){_WORD}{_YEAR}")
_BETWEEN = frozenset(
    re.findall(r"\w+", "st nd rd th er of de the on from to and until bis au al a e y \u5e74 \u6708 \u65e5")
)


def is_date_alone(text: str) -> bool:
    """Whether a text has no words but those of one day or a stretch of them."""
    return all(word in _NUMBER_OF or word in _BETWEEN for word in re.findall(r"[^\W\d_]+", text.casefold()))


def dates_in(text: str) -> Iterator[date]:
    """Every day that a text names; of "02/03/2026" both that it may be, and of "March 2026" each."""
    for found in _ISO.finditer(text):
        yield from _days(int(found[1]), int(found[2]), int(found[3]))
    for found in _LAST_YEAR.finditer(text):
        yield from _days(int(found[3]), int(found[2]), int(found[1]))
        yield from _days(int(found[3]), int(found[1]), int(found[2]))
    for pattern in (_DAY_FIRST, _MONTH_FIRST):
        for found in pattern.finditer(text):
            yield from _days(int(found["year"]), _NUMBER_OF.get(found["month"].casefold(), 0), int(found["day"]))
        text = pattern.sub(" ", text)  # so that its month is not taken for all of it
    for found in _MONTH.finditer(text):
        month = _NUMBER_OF.get(found["month"].casefold(), 0)
        yield from (day for number in range(1, 32) for day in _days(int(found["year"]), month, number))


def _days(year: int, month: int, day: int) -> Iterator[date]:
    try:
        yield date(year, month, day)
    except ValueError:
        return
