"""The label map: which label, heading or column of a card asks for which value, as data that users extend."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import msgspec
import msgspec.yaml
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from cardcallback.errors import CardCallbackError
from cardcallback.render.card.asked_words import words_key
from cardcallback.render.card.labelled import normalize_label
from cardcallback.render.card.values import VALUE_NAMES, is_value_name
from cardcallback.render.card.values_results import ITEM_PARTS

Words = str | tuple[str, ...]
_SHIPPED = "labels.yaml"
_SEE = f"see the rows of {_SHIPPED}"


class LabelRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row of the label map; ``labels.yaml`` says what its fields mean."""

    value: str | None = None
    label: Words = ()
    heading: Words = ()
    section: tuple[str, ...] = ()
    column: Words = ()
    inside: dict[str, str] = {}
    placeholders: tuple[str, ...] = ()
    default: str | None = None
    default_holds: dict[str, str] = {}
    leave: str | None = None
    not_beside: tuple[str, ...] = ()


class ItemRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table whose rows, or a list whose items, are examples; ``columns`` gives the headings of each part."""

    items: str
    heading: Words
    columns: dict[str, Words] = {}


class NeverRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Headings below which nothing is filled: any of ``words`` in them, none of ``unless``; but ``values`` are."""

    words: tuple[str, ...]
    why: str
    unless: tuple[str, ...] = ()
    values: tuple[str, ...] = ()


class Sentences(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How sentences about a training run are put; ``labels.yaml`` says what the fields mean."""

    training: tuple[str, ...] = ()
    counted: dict[str, tuple[str, ...]] = {}
    times: tuple[str, ...] = ()
    lasting: tuple[str, ...] = ()
    harmless: tuple[str, ...] = ()
    asked: dict[str, tuple[str, ...]] = {}
    asking: tuple[str, ...] = ()

    def before(self, other: Sentences) -> Sentences:
        """These words and the other's."""
        return Sentences(
            training=self.training + other.training,
            counted=_together(self.counted, other.counted),
            times=self.times + other.times,
            lasting=self.lasting + other.lasting,
            harmless=self.harmless + other.harmless,
            asked=_together(self.asked, other.asked),
            asking=self.asking + other.asking,
        )


class LabelMap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which label asks for which value, and what a placeholder looks like."""

    rows: tuple[LabelRow, ...] = ()
    placeholders: tuple[str, ...] = ()
    columns: dict[str, tuple[str, ...]] = {}
    inside: dict[str, str] = {}
    examples: tuple[ItemRow, ...] = ()
    never_under: tuple[NeverRow, ...] = ()
    sentences: Sentences = Sentences()
    topics: dict[str, tuple[str, ...]] = {}
    phases: dict[str, tuple[str, ...]] = {}

    def before(self, other: LabelMap) -> LabelMap:
        """This map's rows before the other's: the first row that fits counts."""
        return LabelMap(
            rows=self.rows + other.rows,
            placeholders=self.placeholders + other.placeholders,
            columns=_together(self.columns, other.columns),
            inside=other.inside | self.inside,
            examples=self.examples + other.examples,
            never_under=self.never_under + other.never_under,
            sentences=self.sentences.before(other.sentences),
            topics=_together(self.topics, other.topics),
            phases=_together(self.phases, other.phases),
        )


@dataclass(frozen=True, slots=True)
class LabelIndex:
    """A label map made ready to be searched."""

    labels: LabelMap
    by_label: dict[str, tuple[LabelRow, ...]]
    by_words: dict[frozenset[str], tuple[LabelRow, ...]]
    by_heading: dict[str, tuple[LabelRow, ...]]
    whole_texts: frozenset[str]
    inside: dict[str, str]
    column_groups: dict[str, str]

    @classmethod
    def of(cls, labels: LabelMap) -> LabelIndex:
        """The index of a map."""
        by_label = _by_name((name, row) for row in labels.rows for name in each(row.label))
        return cls(
            labels=labels,
            by_label=by_label,
            by_words=_by_words(by_label),
            by_heading=_by_name(
                (name, row) for row in labels.rows if not each(row.label) for name in each(row.heading)
            ),
            whole_texts=frozenset(" ".join(text.split()).casefold() for text in labels.placeholders),
            inside={normalize_label(name): value for name, value in labels.inside.items()},
            column_groups={
                normalize_label(name): group for group, names in reversed(labels.columns.items()) for name in names
            },
        )


def _together(some: Mapping[str, tuple[str, ...]], others: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    return {name: some.get(name, ()) + others.get(name, ()) for name in (*some, *others)}


def each(words: Words) -> tuple[str, ...]:
    """One text or several as several."""
    return (words,) if isinstance(words, str) else words


def each_of(groups: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """All words of several groups."""
    return tuple(word for words in groups.values() for word in words)


def has_word(heading: str, word: str) -> bool:
    """Whether a heading has this word, or words in a row; both as labels are compared."""
    return word in heading and re.search(rf"(?<!\w){re.escape(word)}(?!\w)", heading) is not None


def read_label_map(text: str, *, name: str = "label map") -> LabelMap:
    """A label map from YAML, checked.

    Raises:
        CardCallbackError: not YAML, an unknown field, or a row without label and heading or of no value.
    """
    return _checked(lambda: YAML(typ="safe", pure=True).load(io.StringIO(text)), name)


def _checked(load: Callable[[], object], name: str) -> LabelMap:
    try:
        loaded = load()
        labels = msgspec.convert(loaded if loaded is not None else {}, LabelMap)
    except (YAMLError, msgspec.ValidationError, ValueError, RecursionError) as error:
        problem = " ".join(str(error).split())
        msg = f"{name} cannot be used ({problem[:300]}): {_SEE}"
        raise CardCallbackError(msg) from error
    for row in labels.rows:
        _check_row(row, name)
    for examples in labels.examples:
        _check_examples(examples, name)
    for words, value in labels.inside.items():
        _check_value(value, words, name)
    for value in (*labels.sentences.counted, *labels.sentences.asked):
        _check_value(value, "sentences", name)
    for never in labels.never_under:
        for value in never.values:
            _check_value(value, never.why, name)
    return labels


@lru_cache(maxsize=1)
def default_label_map() -> LabelMap:
    """The label map that ships.

    By the parser in C where there is one: a quarter of a second less in every first callback. It knows an older YAML,
    in which ``on`` is a truth value, so that our map quotes such words; a person's own is read as today's YAML.
    """
    text = resources.files("cardcallback.render.card").joinpath(_SHIPPED).read_text(encoding="utf-8")
    return _checked(lambda: msgspec.yaml.decode(text), _SHIPPED)


@lru_cache(maxsize=4)
def label_index(own_labels: str | None = None) -> LabelIndex:
    """The map that ships, behind the rows of a person's own, given as the text of its file.

    Raises:
        CardCallbackError: their own cannot be used.
    """
    shipped = default_label_map()
    if own_labels is None:
        return LabelIndex.of(shipped)
    return LabelIndex.of(read_label_map(own_labels, name="the file of your own labels").before(shipped))


def check_own_labels(own_labels: str | None) -> None:
    """Read a person's own label map now, and ours, so that neither is read while a run ends.

    Raises:
        CardCallbackError: their own cannot be used.
    """
    label_index(own_labels)


def _by_name(pairs: object) -> dict[str, tuple[LabelRow, ...]]:
    rows: dict[str, tuple[LabelRow, ...]] = {}
    for name, row in pairs:  # type: ignore[attr-defined]
        key = normalize_label(name)
        rows[key] = (*rows.get(key, ()), row)
    return rows


def _by_words(by_label: Mapping[str, Iterable[LabelRow]]) -> dict[frozenset[str], tuple[LabelRow, ...]]:
    """The rows by the words of their labels, where these ask for one thing in whatever order they stand."""
    found: dict[frozenset[str], tuple[LabelRow, ...]] = {}
    unclear = set()
    for label, several in by_label.items():
        key, rows = words_key(label), tuple(several)
        if key is None:
            continue
        if key in found and _asks(found[key]) != _asks(rows):
            unclear.add(key)
        found.setdefault(key, rows)
    return {key: rows for key, rows in found.items() if key not in unclear}


def _asks(rows: Iterable[LabelRow]) -> set[tuple[str | None, str | None, object]]:
    return {(row.value, row.leave, each(row.column)) for row in rows}


def _check_row(row: LabelRow, name: str) -> None:
    where = next(iter((*each(row.label), *each(row.heading))), "")
    if not normalize_label(where):
        msg = f"{name} has a row with neither label nor heading: give one"
    elif (row.value is None) == (row.leave is None):
        msg = f"{name} has at {where!r} both or neither of value and leave: give one"
    elif row.default is not None and not row.default_holds:
        msg = f"{name} has stock text at {where!r} without default_holds: say what it states of the run"
    else:
        for value in (*([row.value] if row.value else []), *row.inside.values(), *row.default_holds):
            _check_value(value, where, name)
        return
    raise CardCallbackError(msg)


def _check_value(value: str, where: str, name: str) -> None:
    if not is_value_name(value):
        names = ", ".join(sorted(VALUE_NAMES))
        msg = f"{name} asks for the unknown value {value!r} at {where!r}: "
        msg += f"give setting.NAME, software.NAME or one of {names}"
        raise CardCallbackError(msg)


def _check_examples(row: ItemRow, name: str) -> None:
    known = ITEM_PARTS.get(row.items)
    if known is None:
        msg = f"{name} has examples of the unknown items {row.items!r}: give one of {', '.join(sorted(ITEM_PARTS))}"
    elif unknown := sorted(set(row.columns) - known):
        msg = f"{name} asks {row.items} for the unknown part {unknown[0]!r}: give one of {', '.join(sorted(known))}"
    else:
        return
    raise CardCallbackError(msg)
