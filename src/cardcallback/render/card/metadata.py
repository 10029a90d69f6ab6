"""The front-matter keys we own or have to clean: what they should say, and whose word counts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from cardcallback.errors import CardCallbackError
from cardcallback.record import Fill, RunRecord
from cardcallback.render.card.earlier_emissions import is_own_emissions
from cardcallback.render.card.emissions import EMISSIONS_KEY, SOURCE_BEGIN, emissions_metadata, hardware_text
from cardcallback.render.card.front_matter import (
    SplitCard,
    is_json_of,
    key_source,
    plain,
    split_card,
)
from cardcallback.render.card.matter_data import key_spans, parse_matter
from cardcallback.render.card.metadata_edit import MetadataEdit
from cardcallback.render.card.model_index import model_index
from cardcallback.render.card.names import is_local, looks_local, split_relation_tag
from cardcallback.render.card.objectives import library_of
from cardcallback.render.card.open_keys import is_open
from cardcallback.render.card.values import published_base_model
from cardcallback.render.exported import Weights

HEADING = "front matter"
_BASE_KEY = "base_model"
_RELATION_KEY = "base_model_relation"
_LIBRARY_KEY = "library_name"
_RESULTS_KEY = "model-index"
_OWNED = (_BASE_KEY, _RELATION_KEY, EMISSIONS_KEY, _LIBRARY_KEY, _RESULTS_KEY)

_NOT_CLOSED = (
    "the card begins with front matter that the Hub does not read: put --- alone on a line above its first key and "
    "below its last one; the card is left as it is"
)
_SECOND_BLOCK = "the card has a second block of front matter, which the Hub shows as text: move its keys to the first"
_OLD_LINE_ENDS = "the card's lines end in a carriage return alone, so the Hub finds no front matter: save it anew"


def complete_metadata(
    card: SplitCard,
    record: RunRecord,
    *,
    trainer_card: str | None,
    by_person: bool,
    known: Sequence[Fill],
    weights: Weights | None,
    wants_results: bool,
) -> MetadataEdit:
    """``card`` with the trainer's keys it lacks, no local folder in it, and the keys we own.

    Args:
        card: the card, split.
        record: the run; its ``carbon`` is None where another figure is to stand alone.
        trainer_card: what the trainer last wrote.
        by_person: whether the card's own front matter is a person's (or a template's), whose word counts.
        known: what earlier runs wrote.
        weights: what lies beside the card, where that is not what training left there.
        wants_results: whether a ``model-index`` is asked for; one of ours that is there is kept up to date.

    Raises:
        CardCallbackError: the card's front matter is not valid YAML, is not closed, or cannot be edited key by key.
    """
    edit = MetadataEdit(card=card)
    _look_at_block(edit)
    by_others = set() if by_person else set(edit.data())
    by_others |= _unite(edit, trainer_card, known)
    ours = {key for key in _OWNED if _is_ours(key, edit.data().get(key), known)}
    _settle_base_model(edit, record, by_others=by_others | ours, ours=ours)
    _settle_relation(edit, record, weights, ours=ours)
    _clean_tags(edit, record, by_others=by_others)
    _clean_datasets(edit, by_others=by_others)
    _settle_emissions(edit, record, ours=ours)
    # In a copy of a run's card a library of ours may be of weights that are not the copy's.
    is_asked = is_open(edit.data().get(_LIBRARY_KEY))
    if not by_person or is_asked or (weights is not None and _LIBRARY_KEY in ours):
        _settle_library(edit, record, weights, ours=ours)
    _settle_results(edit, record, weights, wanted=wants_results, ours=ours)
    edit.finish()
    return edit


def emissions_owner(card: SplitCard, trainer_card: str | None, *, by_person: bool, known: Sequence[Fill]) -> str | None:
    """Whose ``co2_eq_emissions`` a card has: "person", "trainer", or None where there is none but ours."""
    value = parse_matter(card.matter).get(EMISSIONS_KEY)
    if value is not None and not is_open(value) and not _is_ours(EMISSIONS_KEY, value, known):
        return "person" if by_person else "trainer"
    value = _trainer_data(trainer_card)[1].get(EMISSIONS_KEY)
    return "trainer" if value is not None and not _is_ours(EMISSIONS_KEY, value, known) else None


def _look_at_block(edit: MetadataEdit) -> None:
    """Refuse front matter that was meant as such and is none, and tell what the Hub will read otherwise."""
    card = edit.card
    if card.matter is None and card.body_begins_like_matter:
        raise CardCallbackError(_NOT_CLOSED)
    edit.warnings += [_SECOND_BLOCK] if card.body_begins_like_matter else []
    edit.warnings += [_OLD_LINE_ENDS] if card.has_old_line_ends else []
    edit.data()  # what is no YAML is refused before its keys are looked for
    twice = key_spans(card.matter or "").twice
    edit.warnings += [f"the card's front matter has {name} twice, which the Hub refuses: keep one" for name in twice]


def _unite(edit: MetadataEdit, trainer_card: str | None, known: Sequence[Fill]) -> set[str]:
    """Add the trainer's keys that the card lacks, as they are written; returns their names."""
    source, data = _trainer_data(trainer_card)
    present = edit.data()
    added = set()
    for key, value in data.items():
        if key in present or (key in _OWNED and _is_ours(key, value, known)):
            continue
        edit.add(key, value, key_source(source.matter or "", key))
        added.add(key)
    return added


def _trainer_data(trainer_card: str | None) -> tuple[SplitCard, dict[str, Any]]:
    source = split_card(trainer_card or "")
    try:
        return source, parse_matter(source.matter)
    except CardCallbackError:
        # What a trainer wrote is regenerated at its next save; the card at hand does not depend on it.
        return source, {}


def _settle_base_model(edit: MetadataEdit, record: RunRecord, *, by_others: set[str], ours: set[str]) -> None:
    known_base = published_base_model(record)
    present = edit.data().get(_BASE_KEY)
    stated = [str(name) for name in (present if isinstance(present, list) else [present]) if name is not None]
    names = [name for name in stated if not is_open(name)]
    if stated and not names and known_base is None:
        return
    foreign = _BASE_KEY in by_others
    replace_all = foreign and len(names) < 2
    kept = [known_base if (replace_all and known_base) or _is_folder(name, foreign=foreign) else name for name in names]
    kept = [known_base] if not names else list(dict.fromkeys(kept))
    result = [name for name in kept if name is not None]
    if _BASE_KEY in ours and known_base is None:
        result = []
    if result != stated:
        if names and not result:
            edit.remarks.append("base_model was a folder and is left out: name the model with base_model=")
        _store(edit, _BASE_KEY, result[0] if len(result) == 1 else result)
    if known_base is not None and result == [known_base] and (result != stated or _BASE_KEY in ours):
        edit.fills.append(_metadata_fill(_BASE_KEY, known_base))


def _settle_relation(edit: MetadataEdit, record: RunRecord, weights: Weights | None, *, ours: set[str]) -> None:
    """``adapter`` where that is what lies here; for what was made of it later the Hub's own guess stands."""
    known_base = published_base_model(record)
    is_base = known_base is not None and edit.data().get(_BASE_KEY) in (known_base, [known_base])
    is_adapter = record.training.trains_adapter and weights in {None, "adapter"}
    wanted = "adapter" if is_base and is_adapter else None
    if _is_anothers(edit, _RELATION_KEY, ours, wanted):
        return
    if weights == "unknown":  # nothing speaks for it, and nothing against what was written before
        wanted = edit.data().get(_RELATION_KEY)
    _store(edit, _RELATION_KEY, wanted)
    if wanted:
        edit.fills.append(_metadata_fill(_RELATION_KEY, wanted))


def _settle_library(edit: MetadataEdit, record: RunRecord, weights: Weights | None, *, ours: set[str]) -> None:
    """A program's card without any key has no front matter, which the Hub's client complains of."""
    library = library_of(record.training, weights)
    if weights == "unknown":  # what was written before may be right
        library = edit.data().get(_LIBRARY_KEY)
    if _is_anothers(edit, _LIBRARY_KEY, ours, library):
        return
    _store(edit, _LIBRARY_KEY, library)
    edit.fills += [_metadata_fill(_LIBRARY_KEY, library)] if library else []


def _settle_results(
    edit: MetadataEdit, record: RunRecord, weights: Weights | None, *, wanted: bool, ours: set[str]
) -> None:
    present = edit.data()
    # Without a record of what was written: what this run gives is ours.
    is_same = _RESULTS_KEY in present and plain(present[_RESULTS_KEY]) == model_index(record, present)[0]
    if _RESULTS_KEY not in ours and not is_same and (not wanted or _RESULTS_KEY in present):
        if wanted:
            edit.remarks.append("the card has a model-index already, which stays")
        return
    value, reason = model_index(record, present, weights)
    _store(edit, _RESULTS_KEY, value)
    edit.fills += [_metadata_fill(_RESULTS_KEY, value)] if value else []
    edit.remarks += [f"no model-index: {reason}"] if reason else []


def _clean_tags(edit: MetadataEdit, record: RunRecord, *, by_others: set[str]) -> None:
    tags = edit.data().get("tags")
    if not isinstance(tags, list):
        return
    foreign = "tags" in by_others
    cleaned = [_clean_tag(tag, published_base_model(record), foreign=foreign) for tag in tags]
    kept = [plain(tag) for tag in dict.fromkeys(map(_hashable, cleaned)) if tag is not None]
    if kept != plain(tags):
        _store(edit, "tags", kept)


def _clean_tag(tag: Any, base: str | None, *, foreign: bool) -> Any:
    relation = split_relation_tag(tag) if isinstance(tag, str) else None
    if relation is None:
        return tag
    prefix, name = relation
    if foreign and base:
        return prefix + base
    if _is_folder(name, foreign=foreign):
        return prefix + base if base else None
    return tag


def _clean_datasets(edit: MetadataEdit, *, by_others: set[str]) -> None:
    if "datasets" not in by_others:
        return
    present = edit.data()["datasets"]
    names = present if isinstance(present, list) else [present]
    kept = [plain(name) for name in names if not (isinstance(name, str) and is_local(name))]
    if len(kept) != len(names):
        _store(edit, "datasets", kept)


def _settle_emissions(edit: MetadataEdit, record: RunRecord, *, ours: set[str]) -> None:
    wanted = emissions_metadata(record, hardware_text(record))
    if _is_anothers(edit, EMISSIONS_KEY, ours, wanted):
        return
    _store(edit, EMISSIONS_KEY, wanted)
    if wanted is not None:
        edit.fills.append(_metadata_fill(EMISSIONS_KEY, wanted))


def _is_anothers(edit: MetadataEdit, key: str, ours: set[str], wanted: Any) -> bool:
    """Whether a key's value stays: a person's or a trainer's, or a placeholder for which there is no value."""
    present = edit.data().get(key)
    return present is not None and key not in ours and (wanted is None or not is_open(present))


def _is_folder(name: str, *, foreign: bool) -> bool:
    return is_local(name) if foreign else looks_local(name)


def _is_ours(key: str, value: Any, known: Sequence[Fill]) -> bool:
    written = [fill.text for fill in known if fill.heading == HEADING and fill.label == key]
    if any(is_json_of(text, value) for text in written):
        return True
    # What is remembered may be another card's, and the source says whose figure it is.
    if written:
        return key == EMISSIONS_KEY and is_own_emissions(value)
    found = value.get("source") if isinstance(value, dict) else None
    return key == EMISSIONS_KEY and isinstance(found, str) and found.startswith(SOURCE_BEGIN)


def _store(edit: MetadataEdit, key: str, value: Any) -> None:
    if value is None or value == []:
        edit.remove(key)
    else:
        edit.set(key, value)


def _metadata_fill(key: str, value: Any) -> Fill:
    return Fill(heading=HEADING, label=key, placeholder="", text=json.dumps(value))


def _hashable(value: Any) -> Any:
    return value if value is None or isinstance(value, (str, int, float, bool)) else json.dumps(plain(value))
