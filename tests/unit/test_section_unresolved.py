"""A run too short for its counter: the interval is printed, and nothing is divided or multiplied."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace
from section_records import with_energy, with_place

from cardcallback.console import end_line
from cardcallback.ratios import with_ratios
from cardcallback.record import Measurement, RunRecord, Scope, is_unresolved
from cardcallback.render.card.emissions import emissions_metadata
from cardcallback.render.card.filling import fill_placeholders
from cardcallback.render.card.values import card_values
from cardcallback.render.section import render_section
from cardcallback.testing import make_record


def _record(*, seconds: float = 1.2, low: float = 0.0, high: float = 151.0) -> RunRecord:
    record = make_record()
    gpu = replace(record.energy.gpu, value=70.0, recording_low=low, recording_high=high)
    return replace(with_energy(record, gpu=gpu, phases=()), duration_seconds=seconds)


def test_the_interval_stands_in_place_of_the_digits() -> None:
    """Headline, row and console: 70.0 J of 0 to 151 J is no figure of three digits."""
    section = render_section(_record())
    words = "between 0 and 151 J (too short to resolve)"
    assert f"The GPU used {words}." in section.split("\n\n")[1]
    assert "| **between 0 and 151 J** (too short to resolve) |" in section
    assert f"GPU {words}" in end_line(_record(), Path("README.md"), written=True, file=Path("record.json"))
    assert "70.0 J" not in section
    assert "Recording error as large as the figure (0 to 151 J)" in section


def test_a_template_is_not_blamed_for_a_figure_that_the_run_has_not() -> None:
    """Its unit is understood; a placeholder in words that are not has the other reason."""
    unknown = fill_placeholders("## Training\n\n- Energy: <value> kWh\n", _record())
    assert unknown.remarks == ("left: Energy (not known from this run)",)
    other_words = fill_placeholders("## Training\n\n- Energy: [furlongs]\n", make_record())
    assert other_words.remarks == ("left: Energy (asked for in words or a unit that we do not know)",)


def test_only_a_short_run_is_called_short() -> None:
    """An hour that was badly resolved was long enough."""
    section = render_section(_record(seconds=3600.0))
    assert "between 0 and 151 J (not resolved any closer)" in section
    assert "too short" not in section


@pytest.mark.parametrize(("low", "high", "unresolved"), [(40.0, 109.0, False), (35.0, 106.0, True), (0.0, 151.0, True)])
def test_wider_than_the_value_is_unresolved(low: float, high: float, unresolved: bool) -> None:  # noqa: FBT001 - a case
    """The interval's whole width counts: 69 J and 71 J beside 70 J."""
    assert is_unresolved(_record(low=low, high=high).energy.gpu) == unresolved


def test_a_part_with_a_wide_bound_stays_at_least() -> None:
    """A gap makes the interval wide, not the run's shortness."""
    record = _record()
    gap = with_energy(record, gpu=replace(record.energy.gpu, coverage=0.5))
    assert "The GPU used at least 70.0 J." in render_section(gap)


def test_nothing_is_divided_or_multiplied() -> None:
    """No energy per step or token, and no CO2e with or without a place; old records' ratios are not shown."""
    record = _record()
    ratios = with_ratios(record.energy, steps=4, training=record.training)
    for ratio in (ratios.per_step, ratios.per_token):
        assert ratio is not None
        assert ratio.value is None
        assert "wider than the energy" in (ratio.reason or "")
    wide = replace(record.energy.gpu, unit="joules/token")
    old = with_energy(record, per_token=wide, per_step=replace(wide, unit="joules/step"))
    for shown in (replace(record, energy=ratios), old, with_place(old, "DE")):
        section = render_section(shown)
        assert "of GPU energy per" not in section
        assert "not calculated: energy too short to resolve" in section


def _wide(measurement: Measurement | None) -> Measurement:
    """The same with an interval wider than the figure, which is 70.0 J or 70.0 W."""
    assert measurement is not None
    return replace(measurement, value=70.0, recording_low=20.0, recording_high=151.0)


def test_phases_are_held_to_the_same_rule() -> None:
    """A phase whose interval is wider than its energy shows the interval alone, once, and the accuracy beside."""
    record = make_record()
    *others, saving = record.energy.phases
    phases = (*others, replace(saving, energy=_wide(saving.energy)))
    section = render_section(with_energy(record, phases=phases))
    assert "; saving between 0.00556 and 0.0419 Wh (1 min in 2 visits)." in section
    assert "Beside the recording interval stands the sensor's own accuracy: not published." in section
    assert "70.0 J" not in section


def test_device_lines_are_held_to_the_same_rule() -> None:
    """Neither energy nor mean power of a device has digits that its interval does not support."""
    record = make_record()
    (device,) = record.hardware.accelerators
    unresolved = replace(device, energy=_wide(device.energy), mean_power=_wide(device.mean_power))
    wide = replace(device, energy=replace(_wide(device.energy), recording_low=60.0, recording_high=80.0))
    section = render_section(replace(record, hardware=replace(record.hardware, accelerators=(unresolved, wide))))
    interval = "recording interval {}, and beside it the sensor's own accuracy: not published"
    assert (
        f"NVIDIA GB10, energy between 0.00556 and 0.0419 Wh ({interval.format('0.00556 to 0.0419 Wh')}). Median"
        in section
    )
    assert (
        f"NVIDIA GB10, energy 0.0194 Wh ({interval.format('0.0167 to 0.0222 Wh')}), mean power 57.3 W. Median"
        in section
    )
    assert "70.0 W" not in section


def test_energies_before_beside_and_in_sessions_are_held_to_the_same_rule() -> None:
    """What came before, other sessions and stages, processor and second sensors: one rule for every energy."""
    record = make_record()
    whole = replace(record.energy.gpu, scope=Scope(gpu_core="yes", gpu_memory="yes"))
    gpu = _wide(whole)
    session = replace(record.sessions[0], energy=replace(record.energy, gpu=gpu))
    stage = replace(record.stages[0], name="SFT before", energy=gpu)
    second = replace(gpu, covers=("a second sensor",))
    before = _wide(record.energy.before_training)
    record = with_energy(record, gpu=whole, before_training=before, cpu=gpu, others=(second,))
    section = render_section(replace(record, sessions=(session, session), stages=(stage, *record.stages)))
    assert "70.0 J" not in section
    figure, beside_others = "between 20.0 and 151 J", "between 0.00556 and 0.0419 Wh"
    for words in (
        f"6 min, {figure} of GPU energy from when",
        f"GPU energy {beside_others}, completed",
        f"| CPU energy | {figure} (not resolved any closer) |",
        f"CPU {figure} (measured",
        f"A second sensor: {figure} (measured",
        "without a ratio, since not both are resolved",
        f"| 1 h 52 min | {beside_others} |",
    ):
        assert words in section, words


def test_no_unresolved_figure_goes_into_metadata_or_labels() -> None:
    """Front matter and the card's own labels have no room for an interval."""
    record = with_place(_record(), "DE")
    assert emissions_metadata(record, None) is None
    assert not card_values(record).keys() & {"energy", "carbon_emitted"}
