"""What a sentence about a training names: versions, optimiser, quantised weights, devices, days, assigned settings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from cardcallback.check.dates import dates_in
from cardcallback.check.other_things import names_family
from cardcallback.check.said_figures import OF_A_PART
from cardcallback.check.stated import Stated, made
from cardcallback.render.card.labelled import normalize_label
from cardcallback.render.card.labels import LabelIndex
from cardcallback.render.card.slots import Slot

_LIBRARY = re.compile(
    r"(?<![\w./-])(?P<name>[A-Za-z][\w-]{1,30})\s*(?:\s|==|:)\s*v?(?P<version>\d+(?:\.\d+)+(?:[+.]\w+)*)"
    r"(?P<behind>\+|\s+(?:or|and)\s+\w+)?"
)
# Of weights that were loaded for the training, not of a file made of them, a part of them, or what is not weights.
_LOADED = re.compile(
    r"\b(?:was|were|been)\s+(?:\w+\s+)?(?:loaded|quanti[sz]ed|frozen|kept)\s+(?:in|to|at|as|with)\s+"
    r"(?:[\w-]+\s+){0,2}?(?P<text>[48][- ]?bit|nf4|int[48]|fp4)(?!\w)",
    re.IGNORECASE,
)
_OF_A_FILE = re.compile(
    r"merged|export|gguf|release|publish|deploy|infer|serv|afterwards|after (?:the )?training|"
    r"\b(?:optimi[sz]er|states?|moments?|embeddings?|cache|activations?|gradients?|heads?|layers?|norms?)\b",
    re.IGNORECASE,
)
_OPTIMIZERS = r"AdamW?|SGD|Adafactor|RMSprop|Adagrad|Lion|Muon|LAMB"
_OPTIMIZER = re.compile(
    r"\b(?:with|using|by|us(?:es|ed))\s+(?:the\s+)?(?:fused\s+|paged\s+|8-bit\s+)*"
    rf"(?P<text>{_OPTIMIZERS})(?!\w)"
)
_OPTIMIZER_IS = re.compile(rf"\A\W*The optimi[sz]er (?:is|was) (?P<text>{_OPTIMIZERS})(?!\w)")
_OF_BASE = re.compile(
    r"\b(?:this|our|the) (?:model|adapter|checkpoint|repository)\b[^.]{0,60}?"
    r"\b(?:fine-?tuned (?:version )?(?:of|from)|adapter (?:of|for))\s+(?P<text>[^\s]*[\w.-]+/.{1,200})",
    re.IGNORECASE,
)
_FROM_BASE = re.compile(r"\W*fine-?tuned (?:version )?(?:of|from)\s+(?P<text>[\w.-]+/[\w.-]{1,100})", re.IGNORECASE)
_BASE_IS = re.compile(r"\b(?:our|the|its) base model (?:is|was) (?P<text>[\w.-]+/.{1,200})", re.IGNORECASE)
# What is cut before it is stored or looked up was not cut for the training.
_CUT_FOR_OTHER = re.compile(r"\b(?:before|for|prior to)\b(?!.*(?:train|tun))", re.IGNORECASE)
_IN_PRECISION = re.compile(
    r"\b(?:in|with|using|us(?:e|ed|es))\s+(?P<text>bf16|bfloat16|fp16|float16|fp32|float32|fp8)(?!\w)", re.IGNORECASE
)
_MIXED = re.compile(r"(?<!\w)(?P<text>bf16|bfloat16|fp16|float16)[- ]mixed[- ]precision", re.IGNORECASE)
_DREW = re.compile(
    r"\bGPU\s+(?:drew|draws|drawing)\s+(?:about\s+|around\s+|~\s*)?(?P<text>\d[\d.,]*\s*k?W)\s+on average",
    re.IGNORECASE,
)
_EACH = re.compile(r"\b(?:per|each|a)\s+GPU\b", re.IGNORECASE)
_DREW_EACH = re.compile(
    r"(?:\b(?:average|mean)\b[^.]{0,40}?(?P<text>\d[\d.,]*\s*k?W)\s+(?:per|a|each)\s+GPU"
    r"|(?P<behind>\d[\d.,]*\s*k?W)\s+(?:per|a|each)\s+GPU\s+on\s+average)\b",
    re.IGNORECASE,
)
# What was done, not what it is held against.
_FULL = r"full(?:[- ](?:parameter|model|weight))?[- ]fine-?tun(?:ing|e)\b"
_FULLY = re.compile(
    rf"\b(?:(?:this|our|the) (?:model|checkpoint) (?:is|was)(?: (?:created|made|trained|produced|obtained))?"
    rf"(?: (?:a|by|with|using|through|via))?|we (?:did|used|performed|chose|applied)(?: a)?|training (?:was|is)(?: a)?)"
    rf"\s+(?P<text>{_FULL})(?! (?:baseline|run|experiment))",
    re.IGNORECASE,
)
_COMPARED = re.compile(
    r"\b(?:compar\w+|versus|vs|than|unlike|instead|baseline|also|both|earlier|previous\w*|pilot|ablation|against)\b",
    re.IGNORECASE,
)
_TRAINABLE = re.compile(
    r"(?<![\w.,])(?P<text>\d[\d.,]*\s*(?:[KMB]|k|thousand|million|billion)?)\s+trainable\s+(?:param|weight)"
)
_EXAMPLES = re.compile(
    r"(?<![\w.,])(?P<count>\d[\d.,]*\s*[kKM]?)\s+(?P<of>train(?:ing)?\s+)?"
    r"(?:examples|samples|instances|conversations|rows|pairs)\b"
)
_TRAINED_ON_SO_MANY = re.compile(
    r"\b(?:trained|fine-?tuned)\s+on\s+(?P<count>\d[\d.,]*\s*[kKM]?)\s+(?:[a-z-]+\s+){0,2}?"
    r"(?:examples|samples|instances|conversations|rows|pairs)\b",
    re.IGNORECASE,
)
_OF_DATA = frozenset({"training data", "training dataset", "training set"})
_TRAINED_ON = re.compile(
    r"\b(?:trained|fine-?tuned|(?:train|fine-?tun)ing\s+(?:was|ran|took|lasted))\b[^.]{0,40}?"
    r"\b(?:on|using|with)\s+(?P<text>[^.;]{3,80})",
    re.IGNORECASE,
)
# The same with the verb behind it, or in other languages; not what follows an "and", which may be of its use.
_NO_AND = r"(?!\b(?:und|et|y|e)\b)[^.;,]"
_GAP, _ON = rf"(?:{_NO_AND}){{0,40}}?", rf"(?P<text>(?:{_NO_AND}){{3,60}})"
_TRAINED_ELSEWHERE = tuple(
    re.compile(words, re.IGNORECASE)
    for words in (
        rf"\bauf\s+(?P<text>(?:{_NO_AND}){{3,60}}?)\s+(?:trainiert|feinabgestimmt|nachtrainiert)\b",
        rf"\b(?:training|feinabstimmung|fein-?tuning)\s+(?:lief|erfolgte|fand|wurde)\b{_GAP}\bauf\s+{_ON}",
        rf"\b(?:entra[i\u00ee]n\u00e9e?|affin\u00e9e?|entra[i\u00ee]nement)\b{_GAP}\bsur\s+{_ON}",
        rf"\b(?:entrenad[oa]|entren\u00f3|entrenamiento|treinad[oa]|treinamento)\b{_GAP}\be[nm]\s+{_ON}",
        r"(?:\u8bad\u7ec3|\u5fae\u8c03)[^\u3002;]{0,30}?(?:\u4f7f\u7528|\u5728)\s*(?P<text>[^\u3002;]{3,60})",
        r"(?:\u4f7f\u7528|\u5728)\s*(?P<text>[^\u3002;]{3,40}?)\s*\u4e0a?(?:\u8fdb\u884c)?(?:\u4e86)?(?:\u8bad\u7ec3|\u5fae\u8c03)",
    )
)
_ON_A_DAY = re.compile(
    r"\b(?i:trained|fine-?tuned|finished|completed|took place|done|performed|ran)\s+(?:in|on)\s+"
    r"(?P<text>(?:\d|[A-Z\u00c0-\u00dd][a-z\u00df-\u00ff]{2,9}\.?\s+\d)[^.;]{3,20})"
)
_CUT = re.compile(
    r"\b(?:sequences?|examples?|samples?|conversations?|inputs?|texts?|documents?)\s+(?:[\w-]+\s+){1,3}?"
    r"(?:(?:truncated|cut(?: off)?)\s+(?:to|at|after)|packed\s+(?:in)?to\s+(?:sequences|blocks|chunks)\s+of)\s+"
    r"(?:a\s+(?:maximum|length|maximum length)\s+of\s+|at\s+most\s+|up\s+to\s+)?(?P<text>\d[\d.,]{2,})\s+tokens",
    re.IGNORECASE,
)
_SPEED = re.compile(
    r"(?<![\w.,])(?P<text>\d[\d.,]*\s*[kK]?\s*(?:tokens?|tok)\s*(?:/|per\s)\s*(?:s|sec|second))(?!\w)", re.IGNORECASE
)
_NO_MEAN = re.compile(
    r"\b(?:peak\w*|max\w*|up to|highest|at most|limit\w*|decod\w*|prompt\w*|answer\w*)\b", re.IGNORECASE
)
_THROUGHPUT = re.compile(r"\bthroughput\b|\bprocess(?:ed|es|ing)\b", re.IGNORECASE)
_ASSIGNED = re.compile(r"(?<![\w./-])(?P<name>[a-z][a-z0-9]*(?:_[a-z0-9]+)+)\s*=\s*[`*\"']*(?P<value>[\w.+-]*\w)")


def names_of(sentence: str, slot: Slot, index: LabelIndex, *, is_said: bool) -> Iterator[Stated]:
    """Whatever the sentence names, each with the value that it stands for.

    Args:
        sentence: of the slot.
        slot: where it stands.
        index: the label map.
        is_said: the sentence itself says that it is of a training.
    """
    yield from _assigned(sentence, slot, index)
    yield from _examples(sentence, slot)
    if _OF_A_FILE.search(sentence) is None:
        yield from _found(_LOADED, "quantization", sentence, slot)
        yield from _together(_IN_PRECISION if is_said else _MIXED, "precision", sentence, slot)
    if _COMPARED.search(sentence) is None:
        yield from _found(_FULLY, "method", sentence, slot)
    if OF_A_PART.search(sentence) is None:
        yield from _found(_DREW, "mean_gpu_power", sentence, slot)
        if (is_said or _THROUGHPUT.search(sentence)) and _NO_MEAN.search(sentence) is None:
            yield from (replace(one, in_prose=True) for one in _found(_SPEED, "throughput", sentence, slot))
    if _CUT_FOR_OTHER.search(sentence) is None:
        yield from (replace(one, in_prose=True) for one in _found(_CUT, "max_length", sentence, slot))
    yield from _found(_BASE_IS, "base_model", sentence, slot)
    yield from _found(_OPTIMIZER_IS, "optimizer", sentence, slot)
    yield from _found(_TRAINABLE, "trainable_parameters", sentence, slot)
    if not is_said:
        return
    yield from versions_in(sentence, slot, index)
    yield from _found(_OF_BASE, "base_model", sentence, slot)
    if (begun := _FROM_BASE.match(sentence)) is not None:
        yield made("base_model", begun["text"], begun.start("text"), slot)
    yield from _found(_OPTIMIZER, "optimizer", sentence, slot)
    yield from (
        one
        for pattern in (_TRAINED_ON, *_TRAINED_ELSEWHERE)
        for one in _found(pattern, "gpu_names", sentence, slot)
        if not names_family(sentence[: one.begin])
    )
    yield from (one for one in _found(_ON_A_DAY, "date", sentence, slot) if any(dates_in(one.texts[0])))


def without_each(sentence: str) -> str:
    """The sentence without the words that say a power is of one GPU, which would else be one of several things."""
    return _EACH.sub(" ", sentence)


def drawn_by_each(sentence: str, slot: Slot) -> Iterator[Stated]:
    """The mean power of one GPU, as in "350 W per GPU on average"."""
    for one in _DREW_EACH.finditer(sentence) if _NO_MEAN.search(sentence) is None else ():
        part = "text" if one["text"] else "behind"
        yield made("mean_gpu_power", one[part], one.start(part), slot)


def versions_in(text: str, slot: Slot, index: LabelIndex, *, is_all: bool = False) -> Iterator[Stated]:
    """Each library right before its version; with ``is_all`` only one that is all of the text."""
    for found in _LIBRARY.finditer(text.strip()):
        rows = index.by_label.get(normalize_label(found["name"]), ())
        value = next((row.value for row in rows if (row.value or "").startswith("software.")), None)
        if value is not None and (not is_all or found.group() == text.strip()):
            yield made(value, found["version"] + (found["behind"] or ""), found.start(), slot)


def _found(pattern: re.Pattern[str], name: str, sentence: str, slot: Slot) -> Iterator[Stated]:
    for one in pattern.finditer(sentence):
        yield made(name, one["text"], one.start("text"), slot)


def _together(pattern: re.Pattern[str], name: str, sentence: str, slot: Slot) -> Iterator[Stated]:
    """One value of all that is found, of which any may be what is meant."""
    found = list(_found(pattern, name, sentence, slot))
    if found:
        yield replace(found[0], texts=tuple(text for one in found for text in one.texts))


def _assigned(sentence: str, slot: Slot, index: LabelIndex) -> Iterator[Stated]:
    """A setting as a script has it: "lora_alpha=32"."""
    for found in _ASSIGNED.finditer(sentence):
        rows = index.by_label.get(normalize_label(found["name"]), ())
        value = next((row.value for row in rows if row.value and not row.section and not row.heading), None)
        if value is not None:
            yield made(value, found["value"], found.start("value"), slot)


def _examples(sentence: str, slot: Slot) -> Iterator[Stated]:
    """So many training examples, that a model was trained on, or beside a label that asks for the data."""
    is_data = normalize_label(slot.label or "") in _OF_DATA
    said = [found for found in _EXAMPLES.finditer(sentence) if found["of"] or is_data]
    for found in {one.start("count"): one for one in (*said, *_TRAINED_ON_SO_MANY.finditer(sentence))}.values():
        yield made("training_examples", found["count"], found.start("count"), slot)
