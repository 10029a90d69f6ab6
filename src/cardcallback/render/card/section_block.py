"""Our own section in a card: where it stands, whose it is, and how it is put in or taken out.

The end comment carries a digest of what stands between the two. Where it matches, every byte between is
ours and may be replaced; where it does not, somebody wrote there, and the block is left as it is.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from markdown_it import MarkdownIt

SECTION_BEGIN = "<!-- cardcallback:begin -->"
SECTION_END = "<!-- cardcallback:end"
_BEGIN_LINE = re.compile(r"^<!-- cardcallback:begin -->[ \t]*$")
_END_LINE = re.compile(r"^<!-- cardcallback:end(?: ([0-9a-f]{16}))? -->[ \t]*$")
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_CITATION = re.compile(r"citations?(?: \[optional\])?", re.IGNORECASE)

EDITED_BLOCK = (
    "the section between the cardcallback comments was edited by hand: it is kept as it is and a new section "
    "stands beside it; delete the one you do not want"
)
BROKEN_MARKS = (
    "a cardcallback comment stands alone in the card: what is around it is kept as it is; "
    "delete the comment and any old section beside it"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Scan:
    """Blocks of ours as offsets, and sentences about what looks like one and is not."""

    blocks: tuple[tuple[int, int], ...]
    warnings: tuple[str, ...]


def has_section(text: str) -> bool:
    """Whether a section stands in ``text`` exactly as we wrote it."""
    return bool(_scan(text).blocks)


def section_spans(text: str) -> tuple[tuple[int, int], ...]:
    """Where our sections begin and end in ``text``, comments included."""
    return _scan(text).blocks


def place_section(text: str, section: str, *, before_citation: bool, newline: str) -> tuple[str, tuple[str, ...]]:
    """``text`` with ``section`` in it, and what to tell the person.

    A section of ours is replaced where it stands, further ones are taken out. Otherwise the section goes
    before a last "Citation" heading where ``before_citation`` says so, or to the end.

    Args:
        text: the card's body.
        section: Markdown with line feeds.
        before_citation: whether a last heading "Citation" or "Citations" stays last.
        newline: the card's line end.
    """
    block = _block(section, newline)
    scan = _scan(text)
    if scan.blocks:
        for begin, end in reversed(scan.blocks[1:]):
            text = text[:begin] + text[end:]
        begin, end = scan.blocks[0]
        return text[:begin] + block + _apart(text[end:], newline), scan.warnings
    at = _last_citation(text) if before_citation else None
    if at is not None:
        lead = "" if _ends_empty(text[:at]) else newline
        return text[:at] + lead + block + newline + text[at:], scan.warnings
    if not text:
        return block, scan.warnings
    # A carriage return alone would become one line end with our line feed.
    lead = newline if text.endswith("\n") else newline * 2
    return text + lead + block, scan.warnings


def _block(section: str, newline: str) -> str:
    # Our own comments inside would end the block early.
    inner = section.strip("\n").replace("<!-- cardcallback:", "<!-- (cardcallback:")
    lines = [SECTION_BEGIN, "", *inner.split("\n"), "", f"{SECTION_END} {_digest(inner)} -->", ""]
    return newline.join(lines)


def _digest(inner: str) -> str:
    # Tools that load and save a card change line ends, empty lines at the ends and trailing blanks.
    lines = [line.rstrip() for line in inner.splitlines()]
    normal = "\n".join(lines).strip("\n")
    return hashlib.sha256(normal.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _scan(text: str) -> _Scan:
    blocks, warnings = [], []
    opened: tuple[int, int] | None = None
    for match in _LINE.finditer(text):
        line = match.group().rstrip("\r\n")
        end_mark = _END_LINE.match(line)
        if _BEGIN_LINE.match(line):
            warnings += [BROKEN_MARKS] if opened else []
            opened = match.span()
        elif end_mark and opened is None:
            warnings.append(BROKEN_MARKS)
        elif end_mark and opened is not None:
            ours = end_mark.group(1) == _digest(text[opened[1] : match.start()])
            blocks += [(opened[0], match.end())] if ours else []
            warnings += [] if ours else [EDITED_BLOCK]
            opened = None
    warnings += [BROKEN_MARKS] if opened else []
    return _Scan(blocks=tuple(blocks), warnings=tuple(dict.fromkeys(warnings)))


def _last_citation(text: str) -> int | None:
    """Where the heading begins that starts the card's last section, if that is the citation."""
    tokens = MarkdownIt("commonmark").disable("inline").parse(text)
    headings = [
        (token.tag, token.map[0], tokens[index + 1].content)
        for index, token in enumerate(tokens)
        if token.type == "heading_open" and token.level == 0 and token.map
    ]
    sections = [heading for heading in headings if heading[0] in {"h1", "h2"}]
    if not sections or _CITATION.fullmatch(sections[-1][2].strip()) is None:
        return None
    begins = [match.start() for match in _LINE.finditer(text)]
    return begins[sections[-1][1]]


def _apart(after: str, newline: str) -> str:
    """What follows our block, behind an empty line: PEFT puts a heading right behind the end comment."""
    return newline + after if after and after[0] not in "\r\n" else after


def _ends_empty(text: str) -> bool:
    if not text:
        return True
    return re.search(r"(?:\r\n|\r|\n)[ \t]*(?:\r\n|\r|\n)\Z", text) is not None
