"""Tokens the training steps of this session went through, by kind and by who counted them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cardcallback.observe.objective import GENERATING, ON_POLICY
from cardcallback.observe.plain import integer, read
from cardcallback.observe.shared_batches import processes_of_whole_batch
from cardcallback.observe.step_tokens import SOURCE, StepCounts
from cardcallback.record import TOKEN_KINDS, TokenKind, Tokens, Training

_WORDS: dict[TokenKind, str] = {
    "non_padding": "tokens without padding",
    "processed": "tokens with padding",
    "in_loss": "tokens in the loss",
}
_CURE = 'set include_num_input_tokens_seen="non_padding" in the training arguments'


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenBaseline:
    """The counters when this session began: the Trainer's goes on after a resume, TRL's does not.

    ``step`` is the global step, ``trl_tokens`` TRL's total in this process, ``seen_tokens`` the Trainer's.
    """

    step: int = 0
    trl_tokens: int = 0
    seen_tokens: int = 0


def token_baseline(trainer: object, state: object) -> TokenBaseline:
    """To be taken at the session's begin, before the first step."""
    return TokenBaseline(
        step=integer(read(state, "global_step")) or 0,
        trl_tokens=integer(read(trainer, "_total_train_tokens")) or 0,
        seen_tokens=integer(read(state, "num_input_tokens_seen")) or 0,
    )


def count_tokens(
    objective: str | None,
    *,
    state: object,
    args: object,
    trainer: object = None,
    baseline: TokenBaseline | None = None,
    counted: StepCounts | None = None,
) -> Tokens:
    """Tokens since ``baseline`` (the process's start without one); steps done again after a resume count again.

    TRL sums attention masks over all ranks: tokens without padding. The Trainer counts only when asked,
    every token or those without padding. ``counted`` is what was seen of this process's own batches: it fills
    in the kinds that the trainer leaves out, and is compared with those that both counted.
    """
    baseline = baseline or TokenBaseline()
    asked = _seen_kind(args)
    seen = max(0, (integer(read(state, "num_input_tokens_seen")) or 0) - baseline.seen_tokens)
    if objective in GENERATING and asked is not None:
        return Tokens(reason="TRL and the Trainer both added to one counter: unset include_num_input_tokens_seen")
    if seen and asked is None:
        return _generated(seen)
    # It sums over all processes, and so counts a batch once for each of those that are given it.
    seen //= processes_of_whole_batch(trainer, read(trainer, "model"))
    trl = _trl_total(trainer, state, baseline)
    kind = asked if seen else None
    non_padding = trl if trl is not None else seen if kind == "non_padding" else None
    processed = seen if kind == "all" else None
    if _counts_padding(trainer, args):
        processed, non_padding = non_padding, None
    sources = [
        name
        for name, used in (("TRL num_tokens", trl is not None), ("Trainer num_input_tokens_seen", kind is not None))
        if used
    ]
    return _merged({"processed": processed, "non_padding": non_padding}, sources, counted)


def may_be_counted(training: Training) -> bool:
    """Whether its batches hold what it trains on: where answers are generated, TRL's own count stands alone."""
    return training.objective not in ON_POLICY


def with_counted(tokens: Tokens, counted: StepCounts) -> Tokens:
    """``tokens`` as a trainer counted them, with what was seen of the batches of all its processes."""
    trainers: dict[TokenKind, int | None] = {kind: getattr(tokens, kind) for kind in TOKEN_KINDS}
    sources = [source for source in (tokens.source or "").split(", ") if source]
    return _merged(trainers, sources, counted)


def _merged(trainers: Mapping[TokenKind, int | None], sources: Sequence[str], counted: StepCounts | None) -> Tokens:
    own = counted.tokens if counted is not None else {}
    tokens = {kind: _first_known(trainers.get(kind), own.get(kind)) for kind in TOKEN_KINDS}
    filled = any(trainers.get(kind) is None and kind in own for kind in TOKEN_KINDS)
    sources = [*sources, *([SOURCE] if filled and SOURCE not in sources else [])]
    if not sources and counted is None:
        return Tokens(reason=f"the trainer counted no tokens: {_CURE}")
    return Tokens(
        processed=tokens["processed"],
        non_padding=tokens["non_padding"],
        in_loss=tokens["in_loss"],
        source=", ".join(sources) or None,
        reason=_missing(tokens, counted),
        disagreement=_disagreement(trainers, own),
        at_least={} if counted is None else {kind: n for kind, n in counted.at_least.items() if tokens[kind] is None},
    )


def _first_known(trainers: int | None, own: int | None) -> int | None:
    return trainers if trainers is not None else own


def _disagreement(trainers: Mapping[TokenKind, int | None], own: Mapping[TokenKind, int]) -> str | None:
    for kind in TOKEN_KINDS:
        theirs, ours = trainers.get(kind), own.get(kind)
        if theirs is not None and ours is not None and theirs != ours:
            return f"The trainer counted {theirs:,} {_WORDS[kind]}; its training batches held {ours:,}."
    return None


def _missing(tokens: Mapping[TokenKind, int | None], counted: StepCounts | None) -> str | None:
    """Why kinds are missing, kinds of one reason together."""
    reasons: dict[str, list[str]] = {}
    for kind, words in _WORDS.items():
        if tokens[kind] is None:
            own = counted.reasons.get(kind) if counted is not None else None
            reasons.setdefault(own or "not counted by the trainer", []).append(words)
    if len(reasons) == 1 and all(count is None for count in tokens.values()):
        return next(iter(reasons))
    return "; ".join(f"{' and '.join(words)}: {reason}" for reason, words in reasons.items()) or None


def _counts_padding(trainer: object, args: object) -> bool:
    """Whether TRL's total holds padding: flattened batches have no mask, so filling them up is counted."""
    flattened = read(trainer, "padding_free") is True or read(args, "padding_free") is True
    return flattened and bool(integer(read(args, "pad_to_multiple_of")))


def _generated(seen: int) -> Tokens:
    """Nobody asked the Trainer to count, so TRL did: prompts and generated answers, once for each generation."""
    return Tokens(
        non_padding=seen,
        source="TRL num_tokens (prompts and generated answers)",
        reason="tokens with padding and tokens in the loss: not counted by the trainer",
    )


def _seen_kind(args: object) -> str | None:
    setting = read(args, "include_num_input_tokens_seen")
    setting = read(setting, "value") if not isinstance(setting, (str, bool)) else setting
    if setting is True or setting == "all" or (setting == "non_padding" and _only_a_switch(args)):
        return "all"
    return "non_padding" if setting == "non_padding" else None


def _only_a_switch(args: object) -> bool:
    """Transformers before 5 declares a boolean and checks nothing: any word switches on the count of every token."""
    field = getattr(type(args), "__dataclass_fields__", {}).get("include_num_input_tokens_seen")
    return field is not None and "str" not in str(field.type)


def _trl_total(trainer: object, state: object, baseline: TokenBaseline) -> int | None:
    """TRL's own total, else its last logged one; less what this process had counted before the session."""
    total = integer(read(trainer, "_total_train_tokens"))
    if not total:
        total = _last_logged(read(state, "log_history"), baseline.step)
    if not total:
        return None
    own = total - baseline.trl_tokens
    return own if own > 0 else None


def _last_logged(history: object, after_step: int) -> int | None:
    if not isinstance(history, Sequence):
        return None
    for entry in reversed(history):
        # Most logs hold none, in any of perhaps a hundred thousand entries.
        if not isinstance(entry, Mapping) or entry.get("num_tokens") is None:
            continue
        found: Any = integer(entry["num_tokens"])
        if found and (integer(entry.get("step")) or 0) > after_step:
            return int(found)
    return None
