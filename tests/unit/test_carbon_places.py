"""What a person may write for a place, and what they are told when it is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardcallback.carbon import factor_for, find_place
from cardcallback.carbon.table import cloud_regions, factor_rows
from cardcallback.errors import CardCallbackError


@pytest.mark.parametrize("text", ["DE", "de", "DEU", "deu", "Germany", " germany ", "Federal Republic of Germany"])
def test_country_in_every_spelling(text: str) -> None:
    """Alpha-2, alpha-3 and names of a country are one place, whatever the case."""
    assert find_place(text).code == "DE"


def test_bare_two_letters_are_a_country() -> None:
    """CA is Canada, not California."""
    assert find_place("CA").name == "Canada"
    assert find_place("US-CA").name == "California, United States"


@pytest.mark.parametrize(
    ("text", "code", "factor_code"),
    [
        ("US-CA", "US-CA", "US-CA"),
        ("ca-qc", "CA-QC", "CA-QC"),
        ("Québec", "CA-QC", "CA-QC"),
        ("gcp/us-central1", "gcp/us-central1", "gcp/us-central1"),
        ("AWS/us-east-1", "aws/us-east-1", "US-VA"),
        ("azure/westeurope", "azure/westeurope", "NL"),
        ("azure/koreacentral", "azure/koreacentral", "KR"),
        ("Côte d'Ivoire", "CI", "CI"),
        ("UK", "GB", "GB"),
        ("U.S.A.", "US", "US"),
        ("The Gambia", "GM", "GM"),
        ("Republic of Korea", "KR", "KR"),
        ("US-PR", "PR", "PR"),
        ("CN-HK", "HK", "HK"),
        ("TWN", "TW", "TW"),
        ("aws/cn-north-1", "aws/cn-north-1", "CN"),
        ("gcp/europe-north2", "gcp/europe-north2", "gcp/europe-north2"),
    ],
)
def test_regions_and_names(text: str, code: str, factor_code: str) -> None:
    """States, provinces and cloud regions are found; AWS and Azure stand for their country or state."""
    place = find_place(text)
    assert (place.code, place.factor_code) == (code, factor_code)


def test_name_of_two_places_is_refused() -> None:
    """Georgia is a country and a US state: the person has to say which."""
    with pytest.raises(CardCallbackError, match=r"more than one place: give GE \(Georgia\) or US-GA"):
        find_place("Georgia")


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("Grmany", "Germany (DE)"),
        ("NY", "New York, United States (US-NY)"),
        ("us-east-1", "aws/us-east-1"),
        ("gcp/us-centrl1", "gcp/us-central1"),
        ("DE-BY", "Germany (DE)"),
        ("azure/taiwannorth", "Taiwan (TW)"),
        ("azure/saudiarabiaeast", "Saudi Arabia (SA)"),
    ],
)
def test_unknown_place_names_its_nearest_matches(text: str, nearest: str) -> None:
    """An unknown place is refused on one line that holds the place most likely meant."""
    with pytest.raises(CardCallbackError) as caught:
        find_place(text)
    assert nearest in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unlisted_cloud_region_is_told_to_name_its_country() -> None:
    """Providers open regions faster than tables change."""
    with pytest.raises(CardCallbackError, match=r"or give its country or state$"):
        find_place("gcp/asia-southeast9")


@pytest.mark.parametrize("text", ["", " ", "xx", "日本DE", "../etc", "D\x00E"])
def test_what_is_no_place_is_not_guessed(text: str) -> None:
    """Nothing is stripped away until a place remains; the message shows the syntax or a match."""
    with pytest.raises(CardCallbackError, match="no grid factor for the place"):
        find_place(text)


@given(st.text(max_size=200))
def test_any_text_gives_a_place_or_one_line(text: str) -> None:
    """Whatever is written, the answer is a place with a factor or one printable line."""
    try:
        place = find_place(text)
    except CardCallbackError as error:
        assert str(error).isprintable()  # noqa: PT017 - either outcome is right, each has its own check
    else:
        assert factor_for(place).grams_per_kwh > 0


def test_every_code_finds_itself() -> None:
    """Each code of both tables is a place with a factor, and its own spelling."""
    for code in (*factor_rows(), *cloud_regions()):
        place = find_place(code)
        assert place.code == code
        assert factor_for(place).place == place.name


def test_cloud_regions_do_not_hide_a_factor_of_their_own() -> None:
    """A region with a row of its own is never mapped to its country's."""
    assert not set(cloud_regions()) & set(factor_rows())
