"""Two runs that end in one folder at the same moment: its record, card and pictures are of one of them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from folder_cards import HEADING, open_folder, record_of
from msgspec.structs import replace
from running_run import RunningRun
from test_publisher import STATE

from cardcallback import portable
from cardcallback.errors import CardCallbackError
from cardcallback.folder_lock import FolderLock, no_run_writes_in
from cardcallback.guard import Guard
from cardcallback.publisher import Publisher
from cardcallback.record import PRIVATE_FOLDER, RunRecord, load_run
from cardcallback.run_folder import RunFolder
from cardcallback.settings import Settings

# One that has to wait for the other does so in vain for that long; nothing depends on how far it comes.
_WAITS_SECONDS = 0.3
_HOURS = {"first": 1, "second": 2}


class _Ended(RunningRun):
    """A run of so many hours that has come to its end."""

    def __init__(self, run_id: str) -> None:
        super().__init__()
        self.run_id = run_id
        self.notes: list[str] = []
        self.earlier_sessions: frozenset[str] = frozenset()

    def stop_recording(self) -> None:
        """Measuring is over."""
        self.finished = True

    def energies(self) -> None:
        """Nothing is measured."""

    def _record(self, status: Any, last_step: int) -> RunRecord:
        return replace(super()._record(status, last_step), duration_seconds=_HOURS[self.run_id] * 3600.0)


class _Held(RunFolder):
    """Calls ``meanwhile`` once, when the record is on the disk and the card is not."""

    meanwhile: Callable[[], None] | None = None

    def write_record(self, record: RunRecord) -> Path:
        """As ever, and then what comes meanwhile."""
        path = super().write_record(record)
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        return path


def _begun(folder: Path, run_id: str) -> tuple[Publisher, _Held]:
    run: Any = _Ended(run_id)
    own, guard = _Held(folder, run_id=run_id, card="README.md", template=None, publish="all"), Guard()
    guard.quiet = True
    publisher = Publisher(
        run, own, state=STATE, trainer=lambda: None, guard=guard, settings=Settings(quiet=True, charts=False)
    )
    publisher.keep_what_was_there()
    return publisher, own


def _hours_on_card(folder: Path) -> list[str]:
    text = (folder / "README.md").read_text()
    assert text.count(HEADING) == 1
    return [run_id for run_id, hours in _HOURS.items() if f"| Time | {hours} h," in text]


@pytest.mark.parametrize("locks", [True, False])
@pytest.mark.expects_failure
def test_record_and_card_are_of_one_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, locks: bool) -> None:  # noqa: FBT001
    """Another one completes between the record and the card of the first; also where the file system has no locks."""
    if not locks:
        monkeypatch.setattr(portable, "takes_lock", lambda _: None)
    (first, held), (second, _) = _begun(tmp_path, "first"), _begun(tmp_path, "second")
    other = threading.Thread(target=second.end, args=("completed", STATE))

    def complete_second() -> None:
        other.start()
        other.join(_WAITS_SECONDS if locks else None)

    held.meanwhile = complete_second
    first.end("completed", STATE)
    other.join()
    assert _hours_on_card(tmp_path) == [load_run(tmp_path).run_id] == ["second"]
    kept = {load_run(path).run_id for path in (tmp_path / "training_run").glob("record*.json")}
    assert kept == {"first", "second"}
    assert not (tmp_path / "_cardcallback" / "original_card.md").exists()


@pytest.fixture
def taken(tmp_path: Path) -> Iterator[Path]:
    """A folder that another process holds for ever, as one that is stopped does."""
    (tmp_path / "_cardcallback").mkdir()
    descriptor = os.open(tmp_path / "_cardcallback" / "lock", os.O_RDWR | os.O_CREAT)
    portable.lock(descriptor, wait=False)
    yield tmp_path
    os.close(descriptor)


def test_a_folder_that_is_held_for_ever_is_waited_for_no_longer_than_it_may(taken: Path) -> None:
    """Two seconds, in looks."""
    waited: list[float] = []
    with FolderLock(taken / "_cardcallback", waited.append).held() as is_held:
        assert not is_held
    assert sum(waited) == pytest.approx(2.0)


def test_one_that_hangs_keeps_no_other_from_its_card(taken: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command leaves the folder alone; a run's end may not come again."""
    monkeypatch.setattr("cardcallback.folder_lock._LOOKS", 1)
    folder = open_folder(taken, "first")
    with folder.alone():
        folder.weights_are_ours()
        assert folder.write_record(record_of("first")).name == "record.json"
        folder.write_card(record_of("first"), pictures=False)
    assert HEADING in (taken / "README.md").read_text()
    with pytest.raises(CardCallbackError, match="just now: nothing was changed; try again"), no_run_writes_in(taken):
        pass


def test_it_is_given_up_whatever_a_forked_child_holds_open(tmp_path: Path) -> None:
    """A data loader's worker that began meanwhile lives as long as training does."""
    lock = FolderLock(tmp_path / "_cardcallback")
    with lock.held():
        (held,) = [int(path.name) for path in Path("/proc/self/fd").iterdir() if _leads_to_lock(path)]
        inherited = os.dup(held)  # the same open file, as a child's is
    with FolderLock(tmp_path / "_cardcallback", lambda _: pytest.fail("it is held still")).held() as is_held:
        assert is_held
    os.close(inherited)


def _leads_to_lock(path: Path) -> bool:
    try:
        return str(path.readlink()).endswith("_cardcallback/lock")
    except OSError:
        return False


def test_no_folder_is_made_to_be_locked(tmp_path: Path) -> None:
    """One that was moved away stays away."""
    with FolderLock(tmp_path / "gone" / "_cardcallback").held() as is_held:
        assert is_held
    assert not (tmp_path / "gone").exists()


def test_pictures_of_the_run_before_do_not_stay_beside_a_card_without_any(tmp_path: Path) -> None:
    """They would be taken for its own; a person's picture stays."""
    earlier = open_folder(tmp_path, "first")
    earlier.draw(record_of("first"))
    earlier.write_card(record_of("first"), pictures=earlier.has_pictures)
    (tmp_path / "training_run" / "mine.png").write_bytes(b"a person's")
    second = open_folder(tmp_path, "second")
    second.weights_are_ours()
    second.write_card(record_of("second"), pictures=False)
    assert [path.name for path in (tmp_path / "training_run").iterdir()] == ["mine.png"]


def test_a_record_that_was_published_does_not_stay_beside_the_card_of_a_run_that_publishes_none(tmp_path: Path) -> None:
    """It is kept under its own run's name."""
    earlier = open_folder(tmp_path, "first")
    earlier.write_record(record_of("first"))
    second = open_folder(tmp_path, "second", publish="card")
    second.weights_are_ours()
    second.write_record(record_of("second"))
    assert [path.name for path in (tmp_path / "training_run").iterdir()] == ["record-first.json"]
    assert load_run(tmp_path).run_id == "second"


@pytest.mark.skipif(not portable.CAN_LOCK, reason="there are no such locks here")
def test_a_thread_waits_for_another_of_its_process(tmp_path: Path) -> None:
    """Its own nested turns do not, and it is held until the last of whoever has it is over."""
    waited: list[float] = []
    lock, told = FolderLock(tmp_path / PRIVATE_FOLDER, waited.append), []

    def enter() -> None:
        with lock.held() as is_held:
            told.append(is_held)

    with lock.held() as first, lock.held() as nested:
        thread = threading.Thread(target=enter)
        thread.start()
        thread.join(60.0)
    assert (first, nested, told) == (True, True, [False])
    assert waited
    enter()
    assert told == [False, True]
