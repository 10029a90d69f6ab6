"""Whose word counts in a card's front matter, and what may never be published in it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from card_inputs import FOLDER, again, compose, metadata, peft_updated, trl_card, with_place, without_base
from huggingface_hub import ModelCard

from cardcallback.record import RunRecord
from cardcallback.render.card.compose import compose_card, default_hub_template
from cardcallback.render.card.front_matter import split_card
from cardcallback.testing import make_record


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
    assert composed.told.carbon is None
    assert any(f"a {kind}'s" in warning or f"the {kind}'s" in warning for warning in composed.report.warnings)


def test_the_section_is_made_once_and_as_the_card_tells_the_run() -> None:
    """Without our CO2e where somebody else's stands: nobody has to ask that first, which takes as long as the rest."""
    told: list[RunRecord] = []

    def section(record: RunRecord) -> str:
        told.append(record)
        return "## Ours\n"

    for body in ("---\nco2_eq_emissions: 12\n---\n# Mine\n", "# Mine\n"):
        compose_card(with_place(), body=body, trainer_card=None, section=section, body_kind="person")
    assert [record.carbon is None for record in told] == [True, False]


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
    second = compose(
        rewritten,
        msgspec.structs.replace(with_place(), card=first.card),
        trainer_card=rewritten,
        body_kind="trainer",
    )
    assert second.told.carbon is not None


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


@pytest.mark.parametrize("open_value", ["TBD", "[X]", "'[More Information Needed]'", "{emissions: X, source: TBD}"])
def test_a_placeholder_in_the_front_matter_is_no_persons_figure(open_value: str) -> None:
    """It is filled where the run knows, as one in the text is, and remembered as ours."""
    body = f"---\nco2_eq_emissions: {open_value}  # later\n---\n# Mine\n"
    composed = compose(body, with_place())
    assert metadata(composed.text)["co2_eq_emissions"]["emissions"] == 37
    assert not composed.report.warnings
    assert again(composed, with_place()).text == composed.text
    assert metadata(compose(body).text)["co2_eq_emissions"] is not None


@pytest.mark.parametrize("open_value", ["[X]", "TBD", '"[e.g., Org/Model-7B]"', "<base-model>", "[your base model]"])
def test_a_placeholder_for_the_base_model_is_filled(open_value: str) -> None:
    """Where nothing is known of it the placeholder stays for the person."""
    body = f"---\nbase_model: {open_value}\nbase_model_relation: TBD\nlibrary_name: '?'\n---\n# Mine\n"
    found = metadata(compose(body).text)
    assert (found["base_model"], found["base_model_relation"]) == ("google/gemma-3-4b-it", "adapter")
    assert found["library_name"] == "peft"
    assert metadata(compose(body, without_base()).text)["base_model"] == metadata(body)["base_model"]


def test_a_persons_base_model_stays() -> None:
    """Their word counts, and no relation is claimed for it."""
    body = "---\nbase_model: unsloth/gemma-3-4b-it  # mine\n---\n# Mine\n"
    assert compose(body).text.startswith("---\nbase_model: unsloth/gemma-3-4b-it  # mine\n---\n")


def test_a_merge_of_several_models_stays() -> None:
    """A list of ids is nothing the run can know better."""
    body = "---\nbase_model:\n- a/b\n- c/d\n---\n# Merge\n"
    assert metadata(compose(body, body_kind="trainer").text)["base_model"] == ["a/b", "c/d"]


def test_a_programs_card_without_keys_gets_a_library() -> None:
    """The Hub's client complains of a card without front matter; a person's card is theirs."""
    bare = msgspec.structs.replace(without_base(), training=msgspec.structs.replace(without_base().training, lora=None))
    composed = compose(default_hub_template(), bare, body_kind="hub template")
    assert metadata(composed.text) == {"library_name": "transformers"}
    assert again(composed, bare, body_kind="hub template").text == composed.text
    assert metadata(compose("# Card\n", body_kind="trainer").text)["library_name"] == "peft"
    assert metadata(compose("---\nlibrary_name: x\n---\n# Card\n", body_kind="trainer").text)["library_name"] == "x"
    assert "library_name" not in metadata(compose("# Mine\n").text)


@pytest.mark.parametrize("own", ["", "# where the keys are explained\n", "license: mit\n"])
@pytest.mark.parametrize("kind", ["person", "template"])
def test_a_template_language_line_for_all_keys_gives_way_to_them(own: str, kind: str) -> None:
    """As the Hub's own template has it, before anything made a card of it."""
    composed = compose(f"---\n{own}{{{{ card_data }}}}\n---\n\n# Mine\n", with_place(), body_kind=kind)
    matter = split_card(composed.text).matter or ""
    assert matter.startswith(f"{own}base_model: google/gemma-3-4b-it\n")
    assert "{" not in matter
    assert again(composed, with_place()).text == composed.text


def test_the_hubs_template_before_it_is_rendered_is_filled() -> None:
    """The file that its client ships, copied as it is."""
    text = compose(Path(str(ModelCard.default_template_path)).read_text(encoding="utf-8"), with_place()).text
    assert metadata(text)["base_model"] == "google/gemma-3-4b-it"
    assert "- **Hours used:** 1.87 hours of wall time; 1.87 GPU-hours (1 GPU)" in text
