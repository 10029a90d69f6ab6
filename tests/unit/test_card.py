"""A card is completed where it may be, and nowhere else."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from huggingface_hub import ModelCard, ModelCardData
from hypothesis import given, settings
from hypothesis import strategies as st

from cardcallback.carbon import factor_for, find_place, footprint
from cardcallback.errors import CardCallbackError
from cardcallback.record import RunRecord
from cardcallback.render.card import ComposedCard, compose_card, default_hub_template, emissions_stated_by
from cardcallback.render.card_section import (
    BROKEN_MARKS,
    EDITED_BLOCK,
    SECTION_BEGIN,
    SECTION_END,
    has_section,
    section_spans,
    strip_section,
)
from cardcallback.render.front_matter import parse_matter, split_card
from cardcallback.testing import make_record

SECTION = "## Training, hardware and environmental impact\n\n| | Result |\n|---|---|\n| Time | 1 h 52 min |\n"
FOLDER = "/home/ada/models/gemma"


def with_place(place: str = "DE") -> RunRecord:
    """A run whose CO2e was calculated for a place."""
    record = make_record()
    return msgspec.structs.replace(record, carbon=footprint(record.energy, factor_for(find_place(place))))


def without_base() -> RunRecord:
    """A run on a model that was loaded from a folder and never named."""
    return make_record(training=msgspec.structs.replace(make_record().training, base_model=None))


def compose(body: str, record: RunRecord | None = None, **arguments: Any) -> ComposedCard:
    """``compose_card`` with what most tests do not care about."""
    defaults = {"trainer_card": None, "section": SECTION, "body_kind": "person"}
    return compose_card(record or make_record(), body=body, **(defaults | arguments))


def again(composed: ComposedCard, record: RunRecord, **arguments: Any) -> ComposedCard:
    """Compose a result once more, with what the record remembers of it."""
    remembered = msgspec.structs.replace(record, card=composed.card)
    return compose(composed.text, remembered, **({"trainer_card": composed.text} | arguments))


def metadata(text: str) -> dict[str, Any]:
    """The front matter as the Hub's own client reads it."""
    return dict(ModelCard(text).data.to_dict())


def trl_card(base_model: str | None = None) -> str:
    """What TRL's ``create_model_card`` writes."""
    spec = importlib.util.find_spec("trl")
    if spec is None or spec.origin is None:
        pytest.skip("trl is not installed")
    card = ModelCard.from_template(
        ModelCardData(
            base_model=base_model,
            library_name="transformers",
            licence="license",
            model_name="output",
            tags=["generated_from_trainer", "trl", "sft"],
        ),
        template_path=str(Path(spec.origin).parent / "templates" / "lm_model_card.md"),
        base_model=base_model,
        model_name="output",
        hub_model_id="ada/output",
        trainer_name="SFT",
        trl_version="1",
        transformers_version="5",
        pytorch_version="2",
        datasets_version="4",
        tokenizers_version="1",
    )
    return str(card)


def peft_updated(text: str, base_model: str) -> str:
    """What PEFT's updater makes of a card: keys and tags set anew, lines rejoined, its version added."""
    card = ModelCard(text)
    card.data["library_name"] = "peft"
    card.data["tags"] = sorted([f"base_model:adapter:{base_model}", "lora", "transformers"])
    card.data["base_model"] = base_model
    lines = card.text.splitlines()
    if "- PEFT 0.21.2" not in lines:
        if "### Framework versions" in lines:
            lines.insert(lines.index("### Framework versions") + 2, "- PEFT 0.21.2")
        else:
            lines.append("### Framework versions\n\n- PEFT 0.21.2")
    card.text = "\n".join(lines)
    return str(card)


@pytest.mark.parametrize("kind", ["person", "template", "trainer", "hub template"])
@pytest.mark.parametrize("place", [None, "DE", "gcp/us-central1"])
def test_composing_twice_changes_nothing(kind: str, place: str | None) -> None:
    """With what the record remembers, and without it."""
    record = with_place(place) if place else make_record()
    body = default_hub_template() if kind == "hub template" else trl_card()
    first = compose(body, record, body_kind=kind, trainer_card=trl_card())
    assert again(first, record, body_kind=kind).text == first.text
    assert again(first, record, body_kind=kind).card == first.card
    assert compose(first.text, record, body_kind=kind).text == first.text


def test_a_trainers_card_keeps_its_citation_last() -> None:
    """The section stands before TRL's citations."""
    text = compose(trl_card("google/gemma-3-4b-it"), body_kind="trainer").text
    headings = re.findall(r"^## .*", text, re.MULTILINE)
    assert headings[-2:] == ["## Training, hardware and environmental impact", "## Citations"]


def test_a_persons_card_gets_the_section_at_its_end() -> None:
    """Their text comes first, byte for byte."""
    body = "# Mine\n\nWords.\n\n## Citation\n\nmine\n"
    composed = compose(body)
    text = split_card(composed.text).body
    assert text.startswith("\n" + body + f"\n{SECTION_BEGIN}\n")
    assert strip_section(text) == "\n" + body


def test_a_checkpoint_rewrite_gets_the_new_section_only() -> None:
    """Our section is replaced where it stands, wherever a person moved it."""
    first = compose("# Mine\n\nWords.\n").text
    moved = first.replace("Words.\n", "") + "\nWords after.\n"
    second = compose(moved, section="## New\n")
    assert second.text.count(SECTION_BEGIN) == second.text.count(SECTION_END) == 1
    assert "## New" in second.text
    assert "1 h 52 min" not in second.text
    assert second.text.endswith("\nWords after.\n")
    assert second.report.warnings == ()


def test_what_a_person_wrote_into_the_section_is_kept() -> None:
    """The edited block stays as it is, a fresh one is added, and the person is told."""
    edited = compose("# Mine\n").text.replace("| Time |", "My own words.\n\n| Time |")
    second = compose(edited, section="## New\n")
    assert second.text.startswith(edited)
    assert second.text.count(SECTION_BEGIN) == 2
    assert EDITED_BLOCK in second.report.warnings
    third = compose(second.text, section="## Newer\n")
    assert third.text == second.text.replace(
        second.text[second.text.rindex(SECTION_BEGIN) :], third.text[third.text.rindex(SECTION_BEGIN) :]
    )
    assert "## New\n" not in third.text


@pytest.mark.parametrize(
    ("break_it", "block_is_whole"),
    [
        (lambda text: text.replace(SECTION_BEGIN + "\n", ""), False),
        (lambda text: re.sub(rf"{SECTION_END}.*\n", "", text), False),
        (lambda text: text.replace("| Time", SECTION_BEGIN + "\n| Time"), False),
        (lambda text: text.replace(SECTION_BEGIN, f"{SECTION_BEGIN}\nmine\n{SECTION_BEGIN}"), True),
        (lambda text: text + f"\n{SECTION_END} -->\n", True),
    ],
)
def test_broken_comments_delete_nothing(break_it: Any, *, block_is_whole: bool) -> None:
    """Half a pair is no block of ours; only a block that is still whole is replaced."""
    first, other = compose("# Mine\n").text, compose("# Mine\n", section="## New\n").text
    block, new = first[first.index(SECTION_BEGIN) :], other[other.index(SECTION_BEGIN) :]
    broken = break_it(first)
    second = compose(broken, section="## New\n")
    assert BROKEN_MARKS in second.report.warnings
    assert second.text == (broken.replace(block, new) if block_is_whole else f"{broken}\n{new}")
    assert compose(second.text, section="## New\n").text == second.text


def test_a_copied_block_goes_and_its_surroundings_stay() -> None:
    """Two blocks that are both wholly ours would show two sets of figures after the next run."""
    first = compose("# Mine\n").text
    block = first[first.index(SECTION_BEGIN) :]
    second = compose(first + "\nbetween\n\n" + block + "\nafter\n", section="## New\n")
    assert second.text.count(SECTION_BEGIN) == 1
    assert second.text.endswith("\nbetween\n\n\nafter\n")


def test_a_section_survives_other_tools_line_ends() -> None:
    """Windows line ends and stripped blanks are no edit."""
    first = compose("# Mine\n", section=SECTION + "a  \nb\n").text
    changed = "\r\n".join(line.rstrip() for line in first.splitlines()) + "\r\n"
    assert has_section(changed)
    second = compose(changed, section="## New\n")
    assert second.report.warnings == ()
    assert "\n" not in second.text.replace("\r\n", "")


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("matter", ["", "---\nlicense: mit\n---\n"])
def test_line_ends_and_byte_order_mark_stay(newline: str, mark: str, matter: str) -> None:
    """What is added ends its lines like the rest."""
    body = mark + (matter + "# Mine\n\n- **Epochs:** [X]\n").replace("\n", newline)
    text = compose(body, with_place()).text
    assert text.startswith(mark + "---" + newline)
    assert re.findall(r"\r\n|\r|\n", text) == [newline] * len(text.splitlines())
    assert again(compose(body, with_place()), with_place()).text == text


def test_broken_front_matter_is_refused() -> None:
    """Nothing is composed, so the old card stays whole."""
    with pytest.raises(CardCallbackError, match="not valid YAML"):
        compose("---\na: [1\n---\n# Mine\n")


def test_a_trainers_broken_front_matter_does_not_stop_the_persons_card() -> None:
    """What the trainer wrote is regenerated anyway."""
    assert "# Mine" in compose("# Mine\n", trainer_card="---\na: [1\n---\n").text


def test_front_matter_is_the_union_and_the_persons_word_counts() -> None:
    """The person's keys, comments and quotes stay; the trainer's are added as written; then ours."""
    body = "---\n# my card\nlicense: 'mit'  # mine\ntags: [\"x\"]\n---\n# Mine\n"
    trainer = "---\nlicense: other\ntags:\n- trl\nlanguage:\n- 'no'\n---\n# Theirs\n"
    text = compose(body, trainer_card=trainer).text
    assert split_card(text).matter == (
        "# my card\nlicense: 'mit'  # mine\ntags: [\"x\"]\nlanguage:\n- 'no'\n"
        "base_model: google/gemma-3-4b-it\nbase_model_relation: adapter\n"
    )


def test_emissions_are_grams_with_their_making() -> None:
    """The object of the Hub's specification, only with a place."""
    assert "co2_eq_emissions" not in metadata(compose("# Mine\n").text)
    found = metadata(compose("# Mine\n", with_place()).text)["co2_eq_emissions"]
    assert found["emissions"] == 37
    assert found["source"].startswith("Calculated by cardcallback: GPU energy only, measured; 107 Wh x 344 g/kWh; ")
    assert "Germany, 2024, lifecycle" in found["source"]
    assert found["training_type"] == "fine-tuning"
    assert found["geographical_location"] == "Germany"
    assert found["hardware_used"] == "1 x NVIDIA GB10 (NVIDIA DGX Spark)"


@pytest.mark.parametrize(("grams", "text"), [(0.000000574, "0.00000057"), (41_110.0, "41000"), (0.96, "0.96")])
def test_emissions_are_never_written_with_an_exponent(grams: float, text: str) -> None:
    """Also after another tool wrote the card again."""
    record = with_place()
    assert record.carbon is not None
    record = msgspec.structs.replace(record, carbon=msgspec.structs.replace(record.carbon, emissions_grams=grams))
    first = compose("# Mine\n", record, body_kind="trainer")
    assert f"\n  emissions: {text}\n" in first.text
    rewritten = peft_updated(first.text, "google/gemma-3-4b-it")
    second = compose(rewritten, msgspec.structs.replace(record, card=first.card), body_kind="trainer")
    assert f"\n  emissions: {text}\n" in second.text


def test_a_zero_is_left_out() -> None:
    """The Hub reads 0 as absent."""
    record = with_place()
    assert record.carbon is not None
    record = msgspec.structs.replace(record, carbon=msgspec.structs.replace(record.carbon, emissions_grams=0.0))
    assert "co2_eq_emissions" not in compose("# Mine\n", record).text


def test_ours_is_replaced_and_taken_out_again() -> None:
    """Another place gives another figure; no place gives none."""
    first = compose("# Mine\n", with_place())
    second = again(first, with_place("NO"))
    assert metadata(second.text)["co2_eq_emissions"]["geographical_location"] == "Norway"
    assert "co2_eq_emissions" not in again(second, make_record()).text


def test_ours_is_known_by_its_source_where_nothing_is_remembered() -> None:
    """A card that was moved away from its record can still be rendered anew."""
    first = compose("# Mine\n", with_place())
    second = compose(first.text, with_place("NO"))
    assert metadata(second.text)["co2_eq_emissions"]["geographical_location"] == "Norway"


@pytest.mark.parametrize("value", ["12", "{emissions: 12, source: meter}"])
@pytest.mark.parametrize("kind", ["person", "trainer"])
def test_somebody_elses_emissions_stay_alone(value: str, kind: str) -> None:
    """Their figure stays byte for byte, ours appears nowhere, and the report says so."""
    body = f"---\nco2_eq_emissions: {value}\n---\n## Environmental Impact\n\n- **Carbon Emitted:** [X]\n"
    composed = compose(body, with_place(), body_kind=kind)
    assert f"co2_eq_emissions: {value}\n" in composed.text
    assert "- **Carbon Emitted:** [X]" in composed.text
    assert any("CO2e already" in warning for warning in composed.report.warnings)
    assert emissions_stated_by(with_place(), body=body, trainer_card=None, body_kind=kind) == kind


def test_an_edited_figure_of_ours_is_a_persons() -> None:
    """Who changes our number takes it over."""
    first = compose("# Mine\n", with_place())
    edited = first.text.replace("emissions: 37", "emissions: 40")
    second = compose(edited, msgspec.structs.replace(with_place("NO"), card=first.card))
    assert metadata(second.text)["co2_eq_emissions"]["emissions"] == 40


def test_a_generated_environmental_section_is_not_contradicted() -> None:
    """A library that writes its own emissions keeps them, in text and metadata."""
    trainer = (
        "---\nco2_eq_emissions:\n  emissions: 4.2\n  source: codecarbon\n---\n# Model\n\n### Environmental Impact\n"
        "Carbon emissions were measured.\n- **Energy Consumed**: 0.012 kWh\n- **Carbon Emitted**: 0.004 kg of CO2\n"
    )
    composed = compose(trainer, with_place(), trainer_card=trainer, body_kind="trainer")
    assert metadata(composed.text)["co2_eq_emissions"] == {"emissions": 4.2, "source": "codecarbon"}
    assert "- **Carbon Emitted**: 0.004 kg of CO2\n" in composed.text
    only_text = trainer.split("---\n", 2)[2]
    assert "co2_eq_emissions" not in compose(only_text, with_place(), body_kind="trainer").text


def test_our_own_figure_after_a_foreign_rewrite_is_not_taken_for_anothers() -> None:
    """PEFT writes the card back with our keys in it."""
    first = compose(trl_card(), with_place(), body_kind="trainer")
    rewritten = peft_updated(first.text, FOLDER)
    assert (
        emissions_stated_by(
            msgspec.structs.replace(with_place(), card=first.card),
            body=rewritten,
            trainer_card=rewritten,
            body_kind="trainer",
        )
        is None
    )


@pytest.mark.parametrize("folder", [FOLDER, "./models/gemma", "..", "C:\\models\\gemma", "~/gemma", "my models/gemma"])
@pytest.mark.parametrize("kind", ["person", "trainer", "hub template"])
def test_no_folder_is_published(folder: str, kind: str) -> None:
    """Front matter, tags and text name the Hub id where it is known, and nothing where it is not."""
    body = peft_updated(trl_card(), folder)
    named = compose(body, body_kind=kind).text
    data = metadata(named)
    assert data["base_model"] == "google/gemma-3-4b-it"
    assert data["tags"] == ["base_model:adapter:google/gemma-3-4b-it", "lora", "transformers"]
    assert "fine-tuned version of [google/gemma-3-4b-it](https://huggingface.co/google/gemma-3-4b-it)." in named
    composed = compose(body, without_base(), body_kind=kind)
    assert folder not in composed.text.replace("...", "").replace("Cite TRL as", "") or folder == ".."
    assert metadata(composed.text)["tags"] == ["lora", "transformers"]
    assert "base_model" not in metadata(composed.text)
    assert "[None]" not in composed.text
    assert any("base_model was a folder" in remark for remark in composed.report.remarks)
    assert folder not in repr(composed.card)
    assert folder not in repr(composed.report)


def test_a_folder_that_looks_like_a_repository_is_known_by_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A library writes ``models/gemma`` as the script gave it."""
    (tmp_path / "models" / "gemma").mkdir(parents=True)
    body = peft_updated("# Model\n", "models/gemma")
    assert metadata(compose(body, without_base(), body_kind="trainer").text)["base_model"] == "models/gemma"
    monkeypatch.chdir(tmp_path)
    assert "base_model" not in metadata(compose(body, without_base(), body_kind="trainer").text)


def test_a_persons_base_model_stays() -> None:
    """Their word counts, and no relation is claimed for it."""
    body = "---\nbase_model: unsloth/gemma-3-4b-it  # mine\n---\n# Mine\n"
    assert compose(body).text.startswith("---\nbase_model: unsloth/gemma-3-4b-it  # mine\n---\n")


def test_a_merge_of_several_models_stays() -> None:
    """A list of ids is nothing the run can know better."""
    body = "---\nbase_model:\n- a/b\n- c/d\n---\n# Merge\n"
    assert metadata(compose(body, body_kind="trainer").text)["base_model"] == ["a/b", "c/d"]


def test_the_hub_template_is_whole_and_loadable() -> None:
    """The default body has the placeholders and no front matter of its own."""
    template = default_hub_template()
    assert template.startswith("# Model Card for")
    assert template.count("[More Information Needed]") > 30
    assert metadata(compose(template, body_kind="hub template").text)["base_model"] == "google/gemma-3-4b-it"


def test_the_trainers_comments_of_our_section_cannot_end_it_early() -> None:
    """A section that holds our own comments stays one block."""
    hostile = f"## A\n\n{SECTION_BEGIN}\n{SECTION_END} -->\n\nrest\n"
    first = compose("# Mine\n", section=hostile)
    second = compose(first.text, section="## New\n")
    assert "rest" not in second.text
    assert second.report.warnings == ()


PIECES = st.sampled_from(
    [
        "# Title",
        "## Environmental Impact",
        "## Citation",
        "### Hardware",
        "[More Information Needed]",
        "- **Hours used:** [More Information Needed]",
        "- **LoRA Rank**: [X]  ",
        "  - **Epochs:** 3",
        "| Parameter | Value |\n|---|---|\n| LoRA Alpha | [e.g., 128] |\n| Other | [X] |",
        "```python\n- **Epochs:** [X]\n```",
        "```",
        "<!-- a comment -->",
        "<!--",
        "<details>",
        "---",
        "Prose with [a link](x) and *marks*.",
        "- **Hardware:** NVIDIA DGX Spark",
        "> **Training Time:** [X]",
        "This model is a fine-tuned version of [None](https://huggingface.co/None).",
        SECTION_BEGIN,
        f"{SECTION_END} 0123456789abcdef -->",
        "$x$ é 漢 \u2028 \x0b end",
        "\t- **Epochs:** [X]",
        "",
    ]
)
NEWLINES = st.sampled_from(["\n", "\r\n", "\n\n", "\r\n\r\n", "\r"])
MATTERS = st.sampled_from(
    [
        "",
        "---\nlicense: mit # why\n---\n",
        "---\r\ntags:\r\n  - 'a'\r\n\r\n# c\r\nlanguage: [no]\r\n---\r\n",
        "---\n{}\n---\n",
        "---\n---\n",
        "\n---\nbase_model: /home/ada/x\n---",
        "---\nco2_eq_emissions: 3\nbase_model: a/b\n---\n",
    ]
)


@st.composite
def cards(draw: st.DrawFn) -> str:
    """A card of pieces that mean something, put together in any order and with any line ends."""
    parts = draw(st.lists(st.tuples(PIECES, NEWLINES), max_size=14))
    return draw(st.sampled_from(["", "\ufeff"])) + draw(MATTERS) + "".join(piece + end for piece, end in parts)


LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")
GENERATED = "[None](https://huggingface.co/None)"


def only_fills_changed(before: str, composed: ComposedCard) -> None:
    """Every line outside our section is an old one, in order, but for remembered fills and empty lines of ours."""
    text = split_card(composed.text).body
    ((begin, end),) = section_spans(text)
    old = LINE.findall(before)
    for line in LINE.findall(text[:begin]) + LINE.findall(text[end:]):
        if old and is_same_line(old[0], line, composed):
            old.pop(0)
        else:
            assert not line.strip()
    assert old == []


def is_same_line(old: str, new: str, composed: ComposedCard) -> bool:
    """Byte for byte, but for one fill, and for the line end that the last line may have lacked."""
    candidates = [old] + [
        old.replace(placeholder, fill.text, 1)
        for fill in composed.card.filled
        for placeholder in (fill.placeholder, GENERATED)
        if placeholder
    ]
    if not old.endswith("\n"):
        return new.rstrip("\r\n") in [candidate.rstrip("\r") for candidate in candidates]
    return new in candidates


@settings(deadline=None)
@given(body=cards(), kind=st.sampled_from(["person", "template", "trainer", "hub template"]), placed=st.booleans())
def test_any_card_changes_only_where_it_may(body: str, kind: str, placed: bool) -> None:  # noqa: FBT001  hypothesis calls it by name
    """Outside fills, our section and the keys we own not a byte changes, and twice is once."""
    record = with_place() if placed else make_record()
    try:
        composed = compose(body, record, body_kind=kind)
    except CardCallbackError:
        with pytest.raises(CardCallbackError):
            parse_matter(split_card(body).matter)
        return
    only_fills_changed(split_card(body).body, composed)
    before, after = parse_matter(split_card(body).matter), parse_matter(split_card(composed.text).matter)
    owned = {"base_model", "base_model_relation", "co2_eq_emissions"}
    assert {key: value for key, value in after.items() if key not in owned} == {
        key: value for key, value in before.items() if key not in owned
    }
    assert again(composed, record, body_kind=kind).text == composed.text
    assert compose(composed.text, record, body_kind=kind).text == composed.text
    assert composed.text.startswith("\ufeff") == body.startswith("\ufeff")


@settings(deadline=None)
@given(body=st.text(max_size=200))
def test_any_text_at_all_is_kept(body: str) -> None:
    """What is no card is still somebody's text."""
    try:
        composed = compose(body)
    except CardCallbackError:
        return
    assert split_card(body).body in composed.text
    assert again(composed, make_record()).text == composed.text
