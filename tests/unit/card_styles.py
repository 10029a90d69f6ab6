"""Good cards as people and programs write them, none of which gives a reviewer a word to say."""

# ruff: noqa: E501  lines as the programs write them

from __future__ import annotations

_PERSON = """---
base_model: Qwen/Qwen2.5-3B-Instruct
library_name: peft
license: other
license_name: qwen-research
license_link: https://huggingface.co/Qwen/Qwen2.5-3B-Instruct/blob/main/LICENSE
tags:
- base_model:adapter:Qwen/Qwen2.5-3B-Instruct
- lora
- transformers
pipeline_tag: text-generation
model-index:
- name: out
  results:
  - task:
      type: text-generation
      name: Text Generation
    dataset:
      name: held out
      type: held-out
    metrics:
    - type: perplexity
      value: 4.31
---
# Qwen 2.5 3B Weather

| Setting | Value |
|---|---|
| LoRA rank / alpha | 16 / 32 |
| Batch size | 4 (effective 32 with 8 accumulation steps) |
| Learning rate | 2e-4 → 0, cosine |
| Epochs | 3 |
| Sequence length | 2,048 |
| GPU | 1× NVIDIA RTX 4090 (24 GB) |
| Training time | 2 h 41 min (9,660 s) |
| Energy | 0.86 kWh (codecarbon: GPU 0.71, CPU 0.09, RAM 0.06) |
| CO2 | 0.30 kg CO2eq (Germany, 344 g/kWh, Ember 2024) |
| Peak VRAM | 21.4 GB |
| Throughput | 3,120 tokens/s |

Eval loss went from 1.92 to 1.46; perplexity 6.82 → 4.31. ROUGE-L 41.2 %, accuracy 87.5% (+12.3 points, 116 % of base).

Usage:

```python
from peft import PeftModel
model = PeftModel.from_pretrained(base, "ada/qwen-weather")
messages = [{"role": "user", "content": "[INST] hi"}]
```

- 8 bit: 3.4 GB; 4-bit: 2.0 GB of memory for inference
- Latency: 35 ms per token on A100 (400 W TDP), about 1.2 Wh per 1,000 tokens
- The [paper](https://arxiv.org/abs/2312.02741) and [data card](https://huggingface.co/datasets/ada/weather)
"""
_UNSLOTH = """---
base_model: unsloth/Meta-Llama-3.1-8B-Instruct-bnb-4bit
tags:
- text-generation-inference
- transformers
- unsloth
- llama
- trl
license: apache-2.0
language:
- en
---

# Uploaded  model

- **Developed by:** ada
- **License:** apache-2.0
- **Finetuned from model :** unsloth/Meta-Llama-3.1-8B-Instruct-bnb-4bit

This llama model was trained 2x faster with [Unsloth](https://github.com/unslothai/unsloth) and Huggingface's TRL library.

[<img src="https://raw.githubusercontent.com/unslothai/unsloth/main/images/unsloth%20made%20with%20love.png" width="200"/>](https://github.com/unslothai/unsloth)
"""
_SENTENCE_TRANSFORMERS = """---
language:
- en
license: apache-2.0
tags:
- sentence-transformers
- sentence-similarity
- generated_from_trainer
- dataset_size:100000
- loss:MultipleNegativesRankingLoss
base_model: microsoft/mpnet-base
widget:
- source_sentence: A man is [eating] food.
  sentences:
  - A man is eating a piece of bread.
datasets:
- sentence-transformers/all-nli
pipeline_tag: sentence-similarity
library_name: sentence-transformers
metrics:
- cosine_accuracy
co2_eq_emissions:
  emissions: 17.227014636313
  energy_consumed: 0.04431952292103
  source: codecarbon
  training_type: fine-tuning
  on_cloud: false
  cpu_model: 13th Gen Intel(R) Core(TM) i7-13700K
  ram_total_size: 31.777088165283203
  hours_used: 0.202
  hardware_used: 1 x NVIDIA GeForce RTX 3090
model-index:
- name: MPNet base
  results:
  - task:
      type: triplet
      name: Triplet
    dataset:
      name: all nli dev
      type: all-nli-dev
    metrics:
    - type: cosine_accuracy
      value: 0.9079586877278251
      name: Cosine Accuracy
---

# MPNet base

### Model Description
- **Model Type:** Sentence Transformer
- **Maximum Sequence Length:** 512 tokens
- **Output Dimensionality:** 768 dimensions
<!-- - **Language:** Unknown -->

## Usage

```python
model = SentenceTransformer("sentence_transformers_model_id")
# [3, 768]
```

### Training Logs
| Epoch | Step | Training Loss | loss | all-nli-dev_cosine_accuracy |
|:-----:|:----:|:-------------:|:------:|:------:|
| 0     | 0    | -             | -      | 0.6832 |
| 0.016 | 100  | 2.6402        | 1.0836 | 0.7904 |

### Environmental Impact
Carbon emissions were measured using [CodeCarbon](https://github.com/mlco2/codecarbon).
- **Energy Consumed**: 0.044 kWh
- **Carbon Emitted**: 0.017 kg of CO2
- **Hours Used**: 0.202 hours

### Training Hardware
- **On Cloud**: No
- **GPU Model**: 1 x NVIDIA GeForce RTX 3090
- **CPU Model**: 13th Gen Intel(R) Core(TM) i7-13700K
- **RAM Size**: 31.78 GB
"""
_TRANSFORMERS = """---
library_name: transformers
license: apache-2.0
base_model: distilbert-base-uncased
tags:
- generated_from_trainer
metrics:
- accuracy
model-index:
- name: out
  results: []
---

<!-- This model card has been generated automatically according to the information the Trainer had access to. You
should probably proofread and complete it, then remove this comment. -->

# out

This model is a fine-tuned version of [distilbert-base-uncased](https://huggingface.co/distilbert-base-uncased) on the imdb dataset.
It achieves the following results on the evaluation set:
- Loss: 0.2313
- Accuracy: 0.9312
- Perplexity: 1.2602

## Training procedure

### Training hyperparameters

The following hyperparameters were used during training:
- learning_rate: 2e-05
- train_batch_size: 16
- eval_batch_size: 16
- seed: 42
- distributed_type: multi-GPU
- num_devices: 4
- gradient_accumulation_steps: 2
- total_train_batch_size: 128
- total_eval_batch_size: 64
- optimizer: Use adamw_torch with betas=(0.9,0.999) and epsilon=1e-08 and optimizer_args=No additional optimizer arguments
- lr_scheduler_type: linear
- num_epochs: 2

### Training results

| Training Loss | Epoch | Step | Validation Loss | Accuracy |
|:-------------:|:-----:|:----:|:---------------:|:--------:|
| 0.2232        | 1.0   | 1563 | 0.2059          | 0.9214   |
| 0.1513        | 2.0   | 3126 | 0.2313          | 0.9312   |

### Framework versions

- Transformers 5.23.0
- Pytorch 2.9.0+cu128
"""
_AXOLOTL = """---
library_name: peft
license: llama3.1
base_model: NousResearch/Meta-Llama-3.1-8B
tags:
- axolotl
- generated_from_trainer
datasets:
- mhenrichsen/alpaca_2k_test
model-index:
- name: out
  results: []
---

[<img src="https://raw.githubusercontent.com/axolotl-ai-cloud/axolotl/main/image/axolotl-badge-web.png" alt="Built with Axolotl" width="200" height="32"/>](https://github.com/axolotl-ai-cloud/axolotl)
<details><summary>See axolotl config</summary>

axolotl version: `0.12.0`
```yaml
base_model: NousResearch/Meta-Llama-3.1-8B
output_dir: ./outputs/out
dataset_prepared_path: last_run_prepared
wandb_project:
```

</details><br>

# out

This model is a fine-tuned version of [NousResearch/Meta-Llama-3.1-8B](https://huggingface.co/NousResearch/Meta-Llama-3.1-8B) on the mhenrichsen/alpaca_2k_test dataset.
It achieves the following results on the evaluation set:
- Loss: 1.1032
- Ppl: 3.0138
- Memory/max Active (gib): 14.2
"""

GOOD_CARDS = {
    "a person's adapter card": _PERSON,
    "Unsloth": _UNSLOTH,
    "sentence-transformers": _SENTENCE_TRANSFORMERS,
    "transformers": _TRANSFORMERS,
    "Axolotl": _AXOLOTL,
}
