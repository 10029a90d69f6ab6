"""The checks of the ways in can fail: each fault of a card, a push, an export or an energy is told."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cardcallback.record import encode
from cardcallback.render.card.section_block import SECTION_BEGIN, SECTION_END
from cardcallback.testing import make_record
from cells import card_problems, energy_problems, known_but_open, merged_problems, push_problems, row_problems
from hub_server import Commit, HubServer
from left_behind import LeftBehind
from simulator import Simulation, profile_named
from way import Place

SECTION = f"{SECTION_BEGIN}\n## Training, hardware and environmental impact\n\n| Time | 1 h |\n{SECTION_END}\n"
_SECOND = 1_000_000_000


@pytest.fixture
def left(tmp_path: Path) -> LeftBehind:
    """A way that trained from second 10 to second 70 of the simulation, with the record builder's record."""
    place, system = Place(tmp_path), tmp_path / "simulated"
    system.mkdir()
    (place.output / "training_run").mkdir(parents=True)
    (place.output / "training_run" / "record.json").write_text(encode(make_record()), encoding="utf-8")
    (place.output / "README.md").write_text(SECTION, encoding="utf-8")
    simulation = Simulation(profile_named("gb10"), system, driven=True)
    note = {"output": str(place.output), "step": 500, "first": True, "end": 70 * _SECOND}
    notes = (note | {"begin_before": 10 * _SECOND, "begin_after": 10 * _SECOND},)
    return LeftBehind(place, simulation, (), {}, None, None, notes)


def test_a_card_without_rows_is_not_complete(left: LeftBehind) -> None:
    """Rows, pictures and agreement with the record are missed by name."""
    wrong = "- **LoRA rank:** 64\n\n- **Hours used:** 99\n\n"
    (left.place.output / "README.md").write_text(wrong + SECTION, encoding="utf-8")
    found = list(card_problems(left))
    assert "row 'GPU energy': missing" in found
    assert "no training_run/loss_curve.png" in found
    assert any(one.startswith("check: ") for one in found)


def test_a_row_that_says_not_measured_is_told(left: LeftBehind) -> None:
    """A figure that the record has may not be called unknown."""
    text = SECTION.replace("| Time | 1 h |", "| Time | not measured: no clock |")
    assert "row 'Time': not measured: no clock" in list(row_problems(text, left.record))


@pytest.mark.parametrize(
    ("card", "count"),
    [
        ("### Hardware\n\n[More Information Needed]\n", 1),
        ("- **Hours used:** [More Information Needed]\n", 1),
        ("### Model Description\n\n[More Information Needed]\n", 0),
        ("- **Developed by:** [More Information Needed]\n", 0),
    ],
)
def test_what_the_run_knows_may_not_stay_open(card: str, count: int) -> None:
    """Hours and hardware are the run's to fill, the description is the author's."""
    assert len(list(known_but_open(card))) == count


def test_a_push_without_the_section_is_told(left: LeftBehind) -> None:
    """Any commit whose card lacks it, also where the last one has it, and a last one without record."""
    commits = (
        Commit("first", ("README.md",), {"README.md": "# bare\n"}),
        Commit("last", ("README.md",), {"README.md": SECTION}),
    )
    found = list(push_problems(replace(left, commits=commits)))
    assert any("'first'" in one for one in found)
    assert not any("'last'" in one for one in found)
    assert "training_run/record.json was not pushed" in found
    assert list(push_problems(left)) == ["no card was pushed in 0 commits"]


def test_an_export_without_the_section_is_told(left: LeftBehind) -> None:
    """No folder, no card, or a card that nobody completed."""
    assert list(merged_problems(left)) == ["there is no exported model"]
    left = replace(left, published="nothing")
    assert list(merged_problems(left)) == ["publish wrote no card: nothing"]
    left.place.merged.mkdir()
    (left.place.merged / "README.md").write_text("# bare\n", encoding="utf-8")
    assert "our section is there 0 to 0 times" in list(merged_problems(left))


@pytest.mark.parametrize(("share", "holds"), [(1.0, True), (1.009, True), (0.985, False), (1.02, False)])
def test_an_energy_off_by_more_than_a_percent_is_told(left: LeftBehind, share: float, holds: bool) -> None:  # noqa: FBT001
    """The truth is the waveform's own integral over the noted times."""
    truth = left.simulation.true_joules(10.0, 70.0)
    document: Any = json.loads(encode(make_record()))
    document["energy"]["gpu"] |= {"value": truth * share, "recording_low": truth * 0.9, "recording_high": truth * 1.1}
    (left.place.output / "training_run" / "record.json").write_text(json.dumps(document), encoding="utf-8")
    assert (list(energy_problems(left)) == []) == holds


def test_a_training_nobody_saw_proves_no_energy(left: LeftBehind) -> None:
    """Without the times there is no truth to hold the figure against."""
    assert list(energy_problems(replace(left, notes=()))) == ["nobody saw the training"]


def test_the_hub_reads_what_is_committed() -> None:
    """A commit's texts are kept as they came, other files by name."""
    hub = HubServer()
    text = base64.b64encode(b"# card").decode()
    lines = [
        {"key": "header", "value": {"summary": "End of training"}},
        {"key": "file", "value": {"path": "README.md", "content": text}},
        {"key": "file", "value": {"path": "model.safetensors", "content": text}},
    ]
    with hub.serving():
        hub.answer("/api/models/a/b/commit/main", "\n".join(map(json.dumps, lines)).encode())
        assert hub.answer("/api/models/a/b", b"") is None
    assert hub.commits == [Commit("End of training", ("README.md", "model.safetensors"), {"README.md": "# card"})]
