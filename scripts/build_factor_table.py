"""Build the grid factor table that ships with the package from open data.

Install the sources without their dependencies into an environment of their own and run::

    python -m pip install --no-deps codecarbon==3.3.2 ecologits==0.10.0 pycountry==26.2.16
    python scripts/build_factor_table.py src/cardcallback/carbon/factors.csv

The versions are exact: ecologits states no year in its data, and only that of 0.10.0 is known (2024). Rows:

* countries: lifecycle CO2e of Ember via Our World in Data. ecologits holds 2024 for the countries that
  report every year; the rest come from codecarbon, each with the year of its own row;
* US states: EPA eGRID 2023, direct combustion, in pounds per MWh;
* Canadian provinces: generation mix of the Canada Energy Regulator, times codecarbon's combustion factors
  for coal, petroleum and gas;
* Google Cloud regions: Google's own list for 2024, whose figures (GoogleCloudPlatform/region-carbon-info at
  49f3f26, ``data/yearly/2024.csv``, Apache-2.0) stand in ``factor_sources/`` beside this script; codecarbon holds
  that of 2023, whose cities and countries name the regions.

What AWS and Azure regions stand for (``cloud_regions.csv``) is no figure and is kept by hand, from where the two
providers say that their regions are.
"""

from __future__ import annotations

import csv
import importlib.metadata
import json
import sys
import unicodedata
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pycountry

CODECARBON_VERSION = "3.3.2"
ECOLOGITS_VERSION = "0.10.0"
ECOLOGITS_YEAR = 2024
# codecarbon's own row of a country that reports every year is 2023; where it is older the country's 2024
# figure in ecologits may be older too, and a year must not be guessed.
REPORTS_EVERY_YEAR_SINCE = 2023
US_YEAR = 2023
CANADA_YEAR = 2023
GOOGLE_YEAR = 2024
GOOGLE_LIST = Path(__file__).with_name("factor_sources") / f"google_cloud_regions_{GOOGLE_YEAR}.csv"
GOOGLE_SOURCE = f"Google Cloud region list {GOOGLE_YEAR} (GoogleCloudPlatform/region-carbon-info at 49f3f26)"
GRAMS_PER_KWH_FROM_POUNDS_PER_MWH = 0.45359237

# Combustion factors of codecarbon's provincial calculation (its core/emissions.py), in g/kWh.
COMBUSTION_GRAMS_PER_KWH = {"coal": 995.725971, "petroleum": 816.6885263, "naturalGas": 743.8415916}

CANADIAN_CODES = {
    "alberta": "AB",
    "british columbia": "BC",
    "manitoba": "MB",
    "new brunswick": "NB",
    "newfoundland and labrador": "NL",
    "northwest territories": "NT",
    "nova scotia": "NS",
    "nunavut": "NU",
    "ontario": "ON",
    "prince edward island": "PE",
    "quebec": "QC",
    "saskatchewan": "SK",
    "yukon": "YT",
}
MISSPELT_REGIONS = {"me-cenrtal1": "me-central1"}
# Regions that are newer than codecarbon's list.
NEWER_REGIONS = {
    "europe-north2": "Stockholm, Sweden",
    "northamerica-south1": "Queretaro, Mexico",
    "us-central2": "Oklahoma, United States",
    "us-east2": "Georgia, United States",
}

# What people call a country beside its ISO names.
EVERYDAY_NAMES = {
    "AE": ("UAE", "Emirates"),
    "CI": ("Ivory Coast",),
    "CZ": ("Czech Republic",),
    "GB": ("UK", "Great Britain", "Britain"),
    "KR": ("Korea",),
    "MK": ("Macedonia",),
    "MM": ("Burma",),
    "MO": ("Macau",),
    "NL": ("Holland", "The Netherlands"),
    "SZ": ("Swaziland",),
    "TR": ("Turkiye",),
    "US": ("America", "United States of America"),
    "VI": ("US Virgin Islands",),
}
# Territories that ISO 3166 lists as countries and, under these codes, as parts of a country too.
PARTS_OF_COUNTRIES = {
    "AS": "US-AS",
    "AW": "NL-AW",
    "GU": "US-GU",
    "HK": "CN-HK",
    "MO": "CN-MO",
    "PR": "US-PR",
    "TW": "CN-TW",
    "VI": "US-VI",
}

COLUMNS = ("code", "alpha3", "name", "other_names", "grams_per_kwh", "year", "boundary", "source", "licence")


@dataclass(frozen=True)
class Row:
    """One line of the table; names without accents, so that the file stays plain ASCII."""

    code: str
    name: str
    grams_per_kwh: float
    year: int
    boundary: str
    source: str
    licence: str
    alpha3: str = ""
    other_names: tuple[str, ...] = ()

    def cells(self) -> tuple[str, ...]:
        """The line's cells in the order of ``COLUMNS``; values to a hundredth of a gram."""
        names = ";".join(_ascii(name) for name in self.other_names)
        value = f"{self.grams_per_kwh:.2f}"
        return (
            self.code,
            self.alpha3,
            _ascii(self.name),
            names,
            value,
            str(self.year),
            self.boundary,
            self.source,
            self.licence,
        )


def build_rows(codecarbon_data: Path, ecologits_data: Path) -> list[Row]:
    """Every row, sorted by kind and code; a factor of 0 or less is left out: no grid is that clean."""
    rows = [
        *_countries(codecarbon_data, ecologits_data),
        *_states(codecarbon_data),
        *_provinces(codecarbon_data),
        *_google_regions(codecarbon_data),
    ]
    return [row for row in rows if row.grams_per_kwh > 0]


def write_table(rows: list[Row], path: Path) -> None:
    """Write ``rows`` as CSV with Unix line ends."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(row.cells() for row in rows)


def installed_data() -> tuple[Path, Path]:
    """The data folders of the two packages.

    Raises:
        SystemExit: one is missing or has another version than the table was checked for.
    """
    folders = []
    for package, wanted in (("codecarbon", CODECARBON_VERSION), ("ecologits", ECOLOGITS_VERSION)):
        # find_spec, because importing either starts work that building a table does not need.
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            sys.exit(f"{package} is not installed: pip install --no-deps {package}=={wanted}")
        version = importlib.metadata.version(package)
        if version != wanted:
            sys.exit(f"{package} is {version}, this script was checked with {wanted}: pip install it")
        folders.append(Path(spec.origin).parent / "data")
    return folders[0], folders[1]


def _countries(codecarbon_data: Path, ecologits_data: Path) -> list[Row]:
    with (ecologits_data / "electricity_mixes.csv").open(encoding="utf-8") as file:
        newer = {line["name"]: float(line["gwp"]) * 1000 for line in csv.DictReader(file)}
    mixes = _json(codecarbon_data / "private_infra" / "global_energy_mix.json")
    rows = []
    for alpha3, mix in sorted(mixes.items()):
        country = pycountry.countries.get(alpha_3=alpha3)
        is_newer = alpha3 in newer and mix["year"] >= REPORTS_EVERY_YEAR_SINCE
        package = f"ecologits {ECOLOGITS_VERSION}" if is_newer else f"codecarbon {CODECARBON_VERSION}"
        rows.append(
            Row(
                code=country.alpha_2,
                alpha3=alpha3,
                name=mix["country_name"],
                other_names=_other_names(country, mix["country_name"]),
                grams_per_kwh=newer[alpha3] if is_newer else mix["carbon_intensity"],
                year=ECOLOGITS_YEAR if is_newer else mix["year"],
                boundary="lifecycle",
                source=f"Ember via Our World in Data ({package})",
                licence="CC BY 4.0",
            )
        )
    return sorted(rows, key=lambda row: row.code)


def _other_names(country: Any, name: str) -> tuple[str, ...]:
    official = [getattr(country, attribute, None) for attribute in ("name", "common_name", "official_name")]
    names = {_ascii(other) for other in official if other} | set(EVERYDAY_NAMES.get(country.alpha_2, ()))
    # "Korea, Republic of" is looked for as it is spoken, too.
    spoken = {other for other in names if other.endswith((" of", " of the")) and other.count(", ") == 1}
    names |= {" ".join(reversed(other.split(", "))) for other in spoken}
    names |= {code for code in (PARTS_OF_COUNTRIES.get(country.alpha_2),) if code}
    return tuple(sorted(names - {_ascii(name)}))


def _states(codecarbon_data: Path) -> list[Row]:
    states = _json(codecarbon_data / "private_infra" / "2023" / "usa_emissions.json")
    return [
        Row(
            code=f"US-{state['regionCode']}",
            name=f"{_title(name)}, United States",
            other_names=(_title(name),),
            grams_per_kwh=state["emissions"] * GRAMS_PER_KWH_FROM_POUNDS_PER_MWH,
            year=US_YEAR,
            boundary="combustion",
            source=(
                f"EPA eGRID {US_YEAR}, state average (codecarbon {CODECARBON_VERSION}); accounts are kept by eGRID "
                "subregion, and losses of the grid are excluded"
            ),
            licence="public domain",
        )
        for name, state in sorted(states.items(), key=lambda item: str(item[1].get("regionCode")))
        # The country's own row there has another boundary than the table's.
        if not name.startswith("_") and name != "usa"
    ]


def _provinces(codecarbon_data: Path) -> list[Row]:
    provinces = _json(codecarbon_data / "private_infra" / "2023" / "canada_energy_mix.json")
    return [
        Row(
            code=f"CA-{CANADIAN_CODES[name]}",
            name=f"{_title(name)}, Canada",
            other_names=(_title(name),),
            grams_per_kwh=sum(mix[fuel] / mix["total"] * grams for fuel, grams in COMBUSTION_GRAMS_PER_KWH.items()),
            year=CANADA_YEAR,
            boundary="combustion",
            source=f"Canada Energy Regulator generation mix (codecarbon {CODECARBON_VERSION})",
            licence="Open Government Licence - Canada",
        )
        for name, mix in sorted(provinces.items(), key=lambda item: CANADIAN_CODES[item[0]])
    ]


def _google_regions(codecarbon_data: Path) -> list[Row]:
    places = _google_places(codecarbon_data)
    with GOOGLE_LIST.open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    rows = [
        Row(
            code=f"gcp/{line['region']}",
            name=f"{places[line['region']]} (gcp/{line['region']})",
            grams_per_kwh=float(line["grams_per_kwh"]),
            year=GOOGLE_YEAR,
            boundary="operational",
            source=GOOGLE_SOURCE,
            licence="Apache-2.0",
        )
        for line in lines
    ]
    return sorted(rows, key=lambda row: row.code)


def _google_places(codecarbon_data: Path) -> dict[str, str]:
    """City and country of each region."""
    with (codecarbon_data / "cloud" / "impact.csv").open(encoding="utf-8-sig") as file:
        lines = [line for line in csv.DictReader(file) if line["provider"] == "gcp"]
    spelt = {"USA": "United States", "Korea": "South Korea"}
    places = {
        MISSPELT_REGIONS.get(line["region"], line["region"]): (
            f"{line['city']}, {spelt.get(line['country_name'], line['country_name'])}"
        )
        for line in lines
    }
    return places | NEWER_REGIONS


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _title(name: str) -> str:
    return " ".join(word if word in {"and", "of"} else word.capitalize() for word in name.split())


def _ascii(text: str) -> str:
    straight = text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return unicodedata.normalize("NFKD", straight).encode("ascii", "ignore").decode("ascii")


def main() -> None:
    """Write the table to the path given."""
    if len(sys.argv) != 2:
        sys.exit("usage: build_factor_table.py factors.csv")
    rows = build_rows(*installed_data())
    write_table(rows, Path(sys.argv[1]))
    print(f"{len(rows)} rows")


if __name__ == "__main__":
    main()
