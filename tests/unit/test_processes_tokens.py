"""Tokens of a job's processes: each counts its own batches, and the sum is told only where it is of all of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from node_records import JOULES, node_record
from ranks_of_a_node import NodeOfRanks, uses

from cardcallback.journal.recovering import Newest, interrupted_record
from cardcallback.observe import CountingPlan, StepCounts, StepTokens
from cardcallback.processes import MeasuredNode, Place, merge_nodes, summarize_node
from cardcallback.processes.follower import Follower
from cardcallback.processes.job_tokens import with_counts
from cardcallback.processes.rendezvous import Rendezvous
from cardcallback.processes.summary import decode_summary, encode_summary
from cardcallback.record import TOKEN_KINDS, RunRecord, Tokens
from cardcallback.testing import FakeClock


class Numbers:
    """A tensor of ones, as far as counting looks at it."""

    def __init__(self, *shape: int) -> None:
        self.shape = shape
        self.device = SimpleNamespace(type="cpu")

    def numel(self) -> int:
        """How many there are."""
        return self.shape[0] * self.shape[1]


def counter(*lengths: int, reads: bool = True) -> StepTokens:
    """A process that went through flattened batches of these lengths, and has read its sums or not."""
    tokens = StepTokens(CountingPlan(unknown={"in_loss": "the loss is DPO loss"}))
    for length in lengths:
        tokens.add({"input_ids": Numbers(1, length), "position_ids": "there"})
    if reads:
        tokens.settle()
    return tokens


def node_of(folder: Path, own: StepTokens | None, processes: int = 3) -> MeasuredNode:
    """A measurer of rank 0 that has invited."""
    place = Place(processes=processes, local_processes=processes, node="n")
    node = MeasuredNode(
        place,
        folder,
        uses("0aaa-bbbb"),
        clock=FakeClock(),
        on_change=lambda: None,
        counts=lambda: None if own is None else own.last(),
    )
    node.ranks.invite()
    return node


def follower(folder: Path, rank: int, tokens: StepTokens | None) -> Follower:
    """Another process of the node."""
    return Follower(Rendezvous(folder, "n"), uses(f"{rank}aaa-bbbb"), rank=rank, tokens=tokens)


def record(processes: int = 3, ranks: range | None = None) -> RunRecord:
    """What was measured, of whose tokens the trainer counted none."""
    measured = node_record(ranks or range(processes), processes=processes)
    training = msgspec.structs.replace(measured.training, tokens=Tokens(reason="not counted"))
    return msgspec.structs.replace(measured, training=training)


def test_the_sum_over_all_processes_is_the_job_s(tmp_path: Path) -> None:
    """And with it the energy per token; a kind that none of them knows has their reason."""
    node = node_of(tmp_path, counter(10, 20))
    for rank, lengths in ((1, (5, 5)), (2, (7, 8))):
        assert follower(tmp_path, rank, counter(*lengths)).beat()
    joined = node.joined(record())
    tokens = joined.training.tokens
    assert (tokens.processed, tokens.non_padding, tokens.in_loss) == (55, 55, None)
    assert tokens.source == "training batches"
    assert tokens.reason == "tokens in the loss: the loss is DPO loss"
    assert joined.energy.per_token is not None
    assert joined.energy.per_token.value == pytest.approx(3 * JOULES / 55)


@pytest.mark.parametrize("lengths", [(7,), (7, 8, 9), ()])
def test_a_process_that_told_of_other_batches_is_named(tmp_path: Path, lengths: tuple[int, ...]) -> None:
    """A sum over unlike batches is nobody's figure: neither it nor the energy per token is told."""
    node = node_of(tmp_path, counter(10, 20))
    follower(tmp_path, 1, counter(5, 5)).beat()
    follower(tmp_path, 2, counter(*lengths) if lengths else None).beat()
    joined = node.joined(record())
    assert joined.training.tokens.non_padding is None
    assert "rank 2 did not tell those of the same batches" in str(joined.training.tokens.reason)
    assert joined.energy.per_token is not None
    assert joined.energy.per_token.value is None
    assert "rank 2" in str(joined.energy.per_token.reason)


def test_last_words_of_all_are_the_job_s_though_unlike(tmp_path: Path) -> None:
    """A signal ends the processes where each of them is: what they did is known once every one has said its own."""
    own, other = counter(10, 20, 30), counter(5, 6)
    node = node_of(tmp_path, own, processes=2)
    process = follower(tmp_path, 1, other)
    process.beat()
    tokens = node.joined(record(2)).training.tokens
    assert (tokens.non_padding, tokens.at_least) == (None, {"processed": 71, "non_padding": 71})
    other.add({"input_ids": Numbers(1, 7), "position_ids": "there"})
    other.add({"input_ids": Numbers(1, 8), "position_ids": "there"})
    process.end_interrupted()
    tokens = node.joined(record(2)).training.tokens
    assert (tokens.non_padding, tokens.at_least) == (None, {"processed": 86, "non_padding": 86})
    own.close()
    joined = node.joined(record(2))
    assert joined.training.tokens.non_padding == 86
    assert "Ended by a signal: rank 1." in joined.notes


def test_a_signal_that_may_end_a_process_makes_it_tell_at_once(tmp_path: Path) -> None:
    """And what it tells later, if it lives on, is told after that."""
    other = counter(5, reads=False)
    node = node_of(tmp_path, counter(10), processes=2)
    process = follower(tmp_path, 1, other)
    process.keep_interrupted()
    joined = node.joined(record(2))
    assert joined.training.tokens.non_padding == 15
    assert not any("signal" in note for note in joined.notes)


def test_a_process_that_was_never_heard_is_named(tmp_path: Path) -> None:
    """It announced nothing."""
    node = node_of(tmp_path, counter(10), processes=2)
    tokens = node.joined(record(2)).training.tokens
    assert (tokens.processed, "rank 1 did not tell" in str(tokens.reason)) == (None, True)


def test_a_batch_that_was_not_read_yet_is_not_told(tmp_path: Path) -> None:
    """Reading it would wait for the device: until then the sums are those of before, for any kind."""
    own, other = counter(10), counter(20)
    node = node_of(tmp_path, own, processes=2)
    for tokens in (own, other):
        tokens.add({"input_ids": Numbers(1, 100), "position_ids": "there"})
    process = follower(tmp_path, 1, other)
    process.beat()
    assert node.joined(record(2)).training.tokens.non_padding == 30
    process.saved()
    own.settle()
    process.beat()
    assert node.joined(record(2)).training.tokens.non_padding == 230


def test_only_what_the_device_was_waited_for_is_read() -> None:
    """At a log of the loss, and at no other one."""
    tokens = counter(10, reads=False)
    process = follower(Path("/nowhere"), 1, tokens)
    process.logged({"reward": 1.0})
    assert tokens.read.batches == 0
    process.logged({"loss": 1.0})
    assert (tokens.read.batches, tokens.read.tokens["processed"]) == (1, 10)


def test_last_words_that_come_after_the_end_are_taken_up(tmp_path: Path) -> None:
    """Rank 0 ended first: at its next look it knows that there is more to write, once."""
    node = node_of(tmp_path, counter(10), processes=2)
    process = follower(tmp_path, 1, counter(20))
    node.finish()
    assert node.joined(record(2)).training.tokens.non_padding is None
    process.beat()
    node.ranks.look()
    assert node.look_again()
    assert node.joined(record(2)).training.tokens.non_padding == 30
    assert not node.look_again()


def test_the_thread_hears_a_last_word_that_is_a_little_late(tmp_path: Path) -> None:
    """It listens until everyone has said that it ended, and then leaves nothing."""
    helper = NodeOfRanks(tmp_path, processes=2)
    helper.ranks.start()
    process = follower(tmp_path, 1, counter(20))
    while not process.beat():
        pass
    while helper.ranks.missing:
        helper.ranks.look()
    helper.ranks.finish()
    process.end()
    process.beat()
    helper.ranks._thread.join(60)
    assert helper.ranks.counts()[1].tokens["processed"] == 20
    assert not helper.announced_files()


def test_a_trainer_s_own_count_stands_and_is_compared(tmp_path: Path) -> None:
    """TRL's is of all processes already: with ours beside it a difference is told."""
    node = node_of(tmp_path, counter(10), processes=2)
    follower(tmp_path, 1, counter(20)).beat()
    measured = record(2)
    told = msgspec.structs.replace(measured.training, tokens=Tokens(non_padding=31, source="TRL num_tokens"))
    joined = node.joined(msgspec.structs.replace(measured, training=told))
    assert joined.training.tokens.non_padding == 31
    assert joined.training.tokens.processed == 30
    assert "The trainer counted 31 tokens without padding; its training batches held 30." in joined.notes


def test_generated_answers_are_in_no_batch(tmp_path: Path) -> None:
    """The trainer's own count is all there is."""
    node = node_of(tmp_path, counter(10), processes=2)
    follower(tmp_path, 1, counter(20)).beat()
    measured = record(2)
    training = msgspec.structs.replace(measured.training, objective="GRPO")
    joined = node.joined(msgspec.structs.replace(measured, training=training))
    assert joined.training.tokens == training.tokens


def part(ranks: range, counts: StepCounts | None, **changes: Any) -> RunRecord:
    """One of two computers with the tokens of its processes."""
    measured = record(4, ranks)
    node = measured.nodes[0] if counts is None else with_counts(measured.nodes[0], counts)
    return msgspec.structs.replace(measured, nodes=(node,), **changes)


def counts(number: int, batches: int = 5) -> StepCounts:
    """Of every kind that many."""
    return StepCounts(tokens=dict.fromkeys(TOKEN_KINDS, number), batches=batches)


def test_computers_tell_their_tokens_in_their_summaries() -> None:
    """Joined live or from the folders later: the same sum, and not twice."""
    second = decode_summary(encode_summary(summarize_node(part(range(2, 4), counts(200)))))
    first = part(range(2), counts(100))
    alone = merge_nodes(first, [])
    assert "ranks 2 and 3 told none" in str(alone.training.tokens.reason)
    for merged in (merge_nodes(first, [second]), merge_nodes(alone, [second])):
        assert merged.training.tokens.non_padding == 300
        assert merged.energy.per_token is not None
        assert merged.energy.per_token.value == pytest.approx(4 * JOULES / 300)
        assert merge_nodes(merged, [second]).training == merged.training


@pytest.mark.parametrize(
    ("second", "words"),
    [(counts(200, batches=4), "did not end at the same batch"), (None, "ranks 2 and 3 told none")],
)
def test_a_computer_of_other_batches_makes_no_sum(second: StepCounts | None, words: str) -> None:
    """It was killed before, or its version did not count."""
    merged = merge_nodes(part(range(2), counts(100)), [part(range(2, 4), second)])
    assert (merged.training.tokens.non_padding, words in str(merged.training.tokens.reason)) == (None, True)


@pytest.mark.parametrize("complete", [True, False])
def test_computers_that_a_signal_ended_need_not_have_come_equally_far(complete: bool) -> None:  # noqa: FBT001 - a case
    """Where all of them told their last tokens these are the job's; otherwise the job had so many at least."""
    first, second = (replace(counts(100, batches=5), complete=True), counts(200, batches=4))
    second = decode_summary(encode_summary(summarize_node(part(range(2, 4), replace(second, complete=complete)))))
    tokens = merge_nodes(part(range(2), first), [second]).training.tokens
    assert tokens.non_padding == (300 if complete else None)
    assert tokens.at_least == ({} if complete else dict.fromkeys(TOKEN_KINDS, 300))


def test_a_killed_computer_tells_how_many_tokens_there_were_at_least() -> None:
    """Those of its last snapshot are of fewer steps than its energy is."""
    killed = part(range(2), counts(100), status="running")
    newest = Newest(duration_seconds=9000.0, suspended_seconds=0.0, last_step=900, figures={})
    recovered = interrupted_record(killed, newest)
    (node,) = recovered.nodes
    assert (node.tokens, node.batches, node.tokens_at_least) == ({}, None, dict.fromkeys(TOKEN_KINDS, 100))
    tokens = merge_nodes(recovered, [part(range(2, 4), counts(200))]).training.tokens
    assert (tokens.non_padding, tokens.at_least) == (None, dict.fromkeys(TOKEN_KINDS, 300))
    assert tokens.reason == "ranks 0 and 1 did not tell all of theirs"


def test_the_first_tokens_are_told_at_once(tmp_path: Path) -> None:
    """A process that is killed before its next beat has told some; later ones wait for it, but for the last."""
    process = follower(tmp_path, 1, counter(5, 6, reads=False))
    rung = []
    for logs in ({"learning_rate": 0.1}, {"loss": 1.0}, {"loss": 0.9}, {"train_loss": 0.95}):
        process.logged(logs)
        rung.append(process._news.is_set())
        process._news.clear()
    assert rung == [False, True, False, True]


def test_a_process_that_is_killed_before_its_first_log_has_told_some(tmp_path: Path) -> None:
    """As its second step begins, and for each beat until it logs; the measurer, which read none, knows its sizes."""
    own, other = counter(10, reads=False), counter(20, reads=False)
    node = node_of(tmp_path, own, processes=2)
    process = follower(tmp_path, 1, other)
    process.step_begins()
    process.beat()
    assert other.read.batches == 0
    process.step_begins()
    assert process._news.is_set()
    process.beat()
    tokens = node.joined(record(2)).training.tokens
    assert (tokens.processed, tokens.at_least) == (None, {"processed": 30})
    assert tokens.reason == "rank 1 did not tell those of the same batches"
    other.add({"input_ids": Numbers(1, 100), "position_ids": "there"})
    process.step_begins()
    process.step_begins()
    process.beat()
    assert node.joined(record(2)).training.tokens.at_least == {"processed": 130}


def test_after_a_log_what_is_told_is_of_the_log(tmp_path: Path) -> None:
    """All processes read it at the same batch, so that their sum is one; steps between them read nothing."""
    tokens = counter(10, reads=False)
    node_of(tmp_path, None)
    process = follower(tmp_path, 1, tokens)
    process.step_begins()
    process.logged({"loss": 1.0})
    process.beat()
    tokens.add({"input_ids": Numbers(1, 100), "position_ids": "there"})
    for _ in range(3):
        process.step_begins()
    assert tokens.read.batches == 1


def test_a_busy_device_tells_the_sizes_of_its_batches() -> None:
    """They are known without it; what is counted on it is told later."""
    tokens = counter(10, 20, reads=False)
    assert (tokens.last().tokens, tokens.last().at_least) == ({}, {"processed": 30})
    assert "before they could be read" in tokens.last().reasons["processed"]
    assert counter(reads=False).last().reasons["processed"] == "no training batch was seen"
    tokens.settle()
    assert tokens.last().at_least == {}
    assert tokens.last().tokens["processed"] == 30


def test_a_process_beats_oftener_at_first(tmp_path: Path) -> None:
    """It has then told most of what it did, however early it is killed."""
    node_of(tmp_path, None)
    process = follower(tmp_path, 1, None)
    pauses = [process._pause_seconds(heard=process.beat(), attempts=attempt) for attempt in range(1, 7)]
    assert pauses == [1.0, 2.0, 4.0, 5.0, 5.0, 5.0]
