"""The CO2e row: energy times one labelled factor, or what the energy would mean in two grids."""

from __future__ import annotations

from collections.abc import Sequence

from cardcallback.carbon import assess_footprint, grid_examples, overridden_places
from cardcallback.record import Carbon, CarbonFactor, CarbonShare, Measurement, RunRecord, is_unresolved
from cardcallback.render.carbon_words import ASSUMED, at_least_emissions, energy_of_emissions, share_energy
from cardcallback.render.energy_words import emissions_label
from cardcallback.render.figures import (
    least_energy,
    unresolved_reason,
)
from cardcallback.render.section.references import References
from cardcallback.render.text import TIMES, escape_markdown, join_words
from cardcallback.sessions import sessions_named
from cardcallback.units import format_emissions, format_energy, format_number

Row = tuple[str, str, str]
_MILLION = 1e6
_MOST_PLACES = 6


def carbon_row(record: RunRecord, references: References) -> Row:
    """Label, result and how it is known, as Markdown."""
    carbon = record.carbon
    if carbon is not None and is_unresolved(energy_of_emissions(record)):
        return _unresolved(record, carbon.energy_name)
    if carbon is not None:
        least = at_least_emissions(record)
        return (
            _label(record, carbon.energy_name),
            least + format_emissions(carbon.emissions_grams) + _per_million_tokens(record, carbon, least),
            _calculation(record, carbon, references) + _market(carbon, least),
        )
    # Any factor tells whether, and from which energy, CO2e could be calculated once a place is known.
    trial = assess_footprint(record.energy, grid_examples(1.0).clean.factor)
    if trial.carbon is None:
        return "CO2e", f"not calculated: {escape_markdown(trial.reason or 'energy not measured')}", ""
    if is_unresolved(_energies(record).get(trial.carbon.energy_name)):
        return _unresolved(record, trial.carbon.energy_name)
    joules = trial.carbon.energy_joules
    examples = grid_examples(joules)
    least = least_energy(record, _energies(record).get(trial.carbon.energy_name))
    clean, dirty = (
        f"{least}{format_emissions(example.grams)} in {escape_markdown(example.factor.place)}"
        for example in (examples.clean, examples.dirty)
    )
    result = f"depends on the grid: {least}{format_energy(joules)} is {clean}, {dirty}"
    return _label(record, trial.carbon.energy_name), result, "set the place with `cardcallback render --location`"


def _per_million_tokens(record: RunRecord, carbon: Carbon, least: str) -> str:
    """What a million tokens emitted, of whole figures; the row of the speed says which tokens count."""
    tokens, per_token = record.training.tokens.non_padding, record.energy.per_token
    if not tokens or least or per_token is None or per_token.value is None:
        return ""
    return f"; {format_emissions(carbon.emissions_grams / tokens * _MILLION)} per million tokens"


def _market(carbon: Carbon, least: str) -> str:
    factor, grams = carbon.market_factor, carbon.market_emissions_grams
    if factor is None or grams is None:
        return ""
    words = f"{format_number(factor.grams_per_kwh)} g/kWh, {escape_markdown(factor.source)}"
    return f". Market-based, by a contract's factor ({words}): {least}{format_emissions(grams)}"


def _unresolved(record: RunRecord, energy_name: str) -> Row:
    why = unresolved_reason(record.duration_seconds)
    return _label(record, energy_name), f"not calculated: energy {why}", ""


def _energies(record: RunRecord) -> dict[str, Measurement | None]:
    return {"gpu": record.energy.gpu, "system": record.energy.system}


def _label(record: RunRecord, energy_name: str) -> str:
    part = emissions_label(record, energy_name)
    return f"CO2e of {part}" if part.startswith("the ") else f"CO2e, {part}"


def _calculation(record: RunRecord, carbon: Carbon, references: References) -> str:
    if carbon.shares:
        formula = _of_several_places(carbon.shares, references)
    else:
        formula = _product(carbon.energy_joules, carbon.factor, references)
    formula = least_energy(record, energy_of_emissions(record)) + formula
    source = escape_markdown(carbon.pue_source or "")
    source = f" ({source})" if source else ""
    if carbon.pue is None:
        formula += f"; building overhead not included{source}"
    elif not carbon.shares:
        formula += f" {TIMES} {format_number(carbon.pue)} for building overhead{source}"
    else:
        formula += f"; the overhead is the building's{source}"
    return f"calculated: {formula}{_overridden(record)}"


def _product(joules: float, factor: CarbonFactor, references: References, about: str = "") -> str:
    words = f"{_factor_words(factor)} {references.cite_text(factor.source)}"
    return f"{format_energy(joules)} {TIMES} {format_number(factor.grams_per_kwh)} g/kWh ({about}{words})"


def _of_several_places(shares: Sequence[CarbonShare], references: References) -> str:
    """Each place's energy times its factor, as a sum, and what is not in it."""
    placed = [_of_share(share, share.factor, references) for share in shares if share.factor is not None]
    shown = placed if len(placed) <= _MOST_PLACES else [*placed[:_MOST_PLACES], "others, which the record lists"]
    without = [f"; without {share_energy(share)}, whose place was not told" for share in shares if not share.factor]
    return " + ".join(shown) + "".join(without)


def _of_share(share: CarbonShare, factor: CarbonFactor, references: References) -> str:
    sessions = sessions_named(share.sessions)
    if share.assumed:
        words = f"{format_energy(share.energy_joules)} {TIMES} {format_number(factor.grams_per_kwh)} g/kWh"
        words += f" ({sessions}, {ASSUMED})"
    else:
        words = _product(share.energy_joules, factor, references, f"{sessions}: ")
    return words if share.pue is None else f"{words} {TIMES} {format_number(share.pue)}"


def _overridden(record: RunRecord) -> str:
    own = overridden_places(record)
    if not own:
        return ""
    places = join_words(list(dict.fromkeys(escape_markdown(factor.place) for factor in own)))
    return f"; this place was given afterwards for all sessions, which were in {places} by their own account"


def _factor_words(factor: CarbonFactor) -> str:
    year = f"{factor.year} average" if factor.year else ""
    return ", ".join(escape_markdown(part) for part in (factor.place, year, factor.boundary) if part)
