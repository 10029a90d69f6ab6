"""The lines of a job that ran on several computers."""

from __future__ import annotations

from typing import Any

import msgspec
from node_records import JOULES, NAME, node_record

from cardcallback.processes import merge_nodes, summarize_node
from cardcallback.processes.summary import decode_summary, encode_summary
from cardcallback.record import RunRecord
from cardcallback.render.section import render_section
from cardcallback.render.section.computers import computer_lines


def test_each_computer_has_a_line_and_only_the_first_one_s_gpus() -> None:
    """What the record has of the others is their energy; their clocks are not known here, and are not called so."""
    second = node_record(range(8, 16), peak_bytes=1.2e11, partial_reason="rank 9 did not announce its GPU")
    text = render_section(merge_nodes(node_record(range(8), peak_bytes=1e11), [second]))
    lines = [line for line in text.splitlines() if line.startswith("- **Computer of ")]
    assert len(lines) == 2
    assert f"**Computer of ranks 8 to 15.** 8 \N{MULTIPLICATION SIGN} {NAME}, GPU energy 5.60 kWh in 1 h" in lines[1]
    assert "peak memory in use 112 GiB. Rank 9 did not announce its GPU." in lines[1]
    assert len([line for line in text.splitlines() if line.startswith("- **GPU ")]) == 8
    assert "the computer of ranks 8 to 15, the highest of 2" in text
    assert "network cards draw power that no sensor here measures" in text


def test_a_computer_s_energy_is_called_a_part_where_it_is_one() -> None:
    """A tenth of the time was read on one computer, and of another nobody knows more than that it is so much."""
    first, second, third = (node_record([rank], processes=3) for rank in range(3))
    part = with_gpu_energy(second, coverage=0.1, recording_high=None)
    vague = with_gpu_energy(third, recording_low=0.0, recording_high=3 * JOULES)
    summaries = [decode_summary(encode_summary(summarize_node(one))) for one in (part, vague)]
    lines = dict(computer_lines(merge_nodes(first, summaries)))
    assert ", GPU energy 700 Wh in 1 h" in lines["Computer of rank 0"]
    assert ", GPU energy at least 700 Wh in 1 h" in lines["Computer of rank 1"]
    assert ", GPU energy between 0 and 2.10 kWh in 1 h" in lines["Computer of rank 2"]


def with_gpu_energy(record: RunRecord, **changes: Any) -> RunRecord:
    """The node with an energy of which other bounds and coverage are known."""
    gpu = msgspec.structs.replace(record.energy.gpu, **changes)
    return msgspec.structs.replace(record, nodes=(record.nodes[0].with_gpu_energy(gpu),))


def test_a_thousand_computers_do_not_fill_a_card() -> None:
    """Sixteen lines, and how many more there are."""
    processes = 1024
    others = [node_record([rank], processes=processes) for rank in range(1, processes)]
    text = render_section(merge_nodes(node_record([0], processes=processes), others))
    assert len([line for line in text.splitlines() if line.startswith("- **Computer of ")]) == 16
    assert "- **Further computers.** 1,008, in the record." in text
    assert len(text) < 30_000


def test_one_computer_has_no_such_line() -> None:
    """A job of several processes on one computer."""
    assert "Computer of" not in render_section(merge_nodes(node_record(range(8), processes=8), []))
