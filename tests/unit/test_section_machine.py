"""What the section says of the machine beside its GPU: no ratio of unlike things, nothing added, nothing hidden."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from section_machines import gh200_with_meters, rest_estimated, smart_plug, spark_with_driver
from section_records import RECORDS, with_energy

from cardcallback.record import Measurement, RunRecord, Scope
from cardcallback.render.section.whole import render_section


def line(record: RunRecord, begin: str) -> str:
    """The one line of the section that begins so."""
    (found,) = [one for one in render_section(record).splitlines() if one.startswith(begin)]
    return found


def second_of(record: RunRecord, value_share: float, scope: Scope | None) -> RunRecord:
    """The record with a second sensor of the GPU that reads that share of it."""
    gpu = record.energy.gpu
    other = replace(
        gpu, value=(gpu.value or 0.0) * value_share, scope=scope, source="second", covers=("second sensor",)
    )
    return with_energy(record, others=(other,))


KNOWN = Scope(gpu_core="yes", gpu_memory="yes")


@pytest.mark.parametrize(
    ("scope", "share", "said"),
    [
        (KNOWN, 1.015, "consistent with the GPU figure of 107 Wh (1.5 % apart), which proves neither"),
        (KNOWN, 1.2, "20 % more than the GPU figure of 107 Wh, and which is right is not known"),
        (KNOWN, 0.8, "20 % less than the GPU figure of 107 Wh"),
        (replace(KNOWN, gpu_memory="unknown"), 1.0, "without a ratio, since what they hold of the GPU's memory"),
        (replace(KNOWN, regulators="yes"), 1.0, "without a ratio, since what they hold of voltage regulators"),
    ],
)
def test_a_ratio_needs_equal_scopes_without_unknowns(scope: Scope, share: float, said: str) -> None:
    """Two figures of the same known parts are compared; of unlike or undocumented parts both are only printed."""
    record = smart_plug()
    text = line(second_of(record, share, scope), "- **Second sensors.**")
    assert said in text
    assert ("%" in text.partition("; beside")[2]) is False


def test_meters_of_other_places_have_no_ratio() -> None:
    """A strip may feed more than the plug in it: both are printed with what they cover, and no share between them."""
    text = line(smart_plug(), "- **Second sensors.**")
    plug, strip = text.split("The strip the plug is in: ")
    assert "consistent with the whole machine's figure of 236 Wh (1.3 % apart)" in plug
    assert "without a ratio: the strip the plug is in may hold more or less than everything on the plug" in strip
    assert "% more" not in strip
    assert "which is right" not in strip


def test_an_interval_that_spans_a_second_sensor_says_so() -> None:
    """Where the figure's bounds hold what the other reads, the reader is told."""
    record = second_of(smart_plug(), 1.2, KNOWN)
    assert "spans both" not in line(record, "- **Second sensors.**")
    wide = replace(record.energy.gpu, recording_high=1.3 * (record.energy.gpu.value or 0.0))
    text = line(with_energy(record, gpu=wide), "- **Second sensors.**")
    assert "20 % more than the GPU figure of 107 Wh, whose recording interval spans both" in text


def test_what_the_gpu_figure_leaves_out_may_be_measured_beside_it() -> None:
    """With a processor's or a machine's figure in the table, the list says whose gaps these are."""
    assert line(smart_plug(), "- **Not covered").startswith("- **Not covered by the GPU figure.** CPU, main memory")
    assert line(gh200_with_meters(), "- **Covered").startswith("- **Covered by the module figure.**")
    assert line(RECORDS["gb10"](), "- **Not covered").startswith("- **Not covered.** CPU")


def test_published_accuracy_of_power_readings_is_told_beside_the_counter() -> None:
    """Nobody published the counter's on an RTX 4090, but its power readings were measured against a meter."""
    energy = line(smart_plug(), "- **Energy.**")
    assert "is **not published** for the counter; for its power readings: about 5 % low on an RTX 4090" in energy
    assert "other NVIDIA GPUs" not in energy


def test_figures_of_unlike_times_have_no_ratio() -> None:
    """A second sensor that saw half of the run is not compared with one that saw all of it."""
    record = second_of(smart_plug(), 0.5, KNOWN)
    half = replace(record.energy.others[0], coverage=0.5)
    text = line(with_energy(record, others=(half,)), "- **Second sensors.**")
    assert "the two did not watch the same time" in text
    assert "readings for 50.0 % of the time" in text


def test_the_processor_in_a_module_is_added_to_nothing() -> None:
    """The module's figure stays what its counter says, and the processor's row says that it is in it."""
    record = gh200_with_meters()
    assert "**1.06 kWh**" in line(record, "| Module energy")
    assert "a part of the module figure, added to nothing" in line(record, "| CPU energy")


@pytest.mark.parametrize(
    ("cpu", "said"), [("unknown", "is not documented, so it is added to nothing"), ("no", "no other figure")]
)
def test_the_processors_row_says_what_is_not_known(cpu: str, said: str) -> None:
    """On a GB200 nobody documents whether the GPU counter holds the processor."""
    record = gh200_with_meters()
    gpu = record.energy.gpu
    scope = replace(KNOWN, cpu=cpu)
    assert said in line(with_energy(record, gpu=replace(gpu, scope=scope)), "| CPU energy")


def test_the_machines_row_says_what_it_leaves_out() -> None:
    """The firmware's sensor is behind the supply, and what its maker does not document is not claimed."""
    row = line(spark_with_driver(), "| Whole-machine energy")
    assert "leaves out losses of the power supply" in row
    assert "main memory, network and voltage regulators are in it is not documented" in row
    assert "leaves out" not in line(smart_plug(), "| Whole-machine energy")


def test_a_lost_meter_gives_a_lower_bound_with_its_coverage() -> None:
    """A machine's figure that nothing bounds from above is "at least", with how much was seen."""
    record = spark_with_driver()
    lost = replace(record.energy.system, coverage=0.4, recording_high=None, longest_gap_seconds=4000.0)
    row = line(with_energy(record, system=lost), "| Whole-machine energy")
    assert "at least **219 Wh**" in row
    assert "readings for 40.0 % of the time" in row


def _hostile(measurement: Measurement, text: str) -> Measurement:
    return replace(measurement, source=text, covers=(text,), assumption=text)


@pytest.mark.parametrize("text", ["a | b | c", "<img src=x>", "[x](javascript:1)", "**b** `c`", "# h\n\n| x |"])
def test_hostile_words_of_a_sensor_stay_text(text: str) -> None:
    """A plugin's or record's own strings open no cell, tag or link."""
    record = with_energy(
        rest_estimated(),
        system=_hostile(spark_with_driver().energy.system, text),
        cpu=_hostile(spark_with_driver().energy.cpu, text),
        others=(_hostile(spark_with_driver().energy.others[0], text),),
        rest_estimate=_hostile(rest_estimated().energy.rest_estimate or RECORDS["gb10"]().energy.gpu, text),
    )
    section = render_section(record)
    rows = [one for one in section.splitlines() if one.startswith("| ")]
    result_rows = [one for one in rows if one.startswith(("| CPU", "| Whole-machine", "| Rest"))]
    assert len(result_rows) == 3
    assert {one.replace("\\|", "").count("|") for one in result_rows} == {4}
    assert "<img" not in section
    assert "](javascript" not in section.replace("\\[x\\](javascript", "")
