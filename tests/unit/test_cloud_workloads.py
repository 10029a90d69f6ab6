"""The workloads of benchmarks/gb10_vs_cloud: the same bytes everywhere, and settings that nobody bends."""

from __future__ import annotations

from pathlib import Path

import pytest

from cardcallback.errors import CardCallbackError
from gb10_vs_cloud.data import digest, make_rows
from gb10_vs_cloud.published import load_published
from gb10_vs_cloud.workloads import BEST_EFFORT, SAME_WORK, load_tuning, load_workloads

WORKLOADS = load_workloads()


@pytest.mark.parametrize("name", sorted(WORKLOADS.workloads))
def test_the_examples_are_those_that_the_file_names(name: str) -> None:
    """And one step more than an epoch of same-work is not asked of them."""
    workload = WORKLOADS.named(name)
    rows = workload.data.rows()
    assert len(rows) == workload.data.examples
    settings = WORKLOADS.resolved(workload, SAME_WORK, {})
    batch = int(settings["per_device_train_batch_size"]) * int(settings["gradient_accumulation_steps"])
    assert workload.steps * batch <= workload.data.examples - workload.data.held_out


def test_answers_are_right_and_rejected_ones_are_wrong() -> None:
    """Of a problem whose arithmetic can be done again here."""
    rows = make_rows("pairs", examples=200, problems=1)
    asked = [row for row in rows if "How many joules are" in row["prompt"]]
    assert len(asked) > 20
    for row in asked:
        watt_hours = int(row["prompt"].split("are ")[1].split(" Wh")[0])
        assert row["chosen"].startswith(f" 1. {watt_hours * 3600} J")
        assert f" {watt_hours * 3600} J" not in row["rejected"]


def test_other_examples_are_refused() -> None:
    """A change of the generator does not go unnoticed."""
    data = WORKLOADS.named("trial-270m").data
    assert digest(make_rows(data.kind, examples=data.examples - 1, problems=1)) != data.sha256
    other = type(data)(kind=data.kind, examples=10, held_out=2, problems=1, sha256=data.sha256)
    with pytest.raises(CardCallbackError, match="not the examples"):
        other.rows()


@pytest.mark.parametrize(
    ("tier", "tuning", "words"),
    [
        (SAME_WORK, {"learning_rate": 1e-3}, "same settings everywhere"),
        (BEST_EFFORT, {"seed": 7}, "may not be tuned"),
        (BEST_EFFORT, {"max_length": 16}, "may not be tuned"),
        (BEST_EFFORT, {"learning_rate": "fast"}, "give a value like"),
        (BEST_EFFORT, {"torch_compile": 1}, "give a value like"),
    ],
)
def test_what_may_not_be_tuned_is_refused(tier: str, tuning: dict[str, object], words: str) -> None:
    """With what may be."""
    with pytest.raises(CardCallbackError, match=words):
        WORKLOADS.resolved(WORKLOADS.named("qlora-4b"), tier, tuning)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["version: [", "version: 1\nsurprise: 2\n", "", "- 1\n"])
def test_a_bad_file_is_one_line(text: str, tmp_path: Path) -> None:
    """Of workloads or of settings."""
    path = tmp_path / "given.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CardCallbackError) as told:
        load_workloads(path)
    assert "given.yaml" in str(told.value)
    path.write_text("learning_rate: [1, 2]\n", encoding="utf-8")
    with pytest.raises(CardCallbackError, match="no list of settings"):
        load_tuning(path)


def test_published_rows_have_energy_and_source() -> None:
    """The two GB10 traces among them, to the digit that was published."""
    rows = {row.run: row for row in load_published()}
    sweep = rows["354M GPT, 16-configuration sweep"]
    assert (sweep.gpu, sweep.joules) == ("GB10 (DGX Spark)", pytest.approx(7.18 * 3600))
    assert all(row.source and row.how for row in rows.values())
    assert not any("TDP" in row.how for row in rows.values())
