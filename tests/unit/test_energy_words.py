"""Whose energy the figure is: each sentence, row, key and picture says the same."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace
from section_records import RECORDS, with_energy

from cardcallback.record import RunRecord, Scope
from cardcallback.render.card.emissions import emissions_metadata
from cardcallback.render.card.values import card_values
from cardcallback.render.energy_words import energy_owner, spending_sentence
from cardcallback.render.pictures.choice import POWER_PICTURE, picture_alt_text
from cardcallback.render.pictures.power import draw_power_and_memory
from cardcallback.render.section import render_section
from cardcallback.testing import make_record

OWNERS = {
    "unused_gpu": "the GPU, which this job did not use",
    "shared_gpu": "the whole GPU, shared with other work",
    "module": "the module (GPU and CPU)",
}


@pytest.mark.parametrize("name", OWNERS)
def test_every_place_names_the_same_owner(name: str) -> None:
    """Headline, CO2e row, ratio, filled values and front matter all say whose energy it is."""
    record, owner = RECORDS[name](), OWNERS[name]
    section = render_section(record)
    assert energy_owner(record) == owner
    assert owner[4:] in section.split("\n\n")[1]
    assert f"CO2e of {owner}" in section
    assert re.search(rf"per token drawn by {re.escape(owner)} \\|", section)
    metadata = emissions_metadata(record, None)
    assert metadata is not None
    assert f"energy of {owner}, measured" in metadata["source"]
    values = card_values(record)
    assert owner in values["energy"]
    assert owner in values["carbon_emitted"]


@pytest.mark.parametrize("name", OWNERS)
def test_no_place_takes_the_whole_for_the_jobs_own(name: str) -> None:
    """The plain words, which claim the figure for this job's GPU alone, stand nowhere."""
    record = RECORDS[name]()
    texts = [render_section(record), str(emissions_metadata(record, None)), *card_values(record).values()]
    for text in texts:
        for claim in ("The GPU used", "GPU part only", "GPU energy only", "GPU only", "of GPU energy per"):
            assert claim not in text


def test_an_unused_gpu_drew_meanwhile() -> None:
    """What the job did not use, the job did not spend."""
    assert spending_sentence(RECORDS["unused_gpu"](), "16.8 Wh") == (
        "The GPU, which this job did not use, drew 16.8 Wh meanwhile."
    )


def test_a_divided_gpu_is_shared() -> None:
    """Under MIG the energy is the whole GPU's, without any process that NVML could count."""
    headline = render_section(RECORDS["divided_gpu"]()).split("\n\n")[1]
    assert "The whole GPU, shared with other work, used 107 Wh." in headline


def test_a_modules_words_follow_its_scope() -> None:
    """What the scope set does not know is neither claimed to be in a module's figure nor out of it."""
    record = RECORDS["module"]()
    section = render_section(record)
    assert "| Module energy (GPU and CPU) |" in section
    assert "processor and memory" not in section
    assert "expect more than the module figure: the power supply is not in it" in section
    scope = record.energy.gpu.scope
    assert scope is not None
    known = replace(record.energy.gpu, scope=replace(scope, host_dram="yes"))
    assert "| Module energy (GPU, CPU and main memory) |" in render_section(with_energy(record, gpu=known))


def test_a_modules_picture_says_module() -> None:
    """Axis, legend and alternative text of a module's power trace."""
    record = RECORDS["module"]()
    axes = draw_power_and_memory(record).axes[0]
    assert axes.get_ylabel() == "module power (W)"
    assert picture_alt_text(record, POWER_PICTURE).startswith("Module power over")
    assert draw_power_and_memory(make_record()).axes[0].get_ylabel() == "GPU power (W)"


def test_the_modules_mean_beside_the_gpus_gauge_says_whose_it_is() -> None:
    """A counter of the module and a gauge of the GPU are two things in one panel."""
    gauge = tuple(
        replace(trace, source="nvml:power_average") if trace.quantity == "gpu_power" else trace
        for trace in RECORDS["module"]().traces
    )
    axes = draw_power_and_memory(replace(RECORDS["module"](), traces=gauge)).axes[0]
    assert "module mean 57.3 W" in axes.get_legend_handles_labels()[1]


def _hours(record: RunRecord) -> str:
    return card_values(record)["hours_used"]


def test_hours_used_tell_wall_time_from_gpu_hours() -> None:
    """GPU-hours only where the job used the GPU; a GPU that was measured is never called unmeasured."""
    assert _hours(make_record()) == "1.87 hours of wall time; 1.87 GPU-hours (1 GPU)"
    assert _hours(RECORDS["unused_gpu"]()) == "1.87 hours of wall time; this job did not use the GPU"
    assert _hours(RECORDS["cpu_only"]()) == "1.87 hours of wall time; no GPU measured"


def test_a_tiny_run_has_no_string_of_zeros() -> None:
    """Ten seconds are ten seconds and not 0.00267 hours."""
    assert _hours(RECORDS["tiny"]()) == "9.6 s of wall time, on 1 GPU"


def test_a_board_monitors_figure() -> None:
    """Of a Jetson's module: its parts are no clause, and what is known of GPUs' own sensors is not said of it."""
    record = make_record()
    scope = Scope(gpu_core="yes", gpu_memory="yes", cpu="yes", host_dram="yes")
    gpu = replace(record.energy.gpu, source="hwmon:ina3221:module", scope=scope)
    record = with_energy(record, gpu=gpu)
    assert spending_sentence(record, "2 Wh") == "The module (GPU, CPU and main memory) used 2 Wh."
    section = render_section(record)
    assert "the module's own power monitors (INA3221)" in section
    assert "other NVIDIA GPUs read about" not in section
