"""Which figures of a card are of something else than its run: use, the base model, what was bought or avoided."""

from __future__ import annotations

import bisect
import re
from functools import lru_cache

from cardcallback.check.facts import Fact
from cardcallback.render.card.labelled import normalize_label
from cardcallback.render.card.labels import has_word, label_index

_SENTENCE_END = re.compile(r"[.!?;](?:\s|$)")
_OTHER = re.compile(
    r"\binfer|\bserving\b|\bdeployment\b|\bonce deployed\b|\bin production\b|\brunning the model\b|\bin use\b|"
    r"\bper (?:day|week|month|year|user|image|passenger|query|request)\b|"
    r"(?<!\bhalf )(?<!\btook )(?<!\blasted )(?<!\bthan )\b(?:a|an|each|every) (?:day|month|year)\b"
    r"(?! and a (?:half|quarter))|"
    r"\bmonthly\b|\bannual|\byearly\b|"
    r"\boffset|\bcertificates?\b|\bcompensat|\bcarbon credits?\b|\bmarket[- ]based\b|"
    r"\bavoid(?:ed|s|ing)?\b|\bsav(?:ed|es|ing|ings)\b.{0,40}(?:CO(?:2|₂)|emission|carbon|energy|kWh)|"
    r"\ball (?:of )?(?:our |the |my )?(?:failed )?(?:experiments|runs|trials|trainings|attempts)\b|"
    r"\bembodied\b|\bmanufactur|\bmaking the\b|\bflights?\b|"
    r"\b(?:earlier|previous|prior|old) (?:version|adapter|model|run|training|checkpoint|release|attempt)s?\b|"
    r"(?:^|[:\n])\W*(?:v|version )\d[\w.]*\s+(?:of\s+(?:\w+\s+){1,3})?(?:was|is|had|has|used)\b|"
    r"\bif (?:you|one|someone)\b|"
    r"\b(?:a|one|each|every|single|\d[\d,]*) (?:single )?"
    r"(?:prompt|quer(?:y|ies)|requests?|answers?|responses?|replies|images?)\b",
    re.IGNORECASE,
)
_FAMILY = re.compile(
    r"\b(?:chatgpt|gpt(?=-?\d)|llama|mistral|mixtral|qwen|gemma|claude|gemini|phi(?=-?\d)|falcon|deepseek|olmo|bloom|opt(?=-\d))",
    re.IGNORECASE,
)
_ELSEWHERE = re.compile(
    r"\b(?:code ?carbon|carbon ?tracker|eco2ai|zeus|impact tracker|ml ?co2|wall (?:meter|plug|socket|power)|"
    r"at the wall|smart plug|power meter|watt ?meter|kill[- ]?a[- ]?watt|ipmi|bmc|pdu|"
    r"(?:whole|entire) (?:machine|system|node|server|computer)|incl\w*|einschlie\u00dflich|inklusive|"
    r"steckdose\w*|strommessger\u00e4t|y compris|wattm\u00e8tre|incluid[oa]s?|incluyendo|incluindo)\b",
    re.IGNORECASE,
)
_PRETRAINING = re.compile(
    r"\bpre-?train(?:ing|ed)?\b|\bbase model(?:'s)?\b.{0,30}\b(?:emi|us(?:ed|es)|train|took|cost)", re.IGNORECASE
)
_AN_AMOUNT = (
    r"(?:\d|(?:half\s+)?(?:an?|one|two|three|four|five|six|eight|ten|twelve|twenty|thirty)\s+"
    r"(?:minutes?|hours?|days?|weeks?|k?Wh|kilowatt))"
)
# Wanted, allowed or tried, compared with, or of more than one run.
_ANOTHER_RUN = re.compile(
    r"\b(?:target\w*|goal|limit\w*|budget\w*|plan\w*|expect\w*|allow\w*|up to|at most|upper bound|maximum|would|"
    r"can be|"
    r"could|should|may|might|if|try|tried|recommend\w*|minimum|require[ds]?|instead|compar\w*|other|another|also|"
    # "less than an hour" is a bound, and nothing is compared.
    rf"(?<!\bless )(?<!\bmore )(?<!\blonger )than|than(?!\s+{_AN_AMOUNT})|"
    r"later|earlier|previous\w*|last (?:year|month|week)|ablations?|sweeps?|variants?|search(?:es)?|experiments?|"
    r"trials|(?:prior|related) work|(?:all|\d+) runs|first attempt|initially|originally|next|per(?! sec)|each|every|"
    r"better|worse|overfit\w*|(?<!per )second|third(?! of an? )|separate\w*|diverg\w*|teacher|lehrer|"
    r"enseignant|paper|et al|"
    r"defaults?|"
    r"reproduc\w*|repeat|you(?: will|'ll)? need|baselines?\b.{0,60}\b(?:trained|fine-?tuned|ran|took|used)|"
    r"the same (?:script|code|recipe|training|run|job)|(?:my|our) old|"
    r"ziel\w*|geplant\w*|h\u00f6chstens|bis zu|objectif|pr\u00e9vu\w*|maximum|jusqu|hasta|previsto|"
    r"vergl\w*|fr\u00fchere\w*|anciens?|auparavant|anterior\w*)\b|"
    r"[<\u2264\u2265]|\u76ee\u6807|\u76ee\u6a19|\u8ba1\u5212",
    re.IGNORECASE,
)
# "A LoRA of rank 64 peaked at", "With rank 8 it took": one that is not said to be this run.
_ANY_RUN = re.compile(
    r"\W*(?:an?|one)\s+(?:[\w.-]+\s+){0,3}?(?:q?lora|adapter|run|training|rank|batch|learning rate|"
    r"fine-?tun(?:e|ing))\b"
    r"(?!.*\b(?:was|were|is|has been|we|our|this)\b)"
    r"|\W*(?:with|at|for)\s+(?:an?\s+)?(?:lora\s+)?(?:rank|batch(?:\s+size)?|learning rate)\b(?!.*\b(?:we|our|this)\b)"
    r"|\W*(?:(?:the|our|an?|its|all)\s+)?(?:[\w-]+\s+){0,2}?(?:reranker|retriever|tokeni[sz]er|annotator|rater|"
    r"labell?er|judge|teacher|reward model|vocoder|embedding model)s?\s+(?:was|were|is|are|has|have|had)\b"
    r"|\W*with\s+[`*\"']?\w+\s*=.*\b(?:needs?|takes?|fits?)\b",
    re.IGNORECASE | re.DOTALL,
)
# Other work around a training, whose time and energy are its own.
_OTHER_WORK = re.compile(
    r"\b(?:evaluat|\u00e9valuat|auswert|bewert|vorbereit|vorverarbeit|aufbereit|zusammenf|pr[e\u00e9]par|fusion|merg|push|"
    r"upload|download|clean|nettoy|bereinig|export|convert|annotat|labell?ing|collect|crawl|scrap|preprocess|"
    r"tokeni[sz]|generati|generate(?!d\s+[\d~])|benchmark|interrupt|paus|resum|queue|debug|compil|filter|dedup|"
    r"conversion|inference|translat|\u00fcbersetz|transcri|transkri|embed|index|retriev|rerank|distil|recogni[sz]er)\w*",
    re.IGNORECASE,
)
# Before a figure: what others say of theirs, and what a run's figure is set beside.
_OF_OTHERS = re.compile(
    r"(?<!\bwe )\breports?\b|\breported (?:that|by)\b|\b(?:is|are|was|were) said to\b|\baccording to\b|"
    r"\b(?:kilomet(?:re|er)s?|km|cars?|auto|voitures?|coches?|trajets?|fahrt|journey|commute|flights?|kettle|"
    r"wasserkocher|bouilloire|households?|haushalt|foyer|classifier|reward model|teacher)\b",
    re.IGNORECASE,
)
# What an energy is likened to.
_LIKENED = re.compile(
    r"\b(?:(?:smart)?phones?|charg(?:e[sd]?|ing)|light ?bulbs?|kettles?|households?|fridges?|laptops?|driv(?:e|es|ing)|"
    r"miles?|km|trees?|(?<!CO2.)(?<!CO\u2082.)equivalent|as much as|entspricht|\u00e9quivaut|equivale)\b",
    re.IGNORECASE,
)


def sentence_of(fact: Fact) -> tuple[int, int]:
    """Where the sentence that the figure stands in begins and ends in its line or cell."""
    ends = _sentence_ends(fact.cell)
    number = bisect.bisect_right(ends, fact.figure.begin)
    return ends[number - 1] if number else 0, ends[number] if number < len(ends) else len(fact.cell)


# Asked for each of the figures of a line.
@lru_cache(maxsize=64)
def _sentence_ends(text: str) -> tuple[int, ...]:
    return tuple(match.end() for match in _SENTENCE_END.finditer(text))


def is_of_other_thing(fact: Fact) -> bool:
    """Whether sentence, label, column or the heading right above says that it is of no training."""
    if _OTHER.search(_said(fact)) is not None:
        return True
    before = fact.cell[sentence_of(fact)[0] : fact.figure.begin]
    is_prose = not fact.label and not fact.column
    return is_prose and (says_other_work(before) or _OF_OTHERS.search(before) is not None)


def is_of_pretraining(fact: Fact) -> bool:
    """Whether it is said to be of the pretraining, which most often is another model's."""
    return _PRETRAINING.search(_said(fact)) is not None


def says_other_thing(text: str) -> bool:
    """Whether a text says of itself that it is of no training, or of a pretraining."""
    return _OTHER.search(text) is not None or _PRETRAINING.search(text) is not None


def says_other_work(text: str) -> bool:
    """Whether a text names work around a training, such as its evaluation or the making of its data."""
    return _OTHER_WORK.search(text) is not None


def says_of_another_run(text: str) -> bool:
    """Whether a text is of what was wanted, tried or compared with, of several runs, or a likeness."""
    is_likened = _LIKENED.search(text) is not None
    return is_likened or _ANOTHER_RUN.search(text) is not None or _ANY_RUN.match(text) is not None


def says_of_elsewhere(text: str) -> bool:
    """Whether a text names another instrument than a record's, or says that its figure holds more."""
    return _ELSEWHERE.search(text) is not None


def names_family(text: str) -> bool:
    """Whether a text names a family of models, which may be what it speaks of."""
    return _FAMILY.search(text) is not None


def names_other_family(text: str, own: str) -> bool:
    """Whether a text names families of models, and none of the ``own`` names is of one of them."""
    named = {found.group().lower() for found in _FAMILY.finditer(text)}
    return bool(named and own) and not any(name in own for name in named)


def is_of_another_model(fact: Fact, own: str) -> bool:
    """Whether its column is another's, or its row's label or sentence a family of models that is none of ``own``."""
    if _is_anothers(normalize_label(fact.column)):
        return True
    begin, end = sentence_of(fact)
    return names_other_family(f"{fact.label}\n{fact.cell[begin:end]}", own)


@lru_cache(maxsize=512)
def _is_anothers(column: str) -> bool:
    """Whether the label map knows the heading of a column as that of other figures than this run's."""
    groups = {group for name, group in label_index().column_groups.items() if has_word(column, name)}
    return bool(groups & {"other", "apart", "base"}) and not groups & {"tuned", "value"}


def _said(fact: Fact) -> str:
    begin, end = sentence_of(fact)
    heading = fact.line.headings[-1] if fact.line.headings else ""
    return f"{heading}\n{fact.label}\n{fact.column}\n{fact.cell[begin:end]}"
