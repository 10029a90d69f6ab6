"""What a template's list of stages says of each: every doubt that the section's table prints."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from section_stages import after, stage, stage_energy

from cardcallback.record import RunRecord, Scope, Stage
from cardcallback.render.card.filling import fill_placeholders
from cardcallback.render.card.values import card_values
from cardcallback.render.card.values_results import stage_items
from cardcallback.render.section import render_section

MODULE = Scope(gpu_core="yes", gpu_memory="yes", cpu="yes", host_dram="yes")
PARTIAL = "one of two GPUs is not in it"


@pytest.mark.parametrize(
    ("earlier", "words"),
    [
        (stage(), "(800 steps, 1 h, GPU energy 42.0 Wh)"),
        (stage(simulated=True), "(800 steps, 1 h, GPU energy 42.0 Wh, simulated)"),
        (
            stage(used_by_job=False),
            "(800 steps, 1 h, GPU energy 42.0 Wh, drawn meanwhile by the GPU, which the job did not use)",
        ),
        (stage(energy_partial_reason=PARTIAL), f"(800 steps, 1 h, GPU energy at least 42.0 Wh, {PARTIAL})"),
        (stage(energy=replace(stage_energy(42.0), coverage=0.5)), "(800 steps, 1 h, GPU energy at least 42.0 Wh)"),
        (stage(energy=stage_energy(42.0, scope=MODULE)), "(800 steps, 1 h, module energy 42.0 Wh)"),
        (stage(duration_is_least=True), "(800 steps, at least 1 h, GPU energy at least 42.0 Wh)"),
        (stage(watt_hours=None), "(800 steps, 1 h)"),
    ],
)
def test_a_stage_keeps_its_doubts(earlier: Stage, words: str) -> None:
    """In the list of stages and in an item of its own."""
    record = after(earlier)
    line = f"SFT with QLoRA on [trl-lib/Capybara](https://huggingface.co/datasets/trl-lib/Capybara) {words}"
    assert card_values(record)["stages"].startswith(f"{line}; DPO with QLoRA")
    assert fill_placeholders("## Training Stages\n\n1. [Stage 1]\n2. [Stage 2]\n", record).text.startswith(
        f"## Training Stages\n\n1. {line}\n2. DPO with QLoRA"
    )


@pytest.mark.parametrize(
    "earlier",
    [stage(simulated=True), stage(used_by_job=False), stage(energy=replace(stage_energy(42.0), coverage=0.5))],
)
def test_template_and_section_say_the_same(earlier: Stage) -> None:
    """The energy of a cell begins with the section's words, and names its part where no heading does."""
    record = after(earlier)
    row = next(line for line in render_section(record).splitlines() if line.startswith("| 1. SFT"))
    told = row.rstrip(" |").rpartition("| ")[2]
    assert stage_items(record)[0]["energy"].replace(", of the GPU", "") == told


def test_the_last_stage_is_the_run_as_it_is_now() -> None:
    """Simulated is said of the run's own stage, and not of the one before it."""
    items = stage_items(replace(after(stage()), simulated=True))
    assert [", simulated" in item["energy"] for item in items] == [False, True]


def _energies(record: RunRecord, *rows: str) -> list[str]:
    """What a table of stages has in its column of energy."""
    table = "## Training stages\n\n| Stage | Energy |\n|---|---|\n" + "".join(f"| {row} | [X] |\n" for row in rows)
    filled = fill_placeholders(table, record).text.strip().splitlines()[-len(rows) :]
    return [line.rstrip(" |").rpartition("| ")[2].split(",")[0] for line in filled]


def test_rows_of_one_name_are_not_all_of_one_stage() -> None:
    """As many stages of that name are theirs in order; else which row is of which stage nobody knows."""
    assert _energies(after(stage()), "SFT", "DPO") == ["42.0 Wh", "107 Wh"]
    assert _energies(after(stage()), "SFT", "SFT", "DPO") == ["[X]", "[X]", "107 Wh"]
    twice = after(stage(), stage(watt_hours=21.0))
    assert _energies(twice, "SFT", "SFT", "DPO") == ["42.0 Wh", "21.0 Wh", "107 Wh"]
    assert _energies(twice, "SFT", "DPO") == ["[X]", "107 Wh"]
    assert _energies(after(stage()), "Stage 1: SFT", "Stage 1: SFT") == ["[X]", "[X]"]
