"""One piece of a card's text, with its place and what stands above it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from cardcallback.render.card.table_rows import TableCell


@dataclass(frozen=True, kw_only=True, slots=True)
class Passage:
    """A piece of inline Markdown: its lines without what they are nested in, joined by line feeds.

    ``offsets`` gives where each of its lines begins in ``source`` and in the body. ``label`` is what introduces it:
    the bold line, or line ending in a colon, right before it, or the item that its list is in. ``row`` numbers the
    items of a list. ``is_alone`` says that nothing stands below it that may belong to it, and ``is_item`` that it is
    all of a list's item, with nothing below the list either. The first ``titles`` of the
    headings are the card's title, which is no section.
    """

    kind: Literal["heading", "paragraph", "comment", "cell"]
    source: str
    offsets: tuple[tuple[int, int], ...]
    headings: tuple[str, ...] = ()
    label: str | None = None
    titles: int = 0
    at_top: bool = False
    in_list: bool = False
    row: int = 0
    is_below_item: bool = False
    is_alone: bool = False
    is_item: bool = False
    cell: TableCell | None = None
    is_html: bool = False
    references: Mapping[str, Any] = field(default_factory=dict)

    def place(self, index: int) -> int:
        """Where the character at ``index`` of the source stands in the body."""
        line = bisect_right(self.offsets, (index, len(self.source) + (1 << 62))) - 1
        begin, place = self.offsets[max(line, 0)]
        return place + index - begin

    def lines(self) -> list[Passage]:
        """Each line as a passage of its own."""
        parts = self.source.split("\n")
        return [
            replace(self, source=part, offsets=((0, place),))
            for part, (_, place) in zip(parts, self.offsets, strict=True)
        ]
