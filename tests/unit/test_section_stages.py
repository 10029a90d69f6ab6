"""The section of a run with stages before it: their rows, their sum, and what is said where there is none."""

from __future__ import annotations

import re

import pytest
from markdown_it import MarkdownIt
from msgspec.structs import replace
from section_energy import with_training
from section_stages import after, stage, stage_energy

from cardcallback.record import RunRecord, Scope, unrecorded_stage
from cardcallback.render.section import render_section
from cardcallback.testing import make_record

MODULE = Scope(gpu_core="yes", gpu_memory="yes", cpu="yes", host_dram="yes")


def _row(record: RunRecord, start: str) -> str:
    return next(line for line in render_section(record).splitlines() if line.startswith(f"| {start}"))


def _doubts(record: RunRecord) -> str:
    return next(line for line in render_section(record).splitlines() if line.startswith("- **Stages.**"))


def test_a_first_stage_has_no_word_of_stages() -> None:
    """One run is not called a chain."""
    section = render_section(make_record())
    assert "stages" not in section
    assert "Together" not in section


def test_simulated_and_real_are_kept_apart() -> None:
    """Said in the stage's row, in the row of all, and in a sentence."""
    record = after(stage(simulated=True))
    assert "| 42.0 Wh, simulated |" in _row(record, "1. SFT")
    assert "the energy of stage 1 is simulated and that of the others is not" in _row(record, "Both stages")
    assert "Stage 1 ran on simulated devices, and the others did not." in _doubts(record)


def test_energies_of_gpu_and_module_name_theirs() -> None:
    """The column's head cannot say it for both."""
    record = after(stage(energy=stage_energy(42.0, scope=MODULE), devices=("NVIDIA GH200",)))
    assert _row(record, "Stage").endswith("| Time | Energy |")
    assert "| 42.0 Wh, of the module |" in _row(record, "1. SFT")
    assert "| 107 Wh, of the GPU |" in _row(record, "2. DPO")
    assert _row(record, "Together").endswith("| not added |")


def test_a_gpu_that_a_stage_did_not_use_is_not_its_energy() -> None:
    """What it drew meanwhile is told as that, and added to nothing."""
    record = after(stage(used_by_job=False))
    assert "| 42.0 Wh, drawn meanwhile by the GPU, which the job did not use |" in _row(record, "1. SFT")
    assert "energies not added" in _row(record, "Both stages")
    (device,) = record.hardware.accelerators
    unused = replace(record.hardware, accelerators=(replace(device, used_by_job=False),))
    row = _row(replace(record, hardware=unused), "Both stages")
    assert "GPU energy 149 Wh" in row
    assert "no stage's job used the GPU: this is what it drew meanwhile" in row


def test_a_part_of_a_stage_is_at_least() -> None:
    """In its row, and so in the sum; the reason is told."""
    record = after(stage(energy_partial_reason="the GPUs of rank 3 are not in it"))
    assert "| at least 42.0 Wh |" in _row(record, "1. SFT")
    assert "GPU energy at least 149 Wh" in _row(record, "Both stages")
    assert "Stage 1: the GPUs of rank 3 are not in it." in _doubts(record)


def test_without_any_energy_there_is_a_time() -> None:
    """No zero and no invented sum."""
    record = after(stage(watt_hours=None))
    energy = replace(record.energy, gpu=replace(record.energy.system, reason="no NVIDIA driver found"))
    row = _row(replace(record, energy=energy), "Both stages")
    assert "| 2 h 52 min, energy not measured in any stage |" in row


def test_a_wide_sum_is_printed_with_both_doubts() -> None:
    """The interval of the sum is that of the stages together."""
    record = after(stage(energy=stage_energy(42.0, doubt=30_000.0)))
    row = _row(record, "Both stages")
    assert "recording interval 141 to 157 Wh, and beside it the sensor's own accuracy: not published" in row


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"weights_step": 300}, "Of stage 1 the weights are those of step 300; its time and energy are for all 800"),
        ({"status": "interrupted", "weights_step": None}, "which of its steps these weights are of is not known"),
        ({"status": "running", "weights_step": 800}, "Stage 1 is known up to its checkpoint at step 800: what its run"),
        ({"status": "running", "weights_step": None}, "Stage 1 is known up to its last checkpoint: what its run did"),
    ],
)
def test_which_weights_the_next_stage_began_from(fields: dict[str, object], words: str) -> None:
    """Said where they are not those that all of a completed stage's steps led to."""
    assert words in _doubts(after(stage(**fields)))


def test_the_base_of_a_stage_is_the_stage_before() -> None:
    """Also where two branches came together; the name of the very first base goes with it."""
    base = stage("A", base_model="google/gemma-3-4b-pt")
    branches = [stage(name, previous_run_id="run-A") for name in ("B", "C")]
    record = after(base, *branches)
    assert "| stage 1 |" in _row(record, "2. B")
    assert "| stage 1 |" in _row(record, "3. C")
    assert "| stage 3 |" in _row(record, "4. DPO")
    assert "the weights of stage 3 (C), which goes back to google/gemma-3-4b-pt" in _row(record, "Base model")
    assert "of gemma-3-4b-pt after A, B and C: " in render_section(record)


def test_no_base_is_made_out_of_a_missing_stage() -> None:
    """What lies behind an unrecorded stage is not named."""
    record = after(stage("A", base_model="google/gemma-3-4b-pt"), unrecorded_stage("its record is gone"))
    assert "not known: the model was loaded from a local folder" in _row(record, "Base model")
    assert "of a model whose Hub id is not known: " in render_section(record)
    assert "Stage 2: its record is gone." in _doubts(record)


def test_an_own_base_stays() -> None:
    """An adapter that goes on names the model it belongs to."""
    record = with_training(after(stage()), base_model="google/gemma-3-4b-it")
    assert "| Base model | google/gemma-3-4b-it," in _row(record, "Base model")
    assert "| stage 1, google/gemma-3-4b-it |" in _row(record, "2. DPO")


def test_a_long_chain_stays_readable() -> None:
    """A loop in a notebook: the last ones in full, all of them in the sums."""
    record = after(*(stage(f"round {number}", watt_hours=1.0, base_model="org/base") for number in range(60)))
    section = render_section(record)
    assert "| All 61 stages | 2 d 14 h, GPU energy 167 Wh |" in section
    assert "of base after 60 stages: " in section
    assert "| 41 earlier ones | in the record |" in section
    assert len(re.findall(r"^\| \d+\. round", section, flags=re.MULTILINE)) == 19


def test_hostile_stages_stay_text() -> None:
    """Names, bases and reasons come from other people's records."""
    for text in ("<img src=x>", "a | b", "[x](javascript:y)", "# h\n\n## Training", "</details>", "$$x$$ `y` **z**"):
        hostile = stage(text, method=text, base_model=text, dataset=text, devices=(text,), run_id=text)
        lost = replace(unrecorded_stage(text), name=text)
        named = after(hostile, replace(hostile, energy_partial_reason=text), lost)
        html, tame = (
            MarkdownIt("commonmark", {"html": True}).enable("table").render(render_section(record))
            for record in (named, after(stage(), stage("b", energy_partial_reason="x"), unrecorded_stage("x")))
        )
        for tag in ("h2", "td", "tr", "img", "a", "code", "strong", "details"):
            assert html.count(f"<{tag}") == tame.count(f"<{tag}"), (text, tag)
