"""Tokens of a job's processes, each of which sees its own batches alone. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from cardcallback.observe import KINDS, StepCounts, TokenKind, may_be_counted, with_counted
from cardcallback.record import Node, RunRecord
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
    behind = [*missing, *(rank for rank, one in others.items() if one.batches != own.batches)]
    if behind:
        return _reasons(f"{format_ranks(behind)} did not tell those of the same batches", own.batches)
    return _added({own_rank: own, **others}, own.batches)


def with_counts(node: Node, counts: StepCounts) -> Node:
    """The node with the tokens of its processes."""
    return msgspec.structs.replace(
        node, tokens=dict(counts.tokens), token_reasons=dict(counts.reasons), batches=counts.batches
    )


def with_tokens_of_all(record: RunRecord, nodes: Sequence[Node], missing: Sequence[int]) -> RunRecord:
    """The record with its trainer's tokens, and those that all processes saw, once all of them have told."""
    if record.nodes[0].batches is None or not may_be_counted(record.training):
        return record
    counted = _of_all(nodes, missing)
    if len(record.sessions) > 1 and counted.tokens:
        counted = _reasons(_OF_EARLIER_SESSIONS)
    tokens = with_counted(record.training.tokens, counted)
    notes = record.notes if tokens.disagreement is None else (*record.notes, tokens.disagreement)
    training = msgspec.structs.replace(record.training, tokens=tokens)
    return msgspec.structs.replace(record, training=training, notes=tuple(dict.fromkeys(notes)))


def _of_all(nodes: Sequence[Node], missing: Sequence[int]) -> StepCounts:
    silent = [*missing, *(rank for node in nodes if node.batches is None for rank in node.ranks)]
    if silent:
        return _reasons(f"{format_ranks(silent)} told none")
    if len({node.batches for node in nodes}) > 1:
        return _reasons(_OTHER_BATCHES)
    return _added({node.ranks[0]: _counts(node) for node in nodes})


def _counts(node: Node) -> StepCounts:
    return StepCounts(
        tokens={kind: node.tokens[kind] for kind in KINDS if kind in node.tokens},
        reasons={kind: node.token_reasons[kind] for kind in KINDS if kind in node.token_reasons},
    )


def _reasons(reason: str, batches: int = 0) -> StepCounts:
    return StepCounts(reasons=dict.fromkeys(KINDS, reason), batches=batches)


def _added(by_rank: Mapping[int, StepCounts], batches: int = 0) -> StepCounts:
    """Of each kind the sum, or the reason of the first that does not know it."""
    tokens: dict[TokenKind, int] = {}
    reasons: dict[TokenKind, str] = {}
    for kind in KINDS:
        unknown = [one.reasons.get(kind, "not counted") for one in by_rank.values() if kind not in one.tokens]
        if unknown:
            reasons[kind] = unknown[0]
        else:
            tokens[kind] = sum(one.tokens[kind] for one in by_rank.values())
    return StepCounts(tokens=tokens, reasons=reasons, batches=batches)
