"""A figure of a part of the run is called one wherever it is printed."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from section_records import RECORDS, with_energy, with_place

from cardcallback.record import RunRecord, Training, Window, not_measured
from cardcallback.render.card.emissions import emissions_metadata
from cardcallback.render.card.values import card_values
from cardcallback.render.figures import coverage_words, energy_range
from cardcallback.render.run_words import method_noun
from cardcallback.render.section import render_section
from cardcallback.testing import make_record
from cardcallback.units import JOULES_PER_WATT_HOUR


def _row(record: RunRecord, label: str) -> str:
    return next(line for line in render_section(record).splitlines() if line.startswith((f"| {label}", f"- **{label}")))


def _bounded_gap(coverage: float) -> RunRecord:
    """A GPU that was lost and came back: its counter bounds what it drew meanwhile."""
    record = make_record()
    return with_energy(record, gpu=replace(record.energy.gpu, coverage=coverage, recording_high=500_000.0))


def test_a_bounded_gap_is_a_part_too() -> None:
    """An upper bound does not make the figure whole: its time and mean are of the part that was seen."""
    record = _bounded_gap(0.64)
    assert "The GPU used at least 107 Wh." in render_section(record).split("\n\n")[1]
    row = _row(record, "GPU energy")
    assert "at least **107 Wh** (mean 57.3 W over the part it saw)" in row
    assert "NVML energy counter over the part it saw; readings for 64.0 % of the time" in row
    assert "over the whole run" not in row


def test_an_open_end_says_that_the_rest_is_not_known() -> None:
    """A bridged counter that was lost is told in one clear sentence."""
    record = _bounded_gap(0.64)
    gpu = replace(record.energy.gpu, recording_high=None, method="counter_bridged")
    assert (
        "bridged with integrated power where the counter failed, over the part it saw (the rest is not known);"
    ) in _row(with_energy(record, gpu=gpu), "GPU energy")


def test_co2e_of_a_part_is_at_least() -> None:
    """Row, filled value and front matter."""
    record = with_place(_bounded_gap(0.97), "DE")
    assert "| at least " in _row(record, "CO2e")
    assert card_values(record)["carbon_emitted"].startswith("at least ")
    assert card_values(record)["energy"].startswith("at least ")
    metadata = emissions_metadata(record, None)
    assert metadata is not None
    assert "; at least 107 Wh x " in metadata["source"]


def test_one_lost_device_of_two_is_at_least() -> None:
    """Each device's line goes by its own coverage."""
    record = RECORDS["two_h100"]()
    lost, well = record.hardware.accelerators
    lost = replace(lost, energy=replace(lost.energy, coverage=0.31, recording_high=None))
    record = replace(record, hardware=replace(record.hardware, accelerators=(lost, well)))
    assert "energy at least 300 Wh" in _row(record, "GPU 0.")
    assert "energy 300 Wh" in _row(record, "GPU 1.")


def test_a_device_is_named_by_the_number_that_notes_give_it() -> None:
    """A job on the GPUs 4 and 6 of a machine has lines of these; where one tells no number, by their places."""
    record = RECORDS["two_h100"]()
    first, second = record.hardware.accelerators
    numbered = (replace(first, number=4), replace(second, number=6))
    lines = render_section(replace(record, hardware=replace(record.hardware, accelerators=numbered))).splitlines()
    assert [line.split("**")[1] for line in lines if line.startswith("- **GPU ")] == ["GPU 4.", "GPU 6."]
    partly = replace(record, hardware=replace(record.hardware, accelerators=(numbered[0], second)))
    assert "energy 300 Wh" in _row(partly, "GPU 1.")


def test_earlier_stages_and_sessions_are_at_least_too() -> None:
    """What was seen of a third of a stage is no figure of the stage."""
    record = RECORDS["dpo_after_sft"]()
    first, *rest = record.stages
    energy = replace(make_record().energy.gpu, value=542.0, coverage=0.31, recording_high=None)
    record = replace(record, stages=(replace(first, energy=energy, duration_seconds=600.0), *rest))
    assert "| at least 0.151 Wh |" in _row(record, "1. continued pre-training")
    record = RECORDS["two_sessions"]()
    first_session, second = record.sessions
    lost = replace(first_session, energy=replace(first_session.energy, gpu=energy))
    assert "GPU energy at least 0.151 Wh" in _row(replace(record, sessions=(lost, second)), "Sessions")


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (3480.0, 1.02 * JOULES_PER_WATT_HOUR, "0.967 to 1.02 Wh"),
        (0.2, 151.0, "0.200 to 151 J"),
        (900 * JOULES_PER_WATT_HOUR, 1100 * JOULES_PER_WATT_HOUR, "0.900 to 1.10 kWh"),
        (101 * JOULES_PER_WATT_HOUR, 112 * JOULES_PER_WATT_HOUR, "101 to 112 Wh"),
    ],
)
def test_a_range_has_one_unit(low: float, high: float, words: str) -> None:
    """The larger end's, so that the two ends compare at sight."""
    assert energy_range(low, high) == words


def test_a_range_has_the_unit_of_what_it_stands_beside() -> None:
    """2,010 J lies at sight between its bounds, though the upper one alone would be told in Wh."""
    assert energy_range(1910.0, 3640.0, 2010.0) == "1,910 to 3,640 J"
    assert energy_range(880 * JOULES_PER_WATT_HOUR, 1.2e3 * JOULES_PER_WATT_HOUR, 3.24e6) == "880 to 1,200 Wh"


def test_a_sample_is_never_no_time_at_all() -> None:
    """A gauge that looks for a thousandth of a percent did look."""
    gpu = replace(make_record().energy.gpu, coverage=1.0, observed=0.00001)
    assert coverage_words(gpu) == (
        "no gaps; the sensor itself looked at less than 0.1 % of the time, which is a sample of it"
    )


def test_a_counter_that_stood_still_was_there() -> None:
    """Its reason is not told as its absence."""
    record = RECORDS["integral_only"]()
    reason = "the energy counter did not advance while the device was in use"
    row = _row(with_energy(record, gpu_counter=not_measured("joules", reason)), "GPU energy")
    assert f"; {reason};" in row
    assert "no energy counter" not in row


def test_a_sensor_due_more_rarely_than_the_run_is_long_was_read_only_a_few_times() -> None:
    """Every five minutes, of a run of 47 seconds, tells nobody how often it was read."""
    record = make_record()
    power = replace(
        record.energy.gpu,
        method="integrated_power",
        sampling_interval_seconds=309.0,
        window=Window(name="training", begin_seconds=0.0, end_seconds=47.0),
    )
    row = _row(with_energy(record, gpu=power), "GPU energy")
    assert ", read only a few times, integrated" in row
    assert "5 min 9 s" not in row


def test_an_interval_far_above_its_figure_is_in_its_own_unit() -> None:
    """A figure of nearly nothing would have its bound in tens of thousands."""
    assert energy_range(0.0, 37.9, 0.2) == "0 to 37.9 J"
    assert energy_range(0.1, 37.9, 0.2) == "0.100 to 37.9 J"


@pytest.mark.parametrize(
    ("method", "objective", "words"),
    [
        ("fine-tuning of part of the weights", None, "Fine-tune of part of the weights"),
        ("fine-tuning of part of the weights", "regression", "regression (fine-tune of part of the weights)"),
        ("full fine-tuning", None, "Full fine-tune"),
        ("full fine-tuning", "DPO", "DPO (full fine-tune)"),
        ("QLoRA", "SFT", "QLoRA fine-tune"),
        (None, None, "Training"),
    ],
)
def test_a_method_is_said_once(method: str | None, objective: str | None, words: str) -> None:
    """Not "fine-tuning of part of the weights fine-tune"."""
    assert method_noun(Training(method=method, objective=objective)) == words
