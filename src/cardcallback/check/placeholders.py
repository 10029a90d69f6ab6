"""Placeholders that nobody filled: values by what templates are filled by, prose and code by words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cardcallback.check.finding import Finding, error, hint, shown
from cardcallback.check.left_values import values_left
from cardcallback.check.reading import CardText, Line
from cardcallback.render.card.slots import MDX

RULE = "placeholder"
_CURE = "write what belongs there, or delete the line"

# Square brackets that are no link, reference or picture; of a placeholder the inside is short.
_BRACKETED = re.compile(r"(?<![\w\]!\\])\[(?P<inside>[^\[\]\r\n]{1,300})\](?![\[(:\w])")
_LINKED = re.compile(r"(?<!!)\[(?P<inside>[^\[\]\r\n]{1,200})\]\((?P<target>[^()\s]{0,300})\)")
# Inside brackets: what a template tells its reader to write.
_TOLD = re.compile(
    r"(?:^|\b)e\.\s?g\.|^(?:your|insert|add|enter|describe|specify|list|explain|provide|fill|include|document|discuss|"
    r"write|replace|name of|link to|be (?:honest|explicit)|what |which |how |who |guidance |if known|estimate)\b|"
    r"\b(?:needed|goes here|to be (?:added|determined|filled)|placeholder)\b|"
    r"^(?:todo|tbd|tba|fixme|xxx+)\b|^(?:[xn?]|x/10|%|\+/- ?%|\.{3})$|^y{2,4}[-/]m{1,2}[-/]d{1,2}$|"
    r"^(?:name|title|date|author|email|url|value|description|notes?|score|baseline|target|status|hours|minutes|metric|"
    r"dataset|source|purpose|changes|brief description|model[ -]?name|number|domain|language|scheduler|citation|"
    r"organi[sz]ation|license|version|(?:github|repository|demo|model) url|\d+-\d+ paragraphs .*)$|"
    r"\bdescription\b.{0,60}$",
    re.IGNORECASE,
)
# "Use case 1", "Risk Category 2", "v1.1.0" of an example row.
_NUMBERED = re.compile(r"^[A-Za-z][A-Za-z /&-]{1,40} \d{1,2}(?:[: ,-].*)?$")
_CAPITALS = re.compile(r"^[A-Z][A-Z_ -]*[A-Z]$")
# Tokens that prompts are made of, editorial signs, and boxes.
_SPECIAL = re.compile(
    r"^(?:/?INST|/?SYS|MASK|CLS|SEP|PAD|UNK|BOS|EOS|IMG|IMAGE|USER|SYSTEM|ASSISTANT|TOOL_CALLS|AVAILABLE_TOOLS|THINK|"
    r"OPTIONAL|NOTE|WARNING|TIP|SIC|PDF|CODE|PAPER|DEMO|BLOG|NEW|NEWS|UPDATE|CHAT|AUDIO|CLICK)$",
    re.IGNORECASE,
)
# A citation: "Yang et al., 2024", "[3]", "1, 2".
_CITATION = re.compile(r"^[\d,;\s–-]+$|\b(?:19|20)\d\d[a-z]?$|\bet al\b|^\^")
_WHOLE = re.compile(
    r"^\s*(?:>\s*)*(?:(?:[-*+]|\d{1,3}[.)])\s+)*(?:[*_]{1,2}[^*_:]{1,60}:?[*_]{1,2}:?\s*)?"
    r"[~≈]?\[(?P<inside>[^\[\]]+)\](?:\s*(?:%|examples|minutes|hours|MB|GB))?[\s.*_]*$"
)
_LINK_TO_PAGE = re.compile(r"(?<!!)\[[^\[\]\r\n]{1,200}\]\(https?://[\w-]+\.\w[^()\s]{0,300}\)")
_IN_CODE = re.compile(
    # A key is the reader's to give; what else is "yours" in an example was the author's.
    r"\b(?:YOUR|MY)_(?![A-Z_]*(?:KEY|TOKEN|SECRET|PASSWORD)\b)[A-Z][A-Z_]+\b|"
    r"\bYOUR[ -](?:NAME|EMAIL|MODEL|GITHUB|URL|USERNAME)\b|(?<=[{\"'])Your (?:Model )?Name(?=[}\"'])|"
    r"(?<=[{\"'])\[[A-Za-z][\w -]{2,40}\](?=[}\"'])|"
    r"(?i:\[your[-_](?!token|api|key)[\w -]+\]|<your[-_ ](?!\w*(?:key|token))[\w -]+>|"
    r"(?<![\w/])your[-_](?:user-?name|org|organi[sz]ation|name|model)[\w.-]*/[\w.-]+|"
    r"(?<=[\"'/{])your[-_](?:model|adapter|repo|user-?name)[\w-]*)"
)
_IN_TEXT = re.compile(
    r"\{\{[^{}\r\n]{1,100}\}\}|\{%[^%\r\n]{1,100}%\}|<(?:your|insert|add|enter|model|author|user)[-_ ][\w .-]{1,60}>|"
    r"\b(?:TODO|TBD|TBA|FIXME)\b(?!s)(?! (?i:lists?|apps?|items?|comments?)\b)|"
    r"\bXXX+\b(?! (?i:is|was|are|were|has|had)\b)|\blorem ipsum\b|"
    r"\[(?:More Information Needed|Needs More Information)\]",
    re.IGNORECASE,
)
_ALONE = re.compile(
    r"^(?:more information needed|needs more information|to be (?:added|determined)|tbd|\?{2,}|_{3,})\.?$",
    re.IGNORECASE,
)
_NOTHING_NAMED = re.compile(
    r"\[None\]\(https://huggingface\.co/(?:datasets/)?None\)|fine-tuned version of (?:None|an unnamed base model)\b|"
    r"\bon the None dataset\b"
)
_UNKNOWN_DATA = "on an unknown dataset"
_EXPRESSION = re.compile(r"\{\{[^{}\r\n]*\}\}|\{[^{}\r\n]*\}")
_INLINE_CODE = re.compile(r"`[^`\r\n]*`")
_LABEL = re.compile(r"^[\s>*+-]*(?:\*\*|__)?[^:*_|]{1,60}(?::(?:\*\*|__)?|(?:\*\*|__):)\s+(?P<value>.+)$")


def placeholder_findings(card: CardText, own_labels: str | None = None) -> Iterator[Finding]:
    """Each line that still holds a placeholder, once; our own section has none."""
    told = set()
    for one in _in_lines(card):
        told.add(one.line)
        yield one
    for number, text in dict(reversed(list(values_left(card, own_labels)))).items():
        if number not in told:
            yield error(RULE, number, f"a placeholder is left: {shown(text)}", _CURE)


def _in_lines(card: CardText) -> Iterator[Finding]:
    is_program = any(MDX.match(line.text) for line in card.lines if not line.is_code)
    for line in card.lines:
        if line.is_ours or not line.prose.strip():
            continue
        found = _in_code(line) if line.is_code else _in_text(line, is_program=is_program)
        if found is not None:
            yield error(RULE, line.number, f"a placeholder is left: {shown(found)}", _CURE)
        elif not line.is_code and _UNKNOWN_DATA in line.prose:
            yield hint(RULE, line.number, f"the data is not named: {_UNKNOWN_DATA}", "name the data, or say why not")


def _in_code(line: Line) -> str | None:
    found = _IN_CODE.search(line.text)
    return found.group() if found else None


def _in_text(line: Line, *, is_program: bool) -> str | None:
    text = _EXPRESSION.sub(" ", line.prose) if is_program else line.prose
    bare = _INLINE_CODE.sub(lambda match: " " * len(match.group()), text)
    for pattern in (_IN_TEXT, _IN_CODE, _NOTHING_NAMED):
        # A page that is linked to has a name of its own.
        found = pattern.search(_LINK_TO_PAGE.sub("", bare) if pattern is _IN_TEXT else bare)
        if found is not None and not _is_heading_word(line, found.group()):
            return found.group()
    for value in _values(bare):
        if _ALONE.match(value):
            return value
    return _bracketed(bare)


def _is_heading_word(line: Line, found: str) -> bool:
    """A list of what is still to do is a section, not a placeholder."""
    return found.upper().startswith("TODO") and line.prose.lstrip().startswith("#")


def _values(text: str) -> Iterator[str]:
    """What stands as a value: a table's cells, what follows a label, or the whole line."""
    stripped = text.strip()
    if stripped.startswith("|") or stripped.count("|") > 1:
        yield from (cell.strip(" *_") for cell in re.split(r"(?<!\\)\|", stripped))
        return
    yield stripped.lstrip("-+> ").strip(" *_")
    label = _LABEL.match(text)
    if label is not None:
        yield label.group("value").strip(" *_")


def _bracketed(text: str) -> str | None:
    whole = _whole_brackets(text)
    for match in _BRACKETED.finditer(text):
        inside = match.group("inside").strip()
        if _CITATION.search(inside) and not re.search(r"e\.\s?g\.", inside, re.IGNORECASE):
            continue
        if inside.startswith("!") or _SPECIAL.match(inside) or _is_box(text, match):
            continue
        is_example = _TOLD.search(inside) or _NUMBERED.match(inside) or _CAPITALS.match(inside)
        if is_example or (match.group() in whole and re.search(r"[A-Za-z%]", inside)):
            return match.group()
    for match in _LINKED.finditer(text):
        if match.group("target") in {"", "#", "url", "URL", "link", "LINK", "..."} or _ADDRESS_TOLD.search(
            match.group()
        ):
            return match.group()
    return None


_ADDRESS_TOLD = re.compile(r"\]\((?:https?://)?(?:huggingface\.co/|github\.com/)?(?:your|<|\[)[\w-]*", re.IGNORECASE)


def _whole_brackets(text: str) -> set[str]:
    """The brackets that are a whole value: a cell, a list item, a paragraph's line, what follows a label."""
    found = {f"[{match.group('inside')}]" for match in [_WHOLE.match(text)] if match}
    for value in _values(text):
        if re.fullmatch(r"[~≈]?\[[^\[\]]+\]", value):
            found.add(value.lstrip("~≈"))
    return found


def _is_box(text: str, match: re.Match[str]) -> bool:
    """A box to tick stands at the beginning of a list item, with something behind it."""
    if match.group("inside") not in {"x", "X", " "}:
        return False
    before, after = text[: match.start()], text[match.end() :]
    return re.fullmatch(r"\s*(?:>\s*)*(?:[-*+]|\d+[.)])\s+", before) is not None and bool(after.strip())
