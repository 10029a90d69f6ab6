"""Labels with nothing beside and below them, where a value is to come.

"**Training time:** <br>", "- Epochs:", and lines of nothing but labels.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from markdown_it.token import Token

from cardcallback.render.card.inline_text import COMMENT, OBJECT, Letters, visible_label
from cardcallback.render.card.labelled import Labelled, lines_of, skip_task

_LONGEST_LABEL = 80
# A star among the letters is a mark of bold that does not end.
_WORDS = rf"(?P<label>[^*:\uff1a=\[\]<>{{}}|\n{OBJECT}{COMMENT}]{{1,{_LONGEST_LABEL}}})"
_LABEL = re.compile(rf"{_WORDS}(?:[:\uff1a]|(?<=\s)=)[ \t]+\Z")
_LABEL_ALONE = re.compile(rf"{_WORDS}[:\uff1a]\Z")

_ENDS = frozenset({"list_item_close", "heading_open", "hr"})
_BEGINNINGS = frozenset({"list_item_open", "heading_open", "hr"})
_CLOSES = frozenset({"list_item_close", "bullet_list_close", "ordered_list_close"})
_LABEL_FIRST_VISIBLE = re.compile(r"[^:\uff1a\n]{1,80}[:\uff1a]")
_LABEL_FIRST = re.compile(r"(\*\*|__)[^*_\n]{1,80}:\1")


def is_end(following: Sequence[Token]) -> bool:
    """Whether a text is the last of its item, its section or the card, or what follows begins with a label itself.

    Args:
        following: the two tokens behind it.
    """
    if not following or following[0].type in _ENDS:
        return True
    return following[0].type == "paragraph_open" and _LABEL_FIRST.match(following[1].content) is not None


def is_end_of_item(following: Iterable[Token]) -> bool:
    """Whether a text is all of its item, and what stands below the list is nothing that its last item introduces."""
    tokens = iter(following)
    first = next(tokens, None)
    if first is None or first.type != "list_item_close":
        return False
    seen = (token for token in tokens if token.type not in _CLOSES and not token.content.lstrip().startswith("<!--"))
    return next((token.type for token in seen), "hr") in _BEGINNINGS


def blank_values(letters: Letters, *, is_last: bool) -> Iterator[Labelled]:
    """Each label before a line's end that somebody wrote, ``<br>``, with the letter before which its value belongs.

    Args:
        letters: the text.
        is_last: nothing stands below the text that may be the value of its last label.
    """
    lines, mask, last = lines_of(letters), letters.mask, len(letters.text.rstrip())
    for (begin, end), following in pairwise(lines):
        found = _LABEL.match(mask, skip_task(letters.text, begin, end), end)
        # Of the ends of lines that stand in a text only "<br>" leaves one without a letter behind it.
        is_blank = not letters.text[slice(*following)].strip()
        if found is not None and is_blank and (is_last or following[1] < last):
            yield Labelled(label=visible_label(found["label"]).strip(), begin=end, end=end)
    yield from _among_labels(letters, lines, is_last=is_last)


def _among_labels(letters: Letters, lines: Sequence[tuple[int, int]], *, is_last: bool) -> Iterator[Labelled]:
    """The labels that are all of their line, above a line that begins with a label of the same look.

    Other lines below a label may be its value, or what it only introduces.
    """
    alone = [_LABEL_ALONE.match(letters.mask, skip_task(letters.text, *line), line[1]) for line in lines]
    bold = [any(line[0] == first for first, _ in letters.bold) for line in lines]
    for number, (found, line) in enumerate(zip(alone, lines, strict=True)):
        below = number + 1
        if below < len(lines):
            label_below = _LABEL_FIRST_VISIBLE.match(letters.text, *lines[below]) if bold[below] else alone[below]
            is_blank = label_below is not None
        else:
            # Of one line alone nothing shows that it asks for something.
            is_blank = is_last and below > 1 and (alone[number - 1] is not None or bold[number - 1])
        if found is not None and is_blank and (below == len(lines) or bold[number] == bold[below]):
            yield Labelled(label=visible_label(found["label"]).strip(), begin=line[1], end=line[1])


def blank_item(letters: Letters) -> str | None:
    """The label that is all of a list's item; None of any other text."""
    end = len(letters.text)
    found = _LABEL_ALONE.match(letters.mask, skip_task(letters.text, 0, end))
    return None if found is None else visible_label(found["label"]).strip()
