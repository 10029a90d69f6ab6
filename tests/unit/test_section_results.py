"""The result table: what a row may claim of a run that was resumed, shared or barely measured."""

from __future__ import annotations

from msgspec.structs import replace
from section_records import RECORDS, with_energy, with_place

from cardcallback.record import RunRecord, Tokens, Window, not_measured
from cardcallback.render.section import render_section
from cardcallback.testing import make_record
from cardcallback.units import BYTES_PER_GIBIBYTE


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


def test_a_baseline_above_the_peak_says_when_it_was_read() -> None:
    """Memory may fall between the callback's construction and training: the two are of different moments."""
    record = make_record()
    peak = replace(record.memory.system_peak, value=7.5 * BYTES_PER_GIBIBYTE)
    record = replace(record, memory=replace(record.memory, system_peak=peak))
    assert "peak 7.50 of 120 GiB; 8.00 GiB when the callback was made" in row(record, "Memory in use")
    baseline = record.memory.system_baseline
    late = replace(baseline, window=Window(name="training began", begin_seconds=0.0))
    record = replace(record, memory=replace(record.memory, system_baseline=late))
    assert "8.00 GiB when training began" in row(record, "Memory in use")


def test_every_figure_of_a_part_is_a_lower_bound() -> None:
    """A stretch that nothing bounds is missing from the ratio and from the CO2e as it is from the energy."""
    record = make_record()
    open_end = {"coverage": 0.97, "recording_high": None}
    figures = {name: replace(getattr(record.energy, name), **open_end) for name in ("gpu", "per_token", "per_step")}
    part = with_energy(record, **figures)
    counted = replace(part, training=replace(part.training, tokens=Tokens(reason="nobody counted them")))
    assert "used at least 107 Wh" in render_section(part)
    assert "; at least 69.8 mJ of GPU energy per token" in row(part, "Speed")
    assert "; at least" in row(counted, "Speed")
    assert "depends on the grid: at least 107 Wh is at least 3.3 g in Norway, at least 76 g" in row(part, "CO2e")
    placed = row(with_place(part, "DE"), "CO2e")
    assert "| at least 3" in placed
    assert "calculated: at least 107 Wh" in placed
    assert "at least" not in render_section(record)


def test_a_peak_above_the_total_is_doubted() -> None:
    """No card prints 24 of 16 GiB as if that could be."""
    record = RECORDS["module"]()
    (device,) = record.hardware.accelerators
    small = replace(device, memory_total_bytes=16 * BYTES_PER_GIBIBYTE)
    record = replace(record, hardware=replace(record.hardware, accelerators=(small,)))
    found = row(record, "GPU memory of this job")
    assert "43.5 GiB by its reading, more than the 16.0 GiB there are: one of the two is wrong" in found


def test_a_reason_is_given_once() -> None:
    """A reader who has read why needs no second copy of it."""
    section = render_section(RECORDS["cpu_only"]())
    assert section.count("not measured: no NVIDIA driver found") == 1
    assert "not measured, as above" in section


def test_advice_for_the_author_is_not_for_the_reader() -> None:
    """What to set next time stands on no card, beside the hints for rendering."""
    record = make_record(notes=("the numbers were taken in PCI order (set CUDA_DEVICE_ORDER=PCI_BUS_ID).",))
    tokens = Tokens(reason='the trainer counted no tokens: set include_num_input_tokens_seen="non_padding"')
    reason = 'the model was loaded from a local folder: name it with CardCallback(base_model="a/b")'
    training = replace(record.training, tokens=tokens, base_model=None, base_model_reason=reason)
    section = render_section(replace(record, training=training))
    assert "tokens/s not measured: the trainer counted no tokens |" in section
    assert "| Base model | not known: the model was loaded from a local folder |" in section
    assert "The numbers were taken in PCI order." in section
    for advice in ("include_num", "CardCallback(", "CUDA_DEVICE_ORDER"):
        assert advice not in section


def test_phases_too_short_to_resolve_read_as_a_sentence() -> None:
    """Phases without an energy stand together with their reason; the others with their share."""
    record = make_record()
    short = not_measured("joules", "too short to resolve")
    phases = tuple(
        phase if phase.phase == "training" else replace(phase, energy=short) for phase in record.energy.phases
    )
    section = render_section(replace(record, energy=replace(record.energy, phases=phases)))
    assert (
        "- **Phases.** Of the GPU energy: training 102 Wh (1 h 45 min in 11 visits). Energy of evaluation "
        "(6 min in 10 visits) and saving (1 min in 2 visits) was not measured: too short to resolve."
    ) in section


def test_a_run_of_no_step_says_so_first() -> None:
    """Its card may lie beside weights that were saved as they had come."""
    record = make_record()
    section = render_section(replace(record, training=replace(record.training, steps=0)))
    headline = next(line for line in section.splitlines() if line.startswith("**"))
    assert "1 h 52 min on one NVIDIA DGX Spark, no optimiser step taken. " in headline


def test_phases_without_an_energy_sensor_have_their_time() -> None:
    """In a sentence that says what the figures are of."""
    record = make_record()
    absent = not_measured("joules", "no NVIDIA driver found")
    saving = replace(record.energy.phases[-1], energy=absent)
    section = render_section(with_energy(record, gpu=absent, gpu_counter=absent, phases=(saving,), per_step=None))
    assert "- **Phases.** Of the time: saving 1 min in 2 visits.\n" in section


def test_a_step_says_what_its_energy_holds() -> None:
    """The training phase's where it was resolved, otherwise the whole window's."""
    record = make_record()
    assert "737 J of GPU energy per optimiser step; evaluation and saving left out." in render_section(record)
    assert record.energy.per_step is not None
    whole = replace(record.energy.per_step, window=Window(name="training"))
    assert "737 J of GPU energy per optimiser step." in render_section(with_energy(record, per_step=whole))


def test_a_wide_ratio_is_printed_with_both_its_doubts() -> None:
    """69.8 mJ a token that may be 60 to 80; a narrow interval is left to the energy's own line."""
    record = make_record()
    assert record.energy.per_token is not None
    assert record.energy.per_step is not None
    wide = with_energy(
        record,
        per_token=replace(record.energy.per_token, recording_low=0.060, recording_high=0.080),
        per_step=replace(record.energy.per_step, recording_low=700.0, recording_high=800.0),
    )
    interval = "recording interval 60.0 to 80.0 mJ, and beside it the sensor's own accuracy: not published"
    assert f"; of the energy: {interval}" in row(wide, "Speed")
    section = render_section(wide)
    assert "; evaluation and saving left out; recording interval 700 to 800 J." in section
    assert "Beside the recording interval stands the sensor's own accuracy: not published." in section
    assert "recording interval" not in row(record, "Speed")


def test_tokens_in_the_loss_stand_beside_those_that_were_read() -> None:
    """Answers only: less than half of the tokens teach."""
    assert "5.52 M tokens without padding (padding: 9 % more), 2.41 M of them in the loss" in row(
        make_record(), "Speed"
    )


def test_no_sentence_ends_twice() -> None:
    """Sentences of the driver become parts of ours: no full stop before a semicolon, nothing said twice."""
    for make in RECORDS.values():
        section = render_section(make())
        assert ".;" not in section
        assert "no energy counter: no energy counter" not in section


def test_of_several_reasons_the_speeds_own_is_given() -> None:
    """Kinds of tokens that the speed is not of may be missing for other reasons."""
    reason = (
        "tokens without padding and tokens with padding: the training batches hold no input_ids; "
        "tokens in the loss: the loss is image classification loss, not one known to be over labelled tokens"
    )
    record = replace(make_record(), training=replace(make_record().training, tokens=Tokens(reason=reason)))
    speed = row(record, "Speed")
    assert "tokens/s not measured: the training batches hold no input_ids" in speed
    assert "image classification" not in speed
    alone = replace(record, training=replace(record.training, tokens=Tokens(reason="nobody counted; why: it is so")))
    assert "tokens/s not measured: nobody counted; why: it is so" in row(alone, "Speed")


def test_two_sensors_far_apart_are_told_apart_by_a_multiple() -> None:
    """A percentage with six digits, or of nearly a hundred less, tells nobody anything."""
    record, told = RECORDS["disagreeing"](), []
    for difference in (999.0, -0.999, -0.0561, -0.5, -0.85, -1.0):
        verdict = replace(record.energy.consistency, relative_difference=difference)
        told.append(row(with_energy(record, consistency=verdict), "GPU energy"))
    words = ("1,000 times as much", "1/1,000 as much", "5.6 % less", "50 % less", "85 % less", "nothing")
    assert all(f"integrated power gives {one} over" in line for one, line in zip(words, told, strict=True))
