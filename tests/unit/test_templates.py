"""The templates people bring: filled from one run as their readers would read them, every field accounted for.

``CARDCALLBACK_WRITE_GOLDEN=1`` writes the filled bodies anew, to be read before they are committed.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest
from card_inputs import with_place
from template_tables import SEEDS, TEMPLATES, fields_table

from cardcallback.record import RunRecord
from cardcallback.render.card.filling import Filled, fill_placeholders
from cardcallback.render.card.front_matter import split_card
from cardcallback.testing import make_record

GOLDEN = Path(__file__).parents[1] / "golden"
FAMILIES = (*SEEDS, "hub_annotated", "peft", "trl", "transformers", "sentence_transformers", "unsloth")
# What else people bring, in words of our own: a course's, a platform's, a toolkit's, makers' of models, a company's.
BROUGHT = ("hf_course", "kaggle", "model_card_toolkit", "nvidia_model_card", "meta_style", "olmo_style",
           "bigscience_style", "granite_style", "firma_deutsch", "autotrain", "prose_report", "html_tables", "eu_form",
           "numbered_form", "paper_appendix", "two_languages")  # fmt: skip


def template(name: str) -> str:
    """A template as it is written by its makers."""
    return (TEMPLATES / f"{name}.md").read_text(encoding="utf-8")


def made_up() -> RunRecord:
    """The made-up QLoRA run, which says in every figure that its device was simulated."""
    return msgspec.structs.replace(with_place(), simulated=True)


def filled(name: str) -> Filled:
    """A template's body, filled."""
    return fill_placeholders(split_card(template(name)).body, made_up())


@pytest.mark.parametrize("name", [*FAMILIES, *BROUGHT])
def test_a_template_is_filled_as_it_was_read(name: str) -> None:
    """The text is the one that somebody read from top to bottom."""
    path = GOLDEN / f"template_{name}.md"
    text = filled(name).text
    if os.environ.get("CARDCALLBACK_WRITE_GOLDEN") == "1":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SEEDS)
def test_every_field_of_a_seed_is_filled_or_left_for_the_reason_in_its_table(name: str) -> None:
    """The table beside the template names them all."""
    table = (TEMPLATES / f"{name}_fields.md").read_text(encoding="utf-8")
    assert fields_table(template(name)) == table


@pytest.mark.parametrize("name", [*FAMILIES, *BROUGHT])
def test_a_filled_template_is_found_again(name: str) -> None:
    """A second run with the same figures changes nothing; one that knows nothing gives the template back."""
    body, first = split_card(template(name)).body, filled(name)
    again = fill_placeholders(first.text, made_up(), known=first.fills)
    assert (again.text, again.fills) == (first.text, first.fills)
    back = fill_placeholders(first.text, nothing_known(), known=first.fills)
    generated = [fill for fill in first.fills if fill.label in {"fine-tuned version of", "on the data set"}]
    assert back.text == body or generated


def nothing_known() -> RunRecord:
    """A record of a run of which nothing is known."""
    empty = make_record()
    unknown = msgspec.structs.replace(empty.energy.gpu, value=None, reason="no driver")
    hardware = type(empty.hardware)()
    memory = msgspec.structs.replace(
        empty.memory,
        **dict.fromkeys(("system_peak", "torch_peak_reserved", "accelerator_process_peak", "total"), unknown),
    )
    return make_record(
        training=type(empty.training)(), evaluation=type(empty.evaluation)(), curves={}, hardware=hardware, software={},
        energy=msgspec.structs.replace(empty.energy, gpu=unknown, system=unknown), memory=memory, stages=(),
        sessions=(), duration_seconds=0.0,
    )  # fmt: skip


def test_a_seed_is_filled_with_everything_that_a_run_measures() -> None:
    """None of the fields that a run can answer is left in either card."""
    wanted = {
        "capstone_card": {
            "Model Name", "Base Model", "Release Date", "Fine-tuning Method", "[Dataset 1] / Size",
            "[Dataset 1] / Source", "LoRA Rank", "LoRA Alpha", "Learning Rate", "Epochs", "Batch Size",
            "Max Sequence Length", "Optimizer", "Hardware", "GPU Memory", "Training Time", "Peak Memory",
            "Training Duration", "Estimated Energy (kWh)", "Carbon Emissions", "Hardware Type",
            "[Primary Metric 1] / Score", "[Primary Metric 2] / Baseline",
        },
        "browser_card": {
            "Model Name", "Base Model", "Fine-tuning Method", "Training Framework", "Date", "Dataset Size",
            "Data Sources", "Hardware", "Training Time", "Epochs", "Batch Size", "Learning Rate",
            "Final Training Loss", "Validation Loss", "Training Loss", "Perplexity (Base)", "Perplexity (Fine-tuned)",
        },
    }  # fmt: skip
    for name, labels in wanted.items():
        report = filled(name).report
        assert labels <= {field.label for field in report.of("filled")}
        assert not [field.why for field in report.of("filled") if field.why]
        assert report.of("not recognised") == ()


@pytest.mark.parametrize(
    ("machine", "expected"),
    [
        ("NVIDIA DGX Spark", "| Hardware | NVIDIA DGX Spark |"),
        (None, "| Hardware | NVIDIA GB10 system |"),
        ("Ascent GX10", "| Hardware | NVIDIA GB10 system (Ascent GX10) |"),
    ],
)
def test_the_machine_is_called_what_it_calls_itself(machine: str | None, expected: str) -> None:
    """A GB10 is a DGX Spark only where its firmware says so; its memory is told as sold and as seen."""
    record = make_record()
    named = msgspec.structs.replace(record.hardware.machine, name=machine)
    record = make_record(hardware=msgspec.structs.replace(record.hardware, machine=named))
    text = fill_placeholders(template("capstone_card"), record).text
    assert expected in text
    assert "| GPU Memory | 128 GB unified (119.7 GiB visible to the system) |" in text
    assert "NVIDIA DGX Spark |\n| Training Duration" in text or machine != "NVIDIA DGX Spark"
