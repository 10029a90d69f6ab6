"""Rows of stages and phases, labels of several values, lists in HTML, dates in other languages' forms, ratings."""

# ruff: noqa: E501  labels in letters that are written as escapes

from __future__ import annotations

import pytest
from card_inputs import filled
from msgspec.structs import replace
from section_stages import after, stage

from cardcallback.record import unrecorded_stage
from cardcallback.render.card.filling import fill_placeholders
from cardcallback.render.card.slots import find_slots
from cardcallback.testing import make_record

STAGES = """## Training stages

| Stage | Data | Duration (h) | Energy |
|---|---|---|---|
| {} | [X] | ~[X] | [X] Wh |
| {} | [X] | [X] | [X] kWh |
"""


def both(body: str) -> str:
    """Filled from a DPO run after SFT; a second time changes nothing."""
    record = after(stage())
    first = fill_placeholders(body, record)
    assert fill_placeholders(first.text, record, known=first.fills).text == first.text
    return first.text


@pytest.mark.parametrize("names", [("Stage 1", "Stage 2"), ("SFT", "DPO"), ("Stage 1: SFT", "Phase 2 (DPO)")])
def test_the_rows_of_stages_have_each_its_own(names: tuple[str, str]) -> None:
    """By number or by name, in the unit of the column."""
    text = both(STAGES.format(*names))
    assert (
        f"| {names[0]} | [trl-lib/Capybara](https://huggingface.co/datasets/trl-lib/Capybara) | ~1.00 | 42.0 Wh" in text
    )
    assert f"| {names[1]} | local file | 1.87 | 0.107 kWh" in text


def test_a_stage_that_the_record_does_not_know_stays() -> None:
    """Of a run without one before it, whatever number its row has."""
    text = filled(STAGES.format("Stage 1: continued pre-training", "Stage 2: DPO"))
    assert "| Stage 2: DPO | [X] | [X] | [X] kWh |" in text
    assert "| DPO | [X] | [X] | [X] kWh |" in filled(STAGES.format("SFT", "DPO"))
    assert "| Stage 3 | [X] |" in both(STAGES.format("Stage 1", "Stage 3"))


PHASES = """## Energy

| Phase | Time | Energy (kWh) |
|---|---|---|
| Training | [X] | [X] |
| {} | [X] | [X] |
| Total | [X] | [X] |
"""


def test_the_whole_does_not_stand_in_a_row_of_a_phase() -> None:
    """Where evaluation has a row of its own, training has what training took."""
    text = filled(PHASES.format("Evaluation"))
    assert "| Training | 1 h 45 min | 0.102 (GPU only, measured) |" in text
    assert "| Evaluation | 6 min | 0.00430 (GPU only, measured) |" in text
    assert "| Total | 1 h 52 min | 0.107 (GPU only, measured) |" in text


def test_a_sum_of_more_than_the_run_stays() -> None:
    """What inference takes is in no record."""
    text = filled(PHASES.format("Evaluation").replace("| Total", "| Inference | [X] | [X] |\n| Total"))
    assert "| Total | [X] | [X] |" in text
    assert "| Inference | [X] | [X] |" in text


def test_phases_that_were_not_resolved_are_left() -> None:
    """Rather than the whole of the run in the row of a part."""
    record = make_record()
    record = replace(record, energy=replace(record.energy, phases=()))
    body = PHASES.format("Evaluation")
    assert "| Training | [X] | [X] |" in fill_placeholders(body, record).text


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Train / val loss: [X] / [X]", "1.05 / 1.04"),
        ("LoRA rank / alpha: [X] / [X]", "16 / 32"),
        ("LoRA r/alpha/dropout: [X]/[X]/[X]", "16/32/0"),
        ("Training and validation loss: [X] and [X]", "1.05 and 1.04"),
        ("Batch size / gradient accumulation: TBD", "2 / 8"),
        ("Training time / GPU hours: [X] / [X]", "1 h 52 min / 1.87 GPU-hours (1 GPU)"),
        ("Energy / CO2e: [X] kWh / [X] kg", "[X] kWh / [X] kg"),  # without a place half is not known
        ("Energy / training time: [X] kWh / [X] h", "0.107 kWh (GPU only, measured) / 1.87 h"),
        ("Training time / GPU: [X] / [X] hours", "[X] / [X] hours"),
        ("Epochs × steps: [X] × [X]", "1 × 500"),
        ("Loss / colour: [X] / [X]", "[X] / [X]"),
        ("LoRA rank / alpha: [X] of [X]", "[X] of [X]"),
        ("Epochs / epochs: [X] / [X]", "[X] / [X]"),
        ("Energy / training time: [X] kWh / [X] h per epoch", "[X] kWh / [X] h per epoch"),
    ],
)
def test_a_label_of_several_values(line: str, expected: str) -> None:
    """All of them or none, in the order of the label."""
    assert filled(f"## Training\n\n- {line}\n").rstrip().endswith(f": {expected}")


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("[JJ/MM/AAAA]", "02/03/2026"),
        ("[TT.MM.JJJJ]", "02.03.2026"),
        ("[AAAA-MM-DD]", "2026-03-02"),
        ("[DD.MM.RRRR]", "02.03.2026"),
        ("[GG.AA.YYYY]", "02.03.2026"),
        ("[\u0414\u0414.\u041c\u041c.\u0413\u0413\u0413\u0413]", "02.03.2026"),
        ("[YYYY\u5e74MM\u6708DD\u65e5]", "2026\u5e7403\u670802\u65e5"),
        ("YYYY-MM-DD", "2026-03-02"),
        ("[ABAB-CD]", "[ABAB-CD]"),
        ("[MMMM]", "[MMMM]"),
    ],
)
def test_a_date_in_the_form_of_a_language(form: str, expected: str) -> None:
    """Day, month and year by the letters that the language has for them."""
    assert filled(f"## Training\n\n- Training date: {form}\n") == f"## Training\n\n- Training date: {expected}\n"


HTML = """## Training

<dl>
<dt>Epochs</dt><dd>[X]</dd>
<dt>Base model</dt>
<dd>[e.g., Org/Model-7B]</dd>
<dt>Colour</dt><dd>[X]</dd>
</dl>
<ul>
<li><b>Training time:</b> [X] hours</li>
<li>Seed: [X]
<li>Adapter<ul><li>LoRA rank: [X]</li></ul></li>
</ul>
<p>Energy: <b>[X] kWh</b></p>
"""


def test_lists_in_html_are_filled() -> None:
    """Terms and items, with the rest left byte for byte."""
    expected = HTML.replace("<dd>[X]</dd>", "<dd>1</dd>", 1).replace("[e.g., Org/Model-7B]", "google/gemma-3-4b-it")
    expected = expected.replace("[X] hours", "1.87 hours").replace("Seed: [X]", "Seed: 42")
    expected = expected.replace("rank: [X]", "rank: 16").replace("<b>[X] kWh", "<b>0.107 kWh (GPU only, measured)")
    assert filled(HTML) == expected
    assert filled(HTML.replace("\n", "\r\n")) == expected.replace("\n", "\r\n")


@pytest.mark.parametrize(
    "block",
    [
        "<pre><li>Epochs: [X]</li></pre>",
        "<!-- <li>Epochs: [X]</li> -->",
        "<dl><dt>Epochs</dt><dd>[X]<br>\n[X]</dd></dl>",
        "<dl><dd>[X]</dd><dt>Epochs</dt></dl>",
        "<table><tr><td><ul><li>Epochs: [X]</li></ul></td></tr></table>",
        "<script><li>Epochs: [X]</li></script>",
    ],
)
def test_what_is_no_plain_list_in_html_stays(block: str) -> None:
    """Code, comments, and terms that come behind."""
    assert filled(f"## Training\n\n{block}\n") == f"## Training\n\n{block}\n"


def test_a_second_meaning_of_a_term_is_no_second_value() -> None:
    """It explains the first."""
    text = filled("## Training\n\n<dl><dt>Epochs</dt><dd>[X]</dd><dd>[X]</dd></dl>\n")
    assert "<dd>1</dd><dd>[X]</dd>" in text


@pytest.mark.parametrize(
    "line", ["TDP: [X] W", "GPU TDP (W): [X]", "The GPU has a TDP of [X] W.", "Trained on a GPU with a TDP of [X] W.",
             "Power limit: [X] W"]
)  # fmt: skip
def test_a_rating_is_no_measurement(line: str) -> None:
    """The mean power is not what a device is rated at."""
    assert "[X]" in filled(f"## Training\n\n- {line}\n\n{line}\n")


def test_hours_of_recordings_are_no_training_time() -> None:
    """The same label is the run's elsewhere."""
    assert filled("## Training Data\n\n- Total hours: [X]\n").endswith("- Total hours: [X]\n")
    assert "1.87 hours" in filled("## Environmental Impact\n\n- Total hours: [X]\n")


def test_a_line_added_elsewhere_does_not_undo_a_fill() -> None:
    """A person states the same in a section about training that was not there before."""
    body = "# A\n\n## Colours\n\n- Training time: [HH:MM]\n"
    record = make_record()
    first = fill_placeholders(body, record)
    assert "01:52" in first.text
    added = f"{first.text}\n## Training\n\n- Training time: 112 minutes\n"
    assert fill_placeholders(added, record, known=first.fills).text == added


def test_a_label_whose_value_is_a_comment_introduces_nothing() -> None:
    """Since it does not any more once the comment is filled in."""
    assert "**Epochs**: 1\n| P |" in filled(
        "# A\n\n**Epochs**: <!-- c -->\n| P | Value |\n|---|---|\n| LoRA Rank | [X] |\n"
    )


COMPONENTS = """## Energy

| Component | Energy (Wh) |
|---|---|
| GPU | [X] |
| CPU | [X] |
| Network | [X] |

| Resource | Hours |
|---|---|
| GPU | [X] |
"""


def test_a_column_of_a_quantity_holds_no_names() -> None:
    """Below "Energy" the row "GPU" asks for the GPU's energy, and "CPU" for what was not measured."""
    text = filled(COMPONENTS)
    assert "| GPU | 107 (GPU only, measured) |" in text
    assert "| CPU | [X] |" in text
    assert "| GPU | 1.87 GPU-hours (1 GPU) |" in text


def test_rows_and_columns_of_no_run_stay() -> None:
    """What is projected, or of another method than this run's, was not measured."""
    rows = "| This model | [X] |\n| Projected | [X] |\n| Ours (full FT) | [X] |\n"
    text = filled(f"## Footprint\n\n| Model | Energy (kWh) |\n|---|---|\n{rows}")
    assert text.count("0.107") == 1
    assert text.count("[X]") == 2


def test_a_placeholders_words_do_not_fill_a_label_that_says_something_else() -> None:
    """The word "method" is the method of estimating here, and the method of training where the label says no more."""
    table = "## Training process\n\n| Item | Value |\n|---|---|\n| {} | [Method] |\n"
    assert "| [Method] |" in filled(table.format("Method of review"))
    assert "| measured: NVML energy counter |" in filled(table.format("Method used to estimate energy"))
    assert "QLoRA" in filled(table.format("Method used"))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("- Maximale Sequenzl\u00e4nge: %VALUE%", "2048"),
        ("- Val loss: `xx.xx`", "1.04"),
        ("- \u8bad\u7ec3\u65e5\u671f\uff1aXXXX\u5e74XX\u6708XX\u65e5", "2026\u5e7403\u670802\u65e5"),
        ("- \u80fd\u8017\uff1a\u3010X\u3011\u5343\u74e6\u65f6", "0.107\u5343\u74e6\u65f6 (GPU only, measured)"),
        ("- \u663e\u5361\u6570\u91cf\uff1a\uff1f", "1"),
        ("- \u0414\u043b\u0438\u0442\u0435\u043b\u044c\u043d\u043e\u0441\u0442\u044c \u043e\u0431\u0443\u0447\u0435\u043d\u0438\u044f: [X] \u0447", "1.87 \u0447"),
        ("- Zu\u017cycie energii: [wpisz]", "0.107 kWh (GPU only, measured)"),
        ("- E\u011fitim s\u00fcresi: [X] saat", "1.87 saat"),
        ("- \ud559\uc2b5 \uc2dc\uac04: [X]\uc2dc\uac04", "1.87\uc2dc\uac04"),
        ("- \u0645\u062f\u0629 \u0627\u0644\u062a\u062f\u0631\u064a\u0628: [X] \u0633\u0627\u0639\u0629", "1.87 \u0633\u0627\u0639\u0629"),
        ("- Start date: [DD.MM.YYYY]", "02.03.2026"),
        ("- Energy per token (mJ): ___", "69.8 (of this run's GPU energy, without padding)"),
    ],
)  # fmt: skip
def test_placeholders_and_labels_of_other_languages(line: str, expected: str) -> None:
    """In their own signs and units."""
    assert filled(f"## Training\n\n{line}\n").rstrip().endswith(expected)


def test_a_unit_of_device_hours_is_of_device_hours_only() -> None:
    """Beside the time of the run it would be another quantity."""
    table = "## Training\n\n| Metric | Unit | Value |\n|---|---|---|\n| {} | GPUh | [X] |\n"
    assert "| GPUh | 1.87 (1 GPU) |" in filled(table.format("GPU hours"))
    assert "| [X] |" in filled(table.format("Training time"))


FOLDED = """# A

<details>
<summary><b>{}</b></summary>

- Max length: [X]
- Batch size: [X]

</details>

- Epochs: [X]
"""


def test_a_summary_stands_above_what_is_folded_below_it() -> None:
    """What inference is set to is none of the run's settings; behind the fold the summary is over."""
    assert "Max length: 2048" in filled(FOLDED.format("Training settings"))
    text = filled(FOLDED.format("Inference settings"))
    assert text.count("[X]") == 2
    assert "Epochs: 1" in text


def test_a_first_row_that_is_filled_heads_the_column_as_before() -> None:
    """A pair of label and value where a table has its heads."""
    text = filled("# A\n\n**Model name** | **[X]**\n--- | ---\n**Base model** | _[X]_\n")
    assert "**QLoRA fine-tune of gemma-3-4b-it**" in text
    assert "_google/gemma-3-4b-it_" in text


def test_an_edited_value_stays_and_a_changed_record_changes_the_others() -> None:
    """In HTML, in rows of stages, and in labels of several values."""
    body = HTML + STAGES.format("Stage 1", "Stage 2") + "\n## Training\n\n- Train / val loss: [X] / [X]\n"
    first = fill_placeholders(body, after(stage()))
    edited = first.text.replace("Seed: 42", "Seed: 7")
    other = after(stage(watt_hours=50.0))
    again = fill_placeholders(edited, other, known=first.fills)
    assert again.text == edited.replace("42.0 Wh", "50.0 Wh")
    back = fill_placeholders(again.text, after(stage()), known=again.fills)
    assert back.text == edited


def test_more_than_a_value_of_ours_is_a_persons() -> None:
    """A sign before the value is no mark of a quotation."""
    first = fill_placeholders("## Training\n\n- Training time: [X]\n", make_record())
    edited = first.text.replace("1 h 52 min", "> 1 h 52 min")
    assert edited != first.text
    assert fill_placeholders(edited, make_record(duration_seconds=3360.0), known=first.fills).text == edited


def test_an_item_in_html_stands_above_the_list_in_it() -> None:
    """What inference runs on is none of this run's."""
    body = "## Training\n\n<ul><li>{}<ul><li>GPU: [X]</li></ul></li><li>Epochs: [X]</li></ul>\n"
    assert "GPU: NVIDIA GB10" in filled(body.format("<b>Training machine:</b>"))
    text = filled(body.format("Inference"))
    assert "GPU: [X]" in text
    assert "Epochs: 1" in text


@pytest.mark.parametrize(
    "body",
    [
        "## Training data\n\n| Split | Hours |\n|---|---|\n| Training | [X] |\n| Validation | [X] |\n",
        "## Corpus\n\n| Part | Duration |\n|---|---|\n| Train | [X] |\n| Validation | [X] |\n",
    ],
)
def test_the_hours_of_recordings_are_no_training_time(body: str) -> None:
    """A data set's parts are called as a run's phases are."""
    assert filled(body) == body


def test_rows_of_stages_of_another_run_stay() -> None:
    """What stands above them says whose they are."""
    body = STAGES.format("Stage 1", "Stage 2").replace("Training stages", "Previous version")
    assert both(body) == body


TWO_HEADS = """## Training stages

<table>
<tr><th rowspan="2">Stage</th><th colspan="2">Baseline</th><th colspan="2">Ours</th></tr>
<tr><th>Time</th><th>Energy</th><th>Time</th><th>Energy</th></tr>
<tr><td>Stage 1</td><td>[X]</td><td>[X]</td><td>[X]</td><td>[X]</td></tr>
</table>
"""


def test_what_stands_over_a_column_of_stages_says_whose_it_is() -> None:
    """A baseline's stages are none of the record's."""
    text = both(TWO_HEADS)
    assert "<td>Stage 1</td><td>[X]</td><td>[X]</td>" in text
    assert text.count("[X]") == 2


def test_behind_a_stage_without_a_record_numbers_say_nothing() -> None:
    """It may have been several; a name is still one."""
    record = after(unrecorded_stage("no record was found"), stage())
    text = fill_placeholders(STAGES.format("Stage 2", "SFT"), record).text
    assert "| Stage 2 | [X] | ~[X] | [X] Wh |" in text
    assert "| SFT | [trl-lib/Capybara]" in text


HTML_STAGES = """## Training stages

<table>
<tr><th>Stage</th><th>Data</th><th>Energy</th></tr>
<tr><td>Stage 1</td><td>[X]</td><td><b>[X]</b> Wh</td></tr>
<tr><td>Stage 2</td><td>[X]</td><td>&asymp; <b>[X]</b> Wh</td></tr>
</table>
"""


def test_what_stands_around_a_value_in_html_stays_as_it_is_written() -> None:
    """Tags and entities are no part of the value."""
    text = both(HTML_STAGES)
    assert "<td><b>42.0</b> Wh (of the GPU)</td>" in text
    assert "<td>&asymp; <b>107</b> Wh (of the GPU)</td>" in text


def test_a_rate_in_a_row_of_a_stage_is_another_quantity() -> None:
    """What stands behind the unit counts."""
    text = both(STAGES.format("Stage 1", "Stage 2").replace("[X] kWh", "[X] Wh per step"))
    assert "| [X] Wh per step |" in text


def test_several_values_in_html_have_their_remarks_apart() -> None:
    """As in Markdown."""
    text = filled("## Training\n\n<ul><li>Energy / training time: [X] kWh / [X] h</li></ul>\n")
    assert "<li>Energy / training time: 0.107 kWh (GPU only, measured) / 1.87 h</li>" in text


FOLD = """# A

## B

<details>
<summary>Recipe</summary>

text

### C

text

## D

text

</details>

text
"""


def test_a_heading_below_a_summary_is_nearer_than_the_summary() -> None:
    """A fold stands where it was opened among the headings, until one above it ends."""
    paths = [slot.headings for slot in find_slots(FOLD) if slot.text == "text"]
    assert paths == [("A", "B", "Recipe"), ("A", "B", "Recipe", "C"), ("A", "Recipe", "D"), ("A", "D")]


def test_what_is_nested_without_end_is_above_only_so_far() -> None:
    """Or each of many texts would have as many above it."""
    lists = find_slots("# A\n\n" + "<ul><li>x\n" * 300)
    folds = find_slots("# A\n\n" + "<details><summary>s</summary>\n\ntext\n\n" * 300 + "</details>\n\n" * 300 + "end\n")
    assert len(lists) > 200
    assert max(len(slot.headings) for slot in (*lists, *folds)) <= 17
    assert folds[-1].headings == ("A",)


def test_below_phases_nothing_is_called_by_name_nor_is_of_the_whole_run() -> None:
    """Headings that divide an energy by phases, and phases that ask for the same."""
    text = "## Energy by phase\n\n### Training\n\n- GPU: TBD\n\n### Evaluation\n\n- GPU: TBD\n"
    assert filled(text) == text
    text = "### Training\n\n- Energy: TBD\n\n### Evaluation\n\n- Energy: TBD\n"
    assert filled(text) == text
    assert "- GPU: 0.107 kWh (GPU only, measured)" in filled("## Energy by component\n\n- GPU: TBD\n- CPU: TBD\n")


def test_what_is_asked_for_beside_a_peak_is_a_peak() -> None:
    """The size of a memory is none."""
    assert "- Peak RAM/VRAM: 61.0 GiB of 120 GiB / 43.5 GiB (this job's)" in filled("- Peak RAM/VRAM: TBD\n")


def test_the_method_of_an_energy_is_how_it_was_measured() -> None:
    """And below a heading about training how the model was trained."""
    text = filled("## Energy\n\nMethod: TBD\n\n## Training\n\nMethod: TBD\n")
    assert "Method: measured: NVML energy counter" in text
    assert "Method: QLoRA (r=16, alpha=32)" in text


@pytest.mark.parametrize("label", ["- [ ] Energy [kWh]", "Energy [kWh]", "- **Energy** [kWh]", "- **Energy** (kWh)"])
def test_a_unit_in_square_brackets_is_part_of_the_label(label: str) -> None:
    """As people in the sciences write it, in a list of boxes too."""
    assert f"{label}: 0.107 (GPU only, measured)" in filled(f"## Training\n\n{label}: ____\n")
    assert "Notes [a]: [X]" in filled("## Training\n\nNotes [a]: [X]\n")


def test_the_highest_power_is_filled_where_the_record_holds_its_seconds() -> None:
    """Beside the mean, or alone; of a long run, whose trace holds minutes, both stay."""
    body = "## Power\n\n- GPU power (avg / max): TBD\n- Peak power (W): TBD\n- Max power: TBD\n"
    assert filled(body) == body
    record = make_record()
    seconds = replace(record.traces[0], points=tuple((float(second), 60.0 + second % 7) for second in range(1000)))
    text = fill_placeholders(body, replace(record, traces=(seconds,))).text
    assert "(avg / max): 57.3 W (GPU only, mean over the run) / 66.0 W (GPU only, highest mean of a second)" in text
    assert "- Peak power (W): 66.0 (GPU only, highest mean of a second)\n- Max power: TBD" in text
