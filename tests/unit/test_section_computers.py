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
from cardcallback.testing.records import make_measurement


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


def with_health(record: RunRecord, *sentences: tuple[str, ...]) -> RunRecord:
    """The node with what slowed each of its GPUs, as notes too."""
    devices = tuple(
        msgspec.structs.replace(device, health=told)
        for device, told in zip(record.hardware.accelerators, sentences, strict=True)
    )
    hardware = msgspec.structs.replace(record.hardware, accelerators=devices)
    session = msgspec.structs.replace(record.sessions[0], hardware=hardware)
    notes = tuple(f"GPU {number}: {words}" for number, told in enumerate(sentences) for words in told)
    return msgspec.structs.replace(record, sessions=(session,), hardware=hardware, notes=notes)


def test_what_slowed_the_gpus_of_another_computer_is_on_the_card_once() -> None:
    """With the GPU's number there; the time row says that something was slow."""
    hot = "Thermal slowdown for 12 min (20 % of the time watched): the GPU was slower than it can be."
    second = with_health(node_record([2, 3], processes=4), (), (hot,))
    merged = merge_nodes(node_record([0, 1], processes=4), [decode_summary(encode_summary(summarize_node(second)))])
    text = render_section(merged)
    assert text.count("Thermal slowdown for 12 min") == 1
    (line,) = [line for line in text.splitlines() if line.startswith("- **Computer of ranks 2 and 3.")]
    assert "Its GPU 1: Thermal slowdown for 12 min" in line
    assert "a GPU was slower than it can be for a part of it" in text


def _with_state(record: RunRecord, *states: tuple[float, float]) -> RunRecord:
    """The node with the median clock in hertz and the highest temperature of each of its GPUs."""
    devices = tuple(
        msgspec.structs.replace(
            device,
            median_sm_clock=make_measurement(hertz, "hertz", "nvml:sm_clock", "calculated"),
            highest_temperature=make_measurement(celsius, "celsius", "nvml:temperature", "sampled_peak"),
        )
        for device, (hertz, celsius) in zip(record.hardware.accelerators, states, strict=True)
    )
    hardware = msgspec.structs.replace(record.hardware, accelerators=devices)
    session = msgspec.structs.replace(record.sessions[0], hardware=hardware)
    return msgspec.structs.replace(record, sessions=(session,), hardware=hardware)


def test_clocks_and_heat_of_another_computer_are_told() -> None:
    """Of its GPUs the least and the most clock and the hottest; what one of them does not tell, none does."""
    second = _with_state(node_record([2, 3], processes=4), (1.41e9, 61.0), (1.98e9, 83.0))
    merged = merge_nodes(node_record([0, 1], processes=4), [decode_summary(encode_summary(summarize_node(second)))])
    line = dict(computer_lines(merged))["Computer of ranks 2 and 3"]
    assert "median clocks 1,410 to 1,980 MHz, at most 83.0 °C" in line
    (one, other) = merged.sessions[-1].hardware.accelerators[2:]
    assert one.median_sm_clock is not None
    assert one.median_sm_clock.source == "nvml:sm_clock"
    silent = msgspec.structs.replace(other, median_sm_clock=None)
    hardware = msgspec.structs.replace(second.hardware, accelerators=(one, silent))
    session = msgspec.structs.replace(second.sessions[0], hardware=hardware)
    second = msgspec.structs.replace(second, sessions=(session,))
    merged = merge_nodes(node_record([0, 1], processes=4), [decode_summary(encode_summary(summarize_node(second)))])
    line = dict(computer_lines(merged))["Computer of ranks 2 and 3"]
    assert "median clock" not in line
    assert "at most 83.0 °C" in line


def test_the_least_and_the_most_of_a_computer_s_gpus_are_told() -> None:
    """Whoever has one GPU that used much less than the others sees it."""
    second = node_record([2, 3], processes=4)
    devices = second.hardware.accelerators
    less = msgspec.structs.replace(devices[1], energy=msgspec.structs.replace(devices[1].energy, value=JOULES / 2))
    hardware = msgspec.structs.replace(second.hardware, accelerators=(devices[0], less))
    session = msgspec.structs.replace(second.sessions[0], hardware=hardware)
    unlike = msgspec.structs.replace(second, hardware=hardware, sessions=(session,))
    lines = dict(computer_lines(merge_nodes(node_record([0, 1], processes=4), [unlike])))
    assert "in 1 h (700 Wh each)" in lines["Computer of ranks 0 and 1"]
    assert "in 1 h (350 Wh to 700 Wh each)" in lines["Computer of ranks 2 and 3"]


def test_several_measurers_of_one_computer_are_called_that() -> None:
    """Two launchers, whose figures of the whole computer are counted once; there is no link between them."""
    parts = [summarize_node(node_record([rank], processes=3), computer="here" if rank else "") for rank in (1, 2)]
    merged = merge_nodes(node_record([0], processes=3), parts, computer="elsewhere")
    lines = dict(computer_lines(merged))
    assert lines["Computer of rank 2"].startswith("The same computer as that of rank 1: ")
    text = render_section(merged)
    assert "The job ran on 2 computers" in text
    assert "is counted once" in text
    assert merged.energy.cpu.value == 2 * 400.0 * 3600.0


def test_a_pair_of_sparks_says_what_power_nothing_measures() -> None:
    """However much else there is to tell: links and network cards, by their name in these machines."""
    name = "NVIDIA GB10"
    parts = []
    for rank in range(2):
        part = node_record([rank], processes=2, notes=[f"Something odd {number}." for number in range(30)])
        devices = tuple(msgspec.structs.replace(one, name=name) for one in part.hardware.accelerators)
        hardware = msgspec.structs.replace(part.hardware, accelerators=devices)
        session = msgspec.structs.replace(part.sessions[0], hardware=hardware)
        node = msgspec.structs.replace(part.nodes[0], accelerators=(name,))
        parts.append(msgspec.structs.replace(part, hardware=hardware, sessions=(session,), nodes=(node,)))
    text = render_section(merge_nodes(parts[0], [decode_summary(encode_summary(summarize_node(parts[1])))]))
    assert (
        "The job ran on 2 computers: the links between them and their network cards (ConnectX, in each GB10 system) "
        "draw power that no sensor here measures." in text
    )
