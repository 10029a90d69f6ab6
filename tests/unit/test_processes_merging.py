"""Several nodes' figures as one job's: what is summed, what is not, and what is named as missing."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from node_records import JOULES, NAME, SECONDS, node_record

from cardcallback.errors import CardCallbackError
from cardcallback.processes import load_summaries, merge_nodes, summarize_node
from cardcallback.processes.summary import MOST_BYTES, decode_summary, encode_summary, write_summary
from cardcallback.record import Accelerator, Node, RunRecord, not_measured
from cardcallback.render.section.computers import computer_lines
from cardcallback.sessions import counted_steps, joined_sessions
from cardcallback.testing.records import make_record


def test_energies_are_summed_and_durations_are_the_longest() -> None:
    """Two nodes of eight: bounds add, and the ratio is of all of it."""
    first, second = node_record(range(8)), node_record(range(8, 16), seconds=SECONDS + 5.0)
    merged = merge_nodes(first, [second])
    energy = merged.energy
    assert energy.gpu.value == pytest.approx(16 * JOULES)
    assert energy.gpu.recording_low == pytest.approx(16 * (JOULES - 7.123456789))
    assert energy.gpu.recording_high == pytest.approx(16 * (JOULES + 7.123456789))
    assert energy.gpu_integrated.value == pytest.approx(16 * JOULES)
    assert energy.cpu.value == pytest.approx(2 * 400.0 * SECONDS)
    assert energy.partial_reason is None
    assert energy.per_step is not None
    assert energy.per_step.value is not None
    assert merged.duration_seconds == SECONDS + 5.0
    assert merged.sessions[-1].energy == merged.energy
    assert [one.name for one in merged.hardware.accelerators] == [NAME] * 16
    assert merged.hardware.accelerators[15].mean_power is not None
    assert merged.hardware.accelerators[15].mean_power.value == pytest.approx(JOULES / (SECONDS + 5.0))
    assert merged.stages[-1].energy == energy.gpu
    assert [node.ranks for node in merged.nodes] == [tuple(range(8)), tuple(range(8, 16))]


def test_memory_is_the_highest_nodes_and_never_a_sum() -> None:
    """The node is named; its total and baseline come with it."""
    merged = merge_nodes(node_record(range(8)), [node_record(range(8, 16), peak_bytes=1.5e12)])
    peak = merged.memory.system_peak
    assert peak.value == 1.5e12
    assert peak.covers[-1] == "the computer of ranks 8 to 15, the highest of 2"


def test_a_missing_node_is_named_and_no_part_is_called_a_whole() -> None:
    """The GPUs' sum is partial; processors have no figure, and nothing is divided by the job's steps."""
    merged = merge_nodes(node_record(range(8)), [])
    assert merged.energy.partial_reason == "the GPUs of ranks 8 to 15 are not in it"
    assert merged.energy.gpu.value == pytest.approx(8 * JOULES)
    assert merged.energy.cpu.reason == "some of the job's computers are not in it: ranks 8 to 15"
    assert merged.energy.per_step is not None
    assert merged.energy.per_step.value is None
    assert "Ranks 8 to 15 of the job's 16 left no figures here (yet)." in merged.notes


def test_a_node_may_come_later_and_is_not_counted_twice() -> None:
    """Whoever joins again adds only what is new, and the reason of the part is gone."""
    first, second = node_record(range(8)), node_record(range(8, 16), peak_bytes=2e12)
    merged = merge_nodes(merge_nodes(first, []), [second])
    assert merge_nodes(merged, [second]).energy == merged.energy
    assert merged.energy.gpu.value == pytest.approx(16 * JOULES)
    assert merged.energy.partial_reason is None
    assert not [note for note in merged.notes if "no figures here" in note]
    assert merge_nodes(merged, [second]).memory.system_peak.covers[-1].startswith("the computer of ranks 8 to 15")


def test_with_all_summaries_everything_is_joined_anew() -> None:
    """Processors' energy, which a job without one of its nodes does not have, is there once all are."""
    first, second, third = (
        node_record(range(8 * place, 8 * place + 8), processes=24, seconds=SECONDS + place) for place in range(3)
    )
    partly = merge_nodes(first, [third])
    assert partly.energy.cpu.value is None
    whole = merge_nodes(partly, [summarize_node(one) for one in (first, second, third)])
    assert whole.energy.cpu.value == pytest.approx(3 * 400.0 * SECONDS)
    assert whole.energy.gpu.value == pytest.approx(24 * JOULES)
    assert whole.duration_seconds == SECONDS + 2
    assert len(whole.hardware.accelerators) == 24
    assert len([note for note in whole.notes if "network cards" in note]) == 1
    assert whole.energy.partial_reason is None


def test_a_node_without_a_figure_makes_the_sum_a_part() -> None:
    """Its driver was not loaded: GPU energy is that of the others, and says so."""
    merged = merge_nodes(node_record(range(8)), [node_record(range(8, 16), joules=None, cpu_joules=None)])
    assert merged.energy.gpu.value == pytest.approx(8 * JOULES)
    assert "computer of ranks 8 to 15" in str(merged.energy.partial_reason)
    assert merged.energy.gpu_counter.reason == (
        "not measured on every computer of the job: the NVIDIA driver is not loaded"
    )
    assert merged.energy.cpu.value is None


def test_a_part_of_a_node_is_a_part_of_the_job() -> None:
    """A process that did not announce itself on the second node."""
    second = node_record(range(8, 16), partial_reason="rank 9 did not announce its GPU", notes=["Hot."])
    merged = merge_nodes(node_record(range(8)), [second])
    assert merged.energy.partial_reason == "rank 9 did not announce its GPU (computer of ranks 8 to 15)"
    assert "Computer of ranks 8 to 15: Hot." in merged.notes


@pytest.mark.parametrize(("name", "told"), [("NVIDIA GB10", True), (NAME, False)])
def test_links_and_network_cards_are_told_as_not_measured(
    name: str,
    told: bool,  # noqa: FBT001 - a case
) -> None:
    """With two computers; for a pair of Sparks the cards are named."""
    second = summarize_node(node_record(range(8, 16)))
    named = msgspec.structs.replace(second, node=msgspec.structs.replace(second.node, accelerators=(name,) * 8))
    merged = merge_nodes(node_record(range(8)), [named])
    (sentence,) = [note for note in merged.notes if "network cards" in note]
    assert ("ConnectX" in sentence) == told
    assert not [note for note in merge_nodes(node_record(range(8), processes=8), []).notes if "network cards" in note]


def test_only_one_job_s_parts_are_joined() -> None:
    """Of another size, or not one of several processes at all: one line that says what to give."""
    with pytest.raises(CardCallbackError, match="different jobs"):
        merge_nodes(node_record(range(8)), [node_record(range(8, 16), processes=32)])
    with pytest.raises(CardCallbackError, match="not one of several"):
        merge_nodes(make_record(), [])
    with pytest.raises(CardCallbackError, match="not one node's part"):
        merge_nodes(node_record(range(8)), [make_record()])


def resumed_on_the_first_node() -> RunRecord:
    """Rank 0's record of a job of one node that went on as one of two: it knows its own figures alone."""
    first, second = node_record([0], processes=1, peak_bytes=3e12), node_record([0], processes=2)
    before = msgspec.structs.replace(first.sessions[0], last_step=250, status="interrupted", session_id="first")
    after = msgspec.structs.replace(second.sessions[0], first_step=240, session_id="second")
    return joined_sessions(
        msgspec.structs.replace(first, sessions=(before,)), msgspec.structs.replace(second, sessions=(after,))
    )


def test_nodes_are_added_to_the_newest_session_and_the_earlier_ones_stay() -> None:
    """The run's figures are the sums over its sessions, and steps that were done again count once."""
    record, other = resumed_on_the_first_node(), node_record([1], processes=2, seconds=SECONDS + 5)
    merged = merge_nodes(record, [other])
    assert merged.sessions[0] == record.sessions[0]
    assert merged.sessions[1].energy.gpu.value == pytest.approx(2 * JOULES)
    assert merged.energy.gpu.value == pytest.approx(3 * JOULES)
    assert merged.energy.cpu.value == pytest.approx(3 * 400.0 * SECONDS)
    assert (merged.duration_seconds, merged.stages[-1].duration_seconds) == (2 * SECONDS + 5, 2 * SECONDS + 5)
    assert sum(one.energy.value or 0.0 for one in merged.hardware.accelerators) == pytest.approx(3 * JOULES)
    phase = next(one for one in merged.energy.phases if one.phase == "training")
    assert merged.energy.per_step is not None
    assert merged.energy.per_step.value == pytest.approx((phase.energy.value or 0.0) / counted_steps(merged.sessions))


def test_a_session_of_several_is_not_divided_by_the_tokens_of_all() -> None:
    """The run's quotient is told, the session's own is not known any more."""
    merged = merge_nodes(resumed_on_the_first_node(), [node_record([1], processes=2)])
    for energy, known in ((merged.energy, True), (merged.sessions[-1].energy, False)):
        assert energy.per_token is not None
        assert (energy.per_token.value is not None) == known


def test_joining_anew_keeps_the_peak_of_an_earlier_session() -> None:
    """No summary holds it, and rank 0's own of the newest session is lower."""
    record = resumed_on_the_first_node()
    own, other = node_record([0], processes=2), node_record([1], processes=2)
    merged = merge_nodes(merge_nodes(record, [other]), [own, other])
    assert merged.memory.system_peak.value == 3e12
    assert merged.energy.gpu.value == pytest.approx(3 * JOULES)


@given(
    st.lists(
        st.tuples(st.floats(0, 1e9), st.floats(0, 1e6), st.floats(1, 1e5), st.floats(0, 1e13)), min_size=1, max_size=6
    )
)
def test_the_order_of_nodes_does_not_matter(nodes: list[tuple[float, float, float, float]]) -> None:
    """Sum, bounds, duration and peak are the same from either end, and the truth of their parts."""
    count = len(nodes) + 1
    parts = [
        node_record([rank + 1], processes=count, joules=joules, seconds=seconds, peak_bytes=peak)
        for rank, (joules, _, seconds, peak) in enumerate(nodes)
    ]
    first = node_record([0], processes=count, joules=5.0, peak_bytes=7.0)
    ways = [merge_nodes(first, parts), merge_nodes(first, parts[::-1])]
    for merged in ways:
        assert merged.energy.gpu.value == pytest.approx(5.0 + sum(one[0] for one in nodes))
        assert merged.duration_seconds == max([SECONDS, *(one[2] for one in nodes)])
        assert merged.memory.system_peak.value == max([7.0, *(one[3] for one in nodes)])
    assert ways[0].energy.gpu.recording_high == pytest.approx(ways[1].energy.gpu.recording_high or 0.0)


@pytest.mark.parametrize(("gpus", "notes"), [(1, 0), (8, 0), (8, 40), (16, 3), (72, 40)])
def test_a_summary_takes_four_kibibytes_at_most(gpus: int, notes: int) -> None:
    """Also of a node with many GPUs and much to tell; what the sum needs is always in it."""
    record = node_record(
        range(gpus),
        processes=72,
        notes=[f"Something odd of the kind {number} was seen here." for number in range(notes)],
    )
    summary = summarize_node(record, answers="ab" * 16, computer="cd" * 16)
    content = encode_summary(summary)
    assert len(content) <= MOST_BYTES
    back = decode_summary(content)
    assert back.energy.gpu.value == pytest.approx(gpus * JOULES, rel=1e-6)
    assert back.energy.gpu.scope == summary.energy.gpu.scope
    assert msgspec.structs.asdict(back.node) == {
        name: pytest.approx(value, rel=1e-6) if isinstance(value, float) else value
        for name, value in msgspec.structs.asdict(summary.node).items()
    }
    assert len(back.accelerators) == gpus
    assert bool(back.notes) == bool(notes) or gpus == 72


def test_a_summary_is_the_same_on_disk(tmp_path: Path) -> None:
    """What was written is read again, rounded to seven figures; a damaged one is left out."""
    summary = summarize_node(node_record(range(8, 16)))
    path = write_summary(tmp_path, summary)
    assert path.name == "node-00008.json"
    (back,) = load_summaries(tmp_path)
    assert back.energy.gpu.recording_low == pytest.approx(summary.energy.gpu.recording_low or 0.0, rel=1e-6)
    path.write_text("{")
    assert load_summaries(tmp_path) == ()


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"summary_version": 1}', '{"summary_version": "x"}', "[" * 100_000]
)
def test_a_damaged_summary_is_refused_in_one_line(content: str) -> None:
    """Whatever the file holds."""
    with pytest.raises(CardCallbackError, match="is damaged"):
        decode_summary(content.encode())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ranks", "[]"),
        ("ranks", "[16]"),
        ("ranks", "[-1,8]"),
        *(("duration_seconds", text) for text in ("NaN", "Infinity", "1e999", "1" + "0" * 400)),
    ],
)
def test_a_summary_of_impossible_figures_is_damaged(field: str, value: str) -> None:
    """Ranks that a job of 16 does not have, or none, and numbers that are none: they would break the job's record."""
    document = json.loads(encode_summary(summarize_node(node_record(range(8, 16)))))
    document["node"][field] = "here"
    with pytest.raises(CardCallbackError, match="is damaged"):
        decode_summary(json.dumps(document).replace('"here"', value).encode())


def test_a_newer_summary_is_refused() -> None:
    """Its figures may mean something else."""
    document = json.loads(encode_summary(summarize_node(node_record(range(8)))))
    with pytest.raises(CardCallbackError, match="newer"):
        decode_summary(json.dumps(document | {"summary_version": 2}).encode())


def test_the_types_that_a_summary_keeps_small_stay_known() -> None:
    """Its rank list and names are plain: nothing that tells two machines apart has a field."""
    assert set(Node.__struct_fields__) == {
        "ranks",
        "duration_seconds",
        "accelerators",
        "gpu_energy_joules",
        "gpu_energy_low_joules",
        "gpu_energy_high_joules",
        "gpu_energy_coverage",
        "memory_peak_bytes",
        "partial_reason",
        "job",  # random, and alike on all computers of a job
        "computer",  # the place of another node of the job
        "gpus_of",  # likewise
        "tokens",
        "token_reasons",
        "tokens_at_least",
        "tokens_complete",
        "batches",
        "gpu_power",
    }
    assert "uuid" not in Accelerator.__struct_fields__


def test_gpus_that_two_measurers_watched_are_counted_once() -> None:
    """As where nothing told their processes apart: each of them took itself for the first of its computer."""
    parts = [node_record([0], processes=3), node_record([1], processes=3), node_record([2], processes=3)]
    told = [
        summarize_node(part, computer=computer, gpus=gpus)
        for part, computer, gpus in zip(parts[1:], ("here", "there"), (("a",), ("b",)), strict=True)
    ]
    merged = merge_nodes(parts[0], told, computer="here", gpus=("a",))
    assert merged.energy.gpu.value == pytest.approx(2 * JOULES)
    assert merged.energy.gpu_counter.value == pytest.approx(2 * JOULES)
    assert merged.energy.partial_reason is None
    assert len(merged.sessions[-1].hardware.accelerators) == 2
    assert [node.gpus_of for node in merged.nodes] == [None, 0, None]
    again = merge_nodes(merged, [summarize_node(parts[0], computer="here", gpus=("a",)), *told])
    assert again.energy.gpu.value == pytest.approx(2 * JOULES)
    assert again.energy.partial_reason is None
    lines = dict(computer_lines(merged))
    assert "its GPUs are measured there already" in lines["Computer of rank 1"]
    assert "GPU energy 700 Wh" in lines["Computer of rank 2"]


def test_gpus_that_two_measurers_watched_in_part_are_counted_once() -> None:
    """Of the second's three GPUs two are the first's: the third alone is added, with the bounds that it has itself."""
    first, second = node_record([0, 1], processes=5), node_record([2, 3, 4], processes=5, notes=["Something odd."])
    told = decode_summary(encode_summary(summarize_node(second, gpus=("b", "c", "a"))))
    merged = merge_nodes(first, [told], gpus=("a", "b"))
    assert merged.energy.gpu.value == pytest.approx(3 * JOULES)
    assert merged.energy.gpu.recording_high == pytest.approx(3 * (JOULES + 7.12), abs=1.0)
    assert merged.energy.gpu_counter.value == pytest.approx(3 * JOULES)
    assert (merged.energy.gpu_integrated.value, merged.energy.before_training.value) == (None, None)
    assert "counted with another process's" in str(merged.energy.gpu_integrated.reason)
    assert (merged.energy.partial_reason, len(merged.hardware.accelerators)) == (None, 3)
    assert merged.energy.cpu.value == pytest.approx(400.0 * SECONDS)
    assert [node.computer for node in merged.nodes] == [0, 0]
    assert [len(node.accelerators) for node in merged.nodes] == [2, 1]
    assert any("measured too are counted there: 2 of 3." in note for note in merged.notes)
    again = merge_nodes(merged, [summarize_node(first, gpus=("a", "b")), told])
    assert again.energy.gpu.value == merged.energy.gpu.value


@pytest.mark.parametrize("change", ["together", "unlike"])
def test_shared_gpus_that_were_not_told_apart_make_the_sum_a_part(change: str) -> None:
    """Without each GPU's own energy, or where these do not make up the whole, what is left is nobody's figure."""
    first, second = node_record([0, 1], processes=4), node_record([2, 3], processes=4)
    told = summarize_node(second, gpus=("b", "c"))
    kept = told.accelerators
    if change == "together":
        kept = tuple(
            msgspec.structs.replace(one, energy=not_measured("joules", "told for all of them")) for one in kept
        )
    else:  # as of two GPUs in one module, each of which has the module's energy
        kept = tuple(
            msgspec.structs.replace(one, energy=msgspec.structs.replace(one.energy, value=2 * JOULES)) for one in kept
        )
    merged = merge_nodes(first, [msgspec.structs.replace(told, accelerators=kept)], gpus=("a", "b"))
    assert merged.energy.gpu.value == pytest.approx(2 * JOULES)
    assert "told of all of them together (computer of ranks 2 and 3)" in str(merged.energy.partial_reason)


def test_gpus_of_three_measurers_are_each_counted_once() -> None:
    """The third has one GPU of each of the two before, and none of its own."""
    parts = [node_record([2 * place, 2 * place + 1], processes=6) for place in range(3)]
    told = [summarize_node(parts[1], gpus=("c", "d")), summarize_node(parts[2], gpus=("b", "c"))]
    merged = merge_nodes(parts[0], told, gpus=("a", "b"))
    assert merged.energy.gpu.value == pytest.approx(4 * JOULES)
    assert [node.gpus_of for node in merged.nodes] == [None, None, 0]
    assert merged.energy.partial_reason is None


def test_gpus_that_nobody_named_are_counted_as_they_come() -> None:
    """Without names two measurers may as well have had one each."""
    told = summarize_node(node_record([1], processes=2), computer="here")
    merged = merge_nodes(node_record([0], processes=2), [told], computer="here")
    assert merged.energy.gpu.value == pytest.approx(2 * JOULES)
    assert [node.gpus_of for node in merged.nodes] == [None, None]
