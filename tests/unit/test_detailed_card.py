"""The detailed card as it is printed: its structure, what is unset, and what a record adds."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from detailed_cards import TODAY, complete_card
from huggingface_hub import ModelCard
from lab_notebook import run_with
from markdown_it import MarkdownIt
from msgspec.structs import replace
from section_records import RECORDS

from cardcallback import DetailedModelCard, EnvironmentalImpact
from cardcallback.errors import CardCallbackError
from cardcallback.record import encode
from cardcallback.testing import make_record

GOLDEN = Path(__file__).parents[1] / "golden"
UPDATE = os.environ.get("UPDATE_GOLDEN") == "1"
MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable("table")
EQUIVALENTS = re.compile(r"\b(?:trees?|driving|smartphone|phones?|charges)\b", re.IGNORECASE)


def rendered(name: str) -> str:
    """The text that each golden file holds."""
    if name == "detailed_card_empty":
        return DetailedModelCard("an unnamed model").render(generated_on=TODAY)
    if name == "detailed_card_gb10_germany":
        return complete_card().render(RECORDS["gb10_germany"](), generated_on=TODAY)
    impact = EnvironmentalImpact(4.0, 2, "NVIDIA H100", 700, pue=1.2, location="FR")
    return impact.generate_report()


@pytest.mark.parametrize("name", ["detailed_card_empty", "detailed_card_gb10_germany", "impact_estimate"])
def test_the_text_is_the_golden_one(name: str) -> None:
    """The reviewed text; UPDATE_GOLDEN=1 rewrites it for a new review."""
    text, golden = rendered(name), GOLDEN / f"{name}.md"
    if UPDATE:
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


def parts(text: str, kinds: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Kind and inner text of the card's elements of those kinds, in order."""
    tokens = MARKDOWN.parse(text)
    for opening, inner in itertools.pairwise(tokens):
        if opening.type in kinds:
            words = "".join(child.content for child in inner.children or () if child.type == "text")
            yield f"{opening.type} {opening.tag}", " ".join(words.split())


def test_the_structure_is_the_notebooks() -> None:
    """Its own renderer and ours give the same headings, tables and cells in the same order; ours has some more."""
    _, names = run_with(
        DetailedModelCard=DetailedModelCard, EnvironmentalImpact=EnvironmentalImpact.with_seed_constants
    )
    kinds = ("heading_open", "th_open", "td_open")
    theirs = list(parts(names["rendered_card"], kinds))
    ours = parts(ModelCard(names["detailed_card"].render()).text, kinds)
    assert len(theirs) > 80
    # Each of theirs is found in what remains of ours, so the order is the same.
    assert [part for part in theirs if part not in ours] == []


def test_the_notebooks_lists_are_lists() -> None:
    """An indented text of the notebook keeps its list, which its own renderer makes a block of code."""
    _, names = run_with(
        DetailedModelCard=DetailedModelCard, EnvironmentalImpact=EnvironmentalImpact.with_seed_constants
    )
    text = names["detailed_card"].render()
    data = text[text.index("### Training Data") : text.index("### Training Procedure")]
    tokens = [token.type for token in MARKDOWN.parse(data)]
    assert tokens.count("list_item_open") == 6
    assert "code_block" not in tokens


def test_who_paid_and_who_shares_is_printed() -> None:
    """The notebook has these fields and never prints them."""
    text = complete_card().render()
    assert "| **Funded By** | Internal R&amp;D budget |\n| **Shared By** | Nobody yet |\n" in text


def test_nothing_is_invented_for_an_empty_card() -> None:
    """Placeholders alone: no licence, no language, no metadata but the name."""
    card = DetailedModelCard("m")
    text = card.render()
    assert ModelCard(text).data.to_dict() == {"model_name": "m"}
    assert text.count("[More Information Needed]") == 8 + 15 + 9  # properties, texts and lists, cells of tables
    assert set(card.unset_fields()) == {name for name in DetailedModelCard.__slots__ if name != "model_name"}
    assert not EQUIVALENTS.search(text)


@pytest.mark.parametrize("name", RECORDS)
def test_every_situation_has_a_card_the_hub_can_read(name: str) -> None:
    """Whatever a run could measure, the Hub's client reads the metadata, and no comparison with trees is in it."""
    record = RECORDS[name]()
    text = complete_card().render(record)
    card = ModelCard(text)
    assert card.data.license == "other"
    assert card.data.to_dict()["license_name"] == "proprietary-internal"
    assert card.data.language == ["en", "no"]
    assert card.data.base_model == "google/gemma-3-4b-it"
    assert ("co2_eq_emissions" in card.data.to_dict()) == (record.carbon is not None)
    assert not EQUIVALENTS.search(text)
    assert not re.search(r"\b(?:None|nan)\b", card.text)
    if record.simulated:
        assert "**Simulated device.**" in text


def test_a_record_fills_what_the_author_left() -> None:
    """Base model, method, hyper-parameters, hardware, losses and energy come from the run, marked as recorded."""
    text = DetailedModelCard("m").render(make_record())
    for line in (
        "| **Base Model** | google/gemma-3-4b-it (recorded) |",
        "Recorded by the run: local file, 8,000 training examples, 512 held-out examples.",
        "| LoRA Rank | 16 (recorded) |",
        "| Batch Size | 2 per device × 8 accumulation steps = 16 (recorded) |",
        "| Warmup Ratio | 0.03 (recorded) |",
        "- GPU: 1 × NVIDIA GB10 (NVIDIA DGX Spark)",
        "- Validation loss (recorded): 1.04",
        "| Total Energy | 0.107 kWh (measured, GPU only: NVML energy counter;",
        "| CO2 Emissions | not calculated: no place given |",
    ):
        assert line in text
    data = ModelCard(text).data.to_dict()
    assert (data["base_model"], data["base_model_relation"], data["library_name"]) == (
        "google/gemma-3-4b-it",
        "adapter",
        "peft",
    )


def test_a_model_that_another_library_loads_says_so() -> None:
    """By what its trainer belongs to, as in every other card of ours: the Hub shows how to load it by that."""
    record = make_record()
    training = replace(record.training, trainer_library="sentence_transformers")
    text = DetailedModelCard("m").render(replace(record, training=training))
    assert ModelCard(text).data.to_dict()["library_name"] == "sentence-transformers"


@pytest.mark.parametrize(
    ("name", "stated", "cell"),
    [
        ("LoRA Rank", "64", "16 (recorded; the author states 64)"),
        ("LoRA Rank", 16, "16 (recorded)"),
        ("lora_r", "16", "16 (recorded)"),
        ("Learning Rate", "2e-4", "2e-4, cosine schedule (recorded)"),
        ("Learning Rate", 1e-4, "2e-4, cosine schedule (recorded; the author states 0.0001)"),
        ("Optimiser", "AdamW (paged 8-bit)", "paged_adamw_8bit (recorded)"),
        ("Batch Size", "2", "2 per device × 8 accumulation steps = 16 (recorded; the author states 2)"),
        ("Method", "漢字", "QLoRA (recorded; the author states 漢字)"),
        ("Epochs", None, "1 (recorded)"),
        ("Temperature", 0.7, "0.7"),
        ("Notes", None, "[More Information Needed]"),
    ],
)
def test_what_author_and_record_say_of_a_setting_stands_side_by_side(name: str, stated: object, cell: str) -> None:
    """Where they agree the record's words stand, where they differ both do, and what is only stated is that."""
    text = complete_card(training_hyperparameters={name: stated}).render(make_record())
    shown = name.replace("_", r"_")
    assert f"| {shown} | {cell} |" in text
    assert text.count("| 16 (recorded") == 1


def test_names_in_another_script_are_told_apart() -> None:
    """Where neither has a Latin letter, only the same text is the same."""
    record = make_record()
    record = replace(record, training=replace(record.training, method="漢"))
    for stated, cell in (("字", "漢 (recorded; the author states 字)"), ("漢", "漢 (recorded)")):
        assert f"| Method | {cell} |" in complete_card(training_hyperparameters={"Method": stated}).render(record)


def test_another_base_model_of_the_record_is_told() -> None:
    """The author's word stands, and the reader sees what the run named."""
    text = complete_card(base_model="meta-llama/Llama-3.1-8B-Instruct").render(make_record())
    assert "meta-llama/Llama-3.1-8B-Instruct (the run's record names google/gemma-3-4b-it)" in text
    assert ModelCard(text).data.base_model == "meta-llama/Llama-3.1-8B-Instruct"


def test_a_place_given_for_the_impact_reaches_the_metadata() -> None:
    """Grams of the measured energy; an estimate from hours and watts never gets there."""
    record = make_record()
    impact = EnvironmentalImpact.from_record(record, location="DE")
    measured = ModelCard(complete_card().render(record, impact=impact)).data.to_dict()["co2_eq_emissions"]
    assert measured["emissions"] == 37
    assert measured["source"].startswith("Calculated by cardcallback: GPU energy only, measured;")
    estimate = EnvironmentalImpact(4.0, 1, "NVIDIA GB10", 100, location="DE")
    for run in (None, record):
        text = complete_card().render(run, impact=estimate)
        assert "co2_eq_emissions" not in ModelCard(text).data.to_dict()
        assert "0.40 kWh (estimate: " in text


def test_an_impact_of_another_run_is_refused() -> None:
    """Two runs in one card contradict each other."""
    record = make_record()
    impact = EnvironmentalImpact.from_record(replace(record, run_id="20260101-abcdef"))
    with pytest.raises(CardCallbackError, match="the impact is of another run than the record"):
        complete_card().render(record, impact=impact)
    assert "0.107 kWh" in complete_card().render(impact=impact)


def test_saving_writes_what_rendering_gives(tmp_path: Path) -> None:
    """From a run's folder too; a second time changes nothing."""
    (tmp_path / "training_run").mkdir()
    record = make_record()
    (tmp_path / "training_run" / "record.json").write_text(encode(record), encoding="utf-8")
    path = tmp_path / "README.md"
    complete_card().save(path, tmp_path, generated_on=TODAY)
    assert path.read_text(encoding="utf-8") == complete_card().render(record, generated_on=TODAY)
    with pytest.raises(CardCallbackError, match="no record at"):
        complete_card().save(path, tmp_path / "nowhere")
    assert path.read_text(encoding="utf-8") == complete_card().render(record, generated_on=TODAY)


def test_a_field_that_was_changed_is_checked_before_it_is_printed() -> None:
    """A notebook appends to lists and sets fields; a misspelt one is an error and not a silent loss."""
    card = complete_card()
    card.biases.append({"kind": "x"})  # the notebook's way
    with pytest.raises(CardCallbackError, match=r"biases\[1\] has no 'kind': the nearest is "):
        card.render()
    with pytest.raises(AttributeError):
        card.licence = "mit"  # type: ignore[attr-defined]
