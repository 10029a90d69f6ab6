"""Placeholders of known labels are filled in place; everything a person wrote stays."""

from __future__ import annotations

import msgspec
import pytest

from cardcallback.carbon import assess_footprint, factor_for, find_place
from cardcallback.errors import CardCallbackError
from cardcallback.record import Fill, Hardware, Machine, RunRecord
from cardcallback.render.card.compose import default_hub_template
from cardcallback.render.card.fill_report import Field, FillReport
from cardcallback.render.card.filling import default_label_map, fill_placeholders, read_label_map, states_emissions
from cardcallback.render.card.labels import each
from cardcallback.render.card.slots import find_slots, normalize_label
from cardcallback.render.card.values import card_values, is_value_name
from cardcallback.testing import make_record

MORE = "[More Information Needed]"
LINK = "[google/gemma-3-4b-it](https://huggingface.co/google/gemma-3-4b-it)"


def with_place(place: str) -> RunRecord:
    """A run whose CO2e was calculated for a place."""
    record = make_record()
    return msgspec.structs.replace(record, carbon=assess_footprint(record.energy, factor_for(find_place(place))).carbon)


def value_of(text: str, label: str) -> str:
    """The rest of the line that begins with a label."""
    line = next(line for line in text.splitlines() if label in line)
    return line.split(label, 1)[1].strip(" *|")


def below(text: str, heading: str) -> str:
    """The last paragraph below a heading."""
    section = text.split(f"{heading}\n", 1)[1].split("\n#", 1)[0]
    return [part for part in section.strip().split("\n\n") if not part.startswith("<!--")][-1]


def test_the_hub_template_is_filled_from_the_record() -> None:
    """Every section a run can fill is filled; nothing else of the template changes."""
    template = default_hub_template()
    filled = fill_placeholders(template, make_record())
    text = filled.text
    assert value_of(text, "**Training regime:**").startswith(
        "bf16; base weights NF4, double quantisation, bf16 compute, by bitsandbytes <!--fp32"
    )
    assert below(text, "#### Speeds, Sizes, Times [optional]").startswith("1 h 52 min for 500 steps (0.0744 steps/s)")
    assert value_of(text, "**Hardware Type:**") == "1 × NVIDIA GB10 (NVIDIA DGX Spark)"
    assert value_of(text, "**Hours used:**") == "1.87 hours of wall time; 1.87 GPU-hours (1 GPU)"
    assert "peak memory in use, whole machine, 61.0 GiB of 120 GiB" in below(text, "#### Hardware")
    assert below(text, "#### Software").startswith("transformers 5.23.0, trl 1.16.0")
    assert "[google/gemma-3-4b-it](https://huggingface.co/google/gemma-3-4b-it)" in text
    untouched = [line for line in template.splitlines() if line not in text.splitlines()]
    assert all(MORE in line for line in untouched)
    assert len(text.splitlines()) == len(template.splitlines())


def test_without_a_place_nothing_is_said_of_carbon_or_cloud() -> None:
    """Provider, region and emissions keep their placeholders, and the reason is given."""
    filled = fill_placeholders(default_hub_template(), make_record())
    for label in ("Cloud Provider", "Compute Region", "Carbon Emitted"):
        assert value_of(filled.text, f"**{label}:**") == MORE
        assert f"left: {label} (not known from this run)" in filled.remarks


def test_a_country_is_no_cloud() -> None:
    """Carbon is calculated in grams; provider and region stay open for a desk in Germany."""
    text = fill_placeholders(default_hub_template(), with_place("DE")).text
    assert value_of(text, "**Carbon Emitted:**").startswith("37 g CO2eq (GPU only: 107 Wh × 344 g/kWh, Germany, 2024")
    assert value_of(text, "**Cloud Provider:**") == MORE


def test_a_cloud_region_names_provider_and_region() -> None:
    """A place that is a cloud's fills both lines."""
    text = fill_placeholders(default_hub_template(), with_place("gcp/us-central1")).text
    assert value_of(text, "**Cloud Provider:**") == "Google Cloud"
    assert value_of(text, "**Compute Region:**") == "us-central1"


def test_a_simulated_device_says_so_wherever_it_is_named() -> None:
    """Hardware and hours are marked outside our own section too."""
    text = fill_placeholders(default_hub_template(), make_record(simulated=True)).text
    for label in ("**Hardware Type:**", "**Hours used:**"):
        assert value_of(text, label).endswith("(simulated device)")


def test_no_gpu_is_said_with_its_reason() -> None:
    """A run without a measured GPU has no GPU-hours and no invented device."""
    hardware = Hardware(
        accelerators=(), accelerators_reason="no NVIDIA driver found", machine=Machine(processor="AMD EPYC 7763")
    )
    record = make_record(hardware=hardware)
    record = msgspec.structs.replace(record, sessions=(msgspec.structs.replace(record.sessions[0], hardware=hardware),))
    text = fill_placeholders(default_hub_template(), record).text
    assert value_of(text, "**Hardware Type:**") == "AMD EPYC 7763; no GPU measured: no NVIDIA driver found"
    assert value_of(text, "**Hours used:**") == "1.87 hours of wall time; no GPU measured"


def test_gpu_hours_count_every_session_with_its_own_gpus() -> None:
    """An hour on two GPUs and half an hour suspended is two GPU-hours of three wall half-hours."""
    record = make_record()
    session = record.sessions[0]
    two = msgspec.structs.replace(session.hardware, accelerators=session.hardware.accelerators * 2)
    part = msgspec.structs.replace(session, duration_seconds=5400.0, suspended_seconds=1800.0, hardware=two)
    record = msgspec.structs.replace(record, sessions=(part,), duration_seconds=5400.0, suspended_seconds=1800.0)
    assert card_values(record)["hours_used"] == (
        "1.50 hours of wall time, of which 0.500 hours suspended; 2.00 GPU-hours (2 GPUs)"
    )


def test_a_second_run_replaces_what_is_still_ours() -> None:
    """Values of the first run give way, the person's edit stays."""
    first = fill_placeholders(default_hub_template(), make_record())
    edited = first.text.replace("1 × NVIDIA GB10 (NVIDIA DGX Spark)\n- **Hours", "my Spark\n- **Hours")
    second = fill_placeholders(edited, make_record(duration_seconds=3360.0), known=first.fills)
    assert value_of(second.text, "**Hours used:**").startswith("0.933 hours")
    assert value_of(second.text, "**Hardware Type:**") == "my Spark"
    assert not any(fill.label == "Hardware Type" for fill in second.fills)


def test_a_value_that_is_not_known_any_more_gives_the_placeholder_back() -> None:
    """Rendering without a place removes the carbon figure that a place had given."""
    first = fill_placeholders(default_hub_template(), with_place("DE"))
    second = fill_placeholders(first.text, make_record(), known=first.fills)
    assert second.text == fill_placeholders(default_hub_template(), make_record()).text


@pytest.mark.parametrize(
    "body",
    [
        "# T\n\n```\n- **Hours used:** [More Information Needed]\n```\n",
        "# Environmental Impact\n\n    - **Hours used:** [More Information Needed]\n",
        "# Environmental Impact\n\n<!-- - **Hours used:** [More Information Needed] -->\n",
        "# Environmental Impact\n\n<div>\n- **Hours used:** [More Information Needed]\n</div>\n",
        "# Environmental Impact\n\n- **Hours used:** 12\n",
        "# Environmental Impact\n\n- **Hours used:** [see the log](log.txt)\n",
        "# Environmental Impact\n\n- **Hours used:** [1]\n",
        "# Inference cost\n\n## Inference\n\n- **Hours used:** [More Information Needed]\n",
        "# T\n\n| LoRA Rank | Alpha | Notes |\n|---|---|---|\n| LoRA Rank | [a] | [b] |\n",
        "# T\n\n- **Epochs:** [x]\n",
    ],
)
def test_what_is_no_placeholder_of_a_known_label_stays(body: str) -> None:
    """Code, comments, HTML, links, references, values and other headings are not touched."""
    assert fill_placeholders(body, make_record()).text == body


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("- **LoRA Rank**: [X]", "- **LoRA Rank**: 16"),
        ("LoRA Rank: [X]", "LoRA Rank: 16"),
        ("> * __LoRA rank:__ [e.g., 64]  ", "> * __LoRA rank:__ 16  "),
        ("1. **LoRA  RANK [optional]:** [X] <!-- how -->", "1. **LoRA  RANK [optional]:** 16 <!-- how -->"),
        ("| P | Value |\n|---|---|\n|LoRA Rank|[X]|", "| P | Value |\n|---|---|\n|LoRA Rank|16|"),
        ("> | P | V |\n> |---|---|\n> | **LoRA Rank** | [X] |", "> | P | V |\n> |---|---|\n> | **LoRA Rank** | 16 |"),
        (
            "P | Value | Notes\n--|--|--\nLoRA Rank | [X] | [why]",
            "P | Value | Notes\n--|--|--\nLoRA Rank | 16 | [why]",
        ),
        ("- a\n  - **LoRA Rank:** [X]\n  - **LoRA Alpha:** [X]", "- a\n  - **LoRA Rank:** 16\n  - **LoRA Alpha:** 32"),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_values_are_found_however_they_are_written(before: str, after: str, newline: str) -> None:
    """Lists, paragraphs, quotations and tables; every line end."""
    before, after = before.replace("\n", newline), after.replace("\n", newline)
    assert fill_placeholders(before, make_record()).text == after


def test_a_hostile_name_stays_inside_its_cell() -> None:
    """A bar, a tag and a line break in a driver's or a config's text make no new cell, tag or line."""
    record = make_record()
    training = msgspec.structs.replace(record.training, method="a|b<script>\n## c")
    text = fill_placeholders(
        "| P | V |\n|---|---|\n| Fine-tuning Method | [X] |\n", make_record(training=training)
    ).text
    assert len(text.splitlines()) == 3
    (slot,) = [slot for slot in find_slots(text) if slot.kind == "cell" and slot.column]
    assert slot.text == "a\\|b&lt;script&gt; ## c (r=16, alpha=32)"


def test_a_local_base_model_is_never_filled_in() -> None:
    """A folder's name is no name to publish."""
    record = make_record()
    training = msgspec.structs.replace(record.training, base_model="/home/ada/models/gemma")
    text = fill_placeholders("- **Base Model:** [X]\n", make_record(training=training)).text
    assert text == "- **Base Model:** [X]\n"


@pytest.mark.parametrize(
    ("sentence", "named", "unnamed"),
    [
        (
            "This model is a fine-tuned version of [None](https://huggingface.co/None).",
            f"This model is a fine-tuned version of {LINK}.",
            "This model is a fine-tuned version of an unnamed base model.",
        ),
        (
            "This model is a fine-tuned version of [/home/ada/g](https://huggingface.co//home/ada/g) on the data.",
            f"This model is a fine-tuned version of {LINK} on the data.",
            "This model is a fine-tuned version of an unnamed base model on the data.",
        ),
    ],
)
def test_a_generated_sentence_names_the_model_or_nothing(sentence: str, named: str, unnamed: str) -> None:
    """Neither "[None]" nor a folder is published, and a name found later is put in."""
    record = make_record()
    nameless = make_record(training=msgspec.structs.replace(record.training, base_model=None))
    assert fill_placeholders(sentence, record).text == named
    first = fill_placeholders(sentence, nameless)
    assert first.text == unnamed
    assert fill_placeholders(first.text, record, known=first.fills).text == named
    assert "/home" not in repr(first.fills)


def test_a_generated_sentence_is_seen_before_a_label_in_its_paragraph() -> None:
    """Whatever else stands in the lines below it."""
    body = (
        "This model is a fine-tuned version of [None](https://huggingface.co/None).\n- **Epochs:** [X]\n**Seed:** [X]\n"
    )
    text = fill_placeholders(body.replace("\n-", "\n\t-"), make_record()).text
    assert LINK in text
    assert "**Epochs:** 1\n**Seed:** 42" in text


def test_a_generated_sentence_about_the_hub_stays() -> None:
    """A model that has a name keeps it, in the trainer's own words."""
    sentence = "This model is a fine-tuned version of [a/b](https://huggingface.co/a/b)."
    assert fill_placeholders(sentence, make_record()).text == sentence


def test_stock_text_gives_way_only_to_a_contradiction() -> None:
    """A template's "NVIDIA DGX Spark" stays on a Spark and where the machine is not known."""
    body = "## Training\n\n| Property | Value |\n|---|---|\n| Hardware | NVIDIA DGX Spark |\n"
    record = make_record()
    other = msgspec.structs.replace(record.hardware, machine=Machine(name="ProLiant DL380"))
    unknown = Hardware(accelerators=(), accelerators_reason="no driver", machine=Machine())
    assert fill_placeholders(body, record).text == body
    assert fill_placeholders(body, make_record(hardware=unknown)).text == body
    filled = fill_placeholders(body, make_record(hardware=other))
    assert "| Hardware | NVIDIA GB10 system (ProLiant DL380) |" in filled.text
    assert filled.fills[0].placeholder == "NVIDIA DGX Spark"
    assert fill_placeholders(filled.text, record, known=filled.fills).text.count("DGX Spark") == 1


def test_somebody_elses_emissions_are_seen() -> None:
    """A figure in a generated Environmental Impact section is not ours; a placeholder is no figure."""
    body = "### Environmental Impact\n- **Energy Consumed**: 0.012 kWh\n- **Carbon Emitted**: 0.004 kg of CO2\n"
    assert states_emissions(body, make_record())
    assert not states_emissions(default_hub_template(), make_record())
    assert not states_emissions("- **Carbon Emitted**: unknown\n- **Emissions**: see the report\n", make_record())
    ours = fill_placeholders(default_hub_template(), with_place("DE"))
    assert not states_emissions(ours.text, with_place("NO"), known=ours.fills)


def test_the_label_map_asks_only_for_values_that_exist() -> None:
    """Every row of the map that ships is usable, and no two rows hide each other."""
    rows = default_label_map().rows
    assert all(is_value_name(row.value) for row in rows if row.value)
    seen: dict[tuple[str, ...], object] = {}
    for row in rows:
        conditions = (str(row.heading), str(row.section), str(row.column), str(row.default))
        for label in each(row.label):
            key = (normalize_label(label), *conditions)
            assert seen.setdefault(key, row) is row, label
    assert len(seen) > 400


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("rows: [", "cannot be used"),
        ("rows: [{value: energy}]", "neither label nor heading"),
        ("rows: [{label: A, value: nonsense}]", "unknown value 'nonsense'"),
        ("rows: [{label: A, value: energy, colour: red}]", "colour"),
        ("rows: [{label: A, value: energy, default: B}]", "default_holds"),
        ("rows: [{label: A, value: energy, leave: no}]", "both or neither"),
        ("rows: [{label: A}]", "both or neither"),
        ("rows: [{label: A, value: energy, inside: {b: c}}]", "unknown value 'c'"),
        ("inside: {b: c}", "unknown value 'c'"),
        ("examples: [{items: dogs, heading: A}]", "unknown items 'dogs'"),
        ("examples: [{items: stages, heading: A, columns: {breed: B}}]", "unknown part 'breed'"),
        ("- a list", "cannot be used"),
    ],
)
def test_a_bad_label_map_is_refused_with_the_place(text: str, problem: str) -> None:
    """A person's own map is checked when it is read."""
    with pytest.raises(CardCallbackError, match=problem) as raised:
        read_label_map(text, name="my labels")
    assert "\n" not in str(raised.value)


def test_fills_name_what_they_replaced() -> None:
    """The record can say later which text at which label is ours."""
    filled = fill_placeholders("## Training\n\n- **LoRA Rank:** [X]\n", make_record())
    assert filled.fills == (Fill(heading="Training", label="LoRA Rank", placeholder="[X]", text="16"),)


def test_a_line_without_end_takes_no_time() -> None:
    """A very long line is skipped: no value stands there."""
    body = "- **Epochs:** " + "<!-- " * 20_000 + "\n\n- **Epochs:** [X]\n"
    assert fill_placeholders(body, make_record()).text.endswith("- **Epochs:** 1\n")


def test_a_wrapped_placeholder_comes_back_as_it_was_wrapped() -> None:
    """An editor broke it into lines: it is filled, and put back byte for byte where the value is gone again."""
    body = "## Software\r\n\r\n[More Information\r\n   Needed]\r\n"
    filled = fill_placeholders(body, make_record())
    assert "[More" not in filled.text
    unknown = fill_placeholders(filled.text, make_record(software={}), known=filled.fills)
    assert unknown.text == body


@pytest.mark.parametrize(
    ("below", "states"),
    [
        ("Estimated with the calculator of Lacoste et al. (2019), see section 3.", False),
        ("- Hardware: [X]\n- Emissions: [X]", False),
        ("Training emitted 3.4 kg CO2eq in 2024.", True),
        ("- Emissions: 3.4 kg", True),
        ("3400", True),
    ],
)
def test_a_section_about_carbon_states_it_only_by_a_figure(below: str, states: bool) -> None:  # noqa: FBT001
    """A year or a citation is none, and what we filled in a list is ours."""
    body = f"# A model\n\n## Carbon footprint\n\n{below}\n"
    ours = fill_placeholders(body, with_place("DE"))
    assert states_emissions(ours.text, with_place("DE"), known=ours.fills) is states


def test_what_has_no_label_is_reported_by_its_heading() -> None:
    """The placeholder's own words are the same everywhere."""
    left = Field(heading="Direct Use", label="", placeholder="[X]", outcome="left", why="for you to write")
    assert FillReport(fields=(left,)).lines() == ("left 1: Direct Use (for you to write)",)
