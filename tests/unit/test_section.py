"""The whole section: golden files, promises that hold for every record, and hostile strings."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from msgspec.structs import replace
from section_records import RECORDS

from cardcallback.record import Dataset, EvaluationResult, RunRecord, not_measured
from cardcallback.render.figures import is_known
from cardcallback.render.section.whole import TITLE, render_section
from cardcallback.render.text import LONGEST_TEXT
from cardcallback.testing import make_record

GOLDEN = Path(__file__).parents[1] / "golden"
UPDATE = os.environ.get("UPDATE_GOLDEN") == "1"
MOST_VISIBLE_LINES = 40

every_record = pytest.mark.parametrize("name", RECORDS)


def visible_part(section: str) -> str:
    """The section without what is folded away."""
    return re.sub(r"<details>.*?</details>", "", section, flags=re.DOTALL)


def rendered(section: str) -> str:
    """The section as HTML, raw HTML allowed as on the Hub."""
    return MarkdownIt("commonmark", {"html": True}).enable("table").render(section)


@every_record
def test_section_is_the_golden_one(name: str) -> None:
    """The section of each situation is the reviewed text; UPDATE_GOLDEN=1 rewrites it for a new review."""
    section = render_section(RECORDS[name]())
    golden = GOLDEN / f"section_{name}.md"
    if UPDATE:
        golden.write_text(section, encoding="utf-8")
    assert section == golden.read_text(encoding="utf-8")


def test_every_golden_section_has_its_record() -> None:
    """No golden file outlives the situation it was made for."""
    assert {path.stem.removeprefix("section_") for path in GOLDEN.glob("section_*.md")} == set(RECORDS)


@every_record
def test_a_situation_agrees_with_itself(name: str) -> None:
    """No fixture's parts exceed its own figure, and no ratio is of another energy: a golden text would hide it."""
    record = RECORDS[name]()
    energy, gpu = record.energy, record.energy.gpu
    if gpu.value is None:
        assert not any(is_known(ratio) for ratio in (energy.per_step, energy.per_token))
        return
    phases = [phase.energy.value for phase in energy.phases if phase.energy.value is not None]
    assert not phases or sum(phases) == pytest.approx(gpu.value)
    assert sum(device.energy.value or 0.0 for device in record.hardware.accelerators) == pytest.approx(gpu.value)
    whole = gpu.coverage is not None and gpu.coverage >= 0.95
    assert is_known(energy.per_step) is whole
    if energy.per_token is not None and energy.per_token.value is not None:
        assert energy.per_token.value * (record.training.tokens.non_padding or 0) == pytest.approx(gpu.value)


@every_record
def test_a_reader_sees_at_most_forty_lines(name: str) -> None:
    """What is not folded stays short, headings and empty lines left out."""
    lines = [line for line in visible_part(render_section(RECORDS[name]())).splitlines() if line.strip()]
    assert len(lines) <= MOST_VISIBLE_LINES


@every_record
def test_section_begins_with_its_own_heading_only(name: str) -> None:
    """One heading, ours; none that the trainer's card also has."""
    section = render_section(RECORDS[name]())
    assert [line for line in section.splitlines() if line.startswith("#")] == [TITLE]
    assert section.endswith("\n")
    assert not section.endswith("\n\n")


@every_record
def test_no_figure_has_more_than_three_significant_digits(name: str) -> None:
    """Measured figures with a unit print three significant digits at most."""
    text = render_section(RECORDS[name]())
    figures = re.findall(r"(?<![\w.-])([\d,]+\.?\d*) (?:Wh|kWh|J|mJ|W|GiB|MiB|g|mg|kg|tokens/s|MHz|°C)\b", text)
    assert figures or name == "nothing_known"
    for figure in figures:
        digits = figure.replace(",", "").replace(".", "").strip("0") if "." not in figure else figure
        assert len(digits.replace(",", "").replace(".", "").lstrip("0")) <= 3, figure


@every_record
def test_recording_error_never_stands_without_the_instruments_accuracy(name: str) -> None:
    """Wherever a recording interval or error is printed, the sensor's own accuracy is in the same line."""
    for line in render_section(RECORDS[name]()).splitlines():
        if re.search(r"recording (interval|error)", line, flags=re.IGNORECASE) and "spans both" not in line:
            assert "sensor's own accuracy" in line


@every_record
def test_every_absence_has_a_reason(name: str) -> None:
    """No "not measured" without why, and never a word that stands for a missing value."""
    text = render_section(RECORDS[name]())
    for match in re.finditer(r"not measured(.{0,3})", text):
        assert match.group(1).startswith((": ", ",", "."))
    # "was not measured." is the headline's; the table below it gives the reason.
    assert text.count("not measured.") == text.count("Energy was not measured.")
    assert not re.search(r"\b(None|nan|inf|N/A)\b", text)


@every_record
def test_tables_and_folds_survive_markdown(name: str) -> None:
    """Every table row has as many cells as its head, and both folds hold Markdown, not raw text."""
    html = rendered(render_section(RECORDS[name]()))
    for table in re.findall(r"<table>.*?</table>", html, flags=re.DOTALL):
        rows = re.findall(r"<tr>(.*?)</tr>", table, flags=re.DOTALL)
        widths = {len(re.findall(r"<t[dh]\b", row)) for row in rows}
        assert len(widths) == 1, table
    assert html.count("<details>") == html.count("</details>") == 2
    assert "**" not in html
    assert "|---" not in html


def test_the_same_record_gives_the_same_section() -> None:
    """Rendering has no memory and no clock."""
    record = make_record()
    assert render_section(record) == render_section(record)


def test_without_pictures_nothing_links_to_them() -> None:
    """Where no picture stands beside the card, the section does not point to one."""
    section = render_section(make_record(), pictures=False)
    assert ".png" not in section
    assert ".png" in render_section(make_record())


def test_a_picture_without_data_is_not_linked() -> None:
    """A record without curves and traces links to no picture although pictures are allowed."""
    assert ".png" not in render_section(make_record(curves={}, traces=()))


def test_other_machines_are_not_told_about_sparks() -> None:
    """What was seen on a DGX Spark is said on a GB10 only."""
    assert "twice the GPU figure" in render_section(RECORDS["gb10"]())
    h100 = render_section(RECORDS["two_h100"]())
    assert "Spark" not in h100
    assert "LPDDR5X" not in h100


def test_what_held_a_device_back_is_told_once_and_where_it_matters() -> None:
    """The time's row points to it, the device's line tells it, and the notes do not repeat it."""
    for name in ("stuck_spark", "hot_h100"):
        record = RECORDS[name]()
        section = render_section(record)
        assert section.count("the GPU was slower than it can be") == 1
        assert "a GPU was slower than it can be for a part of it" in section.partition("GPU energy")[0]
        assert "**Notes.**" not in section
        (sentence,) = (words for device in record.hardware.accelerators for words in device.health)
        assert len(sentence) < LONGEST_TEXT
    assert "slower than it can be" not in render_section(RECORDS["gb10"]())


def test_time_of_a_job_elsewhere_is_not_blamed_on_a_gpu() -> None:
    """A stuck GPU that the job did not use made nothing slower: its own line tells of it, the time's row does not."""
    record = RECORDS["stuck_spark"]()
    unused = tuple(replace(device, used_by_job=False) for device in record.hardware.accelerators)
    section = render_section(replace(record, hardware=replace(record.hardware, accelerators=unused)))
    assert "a GPU was slower" not in section
    assert "SM clock below 1,400 MHz" in section


def test_several_unused_gpus_are_several_in_the_row_of_their_energy() -> None:
    """As in the headline."""
    record = RECORDS["two_h100"]()
    unused = tuple(replace(device, used_by_job=False) for device in record.hardware.accelerators)
    section = render_section(replace(record, hardware=replace(record.hardware, accelerators=unused)))
    assert "it is what the GPUs drew meanwhile" in section


def test_unknown_heat_is_not_called_none() -> None:
    """Where nothing told of heat, the line says so; a record of an earlier version keeps its words."""
    record = make_record()
    device = replace(record.hardware.accelerators[0], thermal_slowdown_time=not_measured("seconds", "not supported"))
    unknown = replace(record, hardware=replace(record.hardware, accelerators=(device,)))
    assert "thermal slowdown not known" in render_section(unknown)
    assert "no thermal slowdown recorded" in render_section(record)


def test_citations_and_sources_match() -> None:
    """Every number cited is listed once, in order."""
    for make in RECORDS.values():
        section = render_section(make())
        listed = [int(number) for number in re.findall(r"^- \\\[(\d+)\\\]", section, flags=re.MULTILINE)]
        cited = {int(number) for number in re.findall(r"\\\[(\d+)\\\]", section)}
        assert listed == list(range(1, len(listed) + 1))
        assert cited == set(listed)


def _hostile_record(text: str) -> RunRecord:
    record = make_record(notes=(text,), software={text or "x": text})
    device = replace(record.hardware.accelerators[0], name=text, throttle_reasons=(text,), health=(f"{text} h",))
    machine = replace(record.hardware.machine, name=text, processor=text, operating_system=text)
    training = replace(
        record.training,
        base_model=text,
        objective=text,
        method=text,
        trainer=text,
        trainer_library=text,
        stage=text,
        precision=text,
        loss_covers=text,
        published_reason=text,
        dataset=Dataset(name=text),
        hyperparameters={text: text, "optim": text, "lr_scheduler_type": text},
        quantization=replace(record.training.quantization, kind=text, method=text)
        if record.training.quantization
        else None,
    )
    result = EvaluationResult(loss=1.0, kind=text, covers=text, weights=text, step=450, metrics={text: 1.0})
    absent = replace(record.energy.system, reason=text or "x")
    return replace(
        record,
        training=training,
        hardware=replace(record.hardware, accelerators=(device,), machine=machine),
        evaluation=replace(record.evaluation, before=result, after=result),
        energy=replace(
            record.energy, system=absent, cpu=absent, gpu=replace(record.energy.gpu, source=text, covers=(text,))
        ),
    )


HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "--> <!-- cardcallback:end -->",
    "a | b | c",
    "[click](javascript:alert(1))",
    "![x](http://example.com/a.png)",
    "# heading\n\n## Training procedure\n",
    "`code` **bold** __bold__ ~~gone~~",
    "</details><script>",
    "$$x$$ \\| \\",
    "\u202egnp.exe\u200b\x00\x1b[31m",
    "| --- |\n| --- |",
    "1. one\n- two\n> three",
    "&lt;b&gt; &amp;",
)
# What our own Markdown makes; anything beyond it came from a hostile string.
OWN_TAGS = {
    *("h2", "p", "strong", "table", "thead", "tbody", "tr", "th", "td", "img", "details", "summary", "b", "ul", "li"),
    *("a", "code", "sub"),
}


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_strings_stay_text(text: str) -> None:
    """No outside string opens a tag, a link, a picture, a heading or a table cell of its own."""
    section = render_section(_hostile_record(text))
    html = rendered(section)
    tame = rendered(render_section(_hostile_record("x")))
    assert set(re.findall(r"<(\w+)", html)) <= OWN_TAGS
    for tag in ("h2", "td", "th", "tr", "img", "a", "code", "strong", "details", "li"):
        assert html.count(f"<{tag}") == tame.count(f"<{tag}"), tag
    assert "<!--" not in section
    assert not re.search(r"[\u202e\u200b\x00\x1b]", section)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.sampled_from("ab1 \n\t|\\`*_[]()<>#!~$&-+=.\u202e"), max_size=30))
def test_any_string_keeps_the_tables_shape(text: str) -> None:
    """Whatever a string holds, the section's tables, folds and list keep their number of parts."""
    html = rendered(render_section(_hostile_record(f"a{text}b")))
    tame = rendered(render_section(_hostile_record("ab")))
    for tag in ("h2", "td", "th", "img", "a", "code", "em", "strong", "details", "li", "del", "hr"):
        assert html.count(f"<{tag}") == tame.count(f"<{tag}"), tag


def test_several_held_out_sets_keep_their_losses_by_name() -> None:
    """Where each set has a loss of its own, no row claims that the loss was not measured."""
    results = EvaluationResult(loss=None, step=450, metrics={"eval_code_loss": 1.5, "eval_prose_loss": 2.25})
    record = make_record()
    section = render_section(replace(record, evaluation=replace(record.evaluation, before=None, after=results)))
    assert "| code_loss | 1.50 |" in section
    assert "| prose_loss | 2.25 |" in section
    assert "| Loss" not in section


def test_the_loss_has_one_row() -> None:
    """The trainer repeats the loss among its metrics; the table does not."""
    after = make_record().evaluation.after
    assert after is not None
    after = replace(after, metrics={"eval_loss": 1.043, "eval_mean_token_accuracy": 0.71, "eval_runtime": 3.0})
    section = render_section(replace(make_record(), evaluation=replace(make_record().evaluation, after=after)))
    assert "| loss |" not in section
    assert "runtime" not in section
    assert "| Token accuracy | not measured | 71.0 % |" in section
