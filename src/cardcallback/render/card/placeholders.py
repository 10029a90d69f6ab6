"""What in a value only holds a place ("[X]", "~[X] minutes", "<value>", "____", "TBD"), and what it asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cardcallback.render.card.forms import is_bare_form
from cardcallback.render.card.inline_text import COMMENT, Letters, read_inline
from cardcallback.render.card.labelled import normalize_label
from cardcallback.render.card.quantities import is_unit, unit_in

_BRACKETS = re.compile(r"\[(?P<hint>(?:[^\[\]]|\[[^\[\]]*\])*)\]")
_WIDE = re.compile(r"[\uff3b\u3010](?P<hint>[^\uff3b\uff3d\u3010\u3011\n]{1,60})[\uff3d\u3011]")
# Single braces right behind a letter, an accent or another brace are a formula's, and those around a name such as
# "props.epochs" or "trainingTime", like tags that close themselves, a program's; so are braces right behind "=", but
# around a name in capitals.
_BRACES = re.compile(
    r"(?<!=)\{?\{\{(?!\s*\w+\.\w)\s*(?P<hint>[^{}|]*)(?:\|[^{}]*)?\}\}\}?"
    r"|(?<![\w^\\}{])(?:(?<!=)|(?=\{[A-Z][A-Z0-9_]+\}))\$?\{(?!\w+\.\w|[a-z]+[A-Z])(?P<name>[A-Za-z_][\w .-]{2,60})\}"
)
_ANGLES = re.compile(r"<(?P<hint>[A-Za-z][^<>\n]{0,60})(?<!/)>|<<(?P<name>[A-Za-z][^<>\n]{0,60})(?<!/)>>")
_PARENTHESES = re.compile(r"\((?P<hint>(?:e\.g\.|(?:fill|insert|your|enter|specify|to be)\b)[^()]*)\)", re.IGNORECASE)
# A comment that ends in the unit that is asked for.
_COMMENT_IN_UNIT = re.compile(r"\bin (?P<unit>\w{1,10})\s*-*>\s*\Z")
# Signs for a blank with nothing but dividers between them: "… / …".
_BLANK_SIGN = r"(?:\u2026+|\.{3}|\?{1,3}|TBD|TODO)"
_BLANKS_IN_ROW = re.compile(rf"\s*{_BLANK_SIGN}(?:\s*[/|\u00d7x,]\s*{_BLANK_SIGN})+\s*")
_PERCENTS = re.compile(r"(?<!\w)%(?P<hint>[A-Z][A-Z0-9_]{2,40})%(?!\w)")
# Letters for digits inside a text: "took XX hours", "XXh XXm", "a loss of X.XX"; not "XXL", nor a numeral or a name.
_COUNTED = (
    r"(?:h|m|min|s|hours?|minutes?|days?|epochs?|steps?|GPUs?|tokens?|examples?|"
    r"Stunden?|Minuten?|Sekunden?|Tagen?|Tage|Epochen?|Schritten?|Schritte|Beispielen?|Beispiele|"
    r"heures?|jours?|secondes?|\u00e9poques?|\u00e9tapes?|horas?|minutos?|segundos?|d\u00edas?|\u00e9pocas?|"
    r"k?Wh|k?W|kg|g|tons?|GB|GiB|%)(?![A-Za-z])"
)
_DIGITS = re.compile(
    r"(?<![\w.,/-])(?:X{1,4}[.,]X{1,4}(?![.,]?\w)"
    rf"|X{{2,4}}(?=\s?{_COUNTED})|(?:(?<= of )|(?<= was )|(?<= is )|(?<= to ))X{{2,4}}(?![.,]?\w))"
)
_UNDERSCORES = re.compile(r"(?<![A-Za-z0-9])_{3,}(?![A-Za-z0-9])")
_EXAMPLE = re.compile(r"\s*(?:e\.g\.?|eg\.?|for example|such as|example:)[,:]?\s*", re.IGNORECASE)
# What stands for a word or a digit that is still to come in Chinese and Japanese; a single one is "yes".
_CIRCLE = r"[\u3007\u25cb\u25ef\u25cf]"
# A letter for a digit, or nothing at all, at the beginning of a value.
_BLANK = re.compile(
    r"(?P<about>[~\u2248<>\u7d04\u7ea6]?\s*)"
    r"(?P<blank>X{1,4}(?:[.,]X{1,4})?(?:e-X{1,2})?|0[.,]X{2,4}|x{2,4}(?:\.x{1,4})?|N|#{1,6}|_{2,}|\u2026+|\.{3,}|[?\uff1f]{1,3}"
    rf"|{_CIRCLE}{{1,4}}|TBD|TBA|TODO|tbd)"
    r"(?![A-Za-z])(?P<rest>.{0,30})"
)
_GENERIC = re.compile(
    r"[~\u2248]?\s*(?:x+(?:[.,]x+)?(?:e-x+)?|0[.,]x{2,4}|n+|y|z|#+|_+|\.{2,}|\u2026+|\?+|-+|%|\+/- ?%?|)"
    rf"|{_CIRCLE}+"
    r"|(?:the |your )?(?:exact |actual )?"
    r"(?:value|number|num|no|count|amount|figure|name|model name|result|score|answer|insert|"
    r"fill(?: me)? in|tbd|tba|todo)",
    re.IGNORECASE,
)
# What may stand around a text that is a placeholder as a whole; in Chinese and Japanese brackets are wide.
_AROUND = " .!*_()<>\uff08\uff09\uff3b\uff3d\u3010\u3011\u3014\u3015\u300c\u300d"
# A text with the attributes that Quarto and Pandoc give it: "[TBD]{.red}".
_WITH_ATTRIBUTES = re.compile(r"\[(?P<inner>[^\[\]]{1,80})\]\{[.#][^{}\n]{1,80}\}")
# A placeholder and its unit as one piece of code.
_UNIT_IN_CODE = re.compile(
    r"[~\u2248]?\s*(?:\[(?:[Xx]+|N|\?+|\.{3}|_+)\]|<[xXnN]>|_{2,})\s*(?P<unit>\S{1,12}(?: \S{1,12})?)"
)
_DIGITS_IN_CODE = re.compile(r"0[.,]X{2,4}|[xX]{1,4}[.,][xX]{1,4}(?:e-[xX]{1,2})?|[xX]{1,2}e-[xX]{1,2}|\?{2,3}|_{2,}")
_NUMBER = r"[-+]?\d[\d.,]*(?:e[-+]?\d+)?"
# What a reader sees nothing of.
_NOTHING = re.compile(r"(?:\s|&nbsp;|&#160;|&#xa0;|&e[nm]sp;|<br\s?/?>)*", re.IGNORECASE)
_LIST_OF_VALUES = re.compile(rf"\s*(?:{_NUMBER}|'[^']*'|\"[^\"]*\")(?:\s*[,;]\s*(?:{_NUMBER}|'[^']*'|\"[^\"]*\"))*\s*")
_LIST_OF_NAMES = re.compile(r"\s*\w*[_\d]\w*(?:\s*,\s*\w+)+\s*")
_REQUEST = re.compile(
    r"(?:\d+(?:-\d+)? paragraphs|describe|describing|explain|discuss|list |document|guidance|be |what|which|who|"
    r"how|why|where|"
    r"include |provide |summari[sz]e|write |detail)",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Placeholder:
    """One placeholder in the source of a value, from ``begin`` to ``end``.

    ``hint`` is what it says inside, without "e.g."; ``is_example`` that this is an example of a value. ``before`` and
    ``after`` are what a reader sees around it, up to the next placeholder, and ``is_whole`` that this is nothing.
    """

    begin: int
    end: int
    hint: str
    is_example: bool
    before: str
    after: str
    is_whole: bool

    @property
    def is_generic(self) -> bool:
        """Whether the hint says nothing about which value is asked for."""
        return self.is_example or _GENERIC.fullmatch(self.hint.strip()) is not None

    @property
    def is_request(self) -> bool:
        """Whether the hint asks for prose."""
        hint = self.hint.strip()
        return not self.is_example and (_REQUEST.match(hint) is not None or (hint.endswith("?") and " " in hint))


def find_placeholders(
    source: str, whole_texts: frozenset[str] = frozenset(), references: Mapping[str, Any] | None = None
) -> tuple[Placeholder, ...]:
    """The placeholders of a value in order.

    Args:
        source: the value as it stands in the card.
        whole_texts: texts in lower case that are placeholders where they are the whole value.
        references: the link definitions of the card, since what they name is a link.
    """
    return _find(source, whole_texts, tuple(references or ()))


# Each pass over a card asks for the same values, of which a large one has thousands.
@lru_cache(maxsize=8192)
def _find(source: str, whole_texts: frozenset[str], references: tuple[str, ...]) -> tuple[Placeholder, ...]:
    if _NOTHING.fullmatch(source):
        return (Placeholder(begin=0, end=len(source), hint="", is_example=False, before="", after="", is_whole=True),)
    letters = read_inline(source, dict.fromkeys(references))
    if not letters.text.strip():
        return ()
    spans = list(_whole(letters, whole_texts)) or sorted(_parts(letters))
    if letters.text.strip() == COMMENT and (asked := _COMMENT_IN_UNIT.search(source)) and is_unit(asked["unit"]):
        spans = [(begin, end, asked["unit"]) for begin, end, _ in spans]
    return tuple(_placeholder(letters, spans, index) for index in range(len(spans)))


Span = tuple[int, int, str]


def _whole(letters: Letters, whole_texts: frozenset[str]) -> Iterator[Span]:
    """The whole value where it is a placeholder as such."""
    text = letters.text
    begin = len(text) - len(text.lstrip())
    end = len(text.rstrip())
    flat = " ".join(text[begin:end].split())
    in_code = (begin, end) in letters.code
    if (known := _said_open(flat, text[begin:end], whole_texts)) is not None:
        yield begin, end, known
    elif in_code and (inside := _in_code(flat)) is not None:
        yield begin, end, inside
    elif (blank := _BLANK.match(letters.mask, begin, end)) and _is_blank(blank, end):
        at = blank.start("blank")
        yield at, blank.end("blank"), blank.group("blank")


def _said_open(flat: str, text: str, whole_texts: frozenset[str]) -> str | None:
    """The hint of a text that says by itself that a value is to come; None of any other."""
    if flat.casefold().strip(_AROUND) in whole_texts or flat.casefold() in whole_texts:
        return flat.strip(_AROUND)
    if (marked := _WITH_ATTRIBUTES.fullmatch(flat)) and _is_open(marked["inner"], whole_texts):
        return marked["inner"]
    if text == COMMENT or is_bare_form(flat):
        return "" if text == COMMENT else flat
    return flat if _EXAMPLE.match(flat) and len(flat) <= 80 else None


def _in_code(flat: str) -> str | None:
    """The hint of a placeholder that is written as code; None where the code is none."""
    if found := _BRACKETS.fullmatch(flat) or _BRACES.fullmatch(flat) or _ANGLES.fullmatch(flat):
        return found.groupdict().get("hint") or found.groupdict().get("name") or ""
    if _DIGITS_IN_CODE.fullmatch(flat):
        return "x"
    unit = _UNIT_IN_CODE.fullmatch(flat)
    return f"X {unit['unit']}" if unit is not None and is_unit(unit["unit"]) else None


def _is_open(text: str, whole_texts: frozenset[str]) -> bool:
    """Whether a text is a placeholder by what it says, without a sign of it around."""
    return text.casefold().strip(_AROUND) in whole_texts or _GENERIC.fullmatch(text.strip()) is not None


def _is_blank(found: re.Match[str], end: int) -> bool:
    rest = found.group("rest").strip(" ()")
    if re.fullmatch(rf"[XN]|{_CIRCLE}", found.group("blank")) and not rest:
        return False  # as often a tick, "yes" or "no"
    return found.end() == end and (not rest or unit_in(rest) is not None)


def _parts(letters: Letters) -> Iterator[Span]:
    mask = letters.mask
    if _BLANKS_IN_ROW.fullmatch(mask):
        yield from ((*found.span(), found.group()) for found in re.finditer(_BLANK_SIGN, mask))
        return
    taken: list[tuple[int, int]] = []
    for begin, end in letters.code:
        code = letters.text[begin:end].strip()
        found = _BRACKETS.fullmatch(code) or _BRACES.fullmatch(code) or _ANGLES.fullmatch(code)
        if found is not None and re.search(r"[^\W\d_]", code):
            taken.append((begin, end))
            yield begin, end, found.groupdict().get("hint") or found.groupdict().get("name") or ""
    for pattern in (_BRACES, _BRACKETS, _WIDE, _ANGLES, _PARENTHESES, _PERCENTS, _UNDERSCORES, _DIGITS):
        for found in pattern.finditer(mask):
            begin, end = found.span()
            hint = found.groupdict().get("hint") or found.groupdict().get("name") or ""
            inside = any(begin < last and first < end for first, last in taken)
            if inside or (pattern is _BRACKETS and not _is_bracket_placeholder(hint, mask, begin, end)):
                continue
            taken.append((begin, end))
            yield begin, end, hint


def _is_bracket_placeholder(hint: str, text: str, begin: int, end: int) -> bool:
    """No ticked box, footnote, reference, link label or list of values."""
    alone = not text[:begin].strip() and not text[end:].strip()
    # "[!NOTE]" begins a callout.
    if hint.strip() in {"x", ""} or hint.startswith(("^", "!")) or text[end : end + 1] in {"(", "["}:
        return False
    if _LIST_OF_VALUES.fullmatch(hint) or _LIST_OF_NAMES.fullmatch(hint):
        return False
    if not re.search(r"[^\W\d_]|[%#?\u2026]|_{2,}|\.{2,}", hint):
        return False
    # Beside a value of its own, a remark in brackets is no placeholder.
    return alone or _looks_open(hint)


def _looks_open(hint: str) -> bool:
    words = hint.strip()
    return (
        _GENERIC.fullmatch(words) is not None
        or "e.g." in words
        or is_unit(words)
        or words.isupper()
        or re.match(r"(?:your|insert|fill|enter|specify|optional|choose|todo|tbd)\b", words, re.IGNORECASE) is not None
        or re.fullmatch(r"[\w.%/+-]+(?: [\w.%/+-]+){0,3}", words) is not None
    )


def _placeholder(letters: Letters, spans: list[Span], index: int) -> Placeholder:
    begin, end, hint = spans[index]
    left = spans[index - 1][1] if index else 0
    right = spans[index + 1][0] if index + 1 < len(spans) else len(letters.text)
    first, last = letters.span(begin, end)
    before, after = letters.text[left:begin], letters.text[end:right]
    example = _EXAMPLE.match(hint)
    return Placeholder(
        begin=first,
        end=last,
        hint=hint[example.end() :] if example else hint.rstrip(),
        is_example=example is not None,
        before=before,
        after=after,
        is_whole=len(spans) == 1 and not before.strip(" .") and not after.strip(" .,"),
    )


def words_around(placeholder: Placeholder) -> tuple[str, str]:
    """The last word before and the first words after, as labels are compared."""
    before = re.split(r"[,;()]", placeholder.before)[-1]
    after = re.split(r"[,;()]", placeholder.after)[0]
    return normalize_label(before), normalize_label(after)
