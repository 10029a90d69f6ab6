"""Fine-tune Gemma 3 with Unsloth; one line, the CardCallback, completes the model card.

    python examples/unsloth_gemma.py                                    # no GPU, no network: Unsloth's CPU path
    python examples/unsloth_gemma.py --model unsloth/gemma-3-1b-it --location DE    # on a CUDA device: its fast path
    python examples/unsloth_gemma.py --merged merged                    # and a merged model with a complete card

The default model comes from a package that ships its weights; any other --model is a folder or comes from the Hub.
"""

from __future__ import annotations

from unsloth import FastLanguageModel  # isort: skip - first, since it changes what the others export

from pathlib import Path

import torch
from example_parts import closing_line, command_line, hub_id, model_source, read_examples, refused_in_one_line
from trl import SFTConfig, SFTTrainer

from cardcallback import CardCallback

COLUMNS = ("prompt", "completion")
HELD_OUT_EXAMPLES = 32
LONGEST_TOKENS = 512


def main() -> None:
    """Load, evaluate, train, evaluate again, save; the callback writes the card."""
    parser = command_line(__doc__, output_dir="runs/unsloth-gemma", dataset="energy_questions.jsonl", columns=COLUMNS)
    parser.add_argument("--merged", type=Path, help="a folder for the model with the adapter merged into it")
    arguments = parser.parse_args()
    with refused_in_one_line():
        card = CardCallback(base_model=hub_id(arguments.model), location=arguments.location)
    model, tokenizer = FastLanguageModel.from_pretrained(
        model_name=str(model_source(arguments.model)),
        max_seq_length=LONGEST_TOKENS,
        load_in_4bit=torch.cuda.is_available(),  # Unsloth cannot merge into 4-bit weights on a CPU
    )
    model = FastLanguageModel.get_peft_model(model, r=16, lora_alpha=32, random_state=42)
    examples = read_examples(arguments.dataset, COLUMNS, conversational=tokenizer.chat_template is not None)
    parts = examples.train_test_split(test_size=HELD_OUT_EXAMPLES, seed=42)
    trainer = SFTTrainer(
        model=model,
        processing_class=tokenizer,
        train_dataset=parts["train"],
        eval_dataset=parts["test"],
        args=SFTConfig(
            output_dir=str(arguments.output_dir),
            num_train_epochs=1,
            max_steps=arguments.max_steps,
            per_device_train_batch_size=4,
            per_device_eval_batch_size=8,
            learning_rate=2e-4,
            lr_scheduler_type="cosine",
            warmup_steps=3,
            max_length=LONGEST_TOKENS,
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
    if arguments.merged:
        # Unsloth writes a card of its own there, which knows nothing of the run.
        model.save_pretrained_merged(str(arguments.merged), tokenizer, save_method="merged_16bit")
        print(f"To complete its card: cardcallback publish {arguments.output_dir} {arguments.merged}")


if __name__ == "__main__":
    main()
