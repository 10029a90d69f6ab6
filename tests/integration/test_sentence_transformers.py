"""sentence-transformers' and SetFit's trainers, really trained: method, loss, tokens, and one section on the card."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="training tests need torch")
pytest.importorskip("sentence_transformers", reason="make matrix-sentence-transformers has an environment with it")

from tiny import STEPS
from tiny_embeddings import make_cross_encoder_trainer, make_embedder, make_embedding_trainer
from transformers import TrainerCallback

from cardcallback import CardCallback, load_run
from cardcallback.render.card.front_matter import split_card
from cardcallback.render.card.matter_data import parse_matter

pytestmark = [pytest.mark.training, pytest.mark.matrix]
IMPACT = re.compile(r"^#+ .*environmental impact", re.IGNORECASE | re.MULTILINE)


class WhileTraining(TrainerCallback):
    """Saves the model into the output folder at a step, as people do who keep their best one."""

    def __init__(self, step: int) -> None:
        self.step = step
        self.trainer: Any = None

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Save."""
        del args, control
        if state.global_step == self.step:
            self.trainer.save_model()


def _card(folder: Path) -> str:
    return (folder / "README.md").read_text(encoding="utf-8")


def _assert_one_section(card: str) -> None:
    assert len(IMPACT.findall(card)) == 1, IMPACT.findall(card)
    assert card.count("<!-- cardcallback:begin -->") == 1
    assert "This is a [" in card  # the library's own card around it


def test_an_embedding_model(output_folder: Path, base_folder: Path) -> None:
    """Its loss class is named, every text counts, nothing is a perplexity; the section is in every saved folder."""
    trainer = make_embedding_trainer(
        output_folder,
        base_folder=base_folder,
        callbacks=[CardCallback(quiet=True)],
        eval_strategy="steps",
        eval_steps=STEPS,
        dataloader_drop_last=True,
    )
    seen = [0, 0]
    inner = trainer.training_step

    def counting(model: Any, inputs: Any, *rest: Any) -> Any:
        for name, values in inputs.items():
            if name.endswith("_attention_mask"):
                seen[0] += values.numel()
                seen[1] += int(values.sum())
        return inner(model, inputs, *rest)

    trainer.training_step = counting
    trainer.train()
    training = load_run(output_folder).training
    assert (training.objective, training.loss_kind) == ("sentence embedding", "MultipleNegativesRankingLoss")
    assert training.hyperparameters["loss"] == "MultipleNegativesRankingLoss"
    assert [training.tokens.processed, training.tokens.non_padding] == seen
    assert training.tokens.in_loss is None
    after = load_run(output_folder).evaluation.after
    assert after is not None
    assert after.loss is not None
    assert after.perplexity is None
    assert parse_matter(split_card(_card(output_folder)).matter)["library_name"] == "sentence-transformers"
    trainer.save_model()
    trainer.model.save_pretrained(str(output_folder / "final"))
    trainer.create_model_card()
    for folder in (output_folder, output_folder / "final"):
        _assert_one_section(_card(folder))
        assert "| Method settings | loss: MultipleNegativesRankingLoss |" in _card(folder)
    assert "rplexity |" not in _card(output_folder)


def test_a_cross_encoder(output_folder: Path, base_folder: Path) -> None:
    """It is named as what it is, with its own loss."""
    trainer = make_cross_encoder_trainer(output_folder, base_folder=base_folder, callbacks=[CardCallback(quiet=True)])
    trainer.train()
    trainer.save_model()
    training = load_run(output_folder).training
    assert (training.objective, training.trainer) == ("cross-encoder", "CrossEncoderTrainer")
    assert training.loss_kind == "BinaryCrossEntropyLoss"
    assert training.tokens.non_padding is not None or training.tokens.reason
    _assert_one_section(_card(output_folder))


@pytest.mark.parametrize("place", ["DE", None])
def test_codecarbon_beside_us(place: str | None, output_folder: Path, base_folder: Path, simulate: Any) -> None:
    """A card that the library wrote while CodeCarbon ran: one section; with a place of ours, one figure: ours."""
    pytest.importorskip("codecarbon", reason="codecarbon is not installed")
    from transformers.integrations import CodeCarbonCallback  # noqa: PLC0415 - needs codecarbon

    simulate("gb10", driven=False)
    saving = WhileTraining(100)
    callbacks = [CardCallback(quiet=True, location=place), CodeCarbonCallback(), saving]
    trainer = make_embedding_trainer(
        output_folder, base_folder=base_folder, callbacks=callbacks, max_steps=300, logging_steps=50
    )
    saving.trainer = trainer
    trainer.train()
    card, record = _card(output_folder), load_run(output_folder)
    _assert_one_section(card)
    assert "(https://github.com/mlco2/codecarbon)" not in card
    found = parse_matter(split_card(card).matter).get("co2_eq_emissions")
    if record.carbon is not None:
        assert found["source"].startswith("Calculated by cardcallback")
    else:
        assert place is None
        assert found["source"] == "codecarbon"
    assert any("CodeCarbon followed this training" in note for note in record.notes)


@pytest.mark.parametrize("strategy", ["every_save", "checkpoint", "end"])
def test_every_pushed_card_is_the_librarys_with_our_section(
    strategy: str, output_folder: Path, base_folder: Path, hub: Any
) -> None:
    """Pushed checkpoints bring their own card into the folder, which must not be taken for a person's."""
    hub.gate.set()
    trainer = make_embedding_trainer(
        output_folder,
        base_folder=base_folder,
        callbacks=[CardCallback(quiet=True)],
        save_strategy="steps",
        save_steps=STEPS // 2,
        push_to_hub=True,
        hub_model_id="someone/tiny",
        hub_strategy=strategy,
    )
    trainer.train()
    trainer.push_to_hub()
    cards = [commit.cards["README.md"] for commit in hub.commits if "README.md" in commit.cards]
    assert cards
    for card in cards:
        _assert_one_section(card)
    # The library's table of the last step is only in a card that was written after it.
    assert re.search(rf"^\| [\d.]+ +\| {STEPS} +\|", cards[-1], re.MULTILINE)
    assert not (output_folder / "_cardcallback" / "original_card.md").exists()


def test_setfit(output_folder: Path, base_folder: Path) -> None:
    """Its embedding phase is what is measured, and the card of its saved model has the section."""
    if importlib.util.find_spec("setfit") is None:
        pytest.skip("setfit is not installed")
    from datasets import Dataset  # noqa: PLC0415 - as below
    from setfit import SetFitModel, Trainer, TrainingArguments  # noqa: PLC0415 - not in every environment
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - comes with setfit

    model = SetFitModel(model_body=make_embedder(base_folder), model_head=LogisticRegression(), labels=["a", "b"])
    data = Dataset.from_dict({"text": ["the fox", "a dog", "warm sun", "sleeps"] * 2, "label": [0, 1, 0, 1] * 2})
    args = TrainingArguments(output_dir=str(output_folder), batch_size=2, max_steps=STEPS, report_to="none")
    Trainer(model=model, args=args, train_dataset=data, callbacks=[CardCallback(quiet=True)]).train()
    model.save_pretrained(str(output_folder))
    record = load_run(output_folder)
    assert record.training.trainer_library == "setfit"
    assert record.training.loss_kind == "CosineSimilarityLoss"
    assert record.training.hyperparameters["effective_batch_size"] == 2
    assert "loss" in record.curves
    assert any("classification head is trained afterwards" in note for note in record.notes)
    _assert_one_section(_card(output_folder))
