"""Rows of stages and phases, labels of several values, lists in HTML, dates in other languages' forms, ratings."""

from __future__ import annotations

import pytest
from card_inputs import filled
from msgspec.structs import replace
from section_stages import after, stage

from cardcallback.render.card.filling import fill_placeholders
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
        ("Loss / colour: [X] / [X]", "[X] / [X]"),
        ("LoRA rank / alpha: [X] of [X]", "[X] of [X]"),
        ("Epochs / epochs: [X] / [X]", "[X] / [X]"),
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
