"""The examples whole, with the packaged Gemma, beside a simulated GPU."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cardcallback import RunRecord, load_run
from cardcallback.check import check_card

pytestmark = [pytest.mark.training, pytest.mark.matrix]
_ROOT = Path(__file__).resolve().parents[2]
_SIMULATED = [sys.executable, str(_ROOT / "tests" / "simulator" / "run_simulated.py"), "--profile"]
_TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node"]
_LIMIT_SECONDS = 6 * 3600


def _run(command: list[str], folder: Path) -> None:
    """An example as a person starts it, from a folder of its own."""
    environment = os.environ | {"PYTHONPATH": str(_ROOT / "src"), "HF_HUB_OFFLINE": "1"}
    environment.pop("OMP_NUM_THREADS", None)
    subprocess.run(command, cwd=folder, env=environment, check=True, timeout=_LIMIT_SECONDS)


def _script(name: str) -> str:
    return str(_ROOT / "examples" / name)


def _checked(folder: Path) -> RunRecord:
    """The record, of a card that agrees with it: what is left are the author's own placeholders."""
    record = load_run(folder)
    before, after = record.evaluation.before, record.evaluation.after
    assert before is not None
    assert after is not None
    assert (after.loss or 0.0) < (before.loss or 0.0)
    card = (folder / "README.md").read_text(encoding="utf-8")
    found = check_card(card, record=record, file_exists=lambda path: (folder / path).exists())
    assert [one.what for one in found if one.severity == "error" and one.rule != "placeholder"] == []
    return record


def test_both_stages(tmp_path: Path) -> None:
    """QLoRA, then DPO on its adapter: both learn, and the second card has both."""
    for name in ("qlora_gemma.py", "dpo_gemma.py"):
        _run([*_SIMULATED, "gb10", "--", sys.executable, _script(name), "--location", "DE"], tmp_path)
    first, second = _checked(tmp_path / "runs/qlora-gemma"), _checked(tmp_path / "runs/dpo-gemma")
    assert [stage.run_id for stage in second.stages] == [first.run_id, second.run_id]
    assert second.evaluation.after is not None
    assert second.evaluation.after.metrics["eval_rewards/accuracies"] > 0.5
    assert "| Both stages | " in (tmp_path / "runs/dpo-gemma/README.md").read_text()


def test_several_processes(tmp_path: Path) -> None:
    """Two of them, each with the whole model and half of each batch."""
    command = [*_TORCHRUN, "2", _script("multi_gpu.py"), "--location", "DE"]
    _run([*_SIMULATED, "h100x8", "--", *command], tmp_path)
    record = _checked(tmp_path / "runs/multi-gpu")
    assert (record.processes, record.training.method) == (2, "LoRA")
