"""What all stages took together: only of like figures, with their bounds, and as a least where one is missing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from section_stages import stage, stage_energy

from cardcallback.record import InstrumentAccuracy, Scope, Stage, unrecorded_stage
from cardcallback.stages import NOT_MEASURED, stages_named, sum_stages
from cardcallback.units import JOULES_PER_WATT_HOUR

WHOLE_GPU = Scope(gpu_core="yes", gpu_memory="yes")
H100 = {"devices": ("NVIDIA H100",), "energy": stage_energy(100.0, scope=WHOLE_GPU)}


@given(st.lists(st.tuples(st.floats(1e-3, 1e6), st.floats(0, 1e3)), min_size=1, max_size=6))
def test_energies_and_bounds_add(parts: list[tuple[float, float]]) -> None:
    """The truth of each stage may lie at its bound, and all of them at once."""
    stages = [stage(f"s{place}", energy=stage_energy(wh, doubt=doubt)) for place, (wh, doubt) in enumerate(parts)]
    energy = sum_stages(stages).energy
    joules = sum(wh * JOULES_PER_WATT_HOUR for wh, _ in parts)
    doubt = sum(part for _, part in parts)
    assert energy.value == pytest.approx(joules)
    assert energy.recording_low == pytest.approx(joules - doubt)
    assert energy.recording_high == pytest.approx(joules + doubt)


def test_times_add() -> None:
    """A stage without a time makes it the least that was taken."""
    assert sum_stages([stage("a"), stage("b")]).duration_seconds == 7200.0
    together = sum_stages([unrecorded_stage("gone"), stage("b")])
    assert (together.duration_seconds, together.is_least_time) == (3600.0, True)
    together = sum_stages([stage("a", duration_is_least=True), stage("b")])
    assert (together.duration_seconds, together.is_least_time) == (7200.0, True)


@pytest.mark.parametrize(
    "lacking",
    [
        unrecorded_stage("gone"),
        stage("a", watt_hours=None),
        stage("a", energy=stage_energy(1.0), energy_partial_reason="one GPU is not in it"),
        stage("a", energy=replace(stage_energy(1.0), coverage=0.5)),
    ],
)
def test_what_is_not_known_makes_the_sum_a_least(lacking: Stage) -> None:
    """No upper bound holds for the whole."""
    together = sum_stages([lacking, stage("b")])
    assert together.is_least_energy
    assert together.energy.value is not None
    assert together.energy.recording_high is None


@pytest.mark.parametrize(
    ("stages", "why"),
    [
        ([stage("a"), stage("b", **H100)], "unlike parts"),
        ([stage("a"), stage("b", devices=("NVIDIA Thor",))], "not documented"),
        ([stage("a", devices=(), energy=replace(stage_energy(1.0), covers=())), stage("b")], "not documented"),
        ([stage("a", devices=(), energy=replace(stage_energy(1.0), covers=()))] * 2, "not documented"),
        ([stage("a", simulated=True), stage("b")], "energy of stage 1 is simulated"),
        ([stage("a"), stage("b", used_by_job=False)], "job of stage 2 did not use the GPU"),
    ],
)
def test_unlike_energies_stay_apart(stages: list[Stage], why: str) -> None:
    """And the reason is told."""
    energy = sum_stages(stages).energy
    assert energy.value is None
    assert why in (energy.reason or "")


def test_documented_parts_add_over_unlike_devices() -> None:
    """Where nothing about the parts is unknown, the device's name does not matter; their accuracies stay apart."""
    known = InstrumentAccuracy(statement="within 5 %", relative=0.05)
    other = stage_energy(50.0, scope=WHOLE_GPU)
    stages = [
        stage("a", **H100),
        stage("b", devices=("NVIDIA A100",), energy=replace(other, instrument_accuracy=known)),
    ]
    energy = sum_stages(stages).energy
    assert energy.value == pytest.approx(150 * JOULES_PER_WATT_HOUR)
    assert energy.instrument_accuracy is not None
    assert "differs by stage (stage 1: " in energy.instrument_accuracy.statement
    assert energy.instrument_accuracy.relative is None


def test_all_simulated_stages_have_a_sum() -> None:
    """Of one kind, whatever kind that is."""
    assert sum_stages([stage("a", simulated=True), stage("b", simulated=True)]).energy.value is not None


def test_an_entry_of_an_older_record_tells_its_device_by_what_it_covers() -> None:
    """It has no list of devices."""
    older = stage("a", devices=(), energy=replace(stage_energy(1.0), covers=("GPU 0: NVIDIA GB10",)))
    assert sum_stages([older, stage("b")]).energy.value is not None


def test_nothing_measured_is_no_sum() -> None:
    """And not zero."""
    energy = sum_stages([stage("a", watt_hours=None), unrecorded_stage("gone")]).energy
    assert (energy.value, energy.reason) == (None, NOT_MEASURED)


def test_stages_are_counted_from_one() -> None:
    """As in the table."""
    assert [stages_named([0]), stages_named([0, 2])] == ["stage 1", "stages 1 and 3"]
