"""From what a person writes to the place whose grid is meant."""

from __future__ import annotations

import difflib
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from cardcallback.carbon.table import cloud_regions, factor_rows
from cardcallback.errors import CardCallbackError

_LONGEST_PLACE = 80
_MATCHES = 3
_CLOSE_ENOUGH = 0.65
_SYNTAX = "a country (DE, DEU, Germany), US-CA, CA-QC, gcp/us-central1, aws/us-east-1 or azure/westeurope"


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where the electricity came from.

    ``code`` is the place in short ("DE", "US-CA", "aws/us-east-1"), ``name`` the same in words, and
    ``factor_code`` the row of the factor table that holds for it, which for an AWS or Azure region is the
    row of its country or state.
    """

    code: str
    name: str
    factor_code: str


def find_place(text: str) -> Place:
    """The place that ``text`` names, whatever its case and accents; bare two letters are a country.

    Raises:
        CardCallbackError: unknown or ambiguous; the message gives the nearest matches.
    """
    if len(text) > _LONGEST_PLACE:
        msg = f"that is no place ({len(text)} characters): give {_SYNTAX}"
        raise CardCallbackError(msg)
    found = _index().get(plain_spelling(text), ())
    if len(found) == 1:
        return found[0]
    if found:
        msg = f"{_shown(text)} is more than one place: give " + " or ".join(f"{p.code} ({p.name})" for p in found)
        raise CardCallbackError(msg)
    raise CardCallbackError(_unknown(text))


def _unknown(text: str) -> str:
    nearest = _nearest(plain_spelling(text))
    if nearest:
        return f"no grid factor for the place {_shown(text)}: nearest are {', '.join(map(_label, nearest))}"
    return f"no grid factor for the place {_shown(text)}: give {_SYNTAX}, or your grid's carbon intensity"


def _label(place: Place) -> str:
    # A cloud region's name ends with its code already.
    return place.name if place.code in place.name else f"{place.name} ({place.code})"


def _nearest(plain: str) -> list[Place]:
    index = _index()
    if len(plain) == 2:
        # Two letters that are no country were most likely meant as a state or province.
        parts = [index[key][0] for key in (f"us-{plain}", f"ca-{plain}") if key in index]
        if parts:
            return parts
    keys = [key for key in (f"{provider}/{plain}" for provider in ("aws", "azure", "gcp")) if key in index]
    country = plain.partition("-")[0]
    if not keys and len(country) == 2 and country in index:
        keys.append(country)
    keys += difflib.get_close_matches(plain, index, n=_MATCHES, cutoff=_CLOSE_ENOUGH)
    places = {place.code: place for key in keys for place in index[key]}
    return list(places.values())[:_MATCHES]


@lru_cache(maxsize=1)
def _index() -> dict[str, tuple[Place, ...]]:
    """Every spelling that is understood; a spelling shared by two places (Georgia) keeps both."""
    index: dict[str, tuple[Place, ...]] = {}
    for place, spellings in _spellings():
        for spelling in {plain_spelling(text) for text in spellings}:
            index[spelling] = (*index.get(spelling, ()), place)
    return index


def _spellings() -> list[tuple[Place, tuple[str, ...]]]:
    rows = factor_rows()
    entries = []
    for row in rows.values():
        place = Place(code=row.code, name=row.name, factor_code=row.code)
        codes = (row.code, row.alpha3) if row.alpha3 else (row.code,)
        entries.append((place, (*codes, row.name, *row.other_names)))
    for code, factor_code in cloud_regions().items():
        place = Place(code=code, name=f"{rows[factor_code].name} ({code})", factor_code=factor_code)
        entries.append((place, (code,)))
    return entries


def plain_spelling(text: str) -> str:
    """``text`` without accents, in lower case and with single blanks: by which places are told apart."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(bare.lower().split())


def _shown(text: str) -> str:
    return ascii(text) if not text.isprintable() else repr(text)
