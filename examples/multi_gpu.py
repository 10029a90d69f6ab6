"""Fine-tune Gemma 3 with LoRA on several GPUs, or processes of a CPU; one card, of all of them.

    accelerate launch --multi_gpu --num_processes 2 examples/multi_gpu.py --location DE
    torchrun --nproc-per-node 8 examples/multi_gpu.py --model google/gemma-3-1b-it

Without a GPU both train on the CPU all the same (accelerate with --multi_gpu; with --cpu it starts one process).
Nothing here is of the callback's: one process of each computer measures the GPUs of all its processes, tokens are
summed over the processes, and the first one writes the card. Several computers: one launcher on each, as ever; where
they share no disk, ``cardcallback recover`` joins their folders afterwards.
"""

from __future__ import annotations

import torch
from example_parts import closing_line, command_line, hub_id, model_source, read_examples, refused_in_one_line
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import SFTConfig, SFTTrainer

from cardcallback import CardCallback

COLUMNS = ("prompt", "completion")
HELD_OUT_EXAMPLES = 32


def main() -> None:
    """What each process does: load the whole model, train on its share of each batch."""
    parser = command_line(__doc__, output_dir="runs/multi-gpu", dataset="energy_questions.jsonl", columns=COLUMNS)
    arguments = parser.parse_args()
    with refused_in_one_line():
        card = CardCallback(base_model=hub_id(arguments.model), location=arguments.location)
    on_gpu = torch.cuda.is_available()
    settings = SFTConfig(
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
        save_strategy="no",
        logging_steps=1,
        seed=42,
        report_to="none",
    )
    if settings.process_index == 0:
        print(f"{settings.world_size} processes, each with the whole model and a batch of its own")
    with settings.main_process_first(desc="model and data"):  # so that only one process unpacks them
        source = model_source(arguments.model)
        tokenizer = AutoTokenizer.from_pretrained(source)
        examples = read_examples(arguments.dataset, COLUMNS, conversational=tokenizer.chat_template is not None)
    parts = examples.train_test_split(test_size=HELD_OUT_EXAMPLES, seed=42)
    trainer = SFTTrainer(
        # Without a device_map: the trainer puts each process's model on a GPU of its own.
        model=AutoModelForCausalLM.from_pretrained(source, dtype=torch.bfloat16),
        processing_class=tokenizer,
        train_dataset=parts["train"],
        eval_dataset=parts["test"],
        peft_config=LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"),
        args=settings,
        callbacks=[card],
    )
    trainer.evaluate()
    trainer.train()
    trainer.evaluate()
    trainer.save_model()
    if trainer.is_world_process_zero():
        print(closing_line(arguments.output_dir))


if __name__ == "__main__":
    main()
