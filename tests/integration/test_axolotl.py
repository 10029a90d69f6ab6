"""Axolotl's own command trains a tiny model by a plain configuration; its card is complete whoever wrote it last."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from cardcallback import load_run

_MISSING = importlib.util.find_spec("axolotl") is None
pytestmark = [
    pytest.mark.matrix,
    pytest.mark.training,
    pytest.mark.skipif(_MISSING, reason="axolotl is not installed: make matrix-axolotl"),
]
_ROOT = Path(__file__).parents[2]
_PAGE = _ROOT / "docs" / "axolotl.md"
_HEADING = "## Training, hardware and environmental impact"
_LIMIT_SECONDS = 1800.0
_WORDS = ["the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog", "and", "then", "sleeps", "in", "warm"]
_SETTINGS = {
    "base_model": "base",
    "output_dir": "out",
    "dataset_prepared_path": "prepared",
    "adapter": "lora",
    "lora_r": 2,
    "lora_alpha": 4,
    "lora_target_modules": ["q_proj"],
    "sequence_len": 64,
    "micro_batch_size": 2,
    "gradient_accumulation_steps": 1,
    "max_steps": 4,
    "learning_rate": 0.001,
    "optimizer": "adamw_torch",
    "lr_scheduler": "linear",
    "bf16": False,
    "fp16": False,
    "tf32": False,
    "logging_steps": 1,
    "save_strategy": "no",
    # Nothing is gained by processes for a few rows, and Python drops what a handler of a signal raises while it forks.
    "dataset_num_proc": 1,
    "dataloader_num_workers": 0,
}
_SFT = {
    "datasets": [{"path": "texts.jsonl", "ds_type": "json", "type": "completion"}],
    "val_set_size": 0.25,
    "eval_steps": 2,
}
_DPO = {
    "rl": "dpo",
    "rl_beta": 0.2,
    "datasets": [
        {
            "path": "pairs.jsonl",
            "ds_type": "json",
            "split": "train",
            "type": {
                "field_prompt": "prompt",
                "field_chosen": "chosen",
                "field_rejected": "rejected",
                "prompt_format": "{prompt}",
                "chosen_format": "{chosen}",
                "rejected_format": "{rejected}",
            },
        }
    ],
}


def page_blocks() -> dict[str, str]:
    """The page's examples, by language."""
    tokens = MarkdownIt().parse(_PAGE.read_text(encoding="utf-8"))
    return {token.info: token.content for token in tokens if token.type == "fence"}


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    """A folder with a tiny base model and two data sets."""
    from tiny import make_model, make_tokenizer  # noqa: PLC0415 - imports torch

    make_model(tmp_path / "base")
    make_tokenizer().save_pretrained(tmp_path / "base")
    texts = [{"text": " ".join(_WORDS[start : start + 8])} for start in range(8)] * 2
    pairs = [
        {"prompt": f"the {word} ", "chosen": " ".join(_WORDS[:3]), "rejected": " ".join(_WORDS[3:6])}
        for word in _WORDS[:8]
    ] * 2
    for name, rows in (("texts", texts), ("pairs", pairs)):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return tmp_path


def write_configuration(folder: Path, *parts: dict[str, Any]) -> None:
    """Axolotl's YAML: ours of the page, and what makes the training tiny."""
    settings: dict[str, Any] = dict(_SETTINGS)
    for part in parts:
        settings.update(part)
    (folder / "config.yaml").write_text(page_blocks()["yaml"] + json_lines(settings), encoding="utf-8")


def json_lines(settings: dict[str, Any]) -> str:
    """Settings as YAML, whose values may be JSON."""
    return "".join(f"{name}: {json.dumps(value)}\n" for name, value in settings.items())


def begin(folder: Path, *options: str, variables: dict[str, str] | None = None) -> subprocess.Popen[str]:
    """The page's command, with nothing fetched or told."""
    command = page_blocks()["sh"].split()
    assert command[0] == "axolotl"
    return subprocess.Popen(
        [sys.executable, "-m", "axolotl.cli.main", *command[1:], *options],
        cwd=folder,
        env=os.environ
        | {"AXOLOTL_DO_NOT_TRACK": "1", "HF_HUB_OFFLINE": "1", "HF_HOME": str(folder / "hub")}
        | {"PYTHONPATH": str(_ROOT / "src"), "ACCELERATE_USE_CPU": "1", "PYTHONUNBUFFERED": "1"}
        | {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
        | (variables or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def train(folder: Path, *options: str, variables: dict[str, str] | None = None) -> str:
    """Run it to its end; what it said."""
    process = begin(folder, *options, variables=variables)
    said, _ = process.communicate(timeout=_LIMIT_SECONDS)
    assert process.returncode == 0, said[-4000:]
    return said


def card_of(folder: Path) -> str:
    """The card, in which our section stands once, beside Axolotl's own words."""
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert text.count(_HEADING) == 1
    return text


def test_the_pages_example_completes_axolotls_card(workplace: Path) -> None:
    """Fine-tuning with LoRA by ``axolotl train``: its card, our section, its method and its held-out loss."""
    write_configuration(workplace, _SFT)
    said = train(workplace)
    text, record = card_of(workplace / "out"), load_run(workplace / "out")
    assert said.count("cardcallback: ") == 2  # one line at the start, one at the end
    assert "Built with Axolotl" in text
    assert "| Method | language modelling with LoRA (Axolotl AxolotlTrainer)" in text
    assert "| LoRA | r 2, alpha 4, layers q_proj" in text
    assert "axolotl 0.19" in text
    assert "More information needed" not in text.split("## Training and evaluation data")[1].split("##")[0]
    assert record.status == "completed"
    assert record.training.steps == 4
    assert record.training.loss_kind == "token cross-entropy"
    assert record.evaluation.after.perplexity is not None
    assert str(workplace) not in text


def test_folders_of_the_machine_stay_out_of_axolotls_own_words(workplace: Path) -> None:
    """It prints its YAML, and titles the card with ``output_dir``: absolute paths are shortened in both."""
    texts = {**_SFT["datasets"][0], "path": str(workplace / "texts.jsonl")}
    absolute = {"base_model": str(workplace / "base"), "output_dir": str(workplace / "out"), "datasets": [texts]}
    write_configuration(workplace, _SFT, absolute)
    train(workplace, "--launcher", "python")
    text = card_of(workplace / "out")
    assert str(workplace).strip("/") not in text
    assert 'base_model: ".../base"' in text
    assert "\n# out\n" in text
    assert " on the texts.jsonl dataset" in text


def test_preference_training_names_its_method(workplace: Path) -> None:
    """``rl: dpo``, in this process: DPO with its beta, which Axolotl's own trainer is given."""
    write_configuration(workplace, _DPO)
    train(workplace, "--launcher", "python")
    text, record = card_of(workplace / "out"), load_run(workplace / "out")
    assert record.training.objective == "DPO"
    assert record.training.hyperparameters["beta"] == 0.2
    assert record.training.lora is not None
    assert "| Method | DPO with LoRA (Axolotl AxolotlDPOTrainer)" in text
    assert "rewards/margins" in record.curves


@pytest.fixture
def hub() -> Iterator[Any]:
    """A Hub on this machine."""
    from hub_server import HubServer  # noqa: PLC0415 - only where Axolotl is

    server = HubServer()
    with server.serving():
        yield server


def test_the_pushed_card_has_the_section(workplace: Path, hub: Any) -> None:
    """With ``hub_model_id`` Axolotl pushes at the very end and writes the card there once more."""
    write_configuration(workplace, _SFT, {"hub_model_id": "someone/tiny", "val_set_size": 0, "eval_steps": None})
    train(workplace, "--launcher", "python", variables=hub.environment)
    cards = [commit.cards["README.md"] for commit in hub.commits if "README.md" in commit.cards]
    assert cards
    assert all(card.count(_HEADING) == 1 for card in cards)
    # With what docs/privacy.md warns of.
    assert {"training_run/record.json", "debug.log"} <= {path for commit in hub.commits for path in commit.paths}
    assert "4 steps" in cards[-1]


def test_ctrl_c_saves_the_weights_and_tells_of_the_interruption(workplace: Path) -> None:
    """Axolotl's own handler saves and leaves with 0; ours neither takes its place nor is left out by it."""
    write_configuration(workplace, _SFT, {"max_steps": 1_000_000, "val_set_size": 0, "eval_steps": None})
    process = begin(workplace, "--launcher", "python")
    assert process.stdout is not None
    seen = next((line for line in process.stdout if "'loss'" in line), None)
    assert seen is not None
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=_LIMIT_SECONDS)
    assert process.returncode == 0, said[-4000:]
    assert (workplace / "out" / "adapter_model.safetensors").is_file()
    record = load_run(workplace / "out")
    assert record.status == "interrupted"
    assert record.training.steps is not None
    assert "interrupted" in card_of(workplace / "out").split(_HEADING)[1]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"cardcallback": {"locaton": "DE"}}, "did you mean location?"),
        ({"cardcallback": {"location": "Atlantis"}}, "location"),
        ({"cardcallback": {"location": False}}, 'write "NO" in quotes'),
        ({"cardcallback": "DE"}, "one a line, such as `location: DE`"),
    ],
    ids=["unknown", "wrong", "norway", "no-settings"],
)
def test_a_wrong_setting_is_named_before_anything_is_loaded(settings: dict[str, Any], expected: str) -> None:
    """By Axolotl's own check of its configuration, which stops there."""
    from cardcallback.integrations.axolotl import CardCallbackArguments  # noqa: PLC0415 - imports axolotl

    with pytest.raises(ValueError, match="cardcallback") as caught:
        CardCallbackArguments(**settings)
    assert expected in str(caught.value)


def test_a_configuration_without_the_plugin_is_left_alone() -> None:
    """Axolotl asks every plugin it ever loaded in a process, whoever is training now."""
    from cardcallback.integrations.axolotl import CardCallbackPlugin  # noqa: PLC0415 - as above

    plugin = CardCallbackPlugin()
    assert plugin.add_callbacks_pre_trainer({"plugins": ["axolotl.integrations.liger.LigerPlugin"]}, None) == []
    assert plugin.add_callbacks_pre_trainer({}, None) == []
    named = {"plugins": ["cardcallback.integrations.axolotl.CardCallbackPlugin"], "cardcallback": {"quiet": True}}
    first, second = (plugin.add_callbacks_pre_trainer(named, None)[0] for _ in range(2))
    assert type(first).__name__ == type(second).__name__ == "CardCallback"
    assert first is not second
