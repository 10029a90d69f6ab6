"""A run whose session has an unknown end took at least so long: said wherever its time or its speed is printed."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace
from section_stages import after, stage

from cardcallback import EnvironmentalImpact
from cardcallback.console import end_line
from cardcallback.record import RunRecord, stage_of
from cardcallback.render.card.filling import fill_placeholders
from cardcallback.render.card.values import card_values
from cardcallback.render.section import render_section
from cardcallback.testing import make_record

KNOWN = make_record()
LEAST = replace(KNOWN, sessions=(replace(KNOWN.sessions[0], rest_unknown=True),))


@pytest.mark.parametrize(
    ("body", "whole", "least"),
    [
        ("Training time: [X]", "1 h 52 min", "at least 1 h 52 min"),
        ("Training time: ~[X] minutes", "~112 minutes", "at least 112 minutes"),
        ("Training time (hours): [X]", "1.87", "at least 1.87"),
        ("Training time: [X] h [Y] min", "1 h 52 min", "at least 1 h 52 min"),
        ("GPU hours: [X]", "1.87 GPU-hours (1 GPU)", "at least 1.87 GPU-hours (1 GPU)"),
        (
            "Hours used: [X]",
            "1.87 hours of wall time; 1.87 GPU-hours (1 GPU)",
            "at least 1.87 hours of wall time; at least 1.87 GPU-hours (1 GPU)",
        ),
    ],
)
def test_a_time_in_a_template_is_the_least(body: str, whole: str, least: str) -> None:
    """However it is asked for; a time that is known stands alone."""
    label = body.partition(":")[0]
    assert fill_placeholders(body, KNOWN).text == f"{label}: {whole}"
    assert fill_placeholders(body, LEAST).text == f"{label}: {least}"


def test_a_speed_in_a_template_is_the_most() -> None:
    """What took longer than is known was slower."""
    assert card_values(LEAST)["throughput"].startswith("at most 821 tokens/s")
    assert not card_values(KNOWN)["throughput"].startswith("at most")
    speeds = fill_placeholders("#### Speeds, Sizes, Times\n\n[More Information Needed]\n", LEAST).text
    assert "at least 1 h 52 min for 500 steps (at most 0.0744 steps/s)" in speeds
    assert "(at most 821 tokens/s)" in speeds


def _without_tokens(record: RunRecord) -> RunRecord:
    return replace(record, training=replace(record.training, tokens=replace(record.training.tokens, non_padding=None)))


def test_the_section_says_it_in_every_row() -> None:
    """In the headline, the row of time and the row of speed."""
    section = render_section(LEAST)
    assert "QLoRA fine-tune of gemma-3-4b-it: at least 1 h 52 min on " in section
    assert "| Time | at least 1 h 52 min," in section
    assert "| Speed | at most 821 tokens/s" in section
    assert "| Speed | at least 13 s a step" in render_section(_without_tokens(LEAST))
    assert "at least 1 h" not in render_section(KNOWN)
    assert "at most 8" not in render_section(KNOWN)


def test_the_calculator_and_the_console_say_it() -> None:
    """Where neither section nor template is read."""
    words = "hours (measured"
    assert f"| at least 1.87 {words}" in EnvironmentalImpact.from_record(LEAST).generate_report()
    assert f"| 1.87 {words}" in EnvironmentalImpact.from_record(KNOWN).generate_report()
    assert ": at least 1 h 52 min, " in end_line(LEAST, Path("README.md"), written=True, file=Path("record.json"))


def test_the_next_stage_says_it_of_this_one() -> None:
    """In its line of the table and in the sum of all, from what the chain keeps."""
    kept = stage_of(LEAST)
    assert kept.duration_is_least
    assert not stage_of(KNOWN).duration_is_least
    section = render_section(after(kept))
    assert "| at least 1 h 52 min | 107 Wh |" in section
    assert "| Together |  |  |  | at least 3 h 44 min |" in section
    assert "| Together |  |  |  | 2 h 52 min |" in render_section(after(stage()))
