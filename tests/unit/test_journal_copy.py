"""A journal on the node's own disk, and its copy in the output folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from journalled import WATTS, JournalledRun, copy_in, path_in
from test_journal_keeper import recovered_joules

from cardcallback.errors import CardCallbackWarning
from cardcallback.guard import Guard
from cardcallback.journal import JournalKeeper, goes_on, is_alive, read_journal
from cardcallback.journal.copying import JournalCopy
from cardcallback.recovery import recover_before
from cardcallback.settings import Settings, resolve_settings
from cardcallback.units import BYTES_PER_MEBIBYTE


def kept(run: JournalledRun, tmp_path: Path, guard: Guard | None = None) -> JournalKeeper:
    """A keeper of the journal in ``node``, with a copy in ``output``."""
    return run.keeper(tmp_path / "node", copy=copy_in(tmp_path / "output"), guard=guard or Guard())


def copied_joules(tmp_path: Path) -> float:
    """The GPU energy that the copy gives back."""
    recovered = read_journal(copy_in(tmp_path / "output"))
    assert recovered is not None
    assert recovered.record.energy.gpu.value is not None
    return recovered.record.energy.gpu.value


def settings(tmp_path: Path, journal_directory: Path | None = None) -> Settings:
    """The person's, who set nothing but that folder."""
    environ = {} if journal_directory is None else {"CARDCALLBACK_JOURNAL_DIRECTORY": str(journal_directory)}
    return resolve_settings({}, environ=environ, working_directory=tmp_path, user_config_directory=tmp_path)


def written_seconds(path: Path) -> float:
    """When it was written last, by the clock that dated it."""
    return path.stat().st_mtime


def test_it_is_there_from_the_first_second_and_never_half_a_minute_old(tmp_path: Path) -> None:
    """No save is needed, and its lines cost little beside the journal's."""
    run = JournalledRun()
    keeper = kept(run, tmp_path)
    keeper.write_due(run.clock.elapsed_seconds())
    assert copy_in(tmp_path / "output").exists()
    snapshot_bytes = copy_in(tmp_path / "output").stat().st_size
    for _ in range(20):
        run.live(keeper, 17.0)
        assert copied_joules(tmp_path) >= run.joules - 31.01 * WATTS
    grown_bytes = copy_in(tmp_path / "output").stat().st_size - snapshot_bytes
    assert 0 < grown_bytes < 12 * 400


def test_a_save_puts_all_of_the_run_into_it(tmp_path: Path) -> None:
    """Curves and memory are in a snapshot alone."""
    run = JournalledRun()
    keeper = kept(run, tmp_path)
    run.live(keeper, 20.0)
    keeper.saved()
    run.live(keeper, 1.0)
    recovered = read_journal(copy_in(tmp_path / "output"))
    assert recovered is not None
    assert recovered.record.duration_seconds >= 20.0
    assert recovered.behind_seconds <= 1.0


@pytest.mark.parametrize("final", [True, False])
def test_it_ends_with_the_journal(tmp_path: Path, *, final: bool) -> None:
    """With the record on disk both go, without it both have the last moment."""
    run = JournalledRun()
    keeper = kept(run, tmp_path)
    run.live(keeper, 40.5)
    keeper.close(final=final)
    copy = copy_in(tmp_path / "output")
    assert (copy.exists(), path_in(tmp_path / "node").exists()) == (not final, not final)
    if not final:
        assert copied_joules(tmp_path) == recovered_joules(tmp_path / "node") == pytest.approx(run.joules)


def test_it_is_begun_anew_before_it_is_large(tmp_path: Path) -> None:
    """A run that never saves writes lines into it for months."""
    run, path = JournalledRun(devices=8), copy_in(tmp_path)
    copy, snapshot_line = JournalCopy(path, run.progress), b"a snapshot\n"
    sizes = []
    for _ in range(2500):
        run.clock.advance(30.0)
        assert copy.is_due(run.clock.elapsed_seconds(), snapshot_line)
        copy.write()
        sizes.append(path.stat().st_size)
    assert max(sizes) < 1.1 * BYTES_PER_MEBIBYTE
    assert sizes[-1] < max(sizes)
    assert path.read_bytes().startswith(snapshot_line)


@pytest.mark.expects_failure
@pytest.mark.parametrize("above", [0, 1])
def test_a_link_out_of_the_output_folder_is_not_followed(tmp_path: Path, above: int) -> None:
    """One sentence says so, and the journal itself goes on."""
    outside = tmp_path / "outside"
    outside.mkdir()
    link = copy_in(tmp_path / "output").parents[above]
    link.parent.mkdir(parents=True)
    link.symlink_to(outside)
    run, guard = JournalledRun(), Guard()
    keeper = kept(run, tmp_path, guard)
    with pytest.warns(CardCallbackWarning, match="could not copy the journal into the output folder"):
        run.live(keeper, 100.0)
    assert list(outside.iterdir()) == []
    assert len(guard.sentences) == 1
    assert recovered_joules(tmp_path / "node") >= run.joules - 1.01 * WATTS


@pytest.mark.expects_failure
def test_what_failed_is_tried_again(tmp_path: Path) -> None:
    """Half a minute later, without another save."""
    run = JournalledRun()
    keeper = kept(run, tmp_path)
    blocked = tmp_path / "output"
    blocked.write_text("a file in the folder's place")
    with pytest.warns(CardCallbackWarning):
        run.live(keeper, 5.0)
    blocked.unlink()
    run.live(keeper, 27.0)
    assert copied_joules(tmp_path) >= run.joules - 31.01 * WATTS


def test_on_another_computer_it_tells_that_its_run_goes_on(tmp_path: Path) -> None:
    """No lock is seen there, and a line comes every 30 s: it is dead two minutes after the last one."""
    run = JournalledRun()
    keeper = kept(run, tmp_path)
    run.live(keeper, 5.0)
    copy = copy_in(tmp_path / "output")
    assert is_alive(copy, now_seconds=lambda: written_seconds(copy) + 1e6)
    keeper.close(final=False)
    for asked in (is_alive, goes_on):
        assert asked(copy, now_seconds=lambda: written_seconds(copy) + 119)
        assert not asked(copy, now_seconds=lambda: written_seconds(copy) + 121)


def test_a_run_that_may_live_on_another_computer_is_not_recovered_by_the_next(tmp_path: Path) -> None:
    """Its copy was written just now, and its journal lies on another disk."""
    run = JournalledRun()
    keeper = kept(run, tmp_path)
    run.live(keeper, 5.0)
    keeper.close(final=False)
    recover_before(tmp_path / "output", settings(tmp_path))
    assert copy_in(tmp_path / "output").exists()
    assert not (tmp_path / "output" / "training_run").exists()


def test_a_journal_at_hand_tells_at_once_that_its_run_was_killed(tmp_path: Path) -> None:
    """Nobody holds its lock; that the copy is young says nothing then, and the journal's last second counts."""
    run = JournalledRun()
    keeper = kept(run, tmp_path)
    run.live(keeper, 25.0)
    keeper._file.close()
    assert keeper._copy is not None
    keeper._copy.close()
    recover_before(tmp_path / "output", settings(tmp_path, tmp_path / "node"))
    assert not copy_in(tmp_path / "output").exists()
    assert not path_in(tmp_path / "node").exists()
    assert (tmp_path / "output" / "training_run" / "record.json").exists()
