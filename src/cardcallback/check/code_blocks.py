"""Settings and figures of a run that stand in a block of code: a trainer's configuration, or a log's last lines."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
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
# A comment, or the name of what is further in: "# stage 2", "dpo:".
_TITLE = re.compile(
    r"\s*(?:#+|//)\s*(?P<comment>.+)|\s*[\"'\[]?(?P<name>[A-Za-z][\w .-]*?)[\"'\]]?\s*(?::\s*[{\[]?|(?<=\]))"
)
# A log's line tells of one moment, at which these are others than at the end.
_MOMENT = re.compile(r"\b(?:step|epoch|iter(?:ation)?|(?:train(?:ing)?[_ ])?loss)\b[\"']?\s*[:=]?\s*\d", re.IGNORECASE)
_CHANGING = frozenset({"learning_rate", "epochs", "steps", "training_loss", "final_loss", "validation_loss"})
# A line of a configuration or a log is short; what is longer is data.
_LONGEST = 300


def in_code(
    card: CardText, index: LabelIndex, asking: Asking, topics: Sequence[str], is_of_other: Callable[[str], bool]
) -> Iterator[Stated]:
    """What blocks of code below headings about training state, or those that stand before every heading.

    Args:
        card: the card.
        index: the label map.
        asking: says below which headings nothing is of this run.
        topics: the words of headings about training.
        is_of_other: whether a text, such as what introduces a block, says that it is not of this run.
    """
    is_ours = [line for line in card.lines if line.is_code and not line.is_ours]
    for _, block in groupby(enumerate(is_ours), lambda one: one[1].number - one[0]):
        lines = [line for _, line in block]
        above = [normalize_label(heading) for heading in lines[0].headings]
        is_below = any(has_word(heading, topic) for heading in above for topic in topics)
        text = "\n".join(line.text for line in lines)
        if (above and not is_below) or _OF_OTHER.search(text) or _is_forbidden(asking, lines[0].headings):
            continue
        said = [_above(card, lines[0]), *(_title(line) for line in lines)]
        if any(_OF_OTHER.search(one) or is_of_other(one) for one in said if one):
            continue
        found = _settled([one for line in lines for one in _of_line(card, line, index)], text)
        # One alone, before every heading, may be of anything.
        if above or len(found) >= _FEWEST_SETTINGS:
            yield from found


def _above(card: CardText, line: Line) -> str:
    """The paragraph right above a block, which says what it is."""
    said: list[str] = []
    for number in range(line.number - card.lines[0].number - 1, -1, -1):
        one = card.lines[number]
        if one.is_code or one.headings != line.headings or (said and not one.prose.strip()):
            break
        said += [one.prose] if one.prose.strip() else []
    return " ".join(reversed(said))


def _title(line: Line) -> str:
    """What a line of a block says of those below it; empty for any other."""
    found = _TITLE.fullmatch(line.text) if len(line.text) <= _LONGEST else None
    return "" if found is None else (found["comment"] or found["name"]).replace("_", " ")


def _settled(found: list[Stated], text: str) -> list[Stated]:
    """Without what changes while a model is trained, in a log of its moments."""
    values = Counter(name for name, _ in {(one.name, one.texts) for one in found})
    is_moment = _MOMENT.search(text) is not None
    return [one for one in found if one.name not in _CHANGING or not (is_moment or values[one.name] > 1)]


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
