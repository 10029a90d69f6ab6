"""Pictures and files that a card points to and that are not beside it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from urllib.parse import unquote, urlsplit

from cardcallback.check.finding import Finding, error, shown
from cardcallback.check.reading import CardText

RULE = "dead-link"
_PICTURE = re.compile(r"!\[[^\]\r\n]{0,1000}\]\(\s*<?(?P<target>[^)\s>]{1,1000})>?")
_LINK = re.compile(r"(?<!!)\[[^\[\]\r\n]{0,500}\]\(\s*<?(?P<target>[^)\s>]{1,1000})>?")
_TAG = re.compile(
    r"<(?:img|source|video)\b[^>]{0,1000}?\b(?:src|srcset)\s*=\s*[\"']?(?P<target>[^\"'\s>]+)", re.IGNORECASE
)
_INLINE_CODE = re.compile(r"`[^`\r\n]*`")


def link_findings(card: CardText, file_exists: Callable[[str], bool]) -> Iterator[Finding]:
    """Relative links to pictures and files that are not there; our own section's too."""
    for line in card.prose_lines(ours=True):
        text = _INLINE_CODE.sub("", line.prose)
        for kind, pattern in (("picture", _PICTURE), ("picture", _TAG), ("file", _LINK)):
            for match in pattern.finditer(text):
                target = _relative(match.group("target"), is_picture=kind == "picture")
                if target is not None and not file_exists(target):
                    what = f"the {kind} {shown(match.group('target'))} is not beside the card"
                    yield error(RULE, line.number, what, f"put the {kind} there, or take the link out")


def _relative(target: str, *, is_picture: bool) -> str | None:
    """The file's address relative to the card, or None for what is elsewhere or inside the card."""
    if target.startswith(("#", "//", "{", "<", "data:")):
        return None
    try:
        parts = urlsplit(target)
    except ValueError:
        return None
    if parts.scheme or not parts.path:
        return None
    path = unquote(parts.path)
    if path.startswith("/"):
        # "/datasets/x" is a page of the Hub; a picture begins so only by mistake.
        return path if is_picture else None
    # Placeholders are reported as such; a bare word is more often one of those than a file.
    return path if is_picture or re.search(r"[./]", path) else None
