"""The GPU power of each computer of a job over time: in few bytes, in the job's picture, and never another one's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from figure_texts import legend_of
from msgspec.structs import replace
from node_records import node_record
from ranks_of_a_node import uses

from cardcallback.processes import MeasuredNode, Place, merge_nodes, summarize_node
from cardcallback.processes.power import power_of_all_gpus
from cardcallback.processes.summary import MOST_BYTES, decode_summary, encode_summary
from cardcallback.record import Node, Point, RunRecord, Trace
from cardcallback.render.pictures.choice import computers_power, picture_alt_text
from cardcallback.render.pictures.power import draw_power_and_memory
from cardcallback.testing import FakeClock

SECONDS = 3600.0


def trace(device: int, points: Sequence[Point], source: str = "nvml:power") -> Trace:
    """One GPU's power."""
    return Trace(
        quantity="gpu_power",
        unit="watts",
        source=source,
        session=0,
        device=device,
        reduction="mean",
        points=tuple(points),
    )


def steady(watts: float, seconds: range = range(0, 3600, 10)) -> list[Point]:
    """The same all the time, read every ten seconds."""
    return [(float(second), watts) for second in seconds]


def computer(place: int, watts: float, *, computers: int = 2) -> RunRecord:
    """One with two GPUs, one of which draws half of what the other does."""
    record = node_record([2 * place, 2 * place + 1], processes=2 * computers, seconds=SECONDS)
    other = tuple(one for one in record.traces if one.quantity != "gpu_power")
    record = replace(record, traces=(trace(0, steady(watts)), trace(1, steady(watts / 2)), *other))
    return replace(record, nodes=(replace(record.nodes[0], gpu_power=power_of_all_gpus(record)),))


def job(*watts: float) -> RunRecord:
    """The joined record of computers whose first GPUs draw that."""
    first, *others = (computer(place, each, computers=len(watts)) for place, each in enumerate(watts))
    return merge_nodes(first, [decode_summary(encode_summary(summarize_node(one))) for one in others])


def test_power_is_that_of_all_gpus_in_equal_stretches() -> None:
    """And what a summary holds of it is the same to half a percent of the highest."""
    record = computer(1, 400.0)
    points = record.nodes[0].gpu_power
    assert points[0] == (30.0, 600.0)
    assert (len(points), {watts for _, watts in points}) == (60, {600.0})
    summary = decode_summary(encode_summary(summarize_node(record)))
    assert summary.node.gpu_power == points


def test_a_stretch_in_which_one_gpu_was_not_read_is_no_figure() -> None:
    """Half of the job's GPUs must not look like a pause of all of them; it stays a gap in the file too."""
    record = computer(0, 400.0)
    gap = [*steady(200.0, range(0, 1200, 10)), *steady(200.0, range(2400, 3600, 10))]
    record = replace(record, traces=(trace(0, steady(400.0)), trace(1, gap)))
    points = power_of_all_gpus(record)
    assert [seconds for seconds, _ in points] == [30.0 + 60 * place for place in (*range(20), *range(40, 60))]
    record = replace(record, nodes=(replace(record.nodes[0], gpu_power=points),))
    assert decode_summary(encode_summary(summarize_node(record))).node.gpu_power == points


@pytest.mark.parametrize(
    "traces",
    [
        (),
        (trace(0, steady(400.0)),),
        (trace(0, steady(400.0), "nvml:module_power"), trace(1, steady(400.0), "nvml:module_power")),
    ],
)
def test_what_is_not_of_every_gpu_once_is_no_power_of_the_computer(traces: tuple[Trace, ...]) -> None:
    """None was read, one was not, or two readings may be of one module."""
    assert power_of_all_gpus(replace(computer(0, 400.0), traces=traces)) == ()


@pytest.mark.parametrize("damage", ['["nan","', '[1e3,"00', "[1e3]", '[1e3,"zz'])
def test_damaged_power_is_a_damaged_summary(damage: str) -> None:
    """Nothing of it reaches a picture."""
    text = encode_summary(summarize_node(computer(1, 400.0))).decode()
    before, _, after = text.partition('"gpu_power":[600')
    assert after
    rest = after.partition("]")[2] if damage.endswith("]") else after.partition(',"')[2]
    with pytest.raises(Exception, match="is damaged"):
        decode_summary(f'{before}"gpu_power":{damage}{rest}'.encode())


def test_power_goes_first_where_a_summary_is_full() -> None:
    """A line in a picture is worth less than what a reader must know."""
    notes = [f"Something odd of the kind {number} was seen." for number in range(100)]
    for count in range(len(notes)):
        content = encode_summary(summarize_node(replace(computer(1, 400.0), notes=tuple(notes[:count]))))
        assert len(content) <= MOST_BYTES
        summary = decode_summary(content)
        if not summary.node.gpu_power:
            break
    assert summary.notes == tuple(notes[:count])
    assert 0 < count < len(notes) - 1


def test_each_computer_has_its_line() -> None:
    """Named by its processes; the memory below says whose it is, and has no other computer's peak beside it."""
    record = job(400.0, 600.0)
    figure = draw_power_and_memory(record)
    power, memory = figure.axes[0], figure.axes[-1]
    assert [name for name in legend_of(figure) if "ranks" in name] == ["GPUs of ranks 0 and 1", "GPUs of ranks 2 and 3"]
    assert [max(line.get_ydata()) for line in power.get_lines()[:2]] == [600.0, 900.0]
    assert power.get_ylabel() == "GPU power, summed (W)"
    assert memory.get_ylabel().endswith("computer of rank 0")
    assert not [text for text in memory.texts if "peak" in text.get_text()]
    words = picture_alt_text(record, "power_and_memory.png")
    assert "GPU power in each of 2 parts of the job" in words
    assert "900 W" in words
    assert "memory in use of the computer of rank 0" in words


def test_many_computers_are_one_band() -> None:
    """As many GPUs are."""
    assert "mean of 6 computers" in legend_of(draw_power_and_memory(job(*(400.0 + place for place in range(6)))))


def test_one_computer_s_power_alone_is_called_that() -> None:
    """Where the others told none, and where sessions before the last one are in the picture too."""
    record = job(400.0, 600.0)
    first, second = record.nodes
    resumed = replace(record, sessions=record.sessions * 2)
    silent = replace(record, nodes=(first, replace(second, gpu_power=())))
    for one in (resumed, silent):
        assert computers_power(one) == ()
        assert draw_power_and_memory(one).axes[0].get_ylabel() == "GPU power (W)\ncomputer of rank 0"
        assert "GPU power of the computer of rank 0 over" in picture_alt_text(one, "power_and_memory.png")


def test_a_measurer_tells_it_where_there_are_other_computers(tmp_path: Path) -> None:
    """A job of one computer has its GPUs' own traces, and no further figure."""

    def node(processes: int) -> Node:
        place = Place(processes=processes, local_processes=2, node="n")
        measurer = MeasuredNode(place, tmp_path, uses(), clock=FakeClock(), on_change=lambda: None)
        return measurer.joined(computer(0, 400.0)).nodes[0]

    assert len(node(4).gpu_power) == 60
    assert node(2).gpu_power == ()


def test_a_checkpoint_s_summary_holds_nothing_over_time() -> None:
    """Of no computer: it is uploaded with the weights, and says so."""
    short = job(400.0, 600.0).without_traces()
    assert (short.traces, short.phase_spans, [node.gpu_power for node in short.nodes]) == ((), (), [(), ()])
