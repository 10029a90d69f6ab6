"""The pages of docs as tests read them: blocks of code, quotes, links and messages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_LINK = re.compile(r"\]\(([^)\s#]+)(?:#[^)]*)?\)")
_MESSAGE = re.compile(r"^\| `(.+?)` \|", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block of code and the language it says it is of."""

    language: str
    text: str


def pages() -> list[Path]:
    """Every page."""
    return sorted(DOCS.glob("*.md"))


def blocks(page: Path, *languages: str) -> list[Block]:
    """The blocks of a page, in order; of these languages only, where some are named."""
    tokens = MarkdownIt().parse(page.read_text(encoding="utf-8"))
    found = [
        Block(token.info.split()[0] if token.info else "", token.content) for token in tokens if token.type == "fence"
    ]
    return [block for block in found if not languages or block.language in languages]


def links(page: Path) -> list[str]:
    """The targets of a page's links that are files of ours."""
    return [one for one in _LINK.findall(page.read_text(encoding="utf-8")) if not one.startswith(("http", "hf:"))]


def messages(page: Path) -> list[str]:
    """The code in the first cell of each row of a table."""
    return _MESSAGE.findall(page.read_text(encoding="utf-8"))


def quotes(page: Path) -> list[str]:
    """The lines that are quoted from a card, one paragraph each."""
    lines = page.read_text(encoding="utf-8").splitlines()
    return [line.removeprefix("> ") for line in lines if line.startswith("> ")]
