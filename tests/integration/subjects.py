"""What the push matrix is run with: a bare marker that proves the hooks, and the callback itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from transformers import TrainerCallback

from cardcallback import hooks

_BEGIN, _END = "<!-- marker begins -->", "<!-- marker ends -->"


class MarkerCallback(TrainerCallback):
    """Puts one block at the end of every card, by the hooks alone."""

    def on_init_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Watch the trainer that made this callback its own."""
        del args, state, control
        hooks.watch_card_writers(hooks.find_trainer(self), self.insert)

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """The same, for one added later."""
        self.on_init_end(args, state, control)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """A run that no one pushes has a card too."""
        del state, control
        self.insert(Path(args.output_dir) / "README.md")

    def insert(self, card: Path) -> None:
        """Replace the block, or append it; the file changes in one step."""
        text = card.read_text(encoding="utf-8") if card.exists() else ""
        if _BEGIN in text:
            text = text[: text.index(_BEGIN)] + text[text.index(_END) + len(_END) + 1 :]
        temporary = card.with_name("README.md.new")
        temporary.write_text(f"{text.rstrip()}\n\n{_BEGIN}\nmeasured\n{_END}\n", encoding="utf-8")
        temporary.replace(card)


@dataclass(frozen=True)
class Subject:
    """A callback and how its block is told in a card.

    ``cleans``: it also keeps a person's text and takes local paths out of the front matter.
    """

    make: Callable[[], Any]
    begin: str
    end: str
    cleans: bool

    def assert_block(self, text: str) -> None:
        """The block stands in the card once, whole and not empty."""
        assert text.count(self.begin) == 1, text
        assert text.count(self.end) == 1, text
        assert text[text.index(self.begin) + len(self.begin) : text.index(self.end)].strip()


def _card_callback() -> Subject:
    from cardcallback import CardCallback  # noqa: PLC0415 - only where it is the subject
    from cardcallback.render.card.section_block import SECTION_BEGIN, SECTION_END  # noqa: PLC0415 - as above

    return Subject(make=lambda: CardCallback(quiet=True), begin=SECTION_BEGIN, end=SECTION_END, cleans=True)


SUBJECTS: dict[str, Callable[[], Subject]] = {
    "marker": lambda: Subject(make=MarkerCallback, begin=_BEGIN, end=_END, cleans=False),
    "card": _card_callback,
}
# The one line that says with what the matrix is run: wherever a hook fails, the callback's block is missing too.
IN_MATRIX = (pytest.param("marker", marks=pytest.mark.matrix), "card")
