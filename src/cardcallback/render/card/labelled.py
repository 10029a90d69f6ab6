"""Labels and their values inside one paragraph, list item, heading or cell."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from cardcallback.render.card.inline_text import COMMENT, OBJECT, Letters, visible_label
from cardcallback.render.card.quantities import is_unit, without_footnotes

_COLONS = ":\N{FULLWIDTH COLON}"
_LONGEST_LABEL, _LONGEST_QUESTION, _LONGEST_UNIT = 80, 120, 15
# After a colon stands a blank, or at once what only a placeholder begins with; a wide one has its blank in it. One
# before a label is that of a field list, ":Hardware: [X]"; before a small letter it begins an emoji's name.
_ASSIGNED = r"(?<=\w)=(?=[^\s=>])(?![^\n]*(?:\b(?:was|were|is|are|has|had)\b|[.!?]\Z))"  # no sentence
_PLAIN = re.compile(
    rf"\s*(?::(?=[A-Z\u00c0-\u00dd]))?(?P<label>(?:[^{_COLONS}=\[\]<>{{}}|\n{OBJECT}{COMMENT}]|(?<=-)>|(?<=[hmHM]):(?=[msMS])){{1,{_LONGEST_LABEL}}}?"
    rf"(?:\[[^\[\]\n]{{1,{_LONGEST_UNIT}}}\](?=\s*[{_COLONS}]))?)\s*"
    # The mark of a footnote, which is a link where the footnote is in the card.
    rf"(?:\[\^[^\]\s]{{1,20}}\]\s*|{OBJECT}{{1,3}}\s*)?"
    rf"(?:\N{{FULLWIDTH COLON}}|(?:(?<=[\u3040-\u9fff\uac00-\ud7af]):(?=[^\s/])|:(?=[\s\[<{{_\u2026{COMMENT}]))|"
    rf"{_ASSIGNED}|=(?=\s*[\[<{{_])|"
    rf"(?<=\s)(?:=|\u2013|\u2014)(?=\s))"
    r"\s*(?=\S)"
)
_AFTER_BOLD = re.compile(rf"\s*(?:[{_COLONS}=\u2013\u2014-]\s*)?")
_UNIT_BEHIND_BOLD = re.compile(
    rf"\s*(?:\((?P<unit>[^()\n]{{1,{_LONGEST_UNIT}}})\)|\[(?P<square>[^\[\]\n]{{1,{_LONGEST_UNIT}}})\])\s*(?=[{_COLONS}])"
)
_APART = re.compile(r"[ \t]{2,}(?=\S)|[ \t]+[|\u00b7\u2022][ \t]+")
_BETWEEN = " \t,;|\u00b7\u2022/"
# What people write for one word.
_SPELLINGS = tuple(
    (re.compile(rf"\b(?:{written})", re.ASCII), word)
    for written, word in (
        (r"val\.", "val"),
        (r"avg\b\.?|mean\b", "average"),
        (r"maximum\b|max\.", "max"),
        (r"seq\b\.?", "sequence"),
        (r"params\b|param\.", "parameters"),
        (r"no\. of\b|num\b\.?|# of\b", "number of"),
        (r"number of of\b", "number of"),
        (r"optimis", "optimiz"),
        (r"quantis", "quantiz"),
        (r"finetun", "fine tun"),
        (r"ppl\b", "perplexity"),
        (r"mem\b\.?", "memory"),
        (r"^((?:which|what) [^,;.]+) did (?:you|we) use\b", r"\1 was used"),
    )
)
# The number of a question or of an entry in a numbered form: "2.1", "3)", "Q4.", "(b)".
_NUMBER = re.compile(
    r"^(?:\(?(?:\d{1,2}(?:\.\d{1,2})+\.?|\d{1,2}[.):]|[A-Za-z][.)])|[A-Z]\d{1,2}[.):]|[IVX]{1,4}[.)])\s+(?=[^\W\d_]{2})"
)
# "# GPUs": how many there are.
_COUNTED = re.compile(r"^\s*#\s*(?=[A-Za-z]+s\b)")
# Before a question and its answer, on lines of their own.
_QUESTIONS = frozenset({"q", "question", "frage", "f", "pregunta", "p", "pergunta", "\u95ee"})
_ANSWERS = frozenset({"a", "answer", "your answer", "antwort", "r", "r\u00e9ponse", "respuesta", "resposta", "\u7b54"})
# A question and its answer right behind it.
_ANSWERED = re.compile(rf"\s*(?P<label>[^?\uff1f\[\]<>{{}}|\n]{{3,{_LONGEST_QUESTION}}}[?\uff1f])\s*(?=\S)")
_ASKED = frozenset("?\uff1f")
# Where a sentence ends and another begins.
SENTENCE_END = re.compile(r"[.!?]\s+(?=[A-Z\u00c0-\u00dd])|[\u3002\uff01\uff1f]\s*")
# A sentence of three words or more before others; "Max. length" and "Approx. total energy" are abbreviated.
_SENTENCE_BEFORE = re.compile(r"\S\s+\S+\s+\S*[^\W\d_]{2}[.!?]\s+(?=[A-Z\u00c0-\u00dd])|[\u3002\uff01\uff1f](?=.)")
_OPTIONAL = re.compile(r"[\[(]\s*optional\s*[\])]", re.IGNORECASE)
# The names of emoji before a label, ":zap: Energy".
_EMOJI_NAMES = re.compile(r"\A\s*(?::[a-z0-9_+-]{2,40}:\s+)+(?=\S)")
# What a line may begin with and is no part of its label: a box to tick, a footnote's mark.
_TASK = re.compile(r"(?:\[[ xX]\]|\[\^[^\]\s]{1,20}\]:)\s+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Labelled:
    """A label and the letters of its value, none (``begin == end``) where the label stands alone.

    ``has_labels`` says that the value, on a line of its own, reads as a label with a value itself.
    """

    label: str
    begin: int
    end: int
    has_labels: bool = False


# The same few hundred labels of the map are compared with each of a card.
@lru_cache(maxsize=4096)
def normalize_label(label: str) -> str:
    """A label or heading as the label map compares it: no markup, "[optional]" or colon, lower case, plain letters."""
    plain = unicodedata.normalize("NFKC", re.sub(r"<!--.*?-->|[*`~\\]+", "", label))
    plain = without_footnotes(_OPTIONAL.sub("", _EMOJI_NAMES.sub("", plain)))
    plain = re.sub(r"[_\-\N{EN DASH}\N{EM DASH}\N{HYPHEN}]+", " ", plain)
    plain = _COUNTED.sub("number of ", plain)
    plain = re.sub(r"^[^\w(]+|[^\w)%]+$", "", _NUMBER.sub("", plain.strip()))
    plain = " ".join(plain.split()).casefold()
    for pattern, word in _SPELLINGS:
        plain = pattern.sub(word, plain)
    return plain


def lines_of(letters: Letters) -> list[tuple[int, int]]:
    """The spans of letters between line breaks."""
    spans, begin = [], 0
    for index, letter in enumerate(letters.text):
        if letter == "\n":
            spans.append((begin, index))
            begin = index + 1
    return [*spans, (begin, len(letters.text))]


def labelled_values(letters: Letters, *, one_line: bool = False) -> Iterator[Labelled]:
    """Every label of the text with its value, in order, those that stand alone too.

    ``one_line`` reads a text that has no lines of its own, such as a heading, as one.
    """
    lines = [(0, len(letters.text))] if one_line else lines_of(letters)
    question: str | None = None
    for number, (begin, end) in enumerate(lines):
        below = lines[number + 1] if number + 1 < len(lines) else None
        found = list(_in_line(letters, skip_task(letters.text, begin, end), end))
        if question is not None and len(found) == 1 and is_answer(found[0].label):
            found = [replace(found[0], label=question)]
        question = _question(letters, found) or _question_above(letters, (begin, end), below)
        if question is not None:
            continue
        if len(found) == 1 and found[0].begin == found[0].end and below is not None:
            yield _with_value_below(letters, found[0], below)
        elif not found and below is not None and _leads_below(letters.text[begin:end], letters.text[slice(*below)]):
            yield _with_value_below(letters, _alone(letters, begin, end), below)
        else:
            yield from found


def _leads_below(line: str, below: str) -> bool:
    """Whether a line without a value of its own has it on the next one: a definition's term, or a question."""
    is_question = line.rstrip()[-1:] in _ASKED and re.search(r"[^\W\d_]{4}", line) is not None
    return below.lstrip()[:2] in {": ", ":\t"} or (is_question and bool(below.strip()))


def _question(letters: Letters, found: Sequence[Labelled]) -> str | None:
    """What a line such as "Q: How long did training take?" asks."""
    is_asked = len(found) == 1 and found[0].label.casefold() in _QUESTIONS
    asked = visible_label(letters.text[found[0].begin : found[0].end]).strip() if is_asked else ""
    return asked if asked[-1:] in _ASKED else None


def _question_above(letters: Letters, line: tuple[int, int], below: tuple[int, int] | None) -> str | None:
    """What a line asks that is a question as a whole, where the line below it says that it answers."""
    asked = visible_label(letters.text[slice(*line)]).strip()
    answers = list(_in_line(letters, *below)) if below is not None and asked[-1:] in _ASKED else []
    return asked if len(answers) == 1 and is_answer(answers[0].label) else None


def lead_of(letters: Letters) -> str | None:
    """What a text only introduces: a label alone, or a question whose answer stands below it."""
    if is_label_alone(letters):
        return visible_label(letters.text).rstrip(":\uff1a ")
    if "\n" in letters.text or len(letters.text) > _LONGEST_QUESTION or not letters.text.strip():
        return None
    end = len(letters.text)
    asked = _question(letters, list(_in_line(letters, skip_task(letters.text, 0, end), end)))
    alone = visible_label(letters.text).strip()
    return asked or (alone if alone[-1:] in _ASKED else None)


def is_answer(label: str) -> bool:
    """Whether a label only says that an answer follows."""
    return label.casefold() in _ANSWERS


def skip_task(text: str, begin: int, end: int) -> int:
    """Where the text begins behind a box to tick, or behind the mark of the footnote that it is."""
    task = _TASK.match(text, begin, end)
    return task.end() if task else begin


def is_label_alone(letters: Letters) -> bool:
    """Whether the text only introduces what follows it: bold as a whole, or ending in a colon."""
    text = letters.text.strip()
    # A comment behind it may be filled in, after which it would introduce nothing.
    if not text or COMMENT in text or "\n" in text or len(text) > _LONGEST_LABEL:
        return False
    return text[-1] in _COLONS or any(_covers(letters, span) for span in letters.bold)


def trimmed(letters: Letters, begin: int, end: int, blanks: str = "") -> tuple[int, int]:
    """The span without the blanks around it and the comments behind it; a comment that is all there is stays."""
    text = letters.text
    first = begin
    while first < end and (text[first].isspace()):
        first += 1
    last, behind = end, None
    while last > first and (text[last - 1].isspace() or text[last - 1] in blanks + COMMENT):
        last -= 1
        behind = last if text[last] == COMMENT else behind
    if last == first and behind is not None:
        return behind, behind + 1
    return first, last


def _in_line(letters: Letters, begin: int, end: int) -> Iterator[Labelled]:
    named = _EMOJI_NAMES.match(letters.mask[begin:end])
    begin += named.end() if named is not None else 0
    bold = sorted(span for span in letters.bold if begin <= span[0] and span[1] <= end)
    labels = [span for span in bold if _is_bold_label(letters.text, span, end)]
    if not labels and bold and not letters.text[begin : bold[0][0]].strip():
        labels = [bold[0]]
    if labels and not letters.text[begin : labels[0][0]].strip(_BETWEEN):
        for number, span in enumerate(labels):
            following = labels[number + 1][0] if number + 1 < len(labels) else end
            yield _bold_label(letters, span, following, is_last=following == end)
        return
    side_by_side = list(_side_by_side(letters, begin, end))
    if side_by_side:
        yield from side_by_side
        return
    # The colon of a question's answer is none of a label.
    matches = [one for shape in (_PLAIN, _ANSWERED) if (one := shape.match(letters.mask[:end], begin))]
    found = next((one for one in matches if _is_label(letters.text[slice(*one.span("label"))])), None)
    if not matches and (code := _code_label(letters, begin, end)) is not None:
        yield code
    elif found is not None:
        first, last = trimmed(letters, found.end(), end)
        yield Labelled(label=visible_label(found.group("label")), begin=first, end=last)


def _side_by_side(letters: Letters, begin: int, end: int) -> Iterator[Labelled]:
    """The labels of a line that has several, wide blanks or bars apart, each with its value."""
    mask = letters.mask
    edges = [found.span() for found in _APART.finditer(mask, begin, end)]
    starts, ends = [begin, *(last for _, last in edges)], [*(first for first, _ in edges), end]
    found = [_PLAIN.match(mask[:last], first) for first, last in zip(starts, ends, strict=True)]
    if len(found) < 2 or not all(one and _is_label(one["label"]) and one["label"].strip() for one in found):
        return
    for one, last in zip(found, ends, strict=True):
        if one is not None:
            value = trimmed(letters, one.end(), last)
            yield Labelled(label=visible_label(one["label"]), begin=value[0], end=value[1])


def _is_label(text: str) -> bool:
    """No number, no words that end inside brackets ("LoRA (r" of "LoRA (r=16)"), and no sentence with words behind.

    Square brackets hold a unit: "Energy [kWh]".
    """
    _, opened, unit = text.partition("[")
    if opened and not is_unit(unit.rstrip(" ]")):
        return False
    # The bracket of "b) Training time" is its number's.
    bare = _NUMBER.sub("", text.strip())
    return not text.isdigit() and bare.count("(") == bare.count(")") and _SENTENCE_BEFORE.search(text) is None


def _bold_label(letters: Letters, span: tuple[int, int], end: int, *, is_last: bool) -> Labelled:
    unit = _UNIT_BEHIND_BOLD.match(letters.text, span[1], end)
    label_end = unit.end() if unit is not None and is_unit(unit["unit"] or unit["square"]) else span[1]
    after = _AFTER_BOLD.match(letters.text, label_end, end)
    first, last = trimmed(letters, after.end() if after else label_end, end, "" if is_last else _BETWEEN)
    return Labelled(label=_bare(letters, span[0], label_end), begin=first, end=last)


def _code_label(letters: Letters, begin: int, end: int) -> Labelled | None:
    for first, last in letters.code:
        if first < begin or letters.text[begin:first].strip():
            continue
        after = re.compile(rf"\s*[{_COLONS}=]\s*").match(letters.text, last, end)
        if after is not None:
            value = trimmed(letters, after.end(), end)
            return Labelled(label=_bare(letters, first, last), begin=value[0], end=value[1])
    return None


def _is_bold_label(text: str, span: tuple[int, int], end: int) -> bool:
    return text[span[0] : span[1]].rstrip()[-1:] in set(_COLONS) or text[span[1] : end].lstrip()[:1] in set(_COLONS)


def _with_value_below(letters: Letters, label: Labelled, below: tuple[int, int]) -> Labelled:
    """A label on a line of its own whose value is the line below it, though that may be the next label."""
    begin = below[0]
    lead = re.compile(rf"\s*[{_COLONS}]\s+").match(letters.text, begin, below[1])
    is_labelled = lead is None and any(True for _ in _in_line(letters, begin, below[1]))
    first, last = trimmed(letters, lead.end() if lead else begin, below[1])
    return Labelled(label=label.label, begin=first, end=last, has_labels=is_labelled)


def _alone(letters: Letters, begin: int, end: int) -> Labelled:
    return Labelled(label=_bare(letters, begin, end), begin=end, end=end)


def _bare(letters: Letters, begin: int, end: int) -> str:
    return visible_label(letters.text[begin:end]).strip(_COLONS + " ")


def _covers(letters: Letters, span: tuple[int, int]) -> bool:
    around = letters.text[: span[0]] + letters.text[span[1] :]
    return not around.strip(_COLONS + " \t\n" + COMMENT)
