"""What a section must not say beside something else it says."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from section_records import RECORDS, with_energy, with_training

from cardcallback.record import EvaluationResult, InstrumentAccuracy, Measurement, RunRecord, not_measured
from cardcallback.render.section import render_section
from cardcallback.sensors.base import DeviceInfo
from cardcallback.sensors.job_devices import JobDevices
from cardcallback.sensors.nvml_devices import select_devices
from cardcallback.testing import make_record

_NOT_RESOLVED = "too uncertain here, or the run too short"


def _line(record: RunRecord, label: str) -> str:
    lines = render_section(record).splitlines()
    return next((line for line in lines if line.startswith((f"| {label}", f"- **{label}"))), "")


def test_no_note_speaks_of_an_energy_that_was_not_measured() -> None:
    """The note of a job without CUDA claims a GPU energy; without one it is left out."""
    job = JobDevices(uses_cuda=False)
    notes = select_devices([DeviceInfo(index=0, name="NVIDIA GB10")], job=job, visible_devices=None).notes
    assert "the GPU energy is" in _line(make_record(notes=notes), "Notes")
    absent = with_energy(make_record(notes=notes), gpu=not_measured("joules", "the counter failed"))
    assert "the GPU energy is" not in render_section(absent)


def test_the_reason_for_no_co2e_stands_once() -> None:
    """The row gives it; the note of the same is left to the record."""
    record = make_record(notes=("No CO2e figure: GPU energy covers 39.2 % of the run, and CO2e needs 95.0 %.",))
    record = with_energy(record, gpu=replace(record.energy.gpu, coverage=0.392))
    assert render_section(record).count("CO2e needs 95.0 %") == 1


def test_a_note_names_its_sensor_in_words() -> None:
    """A field's number is no news for a reader."""
    notes = _line(make_record(notes=("nvml:field_269: 3 of 40 readings failed (last: timeout).",)), "Notes")
    assert "slowdown: 3 of 40 readings failed" in notes
    assert "field" not in notes


def test_a_modules_cpu_is_covered_though_not_measured_by_itself() -> None:
    """What the module's figure holds is not called unmeasured without saying so."""
    assert "CPU is in the module figure; by itself it was not measured: " in _line(RECORDS["module"](), "Other energy")
    assert "CPU and memory were not measured: " in _line(make_record(), "Other energy")


def test_a_long_run_without_comparison_is_not_called_short() -> None:
    """A record of version 1 says nothing of its comparison; neither does its card."""
    old = with_energy(make_record(), consistency=None)
    assert _NOT_RESOLVED not in render_section(old)
    assert _NOT_RESOLVED in render_section(replace(old, duration_seconds=9.6))
    verdict = old.energy.consistency or make_record().energy.consistency
    assert verdict is not None
    unresolved = with_energy(old, consistency=replace(verdict, verdict="not resolved"))
    assert _NOT_RESOLVED in render_section(unresolved)


def test_an_interrupted_run_does_not_claim_its_last_weights() -> None:
    """Nobody recorded whether any were saved."""
    record = with_training(make_record(), published_step=500, published_reason=None)
    assert "These weights are from the last step, 500." in render_section(record)
    section = render_section(replace(record, status="interrupted"))
    assert "These weights are" not in section
    assert "they would be of step 500." in section


def test_an_adapter_is_no_part_of_the_base_model() -> None:
    """What is counted in the trained model holds it; without an adapter the whole model is the base."""
    record = with_training(make_record(), total_parameters=1_100_000_000, trainable_parameters=100_000_000)
    assert "| Base model | google/gemma-3-4b-it, 1.00 B parameters |" in render_section(record)
    assert "100 M trainable parameters (9.1 %)" in render_section(record)
    assert "gemma-3-4b-it |" in render_section(with_training(record, trainable_parameters=None))
    assert "gemma-3-4b-it, 1.10 B parameters |" in render_section(with_training(record, lora=None))


def test_a_held_out_loss_that_was_no_number_is_called_so() -> None:
    """It was measured and recorded; it was NaN."""
    after = EvaluationResult(step=500, loss=None, kind="token cross-entropy", covers="answer tokens only")
    record = make_record(notes=("eval_loss was not a finite number at 1 logged step, first at step 500.",))
    record = replace(record, evaluation=replace(record.evaluation, before=None, after=after))
    section = render_section(record)
    assert "| not a number |" in section
    assert "No perplexity: the loss was not a number." in section
    assert "it was not recorded" not in section


def test_memory_on_a_gpu_that_the_job_did_not_use_is_called_a_contradiction() -> None:
    """In short sentences, only where the driver lists the job's own process with memory; a simulated one is at once."""
    record = RECORDS["unused_gpu"]()
    assert "43.5 GiB. Two sources disagree here: the driver lists this job" in _line(record, "Memory.")
    simulated = _line(replace(record, simulated=True), "Memory.")
    assert "43.5 GiB. The driver is simulated, and so is this figure: PyTorch did not use the GPU. This" in simulated
    assert "disagree" not in simulated
    none = not_measured("bytes", "not in the driver's list")
    memory = replace(record.memory, accelerator_process_peak=none)
    assert "disagree here" not in render_section(replace(record, memory=memory))
    assert "disagree here" not in render_section(make_record())


def test_a_lost_gpus_state_is_told_until_it_was_lost() -> None:
    """Nobody knows its heat and company after that."""
    assert "until it was lost: no thermal slowdown recorded, no other process" in _line(
        RECORDS["lost_device"](), "Machine state"
    )
    record = RECORDS["lost_device"]()
    device = record.hardware.accelerators[0]
    back: Measurement = replace(device.energy, recording_high=400_000.0)
    hardware = replace(record.hardware, accelerators=(replace(device, energy=back),))
    assert "while it was seen: no thermal" in _line(replace(record, hardware=hardware), "Machine state")
    assert "it was" not in _line(make_record(), "Machine state")


def test_a_sensors_accuracy_is_given_once_in_full() -> None:
    """Every further interval names it and points above."""
    section = render_section(RECORDS["integral_only"]())
    assert section.count("and beside it the sensor's own accuracy: within 1 %") == 1
    assert "to 73.0 mJ, the sensor's own accuracy as above" in section


def test_an_accuracy_that_begins_another_is_not_taken_for_it() -> None:
    """A plug whose accuracy is not published, in steps of 1 W, beside a GPU's that is plainly not published."""
    record = RECORDS["tiny"]()
    accuracy = InstrumentAccuracy(statement="not published (it shows steps of 1 W)")
    system = replace(record.energy.gpu, source="plug", instrument_accuracy=accuracy)
    section = render_section(with_energy(record, system=system))
    assert section.count("and beside it the sensor's own accuracy: not published (it shows steps of 1 W)") == 1
    assert section.count("and beside it the sensor's own accuracy: not published |") == 1
    assert "as above (" not in section


def test_all_steps_are_said_only_where_all_were_measured() -> None:
    """A run whose first steps nobody measured leaves them out in each sentence."""
    section = render_section(RECORDS["resumed_elsewhere"]())
    assert "Time and energy leave out 400 of 500 steps" in section
    assert "Time and energy are for 100 of 500 steps." in section
    assert "all 500 steps" not in section
    assert "Time and energy are for all 500 steps." in render_section(make_record())


def test_only_what_was_killed_is_called_killed() -> None:
    """A completed run of which a session was recovered, or whose record alone was, was not killed."""
    killed = replace(RECORDS["interrupted"](), recovered=True)
    assert "The process was killed" in render_section(killed)
    assert "interrupted at step 300 of 500, or soon after" in render_section(killed)
    for name, words in (("two_sessions", "process of an earlier session was killed"), ("gb10", "could not be written")):
        section = render_section(replace(RECORDS[name](), recovered=True))
        assert words in section
        assert "The process was killed" not in section


@pytest.mark.parametrize(
    ("count", "words"), [(0, "processes on its other parts (MIG) not known"), (2, "at least 2 other")]
)
def test_a_divided_gpus_other_parts_are_not_called_empty(count: int, words: str) -> None:
    """The energy's row says that every job on it shares that: its list may leave out whoever is on another part."""
    record = RECORDS["divided_gpu"]()
    device = replace(record.hardware.accelerators[0], other_processes=count)
    record = replace(record, hardware=replace(record.hardware, accelerators=(device,)))
    state = _line(record, "Machine state")
    assert words in state
    assert "no other process" not in state
