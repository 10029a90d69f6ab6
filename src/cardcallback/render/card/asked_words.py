"""Labels put in other words than the label map has them: a question, or the same words in another order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

from cardcallback.render.card.labelled import normalize_label

# "What was the batch size?" and "Which random seed was used?" ask for what they name.
_NAMED = (
    re.compile(r"(?:what|which) (?:is|was|are|were) (?:the |your |its )?(?P<name>.+)"),
    re.compile(r"(?:what|which) (?P<name>.+?) (?:was|were|have you|has been|had been) used"),
)
_ASKED = ("?", "\uff1f")
_LONGEST_QUESTION = 120
# Words whose place in a label says what it is of.
_ORDERED = frozenset(
    {"per", "of", "in", "on", "at", "by", "to", "for", "from", "before", "after", "with", "without", "vs", "and", "or",
     "not", "than",
     "over", "between", "de", "du", "des", "von", "di", "da", "del", "do"}
)  # fmt: skip
_FEWEST, _MOST = 2, 5


def is_question(text: str) -> bool:
    """Whether a text is one question and nothing else."""
    plain = text.strip()
    return plain.endswith(_ASKED) and len(plain) <= _LONGEST_QUESTION and re.search(r"[^\W\d_]{3}", plain) is not None


def named_in(question: str) -> str | None:
    """The label that a question asks for by its name, as labels are compared."""
    plain = normalize_label(question)
    found = next((found for one in _NAMED if (found := one.fullmatch(plain)) is not None), None)
    return found["name"] if found is not None else None


def asked_in(
    question: str, asked: Mapping[str, Iterable[str]], training: AbstractSet[str], harmless: AbstractSet[str]
) -> str | None:
    """The value that a question about a training asks for, where its other words are harmless.

    Args:
        question: as it stands in a card.
        asked: by value, the words that ask for it.
        training: the words of which it has to have one.
        harmless: the words that change nothing.
    """
    plain = f" {normalize_label(question)} "
    phrases = sorted(
        ((normalize_label(words), value) for value, several in asked.items() for words in several),
        key=lambda phrase: len(phrase[0]),
        reverse=True,
    )
    for words, value in phrases:
        if f" {words} " in plain:
            plain = plain.replace(f" {words} ", " ", 1)
            rest = set(re.sub("[,'\u2019]", " ", plain).split())
            return value if rest <= training | harmless and (rest & training) else None
    return None


def words_key(label: str) -> frozenset[str] | None:
    """The words of a label whose order says nothing; None where it may, or where one is there twice."""
    words = re.sub(r"[(),/]", " ", normalize_label(label)).split() if "/" not in label else []
    unique = frozenset(words)
    if not _FEWEST <= len(words) <= _MOST or len(unique) < len(words) or not unique.isdisjoint(_ORDERED):
        return None
    return unique
