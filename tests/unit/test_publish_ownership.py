"""A card describes weights: whose card is there, whose weights, and which run may take its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from publish_inputs import MERGED_CARD, PICTURES, make_output, make_target, run, snapshot

from cardcallback.record import Stage, load_run
from cardcallback.testing import make_record

OTHER_PICTURE = b"\x89PNG\r\n\x1a\nof another run"


def published(tmp_path: Path, **changes: Any) -> Path:
    """A merged folder with the card of another run in it."""
    other = make_output(tmp_path, "other", **({"run_id": "other-run"} | changes))
    (other / "training_run" / "loss_curve.png").write_bytes(OTHER_PICTURE)
    target = make_target(tmp_path)
    assert run(other, target, "--force") == 0
    return target


@pytest.mark.parametrize("status", ["completed", "interrupted"])
def test_another_runs_card_stays(tmp_path: Path, status: str, capsys: Any) -> None:
    """Nothing says that its weights were replaced, so the person has to."""
    target = published(tmp_path, status=status)
    before = snapshot(target)
    capsys.readouterr()
    assert run(make_output(tmp_path), target) == 1
    err = capsys.readouterr().err
    assert f"the card of another run ({status}, begun on 2026-03-02); nothing was changed (--force" in err
    assert snapshot(target) == before


def test_with_force_the_other_run_is_kept_beside(tmp_path: Path, capsys: Any) -> None:
    """Its record and pictures get its name, its section gives way, and the person is told again."""
    target = published(tmp_path)
    before = snapshot(target)
    capsys.readouterr()
    output = make_output(tmp_path, duration_seconds=7200.0)
    assert run(output, target, "--force") == 0
    assert "the card of another run" in capsys.readouterr().err
    after = snapshot(target)
    assert after["training_run/record-other-run.json"] == before["training_run/record.json"]
    assert after["training_run/loss_curve-other-run.png"] == OTHER_PICTURE
    assert after["training_run/loss_curve.png"] == PICTURES["loss_curve.png"]
    assert "training_run/power_and_memory-other-run.png" not in after
    card = after["README.md"].decode()
    assert card.count("## Training, hardware and environmental impact") == 1
    assert "2 h on one NVIDIA DGX Spark" in card
    assert load_run(target).run_id == make_record().run_id
    assert run(output, target) == 0
    assert snapshot(target) == after


def test_a_card_alone_over_another_run_leaves_its_record_and_says_so(tmp_path: Path, capsys: Any) -> None:
    """What is not published is not moved either, and would pass for the card's."""
    target = published(tmp_path)
    before = (target / "training_run" / "record.json").read_bytes()
    assert run(make_output(tmp_path), target, "--force", "--publish", "card") == 0
    assert "training_run/record.json there stays another run's" in capsys.readouterr().err
    assert (target / "training_run" / "record.json").read_bytes() == before


def test_a_record_that_is_there_is_kept_in_step_with_its_card(tmp_path: Path) -> None:
    """It remembers what is ours in the card."""
    output, target = make_output(tmp_path), make_target(tmp_path)
    assert run(output, target) == 0
    assert run(output, target, "--publish", "card", "--location", "NO") == 0
    carbon = load_run(target).carbon
    assert carbon is not None
    assert carbon.factor.place == "Norway"


def test_another_runs_section_without_its_record_stays(tmp_path: Path, capsys: Any) -> None:
    """Time, energy and losses tell runs apart where no record does."""
    target = make_target(tmp_path)
    assert run(make_output(tmp_path, "longer", duration_seconds=7200.0), target, "--publish", "card") == 0
    capsys.readouterr()
    assert run(make_output(tmp_path), target) == 1
    assert "the card of another run; nothing was changed" in capsys.readouterr().err


def test_a_record_that_cannot_be_read_is_kept(tmp_path: Path, capsys: Any) -> None:
    """It may be somebody's only one; over the kept ones nothing is written either."""
    output, target = make_output(tmp_path), make_target(tmp_path)
    folder = target / "training_run"
    folder.mkdir()
    for content in ("{", "{{"):
        (folder / "record.json").write_text(content)
        assert run(output, target) == 1
        assert "a record that cannot be read" in capsys.readouterr().err
        assert run(output, target, "--force") == 0
    assert (folder / "record-earlier.json").read_text() == "{"
    assert (folder / "record-earlier-2.json").read_text() == "{{"


def test_a_later_account_of_the_same_run_stays(tmp_path: Path, capsys: Any) -> None:
    """A checkpoint's record, or one of before a resume, knows less."""
    complete = make_output(tmp_path)
    target = make_target(tmp_path)
    assert run(complete, target) == 0
    early = make_output(tmp_path, "early", status="interrupted", duration_seconds=100.0)
    capsys.readouterr()
    assert run(early, target) == 1
    assert "a later account of the same run" in capsys.readouterr().err
    assert load_run(target).status == "completed"


def test_a_checkpoints_own_account_tells_its_run(tmp_path: Path) -> None:
    """Its card is of the moment at which it was saved, so its words are others than those of the run's end."""
    target = make_target(tmp_path)
    early = make_output(tmp_path, "early", status="running", duration_seconds=100.0)
    assert run(early, target, "--publish", "card", "--force") == 0
    (early / "training_run" / "record.json").rename(target / "_cardcallback.json")
    assert run(make_output(tmp_path), target) == 0
    assert "Still running" not in (target / "README.md").read_text()


def test_a_run_that_goes_on_is_not_published(tmp_path: Path, capsys: Any) -> None:
    """Its figures change, or its process is dead."""
    assert run(make_output(tmp_path, status="running"), make_target(tmp_path)) == 1
    assert "cardcallback recover" in capsys.readouterr().err


def test_an_interrupted_run_says_so(tmp_path: Path, capsys: Any) -> None:
    """A checkpoint of it may well be what was exported."""
    training = msgspec.structs.replace(make_record().training, published_step=None, published_reason=None)
    output, target = make_output(tmp_path, status="interrupted", training=training), make_target(tmp_path)
    assert run(output, target) == 0
    out = capsys.readouterr().out
    assert "a run of 500 steps, of which step is not recorded" in out
    assert "the run was interrupted, and the section says so" in out
    assert "**Interrupted.**" in (target / "README.md").read_text()


@pytest.mark.parametrize(
    ("file", "settings", "words"),
    [
        ("adapter_config.json", {"peft_type": "LORA", "r": 8}, "the adapter there has rank 8, the run's has 16"),
        ("trainer_state.json", {"global_step": 300}, "a checkpoint of step 300, the card is for step 450"),
        ("config.json", {"model_type": "llama"}, "the model there is of type llama, the run's is gemma3_text"),
    ],
)
def test_other_weights_are_recognised(
    tmp_path: Path, file: str, settings: dict[str, Any], words: str, capsys: Any
) -> None:
    """Settings beside the weights that cannot be this run's."""
    output, target = make_output(tmp_path), make_target(tmp_path)
    (target / file).write_text(json.dumps(settings))
    assert run(output, target) == 1
    assert words in capsys.readouterr().err
    assert (target / "README.md").read_text() == MERGED_CARD
    assert run(output, target, "--force") == 0
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("file", "settings"),
    [
        ("adapter_config.json", {"peft_type": "IA3"}),
        ("adapter_config.json", [1]),
        ("config.json", {"model_type": "gemma3_text"}),
        ("trainer_state.json", {"global_step": 450}),
        ("trainer_state.json", {"global_step": 500}),
        ("config.json", {"architectures": ["Gemma3ForCausalLM"]}),
        ("config.json", "text"),
    ],
)
def test_what_says_nothing_of_the_weights_is_no_objection(tmp_path: Path, file: str, settings: Any) -> None:
    """Only a plain contradiction counts."""
    output, target = make_output(tmp_path), make_target(tmp_path)
    (target / file).write_text(json.dumps(settings))
    assert run(output, target) == 0


@pytest.mark.parametrize(
    "stated",
    ["meta-llama/Llama-3.1-8B", "[meta-llama/Llama-3.1-8B, Qwen/Qwen3-4B]", "google/gemma-3-1b-it", "other/scribe"],
)
def test_a_card_of_another_base_model_stays(tmp_path: Path, stated: str, capsys: Any) -> None:
    """Its front matter alone tells so, where no settings lie beside it."""
    output, target = make_output(tmp_path), tmp_path / "merged"
    target.mkdir()
    card = f"---\nbase_model: {stated}\n---\n\n# A card\n"
    (target / "README.md").write_text(card)
    assert run(output, target) == 1
    assert f"names the base model {stated.strip('[]')}, the run's is google/gemma-3-4b-it" in capsys.readouterr().err
    assert (target / "README.md").read_text() == card
    assert run(output, target, "--force") == 0


@pytest.mark.parametrize(
    "stated",
    [
        "[meta-llama/Llama-3.1-8B, google/gemma-3-4b-it]",
        "unsloth/gemma-3-4b-it-unsloth-bnb-4bit",
        "me/gemma-3-4b-scribe",  # what the run made, of which this is a converted copy
        "me/scribe",
        "google/gemma-3-4b-pt",  # the stage before began from it
        "./models/llama",
        "[X]",
        "TBD",
    ],
)
def test_a_base_model_of_the_same_line_is_no_objection(tmp_path: Path, stated: str) -> None:
    """The same weights under another name, the tuned ones, the chain's, or nothing at all."""
    stages = (Stage(name="SFT", base_model="google/gemma-3-4b-pt"), Stage(name="DPO"))
    output, target = make_output(tmp_path, stages=stages), tmp_path / "merged"
    target.mkdir()
    (target / "README.md").write_text(f"---\nbase_model: {stated}\n---\n\n# Scribe, as GGUF\n")
    assert run(output, target) == 0


def test_a_quantised_model_is_called_converted(tmp_path: Path) -> None:
    """Weights in the usual format can have been quantised after training."""
    output, target = make_output(tmp_path), make_target(tmp_path)
    (target / "config.json").write_text(json.dumps({"model_type": "gemma3", "quantization_config": {"bits": 4}}))
    assert run(output, target) == 0
    assert "converted to another format or precision" in (target / "README.md").read_text()


def test_a_person_who_changed_the_section_keeps_it(tmp_path: Path, capsys: Any) -> None:
    """The new one stands beside it, and the person is told."""
    output, target = make_output(tmp_path), make_target(tmp_path)
    assert run(output, target) == 0
    readme = target / "README.md"
    readme.write_text(readme.read_text().replace("107 Wh", "about 0.1 kWh"))
    assert run(output, target) == 0
    assert "edited by hand" in capsys.readouterr().err
    assert "about 0.1 kWh" in readme.read_text()
    assert readme.read_text().count("## Training, hardware and environmental impact") == 2
