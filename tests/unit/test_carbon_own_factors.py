"""A person's own file of grid factors: before the table's, named by its own source, and refused where it may err."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from cardcallback import CardCallback
from cardcallback.carbon import chosen_factor, factor_for, find_place, read_own_factors
from cardcallback.cli import main
from cardcallback.errors import CardCallbackError
from cardcallback.record import encode, load_run
from cardcallback.settings import resolve_settings
from cardcallback.testing import make_record

FILE = """place,grams_per_kwh,year,boundary,source
Germany,301.5,2025,Lifecycle,"Our grid operator, report 7"
Roof of hall 3,41,,,Own study

US-VA,280,2024,combustion,State office
"""


def test_a_row_is_found_by_any_spelling_of_its_place() -> None:
    """A code finds the row of the name; a place that no table has is found by its own name."""
    own = read_own_factors(FILE, "own.csv")
    germany = own.factor_of("de")
    assert (germany.grams_per_kwh, germany.place, germany.place_code) == (301.5, "Germany", "DE")
    assert (germany.year, germany.boundary, germany.source) == (2025, "lifecycle", "Our grid operator, report 7")
    roof = own.factor_of("roof of  HALL 3")
    assert (roof.grams_per_kwh, roof.place, roof.year, roof.boundary) == (
        41.0,
        "Roof of hall 3",
        None,
        "boundary not stated",
    )


def test_a_region_takes_the_factor_of_where_it_stands() -> None:
    """As in the table, under its own name; what the file lacks comes from the table with the table's source."""
    own = read_own_factors(FILE, "own.csv")
    region = own.factor_of("aws/us-east-1")
    assert (region.grams_per_kwh, region.place_code) == (280.0, "aws/us-east-1")
    assert own.factor_of("SE") == factor_for(find_place("SE"))


@pytest.mark.parametrize("place", ["aws/eu-north-1", "azure/westeurope", "gcp/us-central1", "GE", "US-GA"])
def test_a_row_of_a_code_is_found_by_that_code(place: str) -> None:
    """Also where the place's name finds nothing (a cloud region's), or two places (Georgia)."""
    own = read_own_factors(f"place,grams_per_kwh,source\n{place},77.5,Own meter\n", "own.csv")
    factor = own.factor_of(place)
    assert (factor.grams_per_kwh, factor.place_code, factor.source) == (77.5, place, "Own meter")


def test_two_rows_of_one_place_are_refused_however_they_are_written() -> None:
    """Which of the two counts nobody could tell."""
    text = "place,grams_per_kwh,source\nDE,300,x\nGermany,310,x\n"
    with pytest.raises(CardCallbackError, match="line 3: Germany has a factor in an earlier line"):
        read_own_factors(text, "own.csv")


@pytest.mark.parametrize(
    "place",
    ["Kosovo", "XK", "Germany 2", "DE-BY", "Guernsey", "New South Wales", "gcp/asia-southeast9", "azure/taiwannorth"],
)
def test_a_place_that_the_table_lacks_may_be_near_to_one_that_it_has(place: str) -> None:
    """Another country, a site, a part of a country, a region that is newer than the table."""
    own = read_own_factors(f"place,grams_per_kwh,source\n{place},77.5,Own meter\n", "own.csv")
    assert (own.factor_of(place).grams_per_kwh, own.factor_of(place).place) == (77.5, place)


def test_a_number_goes_before_the_file() -> None:
    """As before the table: the place's name stays, the source is the person."""
    factor = chosen_factor("Roof of hall 3", 12.0, read_own_factors(FILE, "own.csv"))
    assert factor is not None
    assert (factor.grams_per_kwh, factor.place, factor.source) == (12.0, "Roof of hall 3", "given by the user")


def test_an_unknown_place_names_what_the_file_has() -> None:
    """The nearest of both."""
    with pytest.raises(
        CardCallbackError, match=r"no grid factor for the place 'Roof hall 3'.*own.csv has Roof of hall 3"
    ):
        read_own_factors(FILE, "own.csv").factor_of("Roof hall 3")


def test_what_spreadsheets_write_is_read() -> None:
    """A byte order mark, semicolons, other line ends, empty rows."""
    text = "\ufeffPlace;grams_per_kWh;source\r\nDE;300;Report\r\n;;\r\n"
    assert read_own_factors(text, "own.csv").factor_of("DE").grams_per_kwh == 300.0


HEADER = "place,grams_per_kwh,year,boundary,source\n"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("place,kg_per_kwh,source\nDE,0.3,x\n", "unknown column 'kg_per_kwh': give grams_per_kwh"),
        ("place,kgco2/mwh,source\nDE,300,x\n", "unknown column 'kgco2/mwh': give grams_per_kwh"),
        ("place,value,source\nDE,300,x\n", "unknown column 'value': the columns are place"),
        ("place,grams_per_kwh,sorce\nDE,300,x\n", "unknown column 'sorce': did you mean source"),
        ("place,grams_per_kwh\nDE,300\n", "no column source"),
        ("place,place,grams_per_kwh,source\n", "two columns place"),
        ("", "no column place"),
        (HEADER, "has no factor"),
        (HEADER + "DE,0.363,2024,,x\n", "line 2: carbon intensity must be .* give grams, not kilograms"),
        (HEADER + "DE,-5,2024,,x\n", "line 2: carbon intensity must be"),
        (HEADER + "DE,363000,2024,,x\n", "line 2: carbon intensity must be"),
        (HEADER + "DE,nan,2024,,x\n", "grams_per_kwh must be a bare number such as 363.2, not 'nan'"),
        (HEADER + 'DE,"363,2",2024,,x\n', "not '363,2'"),
        (HEADER + "DE,363 g,2024,,x\n", "not '363 g'"),
        (HEADER + "DE,1_000,2024,,x\n", "not '1_000'"),
        (HEADER + "DE,,2024,,x\n", "not ''"),
        (HEADER + "DE,300,24,,x\n", "the year must be one such as 2024"),
        (HEADER + "DE,300,2024,market-based,x\n", "with --market-intensity"),
        (HEADER + "DE,300,2024,scope 2,x\n", "boundary must be lifecycle, combustion, operational"),
        (HEADER + "DE,300,2024,,\n", "the source is missing"),
        (HEADER + "DE,300\n", "the source is missing"),
        (HEADER + ",300,2024,,x\n", "the place is missing"),
        (HEADER + "DE,300,2024,,x,y\n", "more cells than columns"),
        (HEADER + "DE,300,2024,,x\nGermany,310,2023,,x\n", "line 3: Germany has a factor in an earlier line"),
        (HEADER + 'DE,300,2024,,"x\n', "not CSV"),
        (HEADER + f"DE,300,2024,,{'x' * 300}\n", "one line of at most 200"),
        (
            HEADER + "Germny,300,2024,,x\n",
            r"line 2: .* near to Germany \(DE\): write that, or give",
        ),
        (HEADER + "US-XX,300,2024,,x\n", "near to United States"),
        (HEADER + "NY,300,2024,,x\n", r"near to New York, United States \(US-NY\)"),
        (HEADER + "gcp/us-centrl1,300,2024,,x\n", r"near to .*gcp/us-central1"),
        (HEADER + "us-central1,300,2024,,x\n", r"near to .*gcp/us-central1"),
        (HEADER + "Georgia,300,2024,,x\n", "more than one place"),
    ],
)
def test_what_may_be_another_unit_or_no_factor_is_refused(text: str, problem: str) -> None:
    """In one line that names the file."""
    with pytest.raises(CardCallbackError, match=problem) as raised:
        read_own_factors(text, "own.csv")
    assert str(raised.value).startswith("own.csv")
    assert "\n" not in str(raised.value)


def test_a_run_takes_the_file_that_its_settings_name(tmp_path: Path) -> None:
    """Read at construction; a place of the file is a place; the public interface is what it was."""
    (tmp_path / "own.csv").write_text(FILE)
    (tmp_path / "cardcallback.toml").write_text('carbon_factors = "own.csv"\nlocation = "roof of hall 3"\n')
    places = {"working_directory": tmp_path, "user_config_directory": tmp_path / "none"}
    settings = resolve_settings({}, environ={}, **places)
    assert settings.factor is not None
    assert (settings.location, settings.factor.source) == ("Roof of hall 3", "Own study")
    with pytest.raises(CardCallbackError, match="'carbon_factors'; set CARDCALLBACK_CARBON_FACTORS, or"):
        resolve_settings({"carbon_factors": "own.csv"}, environ={}, **places)
    assert "carbon_factors" not in inspect.signature(CardCallback).parameters
    (tmp_path / "own.csv").write_text("place,kg\n")
    with pytest.raises(CardCallbackError, match=r"own\.csv: unknown column 'kg'"):
        resolve_settings({}, environ={}, **places)


def _run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stop:
        main(list(arguments))
    return int(stop.value.code or 0)


def test_every_command_with_a_place_takes_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The person's source stands on the card and in the record; a file that is settled needs no option."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    Path("own.csv").write_text(FILE)
    for name in ("a", "b"):
        (tmp_path / name / "training_run").mkdir(parents=True)
        (tmp_path / name / "training_run/record.json").write_text(encode(make_record(run_id=f"run-{name}")))
    given = ("--location", "roof of hall 3", "--factors", "own.csv")
    assert _run("render", "a", "--card", "a/README.md", "--no-charts", *given) == 0
    carbon = load_run("a").carbon
    assert carbon is not None
    assert carbon.factor.source == "Own study"
    card = Path("a/README.md").read_text()
    assert "Own study" in card
    assert "geographical_location: Roof of hall 3" in card
    capsys.readouterr()
    for arguments in (("estimate", "--watts", "100", "--hours", "4"), ("compare", "a", "b")):
        assert _run(*arguments, *given) == 0
        assert "Own study" in capsys.readouterr().out
    assert _run("check", "a", "--record", "a", "--json") in {0, 4}
    assert "emissions" not in capsys.readouterr().out
    Path("cardcallback.toml").write_text('carbon_factors = "own.csv"\n')
    Path("merged").mkdir()
    assert _run("publish", "b", "merged", "--no-charts", *given[:2]) == 0
    assert "Own study" in Path("merged/README.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--factors", "own.csv"), "give --location too"),
        (("--factors", "own.csv", "--carbon-intensity", "30"), "leave one out"),
        (("--factors", "none.csv", "--location", "DE"), "factors cannot be read"),
    ],
)
def test_a_file_without_a_use_is_refused(
    arguments: tuple[str, ...],
    problem: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Before anything is calculated."""
    monkeypatch.chdir(tmp_path)
    Path("own.csv").write_text(FILE)
    assert _run("estimate", "--watts", "100", "--hours", "4", *arguments) == 1
    assert problem in " ".join(capsys.readouterr().err.split())
