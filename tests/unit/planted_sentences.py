"""What people write about a training beside its own figures, and what contradicts them, as in ``planted_figures``.

The run is the same: Gemma 3 4B with QLoRA on one GB10, 500 steps, 1.87 h and 107 Wh, of which 37 g in Germany.
"""

# ruff: noqa: E501  cards as people write them, in their own letters

from __future__ import annotations

_TRAINING = "# Training details of ours\n\n"
_PROCEDURE = "# Training procedure of mine\n\n"
_DATA = "# Training data of ours\n\n"
_IMPACT = "# Environmental impact (ours)\n\n"

MORE_CONTRADICTIONS = (
    _TRAINING + "Trained for three epochs over 8,000 examples.\n",
    _TRAINING + "We trained the adapter for ten epochs.\n",
    _TRAINING + "Trained on 80k samples.\n",
    "# gemma-sft\n\nThis model is a fine-tuned version of [google/gemma-3-12b-it](https://huggingface.co/google/gemma-3-12b-it).\n",
    _TRAINING + "- Finetuned from model: unsloth/Llama-3.2-3B-Instruct-bnb-4bit\n",
    _TRAINING + "We use fp16 mixed precision.\n",
    _TRAINING + "Trained in float16.\n",
    _TRAINING + "Trained on one RTX 3090.\n",
    _IMPACT + "The GPU drew 157 W on average.\n",
    _IMPACT + "- Total energy: 1.07 kWh\n",
    _IMPACT + "It used 4.2 kWh.\n",
    _TRAINING + "It took 9 hours on one GPU.\n",
    _TRAINING + "Training took about 14 hours on a single RTX 4090.\n",
    _TRAINING + "Logged training time: 17,530.17 s (~4 h 52 m 10 s)\n",
    _TRAINING + "Trained on 52,000 instruction pairs.\n",
    _TRAINING + "The fine-tuning lasted 40 minutes on an L4.\n",
    _TRAINING + "Actual training time: 9 h\n",
)
MORE_SOUND = (
    _TRAINING + "The CNN baseline in the table above was trained for 30 epochs on a T4.\n",
    _TRAINING + "You need a GPU with at least 24 GB of memory to repeat this with batch size 8.\n",
    _TRAINING + "Version 1.0 of this adapter was trained for 2 epochs with a learning rate of 1e-4.\n",
    _TRAINING + "With `per_device_train_batch_size=1` the job needs 18 GB and about twice as long.\n",
    _IMPACT + "If you train on AWS p4d in Ireland, the same data makes about 0.3 kg CO2e.\n",
    _TRAINING + "Trained on 8,000 labelled support examples.\n",
    _TRAINING + "Our reranker was trained on 40,000 pairs before this work began.\n",
    _TRAINING + "Annotators were trained on 50 examples first.\n",
    _TRAINING + "With max_length=4096 it takes 80 GB.\n",
    _TRAINING + "We trained for one epoch over 8,000 examples, which took roughly 1 h 52 min.\n",
    _TRAINING + "Le modèle a été entraîné pendant 1 h 52 min sur un seul GB10.\n",
    _TRAINING + "The 12B model was trained with 12 trillion tokens, the 4B model with 4 trillion tokens.\n",
    _TRAINING + "Llama 3.1 8B used 1.46M GPU hours on H100-80GB, our adapter 2.\n",
    _TRAINING + "The learning rate was warmed up over 15 steps and decayed to 0 with a cosine schedule.\n",
    _TRAINING + "Die Lernrate stieg in 15 Schritten auf 2e-4.\n",
    _TRAINING + "Loss plateaued after 400 steps.\n",
    _TRAINING + "The average example has 690 tokens, the longest 2,048.\n",
    _DATA + "The corpus was crawled between January 2022 and March 2024 and has 1.2B tokens; we use a subset.\n",
    _DATA + "OpenHermes-2.5 contains 1,001,551 samples.\n",
    _DATA + "Data was generated with GPT-4 (gpt-4-0613) at temperature 1.0 for 120 hours.\n",
    _DATA + "Cleaning the data took 3 days.\n",
    _DATA + "La preparación de los datos duró 3 semanas.\n",
    _TRAINING + "Training was interrupted once for 3 hours and resumed from step 250.\n",
    _TRAINING + "Merging the adapter took 4 minutes and 32 GB of RAM.\n",
    _TRAINING + "Pushing to the Hub took 20 minutes.\n",
    _TRAINING + "L'évaluation a duré 40 minutes.\n",
    _TRAINING + "On my old RTX 3090 the same script ran for 3 h 20 min.\n",
    _TRAINING + "v0.1 was trained on 4,000 examples.\n",
    _TRAINING + "Optimizer states were kept in 8-bit with bitsandbytes.\n",
    _TRAINING + "The embeddings were kept in 8-bit.\n",
    _TRAINING + "KV cache was quantized to 8 bit in our tests.\n",
    _TRAINING + "The adapter weights are stored in float32.\n",
    _TRAINING + "We trained in bf16 and computed the loss in fp32.\n",
    _TRAINING + "- **Context length:** 128K\n- **Parameters:** 4.3B\n",
    _TRAINING + "- **Finetuned from model:** unsloth/gemma-3-4b-it-bnb-4bit\n",
    _TRAINING + "The teacher was trained for 3 epochs on 32 A100 GPUs with a learning rate of 1e-5 in fp16.\n",
    _TRAINING + "QLoRA (Dettmers et al., 2023) uses a batch size of 16 and 1,875 steps for 7B models.\n",
    _TRAINING + "The LoRA paper uses rank 8.\n",
    _TRAINING + "The split was made with seed 1234.\n",
    _TRAINING + "We evaluated with batch size 64.\n",
    "# Other sizes\n\n| Size | LR | Epochs | GPU hours |\n|---|---|---|---|\n| 4B | 2e-4 | 1 | 1.9 |\n| 12B | 1e-4 | 1 | 7 |\n",
    _IMPACT + "In Sweden the same energy would have caused 4 g CO2e.\n",
    _IMPACT + "One kilowatt-hour of electricity in Germany caused 344 g of CO2 in 2024.\n",
    _IMPACT + "Generating 1,000 answers uses about 15 Wh.\n",
    _IMPACT + "A single prompt uses 0.24 Wh.\n",
    _IMPACT + "- CPU energy: 0.06 kWh (estimated)\n- GPU energy: 0.107 kWh\n- Total energy: 0.167 kWh\n",
    _IMPACT + "All our experiments together emitted 650 g CO2e.\n",
    _IMPACT + "Meta reports 390 tons CO2eq for training Llama 3 8B.\n",
    _PROCEDURE
    + "- train_batch_size: 2\n- eval_batch_size: 8\n- total_train_batch_size: 16\n- lr_scheduler_warmup_ratio: 0.03\n- training_steps: 500\n",
    "# FAQ\n\nCan I train it further? Yes: use a learning rate of 1e-5, 2 epochs and a batch size of 4.\n",
    _TRAINING + "On an RTX 3090 it needs 24 GB.\n",
    _TRAINING + "Trained on NVIDIA GB10, tested on an RTX 3090.\n",
    _DATA + "We trained on 5,000 examples from Alpaca and 3,000 from Dolly.\n",
    _DATA + "Training data was filtered from 52k to 8k examples.\n",
    _DATA + "We removed 1,204 training examples with toxic content.\n",
    _DATA + "400 training examples were written by hand.\n",
    _IMPACT + "- Emissions per 1M tokens: 6.7 g\n",
)
