"""Grid factors of a person's own, from a CSV file: before the table's, and named by the person's source."""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from cardcallback.carbon.factors import USER_BOUNDARY, factor_for, user_factor
from cardcallback.carbon.places import (
    Place,
    find_place,
    is_several_places,
    misspelt_places,
    place_label,
    plain_spelling,
)
from cardcallback.errors import CardCallbackError
from cardcallback.record import CarbonFactor

COLUMNS = ("place", "grams_per_kwh", "year", "boundary", "source", "licence")
_NEEDED = ("place", "grams_per_kwh", "source")
# Boundaries compare by their word, so only the words of the table that ships are taken.
_BOUNDARIES = ("lifecycle", "combustion", "operational")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_YEARS = range(1990, 2101)
_LONGEST_TEXT = 200
_NEAREST = 3
_HEADER = ",".join(COLUMNS[:5])


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnFactors:
    """A person's factors by place; ``name`` is that of their file.

    ``factors`` has a key for each row: the code of a place that ships with the package, so that "DE" finds a row of
    "Germany", else the place's name in plain spelling.
    """

    name: str
    factors: Mapping[str, CarbonFactor]

    def factor_of(self, location: str) -> CarbonFactor:
        """The person's factor of ``location``, or the table's where they have none.

        A cloud region that has none of its own takes that of its country or state, as in the table.

        Raises:
            CardCallbackError: neither knows the place.
        """
        try:
            place = find_place(location)
        except CardCallbackError as error:
            own = self.factors.get(plain_spelling(location))
            if own is not None:
                return own
            known = [factor.place for factor in self.factors.values()]
            msg = f"{error}; {self.name} has {', '.join(_nearest(location, known))}"
            raise CardCallbackError(msg) from error
        factor = self.factors.get(place.code) or self.factors.get(place.factor_code)
        if factor is None:
            return factor_for(place)
        return msgspec.structs.replace(factor, place=place.name, place_code=place.code)


def read_own_factors(text: str, name: str) -> OwnFactors:
    """The factors of a CSV text with the columns place, grams_per_kwh, year, boundary, source and licence.

    ``place`` is one that ships with the package or any name; ``grams_per_kwh`` is grams of CO2e per kWh. ``year`` (the
    factor is its average), ``boundary`` (lifecycle, combustion or operational) and ``licence`` may be left out.

    Args:
        text: of the file; cells by comma or, where the header has them, by semicolon.
        name: of the file, for messages.

    Raises:
        CardCallbackError: an unknown column, or a row that is no factor; the message names file and line.
    """
    factors: dict[str, CarbonFactor] = {}
    for line, cells in _rows(text.removeprefix("\ufeff"), name):
        try:
            factor = _factor(cells)
        except CardCallbackError as error:
            msg = f"{name}, line {line}: {error}"
            raise CardCallbackError(msg) from error
        key = _key(cells["place"])
        if key in factors:
            msg = f"{name}, line {line}: {factor.place} has a factor in an earlier line: keep one"
            raise CardCallbackError(msg)
        factors[key] = factor
    if not factors:
        msg = f"{name} has no factor: below the header {_HEADER} it holds one place a line"
        raise CardCallbackError(msg)
    return OwnFactors(name=name, factors=factors)


def _rows(text: str, name: str) -> Iterator[tuple[int, dict[str, str]]]:
    header, _, _ = text.partition("\n")
    reader = csv.reader(text.splitlines(), delimiter=";" if ";" in header else ",", strict=True)
    try:
        columns = [cell.strip().lower() for cell in next(reader, [])]
        _check_columns(columns, name)
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) > len(columns):
                msg = f"{name}, line {reader.line_num}: more cells than columns: put texts with commas into quotes"
                raise CardCallbackError(msg)
            values = (cell.strip() for cell in cells)
            yield reader.line_num, dict.fromkeys(COLUMNS, "") | dict(zip(columns, values, strict=False))
    except csv.Error as error:
        msg = f"{name}, line {reader.line_num}: not CSV ({error}): mend its quotes"
        raise CardCallbackError(msg) from error


def _check_columns(columns: Sequence[str], name: str) -> None:
    unknown = next((column for column in columns if column not in COLUMNS), None)
    if unknown is not None:
        nearest = difflib.get_close_matches(unknown, COLUMNS, n=1, cutoff=0.75)
        cure = f"did you mean {nearest[0]}?" if nearest else f"the columns are {', '.join(COLUMNS)}"
        # A column of kilograms, or of a megawatt-hour, is near in spelling and a thousandfold off.
        cure = "give grams_per_kwh, grams of CO2e per kWh" if "per" in unknown or "/" in unknown else cure
        msg = f"{name}: unknown column {unknown[:_LONGEST_TEXT]!r}: {cure}"
        raise CardCallbackError(msg)
    missing = [column for column in _NEEDED if column not in columns]
    twice = next((column for column in columns if columns.count(column) > 1), None)
    if missing or twice:
        what = f"no column {missing[0]}" if missing else f"two columns {twice}"
        msg = f"{name} has {what}: its first line is {_HEADER}"
        raise CardCallbackError(msg)


def _factor(cells: Mapping[str, str]) -> CarbonFactor:
    texts = {column: _checked_text(column, cells[column]) for column in ("place", "source", "licence")}
    place = _place(texts["place"])
    return msgspec.structs.replace(
        user_factor(_number(cells["grams_per_kwh"]), place),
        year=_year(cells["year"]),
        boundary=_boundary(cells["boundary"]),
        source=texts["source"],
        licence=texts["licence"] or None,
    )


def _place(text: str) -> Place:
    """A place that ships, else one that only this file knows: its name is its code.

    Raises:
        CardCallbackError: places share that name, or it is most likely a misspelt one of the table's, whose row would
            then be found by nobody who spells it right.
    """
    try:
        return find_place(text)
    except CardCallbackError:
        if is_several_places(text):
            raise
        meant = misspelt_places(text)
    if meant:
        near = " or ".join(map(place_label, meant))
        msg = f"{text!r} is no place of the table and near to {near}: write that, or give yours a name of its own"
        raise CardCallbackError(msg)
    return Place(code=text, name=text, factor_code=text)


def _key(text: str) -> str:
    """By what the row says, since a place's own name may not find it: of a cloud region, or shared as Georgia's."""
    try:
        return find_place(text).code
    except CardCallbackError:
        return plain_spelling(text)


def _checked_text(column: str, text: str) -> str:
    if not text and column in _NEEDED:
        cure = "say where the figure is from" if column == "source" else "name a country, a region or a site"
        msg = f"the {column} is missing: {cure}"
        raise CardCallbackError(msg)
    if len(text) > _LONGEST_TEXT or not text.isprintable():
        msg = f"the {column} must be one line of at most {_LONGEST_TEXT} characters"
        raise CardCallbackError(msg)
    return text


def _number(text: str) -> float:
    if _NUMBER.fullmatch(text) is None:
        msg = f"grams_per_kwh must be a bare number such as 363.2, not {text[:_LONGEST_TEXT]!r}"
        raise CardCallbackError(msg)
    return float(text)


def _year(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or int(text[:5]) not in _YEARS:
        msg = f"the year must be one such as 2024, or left out, not {text[:_LONGEST_TEXT]!r}"
        raise CardCallbackError(msg)
    return int(text)


def _boundary(text: str) -> str:
    word = text.lower()
    if word in {"", *_BOUNDARIES}:
        return word or USER_BOUNDARY
    cure = "give a contract's factor with --market-intensity" if "market" in word else "or leave it out"
    msg = f"the boundary must be {', '.join(_BOUNDARIES)}, not {text[:_LONGEST_TEXT]!r}: {cure}"
    raise CardCallbackError(msg)


def _nearest(location: str, known: Sequence[str]) -> list[str]:
    by_spelling = {plain_spelling(one): one for one in known}
    close = difflib.get_close_matches(plain_spelling(location), by_spelling, n=_NEAREST)
    return [by_spelling[one] for one in close] or list(known[:_NEAREST])
