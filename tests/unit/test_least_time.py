"""A run whose session has an unknown end took at least so long: said wherever its time or its speed is printed."""

from __future__ import annotations

from pathlib import Path

import pytest
from compared import GPU_SCOPE, run_on, with_system
from found_runs import ls
from msgspec.structs import replace
from section_records import RECORDS
from section_stages import after, stage

from cardcallback import EnvironmentalImpact, compare_runs
from cardcallback.compare import CostInput
from cardcallback.console import end_line
from cardcallback.notebook import Figures
from cardcallback.record import RunBrief, RunRecord, brief_of, encode, spent_together, stage_of
from cardcallback.render.card.filling import fill_placeholders
from cardcallback.render.card.values import card_values
from cardcallback.render.comparison import comparison_text
from cardcallback.render.figures import together_words
from cardcallback.render.section import render_section
from cardcallback.render.unfinished import unfinished_runs_note
from cardcallback.testing import make_record
from cardcallback.trackers.summary import run_summary

KNOWN = make_record()
LEAST = replace(KNOWN, sessions=(replace(KNOWN.sessions[0], rest_unknown=True),))


def _killed(record: RunRecord) -> RunRecord:
    return replace(record, sessions=tuple(replace(session, killed=True) for session in record.sessions))


@pytest.mark.parametrize(
    ("body", "whole", "least"),
    [
        ("Training time: [X]", "1 h 52 min", "at least 1 h 52 min"),
        ("Training time: ~[X] minutes", "~112 minutes", "at least 112 minutes"),
        ("Training time (hours): [X]", "1.87", "at least 1.87"),
        ("Training time: [X] h [Y] min", "1 h 52 min", "at least 1 h 52 min"),
        ("GPU hours: [X]", "1.87 GPU-hours (1 GPU)", "at least 1.87 GPU-hours (1 GPU)"),
        (
            "Hours used: [X]",
            "1.87 hours of wall time; 1.87 GPU-hours (1 GPU)",
            "at least 1.87 hours of wall time; at least 1.87 GPU-hours (1 GPU)",
        ),
    ],
)
def test_a_time_in_a_template_is_the_least(body: str, whole: str, least: str) -> None:
    """However it is asked for; a time that is known stands alone."""
    label = body.partition(":")[0]
    assert fill_placeholders(body, KNOWN).text == f"{label}: {whole}"
    assert fill_placeholders(body, LEAST).text == f"{label}: {least}"


def test_a_speed_in_a_template_is_the_most() -> None:
    """What took longer than is known was slower."""
    assert card_values(LEAST)["throughput"].startswith("at most 821 tokens/s")
    assert not card_values(KNOWN)["throughput"].startswith("at most")
    speeds = fill_placeholders("#### Speeds, Sizes, Times\n\n[More Information Needed]\n", LEAST).text
    assert "at least 1 h 52 min for 500 steps (at most 0.0744 steps/s)" in speeds
    assert "(at most 821 tokens/s)" in speeds


def brief(record: RunRecord) -> RunBrief:
    """What a folder's next run reads of it."""
    found = brief_of(encode(record).encode())
    assert found is not None
    return found


def _without_tokens(record: RunRecord) -> RunRecord:
    return replace(record, training=replace(record.training, tokens=replace(record.training.tokens, non_padding=None)))


def test_the_section_says_it_in_every_row() -> None:
    """In the headline, the row of time and the row of speed."""
    section = render_section(LEAST)
    assert "QLoRA fine-tune of gemma-3-4b-it: at least 1 h 52 min on " in section
    assert "| Time | at least 1 h 52 min," in section
    assert "| Speed | at most 821 tokens/s" in section
    assert "| Speed | at least 13 s a step" in render_section(_without_tokens(LEAST))
    assert "at least 1 h" not in render_section(KNOWN)
    assert "at most 8" not in render_section(KNOWN)


def test_the_calculator_and_the_console_say_it() -> None:
    """Where neither section nor template is read."""
    words = "hours (measured"
    assert f"| at least 1.87 {words}" in EnvironmentalImpact.from_record(LEAST).generate_report()
    assert f"| 1.87 {words}" in EnvironmentalImpact.from_record(KNOWN).generate_report()
    assert ": at least 1 h 52 min, " in end_line(LEAST, Path("README.md"), written=True, file=Path("record.json"))


def test_the_next_stage_says_it_of_this_one() -> None:
    """In its line of the table and in the sum of all, from what the chain keeps."""
    kept = stage_of(LEAST)
    assert kept.duration_is_least
    assert not stage_of(KNOWN).duration_is_least
    section = render_section(after(kept))
    assert "| at least 1 h 52 min | at least 107 Wh |" in section
    assert "| Together |  |  |  | at least 3 h 44 min |" in section
    assert "| Together |  |  |  | 2 h 52 min |" in render_section(after(stage()))


def test_a_comparison_says_it_and_divides_nothing_by_it() -> None:
    """Time, energy, rent: at least; a speed: at most; mean power: neither; and no ratio of any of them."""
    runs = [run_on("NVIDIA H100 80GB HBM3", "h", scope=GPU_SCOPE), run_on("NVIDIA A100-SXM4-80GB", "a")]
    whole = compare_runs(runs, prices=CostInput(hourly_price={"B": 2.0}))
    runs[1] = replace(runs[1], sessions=LEAST.sessions)
    least = compare_runs(runs, prices=CostInput(hourly_price={"B": 2.0}))
    touched = {"time", "gpu_energy", "mean_power", "energy_per_token_non_padding", "tokens_per_second_non_padding"}
    for before, after_kill in zip(whole.rows, least.rows, strict=True):
        if before.name in touched:
            assert before.ratios[0].value is not None
            assert after_kill.ratios[0].value is None
    cells = {one.name: one.cells[1] for one in least.rows}
    assert [cells[name].bound for name in ("time", "gpu_energy", "tokens_per_second_non_padding")] == [
        "least",
        "least",
        "most",
    ]
    assert (cells["mean_power"].bound, cells["mean_power"].detail) == (None, "over what was watched")
    text = comparison_text(least)
    assert "at least 1 h 52 min" in text
    assert "at least 3.73" in text
    assert "at least" not in comparison_text(whole)


def test_a_break_even_needs_the_whole_time() -> None:
    """Of the rented machine too: its rent is the least that it was."""
    prices = CostInput(
        electricity_price_per_kilowatt_hour=0.3,
        hourly_price={"B": 2.0},
        purchase_price={"A": 4000.0},
        life_years={"A": 4.0},
        idle_watts={"A": 10.0},
        powered_on_hours={"A": 8000.0},
    )
    owned = with_system(run_on("NVIDIA GB10", "g", energy=0.2), 2.0)
    rented = run_on("NVIDIA A100-SXM4-80GB", "a")
    assert compare_runs([owned, rented], prices=prices).break_even[0].runs is not None
    rented = replace(rented, sessions=LEAST.sessions)
    reason = compare_runs([owned, rented], prices=prices).break_even[0].reason or ""
    assert "how long a run of B went on" in reason


def test_runs_of_which_none_is_finished_say_so() -> None:
    """Alike in that, but not to be taken for whole runs."""
    runs = [replace(run_on("NVIDIA GB10", name), status="running") for name in ("a", "b")]
    assert "status" in {one.name for one in compare_runs([*runs]).differences}


def test_a_killed_session_makes_the_total_the_least() -> None:
    """By the second between the journal's last line and the kill; speeds and comparisons go on."""
    killed = _killed(KNOWN)
    section = render_section(killed)
    assert "| Time | at least 1 h 52 min," in section
    assert "at most" not in section.partition("\n| Speed |")[2].partition("\n")[0]
    # Steps may be more than are told as well, so that the time of one is neither the least nor the most.
    assert "| Speed | 13 s a step" in render_section(_without_tokens(killed))
    assert fill_placeholders("Time per step: [X]", killed).text == fill_placeholders("Time per step: [X]", KNOWN).text
    assert fill_placeholders("Training time: [X]", killed).text == "Training time: at least 1 h 52 min"
    assert "| Time | 1 h 52 min," in render_section(KNOWN)


def test_a_killed_session_used_the_least_too() -> None:
    """What its time lacks is lacking in its energies and their CO2e; figures per step are as they were."""
    killed = _killed(KNOWN)
    section = render_section(killed)
    assert "The GPU used at least 107 Wh." in section
    assert "| GPU energy | at least **107 Wh**" in section
    assert "at least 107 Wh is at least 3.3 g in Norway" in section
    assert "GPU at least 107 Wh" in end_line(killed, Path("README.md"), written=True, file=None)
    assert fill_placeholders("Energy: [X]", killed).text.startswith("Energy: at least 0.107 kWh")
    assert "| at least 0.107 kWh" in EnvironmentalImpact.from_record(killed).generate_report()
    spent = spent_together(killed.sessions)
    assert (spent.is_least, spent.is_least_time) == (True, True)
    assert card_values(killed)["energy_per_step"] == card_values(KNOWN)["energy_per_step"]
    assert "at least" not in render_section(KNOWN)


def test_the_session_that_was_killed_is_the_one_whose_energy_is_the_least() -> None:
    """Beside one that ended in good order."""
    whole = KNOWN.sessions[0]
    record = replace(KNOWN, sessions=(replace(whole, killed=True), whole))
    line = next(line for line in render_section(record).splitlines() if "; 2: " in line)
    first, _, second = line.partition("; 2: ")
    assert "GPU energy at least 107 Wh" in first
    assert "GPU energy 107 Wh" in second


@pytest.mark.parametrize("record", [_killed(KNOWN), LEAST])
def test_every_reader_says_of_the_energy_what_the_card_says(
    record: RunRecord, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Row, console, list, comparison, notebook, tracker, and the next stage of the chain."""
    (tmp_path / "training_run").mkdir()
    (tmp_path / "training_run" / "record.json").write_text(encode(record))
    told = {
        "card": render_section(record),
        "console": end_line(record, Path("README.md"), written=True, file=None),
        "ls": ls(capsys, tmp_path),
        "compare": comparison_text(compare_runs([KNOWN, replace(record, run_id="other")])),
        "stage": render_section(after(stage_of(record))),
        "notebook": Figures(record, "")._repr_html_().replace("<strong>", "").replace("</strong>", ""),
        "folded": unfinished_runs_note([replace(brief(record), status="interrupted")]) or "",
    }
    assert [name for name, text in told.items() if "at least 107 Wh" not in text.replace("**", "")] == []
    assert "more was used than was measured" in run_summary(record).texts["energy"]
    assert "more was used" not in run_summary(KNOWN).texts["energy"]


def test_a_killed_runs_parts_are_the_least_too() -> None:
    """Phases, devices, second sensors and computers went on after the last line as the whole did."""
    section = render_section(_killed(KNOWN))
    assert "training at least " in section.partition("Of the GPU energy: ")[2]
    several = RECORDS["two_h100"]()
    lines = [line for line in render_section(_killed(several)).splitlines() if line.startswith("- **GPU ")]
    assert len(lines) == len(several.hardware.accelerators)
    assert all("energy at least " in line for line in lines)
    second = replace(KNOWN.energy.gpu, source="hwmon:spbm", covers=("the GPU by the firmware",))
    beside = replace(KNOWN, energy=replace(KNOWN.energy, others=(second,)))
    told = render_section(_killed(beside)).partition("**Second sensors.**")[2]
    assert "at least 107 Wh (measured" in told
    assert "the GPU figure of at least 107 Wh" in told


def test_what_is_certain_has_the_unit_of_the_figure() -> None:
    """Of a killed run too short to resolve nothing is certain, which is no millijoule."""
    figure = replace(KNOWN.energy.gpu, value=30.0, recording_low=0.0, recording_high=120.0)
    session = replace(KNOWN.sessions[0], killed=True, energy=replace(KNOWN.energy, gpu=figure))
    assert together_words(spent_together([session])) == "at least 0 J"


def test_a_comparison_says_that_a_killed_run_used_more() -> None:
    """By a second: its ratios and its break-even stand, what they are made of is the least."""
    runs = [run_on("NVIDIA H100 80GB HBM3", "h", scope=GPU_SCOPE), _killed(run_on("NVIDIA A100-SXM4-80GB", "a"))]
    compared = compare_runs(runs, prices=CostInput(hourly_price={"B": 2.0}, electricity_price_per_kilowatt_hour=1.0))
    cells = {one.name: one.cells[1] for one in compared.rows}
    assert [cells[name].bound for name in ("time", "gpu_energy", "energy_per_token_non_padding")] == [
        "least",
        "least",
        None,
    ]
    assert not cells["gpu_energy"].is_part
    cost = compared.costs[1]
    assert (cost.is_part, cost.is_least_time) == (True, True)
    assert "until a second or so before a run was killed" in comparison_text(compared)
