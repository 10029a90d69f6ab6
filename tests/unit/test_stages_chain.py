"""Chains: each run once and in order, none before itself, and what the person gave before what was found."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace
from section_stages import stage
from stage_folders import checkpoint, left, run

from cardcallback.record import Stage, unrecorded_stage
from cardcallback.sessions import SUMMARY_NAME, joined_sessions
from cardcallback.stages import Found, ModelFolder, find_stages, joined_chains
from cardcallback.stages.finding import NOTHING_GIVEN
from cardcallback.stages.folders import UNREADABLE

A, B, C = stage("A"), stage("B"), stage("C")
LOST = unrecorded_stage("its record is gone")


def names(stages: tuple[Stage, ...]) -> str:
    """As in "A B C"."""
    return " ".join(one.name for one in stages)


@pytest.mark.parametrize(
    ("chains", "joined"),
    [
        ([[A, B], [A, C]], "A B C"),
        ([[B], [A, B]], "A B"),
        ([[A, B], [C]], "A B C"),
        ([[A, C], [B, C]], "A B C"),
        ([[], [A]], "A"),
    ],
)
def test_a_run_in_two_chains_counts_once(chains: list[list[Stage]], joined: str) -> None:
    """A diamond: two adapters of one base, brought together."""
    assert names(joined_chains(chains)) == joined


def test_the_longest_account_of_a_run_stands() -> None:
    """A checkpoint of it was trained on before it ended; which step all of it began from is then not one."""
    early = replace(A, duration_seconds=100.0, steps=10, weights_step=10)
    (joined,) = joined_chains([[early], [A]])
    assert (joined.duration_seconds, joined.steps, joined.weights_step) == (3600.0, 800, None)


def test_the_same_missing_stage_is_missing_once() -> None:
    """The model's folder and its adapter's base are one folder without a record."""
    assert len(joined_chains([[LOST], [LOST, LOST]])) == 2


def _folder(path: Path) -> ModelFolder:
    return ModelFolder(path=path)


def test_the_models_folder_is_found(tmp_path: Path) -> None:
    """Without a word from the person; a folder that tells nothing is no stage."""
    folders = (_folder(left(tmp_path / "sft", run("a"))), _folder(tmp_path / "elsewhere"))
    found = find_stages(folders, None, run_id="new")
    assert ([one.run_id for one in found.stages], found.notes) == (["a"], ())


@pytest.mark.parametrize("given", ["", "training_run", "training_run/record.json"])
def test_what_the_person_gave_wins_and_a_contradiction_is_told(tmp_path: Path, given: str) -> None:
    """The folder, its folder of the record, or the record itself."""
    loaded, previous = left(tmp_path / "loaded", run("a")), left(tmp_path / "given", run("b"))
    found = find_stages((_folder(loaded),), previous / given, run_id="new")
    assert [one.run_id for one in found.stages] == ["b"]
    assert "another run than the one given as previous" in found.notes[0]
    assert str(tmp_path) not in found.notes[0]


def test_a_part_of_the_given_chain_is_no_contradiction(tmp_path: Path) -> None:
    """The base was loaded from the first stage's folder, and the second stage was given."""
    first = run("a")
    base, previous = left(tmp_path / "base", first), left(tmp_path / "dpo", run("b", *first.stages))
    assert find_stages((_folder(base),), previous, run_id="new").notes == ()


def test_a_checkpoints_own_record_may_be_given(tmp_path: Path) -> None:
    """By its file, as by its folder."""
    place = checkpoint(tmp_path, run("a", status="running", steps=300), 300)
    for given in (place, place / SUMMARY_NAME):
        (found,) = find_stages((), given, run_id="new").stages
        assert (found.run_id, found.weights_step) == ("a", 300)


def test_a_given_folder_without_a_record_is_a_missing_stage(tmp_path: Path) -> None:
    """Said, and nothing guessed in its place."""
    assert find_stages((), tmp_path, run_id="new") == Found(stages=(unrecorded_stage(NOTHING_GIVEN),))
    assert find_stages((), tmp_path / "gone.json", run_id="new").stages[0].reason == UNREADABLE


def test_a_given_folder_without_a_record_comes_after_what_was_found(tmp_path: Path) -> None:
    """Trained without the callback on the weights of a run that has a record: no contradiction, and none is lost."""
    found = find_stages((_folder(left(tmp_path / "sft", run("a"))),), tmp_path, run_id="new")
    assert [(one.run_id, one.reason) for one in found.stages] == [("a", None), (None, NOTHING_GIVEN)]
    assert found.notes == ()


def test_no_run_is_a_stage_before_itself(tmp_path: Path) -> None:
    """Its own folder given as previous at a resume; and a run that began on its weights is not before it either."""
    own = run("own", A)
    later = left(tmp_path / "later", run("later", *own.stages))
    assert names(find_stages((), left(tmp_path / "own", own), run_id="own").stages) == "A"
    assert names(find_stages((_folder(later),), None, run_id="own").stages) == "A"


def test_what_a_model_went_through_in_this_process_comes_last(tmp_path: Path) -> None:
    """After the stages of the folder that it was loaded from."""
    first = run("a")
    found = find_stages((_folder(left(tmp_path, first)),), None, run_id="new", trained=run("b", *first.stages).stages)
    assert [one.run_id for one in found.stages] == ["a", "b"]


@pytest.mark.parametrize(
    ("begun", "now", "kept"),
    [((A,), (), "A"), ((A,), (LOST,), "A"), ((), (A,), "A"), ((LOST,), (A,), "A"), ((A,), (B,), "A"), ((), (), "")],
)
def test_a_resume_keeps_the_chain_that_the_run_began_with(
    begun: tuple[Stage, ...], now: tuple[Stage, ...], kept: str
) -> None:
    """Unless more of it is found now; the run itself stays last, with all its sessions."""
    record = joined_sessions(run("r", *begun, status="interrupted"), run("r", *now))
    assert names(record.stages[:-1]) == kept
    assert record.stages[-1].duration_seconds == record.duration_seconds == 2 * 6720.0
