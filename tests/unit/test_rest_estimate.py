"""The estimate of the rest of the machine: from published figures only, never in a measurement, CO2e or sum."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace
from section_machines import two_socket_server
from section_records import RECORDS, with_energy, with_place

from cardcallback.carbon import assess_footprint, factor_for, find_place
from cardcallback.record import RunRecord, not_measured
from cardcallback.render.section.whole import render_section
from cardcallback.rest import estimate_rest, with_rest_estimate
from cardcallback.rest.table import host_overheads
from cardcallback.testing import make_record
from cardcallback.units import JOULES_PER_WATT_HOUR

GERMANY = factor_for(find_place("DE"))


def estimated(record: RunRecord) -> RunRecord:
    """The record with its estimate, which is there."""
    record = with_rest_estimate(record)
    assert record.energy.rest_estimate is not None
    assert record.energy.rest_estimate.value is not None
    return record


def reason(record: RunRecord) -> str:
    """Why there is no estimate."""
    rest = with_rest_estimate(record).energy.rest_estimate
    assert rest is not None
    assert rest.value is None
    return rest.reason or ""


def named(name: str, record: RunRecord | None = None) -> RunRecord:
    """The record on devices of another name."""
    record = record or make_record()
    devices = tuple(replace(device, name=name) for device in record.hardware.accelerators)
    return replace(record, hardware=replace(record.hardware, accelerators=devices))


def test_a_spark_takes_a_multiple_of_its_gpu() -> None:
    """107 Wh of GPU: 1.05 times as much beside it, between 0.85 and 1.07 times, each with source and assumption."""
    rest = estimated(make_record()).energy.rest_estimate
    assert rest is not None
    joules = 107 * JOULES_PER_WATT_HOUR
    assert rest.value == pytest.approx(1.05 * joules)
    assert (rest.recording_low, rest.recording_high) == (pytest.approx(0.85 * joules), pytest.approx(1.07 * joules))
    assert (rest.method, rest.unit) == ("estimated", "joules")
    assert "sparks-dgx" in (rest.source or "")
    assert "61.6 W" in (rest.assumption or "")
    assert rest.scope is not None
    assert (rest.scope.gpu_core, rest.scope.cpu, rest.scope.supply_loss) == ("no", "yes", "unknown")


def test_the_published_pair_gives_the_multiples() -> None:
    """The factors are those of the published watts: 126 whole, 61.6 and 73.7 of the GPU, 180 at 87."""
    spark = next(row for row in host_overheads() if re.search(row.pattern, "NVIDIA GB10"))
    assert spark.value == pytest.approx((126 - 61.6) / 61.6, abs=0.005)
    assert spark.low == pytest.approx((126 - 73.7) / 61.6, abs=0.005)
    assert spark.high == pytest.approx((180 - 87) / 87, abs=0.005)


@pytest.mark.parametrize(
    ("name", "watts", "highest"),
    [
        ("NVIDIA H100 80GB HBM3", 8400 / 8 - 700, (10_200 - 5600) / 8),
        ("NVIDIA H200", 350.0, 575.0),
        ("NVIDIA B200", (14_300 - 8000) / 8, (14_300 - 8000) / 8),
        ("NVIDIA GB300", 1900 / 4, 1900 / 4),
        ("NVIDIA A100-SXM4-80GB", (6500 - 3200) / 8, (6500 - 3200) / 8),
        ("A100-SXM4-40GB", (6500 - 3200) / 8, (6500 - 3200) / 8),
    ],
)
def test_cloud_gpus_take_watts_for_the_time(name: str, watts: float, highest: float) -> None:
    """Their share of a node by its published figures, for every GPU and as long as the run took."""
    record = named(name, RECORDS["two_h100"]())
    rest = estimated(record).energy.rest_estimate
    assert rest is not None
    assert rest.value == pytest.approx(2 * watts * record.duration_seconds)
    assert rest.recording_high == pytest.approx(2 * highest * record.duration_seconds)
    assert rest.recording_low is None


@pytest.mark.parametrize("name", ["NVIDIA GeForce RTX 4090", "NVIDIA H100 PCIe", "NVIDIA H200 NVL", "NVIDIA GB200"])
def test_where_nothing_is_published_there_is_no_estimate(name: str) -> None:
    """No figure is carried over from another machine."""
    assert reason(named(name)) == f"nothing is published on the machine around {name}"


def test_reasons_not_to_estimate() -> None:
    """A measured machine, an idle or unused GPU, an energy that is missing or partial: each says so."""
    record = make_record()
    gone = not_measured("joules", "no counter")
    device = record.hardware.accelerators[0]

    def with_device(**fields: object) -> RunRecord:
        changed = replace(device, **fields)
        return replace(record, hardware=replace(record.hardware, accelerators=(changed,)))

    assert reason(RECORDS["machine_measured"]()) == "the whole machine was measured"
    assert "did not use the GPU" in reason(RECORDS["unused_gpu"]())
    assert reason(RECORDS["cpu_only"]()) == "no GPU of this job was measured"
    assert reason(with_energy(record, partial_reason="1 of 2")) == "not all GPUs of the job are known: 1 of 2"
    assert "no counter" in reason(with_device(energy=gone))
    assert "a part of the run" in reason(with_device(energy=replace(device.energy, coverage=0.4)))
    idle = replace(device.energy, value=12.0 * record.duration_seconds)
    assert "judged to hold for a GPU that draws 50.0 W to 90.0 W, and this one drew 12.0 W" in reason(
        with_device(energy=idle)
    )


@pytest.mark.parametrize("cpu", ["yes", "unknown"])
def test_beside_a_figure_that_may_hold_the_processor_there_is_no_estimate(cpu: str) -> None:
    """A module's energy has the processor in it: the estimate would tell that part twice."""
    record = named("NVIDIA GB300")
    device = record.hardware.accelerators[0]
    assert device.energy.scope is not None
    held = replace(device.energy, scope=replace(device.energy.scope, cpu=cpu))
    machine = replace(record.hardware, accelerators=(replace(device, energy=held),))
    assert "holds the processor" in reason(replace(record, hardware=machine))
    assert "holds the processor" in reason(with_energy(record, gpu=held))
    assert "holds the processor" in reason(with_energy(record, gpu=replace(held, scope=None)))
    assert estimated(record).energy.gpu.scope == record.energy.gpu.scope


def test_the_rest_overlaps_a_processor_that_was_measured() -> None:
    """Beside RAPL's figures neither row says that it is in no other figure; without them it does."""
    cpu, dram = two_socket_server().energy.cpu, two_socket_server().energy.dram
    shown = render_section(with_energy(estimated(make_record()), cpu=cpu, dram=dram)).splitlines()
    (rest,) = [line for line in shown if "(estimate)" in line]
    (processor,) = [line for line in shown if line.startswith("| CPU energy")]
    assert "overlaps the measured energy of CPU and main memory" in rest
    assert "the estimate of the rest overlaps it" in processor
    assert "in no other figure" not in rest + processor


def test_the_highest_power_seen_is_an_upper_figure() -> None:
    """8.4 kW of a node is the highest that was seen: the card says "at most", and for its share too."""
    record = named("NVIDIA H100 80GB HBM3", RECORDS["two_h100"]())
    (row,) = [line for line in render_section(estimated(record)).splitlines() if "(estimate)" in line]
    assert "at most 1.31 kWh by the highest power seen, 2.15 kWh by nameplate; at most 78 % of GPU and rest" in row
    assert "about" not in row


def test_no_measurement_and_no_co2e_changes() -> None:
    """With the estimate every other figure, the CO2e and its scope are the same to the last bit."""
    record = make_record()
    with_rest = estimated(record)
    plain, other = record.energy, with_rest.energy
    assert replace(other, rest_estimate=None) == plain
    assert assess_footprint(other, GERMANY, 1.3) == assess_footprint(plain, GERMANY, 1.3)
    without_gpu = replace(other, gpu=not_measured("joules", "x"))
    assert assess_footprint(without_gpu, GERMANY).carbon is None


def test_it_is_one_labelled_row_and_off_by_default() -> None:
    """One row says that it is an estimate, its share, its assumption and source; nothing else of the section moves."""
    record = with_place(make_record(), "DE")
    plain = render_section(record).splitlines()
    shown = render_section(estimated(record)).splitlines()
    assert not any("(estimate)" in line for line in plain)
    rows = [line for line in shown if "(estimate)" in line]
    assert len(rows) == 1
    assert "about 112 Wh (published figures give 91.0 to 114 Wh); 51 % of GPU and rest together" in rows[0]
    assert "estimated, not measured, and in no other figure" in rows[0]
    figures = ("Time", "GPU energy", "CO2e, GPU part only", "Speed")
    for name in figures:
        assert [line.split("|")[2] for line in plain if line.startswith(f"| {name} |")] == [
            line.split("|")[2] for line in shown if line.startswith(f"| {name} |")
        ]


def test_without_devices_the_reason_is_given() -> None:
    """An estimate over nothing is none."""
    assert estimate_rest(make_record().energy, (), 10.0).value is None
