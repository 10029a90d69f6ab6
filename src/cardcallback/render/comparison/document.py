"""A comparison from top to bottom: who, what makes them unequal, figures, costs, and what has to be said."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from cardcallback.compare import Comparison, Difference
from cardcallback.compare.work import scope_words
from cardcallback.render.comparison.words import (
    break_even_words,
    cell_words,
    cost_rows,
    group_words,
    quantity_words,
    ratio_words,
)
from cardcallback.render.text import clean, escape_markdown, sentence

_LONGEST = 600
_WIDEST = 120
_TITLE = "Comparison of training runs"
_UNEQUAL = "What makes them unequal"
_FIGURES = "Figures"
_OF_PARTS = ("gpu_energy", "system_energy", "cpu_energy", "emissions_common_factor", "emissions_own_factor")
_COSTS = "Cost of one run, in the currency of the prices given"


@dataclass
class _Footnotes:
    """What is said at length once, and marked by a number wherever it holds."""

    texts: list[str] = field(default_factory=list)

    def remember(self, text: str) -> str:
        """The mark of a text."""
        if text not in self.texts:
            self.texts.append(text)
        return f"[{self.texts.index(text) + 1}]"


@dataclass(frozen=True)
class _Table:
    heading: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class _Document:
    lines: tuple[str, ...]
    tables: tuple[_Table, ...]
    footnotes: tuple[str, ...]
    notes: tuple[str, ...]


def comparison_text(comparison: Comparison) -> str:
    """For a terminal: columns by blanks, or a line for each figure where these would be too wide."""
    document = _document(comparison)
    parts = ["\n".join(_wrapped(line) for line in document.lines)]
    parts += [f"{table.heading}\n{_aligned(table)}" for table in document.tables]
    parts += ["\n".join(_wrapped(text, f"[{place}] ") for place, text in enumerate(document.footnotes, start=1))]
    parts += ["\n".join(_wrapped(note) for note in document.notes)]
    return "\n\n".join(part for part in parts if part) + "\n"


def comparison_markdown(comparison: Comparison) -> str:
    """For a card or a report: a heading, tables and their notes."""
    document = _document(comparison)
    parts = [f"## {_TITLE}", "\n".join(f"- {escape_markdown(line, _LONGEST)}" for line in document.lines)]
    parts += [f"### {table.heading}\n\n{_markdown_table(table)}" for table in document.tables]
    parts += [
        "\n".join(
            f"{place}. {escape_markdown(text, _LONGEST)}" for place, text in enumerate(document.footnotes, start=1)
        )
    ]
    parts += [" ".join(sentence(note) for note in document.notes)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _document(comparison: Comparison) -> _Document:
    letters = [group.letter for group in comparison.groups]
    # A table may be copied without the lines above it.
    columns = [f"{group.letter} (simulated)" if group.simulated else group.letter for group in comparison.groups]
    footnotes = _Footnotes()
    unequal = tuple((_name(one), *(clean(value, _LONGEST) for value in one.values)) for one in comparison.differences)
    tables = [_Table(_UNEQUAL, ("", *columns), unequal)] if unequal else []
    tables.append(_Table(_FIGURES, ("", *columns, *_ratio_names(letters)), _figures(comparison, footnotes.remember)))
    costs = tuple(cost_rows(comparison.costs, footnotes.remember))
    if costs:
        tables.append(_Table(_COSTS, ("", *columns), costs))
    return _Document(
        lines=tuple(group_words(group) for group in comparison.groups),
        tables=tuple(tables),
        footnotes=tuple(footnotes.texts),
        notes=(
            *map(break_even_words, comparison.break_even),
            *_held(comparison),
            *_doubts(comparison),
            *comparison.notes,
        ),
    )


def _name(one: Difference) -> str:
    # Two of the same words stand there since each leaves something open.
    return one.name if len(set(one.values)) > 1 else f"{one.name}, not known to be alike"


def _ratio_names(letters: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{letter} / {letters[0]}" for letter in letters[1:])


def _figures(comparison: Comparison, remember: Callable[[str], str]) -> tuple[tuple[str, ...], ...]:
    rows = []
    for row in comparison.rows:
        if all(cell.value is None for cell in row.cells) and len({cell.reason for cell in row.cells}) == 1:
            # One reason for all: a row of nothing but marks would say no more.
            rows.append((quantity_words(row), *(f"none {remember(row.cells[0].reason or '')}" for _ in row.cells)))
            rows[-1] = (*rows[-1], *("" for _ in comparison.groups[1:]))
            continue
        cells = [cell_words(cell, row.unit, remember) for cell in row.cells]
        ratios = [ratio_words(one, remember) for one in row.ratios] or ["" for _ in comparison.groups[1:]]
        rows.append((quantity_words(row), *cells, *ratios))
    return tuple(rows)


def _held(comparison: Comparison) -> tuple[str, ...]:
    """Which parts of a machine each energy, and CO2e, is of."""
    told = []
    for row in comparison.rows:
        if row.name not in _OF_PARTS:
            continue
        by_scope: dict[str, list[str]] = {}
        for group, cell in zip(comparison.groups, row.cells, strict=True):
            if cell.value is not None:
                words = "parts nobody documents" if cell.scope is None else scope_words(cell.scope)
                by_scope.setdefault(words, []).append(group.letter)
        sayings = [f"of {words} ({', '.join(letters)})" for words, letters in by_scope.items()]
        told += [f"{quantity_words(row)}: {'; '.join(sayings)}"] if sayings else []
    return tuple(told)


def _doubts(comparison: Comparison) -> tuple[str, ...]:
    told: dict[str, list[str]] = {}
    for group in comparison.groups:
        accuracy = group.accuracy
        words = "not published" if accuracy is None else accuracy.statement
        source = f" ({accuracy.source})" if accuracy is not None and accuracy.source else ""
        told.setdefault(words + source, []).append(group.letter)
    sayings = [f"{', '.join(letters)}: {words}" for words, letters in told.items()]
    bounds = "ranges in brackets hold repetition and recording; in none of them is the energy sensors' own accuracy"
    return (f"{bounds} ({'; '.join(sayings)})",)


def _aligned(table: _Table) -> str:
    rows = (table.columns, *table.rows)
    widths = [max(len(row[place]) for row in rows) for place in range(len(table.columns))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(lines if max(map(len, lines)) <= _WIDEST else _listed(table))


def _listed(table: _Table) -> Iterator[str]:
    for name, *cells in table.rows:
        yield _wrapped(name)
        yield from (
            _wrapped(cell, f"  {column}: ") for column, cell in zip(table.columns[1:], cells, strict=True) if cell
        )


def _wrapped(text: str, lead: str = "") -> str:
    """A text in lines that fit, those after the first below where it begins."""
    return textwrap.fill(
        clean(text, _LONGEST),
        width=_WIDEST,
        initial_indent=lead,
        subsequent_indent=" " * len(lead),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _markdown_table(table: _Table) -> str:
    lines = [_markdown_row(table.columns), _markdown_row(["---"] * len(table.columns), escape=False)]
    return "\n".join([*lines, *(_markdown_row(row) for row in table.rows)])


def _markdown_row(cells: Sequence[str], *, escape: bool = True) -> str:
    return f"| {' | '.join(escape_markdown(cell, _LONGEST) if escape else cell for cell in cells)} |"
