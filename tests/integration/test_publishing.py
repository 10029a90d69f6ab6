"""A real run published into what real libraries save afterwards: the adapter, the merged model, a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard
from tiny import STEPS, make_trainer

from cardcallback import CardCallback, load_run
from cardcallback.cli import main

pytestmark = pytest.mark.training
HEADING = "## Training, hardware and environmental impact"


def publish(*arguments: str | Path) -> int:
    """The exit code of ``cardcallback publish``."""
    with pytest.raises(SystemExit) as stop:
        main(["publish", *map(str, arguments)])
    return int(stop.value.code or 0)


def test_what_was_made_of_a_run_gets_its_card(
    output_folder: Path, base_folder: Path, tmp_path: Path, capsys: Any
) -> None:
    """Each folder's card says what is true of the weights that lie there; a checkpoint of another step gets none."""
    trainer = make_trainer(
        "sft-peft",
        output_folder,
        base_folder=base_folder,
        callbacks=[CardCallback(quiet=True, base_model="ada/tiny")],
        save_strategy="steps",
        save_steps=STEPS // 2,
    )
    trainer.train()
    adapter, merged = tmp_path / "adapter", tmp_path / "merged"
    trainer.model.save_pretrained(adapter)
    trainer.model.merge_and_unload().save_pretrained(merged)
    for folder, relation in ((adapter, "adapter"), (merged, None)):
        assert publish(output_folder, folder) == 0, capsys.readouterr().err
        text = (folder / "README.md").read_text()
        data = ModelCard(text).data.to_dict()
        assert text.count(HEADING) == 1
        assert data["base_model"] == "ada/tiny"
        assert data.get("base_model_relation") == relation
        assert ("merged into its base model" in text) == (folder == merged)
        assert str(tmp_path) not in text
        assert load_run(folder).run_id == load_run(output_folder).run_id
        capsys.readouterr()
        assert publish(output_folder, folder) == 0
        assert "nothing to change" in capsys.readouterr().out
    assert publish(output_folder, output_folder / f"checkpoint-{STEPS // 2}") == 1
    assert f"a checkpoint of step {STEPS // 2}, the card is for step {STEPS}" in capsys.readouterr().err
