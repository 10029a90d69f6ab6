"""``cardcallback publish`` into folders: what is written there, and that no failure leaves half of it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from card_inputs import metadata
from folder_cards import TRL_CARD, open_folder
from publish_inputs import GGUF_CARD, HUB_CARD, MERGED_CARD, PICTURES, make_output, make_target, run, snapshot

from cardcallback.check import check_card
from cardcallback.record import load_run
from cardcallback.testing import make_record

LINK = re.compile(r"\]\((training_run/[^)]+)\)")


@pytest.mark.parametrize("record", ["out", "out/training_run", "out/training_run/record.json"])
def test_section_pictures_and_record_go_into_a_merged_folder(tmp_path: Path, record: str, capsys: Any) -> None:
    """The tool's card keeps its words, every link of ours leads to a file, and the weights meant are named."""
    make_output(tmp_path)
    target = make_target(tmp_path)
    weights = (target / "model.safetensors").read_bytes()
    assert run(tmp_path / record, target, "--location", "DE") == 0
    card = (target / "README.md").read_text()
    begin, _, end = MERGED_CARD.partition("---\n\n# Uploaded")
    assert card.startswith(begin)
    assert f"---\n\n# Uploaded{end}" in card
    links = LINK.findall(card)
    assert {f"training_run/{name}" for name in PICTURES} == set(links)
    assert all((target / link).read_bytes() == PICTURES[Path(link).name] for link in links)
    assert metadata(card)["co2_eq_emissions"]["emissions"] == 37
    assert load_run(target).run_id == make_record().run_id
    assert load_run(target).carbon is not None
    assert load_run(tmp_path / "out").carbon is None
    assert (target / "model.safetensors").read_bytes() == weights
    assert "step 450 of 500, lowest held-out loss: make sure" in capsys.readouterr().out


CARDS = {"merged": MERGED_CARD, "gguf": GGUF_CARD, "adapter": TRL_CARD, "hub": HUB_CARD, "none": None}


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize("kind", ["merged", "gguf", "adapter"])
def test_publishing_twice_changes_nothing(tmp_path: Path, kind: str, card: str, capsys: Any) -> None:
    """Whoever wrote the card: the second time there is nothing to do, also without the place named again."""
    output, target = make_output(tmp_path), make_target(tmp_path, kind, CARDS[card])
    assert run(output, target, "--location", "DE") == 0
    before = snapshot(target)
    capsys.readouterr()
    assert run(output, target) == 0
    assert snapshot(target) == before
    assert "nothing to change" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("kind", "relation", "words"),
    [("merged", None, "merged into its base model"), ("gguf", None, "converted"), ("adapter", "adapter", None)],
)
def test_only_what_is_true_of_the_files_is_said(
    tmp_path: Path, kind: str, relation: str | None, words: str | None
) -> None:
    """Energy is training's, losses are from before the export, and only an adapter is called one."""
    output, target = make_output(tmp_path), make_target(tmp_path, kind, None)
    assert run(output, target) == 0
    card = (target / "README.md").read_text()
    assert metadata(card).get("base_model_relation") == relation
    said = re.findall(r"The files here hold the trained ([^.]+)\. \w+ is in no figure above, and losses were", card)
    assert len(said) == (words is not None)
    assert words is None or words in said[0]


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize("kind", ["merged", "gguf", "adapter"])
def test_a_published_card_agrees_with_its_record(tmp_path: Path, kind: str, card: str) -> None:
    """What the files became changes library and words, and is no contradiction; a changed word is one still."""
    output, target = make_output(tmp_path), make_target(tmp_path, kind, CARDS[card])
    assert run(output, target, "--location", "DE") == 0
    text, record = (target / "README.md").read_text(), load_run(target)

    def found(card: str) -> list[str]:
        told = check_card(card, record=record)
        return [one.what for one in told if "library_name" in one.what or one.rule == "own-section"]

    assert not found(text)
    assert found(text.replace("losses were measured before it", "losses were measured after it").replace("Wh", "kWh"))


def test_a_copied_card_follows_its_new_files(tmp_path: Path) -> None:
    """A card of the run's own, copied beside merged weights without its record, is still this run's."""
    output = make_output(tmp_path)
    adapter = make_target(tmp_path, "adapter", TRL_CARD)
    assert run(output, adapter) == 0
    merged = make_target(tmp_path, "merged", (adapter / "README.md").read_text())
    assert run(adapter, merged) == 0
    card = (merged / "README.md").read_text()
    assert "base_model_relation" not in card
    assert card.count("## Training, hardware and environmental impact") == 1
    assert "merged into its base model" in card


def test_placeholders_are_filled_and_remembered(tmp_path: Path) -> None:
    """The record beside the card knows what is still ours there, so that a later one replaces it."""
    output, target = make_output(tmp_path), make_target(tmp_path, "merged", HUB_CARD)
    assert run(output, target) == 0
    assert "- **Hours used:** 1.87" in (target / "README.md").read_text()
    assert any(fill.label == "Hours used" for fill in load_run(target).card.filled)
    longer = make_output(tmp_path, "longer", duration_seconds=7200.0)
    assert run(longer, target) == 0
    assert "- **Hours used:** 2" in (target / "README.md").read_text()


def test_two_fills_that_are_alike_are_both_remembered(tmp_path: Path) -> None:
    """The same text under the same label, in two places."""
    twice = "# Scribe\n\n- **Hours used:** [More Information Needed]\n- **Hours used:** [More Information Needed]\n"
    output, target = make_output(tmp_path), make_target(tmp_path, "merged", twice)
    assert run(output, target) == 0
    before = snapshot(target)
    assert run(output, target) == 0
    assert snapshot(target) == before


IMPACT_CARD = """# Scribe

## Environmental Impact

- **Hours used:** [More Information Needed]
- **Compute Region:** [More Information Needed]
- **Carbon Emitted:** [More Information Needed]

| Metric | Value |
|---|---|
| CO2 emissions | [e.g. 12] g |
"""


@pytest.mark.parametrize("first", [("--location", "SE"), ("--carbon-intensity", "412")])
def test_our_own_emissions_follow_another_place_without_a_record(
    tmp_path: Path, first: tuple[str, str], capsys: Any
) -> None:
    """With the card alone published nothing remembers what is ours, and it still is."""
    output, target = make_output(tmp_path), make_target(tmp_path, "adapter", IMPACT_CARD)
    readme = target / "README.md"
    assert run(output, target, "--publish", "card", *first, "--model-index") == 0
    earlier = readme.read_text()
    assert run(output, target, "--publish", "card", "--location", "FR", "--model-index") == 0
    assert "states CO2e already" not in capsys.readouterr().err
    (tmp_path / "anew").mkdir()
    once = make_target(tmp_path / "anew", "adapter", IMPACT_CARD)
    assert run(output, once, "--publish", "card", "--location", "FR", "--model-index") == 0
    assert earlier != readme.read_text()
    assert readme.read_text() == (once / "README.md").read_text()


def test_a_place_stays_where_none_is_given_and_no_record_lies_there(tmp_path: Path) -> None:
    """As where one does."""
    output, target = make_output(tmp_path), make_target(tmp_path, "merged", IMPACT_CARD)
    assert run(output, target, "--publish", "card", "--location", "SE") == 0
    before = (target / "README.md").read_text()
    assert run(output, target, "--publish", "card") == 0
    assert (target / "README.md").read_text() == before


def test_emissions_that_a_person_changed_stay(tmp_path: Path, capsys: Any) -> None:
    """A figure that is not its source's product any more is a person's."""
    output, target = make_output(tmp_path), make_target(tmp_path, "merged", HUB_CARD)
    readme = target / "README.md"
    assert run(output, output, "--location", "DE") == 0
    assert run(output, target, "--publish", "card", "--location", "SE") == 0
    readme.write_text(readme.read_text().replace("emissions: 3.8", "emissions: 9.1"))
    assert run(output, target, "--publish", "card", "--location", "FR") == 0
    assert "states CO2e already" in capsys.readouterr().err
    assert "emissions: 9.1" in readme.read_text()


@pytest.mark.parametrize(("how_much", "pictures", "record"), [("card", False, False), ("pictures", True, False)])
def test_how_much_is_published(tmp_path: Path, how_much: str, pictures: bool, record: bool) -> None:  # noqa: FBT001  parameters
    """What is not wanted is neither written nor linked."""
    output, target = make_output(tmp_path), make_target(tmp_path)
    assert run(output, target, "--publish", how_much) == 0
    assert (target / "training_run" / "loss_curve.png").exists() == pictures
    assert (target / "training_run" / "record.json").exists() == record
    assert bool(LINK.search((target / "README.md").read_text())) == pictures
    before = snapshot(target)
    assert run(output, target, "--publish", how_much) == 0
    assert snapshot(target) == before


def test_a_run_that_keeps_its_record_to_itself_is_not_told_by_another_door(tmp_path: Path) -> None:
    """Unless somebody asks for it by name."""
    output, target = make_output(tmp_path, private=True), make_target(tmp_path)
    assert run(output, target) == 0
    assert not (target / "training_run" / "record.json").exists()
    assert (target / "training_run" / "loss_curve.png").exists()
    assert run(output, target, "--publish", "all") == 0
    assert (target / "training_run" / "record.json").exists()


def test_missing_pictures_are_drawn_or_left_out(tmp_path: Path) -> None:
    """A record alone is enough; with --no-charts the card has no link to a picture that is not there."""
    output = make_output(tmp_path)
    (output / "training_run" / "loss_curve.png").unlink()
    bare, full = make_target(tmp_path, "bare"), make_target(tmp_path, "full")
    assert run(output, bare, "--no-charts") == 0
    assert not LINK.search((bare / "README.md").read_text())
    assert run(output, full) == 0
    assert (full / "training_run" / "loss_curve.png").read_bytes().startswith(b"\x89PNG")


def test_pictures_beside_a_record_that_was_set_aside_are_not_taken(tmp_path: Path) -> None:
    """They are of the run that came after it."""
    output, target = make_output(tmp_path), make_target(tmp_path)
    record = output / "training_run" / "record.json"
    record.rename(record.with_name("record-made-up.json"))
    assert run(record.with_name("record-made-up.json"), target, "--no-charts") == 0
    assert not (target / "training_run" / "loss_curve.png").exists()


def test_dry_run_prints_and_writes_nothing(tmp_path: Path, capsys: Any) -> None:
    """Each file, and the card's difference."""
    output, target = make_output(tmp_path), make_target(tmp_path)
    before = snapshot(target)
    assert run(output, target, "--dry-run") == 0
    out = capsys.readouterr().out
    assert snapshot(target) == before
    assert "changed: README.md" in out
    assert "new: training_run/record.json" in out
    assert "+## Training, hardware and environmental impact" in out
    assert "nothing was changed" in out


def test_unknown_fields_of_the_record_are_kept(tmp_path: Path) -> None:
    """What a later version wrote goes along."""
    output, target = make_output(tmp_path), make_target(tmp_path)
    file = output / "training_run" / "record.json"
    document = json.loads(file.read_text()) | {"later": {"kept": True}}
    file.write_text(json.dumps(document))
    assert run(output, target) == 0
    assert json.loads((target / "training_run" / "record.json").read_text())["later"] == {"kept": True}


def test_into_the_runs_own_folder(tmp_path: Path) -> None:
    """It is one more place for its card; what training wrote of the adapter stays, wherever that lies."""
    output = make_output(tmp_path)
    folder = open_folder(output, make_record().run_id)
    folder.weights_are_ours()
    card = folder.write_card(make_record(carbon=None), pictures=True).card
    folder.write_record(make_record(carbon=None, card=card))
    assert run(output, output, "--location", "NO") == 0
    data = metadata((output / "README.md").read_text())
    assert (data["base_model_relation"], data["library_name"]) == ("adapter", "peft")
    assert {fill.label for fill in load_run(output).card.filled} >= {"base_model_relation", "library_name"}
    carbon = load_run(output).carbon
    assert carbon is not None
    assert carbon.factor.place == "Norway"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["out", "nowhere"], 3, "there is no folder nowhere"),
        (["out", "merged/README.md"], 1, "is a file"),
        (["out", "out/typo"], 3, "there is no folder out/typo"),
        (["out", "hf://datasets/a/b"], 1, "no model repository"),
        (["out", "merged", "--revision", "x"], 1, "for repositories of the Hub"),
        (["out", "merged", "--card", "../x.md"], 1, "--card needs a bare file name"),
        (["out", "merged", "--publish", "some"], 1, "--publish needs one of"),
        (["merged", "merged"], 3, "no record at merged"),
        (["out", "merged", "--location", "Atlantis"], 1, "Atlantis"),
    ],
)
def test_mistakes_are_one_line(
    tmp_path: Path, arguments: list[str], code: int, words: str, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """What happened and what to do; nothing is changed and no network asked."""
    make_output(tmp_path)
    target = make_target(tmp_path)
    monkeypatch.chdir(tmp_path)
    before = snapshot(target)
    assert run(*arguments) == code
    err = capsys.readouterr().err
    assert words in err
    assert err.count("\n") == 1
    assert snapshot(target) == before


@pytest.mark.parametrize(
    "card", [b"---\na: [1\n---\n# Card\n", b"---\nlicense: mit\n# not closed\n", b"\xff\xfe", b"x" * 1_100_000]
)
def test_a_card_that_cannot_be_completed_costs_nothing(tmp_path: Path, card: bytes, capsys: Any) -> None:
    """No record and no picture stands beside a card that does not tell of them."""
    output, target = make_output(tmp_path), make_target(tmp_path)
    (target / "README.md").write_bytes(card)
    before = snapshot(target)
    assert run(output, target) == 1
    assert snapshot(target) == before
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("inside", ["README.md", "training_run", "training_run/record.json"])
def test_links_out_of_the_folder_are_not_followed(tmp_path: Path, inside: str, capsys: Any) -> None:
    """Neither the card nor a folder or file of ours."""
    output, target, outside = make_output(tmp_path), make_target(tmp_path, card=None), tmp_path / "outside"
    outside.mkdir()
    (target / inside).parent.mkdir(exist_ok=True)
    elsewhere = outside / "there"
    if inside == "training_run":
        elsewhere.mkdir()
        (elsewhere / "record.json").write_text("{")
    else:
        elsewhere.write_text("# theirs\n")
    (target / inside).symlink_to(elsewhere)
    before = snapshot(outside)
    assert run(output, target) == 1
    assert "link to a place outside" in capsys.readouterr().err
    assert snapshot(outside) == before


def test_a_folder_that_is_itself_a_link_is_fine(tmp_path: Path) -> None:
    """Weights are often kept on another disk."""
    output, target = make_output(tmp_path), make_target(tmp_path)
    link = tmp_path / "link"
    link.symlink_to(target)
    assert run(output, link) == 0
    assert (target / "training_run" / "record.json").exists()
