"""From what a person writes to the place whose grid is meant."""

from __future__ import annotations

import difflib
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from cardcallback.carbon.table import cloud_regions, factor_rows
from cardcallback.errors import CardCallbackError

_LONGEST_PLACE = 80
_MATCHES = 3
_CLOSE_ENOUGH = 0.65
_SYNTAX = "a country (DE, DEU, Germany), US-CA, CA-QC, gcp/us-central1, aws/us-east-1 or azure/westeurope"
_PROVIDERS = ("aws", "azure", "gcp")
_SHORTEST_NAME = 4
_DIGITS = re.compile(r"\d+")
# A state or province by its code, of the two countries whose every one the table has.
_STATE = re.compile(r"(?:us|ca)-[a-z]{2}")
# How near a spelling is to another that was most likely meant; names of cloud regions are all near one another.
_MISSPELT, _MISSPELT_REGION = 0.8, 0.9


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
    plain, index = plain_spelling(text), _index()
    found = index.get(plain) or index.get(_bare_spelling(plain), ())
    if len(found) == 1:
        return found[0]
    if found:
        msg = f"{_shown(text)} is more than one place: give " + " or ".join(f"{p.code} ({p.name})" for p in found)
        raise CardCallbackError(msg)
    raise CardCallbackError(_unknown(text))


def is_several_places(text: str) -> bool:
    """Whether ``text`` is a name that places share, as Georgia."""
    return len(_index().get(plain_spelling(text), ())) > 1


def misspelt_places(text: str) -> list[Place]:
    """The places that ``text``, which names none, was most likely meant for; empty for a name of its own."""
    plain, index = plain_spelling(text), _index()
    if len(plain) == 2:
        return _parts_of_countries(plain)
    if _STATE.fullmatch(plain):
        return _nearest(plain)
    keys = _without_provider(plain)
    provider, _, region = plain.partition("/")
    near = difflib.get_close_matches(plain, index, n=_MATCHES, cutoff=_MISSPELT)
    keys += [key for key in near if not _is_another(plain, key)]
    if provider in _PROVIDERS:
        keys = [key for key in keys if _likeness(region, key.partition("/")[2]) >= _MISSPELT_REGION]
    return list({place.code: place for key in keys for place in index[key]}.values())


def _is_another(plain: str, key: str) -> bool:
    """A second region of a city, or a site that is named after a country, is no misspelling of it."""
    return _DIGITS.sub("", plain) == _DIGITS.sub("", key) or set(key.split()) < set(plain.split())


def _likeness(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one, other).ratio()


def _unknown(text: str) -> str:
    plain = plain_spelling(text)
    nearest = _nearest(plain)
    region = plain.partition("/")[0] in _PROVIDERS
    other = "its country or state" if region else "your grid's carbon intensity"
    if nearest:
        near = ", ".join(map(place_label, nearest))
        return f"no grid factor for the place {_shown(text)}: nearest are {near}; or give {other}"
    return f"no grid factor for the place {_shown(text)}: give {_SYNTAX}, or your grid's carbon intensity"


def place_label(place: Place) -> str:
    """A place in words, with the code that finds it."""
    # A cloud region's name ends with its code already.
    return place.name if place.code in place.name else f"{place.name} ({place.code})"


def _nearest(plain: str) -> list[Place]:
    index = _index()
    parts = _parts_of_countries(plain)
    if parts:
        return parts
    keys = _without_provider(plain) + _countries_in(plain)
    country = plain.partition("-")[0]
    if not keys and len(country) == 2 and country in index:
        keys.append(country)
    keys += difflib.get_close_matches(plain, index, n=_MATCHES, cutoff=_CLOSE_ENOUGH)
    places = {place.code: place for key in keys for place in index[key]}
    return list(places.values())[:_MATCHES]


def _parts_of_countries(plain: str) -> list[Place]:
    """Two letters that are no country were most likely meant as a state or province."""
    index = _index()
    return [index[key][0] for key in (f"us-{plain}", f"ca-{plain}") if len(plain) == 2 and key in index]


def _without_provider(plain: str) -> list[str]:
    return [key for key in (f"{provider}/{plain}" for provider in _PROVIDERS) if key in _index()]


def _countries_in(plain: str) -> list[str]:
    """The country that a cloud region's name begins with, as in azure/swedencentral."""
    provider, _, region = plain.partition("/")
    if provider not in _PROVIDERS:
        return []
    names = ((key, key.replace(" ", "")) for key, places in _index().items() if len(places[0].code) == 2)
    return [key for key, name in names if len(name) >= _SHORTEST_NAME and region.startswith(name)]


@lru_cache(maxsize=1)
def _index() -> dict[str, tuple[Place, ...]]:
    """Every spelling that is understood; a spelling shared by two places (Georgia) keeps both."""
    index: dict[str, tuple[Place, ...]] = {}
    for place, spellings in _spellings():
        plain = {plain_spelling(text) for text in spellings}
        for spelling in plain | {_bare_spelling(text) for text in plain}:
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


def _bare_spelling(plain: str) -> str:
    """A plain spelling without dots and the article, as "U.S.A." and "The Gambia" are written too."""
    return plain.replace(".", "").removeprefix("the ").replace("&", "and")


def _shown(text: str) -> str:
    return ascii(text) if not text.isprintable() else repr(text)
