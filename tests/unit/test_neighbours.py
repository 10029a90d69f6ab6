"""Two runs that write into one folder at once: both are told, neither takes the other's card, no record is lost."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from folder_cards import HEADING, PERSONS_CARD, TRL_CARD, open_folder, record_of
from msgspec.structs import replace
from other_process import held, left_journal, living_beside
from session_records import session_record

from cardcallback import portable
from cardcallback.guard import Guard
from cardcallback.neighbours import BESIDE_ANOTHER, earlier_runs_note, living_runs
from cardcallback.publisher import Publisher
from cardcallback.record import Node, RunRecord, encode, load_run
from cardcallback.resuming import Resuming
from cardcallback.run_folder import RunFolder
from cardcallback.sessions import SUMMARY_NAME
from cardcallback.settings import Settings
from cardcallback.testing import make_record


def _of_node(*ranks: int) -> RunRecord:
    node = Node(ranks=ranks, duration_seconds=30.0)
    return replace(make_record(status="running"), processes=2, nodes=(node,))


def test_a_run_lives_while_its_journal_is_held(tmp_path: Path) -> None:
    """And not after."""
    journal = left_journal(tmp_path, "first")
    with held(journal):
        assert living_runs(tmp_path) == {"first"}
    assert living_runs(tmp_path) == frozenset()


@pytest.mark.parametrize(("ranks", "found"), [((0,), {"first"}), ((1,), set())])
def test_the_jobs_other_computers_are_no_other_run(tmp_path: Path, ranks: tuple[int, ...], found: set[str]) -> None:
    """On a shared disk their journals lie in the same folder."""
    with living_beside(tmp_path, "first", _of_node(*ranks)):
        assert living_runs(tmp_path) == found


def test_a_fresh_copy_does_not_live_by_itself(tmp_path: Path) -> None:
    """Its job may have been stopped a minute ago and be resumed now; the lock of its original tells."""
    local = tmp_path / "local"
    original = left_journal(tmp_path / "out", "first", local=local)
    assert living_runs(tmp_path / "out") == frozenset()
    with held(original):
        assert living_runs(tmp_path / "out", local) == {"first"}


def _begun(folder: Path, run_id: str = "second") -> tuple[RunFolder, list[str], list[str]]:
    """A run that begins there: its folder, what it warned of, and its record's notes."""
    run: Any = SimpleNamespace(
        run_id=run_id,
        session_id="s",
        finished=False,
        notes=[],
        earlier_sessions=frozenset(),
        energies=lambda: None,
        now_seconds=lambda: 0.0,
        record_in_progress=lambda *_, **__: record_of(run_id, status="running", notes=tuple(run.notes)),
    )
    own = RunFolder(folder, run_id=run_id, card="README.md", template=None, publish="all")
    guard = Guard()
    state = SimpleNamespace(global_step=1, log_history=[])
    publisher = Publisher(run, own, state=state, trainer=lambda: None, guard=guard, settings=Settings(quiet=True))
    publisher.keep_what_was_there()
    notes = publisher._in_progress().notes
    publisher.journal.close(recorded=True)
    return own, guard.sentences, list(notes)


def test_it_is_said_at_the_begin_and_in_the_record(tmp_path: Path) -> None:
    """One line, and a note; alone there is neither."""
    assert _begun(tmp_path / "alone")[1:] == ([], [])
    with (
        living_beside(tmp_path, "first"),
        pytest.warns(UserWarning, match="another run was writing into the same output folder"),
    ):
        _, sentences, notes = _begun(tmp_path)
    assert sentences == [BESIDE_ANOTHER]
    assert BESIDE_ANOTHER in notes


def test_a_living_run_is_no_earlier_one(tmp_path: Path) -> None:
    """What it uses is not said to be spent without result."""
    open_folder(tmp_path, "first").write_record(record_of("first", status="running"))
    assert earlier_runs_note(tmp_path, {"second", "first"}) is None
    assert earlier_runs_note(tmp_path, {"second"}) is not None


@pytest.fixture
def two(tmp_path: Path) -> tuple[RunFolder, RunFolder]:
    """A run that saved a checkpoint and wrote its card, and one that begins while it lives."""
    (tmp_path / "README.md").write_text(TRL_CARD)
    first = open_folder(tmp_path, "first")
    first.write_card(record_of("first", status="running"), pictures=False)
    first.write_record(record_of("first", status="running"))
    second = RunFolder(tmp_path, run_id="second", card="README.md", template=None, publish="all")
    second.begin({"first"})
    return first, second


def _records(folder: Path) -> dict[str, str]:
    """The status of every run that has a record there."""
    records = map(load_run, (folder / "training_run").glob("record*.json"))
    return {record.run_id: record.status for record in records}


@pytest.mark.parametrize("last", [0, 1])
def test_record_and_card_are_of_the_one_that_completes_last(
    tmp_path: Path, two: tuple[RunFolder, RunFolder], last: int
) -> None:
    """The other one's record stands beside it."""
    for place in (1 - last, last):
        run_id = ("first", "second")[place]
        record = record_of(run_id, duration_seconds=1000.0 * (place + 1))
        two[place].weights_are_ours()
        two[place].write_record(record)
        two[place].write_card(record, pictures=False)
    assert load_run(tmp_path).run_id == ("first", "second")[last]
    assert _records(tmp_path) == {"first": "completed", "second": "completed"}
    card = (tmp_path / "README.md").read_text()
    assert card.count(HEADING) == 1
    assert ("16 min 40 s", "33 min 20 s")[last] in card
    assert ("16 min 40 s", "33 min 20 s")[1 - last] not in card


def test_the_one_that_is_stopped_leaves_the_completed_ones_record_and_card(
    tmp_path: Path, two: tuple[RunFolder, RunFolder]
) -> None:
    """Also where it began later and had not written anything until then."""
    first, second = two
    first.weights_are_ours()
    first.write_record(record_of("first"))
    first.write_card(record_of("first"), pictures=False)
    good = (tmp_path / "README.md").read_text()
    assert second.keeps_earlier_card
    second.write_record(record_of("second", status="interrupted"))
    assert load_run(tmp_path).run_id == "first"
    assert (tmp_path / "README.md").read_text() == good
    assert _records(tmp_path) == {"first": "completed", "second": "interrupted"}


@pytest.mark.parametrize("body", [TRL_CARD, PERSONS_CARD])
def test_neither_takes_the_others_card_for_a_persons(tmp_path: Path, body: str) -> None:
    """What the other one wrote meanwhile is composed anew, not kept as somebody's words."""
    (tmp_path / "README.md").write_text(body)
    first = open_folder(tmp_path, "first")
    second = RunFolder(tmp_path, run_id="second", card="README.md", template=None, publish="all")
    second.begin({"first"})
    first.write_card(record_of("first", duration_seconds=1000.0), pictures=False)
    alone = _alone(tmp_path / "alone", body)
    second.weights_are_ours()
    second.notice_edits()
    second.write_card(record_of("second", duration_seconds=2000.0), pictures=False)
    assert (tmp_path / "README.md").read_text() == alone
    kept = tmp_path / "_cardcallback" / "original_card.md"
    assert kept.read_text() == body if body == PERSONS_CARD else not kept.exists()


def _alone(folder: Path, body: str) -> str:
    folder.mkdir()
    (folder / "README.md").write_text(body)
    open_folder(folder, "second").write_card(record_of("second", duration_seconds=2000.0), pictures=False)
    return (folder / "README.md").read_text()


def test_a_record_written_in_the_midst_of_ours_is_not_lost(
    tmp_path: Path, two: tuple[RunFolder, RunFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first run completes between the second one's reading of the main place and its writing there."""
    first, second = two
    second.weights_are_ours()
    encoded = encode
    pending = [record_of("first", notes=("the last one",))]

    def completing(record: RunRecord) -> str:
        while pending:
            first.weights_are_ours()
            first.write_record(pending.pop())
        return encoded(record)

    monkeypatch.setattr("cardcallback.record_place.encode", completing)
    monkeypatch.setattr(portable, "takes_lock", lambda _: None)  # else no other would write there
    second.write_record(record_of("second"))
    kept = {load_run(path).run_id: load_run(path) for path in (tmp_path / "training_run").glob("record*.json")}
    assert kept.keys() == {"first", "second"}
    assert kept["first"].notes == ("the last one",)


def _resumed(folder: Path, run_id: str, *, into: Path | None = None) -> Any:
    """The lineage of a session that goes on from a checkpoint of that run, in its folder or another one."""
    checkpoint = folder / "checkpoint-100"
    checkpoint.mkdir(parents=True)
    record = replace(session_record(status="running", session_id="first-part"), run_id=run_id)
    (checkpoint / SUMMARY_NAME).write_text(encode(record))
    resuming = Resuming(Guard(), Settings())
    resuming.train_called(checkpoint)
    args, state = SimpleNamespace(output_dir=str(into or folder)), SimpleNamespace(global_step=100)
    return resuming.lineage(args, state, None, recovers=True)


def test_what_goes_on_from_a_run_that_lives_is_a_run_of_its_own(tmp_path: Path) -> None:
    """Two records under one run id would write over each other; their first part is in both."""
    with living_beside(tmp_path, "first"):
        lineage = _resumed(tmp_path, "first")
    assert lineage.run_id == lineage.session_id != "first"
    joined = lineage.joined(session_record(steps=(100, 200), session_id=lineage.session_id))
    assert joined.run_id == lineage.run_id
    assert [session.session_id for session in joined.sessions] == ["first-part", lineage.session_id]
    assert any("a run of its own" in note for note in lineage.notes)


def test_what_goes_on_from_a_run_that_ended_is_that_run(tmp_path: Path) -> None:
    """Also beside another run that lives."""
    with living_beside(tmp_path, "another"):
        assert _resumed(tmp_path, "first").run_id == "first"


def test_what_goes_on_elsewhere_from_a_run_that_lives_is_a_run_of_its_own(tmp_path: Path) -> None:
    """The other process is found where the checkpoint lies, by which name ever that is called."""
    (tmp_path / "link").symlink_to(tmp_path / "first")
    with living_beside(tmp_path / "first", "first"):
        lineage = _resumed(tmp_path / "link", "first", into=tmp_path / "second")
    assert lineage.run_id == lineage.session_id != "first"
