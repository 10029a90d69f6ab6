"""Tokens of a job's processes, each of which sees its own batches alone. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import msgspec

from cardcallback.observe import StepCounts, may_be_counted, with_counted
from cardcallback.record import TOKEN_KINDS, Node, RunRecord, TokenKind
from cardcallback.units import format_ranks

_OTHER_BATCHES = "the job's computers did not end at the same batch"
_OF_EARLIER_SESSIONS = "tokens of the computers' newest session cannot be added to those of the run"


def counts_of_node(
    own_rank: int, own: StepCounts, others: Mapping[int, StepCounts], missing: Sequence[int]
) -> StepCounts:
    """The tokens of one node's processes together, or for each kind why they are not known.

    Args:
        own_rank: the measurer's number.
        own: its counts as last read.
        others: those of the other processes, by rank, as they told them last.
        missing: processes of the node that told nothing at all.
    """
    everyone = {own_rank: own, **others}
    behind = [*missing, *(rank for rank, one in others.items() if not _are_level(one, own))]
    if behind:
        at_least = {} if missing else _least(everyone.values())
        return _reasons(f"{format_ranks(behind)} did not tell those of the same batches", own.batches, at_least)
    added = _added(everyone.values(), own.batches)
    return replace(added, complete=all(one.complete for one in everyone.values()))


def _are_level(one: StepCounts, own: StepCounts) -> bool:
    # Where a job was broken off its processes need not have come equally far: last words are what each did.
    return one.batches == own.batches or (one.complete and own.complete)


def with_counts(node: Node, counts: StepCounts) -> Node:
    """The node with the tokens of its processes."""
    return msgspec.structs.replace(
        node,
        tokens=dict(counts.tokens),
        token_reasons=dict(counts.reasons),
        tokens_at_least=dict(counts.at_least),
        tokens_complete=counts.complete,
        batches=counts.batches,
    )


def with_tokens_of_all(record: RunRecord, nodes: Sequence[Node], missing: Sequence[int]) -> RunRecord:
    """The record with its trainer's tokens, and those that all processes saw, once all of them have told."""
    first = record.nodes[0]
    if (first.batches is None and not first.tokens_at_least) or not may_be_counted(record.training):
        return record
    counted = _of_all(nodes, missing)
    if len(record.sessions) > 1 and (counted.tokens or counted.at_least):
        counted = _reasons(_OF_EARLIER_SESSIONS)
    tokens = with_counted(record.training.tokens, counted)
    notes = record.notes if tokens.disagreement is None else (*record.notes, tokens.disagreement)
    training = msgspec.structs.replace(record.training, tokens=tokens)
    return msgspec.structs.replace(record, training=training, notes=tuple(dict.fromkeys(notes)))


def _of_all(nodes: Sequence[Node], missing: Sequence[int]) -> StepCounts:
    told = [_counts(node) for node in nodes]
    silent = [rank for node in nodes if node.batches is None and not node.tokens_at_least for rank in node.ranks]
    if silent or missing:
        return _reasons(f"{format_ranks([*missing, *silent])} told none")
    killed = [rank for node in nodes if node.batches is None for rank in node.ranks]
    if killed:
        return _reasons(f"{format_ranks(killed)} did not tell all of theirs", at_least=_least(told))
    if len({node.batches for node in nodes}) > 1 and not all(node.tokens_complete for node in nodes):
        return _reasons(_OTHER_BATCHES, at_least=_least(told))
    return _added(told)


def _counts(node: Node) -> StepCounts:
    return StepCounts(
        tokens={kind: node.tokens[kind] for kind in TOKEN_KINDS if kind in node.tokens},
        reasons={kind: node.token_reasons[kind] for kind in TOKEN_KINDS if kind in node.token_reasons},
        at_least={kind: node.tokens_at_least[kind] for kind in TOKEN_KINDS if kind in node.tokens_at_least},
    )


def _reasons(reason: str, batches: int = 0, at_least: Mapping[TokenKind, int] | None = None) -> StepCounts:
    return StepCounts(reasons=dict.fromkeys(TOKEN_KINDS, reason), at_least=at_least or {}, batches=batches)


def _added(parts: Collection[StepCounts], batches: int = 0) -> StepCounts:
    """Of each kind the sum, or the reason of the first that does not know it and how many there are at least."""
    tokens: dict[TokenKind, int] = {}
    reasons: dict[TokenKind, str] = {}
    for kind in TOKEN_KINDS:
        unknown = [one.reasons.get(kind, "not counted") for one in parts if kind not in one.tokens]
        if unknown:
            reasons[kind] = unknown[0]
        else:
            tokens[kind] = sum(one.tokens[kind] for one in parts)
    at_least = {kind: count for kind, count in _least(parts).items() if kind in reasons}
    return StepCounts(tokens=tokens, reasons=reasons, at_least=at_least, batches=batches)


def _least(parts: Collection[StepCounts]) -> dict[TokenKind, int]:
    """Of each kind of which all have told some, those that they told last together: no process undoes a batch."""
    told = [{**one.at_least, **one.tokens} for one in parts]
    return {kind: sum(one[kind] for one in told) for kind in TOKEN_KINDS if all(kind in one for one in told)}
