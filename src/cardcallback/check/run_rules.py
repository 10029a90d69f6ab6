"""Times, memory, shares and batches of one run that contradict each other, or arithmetic."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from cardcallback.check.facts import Fact, Facts
from cardcallback.check.finding import Finding, error, shown
from cardcallback.check.numbers import Number
from cardcallback.check.other_things import says_of_elsewhere
from cardcallback.check.quantities import any_figures, figures_of, find_figures
from cardcallback.check.reading import CardText
from cardcallback.check.run_labels import ONE_OF_A_KIND, plain_label, run_fact
from cardcallback.check.run_times import MOST_TIMES, run_times
from cardcallback.render.card.slots import Slot
from cardcallback.units import format_bytes

RULE = "figures"
_SLIPS = {60.0: "minutes taken for hours, or seconds for minutes", 3600.0: "seconds taken for hours"}
_SLIP_ROOM = 0.03
_SHARE = re.compile(
    r"\baccuracy\b|\bprecision\b|\brecall\b|\bcoverage\b|\butili[sz]ation\b|\btrainable\b|\bwin ?rate\b|"
    r"\bpass(?:ing)? ?rate\b|"
    r"\bsuccess ?rate\b|\bshare\b|\bblocked\b|\bexact match\b|\bdropout\b|\bwarm-?up\b|\bf1\b",
    re.IGNORECASE,
)
_NEAR = 30
_MORE_THAN_WHOLE = re.compile(
    r"improve|increase|\bup\b|rose|grew|doubl|faster|speed|gain|relative|\+|cpu|more|×|change|\bof base", re.IGNORECASE
)
_OF_TOTAL = re.compile(
    r"(?<![\w.,])(?P<used>\d{1,6}(?:\.\d{1,6})?)\s*(?P<unit>[GMT]i?B)?\s+(?:of|out of|/)\s+"
    r"(?P<total>\d{1,6}(?:\.\d{1,6})?)\s*(?P<whole>[GMT]i?B)"
)
# 128 GB on the box are 119.2 GiB; makers and programs differ in which one they print as GB.
_BYTES_ROOM = 1.08
_BATCH = re.compile(
    r"^[\s>]*[-*+|]?\s*[`*_]*(?P<name>(?:per_device_)?train_batch_size|gradient_accumulation_steps|num_devices|"
    r"total_train_batch_size)[`*_]*\s*[:|=]\s*[`*_]*(?P<count>\d+)\b"
)
_WORDS = r"(?:\s+[A-Za-z-]+){0,4}"
_INTEGER_PRODUCT = re.compile(
    rf"(?<![\w.,×*])(?<![×x*] )(?P<a>\d{{1,6}})(?P<wa>{_WORDS})\s*[×x*]\s*(?P<b>\d{{1,6}})(?P<wb>{_WORDS})"
    rf"(?:\s*[×x*]\s*(?P<c>\d{{1,6}})(?P<wc>{_WORDS}))?\s*=\s*"
    r"(?P<d>\d{1,3}(?:,\d{3})+|\d{1,9})(?![\d.,]*\d|\s*[A-Za-z]*/)"
)
_UNITS = re.compile(r"\b(?:h|hours?|min|minutes|s|w|kwh|wh|g|gb)\b")
_STAGED = re.compile(
    r"stage|phase|\bsft\b|\bdpo\b|\borpo\b|\bgrpo\b|\brun \d|experiment|previous|ablation|baseline|v\d|"
    r"requirement|inference|usage|serving|deploy|minimum|pre-?train|adapter|hyper-?param.* (?:for|of)",
    re.IGNORECASE,
)
_OF_MEAN = re.compile(r"\b(?:mean|average|avg)\b", re.IGNORECASE)
_SAID_ROOM = 0.05
_ONE_NUMBER = re.compile(r"^[~≈]?\s*(?P<number>\d[\d,]*(?:\.\d+)?(?:[eE][-+]?\d+)?)")


_ENDS_EARLY = re.compile(
    r"early[- ]?stop|stopped early|interrupt|max_steps|best (?:checkpoint|epoch)|resum|cut short|not completed",
    re.IGNORECASE,
)


def run_findings(facts: Facts) -> Iterator[Finding]:
    """Contradictions among the figures of one run."""
    yield from _times(facts)
    yield from _shares(facts)
    yield from _memory(facts)
    yield from _batches(facts.card)
    yield from _products(facts.card)
    yield from _twice(facts.card)


def _times(facts: Facts) -> Iterator[Finding]:
    """Two times of the run, one of which is sixty times the other."""
    times = run_times(facts)
    for index, later in enumerate(times[:MOST_TIMES]):
        for earlier in times[:index]:
            large, small = max(later, earlier, key=_seconds), min(later, earlier, key=_seconds)
            ratio = _seconds(large) / _seconds(small)
            slip = next((words for factor, words in _SLIPS.items() if abs(ratio / factor - 1) < _SLIP_ROOM), None)
            if slip is not None:
                other = f"{shown(earlier.figure.text)} on line {earlier.line.number}"
                what = f"{shown(later.figure.text)} here and {other}: {slip}"
                yield error(RULE, later.line.number, what, "give both in one unit")


def _seconds(fact: Fact) -> float:
    return fact.figure.value


def _shares(facts: Facts) -> Iterator[Finding]:
    """More than 100 % of what is a share of a whole."""
    for one in facts.of("share"):
        if one.line.is_ours or one.figure.low <= 1:
            continue
        near = one.cell[max(0, one.figure.begin - _NEAR) : one.figure.end + _NEAR]
        is_share = _SHARE.search(f"{one.label} {one.column} {near}") is not None
        if is_share and not _MORE_THAN_WHOLE.search(one.words):
            what = f"{shown(one.figure.text)} of a whole: {shown(one.about, 50)}"
            yield error(RULE, one.line.number, what, "a share of a whole is 100 % at most: check the figure")


def _memory(facts: Facts) -> Iterator[Finding]:
    """A peak above the machine's or the GPUs' memory."""
    for line in facts.card.prose_lines():
        for found in _OF_TOTAL.finditer(line.prose):
            used = find_figures(f"{found['used']} {found['unit'] or found['whole']}")[0]
            total = find_figures(f"{found['total']} {found['whole']}")[0]
            if used.low > total.high:
                yield error(RULE, line.number, f"{shown(found.group())} is more than there is", "check the two figures")
    memory = facts.of("memory")
    totals = [one for one in memory if _is_total(one) or _is_whole(one)]
    if not totals:
        return
    most = max(one.figure.high for one in totals) * max(facts.counts) * _BYTES_ROOM
    for one in memory:
        if re.search(r"\bpeak|\bmax(?:imum)? (?:gpu )?(?:memory|vram)", one.about) and one.figure.low > most:
            stated = format_bytes(most / _BYTES_ROOM)
            what = f"{shown(one.figure.text)} at the peak is more than the {stated} that the card states"
            yield error(RULE, one.line.number, what, "check the unit and the machine's memory")


def _is_total(fact: Fact) -> bool:
    about = fact.about
    return re.search(r"\bpeak|used|usage|model size|file|disk|storage|dataset", about) is None and (
        re.search(r"memory|vram|\bram\b|hardware|\bgpu", f"{about} {fact.cell}".lower()) is not None
    )


def _is_whole(fact: Fact) -> bool:
    """What a figure right before it is said to be of."""
    return re.search(r"\b(?:of|out of)\s+$", fact.cell[: fact.figure.begin]) is not None


def _batches(card: CardText) -> Iterator[Finding]:
    """The list of hyper-parameters that transformers writes: its total is the product of its parts."""
    named: dict[tuple[str, ...], dict[str, tuple[int, int]]] = defaultdict(dict)
    for line in card.prose_lines():
        found = _BATCH.match(line.prose)
        if found is not None:
            named[line.headings][found["name"].removeprefix("per_device_")] = (int(found["count"]), line.number)
    for parts in named.values():
        if "total_train_batch_size" not in parts or "train_batch_size" not in parts:
            continue
        total, line_number = parts.pop("total_train_batch_size")
        product = 1
        for count, _ in parts.values():
            product *= count
        if total != product and not ("num_devices" not in parts and total % product == 0):
            what = f"total_train_batch_size is {total}, and its parts multiply to {product}"
            yield error(RULE, line_number, what, "calculate it again")


def _products(card: CardText) -> Iterator[Finding]:
    """A product of whole numbers that is written out, such as 2 × 8 accumulation = 16."""
    for line in card.prose_lines():
        for found in _INTEGER_PRODUCT.finditer(line.prose):
            if _UNITS.search(f"{found['wa']} {found['wb']} {found['wc'] or ''}".lower()):
                continue
            product = int(found["a"]) * int(found["b"]) * int(found["c"] or 1)
            if product != int(found["d"].replace(",", "")):
                yield error(RULE, line.number, f"{shown(found.group())} is {product}", "calculate it again")


def _twice(card: CardText) -> Iterator[Finding]:
    """One fact of the run under one label twice, with different figures."""
    groups: dict[str, list[Slot]] = defaultdict(list)
    for slot in card.slots:
        is_value = slot.kind == "line" or (slot.kind == "cell" and slot.only_column)
        fact = run_fact(slot.label) if is_value and slot.label else None
        if fact is not None:
            groups[fact].append(slot)
    ends_early = _ENDS_EARLY.search(card.body) is not None
    for fact, slots in groups.items():
        first = slots[0]
        for other in slots[1:]:
            names = [plain_label(slot.label or "") for slot in (first, other)]
            if fact == "epochs" and names[0] != names[1] and ends_early:
                continue
            if _differ(fact, first.text, other.text) and not _are_apart(first, other):
                line = card.line_of(other.begin)
                elsewhere = f"{shown(first.text, 40)} on line {card.line_of(first.begin)}"
                what = f"{names[1]} is {shown(other.text, 40)} here and {elsewhere}"
                yield error(RULE, line, what, "keep the right one, or say what tells them apart")


def _are_apart(first: Slot, other: Slot) -> bool:
    """Whether they are of two stages, or one of them says that it was measured elsewhere or holds more."""
    is_elsewhere, other_is = (says_of_elsewhere(f"{slot.label} {slot.text}") for slot in (first, other))
    return is_elsewhere != other_is or _is_staged(first, other)


def _is_staged(first: Slot, other: Slot) -> bool:
    """Stages, runs and models have figures of their own under headings of their own."""
    if first.headings == other.headings:
        return False
    return any(_STAGED.search(heading) for slot in (first, other) for heading in slot.headings)


def _differ(fact: str, one: str, other: str) -> bool:
    kind = ONE_OF_A_KIND.get(fact)
    if kind is not None:
        ours, theirs = figures_of(one, kind)[:1], figures_of(other, kind)
        return bool(ours and theirs) and not _may_be_same(ours, theirs)
    if _is_explained(one, other):
        return False
    left, right = find_figures(one, of_carbon=True), find_figures(other, of_carbon=True)
    if left and right and left[0].kind == right[0].kind and left[0].kind != "share":
        room = 0.05 * max(left[0].value, right[0].value)
        return left[0].low > right[0].high + room or right[0].low > left[0].high + room
    # What still holds a placeholder is told as that.
    if left or right or "[" in one or "[" in other:
        return False
    numbers = [_ONE_NUMBER.match(text) for text in (one, other)]
    if numbers[0] is None or numbers[1] is None:
        return False
    first, second = (match["number"].replace(",", "") for match in numbers if match)
    return not _same_number(first, second)


def _is_explained(one: str, other: str) -> bool:
    """Whether one text has the other's figure too, or is a mean over the training beside its last loss."""
    ours, theirs = any_figures(one), any_figures(other)
    if _is_same_setting(ours[:1], theirs) or _is_same_setting(theirs[:1], ours):
        return True
    return (_OF_MEAN.search(one) is None) != (_OF_MEAN.search(other) is None)


def _may_be_same(some: Sequence[Number], others: Sequence[Number]) -> bool:
    """Whether one of the first may be one of the others, give or take what people round."""
    pairs = [(one, other) for a in some for b in others for one in a.ranges for other in b.ranges]
    return any(
        one[0] - _SAID_ROOM * one[1] <= other[1] and other[0] - _SAID_ROOM * other[1] <= one[1] for one, other in pairs
    )


def _is_same_setting(some: Sequence[Number], others: Sequence[Number]) -> bool:
    """Whether one of the first is one of the others, however it is written: "2 × 10⁻⁴", "8k"."""
    return any(
        math.isclose(a, b, rel_tol=1e-6) for one in some for other in others for a in one.values for b in other.values
    )


def _same_number(one: str, other: str) -> bool:
    """Whether one is the other, rounded to the digits that are printed."""
    digits = min(_decimals(one), _decimals(other))
    larger = max(abs(float(one)), abs(float(other)))
    return abs(float(one) - float(other)) <= max(0.5 * 10.0**-digits if digits else 0.0, 1e-6 * larger) * 1.001


def _decimals(number: str) -> int:
    mantissa, _, exponent = number.lower().partition("e")
    return max(0, len(mantissa.partition(".")[2]) - int(exponent or 0))
