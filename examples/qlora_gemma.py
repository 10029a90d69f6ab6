"""Fine-tune Gemma 3 with QLoRA; one line, the CardCallback, completes the model card.

    python examples/qlora_gemma.py                                    # no GPU, no network: Gemma 3 270M, minutes
    python examples/qlora_gemma.py --model google/gemma-3-1b-it --location DE    # on a CUDA device

The default model comes from a package that ships its weights; any other --model is a folder or comes from the Hub.
"""

from __future__ import annotations

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
from peft import LoraConfig
from transformers import AutoTokenizer
from trl import SFTConfig, SFTTrainer

from cardcallback import CardCallback

COLUMNS = ("prompt", "completion")
HELD_OUT_EXAMPLES = 32


def main() -> None:
    """Load, evaluate, train, evaluate again, save; the callback writes the card."""
    parser = command_line(__doc__, output_dir="runs/qlora-gemma", dataset="energy_questions.jsonl", columns=COLUMNS)
    arguments = parser.parse_args()
    with refused_in_one_line():
        card = CardCallback(base_model=hub_id(arguments.model), location=arguments.location)
    on_gpu = torch.cuda.is_available()
    source = model_source(arguments.model)
    tokenizer = AutoTokenizer.from_pretrained(source)
    examples = read_examples(arguments.dataset, COLUMNS, conversational=tokenizer.chat_template is not None)
    parts = examples.train_test_split(test_size=HELD_OUT_EXAMPLES, seed=42)
    trainer = SFTTrainer(
        model=load_in_four_bits(source),
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
        callbacks=[card],
    )
    trainer.evaluate()
    trainer.train()
    trainer.evaluate()
    trainer.save_model()
    print(closing_line(arguments.output_dir))


if __name__ == "__main__":
    main()
