"""Values that a person wrote, beside a label or in a sentence, of which the record knows otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from cardcallback.check.against import AgainstRecord
from cardcallback.check.facts import gather_facts
from cardcallback.check.finding import Finding, error, hint, shown
from cardcallback.check.numbers import bare_numbers
from cardcallback.check.other_things import says_of_another_run, says_of_elsewhere, says_other_thing
from cardcallback.check.quantities import figures_of, find_figures
from cardcallback.check.reading import CardText
from cardcallback.check.run_labels import RUN_LABELS, plain_label
from cardcallback.check.run_times import OF_PARTS, OTHER_TIME
from cardcallback.record import RunRecord
from cardcallback.render.card.asking import Asked, Asking
from cardcallback.render.card.device_time import names_device_time
from cardcallback.render.card.fill_memory import FillMemory
from cardcallback.render.card.labelled import SENTENCE_END, normalize_label
from cardcallback.render.card.labels import LabelIndex, has_word, label_index
from cardcallback.render.card.naming import Naming
from cardcallback.render.card.own_run import Neighbours
from cardcallback.render.card.placeholders import find_placeholders
from cardcallback.render.card.quantities import Unit
from cardcallback.render.card.slots import Slot
from cardcallback.render.card.understood import has_own_subject
from cardcallback.render.card.values import card_fields

RULE = "against-record"
_CURE = "correct it, or say beside it where it comes from"
_ADAM = "nothing, where the family is meant; with a weight decay the two are not the same: AdamW says which it was"
_LONGEST = 400
_LONGEST_NUMBER = 40
_WANTED_LABEL = re.compile(
    r"\b(?:target|goal|limit|budget|planned|expected|allowed|threshold|minimum|recommended|required|earlier|previous|"
    r"original|ziel|geplant|objectif|objetivo)\b|\u76ee\u6807|\u76ee\u6a19|\u8ba1\u5212",
    re.IGNORECASE,
)
_OF_LENGTH = re.compile(r"context|length|\bmax|window|sequence|vocab|l\u00e4nge|longueur|longitud", re.IGNORECASE)
_CARD_DATE = re.compile(r"(?:model )?(?:date|datum|fecha)")
# What other instruments than ours may have measured, or more than they see.
_MEASURED = frozenset({"energy", "gpu_energy", "system_energy", "carbon_emitted", "mean_gpu_power", "training_time",
                       "gpu_hours", "hours_used"})  # fmt: skip
_LIBRARY = re.compile(r"(?P<name>[A-Za-z][\w-]{1,30})\s+v?(?P<version>\d+(?:\.\d+)+(?:[+.]\w+)*)")
# Where what belongs to a number in a sentence ends at the latest.
_AND_MORE = re.compile(r"\s+(?:with|and|und|et|y|was|were)\s|\s+/\s|[.;:,](?:\s|$)")
_LASTED = re.compile(
    r"\b(?:took|lasted|ran for|finished (?:after|in)|dauerte|lief|ben\u00f6tigte|a dur\u00e9|a pris|"
    r"dur\u00f3|tard\u00f3|durou|levou|\u00e8 durato)\b|\u8017\u65f6|\u7528\u65f6|\u5386\u65f6|"
    r"\u6642\u9593\u306f|(?:\u65f6\u95f4|\u65f6\u957f)[\u4e3a\u662f]",
    re.IGNORECASE,
)
_FEWEST_CHARACTERS = 12
# Fewer are a length.
_FEWEST_TOKENS = 20_000
_TRAINING = ("training", "trained", "train", "fine tuning", "finetuning", "lora", "qlora", "hyperparameters", "compute",
             "environmental", "hardware")  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class _Stated:
    """That one of ``texts``, the first at ``begin`` in the body, stands for a value; ``label`` is what it goes by.

    ``in_prose``: the label is a heading, which tells nothing of the value.
    """

    name: str
    texts: tuple[str, ...]
    begin: int
    label: str
    unit: Unit | None = None
    in_prose: bool = False


def label_findings(card: CardText, record: RunRecord, own_labels: str | None = None) -> Iterator[Finding]:
    """What contradicts the record, each line once; what we filled in ourselves is looked at elsewhere."""
    factors = tuple(one.figure.value for one in gather_facts(card).of("intensity"))
    against = AgainstRecord(record=record, factors=factors)
    reported: set[int] = set()
    for one in _stated(card, against, label_index(own_labels)):
        line, value = card.line_of(one.begin), against.value(one.name)
        if line in reported or value is None or _is_overruled(one.label, record):
            continue
        if against.is_loose(one.name, one.texts[0]):
            reported.add(line)
            yield hint(RULE, line, f"{shown(one.label, 40)} says {shown(one.texts[0], 60)}, and it was AdamW", _ADAM)
        if not all(against.contradicts(one.name, text, one.unit) for text in one.texts):
            continue
        reported.add(line)
        of_what = f" for the {one.name.replace('_', ' ')}" if one.in_prose else ""
        stated = f"{shown(one.label, 40)} says {shown(one.texts[0], 60)}{of_what}"
        what = f"{stated}, and the record {shown(value.text, 60)}"
        yield error(RULE, line, what, _CURE)


def _is_overruled(label: str, record: RunRecord) -> bool:
    """Whether it is the argument of epochs, which trainers list as it stands, and the run was told its steps."""
    return plain_label(label) == "num_train_epochs" and "max_steps" in record.training.hyperparameters


def _stated(card: CardText, against: AgainstRecord, index: LabelIndex) -> Iterator[_Stated]:
    record = against.record
    memory = FillMemory(record.card.filled, card.slots)
    asking = Asking(index, record, Neighbours(card.slots))
    naming = Naming(index, card_fields(record))
    written = {" ".join(fill.text.split()) for fill in record.card.filled}
    for slot in card.slots:
        if slot.kind in {"heading", "example", "sentence"} or not slot.text.strip():
            continue
        text = " ".join(slot.text.split())
        # A short text, such as "16", may be ours in one place and a person's in another.
        if memory.placeholder(slot) is not None or (len(text) >= _FEWEST_CHARACTERS and text in written):
            continue
        headings = memory.headings(slot)
        asked = asking.ask(slot, headings, slot.text)
        if slot.kind in {"line", "cell", "block"}:
            yield from _labelled(slot, asked)
        # Below a heading that asks for something, such as "Compute", a person tells more than that.
        of_adapter = asked.row is not None and asked.row.value == "lora_configuration"
        if asked.why is None and (asked.row is None or slot.label is None or of_adapter) and not slot.has_labels:
            yield from _in_text(slot, headings, naming, against, of_adapter=of_adapter)
            yield from _versions(slot, index)


def _labelled(slot: Slot, asked: Asked) -> Iterator[_Stated]:
    """What stands beside a label that the map knows, or that names the hours of a device."""
    label = slot.label or (slot.headings[-1] if slot.headings else "")
    is_prose = slot.kind == "block" and (slot.has_labels or len(slot.text) > _LONGEST)
    if is_prose or _WANTED_LABEL.search(f"{label} {slot.column or ''}") or "\n" in slot.text:
        return
    if says_other_thing(f"{label}\n{slot.text}") or asked.why is not None:
        return
    name = asked.row.value if asked.row is not None else None
    if name is None and slot.kind != "block":
        name = "gpu_hours" if names_device_time(label) else RUN_LABELS.get(plain_label(label))
    if name == "date" and _CARD_DATE.fullmatch(normalize_label(label)):
        name = "date_of_training"  # a card's own day, which may be any after the training
    if name is not None and not _is_from_elsewhere(name, f"{label}\n{slot.column or ''}\n{slot.text}"):
        yield _made(name, slot.text, slot.begin, slot, asked.unit)


def _is_from_elsewhere(name: str, text: str) -> bool:
    """Whether a text says of a measured value what else measured it, or that it holds more than the record's."""
    return name in _MEASURED and says_of_elsewhere(text)


def _in_text(
    slot: Slot, headings: Sequence[str], naming: Naming, against: AgainstRecord, *, of_adapter: bool
) -> Iterator[_Stated]:
    """The figures of sentences about this training, each by the words beside it."""
    above = " ".join(normalize_label(one) for one in (*headings, slot.label or ""))
    is_below_training = any(has_word(above, word) for word in _TRAINING)
    begin = 0
    for end in [*(found.end() for found in SENTENCE_END.finditer(slot.text)), len(slot.text)]:
        sentence, before = slot.text[begin:end], slot.sentences_before + slot.text[:begin]
        said = f"{slot.label}: {sentence}" if slot.label else sentence
        is_said = naming.is_about_training(sentence)
        if (is_said or is_below_training) and len(sentence) <= _LONGEST and _is_of_this_run(said, before):
            # "It took 3 days" is about training where the sentence, or the heading, says so.
            is_timed = is_said or naming.is_about_training(above)
            named = _told(sentence, slot, naming, of_adapter=of_adapter)
            if named and (against.names_other_devices(sentence) or against.names_other_stage(sentence)):
                named = []
            for one in (*_typed(sentence, said, slot), *named):
                is_held = is_timed or one.name != "training_time"
                if is_held and not _is_from_elsewhere(one.name, sentence):
                    yield replace(one, begin=slot.begin + begin + one.begin)
        begin = end


def _told(sentence: str, slot: Slot, naming: Naming, *, of_adapter: bool) -> list[_Stated]:
    """What the words of a sentence name; beside a label only the settings of an adapter, where it asks for those."""
    if slot.label is None:
        return [*_named(sentence, slot, naming), *_lasted(sentence, slot)]
    return [one for one in _named(sentence, slot, naming) if one.name.startswith("lora_")] if of_adapter else []


def _is_of_this_run(sentence: str, before: str) -> bool:
    is_other = says_of_another_run(sentence) or says_other_thing(sentence)
    return not is_other and has_own_subject(sentence, before)


def _typed(sentence: str, said: str, slot: Slot) -> Iterator[_Stated]:
    """What its unit says: device hours, and many tokens."""
    for figure in find_figures(sentence):
        if figure.kind == "device_time":
            yield _made("gpu_hours", sentence[figure.begin : figure.end], figure.begin, slot)
    if _OF_LENGTH.search(said):
        return
    found = [one for one in figures_of(sentence, "tokens") if "token" in sentence[one.begin : one.end].lower()]
    many = [one for one in found if max(high for _, high in one.ranges) >= _FEWEST_TOKENS]
    if many:
        texts = tuple(sentence[one.begin : one.end] for one in many)
        yield replace(_made("tokens", texts[0], many[0].begin, slot), texts=texts)


def _lasted(sentence: str, slot: Slot) -> Iterator[_Stated]:
    """What a sentence says that it took, where that is the only time in it."""
    times = [one for one in find_figures(sentence) if one.kind in {"time", "device_time"}]
    is_lasting = _LASTED.search(sentence) is not None and not (OTHER_TIME.search(sentence) or OF_PARTS.search(sentence))
    if is_lasting and len(times) == 1 and times[0].kind == "time" and times[0].rate is None:
        yield _made("training_time", times[0].text, times[0].begin, slot)


def _named(sentence: str, slot: Slot, naming: Naming) -> Iterator[_Stated]:
    """What the words beside a number say, as they would at a placeholder in its place."""
    numbers = bare_numbers(sentence)
    if not numbers or re.search(r"[\[\]{}<>_|]", sentence):
        return
    masked, end = "", 0
    for one in numbers:
        masked += f"{sentence[end : one.begin]}[X]"
        end = one.end
    found = find_placeholders(masked + sentence[end:])
    if len(found) != len(numbers):
        return
    ends = [*(one.begin for one in numbers[1:]), len(sentence)]
    by_name: dict[str, list[tuple[int, str]]] = {}
    for one, name, last in zip(numbers, naming.in_sentence(found), ends, strict=True):
        if name is not None:
            text = sentence[one.begin : min(last, one.end + _LONGEST_NUMBER)].rstrip(" ,;(/")
            by_name.setdefault(name, []).append((one.begin, text))
    for name, texts in by_name.items():
        stated = _made(name, texts[0][1], texts[0][0], slot)
        yield replace(stated, texts=tuple(_AND_MORE.split(text)[0] for _, text in texts), in_prose=True)


def _versions(slot: Slot, index: LabelIndex) -> Iterator[_Stated]:
    """A library and its version without anything between them, as trainers list them."""
    found = _LIBRARY.fullmatch(slot.text.strip())
    rows = index.by_label.get(normalize_label(found["name"]), ()) if found is not None else ()
    value = next((row.value for row in rows if (row.value or "").startswith("software.")), None)
    if found is not None and value is not None:
        yield _made(value, found["version"], slot.begin, slot)


def _made(name: str, text: str, begin: int, slot: Slot, unit: Unit | None = None) -> _Stated:
    label = slot.label or (slot.headings[-1] if slot.headings else "the text")
    return _Stated(name=name, texts=(text,), begin=begin, label=label.strip(" *_:#"), unit=unit)
