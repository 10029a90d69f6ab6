"""What the journal's keeper writes, and when."""

from __future__ import annotations

import errno
import os
import queue
import random
import stat
import threading
from itertools import pairwise
from pathlib import Path

import pytest
from journalled import WATTS, JournalledRun, path_in
from msgspec.structs import replace

from cardcallback.errors import CardCallbackWarning
from cardcallback.guard import Guard
from cardcallback.journal import Progress, is_alive, read_journal
from cardcallback.journal.lines import decode_lines
from cardcallback.record import Measurement, Point, RunRecord
from cardcallback.testing import make_record
from cardcallback.units import BYTES_PER_MEBIBYTE, SECONDS_PER_DAY

# Bounds a wait that is over at once where nothing is wrong.
LONG_SECONDS = 30.0


def recovered_joules(folder: Path) -> float:
    """The GPU energy that a journal gives back."""
    recovered = read_journal(path_in(folder))
    assert recovered is not None
    gpu = recovered.record.energy.gpu
    assert gpu.value is not None
    return gpu.value


def test_every_second_is_on_disk(tmp_path: Path) -> None:
    """At any second the journal gives the energy of the second before at the latest."""
    run = JournalledRun()
    keeper = run.keeper(tmp_path)
    for _ in range(100):
        run.live(keeper, 1.0)
        assert recovered_joules(tmp_path) >= run.joules - 1.001 * WATTS


def test_a_run_of_one_moment_is_recovered(tmp_path: Path) -> None:
    """The first thing written is a whole snapshot, so that no run is too short."""
    run = JournalledRun()
    run.clock.advance(1.5)
    run.keeper(tmp_path).write_due(run.clock.elapsed_seconds())
    assert recovered_joules(tmp_path) == pytest.approx(1.5 * WATTS)


def test_snapshots_become_rarer_as_the_run_grows(tmp_path: Path) -> None:
    """Every 10 s at first, a twentieth of the run later, never rarer than every 5 min."""
    run = JournalledRun()
    keeper = run.keeper(tmp_path)
    run.live(keeper, 100.0)
    assert run.snapshots == 10
    run.live(keeper, 20_000.0)
    before = run.snapshots
    run.live(keeper, 3000.0)
    assert run.snapshots - before == 10


def test_a_snapshot_is_taken_when_it_is_asked_for(tmp_path: Path) -> None:
    """After a save or an evaluation it does not wait for its interval."""
    run = JournalledRun()
    keeper = run.keeper(tmp_path)
    run.live(keeper, 5.0)
    keeper.request_snapshot()
    run.live(keeper, 1.0)
    assert run.snapshots == 2
    recovered = read_journal(path_in(tmp_path))
    assert recovered is not None
    assert recovered.behind_seconds <= 1.0


def test_a_figure_that_appears_is_followed_by_a_snapshot(tmp_path: Path) -> None:
    """Source and scope of a figure are only in a snapshot: one that has it comes at once."""
    run = JournalledRun()
    shown: list[bool] = []

    def progress() -> Progress:
        now = run.progress()
        return now if shown else replace(now, figures={})

    keeper = run.keeper(tmp_path, progress=progress)
    run.live(keeper, 3.0)
    shown.append(True)
    run.live(keeper, 1.5)
    assert run.snapshots == 2


@pytest.mark.parametrize(("devices", "days"), [(1, 0.25), (8, 0.5)])
def test_a_day_of_it_stays_below_20_mib(tmp_path: Path, devices: int, days: float) -> None:
    """Everything written of a full record, replacing the file included; and the file itself stays near 1 MiB."""
    run = JournalledRun(full_record(devices), devices=devices)
    keeper = run.keeper(tmp_path)
    largest = 0
    for _ in range(100):
        run.live(keeper, days * SECONDS_PER_DAY / 100)
        largest = max(largest, path_in(tmp_path).stat().st_size)
    # What may be saved up for a burst is there from the beginning.
    assert 5 * days < keeper.written_bytes / BYTES_PER_MEBIBYTE < 19 * days + 0.6
    assert largest < 1.2 * BYTES_PER_MEBIBYTE
    assert run.snapshots > 250 * days
    assert recovered_joules(tmp_path) == pytest.approx(run.joules, abs=1.05 * devices * WATTS)


def full_record(devices: int) -> RunRecord:
    """A record as a long run has it: every trace and curve with all of its points, none like another."""
    varied = random.Random(devices)  # noqa: S311 - it has to vary, and to come again
    quantities = ("gpu_power", "gpu_temperature", "gpu_sm_clock", "gpu_process_memory")
    pairs = [(quantity, device) for device in range(devices) for quantity in quantities]
    pairs += [("system_memory", None), ("process_rss", None)]

    def points(step: float) -> tuple[Point, ...]:
        return tuple((step * (place + varied.random()), varied.gauss(1e3, 50.0)) for place in range(1000))

    like = make_record().traces[0]
    traces = tuple(replace(like, quantity=quantity, device=device, points=points(86.4)) for quantity, device in pairs)
    curves = {name: points(50.0) for name in ("loss", "grad_norm", "learning_rate", "entropy", "eval_loss")}
    return make_record(status="running", traces=traces, curves=curves)


def test_saving_all_the_time_does_not_fill_the_disk(tmp_path: Path) -> None:
    """A snapshot asked for every second is taken as often as the day's bytes allow; no second is missing."""
    run = JournalledRun()
    keeper = run.keeper(tmp_path)
    for _ in range(10_000):
        keeper.request_snapshot()
        run.live(keeper, 1.0)
    assert keeper.written_bytes < 20 * BYTES_PER_MEBIBYTE * 10_000 / SECONDS_PER_DAY + BYTES_PER_MEBIBYTE
    assert run.snapshots > 100
    assert recovered_joules(tmp_path) == pytest.approx(run.joules, abs=1.001 * WATTS, rel=1e-6)


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    """The file's mode, also after it was replaced."""
    run = JournalledRun()
    keeper = run.keeper(tmp_path)
    run.live(keeper, 2.0)
    assert stat.S_IMODE(path_in(tmp_path).stat().st_mode) == 0o600


def test_a_clean_end_leaves_nothing(tmp_path: Path) -> None:
    """With the record on disk the journal goes, and its empty folder."""
    run = JournalledRun()
    keeper = run.keeper(tmp_path)
    run.live(keeper, 5.0)
    keeper.close(final=True)
    assert not path_in(tmp_path).parent.exists()


def test_an_end_without_a_record_keeps_the_journal(tmp_path: Path) -> None:
    """The last moment is in it, nobody holds it any more, and nothing is written after that."""
    run = JournalledRun()
    keeper = run.keeper(tmp_path)
    run.live(keeper, 5.0)
    run.clock.advance(0.5)
    assert is_alive(path_in(tmp_path))
    keeper.close(final=False)
    assert not is_alive(path_in(tmp_path))
    assert recovered_joules(tmp_path) == pytest.approx(run.joules)
    content = path_in(tmp_path).read_bytes()
    run.live(keeper, 5.0)
    assert path_in(tmp_path).read_bytes() == content


def test_the_thread_writes_and_ends(tmp_path: Path) -> None:
    """Started, it writes without being called; closed, it has ended."""
    run = JournalledRun()
    run.clock.advance(3.0)
    keeper = run.keeper(tmp_path)
    keeper.start()
    keeper.close(final=False)
    assert keeper._thread is not None
    keeper._thread.join()
    assert recovered_joules(tmp_path) == pytest.approx(run.joules)


def test_the_first_line_is_there_when_a_run_has_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run may be killed at once: the line is in its place before the disk has it for good."""
    synced, found = threading.Event(), []

    def sync(_: int) -> None:
        found.append(path_in(tmp_path).exists())
        synced.set()

    monkeypatch.setattr(os, "fdatasync", sync)
    keeper = JournalledRun().keeper(tmp_path)
    keeper.start(LONG_SECONDS)
    assert read_journal(path_in(tmp_path)) is not None
    assert synced.wait(LONG_SECONDS)
    assert found[0]
    keeper.close(final=True)


def test_a_disk_that_takes_long_holds_up_no_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever kills the process then finds every second; the disk is asked once, until it has answered."""
    asked, released, told = [], threading.Event(), threading.Event()

    def sync(_: int) -> None:
        asked.append(threading.current_thread())
        told.set()
        released.wait(0.0 if threading.current_thread() is threading.main_thread() else LONG_SECONDS)

    monkeypatch.setattr(os, "fdatasync", sync)
    run = JournalledRun()
    keeper = run.keeper(tmp_path)
    for _ in range(100):
        run.live(keeper, 1.0)
        assert recovered_joules(tmp_path) >= run.joules - 1.001 * WATTS
    assert told.wait(LONG_SECONDS)
    assert len(asked) == 1
    assert asked[0] is not threading.current_thread()
    released.set()
    asked[0].join()
    run.live(keeper, 31.0)
    assert told.wait(LONG_SECONDS)
    keeper.close(final=True)


@pytest.mark.expects_failure
def test_a_disk_that_failed_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By whoever asks it the next time; the journal is then begun anew."""
    failed: queue.Queue[threading.Thread] = queue.Queue()
    failures, sync = [errno.EIO], os.fdatasync

    def fail_once(descriptor: int) -> None:
        if failures:
            failed.put(threading.current_thread())
            raise OSError(failures.pop(), os.strerror(errno.EIO))
        sync(descriptor)

    monkeypatch.setattr(os, "fdatasync", fail_once)
    run, guard = JournalledRun(), Guard()
    keeper = run.keeper(tmp_path, guard=guard)
    run.live(keeper, 1.0)
    failed.get(timeout=LONG_SECONDS).join()
    begun = path_in(tmp_path).stat().st_ino
    with pytest.warns(CardCallbackWarning, match="could not have the disk keep the journal"):
        run.live(keeper, 40.0)
    while path_in(tmp_path).stat().st_ino == begun:  # once the disk has it
        run.live(keeper, 1.0)
    assert len(guard.sentences) == 1
    assert recovered_joules(tmp_path) == pytest.approx(run.joules, abs=1.001 * WATTS)


def test_a_line_comes_before_the_snapshot_that_takes_longer(tmp_path: Path) -> None:
    """What a kill in the midst of making one leaves reaches to its begin."""
    run, missing_joules = JournalledRun(), []

    def snapshot() -> RunRecord:
        if path_in(tmp_path).exists():
            missing_joules.append(run.joules - recovered_joules(tmp_path))
        return run.snapshot()

    run.live(run.keeper(tmp_path, snapshot=snapshot), 60.0)
    assert len(missing_joules) > 2
    assert max(missing_joules) == pytest.approx(0.0, abs=0.01)


def test_what_takes_time_delays_no_line(tmp_path: Path) -> None:
    """The time that a snapshot takes is a part of the second, and not added to it."""
    run, moments = JournalledRun(), []

    def snapshot() -> RunRecord:
        run.clock.advance(0.4)
        return run.snapshot()

    def progress() -> Progress:
        moments.append(run.seconds)
        return run.progress()

    run.live(run.keeper(tmp_path, snapshot=snapshot, progress=progress), 60.0)
    assert max(later - earlier for earlier, later in pairwise(moments)) < 1.0


def test_lines_that_come_late_are_followed_earlier(tmp_path: Path) -> None:
    """A thread that has to wait for a processor by a fifth of a second each time loses a second at most."""
    run, written_seconds = JournalledRun(), []
    keeper = run.keeper(tmp_path)
    while run.seconds < 60.0:
        wait = keeper.write_due(run.clock.elapsed_seconds())
        recovered = read_journal(path_in(tmp_path))
        assert recovered is not None
        written_seconds.append(recovered.record.duration_seconds)
        run.clock.advance(wait + 0.2)
    lost_seconds = [later - earlier for earlier, later in pairwise(written_seconds)]
    assert max(lost_seconds[3:]) < 1.0


def test_a_begin_waits_for_a_hanging_disk_no_longer_than_it_may(tmp_path: Path) -> None:
    """The line is written whenever the disk goes on."""
    run, released = JournalledRun(), threading.Event()

    def snapshot() -> RunRecord:
        released.wait()
        return run.snapshot()

    keeper = run.keeper(tmp_path, snapshot=snapshot)
    keeper.start(0.01)
    assert not path_in(tmp_path).exists()
    released.set()
    keeper.close(final=False)
    assert keeper._thread is not None
    keeper._thread.join()
    assert read_journal(path_in(tmp_path)) is not None


def test_an_end_does_not_wait_for_a_disk_that_hangs(tmp_path: Path) -> None:
    """Closing returns while the thread is held up; what it was asked to do is done when that is over."""
    run, reached, released = JournalledRun(), threading.Event(), threading.Event()

    def snapshot() -> RunRecord:
        reached.set()
        released.wait()
        return run.snapshot()

    keeper = run.keeper(tmp_path, snapshot=snapshot)
    keeper.start()
    reached.wait()
    keeper.close(final=True)
    assert keeper._thread is not None
    assert keeper._thread.is_alive()
    released.set()
    keeper._thread.join()
    assert not path_in(tmp_path).exists()


def test_nothing_else_is_in_it(tmp_path: Path) -> None:
    """Its lines hold a record and numbers, and the two settings that say where the files belong."""
    run = JournalledRun()
    keeper = run.keeper(tmp_path, card="CARD.md", publish="card")
    run.live(keeper, 12.0)
    entries, damaged = decode_lines(path_in(tmp_path).read_bytes())
    assert damaged == 0
    assert {(one.card, one.publish) for one in entries if one.record is not None} == {("CARD.md", "card")}
    assert {name for one in entries for name in one.e} == {"gpu", "gpu_counter", "gpu_integrated"}
    recovered = read_journal(path_in(tmp_path))
    assert recovered is not None
    assert (recovered.card, recovered.publish) == ("CARD.md", "card")


def test_energies_beside_the_main_ones_are_at_most_ten_seconds_old(tmp_path: Path) -> None:
    """Of a long run each device's energy is written less often, and its window says until when it goes."""
    run = JournalledRun(devices=2)
    keeper = run.keeper(tmp_path)
    run.live(keeper, 20_017.0)
    recovered = read_journal(path_in(tmp_path))
    assert recovered is not None
    for device in recovered.record.hardware.accelerators:
        assert_known_until(device.energy, run.seconds - 11.0)
    assert_known_until(recovered.record.energy.gpu, run.seconds - 1.1)


def assert_known_until(energy: Measurement, seconds: float) -> None:
    """It goes at least so far, and its value is what was used until its window's end."""
    assert energy.window is not None
    assert energy.window.end_seconds is not None
    assert energy.window.end_seconds >= seconds
    devices = 2 if energy.value is not None and energy.value > 1.5 * WATTS * energy.window.end_seconds else 1
    assert energy.value == pytest.approx(devices * WATTS * energy.window.end_seconds, rel=1e-6)
