"""Values that a person wrote, beside a label or in a sentence, of which the record knows otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from cardcallback.check.against import AgainstRecord
from cardcallback.check.code_blocks import in_code
from cardcallback.check.dates import is_date_alone
from cardcallback.check.facts import gather_facts, is_illustration
from cardcallback.check.finding import Finding, error, hint, shown
from cardcallback.check.numbers import bare_numbers
from cardcallback.check.other_things import says_of_another_run, says_of_elsewhere, says_other_thing
from cardcallback.check.quantities import figures_of
from cardcallback.check.reading import CardText
from cardcallback.check.run_labels import RUN_LABELS, plain_label
from cardcallback.check.said_figures import (
    consumed,
    in_figures,
    is_bounded_time,
    is_of_other_work,
    lasted,
    named,
    typed,
)
from cardcallback.check.said_results import before_and_now, results_in, step_times, without_steps
from cardcallback.check.said_words import drawn_by_each, names_of, versions_in, without_each
from cardcallback.check.stated import Stated, made
from cardcallback.record import RunRecord, Training
from cardcallback.render.card.asking import Asked, Asking
from cardcallback.render.card.device_time import names_device_time
from cardcallback.render.card.fill_memory import FillMemory
from cardcallback.render.card.labelled import SENTENCE_END, normalize_label
from cardcallback.render.card.labels import LabelIndex, has_word, label_index
from cardcallback.render.card.naming import Naming
from cardcallback.render.card.own_run import Neighbours
from cardcallback.render.card.quantities import Unit, Value
from cardcallback.render.card.slots import Slot
from cardcallback.render.card.understood import has_own_subject
from cardcallback.render.card.values import card_fields

RULE = "against-record"
_CURE = "correct it, or say beside it where it comes from"
# Not of examples that were written, removed or looked at.
_TRAINED = re.compile(
    r"\b(?:trained|tuned|used?|uses|using)\b|trainiert|abgestimmt|entra[i\u00ee]n|affin\u00e9|entren|treina|"
    r"\u8bad\u7ec3|\u5fae\u8c03|\u5b66\u7fd2|\u8a13\u7df4",
    re.IGNORECASE,
)
_IN_ALL = re.compile(r"total|gesamt|overall", re.IGNORECASE)
# How much of a whole machine's energy may stand beside one of its GPU.
_MOST_OF_A_MACHINE = 3.0
_ADAM = "nothing, where the family is meant; with a weight decay the two are not the same: AdamW says which it was"
_LONGEST = 400
_WANTED_LABEL = re.compile(
    r"\b(?:target|goal|limit|budget|planned|expected|allowed|threshold|minimum|recommended|required|earlier|previous|"
    r"original|ziel|geplant|objectif|objetivo)\b|\u76ee\u6807|\u76ee\u6a19|\u8ba1\u5212",
    re.IGNORECASE,
)
_CARD_DATE = re.compile(r"(?:model )?(?:date|datum|fecha)")
# What other instruments than ours may have measured, or more than they see.
_MEASURED = frozenset({"energy", "gpu_energy", "system_energy", "carbon_emitted", "mean_gpu_power", "training_time",
                       "gpu_hours", "hours_used"})  # fmt: skip
# Trainers log it in seconds without saying so.
_RUNTIME, _SECONDS = "train runtime", Unit(word="s", kinds=frozenset({"time"}))
_TIMES = frozenset({"training_time", "hours_used"})
_FEWEST_CHARACTERS = 12
_VERSION = re.compile(r"\d\.\d")
_FIGURE = re.compile(r"[~\u2248]?\s*\d")
# Heads of the first column of a history, whose only row tells of a moment of the run.
_MOMENTS = frozenset({"step", "global step", "epoch", "iteration", "checkpoint"})
# Values that are told in words of their own, and what those may name.
_IN_WORDS = {
    "lora_configuration": ("lora_",),
    "hyperparameters": ("learning_rate", "epochs", "batch_size", "effective_batch_size", "max_length", "weight_decay"),
    "dataset": (), "framework": (), "software": (), "method": ("lora_",),
}  # fmt: skip
_OF_SOFTWARE = frozenset({"framework", "software"})
# The same beside labels that no single value belongs to.
_ASKING = {"adapter": "lora_configuration",
           "hyperparameters": "hyperparameters", "training hyperparameters": "hyperparameters",
           "training settings": "hyperparameters", "training configuration": "hyperparameters",
           **dict.fromkeys(("libraries", "library", "packages", "software", "frameworks", "framework",
                            "training libraries", "training stack", "software stack"), "software")}  # fmt: skip
_TRAINING = ("training", "trained", "train", "fine tuning", "finetuning", "lora", "qlora", "hyperparameters", "compute",
             "environmental", "hardware")  # fmt: skip


def label_findings(card: CardText, record: RunRecord, own_labels: str | None = None) -> Iterator[Finding]:
    """What contradicts the record, each line once; what we filled in ourselves is looked at elsewhere."""
    factors = tuple(one.figure.value for one in gather_facts(card).of("intensity"))
    against = AgainstRecord(record=record, factors=factors)
    reported: set[int] = set()
    for one in _stated(card, against, label_index(own_labels)):
        line, value = card.line_of(one.begin), against.value(one.name)
        if line in reported or value is None or _is_overruled(one.label, record.training):
            continue
        if against.is_loose(one.name, one.texts[0]):
            reported.add(line)
            yield hint(RULE, line, f"{shown(one.label, 40)} says {shown(one.texts[0], 60)}, and it was AdamW", _ADAM)
        if not all(against.contradicts(one.name, text, one.unit) for text in one.texts):
            continue
        if _may_hold_more(one, value):
            continue
        reported.add(line)
        of_what = f" for the {one.name.replace('_', ' ')}" if one.in_prose else ""
        stated = f"{shown(one.label, 40)} says {shown(one.said or one.texts[0], 60)}{of_what}"
        what = f"{stated}, and the record {shown(value.text, 60)}"
        yield error(RULE, line, what, _CURE)


def _may_hold_more(stated: Stated, value: Value) -> bool:
    """Whether a total may hold parts of the machine that the record's energy does not."""
    if stated.name != "energy" or value.amount is None or not _IN_ALL.search(stated.label):
        return False
    figures = figures_of(stated.texts[0], "energy", stated.unit)
    return any(value.amount <= one.value <= _MOST_OF_A_MACHINE * value.amount for one in figures)


def _is_overruled(label: str, training: Training) -> bool:
    """Whether it is the argument of epochs, as trainers list it, of a run that was told its steps or stopped early."""
    stopped_early = training.planned_steps is not None and training.planned_steps > training.steps
    is_argument = plain_label(label) in {"num_train_epochs", "num_epochs"}
    return is_argument and (stopped_early or "max_steps" in training.hyperparameters)


def _stated(card: CardText, against: AgainstRecord, index: LabelIndex) -> Iterator[Stated]:
    record = against.record
    memory = FillMemory(record.card.filled, card.slots)
    asking = Asking(index, record, Neighbours(card.slots))
    naming = Naming(index, card_fields(record))
    written = {" ".join(fill.text.split()) for fill in record.card.filled}
    firsts = [slot for slot in card.slots if slot.kind == "example"]
    histories = {slot.table for slot in firsts if normalize_label(slot.column or "") in _MOMENTS}
    yield from in_code(card, index, asking, _TRAINING, lambda said: _is_of_other(said, against))
    for slot in card.slots:
        if slot.kind in {"heading", "sentence"} or not slot.text.strip() or (slot.kind == "example" and slot.rows > 1):
            continue
        text = " ".join(slot.text.split())
        # A short text, such as "16", may be ours in one place and a person's in another.
        if memory.placeholder(slot) is not None or (len(text) >= _FEWEST_CHARACTERS and text in written):
            continue
        headings = memory.headings(slot)
        # Of a table of one row the heads are the labels, unless it begins with whose figures it holds.
        is_turned = slot.rows == 1 and _has_heads_for_labels(slot) and slot.table not in histories
        asked = asking.ask(replace(slot, kind="line", label=slot.column) if is_turned else slot, headings, slot.text)
        if slot.kind in {"line", "cell", "block"} or is_turned:
            yield from _labelled(replace(slot, label=slot.column) if is_turned else slot, asked)
        # Below a heading that asks for something, such as "Compute", a person tells more than that.
        asks_for = asked.row.value if asked.row is not None else _ASKING.get(normalize_label(slot.label or ""))
        if (asks_for or "").startswith("software.") and _VERSION.search(text) is None:
            asks_for = "method"  # "PEFT: LoRA, rank 16"
        is_told = asked.row is None or slot.label is None or asks_for in _IN_WORDS
        if asked.why is None and is_told and not slot.has_labels:
            yield from _in_text(slot, headings, naming, against, asks_for)
            listed = versions_in(slot.text, slot, index, is_all=asks_for not in _OF_SOFTWARE)
            yield from (replace(one, begin=slot.begin + one.begin) for one in listed)


def _has_heads_for_labels(slot: Slot) -> bool:
    """Whether a cell's row, the only one of its table, has values alone, whose labels are the columns' heads."""
    if slot.kind == "example":
        return not slot.only_column or _FIGURE.match(slot.text) is not None
    is_first = not slot.only_column and slot.label in {None, slot.column}
    return slot.kind == "cell" and (is_first or _FIGURE.match(slot.label or "") is not None)


def _labelled(slot: Slot, asked: Asked) -> Iterator[Stated]:
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
    if plain_label(label) == "trained on" and not is_date_alone(slot.text):
        return  # data, with a day of theirs
    if name == "date" and _CARD_DATE.fullmatch(normalize_label(label)):
        name = "date_of_training"  # a card's own day, which may be any after the training
    if name is not None and not _is_from_elsewhere(name, f"{label}\n{slot.column or ''}\n{slot.text}"):
        unit = _SECONDS if normalize_label(label) == _RUNTIME else asked.unit
        stated = made(name, slot.text, slot.begin, slot, unit)
        both = [
            replace(one, begin=slot.begin + one.begin, in_prose=False) for one in before_and_now(slot.text, label, slot)
        ]
        yield from both or [in_figures(stated) if name in _TIMES else stated]


def _is_from_elsewhere(name: str, text: str) -> bool:
    """Whether a text says of a measured value what else measured it, or that it holds more than the record's."""
    return name in _MEASURED and says_of_elsewhere(text)


def _in_text(
    slot: Slot, headings: Sequence[str], naming: Naming, against: AgainstRecord, asks_for: str | None
) -> Iterator[Stated]:
    """The figures of sentences about this training, each by the words beside it."""
    above = " ".join(normalize_label(one) for one in (*headings, slot.label or ""))
    is_below_training = any(has_word(above, word) for word in _TRAINING)
    begin = 0
    for end in [*(found.end() for found in SENTENCE_END.finditer(slot.text)), len(slot.text)]:
        sentence, before = slot.text[begin:end], slot.sentences_before + slot.text[:begin]
        said = f"{slot.label}: {sentence}" if slot.label else sentence
        is_said = naming.is_about_training(sentence)
        is_held = (is_said or is_below_training) and len(sentence) <= _LONGEST
        if is_held and _is_of_this_run(without_steps(said), before):
            yield from (replace(one, begin=slot.begin + begin + one.begin) for one in step_times(sentence, slot))
        each = _of_each_device(sentence, said, before, slot, against) if is_said and is_held else ()
        yield from (replace(one, begin=slot.begin + begin + one.begin) for one in each)
        if is_held and _is_of_this_run(said, before):
            # "It took 3 days" is about training where the sentence, or the heading, says so.
            is_timed = is_said or naming.is_about_training(above)
            told = [*_told(sentence, slot, naming, asks_for), *names_of(sentence, slot, naming.index, is_said=is_said)]
            if told and (against.names_other_stage(sentence) or against.names_other_devices(sentence)):
                told = [one for one in told if one.name == "gpu_names"]
            told = [*typed(sentence, said, slot), *told]
            if against.names_other_model(sentence):
                told = [one for one in told if one.name == "base_model"]
            for one in told:
                is_held = is_timed or one.name != "training_time"
                is_of_data = one.name == "training_examples" and slot.label is None and not _TRAINED.search(sentence)
                is_other = is_of_data or is_of_other_work(one, sentence, naming, is_said=is_said)
                if is_held and not is_other and not _is_from_elsewhere(one.name, sentence):
                    texts = _counts(sentence) if one.name == "training_examples" else one.texts
                    yield replace(one, texts=texts, begin=slot.begin + begin + one.begin)
        begin = end


def _of_each_device(sentence: str, said: str, before: str, slot: Slot, against: AgainstRecord) -> Iterator[Stated]:
    """The power of one of the run's GPUs, of which a sentence speaks as it would of one of several runs."""
    if _is_of_this_run(without_each(said), before) and not against.names_other(sentence):
        yield from drawn_by_each(sentence, slot)


def _counts(sentence: str) -> tuple[str, ...]:
    """Every number, of "52k samples, of which 8k were used" each may be the training's, and the sum of its sources."""
    numbers = bare_numbers(sentence)
    texts = [sentence[one.begin : one.end + (sentence[one.end : one.end + 1] in {"k", "K"})] for one in numbers]
    return (*texts, f"{sum(one.value for one in numbers):.0f}")


def _told(sentence: str, slot: Slot, naming: Naming, asks_for: str | None) -> list[Stated]:
    """The figures that a sentence names by words; beside a label only settings, where it asks for those."""
    if slot.label is None:
        told = named(sentence, slot, naming)
        in_words = (*lasted(sentence, slot), *consumed(sentence, slot), *results_in(sentence, slot))
        return [*(one for one in told if not is_bounded_time(one, sentence)), *in_words]
    wanted = _IN_WORDS.get(asks_for or "", ())
    return [one for one in named(sentence, slot, naming) if one.name.startswith(tuple(wanted))] if wanted else []


def _is_of_other(said: str, against: AgainstRecord) -> bool:
    """Whether a text says of what it stands above that this is of another run, stage or model."""
    return not _is_of_this_run(said, "") or against.names_other_stage(said) or against.names_other_model(said)


def _is_of_this_run(sentence: str, before: str) -> bool:
    is_other = says_of_another_run(sentence) or says_other_thing(sentence) or is_illustration(sentence)
    return not is_other and has_own_subject(sentence, before)
