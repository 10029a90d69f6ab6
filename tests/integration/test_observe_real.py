"""What a run is, read from the real libraries' objects while they train a tiny random model on the CPU."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from tiny import make_tokenizer

from cardcallback.curves import curves_from_history
from cardcallback.observe import (
    evaluation_result,
    observe_software,
    observe_training,
    token_baseline,
    with_progress,
)
from cardcallback.record import TOKEN_CROSS_ENTROPY, EvaluationResult, Training

torch = pytest.importorskip("torch", reason="torch is not installed")
transformers = pytest.importorskip("transformers", reason="transformers is not installed")
datasets = pytest.importorskip("datasets", reason="datasets is not installed")

pytestmark = pytest.mark.training

ANSWERED = [
    {"prompt": "the quick brown", "completion": " fox jumps over a lazy dog"},
    {"prompt": "a lazy", "completion": " dog sleeps"},
] * 8
COMPARED = [{"prompt": "the quick", "chosen": " brown fox", "rejected": " dog"}] * 8


class Watcher(transformers.TrainerCallback):  # type: ignore[misc]  # transformers ships no types
    """Describes the run where the callback will: at the begin, at each evaluation, at the end."""

    def __init__(self) -> None:
        self.trainer: Any = None
        self.training = Training()
        self.evaluations: list[EvaluationResult] = []

    def on_train_begin(self, args: Any, state: Any, control: Any, **objects: Any) -> None:
        """Read everything once."""
        del control
        wanted = ("model", "processing_class", "train_dataloader", "eval_dataloader")
        given = {name: objects.get(name) for name in wanted}
        self.training = observe_training(args=args, trainer=self.trainer, **given)
        self.baseline = token_baseline(self.trainer, state)

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any = None, **objects: Any) -> None:
        """Keep the result."""
        del control, objects
        self._progress(args, state)
        self.evaluations.append(evaluation_result(metrics, self.training, step=state.global_step))

    def on_train_end(self, args: Any, state: Any, control: Any, **objects: Any) -> None:
        """Bring progress up to the end."""
        del control, objects
        self._progress(args, state)

    def _progress(self, args: Any, state: Any) -> None:
        self.training = with_progress(
            self.training, state=state, args=args, trainer=self.trainer, baseline=self.baseline
        )


def make_model(**options: Any) -> Any:
    """A Llama wide enough for NF4's blocks of 64, saved and loaded when ``options`` are given."""
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=32,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=64,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=1,
    )
    model = transformers.LlamaForCausalLM(config)
    folder = options.pop("folder", None)
    if folder is None:
        return model
    model.save_pretrained(folder)
    return transformers.LlamaForCausalLM.from_pretrained(folder, **options)


def settings(folder: Path, **own: Any) -> dict[str, Any]:
    """Four quiet steps on the CPU."""
    return {
        "output_dir": str(folder),
        "max_steps": 4,
        "per_device_train_batch_size": 2,
        "per_device_eval_batch_size": 1,
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": "none",
        "use_cpu": True,
        "disable_tqdm": True,
        "bf16": False,
        **own,
    }


def train(trainer_class: Any, **arguments: Any) -> Watcher:
    """Train with a watcher that knows its trainer."""
    watcher = Watcher()
    watcher.trainer = trainer_class(callbacks=[watcher], **arguments)
    watcher.trainer.train()
    return watcher


def make_sft(folder: Path, **options: Any) -> dict[str, Any]:
    """TRL's arguments for prompts with answers."""
    from trl import SFTConfig  # noqa: PLC0415 - takes seconds to import

    rows = datasets.Dataset.from_list(ANSWERED)
    own = {name: options.pop(name) for name in ("model", "peft_config", "train_dataset") if name in options}
    return {
        "model": make_model(),
        "args": SFTConfig(**settings(folder, **options)),
        "train_dataset": rows,
        "eval_dataset": rows.select(range(4)),
        "processing_class": make_tokenizer(),
        **own,
    }


def test_a_plain_trainer(output_folder: Path) -> None:
    """All parameters of a language model, its token count with padding, its perplexity."""
    rows = datasets.Dataset.from_list([{"input_ids": [3, 4, 5, 6, 7], "labels": [3, 4, 5, 6, 7]}] * 16)
    args = transformers.TrainingArguments(
        **settings(
            output_folder, include_num_input_tokens_seen="all", gradient_accumulation_steps=2, eval_strategy="epoch"
        )
    )
    data = {"train_dataset": rows, "eval_dataset": rows.select(range(2))}
    watched = train(transformers.Trainer, model=make_model(), args=args, **data)
    training = watched.training
    named = (training.method, training.objective, training.trainer)
    assert named == ("full fine-tuning", "language modelling", "Trainer")
    assert (training.loss_kind, training.loss_covers) == (TOKEN_CROSS_ENTROPY, "all tokens")
    assert training.hyperparameters["effective_batch_size"] == 4
    assert training.tokens.processed == 4 * 4 * 5
    assert training.trainable_parameters == training.total_parameters == make_model().num_parameters()
    watched.trainer.evaluate()
    result = watched.evaluations[-1]
    with torch.no_grad():
        ids = torch.tensor([[3, 4, 5, 6, 7]])
        loss = float(watched.trainer.model(input_ids=ids, labels=ids).loss)
    assert result.perplexity == pytest.approx(math.exp(loss), rel=1e-4)
    assert result.examples == 2


def test_qlora_with_trl(output_folder: Path, base_folder: Path) -> None:
    """NF4 base, LoRA on all linear layers, loss on answers, tokens without padding, parameters as PEFT counts."""
    peft = pytest.importorskip("peft", reason="peft is not installed")
    pytest.importorskip("bitsandbytes", reason="bitsandbytes is not installed")
    trl = pytest.importorskip("trl", reason="trl is not installed")
    quantization = transformers.BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    arguments = make_sft(
        output_folder,
        model=make_model(folder=base_folder, quantization_config=quantization),
        peft_config=peft.LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", task_type="CAUSAL_LM"),
        bf16=True,
        lr_scheduler_type="cosine",
        warmup_steps=1,
        max_steps=len(ANSWERED) // 2,
    )
    watched = train(trl.SFTTrainer, **arguments)
    training, model = watched.training, watched.trainer.model
    assert (training.method, training.objective, training.trainer) == ("QLoRA", "SFT", "SFTTrainer")
    assert (training.trainer_library, training.precision) == ("trl", "bf16 mixed precision")
    assert training.quantization is not None
    assert (training.quantization.bits, training.quantization.kind, training.quantization.double) == (4, "NF4", True)
    assert training.quantization.compute_dtype == "bf16"
    assert training.lora is not None
    assert (training.lora.rank, training.lora.alpha, training.lora.all_linear) == (4, 8.0, True)
    assert (training.trainable_parameters, training.total_parameters) == model.get_nb_trainable_parameters()
    assert training.loss_covers == "answer tokens only"
    assert training.base_model is None
    assert "local folder" in str(training.base_model_reason)
    assert str(base_folder) not in repr(training)
    assert training.epochs == 1
    assert training.tokens.non_padding == sum(len(ids) for ids in watched.trainer.train_dataset["input_ids"])
    watched.trainer.evaluate()
    assert watched.evaluations[-1].weights == "NF4"
    assert {"transformers", "trl", "peft", "torch", "bitsandbytes"} <= set(observe_software())


def test_packed_sequences(output_folder: Path) -> None:
    """Packing keeps the number of examples beside the number of packed rows; every token counts."""
    trl = pytest.importorskip("trl", reason="trl is not installed")
    rows = datasets.Dataset.from_list([{"text": "the quick brown fox jumps"}] * 16)
    arguments = make_sft(output_folder, train_dataset=rows, packing=True, eval_packing=False, max_length=16)
    training = train(trl.SFTTrainer, **arguments).training
    data = training.dataset
    assert data.training_examples == 16
    assert data.training_sequences is not None
    assert data.training_sequences < 16
    assert training.loss_covers == "all tokens"
    assert training.hyperparameters["packing"] is True


def test_dpo(output_folder: Path) -> None:
    """DPO's beta and loss type; its loss is never turned into a perplexity; rewards become curves."""
    trl = pytest.importorskip("trl", reason="trl is not installed")
    peft = pytest.importorskip("peft", reason="peft is not installed")
    rows = datasets.Dataset.from_list(COMPARED)
    watched = train(
        trl.DPOTrainer,
        model=make_model(),
        args=trl.DPOConfig(**settings(output_folder, beta=0.2)),
        train_dataset=rows,
        eval_dataset=rows.select(range(2)),
        processing_class=make_tokenizer(),
        peft_config=peft.LoraConfig(r=2, target_modules=["q_proj"], use_rslora=True, task_type="CAUSAL_LM"),
    )
    training = watched.training
    assert (training.method, training.objective, training.loss_kind) == ("LoRA", "DPO", "DPO loss")
    assert training.hyperparameters["beta"] == 0.2
    assert training.hyperparameters["loss_type"] == "sigmoid"
    assert training.lora is not None
    assert (training.lora.all_linear, training.lora.variants) == (False, ("rsLoRA",))
    watched.trainer.evaluate()
    assert watched.evaluations[-1].loss is not None
    assert watched.evaluations[-1].perplexity is None
    assert {"loss", "rewards/chosen", "rewards/margins"} <= set(curves_from_history(watched.trainer.state.log_history))


@pytest.mark.parametrize(
    ("name", "objective"),
    [("GRPOConfig", "GRPO"), ("RewardConfig", "reward modelling"), ("KTOConfig", "KTO"), ("RLOOConfig", "RLOO")],
)
def test_other_methods_by_their_arguments(output_folder: Path, name: str, objective: str) -> None:
    """TRL's other argument classes name their method without a trainer."""
    trl = pytest.importorskip("trl", reason="trl is not installed")
    args = getattr(trl, name)(output_dir=str(output_folder), use_cpu=True, bf16=False, report_to="none")
    training = observe_training(args=args, model=make_model())
    assert (training.objective, training.trainer_library) == (objective, "trl")
    assert str(output_folder) not in repr(training)


def test_a_resumed_session_counts_its_own_tokens(output_folder: Path) -> None:
    """TRL's total starts again at a resume and the history keeps the old entries: only new tokens count."""
    trl = pytest.importorskip("trl", reason="trl is not installed")
    options = {"save_strategy": "steps", "save_steps": 2}
    whole = train(trl.SFTTrainer, **make_sft(output_folder, **options)).training
    again = Watcher()
    again.trainer = trl.SFTTrainer(callbacks=[again], **make_sft(output_folder, **options))
    again.trainer.train(resume_from_checkpoint=str(output_folder / "checkpoint-2"))
    assert (again.training.steps, again.baseline.step) == (4, 2)
    assert whole.tokens.non_padding is not None
    assert again.training.tokens.non_padding is not None
    assert 0 < again.training.tokens.non_padding < whole.tokens.non_padding


def test_the_best_checkpoint_is_what_is_published(output_folder: Path) -> None:
    """With a learning rate that wrecks the model the first evaluation is best, and its weights come back."""
    trl = pytest.importorskip("trl", reason="trl is not installed")
    arguments = make_sft(
        output_folder,
        learning_rate=5.0,
        lr_scheduler_type="constant",
        eval_strategy="steps",
        save_strategy="steps",
        eval_steps=1,
        save_steps=1,
        load_best_model_at_end=True,
    )
    watched = train(trl.SFTTrainer, **arguments)
    losses = dict(curves_from_history(watched.trainer.state.log_history)["eval_loss"])
    best = min(losses, key=losses.__getitem__)
    assert best < 4
    assert (watched.training.published_step, watched.training.published_reason) == (best, "lowest held-out loss")
    watched.trainer.evaluate()
    assert watched.evaluations[-1].step == best
    assert watched.evaluations[-1].loss == pytest.approx(losses[best], rel=1e-3)
    assert dict(curves_from_history(watched.trainer.state.log_history)["eval_loss"]) == losses


def test_looking_changes_nothing(output_folder: Path) -> None:
    """Losses with and without the description are bit for bit the same."""
    trl = pytest.importorskip("trl", reason="trl is not installed")
    watched = train(trl.SFTTrainer, **make_sft(output_folder)).trainer
    alone = trl.SFTTrainer(**make_sft(output_folder))
    alone.train()
    logged = [[entry["loss"] for entry in t.state.log_history if "loss" in entry] for t in (watched, alone)]
    assert logged[0] == logged[1]
    assert len(logged[0]) == 4
