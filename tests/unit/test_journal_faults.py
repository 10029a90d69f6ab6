"""The journal when its disk is full, its folder gone, or its place taken by a link."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from journalled import WATTS, JournalledRun, path_in
from open_files import inodes_open_here
from test_journal_keeper import recovered_joules

from cardcallback.errors import CardCallbackWarning
from cardcallback.guard import Guard
from cardcallback.journal import is_alive, read_journal
from cardcallback.journal.file import JournalFile
from cardcallback.temporary_files import remove_abandoned

# Bounds a wait that is over at once where nothing is wrong.
LONG_SECONDS = 30.0


@pytest.mark.parametrize("gone", ["file", "folder", "output"])
def test_what_was_deleted_is_begun_anew(tmp_path: Path, gone: str) -> None:
    """A deleted journal, folder or output folder is there again a second later, with everything in it."""
    run = JournalledRun()
    keeper = run.keeper(tmp_path / "output")
    run.live(keeper, 30.0)
    journal = path_in(tmp_path / "output")
    journal.unlink()
    if gone != "file":
        journal.parent.rmdir()
    if gone == "output":
        journal.parent.parent.rmdir()
        (tmp_path / "output").rmdir()
    run.live(keeper, 2.0)
    assert recovered_joules(tmp_path / "output") == pytest.approx(run.joules, abs=1.01 * WATTS)
    assert is_alive(journal)


def test_an_output_folder_that_was_moved_keeps_what_it_has(tmp_path: Path) -> None:
    """The moved journal stays whole, and a new one begins where the run goes on."""
    run = JournalledRun()
    keeper = run.keeper(tmp_path / "output")
    run.live(keeper, 10.0)
    (tmp_path / "output").rename(tmp_path / "moved")
    run.live(keeper, 10.0)
    assert recovered_joules(tmp_path / "moved") == pytest.approx(10.0 * WATTS, abs=1.01 * WATTS)
    assert recovered_joules(tmp_path / "output") == pytest.approx(run.joules, abs=1.01 * WATTS)


def test_a_journal_that_was_taken_for_abandoned_is_begun_once_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever looks for files that were left behind comes between its making and its lock."""
    fcntl = pytest.importorskip("fcntl")
    take, looked = fcntl.flock, []

    def look_first(descriptor: int, kind: int) -> None:
        if not looked:
            looked.append(kind)
            remove_abandoned(tmp_path)
        take(descriptor, kind)

    monkeypatch.setattr(fcntl, "flock", look_first)
    journal = JournalFile(path_in(tmp_path))
    journal.replace(b"begun\n")
    assert looked
    assert path_in(tmp_path).read_bytes() == b"begun\n"
    assert is_alive(path_in(tmp_path))
    journal.remove()


@pytest.mark.parametrize("final", [True, False])
def test_a_moved_journal_goes_with_the_one_that_took_its_place(tmp_path: Path, final: bool) -> None:  # noqa: FBT001 - a case
    """Until the end its process is known to live; then nothing is left of it, unless there is no record yet."""
    run = JournalledRun()
    keeper = run.keeper(tmp_path / "output")
    run.live(keeper, 10.0)
    (tmp_path / "output").rename(tmp_path / "moved")
    run.live(keeper, 10.0)
    assert is_alive(path_in(tmp_path / "moved"))
    keeper.close(final=final)
    left = [place for place in ("moved", "output") if path_in(tmp_path / place).exists()]
    assert left == ([] if final else ["moved", "output"])
    assert not is_alive(path_in(tmp_path / "moved"))


def test_somebodys_file_in_a_moved_journals_place_stays(tmp_path: Path) -> None:
    """Only the file that we hold open is ours to remove."""
    run = JournalledRun()
    keeper = run.keeper(tmp_path / "output")
    run.live(keeper, 10.0)
    (tmp_path / "output").rename(tmp_path / "moved")
    run.live(keeper, 2.0)
    path_in(tmp_path / "moved").unlink()
    path_in(tmp_path / "moved").write_text("a person's copy")
    keeper.close(final=True)
    assert path_in(tmp_path / "moved").read_text() == "a person's copy"


def test_a_link_in_its_place_is_replaced_and_not_followed(tmp_path: Path) -> None:
    """Somebody's file that a link points to is not written, before the run and during it."""
    precious = tmp_path / "precious"
    precious.write_text("precious")
    run = JournalledRun()
    journal = path_in(tmp_path / "output")
    journal.parent.mkdir(parents=True)
    journal.symlink_to(precious)
    keeper = run.keeper(tmp_path / "output")
    run.live(keeper, 5.0)
    assert not journal.is_symlink()
    journal.unlink()
    journal.symlink_to(precious)
    run.live(keeper, 5.0)
    keeper.close(final=False)
    assert precious.read_text() == "precious"
    assert recovered_joules(tmp_path / "output") == pytest.approx(run.joules, abs=1.01 * WATTS)


@pytest.mark.expects_failure
@pytest.mark.parametrize("above", [0, 1])
def test_a_link_in_the_folders_place_is_refused(tmp_path: Path, above: int) -> None:
    """Nothing is written through it, and one sentence says so."""
    outside = tmp_path / "outside"
    outside.mkdir()
    link = path_in(tmp_path / "output").parents[above]
    link.parent.mkdir(parents=True)
    link.symlink_to(outside)
    run, guard = JournalledRun(), Guard()
    keeper = run.keeper(tmp_path / "output", guard=guard)
    with pytest.warns(CardCallbackWarning, match="could not write the journal"):
        run.live(keeper, 20.0)
    assert list(outside.iterdir()) == []
    assert len(guard.sentences) == 1


@pytest.mark.expects_failure
def test_a_full_disk_costs_one_sentence_and_is_left_behind(tmp_path: Path) -> None:
    """While the disk is full nothing is lost of what is there; with room again the journal goes on."""
    program = (
        "import resource, sys, pathlib, warnings\n"
        "from journalled import JournalledRun\n"
        "from cardcallback.guard import Guard\n"
        "warnings.simplefilter('ignore')\n"
        "run, guard = JournalledRun(), Guard()\n"
        "keeper = run.keeper(pathlib.Path(sys.argv[1]), guard=guard)\n"
        "run.live(keeper, 30.0)\n"
        "_, most = resource.getrlimit(resource.RLIMIT_FSIZE)\n"
        "before = int(30 * 57.3)\n"
        "for limit in (20_000, 20_010, 100):\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, most))\n"
        "    run.live(keeper, 400.0)\n"
        "print(len(guard.sentences), guard.sentences[0])\n"
        "print(run.joules, flush=True)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))\n"
        "run.live(keeper, 40.0)\n"
        "print(run.joules)\n"
    )
    search = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    environment = os.environ | {"PYTHONPATH": search}
    command = [sys.executable, "-c", program, str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    told, full, after = done.stdout.splitlines()
    assert told == "1 cardcallback could not write the journal: File too large"
    assert float(after) > float(full)
    recovered = read_journal(path_in(tmp_path))
    assert recovered is not None
    assert recovered.damaged_lines == 0
    assert recovered_joules(tmp_path) == pytest.approx(float(after), abs=1.01 * WATTS)


def test_a_disk_that_syncs_no_folders_holds_no_file_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some network and FUSE disks refuse it: the file is replaced all the same, and its lock ends with the run."""
    sync = os.fsync

    def refuse_folders(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", refuse_folders)
    run, guard = JournalledRun(), Guard()
    keeper = run.keeper(tmp_path, guard=guard)
    run.live(keeper, 20.0)
    keeper.close(final=False)
    assert guard.sentences == []
    assert not is_alive(path_in(tmp_path))
    assert recovered_joules(tmp_path) == pytest.approx(run.joules)


def test_a_disk_that_syncs_nothing_has_a_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some in user space refuse it for files too; what a kill leaves there is as whole."""

    def refuse(_: int) -> None:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr(os, "fsync", refuse)
    monkeypatch.setattr(os, "fdatasync", refuse)
    run, guard = JournalledRun(), Guard()
    run.live(run.keeper(tmp_path, guard=guard), 40.0)
    assert guard.sentences == []
    assert recovered_joules(tmp_path) == pytest.approx(run.joules, abs=1.01 * WATTS)


def test_a_disk_that_moves_no_open_file_has_a_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the folders that a virtual machine shares with its host; it stays locked while its process lives."""
    rename, refused = os.rename, []

    def rename_closed(source: str, target: str, **folders: int) -> None:
        found = os.stat(source, dir_fd=folders["src_dir_fd"])
        if found.st_ino in inodes_open_here():
            refused.append(source)
            raise OSError(errno.ETXTBSY, os.strerror(errno.ETXTBSY))
        rename(source, target, **folders)

    monkeypatch.setattr(os, "rename", rename_closed)
    run, guard = JournalledRun(), Guard()
    keeper = run.keeper(tmp_path, guard=guard)
    run.live(keeper, 40.0)
    assert refused
    assert guard.sentences == []
    assert is_alive(path_in(tmp_path))
    assert recovered_joules(tmp_path) == pytest.approx(run.joules, abs=1.01 * WATTS)
    keeper.close(final=False)
    assert not is_alive(path_in(tmp_path))


def test_a_process_that_closes_all_it_has_open_goes_on_with_its_journal(tmp_path: Path) -> None:
    """As daemons do: the journal is begun anew, and no file that took its number meanwhile is written to."""
    run, guard = JournalledRun(), Guard()
    keeper = run.keeper(tmp_path, guard=guard)
    run.live(keeper, 20.0)
    descriptor = keeper._file._descriptor
    assert descriptor is not None
    other = tmp_path / "other.bin"
    opened = os.open(other, os.O_WRONLY | os.O_CREAT)
    taken = os.dup2(opened, descriptor)  # closes what was there
    os.close(opened)
    try:
        run.live(keeper, 20.0)
        assert other.read_bytes() == b""
        assert recovered_joules(tmp_path) == pytest.approx(run.joules, abs=1.01 * WATTS)
        keeper.close(final=True)
        os.fstat(taken)  # open still
        assert other.read_bytes() == b""  # and in its place
    finally:
        os.close(taken)
    assert guard.sentences == []
    assert not path_in(tmp_path).exists()


def test_a_place_that_cannot_be_taken_leaves_the_old_journal_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the old file, closed and opened again meanwhile, gets the number of the new one."""
    path = path_in(tmp_path)
    earlier = [os.open(os.devnull, os.O_RDONLY) for _ in range(2)]
    file = JournalFile(path)
    file.replace(b"one\n")
    for descriptor in earlier:
        os.close(descriptor)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    with monkeypatch.context() as closed:
        closed.setattr(os, "rename", refuse)
        with pytest.raises(PermissionError):
            file.replace(b"two\n")
    file.append(b"three\n")
    assert path.read_bytes() == b"one\nthree\n"
    file.close()


@pytest.mark.expects_failure
def test_a_line_torn_by_a_full_disk_costs_no_other(tmp_path: Path) -> None:
    """A child whose file may not grow further leaves a torn line; the lines before it stand."""
    run, guard = JournalledRun(), Guard()
    keeper = run.keeper(tmp_path, guard=guard)
    run.live(keeper, 30.0)
    torn = path_in(tmp_path).read_bytes()[:-20]
    path_in(tmp_path).write_bytes(torn)
    recovered = read_journal(path_in(tmp_path))
    assert recovered is not None
    assert recovered.damaged_lines == 1
    assert recovered_joules(tmp_path) == pytest.approx(run.joules, abs=2.01 * WATTS)
    assert "1 damaged line of the journal left out." in " ".join(recovered.record.notes)


@pytest.mark.expects_failure
def test_a_record_that_cannot_be_made_costs_its_snapshots_only(tmp_path: Path) -> None:
    """Seconds go on being written after the last snapshot, and the failure is told once."""
    run, guard = JournalledRun(), Guard()
    broken: list[bool] = []

    def snapshot() -> object:
        if broken:
            raise RuntimeError("no recording was started")
        return run.snapshot()

    keeper = run.keeper(tmp_path, guard=guard, snapshot=snapshot)
    run.live(keeper, 5.0)
    broken.append(True)
    with pytest.warns(CardCallbackWarning):
        run.live(keeper, 60.0)
    assert len(guard.sentences) == 1
    assert recovered_joules(tmp_path) == pytest.approx(run.joules, abs=2.01 * WATTS)


def test_reading_while_it_is_replaced_never_fails(tmp_path: Path) -> None:
    """A reader meets the old file or the new one, both whole, and never takes the writer for dead."""
    run = JournalledRun()
    keeper = run.keeper(tmp_path)
    run.live(keeper, 30.0)
    ended = threading.Event()
    seen: list[tuple[bool, int]] = []

    def read() -> None:
        while not ended.is_set():
            recovered = read_journal(path_in(tmp_path))
            seen.append((is_alive(path_in(tmp_path)), -1 if recovered is None else recovered.damaged_lines))

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(300):
        keeper._file.replace(keeper._snapshot_line + keeper._whole_line(run.progress()))
    ended.set()
    reader.join()
    assert set(seen) == {(True, 0)}


@pytest.mark.expects_failure
@pytest.mark.filterwarnings("ignore:cardcallback could not have the disk keep the journal")
def test_a_disk_that_cannot_say_that_it_has_the_lines_costs_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each sync fails for good: every second is in the journal all the same, before and after it is compacted."""

    def fails(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fdatasync", fails)
    monkeypatch.setattr("cardcallback.journal.keeper._COMPACT_BYTES", 64 * 1024)
    guard, run = Guard(), JournalledRun()
    keeper = run.keeper(tmp_path, guard=guard)
    largest = 0
    for _ in range(120):
        run.live(keeper, 10.0)
        assert recovered_joules(tmp_path) == pytest.approx(run.joules, abs=1.01 * WATTS)
        largest = max(largest, path_in(tmp_path).stat().st_size)
    assert largest < 2 * keeper.written_bytes / 3
    assert guard.sentences == ["cardcallback could not have the disk keep the journal: Input/output error"]
    keeper.close(final=False)
    assert recovered_joules(tmp_path) == pytest.approx(run.joules, abs=1.01 * WATTS)
    _wait_for_the_disk()


def _wait_for_the_disk() -> None:
    """What a test changed of the system is as it was for no thread of it that goes on."""
    for thread in threading.enumerate():
        if thread.name == "cardcallback-journal-sync":
            thread.join(LONG_SECONDS)


def test_no_second_is_lost_while_a_slow_disk_takes_a_compacted_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines are added meanwhile, to the old file and to the one that takes its place."""
    answers, asked, sync = threading.Event(), threading.Event(), os.fdatasync

    def slow(descriptor: int) -> None:
        if str(Path(f"/proc/self/fd/{descriptor}").readlink()).endswith(".new"):
            asked.set()
            assert answers.wait(LONG_SECONDS)
        sync(descriptor)

    monkeypatch.setattr(os, "fdatasync", slow)
    run = JournalledRun()
    keeper = run.keeper(tmp_path)
    run.live(keeper, 30.0)
    old = path_in(tmp_path).stat().st_ino
    monkeypatch.setattr("cardcallback.journal.keeper._COMPACT_BYTES", 0)
    while not asked.is_set():
        run.live(keeper, 10.0)
    monkeypatch.setattr("cardcallback.journal.keeper._COMPACT_BYTES", 1024**2)
    run.live(keeper, 30.0)
    assert path_in(tmp_path).stat().st_ino == old
    assert recovered_joules(tmp_path) == pytest.approx(run.joules, abs=1.01 * WATTS)
    answers.set()
    deadline = run.seconds + 10_000.0
    while path_in(tmp_path).stat().st_ino == old and run.seconds < deadline:
        run.live(keeper, 1.0)
        threading.Event().wait(0.001)
    assert path_in(tmp_path).stat().st_ino != old
    assert recovered_joules(tmp_path) == pytest.approx(run.joules, abs=1.01 * WATTS)
    assert not list(path_in(tmp_path).parent.glob("*.new"))
    _wait_for_the_disk()
