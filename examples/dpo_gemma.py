"""Align Gemma 3 with DPO, as the second stage on the adapter of qlora_gemma.py; the card shows both stages.

    python examples/qlora_gemma.py                        # the first stage: an adapter in runs/qlora-gemma
    python examples/dpo_gemma.py                          # the second one, trained on from there
    python examples/dpo_gemma.py --adapter runs/demo      # on another adapter of the same model

Where there is no adapter yet, DPO begins from the base model and says so. The options are those of qlora_gemma.py.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from example_parts import (
    closing_line,
    command_line,
    hub_id,
    load_in_four_bits,
    model_source,
    read_examples,
    refused_in_one_line,
)
from peft import LoraConfig, PeftModel
from transformers import AutoTokenizer
from trl import DPOConfig, DPOTrainer

from cardcallback import CardCallback

COLUMNS = ("prompt", "chosen", "rejected")
FIRST_STAGE = Path("runs/qlora-gemma")
ADAPTER_FILE = "adapter_config.json"
HELD_OUT_EXAMPLES = 16


def main() -> None:
    """Load base and adapter, evaluate, train, evaluate again, save; the callback finds the stage before by itself."""
    parser = command_line(__doc__, output_dir="runs/dpo-gemma", dataset="energy_preferences.jsonl", columns=COLUMNS)
    parser.add_argument(
        "--adapter", type=Path, help=f"the first stage's folder (default: {FIRST_STAGE} if it is there)"
    )
    arguments = parser.parse_args()
    if arguments.adapter and not (arguments.adapter / ADAPTER_FILE).is_file():
        parser.error(f"no adapter in {arguments.adapter}: train one there with examples/qlora_gemma.py --output-dir")
    with refused_in_one_line():
        card = CardCallback(base_model=hub_id(arguments.model), location=arguments.location)
    on_gpu = torch.cuda.is_available()
    source = model_source(arguments.model)
    adapter = arguments.adapter or own_adapter(source)
    tokenizer = AutoTokenizer.from_pretrained(source)
    examples = read_examples(arguments.dataset, COLUMNS, conversational=tokenizer.chat_template is not None)
    parts = examples.train_test_split(test_size=HELD_OUT_EXAMPLES, seed=42)
    model = load_in_four_bits(source)
    if adapter is None:
        print(f"No adapter of {arguments.model} in {FIRST_STAGE}: DPO begins from the base model, as the only stage.")
    else:
        # TRL keeps a frozen copy of the adapter as it is now: the reference that DPO holds the model to.
        model = PeftModel.from_pretrained(model, adapter, is_trainable=True)
    trainer = DPOTrainer(
        model=model,
        processing_class=tokenizer,
        train_dataset=parts["train"],
        eval_dataset=parts["test"],
        peft_config=new_adapter() if adapter is None else None,
        args=DPOConfig(
            output_dir=str(arguments.output_dir),
            beta=0.1,
            num_train_epochs=1,
            max_steps=arguments.max_steps,
            per_device_train_batch_size=4,
            per_device_eval_batch_size=8,
            learning_rate=5e-5,
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
        callbacks=[card],
    )
    trainer.evaluate()
    trainer.train()
    trainer.evaluate()
    trainer.save_model()
    print(closing_line(arguments.output_dir))


def own_adapter(source: str | Path) -> Path | None:
    """What qlora_gemma.py left in its folder, if that was trained on the same model."""
    settings = FIRST_STAGE / ADAPTER_FILE
    if not settings.is_file():
        return None
    base = json.loads(settings.read_text(encoding="utf-8"))["base_model_name_or_path"]
    return FIRST_STAGE if base == str(source) else None


def new_adapter() -> LoraConfig:
    """The adapter that is trained where there was none."""
    return LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")


if __name__ == "__main__":
    main()
