"""What rank 0 takes up of other computers at its end, and what it leaves for whoever joins them later."""

from __future__ import annotations

import datetime as dt
import os
import stat
from pathlib import Path

import msgspec
import pytest
from node_records import JOULES, SECONDS, node_record
from ranks_of_a_node import DEVICES, NodeOfRanks, uses

from cardcallback.observe import StepCounts
from cardcallback.processes import load_summaries, merge_nodes, names_of_first
from cardcallback.processes.job_file import JobNames, read_job, write_job
from cardcallback.processes.node import MeasuredNode
from cardcallback.processes.place import Place
from cardcallback.processes.shared_gpus import gpu_name
from cardcallback.processes.summary import summarize_node
from cardcallback.record import RunRecord
from cardcallback.sensors import DeviceInfo
from cardcallback.testing import FakeClock


class PassingClock(FakeClock):
    """Time passes with each look at it, so that nothing waits for ever."""

    def elapsed_seconds(self) -> float:
        """A hundredth of a second later than the last time."""
        self.advance(0.01)
        return super().elapsed_seconds()


def computer(
    folder: Path, rank: int, processes: int = 2, name: str = "", counts: StepCounts | None = None
) -> MeasuredNode:
    """A computer of one process, begun as its thread would."""
    place = Place(rank=rank, processes=processes, local_processes=1, node=f"n{rank}", computer=name)
    node = MeasuredNode(
        place,
        folder,
        uses(f"{rank}aaa-bbbb"),
        clock=PassingClock(),
        on_change=lambda: None,
        counts=lambda: counts,
    )
    node.ranks.invite()
    node._begin()
    return node


def record_of(rank: int) -> RunRecord:
    """What one computer measured."""
    return node_record([rank], processes=2)


def two_gpus(rank: int) -> RunRecord:
    """What a process measured that uses two GPUs."""
    record = node_record([0, 1], processes=2)
    node = msgspec.structs.replace(record.nodes[0], ranks=(rank,))
    return msgspec.structs.replace(record, nodes=(node,))


@pytest.mark.parametrize("rank", [0, 1])
@pytest.mark.parametrize("finished", [False, True])
def test_a_record_of_now_asks_the_folder_for_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rank: int, *, finished: bool
) -> None:
    """The journal's line is in time however long the folder takes; it has the others as they were heard last."""
    folder = tmp_path / "shared"
    folder.mkdir()
    node, other = computer(folder, rank), computer(folder, 1 - rank)
    if finished:
        other.leave_summary(other.joined(record_of(1 - rank)))
        node.finish()
    heard = node.joined(record_of(rank))

    def asked(name: str) -> None:
        original = getattr(os, name)

        def call(path: object = ".", *args: object, **kwargs: object) -> object:
            assert not str(path).startswith(str(folder)), name
            return original(path, *args, **kwargs)

        monkeypatch.setattr(os, name, call)

    for name in ("open", "stat", "lstat", "mkdir", "replace", "unlink", "scandir", "listdir"):
        asked(name)
    assert node.joined(record_of(rank), reads=False) == heard


def test_a_computer_that_is_done_is_taken_up(tmp_path: Path) -> None:
    """Its summary lies on the shared disk when rank 0 ends."""
    first, second = computer(tmp_path, 0), computer(tmp_path, 1)
    second.leave_summary(second.joined(record_of(1)))
    first.finish()
    merged = first.joined(record_of(0))
    assert merged.energy.gpu.value == pytest.approx(2 * JOULES)
    assert merged.energy.partial_reason is None


def test_one_that_is_late_is_named_and_taken_up_afterwards(tmp_path: Path) -> None:
    """At the end it is not there; at the next write of the record it is, and that is told once."""
    first, second = computer(tmp_path, 0), computer(tmp_path, 1)
    first.finish()
    assert first.joined(record_of(0)).energy.partial_reason == "the GPUs of rank 1 are not in it"
    assert not first.look_again()
    second.leave_summary(second.joined(record_of(1)))
    assert first.look_again()
    assert not first.look_again()
    assert first.joined(record_of(0)).energy.gpu.value == pytest.approx(2 * JOULES)


def test_figures_of_a_checkpoint_are_called_that(tmp_path: Path) -> None:
    """The other computer has not ended: what it left at its last checkpoint counts, as a part; its end replaces it."""
    first, second = computer(tmp_path, 0), computer(tmp_path, 1)
    whole = second.joined(record_of(1))
    session = msgspec.structs.replace(whole.sessions[0], status="running")
    second.leave_summary(msgspec.structs.replace(whole, sessions=(session,)))
    first.finish()
    merged = first.joined(record_of(0))
    assert merged.energy.gpu.value == pytest.approx(2 * JOULES)
    assert merged.energy.partial_reason == "its figures end at its last checkpoint (computer of rank 1)"
    second.leave_summary(second.joined(record_of(1)))
    assert first.joined(record_of(0)).energy.partial_reason is None


def test_an_earlier_job_s_computers_are_not_this_one_s(tmp_path: Path) -> None:
    """Left in the same folder: removed at the begin, and not believed where it comes again."""
    before = computer(tmp_path, 1)
    computer(tmp_path, 0)
    before.leave_summary(before.joined(record_of(1)))
    (left,) = (tmp_path / "_cardcallback").glob("node-*.json")
    content = left.read_bytes()
    first = computer(tmp_path, 0)
    assert not left.exists()
    left.write_bytes(content)
    first.finish()
    assert first.joined(record_of(0)).energy.partial_reason is not None


def test_an_earlier_job_s_figures_go_from_a_disk_that_rank_0_does_not_see(tmp_path: Path) -> None:
    """The computer of rank 1 was that of rank 8 yesterday: nobody joins that one's figures to today's."""
    before = computer(tmp_path, 8, processes=16)
    before.leave_summary(before.joined(node_record([8], processes=16)))
    (tmp_path / "_cardcallback" / "node-00009.json").write_text("damaged")
    computer(tmp_path, 1)
    assert load_summaries(tmp_path) == ()
    assert not list((tmp_path / "_cardcallback").glob("node-*.json"))


def test_rank_0_s_computer_of_yesterday_is_another_s_today(tmp_path: Path) -> None:
    """The job number and the figures that rank 0 left on its own disk are old: neither is today's."""
    before = computer(tmp_path, 0)
    before.leave_summary(before.joined(record_of(0)))
    job = tmp_path / "_cardcallback" / "job"
    at = job.stat().st_mtime - 2 * 3600.0
    os.utime(job, (at, at))
    today = computer(tmp_path, 1)
    today.leave_summary(today.joined(record_of(1)))
    (summary,) = load_summaries(tmp_path)
    assert (summary.node.ranks, summary.answers) == ((1,), "")


def test_a_computer_that_begins_late_leaves_the_others_figures(tmp_path: Path) -> None:
    """One disk for all: what answers the job's own number was left by a computer of this job."""
    computer(tmp_path, 0, processes=3)
    second = computer(tmp_path, 1, processes=3)
    second.leave_summary(second.joined(node_record([1], processes=3)))
    computer(tmp_path, 2, processes=3)
    assert [one.node.ranks for one in load_summaries(tmp_path)] == [(1,)]


def test_rank_0_leaves_its_own_part_for_whoever_joins_later(tmp_path: Path) -> None:
    """Two folders without a shared disk: with both summaries all figures come back, processors' too."""
    folders = (tmp_path / "first", tmp_path / "second")
    first, second = computer(folders[0], 0), computer(folders[1], 1)
    second.leave_summary(second.joined(record_of(1)))
    first.finish()
    record = first.joined(record_of(0))
    assert record.energy.cpu.value is None
    merged = merge_nodes(record, [one for folder in folders for one in load_summaries(folder)])
    assert merged.energy.gpu.value == pytest.approx(2 * JOULES)
    assert merged.energy.cpu.value is not None
    assert merged.energy.partial_reason is None


HERE, THERE = "0123456789abcdef", "fedcba9876543210"


@pytest.mark.parametrize("names", [(HERE, HERE), (HERE, THERE), ("", "")])
@pytest.mark.parametrize("shared", [True, False])
def test_a_computer_with_two_launchers_is_counted_once(
    tmp_path: Path,
    names: tuple[str, str],
    shared: bool,  # noqa: FBT001 - a case
) -> None:
    """Each measured the whole processor, in a folder of its own or not; the GPUs are each one's own."""
    folders = (tmp_path / "first", tmp_path / ("first" if shared else "second"))
    first, second = (computer(folders[rank], rank, name=name) for rank, name in enumerate(names))
    second.leave_summary(second.joined(node_record([1], processes=2, seconds=SECONDS + 5, cpu_joules=2e6)))
    first.finish()
    merged = first.joined(record_of(0))
    if not shared:
        merged = merge_nodes(merged, [one for folder in folders for one in load_summaries(folder)])
    assert merged.energy.gpu.value == pytest.approx(2 * JOULES)
    several = [note for note in merged.notes if "Several measurers ran on one computer" in note]
    links = [note for note in merged.notes if "network cards" in note]
    own = 400.0 * SECONDS
    if names == (HERE, HERE):
        assert (len(several), len(links)) == (1, 0)
        assert [node.computer for node in merged.nodes] == [0, 0]
        assert merged.energy.cpu.value == pytest.approx(own)
    else:
        assert (len(several), len(links)) == (0, 1)
        assert merged.energy.cpu.value == pytest.approx(own + 2e6)
    later = merge_nodes(merged, load_summaries(folders[0]))
    assert later.energy.cpu.value == merged.energy.cpu.value
    assert HERE not in str(merged)


def test_a_gpu_has_one_name_for_all_measurers_of_a_job(tmp_path: Path) -> None:
    """Though none of them knows the computer: a hash of that day and job, from which no UUID can be told."""

    def named(folder: str, job: str, *devices: DeviceInfo) -> tuple[str, ...]:
        place = Place(rank=1, processes=2, local_processes=1, node="n", job=job)
        node = MeasuredNode(
            place,
            tmp_path / folder,
            uses(),
            clock=PassingClock(),
            on_change=lambda: None,
            devices=lambda: devices,
        )
        (tmp_path / folder).mkdir()
        node.leave_summary(node.joined(record_of(1)))
        (summary,) = load_summaries(tmp_path / folder)
        return summary.gpus

    first, second = named("a", "job", *DEVICES[:3]), named("b", "job", DEVICES[2], DEVICES[0])
    assert second == (first[2], first[0])
    assert len(set(first)) == 3
    assert set(named("c", "other", *DEVICES)).isdisjoint(first)
    assert named("d", "", *DEVICES) == named("e", "job", DeviceInfo(index=0, name="NVIDIA A")) == ()


@pytest.mark.parametrize("offset", [-2, -1, 0, 1, 2])
def test_measurers_that_begin_on_either_side_of_midnight_name_a_gpu_alike(offset: int) -> None:
    """One of the names of each of them, where their sessions may overlap; more than two a long run never has."""
    day, uuid = dt.date(2026, 12, 31), str(DEVICES[0].uuid)

    def days(begin: int, now: int) -> set[str]:
        return set(gpu_name("job", uuid, day + dt.timedelta(begin), day + dt.timedelta(now)).split("+"))

    assert len(days(0, 0)) == 1
    assert len(days(0, 300)) == 2
    assert bool(days(0, 3) & days(offset, 3)) == (abs(offset) < 2)


def test_a_gpu_measured_over_midnight_counts_once(tmp_path: Path) -> None:
    """The one began before it and the other after; the name of both days is read back from the job's file too."""
    day = dt.date(2026, 12, 31)
    names = tuple(gpu_name("job", str(one.uuid), day, day + dt.timedelta(1)) for one in DEVICES[:2])
    later = tuple(gpu_name("job", str(one.uuid), day + dt.timedelta(1), day + dt.timedelta(1)) for one in DEVICES[:2])
    write_job(tmp_path, JobNames("0" * 32, "", names))
    assert read_job(tmp_path).gpus == names
    told = summarize_node(two_gpus(1), gpus=later)
    merged = merge_nodes(two_gpus(0), [told], gpus=read_job(tmp_path).gpus)
    assert merged.energy.gpu.value == pytest.approx(2 * JOULES)


def test_a_killed_rank_0_s_computer_is_known_by_its_job_s_number(tmp_path: Path) -> None:
    """Its record knows no name of its computer; that lies beside it, and is not another job's."""
    first, second = computer(tmp_path, 0, name=HERE), computer(tmp_path, 1, name=HERE)
    second.leave_summary(second.joined(record_of(1)))
    record = first.joined(record_of(0))
    name = names_of_first(tmp_path, record).computer
    merged = merge_nodes(record, load_summaries(tmp_path), computer=name)
    assert merged.energy.cpu.value == pytest.approx(400.0 * SECONDS)
    computer(tmp_path, 0, name=THERE)
    assert names_of_first(tmp_path, record).computer == ""


def test_a_killed_rank_0_s_gpus_are_known_too(tmp_path: Path) -> None:
    """What another measurer shares with it is counted once, though it left no last word."""
    folders = [tmp_path / "first", tmp_path / "second"]
    nodes = []
    for rank, folder in enumerate(folders):
        place = Place(rank=rank, processes=2, local_processes=1, node=f"n{rank}", job="job")
        devices = DEVICES[rank : rank + 2]
        node = MeasuredNode(
            place,
            folder,
            uses(),
            clock=PassingClock(),
            on_change=lambda: None,
            devices=lambda devices=devices: devices,  # type: ignore[misc]  # the devices of this turn
        )
        folder.mkdir()
        node.ranks.invite()
        node._begin()
        nodes.append(node)
    in_progress = nodes[0].joined(two_gpus(0))
    nodes[1].leave_summary(nodes[1].joined(two_gpus(1)))
    names = names_of_first(folders[0], in_progress)
    assert len(names.gpus) == 2
    merged = merge_nodes(in_progress, load_summaries(folders[1]), computer=names.computer, gpus=names.gpus)
    assert merged.energy.gpu.value == pytest.approx(3 * JOULES)


def test_one_computer_leaves_no_summary(tmp_path: Path) -> None:
    """All processes are here: there is nothing to join."""
    place = Place(processes=4, local_processes=4, node="n")
    node = MeasuredNode(place, tmp_path, uses("0aaa-bbbb"), clock=PassingClock(), on_change=lambda: None)
    node.ranks.invite()
    node.finish()
    node.joined(node_record(range(4), processes=4))
    assert load_summaries(tmp_path) == ()


def test_troubles_are_those_of_the_end(tmp_path: Path) -> None:
    """A record that is written again long after tells nothing of processes that ended since."""
    node = NodeOfRanks(tmp_path, processes=2)
    node.ranks.invite()
    node.follower(1).beat()
    node.ranks.look()
    node.ranks.finish()
    node.clock.advance(3600.0)
    assert node.ranks.troubles() == ()


def test_the_highest_process_is_named(tmp_path: Path) -> None:
    """Another process held more in main memory than the one that measured."""
    place = Place(processes=2, local_processes=2, node="n")
    node = MeasuredNode(place, tmp_path, uses("0aaa-bbbb"), clock=PassingClock(), on_change=lambda: None)
    node.ranks.invite()
    helper = NodeOfRanks(tmp_path, processes=2)
    follower = helper.follower(1)
    follower._peaks = {"process_rss": 1e12}
    follower.beat()
    node.ranks.look()
    peak = node.joined(node_record(range(2), processes=2)).memory.process_peak_rss
    assert peak.value == 1e12
    assert peak.covers[-1] == "rank 1, the highest of 2 processes"


def test_the_computers_of_a_job_share_its_number(tmp_path: Path) -> None:
    """Where the disk is shared, so that nobody joins another job's later; a disk of its own knows none."""
    first, second, apart = computer(tmp_path, 0), computer(tmp_path, 1), computer(tmp_path / "apart", 1)
    jobs = [node.joined(record_of(node.place.rank)).nodes[0].job for node in (first, second, apart)]
    assert jobs[0] is not None
    assert jobs == [jobs[0], jobs[0], None]


def _job_file(folder: Path) -> Path:
    return folder / "_cardcallback" / "job"


@pytest.mark.parametrize("ends", ["in time", "late", "never"])
def test_a_jobs_number_goes_with_its_last_computer(tmp_path: Path, ends: str) -> None:
    """Until then a computer that is not done must be able to say whose figures it leaves."""
    first, second = computer(tmp_path, 0), computer(tmp_path, 1)
    assert stat.S_IMODE(_job_file(tmp_path).stat().st_mode) == 0o600
    if ends == "in time":
        second.leave_summary(second.joined(record_of(1)))
    first.finish()
    first.joined(record_of(0))
    if ends == "late":
        assert _job_file(tmp_path).exists()
        second.leave_summary(second.joined(record_of(1)))
        first.look_again()
    assert _job_file(tmp_path).exists() == (ends == "never")


def test_another_jobs_number_stays(tmp_path: Path) -> None:
    """It began in the same folder meanwhile."""
    first, second = computer(tmp_path, 0), computer(tmp_path, 1)
    second.leave_summary(second.joined(record_of(1)))
    computer(tmp_path, 0)
    newer = _job_file(tmp_path).read_bytes()
    first.finish()
    assert _job_file(tmp_path).read_bytes() == newer


def test_rank_0_signs_its_part_after_its_number_is_gone(tmp_path: Path) -> None:
    """Somebody removed the file: what it leaves still joins with the others."""
    first = computer(tmp_path, 0)
    _job_file(tmp_path).unlink()
    first.finish()
    record = first.joined(record_of(0))
    (own,) = load_summaries(tmp_path)
    assert own.answers == record.nodes[0].job != ""
