"""The result table: what a row may claim of a run that was resumed, shared or barely measured."""

from __future__ import annotations

from msgspec.structs import replace
from section_records import RECORDS

from cardcallback.record import RunRecord
from cardcallback.render.section import render_section
from cardcallback.testing import make_record


def row(record: RunRecord, label: str) -> str:
    """The line of the table whose label begins with ``label``."""
    return next(line for line in render_section(record).splitlines() if line.startswith(f"| {label}"))


def test_a_resumed_record_counts_the_steps_it_measured() -> None:
    """Time beside all the steps of the weights would be another run's speed."""
    time = row(RECORDS["resumed_elsewhere"](), "Time")
    assert "100 of 500 steps (resumed at step 400; what came before is not in this record)" in time
    assert "epoch" not in time
    assert "uninterrupted" not in time


def test_only_a_whole_run_is_uninterrupted() -> None:
    """One session from step 0 that completed; nothing else."""
    assert "500 steps, 1 epoch, uninterrupted" in row(make_record(), "Time")
    for name in ("interrupted", "two_sessions", "resumed_elsewhere"):
        assert "uninterrupted" not in row(RECORDS[name](), "Time")
    stopped = replace(make_record(), training=replace(make_record().training, planned_steps=900))
    assert "stopped before the planned 900" in row(stopped, "Time")


def test_a_loss_that_was_no_number_is_said_at_the_top() -> None:
    """A diverged run must not look like one whose loss fell."""
    note = "loss was not a finite number at 9 logged steps, first at step 2."
    record = replace(make_record(notes=(note, "nvml:total stood still")), curves={"loss": ((1.0, 3.44),)})
    section = render_section(record)
    top = section.split("| | Result")[0]
    assert "**Not a number.** Loss was not a finite number at 9 logged steps, first at step 2." in top
    assert section.count("was not a finite number") == 1
    assert "- **Notes.** nvml:total stood still." in section
