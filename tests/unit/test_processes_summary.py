"""What a computer leaves for its job's record: which words are dropped first, and what is counted once."""

from __future__ import annotations

import msgspec
import pytest
from node_records import JOULES, node_record

from cardcallback.processes import summarize_node
from cardcallback.processes.same_computer import once_for_each_computer
from cardcallback.processes.summary import MOST_BYTES, decode_summary, encode_summary
from cardcallback.record import Window, not_measured
from cardcallback.testing.records import make_measurement


@pytest.mark.parametrize(("length", "has_room"), [(10, {8}), (150, set(range(1, 8))), (2000, {0})])
def test_what_slowed_gpus_comes_before_other_notes(length: int, has_room: set[int]) -> None:
    """Where there is no room for all of it, how many of them were slower stays."""
    record = node_record(range(8), notes=[f"Something odd of the kind {number} was seen here." for number in range(60)])
    hot = "Hot " + "x" * length
    devices = tuple(
        msgspec.structs.replace(device, health=(f"{hot}{place}.",))
        for place, device in enumerate(record.hardware.accelerators)
    )
    hardware = msgspec.structs.replace(record.hardware, accelerators=devices)
    session = msgspec.structs.replace(record.sessions[0], hardware=hardware)
    notes = (f"GPU 1: {hot}1.", *record.notes)
    summary = summarize_node(msgspec.structs.replace(record, sessions=(session,), notes=notes))
    assert not [note for note in summary.notes if "Hot" in note]
    content = encode_summary(summary)
    assert len(content) <= MOST_BYTES
    back = decode_summary(content)
    kept = sum(bool(one.health) for one in back.accelerators)
    assert kept in has_room
    count = "8" if kept == 0 else f"{8 - kept} more"
    assert (f"{count} of its GPUs were slower than they can be for a part of the time." in back.notes) == (kept < 8)
    assert back.energy.gpu.value == pytest.approx(8 * JOULES, rel=1e-6)


@pytest.mark.parametrize("order", [1, -1])
def test_of_one_computer_s_measurers_the_longest_counts(order: int) -> None:
    """Whoever measured the whole computer for longer has what it used; one without a figure has none to give."""
    figures = [
        make_measurement(
            300.0,
            "joules",
            "rapl:package",
            "counter",
            window=Window(name="training", begin_seconds=0.0, end_seconds=30.0),
        ),
        make_measurement(
            100.0,
            "joules",
            "rapl:package",
            "counter",
            window=Window(name="training", begin_seconds=0.0, end_seconds=10.0),
        ),
        not_measured("joules", "no sensor for it on this machine"),
    ][::order]
    (found,) = once_for_each_computer(figures, ["here"] * 3)
    assert found.value == 300.0
    assert len(once_for_each_computer(figures, ["", "", "here"])) == 3
