"""Simulated devices of unlike kinds are shown under letters; everything else as it is."""

from __future__ import annotations

from msgspec.structs import replace
from section_sessions import two_machines

from cardcallback import EnvironmentalImpact
from cardcallback.record import Card, Fill
from cardcallback.render.card import render_card
from cardcallback.render.lettered import lettered
from cardcallback.render.section import render_section
from cardcallback.testing import make_record

NAMES = ("GB10", "H100", "Spark", "Xeon", "Cortex")


def test_no_card_sets_two_simulated_kinds_side_by_side_by_name() -> None:
    """Neither section nor front matter; the record keeps what was simulated."""
    record = two_machines()
    body = "---\nlicense: mit\n---\n\n# A model\n"
    text = render_card(record, body=body, body_kind="person", pictures=False).text
    assert "device A" in text
    assert "device B" in text
    assert not [name for name in NAMES if name in text.replace("no Blackwell GPU", "")]
    assert [device.name for device in record.hardware.accelerators] == ["NVIDIA GB10", "NVIDIA H100 80GB HBM3"]


def test_no_impact_sets_two_simulated_kinds_side_by_side_by_name() -> None:
    """A report is shown as a card is."""
    report = EnvironmentalImpact.from_record(two_machines(), location="DE").generate_report()
    assert "device A" in report
    assert not [name for name in NAMES if name in report]


def test_real_devices_and_a_single_kind_keep_their_names() -> None:
    """A real run names both, one after the other; a simulated run on one kind names it, marked as simulated."""
    real = replace(two_machines(), simulated=False)
    assert lettered(real) is real
    section = render_section(real)
    assert "on one NVIDIA GB10, then one NVIDIA H100 80GB HBM3" in section
    # What is known of a Spark alone is not said of the sum with another machine.
    assert "whole machine drew about twice" not in section.split("<details>", maxsplit=1)[0]
    assert "| GPU memory of this job | peak 43.5 GiB |" in section
    alone = make_record(simulated=True)
    assert lettered(alone) is alone


def test_what_was_filled_before_is_left_as_it_was() -> None:
    """It is compared with the card on disk, byte by byte."""
    filled = (Fill(heading="Hardware", label="Type", placeholder="[x]", text="NVIDIA GB10"),)
    card = Card(body="person", filled=filled)
    assert lettered(replace(two_machines(), card=card)).card == card
