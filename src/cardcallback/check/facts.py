"""What a card states of its run, gathered from all its lines: energies, emissions, times, places, devices."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import islice

from cardcallback.carbon import factor_for, find_place
from cardcallback.check.emissions_key import stated_grams
from cardcallback.check.quantities import Figure, Kind, find_figures, headed_figure, is_of_a_name
from cardcallback.check.reading import CardText, Line
from cardcallback.check.run_labels import plain_label
from cardcallback.errors import CardCallbackError
from cardcallback.record import CarbonFactor
from cardcallback.render.card.device_time import device_time_at
from cardcallback.render.card.emissions import EMISSIONS_KEY
from cardcallback.units import JOULES_PER_KILOWATT_HOUR

_BAR = re.compile(r"(?<!\\)\|")
_LABEL = re.compile(
    r"^[\s>]*(?:(?:[-*+]|\d{1,3}[.)])\s+)*(?P<label>(?:\*\*|__)?[^:*_|\d][^:*_|]{0,80}?(?:\*\*|__)?\s*:(?:\*\*|__)?)\s"
)
_LONGEST_LABEL = 120
# Each is held against each: of a card that states more, the first ones tell.
_MOST_FACTS = 200
_MOST_COUNTS = 12
_NEAR_BEGIN = 12
_PLACE_LABELS = frozenset(
    {"compute region", "region", "cloud region", "location", "geographical location", "country", "place", "grid",
     "data center", "data centre", "datacenter", "training location"}
)  # fmt: skip
# No memory, no device hours, and no number of a device's name.
_COUNTED = re.compile(
    r"(?<![\w.,-])(?P<count>\d{1,5})\s*(?![KMGT]i?B\b)(?:[x×]\s*(?=[A-Z])|"
    r"(?:(?:[A-Z][\w-]*\s+){0,4}GPUs?|devices|accelerators|TPUs?)\b)"
)
_NUM_DEVICES = re.compile(
    r"\b(?:num(?:ber)?[_ ](?:of[_ ])?)?(?:devices|gpus)[^\w.]{1,6}(?P<count>\d{1,5})\b"
    r"(?![.,]\d|\s*(?:[GT]i?B|h|%|[x×]))",
    re.IGNORECASE,
)
# What compares two grids is an illustration, not a figure of the run.
_ILLUSTRATION = re.compile(
    r"depends on the grid|\bwould\b|for comparison|equivalent to|compared (?:to|with)|"
    r"(?<!\bhalf )(?<!\bof )\b(?:an?|one|each|every) (?:kilowatt-?hour|kWh)\b|"
    r"(?:\bper|/) ?(?:1 ?[MkK]|1,000(?:,000)?|million|thousand) tokens\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """One figure on a card and what stands around it: its label, column and headings, in lower case."""

    figure: Figure
    line: Line
    cell: str
    label: str = ""
    column: str = ""
    cell_number: int = 0

    @property
    def words(self) -> str:
        """Label, column heading and the cell or line, to look for words in."""
        return f"{self.label} {self.column} {self.cell}".lower()

    @property
    def about(self) -> str:
        """As ``words``, without the value's own cell: what the figure is said to be of."""
        return f"{self.label} {self.column}".lower().strip() or self.cell.lower()


@dataclass(kw_only=True)
class Facts:
    """Everything numeric that a card says outside code."""

    card: CardText
    facts: list[Fact] = field(default_factory=list)

    def of(self, *kinds: Kind) -> list[Fact]:
        """Facts of these kinds that stand for themselves: no rates, no illustrations."""
        own = (one for one in self.facts if one.figure.kind in kinds and one.figure.rate is None)
        return list(islice((one for one in own if not is_illustration(one.cell)), _MOST_FACTS))

    @cached_property
    def lines(self) -> dict[int, list[Fact]]:
        """Facts by line."""
        grouped: dict[int, list[Fact]] = {}
        for one in self.facts:
            grouped.setdefault(one.line.number, []).append(one)
        return grouped

    @cached_property
    def counts(self) -> set[int]:
        """Every number of devices that the card names; 1 is always possible."""
        # In our own section the tables count the run's devices, and sentences those of others.
        lines = (line for line in self.card.prose_lines(ours=True) if not line.is_ours or line.table is not None)
        text = "\n".join(line.prose for line in lines)
        return {1, *sorted(counted_devices(text))[:_MOST_COUNTS]}

    @cached_property
    def matter_grams(self) -> float | None:
        """The front matter's emissions, as the Hub reads them."""
        return stated_grams(self.card)

    @cached_property
    def places(self) -> list[CarbonFactor]:
        """The grid factors of the places that the card declares."""
        emissions = self.card.data.get(EMISSIONS_KEY)
        stated = emissions.get("geographical_location") if isinstance(emissions, dict) else None
        texts = [stated] if isinstance(stated, str) else []
        providers = []
        for slot in self.card.slots:
            if slot.label is None or slot.kind not in {"line", "cell"}:
                continue
            label = plain_label(slot.label)
            texts += [slot.text] if label in _PLACE_LABELS else []
            providers += [slot.text] if "provider" in label else []
        said = " ".join(providers).lower()
        found = [_factor(text, said) for text in texts if "[" not in text]
        return [factor for factor in found if factor is not None]


def counted_devices(text: str) -> set[int]:
    """How many devices a text says that there are: "8 × A100", "4 GPUs", but not "RTX 4090 GPU"."""
    found = (*_COUNTED.finditer(text), *_NUM_DEVICES.finditer(text))
    own = (one for one in found if not is_of_a_name(text, one.start("count")))
    return {int(one["count"]) for one in own if device_time_at(text, one.end("count")) is None} - {0}


# Asked for by the card's own rules and by those that hold it against a record.
@lru_cache(maxsize=1)
def gather_facts(card: CardText) -> Facts:
    """Read every line of a card that is no code."""
    facts = Facts(card=card)
    columns: dict[int, list[str]] = {}
    for line in card.prose_lines(ours=True):
        if line.table is not None:
            cells = table_cells(line.prose)
            heads = columns.setdefault(line.table, cells)
            found = _row_facts(line, cells, heads)
            facts.facts += (one for one in found if not line.is_ours or _is_total_of_ours(one))
        elif not line.is_ours:
            facts.facts += _line_facts(line)
    return facts


def _is_total_of_ours(fact: Fact) -> bool:
    """Of our own section only the run's totals stand beside a person's figures; the record is held against it."""
    kind = fact.figure.kind
    if kind in {"intensity", "memory"}:
        return kind == "memory" or fact.label.startswith("co2e")
    # What stands behind the first figure of a row explains it.
    is_first = fact.cell_number == 1 and fact.figure.begin <= _NEAR_BEGIN
    return kind in {"energy", "emissions", "time"} and is_first


def table_cells(text: str) -> list[str]:
    """A table row's cells, without its outer bars."""
    cells = [cell.strip() for cell in _BAR.split(text.strip().removeprefix(">").strip())]
    cells = cells[1:] if cells and not cells[0] else cells
    return cells[:-1] if cells and not cells[-1] else cells


def _line_facts(line: Line) -> Iterator[Fact]:
    label = _LABEL.match(line.prose) if ":" in line.prose[:_LONGEST_LABEL] else None
    name = label.group("label") if label else ""
    heading = line.headings[-1] if line.headings else ""
    of_carbon = re.search(r"carbon|emission|CO(?:2|₂)", f"{name} {heading if name else ''}", re.IGNORECASE) is not None
    figures = find_figures(line.prose, of_carbon=of_carbon and _is_carbon_label(name))
    for figure in figures:
        yield Fact(figure=figure, line=line, cell=line.prose, label=plain_label(name))
    if label and not figures:
        bare = headed_figure(line.prose[label.end() :].strip(), name)
        if bare is not None:
            yield Fact(figure=bare, line=line, cell=line.prose, label=plain_label(name))


def _row_facts(line: Line, cells: list[str], heads: list[str]) -> Iterator[Fact]:
    if line.number == line.table:
        # Of a table without headings of its own the first row stands where they would.
        heads = []
    label = cells[0] if cells else ""
    for number, cell in enumerate(cells):
        column = heads[number] if number < len(heads) else ""
        of_carbon = _is_carbon_label(label) or _is_carbon_label(column)
        figures = find_figures(cell, of_carbon=of_carbon)
        if not figures:
            bare = headed_figure(cell, column, label if number else "")
            figures = [bare] if bare is not None else []
        for figure in figures:
            yield Fact(
                figure=figure,
                line=line,
                cell=cell,
                label=plain_label(label) if number else "",
                column=plain_label(column),
                cell_number=number,
            )


def _is_carbon_label(text: str) -> bool:
    return re.search(r"carbon|emission|CO(?:2|₂)|footprint", text, re.IGNORECASE) is not None


def is_illustration(text: str) -> bool:
    """Whether a text compares grids, or says what would be, and states no figure of the run."""
    return _ILLUSTRATION.search(text) is not None


@lru_cache(maxsize=64)
def _factor(text: str, providers: str) -> CarbonFactor | None:
    """The factor of the place a text names, whole or by one of its parts."""
    bare = re.sub(r"[*_`]|<[^>]*>", "", text).strip()
    names = [bare, *(part.strip(" ()") for part in reversed(re.split(r"[,;(/]", bare)))]
    region = bare.split()[0].lower() if bare.split() else ""
    clouds = {"aws": ("aws", "amazon"), "azure": ("azure", "microsoft"), "gcp": ("gcp", "google")}
    names += [f"{code}/{region}" for code, said in clouds.items() if any(word in providers for word in said)]
    for name in names:
        # Two letters inside a longer text are as likely a word.
        if len(name) < 2 or (len(name) == 2 and name != bare):
            continue
        try:
            return factor_for(find_place(name))
        except CardCallbackError:
            continue
    return None


def kilowatt_hours(figure: Figure) -> float:
    """An energy in kWh."""
    return figure.value / JOULES_PER_KILOWATT_HOUR
