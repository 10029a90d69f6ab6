"""Settings and figures of a run that stand in a block of code: a trainer's configuration, or a log's last lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from cardcallback.check.reading import CardText, Line
from cardcallback.check.stated import Stated
from cardcallback.render.card.asking import Asking
from cardcallback.render.card.labelled import normalize_label
from cardcallback.render.card.labels import LabelIndex, has_word
from cardcallback.render.card.slots import Slot

_SETTING = re.compile(
    r"\s*(?:[-*]\s+)?[\"'`]?(?P<name>[A-Za-z][\w ./-]{1,40}?)[\"'`]?\s*[:=]\s*(?P<value>[^\s,#{(\[][^#]*?),?\s*(?:#.*)?"
)
_ASSIGNED = re.compile(r"(?<![\w./-])(?P<name>[a-z][a-z0-9]*(?:_[a-z0-9]+)+)\s*=\s*[\"']?(?P<value>[\w.+-]*\w)")
# A block with one of these is of something else than what was run.
_OF_OTHER = re.compile(
    r"\b(?:infer\w*|generate\w*|generati\w*|serv(?:e|er|ing)|vllm|llama\.cpp|ollama|pipeline|further|your|another|evaluat\w*|"
    r"lm_eval|baseline|teacher|pre-?train(?:ing|ed)?)\b",
    re.IGNORECASE,
)
_FEWEST_SETTINGS = 2
# A line of a configuration or a log is short; what is longer is data.
_LONGEST = 300


def in_code(card: CardText, index: LabelIndex, asking: Asking, topics: Sequence[str]) -> Iterator[Stated]:
    """What blocks of code below headings about training state, or those that stand before every heading.

    Args:
        card: the card.
        index: the label map.
        asking: says below which headings nothing is of this run.
        topics: the words of headings about training.
    """
    is_ours = [line for line in card.lines if line.is_code and not line.is_ours]
    for _, block in groupby(enumerate(is_ours), lambda one: one[1].number - one[0]):
        lines = [line for _, line in block]
        above = [normalize_label(heading) for heading in lines[0].headings]
        is_below = any(has_word(heading, topic) for heading in above for topic in topics)
        text = "\n".join(line.text for line in lines)
        if (above and not is_below) or _OF_OTHER.search(text) or _is_forbidden(asking, lines[0].headings):
            continue
        found = [one for line in lines for one in _of_line(card, line, index)]
        # One alone, before every heading, may be of anything.
        if above or len(found) >= _FEWEST_SETTINGS:
            yield from found


def _is_forbidden(asking: Asking, headings: tuple[str, ...]) -> bool:
    nothing = Slot(kind="line", headings=headings, label=None, begin=0, end=0, text="")
    return asking.forbidden(nothing, [normalize_label(heading) for heading in headings]) is not None


def _of_line(card: CardText, line: Line, index: LabelIndex) -> Iterator[Stated]:
    if len(line.text) > _LONGEST:
        return
    assigned = list(_ASSIGNED.finditer(line.text))
    whole = _SETTING.fullmatch(line.text)
    for found in assigned or ([whole] if whole is not None else []):
        rows = index.by_label.get(normalize_label(found["name"]), ())
        row = rows[0] if rows else None
        if row is not None and row.value is not None and not row.section and not row.heading and not row.column:
            text = found["value"].strip(" \"'`")
            begin = card.begin_of(line.number) + found.start("value")
            yield Stated(name=row.value, texts=(text,), begin=begin, label=found["name"])
