"""Whether the Hub finds and reads the front matter at all, and knows its keys."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from cardcallback.check.finding import Finding, error, hint, shown
from cardcallback.check.hub_words import hub_words, nearest
from cardcallback.check.reading import CardText
from cardcallback.errors import CardCallbackError
from cardcallback.render.card.front_matter import BYTE_ORDER_MARK
from cardcallback.render.card.matter_data import key_spans, parse_matter

RULE = "front-matter"
_FENCE = re.compile(r"^---[ \t]*$")
_KEY_LINE = re.compile(r"^[A-Za-z][\w -]{0,40}:(?:\s|$)")
_LINE_IN_MESSAGE = re.compile(r"line (\d+)")
_LONGEST_BLOCK = 500
_SLIP = 0.8
# A slip in one of these loses what a card is found and judged by.
_WEIGHTY = frozenset({"co2_eq_emissions", "base_model", "base_model_relation", "model-index"})


def form_findings(card: CardText) -> Iterator[Finding]:
    """Front matter that is missing, misplaced, unreadable, written twice, or under a misspelt key."""
    if card.matter is None:
        yield _missing(card)
        return
    if card.text.startswith(BYTE_ORDER_MARK):
        what = "a byte order mark stands before the front matter, behind which the Hub's client does not find it"
        yield error(RULE, 1, what, "save the file as UTF-8 without BOM")
    second = _block(card, from_line=card.line_of(0), at_once=True)
    if second is not None:
        what = "a second front matter follows the first; the Hub shows it as text"
        yield error(RULE, second, what, "merge the two into one block")
    try:
        data = parse_matter(card.matter)
    except CardCallbackError as problem:
        yield _unreadable(card, str(problem))
        return
    if not data:
        yield hint(RULE, 1, "the front matter is empty", "give at least license, base_model and library_name")
    for key in sorted(key_spans(card.matter).twice):
        yield error(
            RULE, 1, f"the key {shown(key)} stands twice, and only one of its values counts", "keep one of them"
        )
    yield from _refused(card)
    for key in data:
        yield from _misspelt(card, key)


def _missing(card: CardText) -> Finding:
    lines = [line.text for line in card.lines[:20]]
    first = next((line for line in card.lines if line.text.strip()), None)
    if first is not None and _FENCE.match(first.text) and any(_KEY_LINE.match(text) for text in lines[:12]):
        what = "the front matter is not closed by a line of three dashes: the Hub reads none of it"
        return error(RULE, first.number, what, "end it by a line that holds --- alone")
    misplaced = _block(card, from_line=1, at_once=False)
    if misplaced is not None:
        what = "the front matter does not begin the file: the Hub reads none of it and shows it as text"
        return error(RULE, misplaced, what, "move it to the first line, before every comment and heading")
    what = "the card has no front matter: the Hub cannot list, filter or link the model"
    return hint(RULE, 1, what, "begin it by license, base_model and library_name between two lines of ---")


def _block(card: CardText, *, from_line: int, at_once: bool) -> int | None:
    """The line where something that can only be a front matter begins, below ``from_line``."""
    known = hub_words().keys
    lines = [line for line in card.lines if line.number >= from_line and not line.is_code]
    for index, line in enumerate(lines):
        if not line.text.strip():
            continue
        if _FENCE.match(line.text):
            keys = _keys_until_fence(one.text for one in islice(lines, index + 1, index + _LONGEST_BLOCK))
            if any(key in known for key in keys):
                return line.number
        if at_once:
            return None
    return None


def _keys_until_fence(lines: Iterable[str]) -> list[str]:
    keys: list[str] = []
    for text in lines:
        if _FENCE.match(text):
            return keys
        if text.startswith(("#", "|", "<", "!", ">")) and not text.startswith("# "):
            return []
        if _KEY_LINE.match(text):
            keys.append(text.partition(":")[0].strip())
    return []


def _unreadable(card: CardText, problem: str) -> Finding:
    """The reader's own words, with the line counted in the card."""
    found = _LINE_IN_MESSAGE.search(problem)
    first = card.text[: len(card.text) - len(card.body)].count("\n") and 1
    line = int(found.group(1)) + first if found else 1
    reason = problem.partition("(")[2].rpartition(")")[0] or problem
    reason = re.sub(r"^line \d+: ", "", reason)
    what = f"the front matter cannot be read: {shown(reason)}"
    return error(RULE, line, what, "mend the YAML; a value with a colon, # or [ in it needs quotes")


def _refused(card: CardText) -> Iterator[Finding]:
    """What only the Hub's own client, which reads YAML 1.1, makes of it."""
    # Loaded here: it takes longer to load than everything else a check needs.
    from huggingface_hub import ModelCard  # noqa: PLC0415

    if card.text.startswith(BYTE_ORDER_MARK) or not card.data:
        return
    try:
        ModelCard(card.text)
    except Exception as problem:  # noqa: BLE001  the client lets out whatever YAML, keys and values raise
        # What is wrong with results has findings of its own, in plainer words.
        if "model_index" not in str(problem):
            what = f"the Hub's client cannot read the front matter: {shown(str(problem), 120)}"
            yield error(RULE, 1, what, "mend the value it names")


def _misspelt(card: CardText, key: str) -> Iterator[Finding]:
    words = hub_words()
    if key in words.keys:
        return
    meant = nearest(key.replace("-", "_"), words.keys, _SLIP) or nearest(key, words.keys, _SLIP)
    if meant is None or (meant in card.data and key.rstrip("s") != meant.rstrip("s")):
        return
    say = error if meant in _WEIGHTY else hint
    line = card.matter_line(key)
    yield say(RULE, line, f"the Hub does not know the key {shown(key)}", f"{meant} may be meant")
