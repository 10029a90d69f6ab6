"""Unsloth: its CPU path as a person uses it, and the trainers it generates for a GPU, each in a process of its own."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from cardcallback import load_run

_MISSING = importlib.util.find_spec("unsloth") is None
pytestmark = [
    pytest.mark.matrix,
    pytest.mark.training,
    pytest.mark.skipif(_MISSING, reason="unsloth is not installed: make matrix-unsloth"),
]
_HERE = Path(__file__).parent
_ROOT = _HERE.parents[1]
_HEADING = "## Training, hardware and environmental impact"
_LIMIT_SECONDS = 1800.0
_WORDS = ["the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog", "and", "then", "sleeps", "in", "warm"]


def page_blocks() -> dict[str, str]:
    """The examples of docs/unsloth.md, by language."""
    tokens = MarkdownIt().parse((_ROOT / "docs" / "unsloth.md").read_text(encoding="utf-8"))
    return {token.info: token.content for token in tokens if token.type == "fence"}


def run(folder: Path, *arguments: str) -> str:
    """A Python process in ``folder``, with nothing fetched or told; what it said."""
    paths = [str(_ROOT / "src"), str(_HERE)]
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=os.environ
        | {"HF_HUB_OFFLINE": "1", "UNSLOTH_DISABLE_STATISTICS": "1", "HF_HOME": str(folder / "hub")}
        | {"PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        timeout=_LIMIT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return done.stdout


def publish(folder: Path) -> None:
    """The page's command."""
    command = page_blocks()["sh"].split()
    assert command[0] == "cardcallback"
    run(folder, "-m", "cardcallback", *command[1:])


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    """A folder with what the page's example reads."""
    from tiny import make_model, make_tokenizer  # noqa: PLC0415 - imports torch

    make_model(tmp_path / "my-model")
    make_tokenizer().save_pretrained(tmp_path / "my-model")
    rows = [{"text": " ".join(_WORDS[start : start + 8])} for start in range(8)]
    (tmp_path / "my-data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return tmp_path


def card_of(folder: Path) -> str:
    """The card, in which our section stands once."""
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert text.count(_HEADING) == 1
    return text


def test_the_pages_example_leaves_two_complete_cards(workplace: Path) -> None:
    """Unsloth's CPU path with LoRA, its merged export, and the card of that by ``publish``."""
    (workplace / "train.py").write_text(page_blocks()["python"], encoding="utf-8")
    run(workplace, "train.py")
    text, record = card_of(workplace / "my-adapter"), load_run(workplace / "my-adapter")
    assert record.training.objective == "SFT"
    assert record.training.lora is not None
    assert record.training.lora.rank == 16
    assert "unsloth" in record.software
    assert "| LoRA | r 16, alpha 32" in text
    assert f"unsloth {record.software['unsloth']}" in text
    assert str(workplace) not in text
    publish(workplace)
    merged = card_of(workplace / "my-merged")
    assert "merged into its base model" in merged
    assert "60 steps" in merged
    assert str(workplace) not in merged


def test_a_gguf_file_gets_the_section_too(workplace: Path) -> None:
    """What Unsloth's GGUF export leaves, as far as a card is concerned: a folder with one such file."""
    gguf = pytest.importorskip("gguf")
    (workplace / "train.py").write_text(page_blocks()["python"], encoding="utf-8")
    run(workplace, "train.py")
    exported = workplace / "my-merged"
    for file in exported.glob("*.safetensors"):
        file.unlink()
    writer = gguf.GGUFWriter(exported / "my-merged.Q8_0.gguf", "llama")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    publish(workplace)
    assert "60 steps" in card_of(exported)


@pytest.mark.parametrize("kind", ["SFT", "DPO"])
def test_the_generated_trainers_tell_every_event_and_are_named(kind: str, tmp_path: Path) -> None:
    """The classes of GPU mode inherit from no trainer of TRL's own; method, curves and card are the same."""
    said = json.loads(run(tmp_path, str(_HERE / "unsloth_generated.py"), kind, str(tmp_path)).splitlines()[-1])
    assert said["trainer"] == f"Unsloth{kind}Trainer"
    wanted = "init_end train_begin epoch_begin step_begin pre_optimizer_step optimizer_step step_end log evaluate save"
    assert {f"on_{name}" for name in (*wanted.split(), "epoch_end", "train_end")} <= set(said["events"])
    text, record = card_of(tmp_path / "out"), load_run(tmp_path / "out")
    assert record.training.objective == kind
    assert record.training.trainer_library == "unsloth"
    assert record.training.steps == 4
    assert record.training.loss_kind == ("token cross-entropy" if kind == "SFT" else "DPO loss")
    assert f"(Unsloth Unsloth{kind}Trainer)" in text
    assert record.training.hyperparameters.get("beta") == (0.2 if kind == "DPO" else None)
    assert "private-place" not in text


def test_the_example_runs_and_its_merged_model_can_be_completed(workplace: Path) -> None:
    """examples/unsloth_gemma.py for a few steps, with a tiny model in Gemma's place."""
    folders = ["--model", "my-model", "--output-dir", "my-adapter", "--merged", "my-merged"]
    said = run(
        workplace, str(_ROOT / "examples" / "unsloth_gemma.py"), *folders, "--max-steps", "3", "--location", "DE"
    )
    assert "cardcallback publish my-adapter my-merged" in said
    publish(workplace)
    assert load_run(workplace / "my-adapter").evaluation.after.loss is not None
    assert "merged into its base model" in card_of(workplace / "my-merged")
