"""How a node's measurer hears its processes: whose devices, who is missing, killed, silent or standing still."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from ranks_of_a_node import DEVICES, NodeOfRanks, uses, watches

from cardcallback.errors import CardCallbackWarning
from cardcallback.observe import CountingPlan, StepTokens
from cardcallback.processes.follower import Follower
from cardcallback.processes.rendezvous import Rendezvous


def test_the_devices_of_all_processes_are_measured(tmp_path: Path) -> None:
    """Four processes on four of eight GPUs: exactly those, without a word about the choice."""
    node = NodeOfRanks(tmp_path)
    node.ranks.invite()
    for rank, device in ((1, 3), (2, 5), (3, 7)):
        assert node.follower(rank, uses(f"{device}aaa-bbbb")).beat()
    node.ranks.look()
    selection = node.ranks.select(DEVICES)
    assert selection.indices == {0, 3, 5, 7}
    assert (selection.notes, selection.partial_reason) == ((), None)
    assert node.ranks.all_heard


def test_a_late_announcement_is_taken_up_and_nobody_waits_for_it(tmp_path: Path) -> None:
    """Before it comes the process is named and the energy partial; afterwards neither."""
    node = NodeOfRanks(tmp_path, processes=2)
    late = node.follower(1)
    assert not late.beat()  # nobody has invited
    node.ranks.invite()
    node.ranks.look()
    selection = node.ranks.select(DEVICES)
    assert selection.indices == {0}
    assert selection.partial_reason == "rank 1 did not announce its GPU"
    assert selection.notes == ("Rank 1 did not announce its GPU: its energy is not in the figures.",)
    assert node.changes == 0
    late.beat()
    node.ranks.look()
    assert node.changes == 1
    assert node.ranks.select(DEVICES).indices == {0, 1}
    assert node.ranks.select(DEVICES).partial_reason is None
    late.beat()
    node.ranks.look()
    assert node.changes == 1  # a beat brings no device


def test_what_an_earlier_job_left_is_not_this_one_s(tmp_path: Path) -> None:
    """A killed job's announcement, put back after the invitation of the next: it answers another number."""
    before = NodeOfRanks(tmp_path, processes=2)
    before.ranks.invite()
    before.follower(1).beat()
    (left,) = (path for path in before.announced_files() if path.name.startswith("rank-"))
    content = left.read_bytes()
    node = NodeOfRanks(tmp_path, processes=2)
    node.ranks.invite()
    assert not left.exists()
    left.write_bytes(content)
    node.ranks.look()
    assert node.ranks.missing == (1,)


def test_a_process_answers_the_newest_invitation(tmp_path: Path) -> None:
    """It announced itself to a job that is gone: the next beat answers the one that is there."""
    NodeOfRanks(tmp_path, processes=2).ranks.invite()
    process = NodeOfRanks(tmp_path, processes=2).follower(1)
    process.beat()
    node = NodeOfRanks(tmp_path, processes=2)
    node.ranks.invite()
    process.beat()
    node.ranks.look()
    assert node.ranks.missing == ()


def test_no_file_tells_a_device_and_only_the_user_reads_them(tmp_path: Path) -> None:
    """UUIDs, and names in CUDA_VISIBLE_DEVICES, are hashes; all are removed at the end."""
    node = NodeOfRanks(tmp_path, processes=3)
    node.ranks.invite()
    node.follower(1).beat()
    node.follower(2, watches("GPU-5aaa,MIG-GPU-5aaa/1/0")).beat()
    files = node.announced_files()
    assert len(files) == 3
    for path in files:
        # Not shorter: three digits alike may stand in any hash.
        assert "aaa-bbbb" not in path.read_text()
        assert "GPU-5aaa" not in path.read_text()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    node.ranks.look()
    assert node.ranks.select(DEVICES).indices == {0, 1, 5}
    Rendezvous(tmp_path, "n").remove()
    assert not node.announced_files()


def test_processes_that_use_no_cuda_are_told_as_one(tmp_path: Path) -> None:
    """Each could see one GPU: the note is of all of them, once."""
    node = NodeOfRanks(tmp_path, processes=2, own=watches("2"))
    node.ranks.invite()
    node.follower(1, watches("6")).beat()
    node.ranks.look()
    selection = node.ranks.select(DEVICES)
    assert selection.indices == {2, 6}
    assert len(selection.notes) == 1
    assert "what the GPUs drew" in selection.notes[0]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "ended without saying so, or was killed, at the end of the run or just before it"),
        (60.0, "was killed or ended by itself before the run did"),
    ],
)
def test_a_process_that_is_gone_is_named_at_once(tmp_path: Path, seconds: float, words: str) -> None:
    """Its number is one of a process that has ended; where its last beat is new, it may have ended in order."""
    node = NodeOfRanks(tmp_path, processes=2)
    node.ranks.invite()
    rank = node.follower(1)
    rank.beat()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        (path,) = (path for path in node.announced_files() if path.name.startswith("rank-"))
        said = msgspec.json.decode(path.read_bytes())
        path.write_bytes(msgspec.json.encode(said | {"process": process.pid, "steps": 7}))
        node.ranks.look()
        assert node.ranks.troubles() == ()
        process.kill()
    node.clock.advance(seconds)
    assert node.ranks.troubles() == (f"Rank 1 {words}, in its step 7 or later.",)


@pytest.mark.parametrize(("seconds", "told"), [(15.0, False), (90.0, True)])
def test_a_process_that_falls_silent_is_named(
    tmp_path: Path,
    seconds: float,
    told: bool,  # noqa: FBT001 - a case
) -> None:
    """A process that was stopped beats no more; one or two late beats are not worth a word."""
    node = NodeOfRanks(tmp_path, processes=2)
    node.ranks.invite()
    node.follower(1).beat()
    node.ranks.look()
    node.clock.advance(seconds)
    node.ranks.look()
    sentence = "Rank 1 gave no sign of life in the last 1 min 30 s of the run."
    assert node.ranks.troubles() == ((sentence,) if told else ())


def test_a_suspended_machine_is_no_silence(tmp_path: Path) -> None:
    """Nobody beats while the machine sleeps."""
    node = NodeOfRanks(tmp_path, processes=2)
    node.ranks.invite()
    node.follower(1).beat()
    node.ranks.look()
    node.clock.suspend(3600.0)
    assert node.ranks.troubles() == ()


def test_a_process_that_stands_still_behind_the_others_is_named(tmp_path: Path) -> None:
    """It lives and beats, and begins no step any more: the others wait for it in the next."""
    node = NodeOfRanks(tmp_path, processes=2)
    node.ranks.invite()
    rank = node.follower(1)
    for _ in range(3):
        rank.step_begins()
        node.ranks.step_begins()
    for _ in range(20):
        rank.beat()
        node.ranks.look()
        node.clock.advance(5.0)
    assert node.ranks.troubles() == ()  # all stand: nobody is behind
    node.ranks.step_begins()
    (sentence,) = node.ranks.troubles()
    assert sentence.startswith("Rank 1 stood still in its step 3 for the last 1 min 40 s")


def test_one_that_ended_is_in_no_trouble(tmp_path: Path) -> None:
    """Its last word is that it ended."""
    node = NodeOfRanks(tmp_path, processes=2)
    node.ranks.invite()
    rank = node.follower(1)
    rank.beat()
    rank.end()
    rank.beat()
    node.ranks.look()
    node.clock.advance(600.0)
    assert node.ranks.troubles() == ()


def test_one_whose_tokens_cannot_be_counted_says_that_it_ended(tmp_path: Path) -> None:
    """What it kept to be counted shows that only at the end."""
    node = NodeOfRanks(tmp_path, processes=2)
    node.ranks.invite()
    tokens = StepTokens(CountingPlan(unknown={"in_loss": "the loss is DPO loss"}))
    ids = SimpleNamespace(shape=(1, 3), device=SimpleNamespace(type="cpu"), numel=lambda: 3)
    odd = SimpleNamespace(_version=0, device=ids.device)
    for batch in ({"position_ids": "there"}, {"position_ids": "there"}, {"attention_mask": odd}):
        tokens.add({"input_ids": ids, **batch})
    rank = Follower(Rendezvous(tmp_path, "n"), uses("1aaa-bbbb"), rank=1, tokens=tokens)
    with pytest.raises(AttributeError):
        rank.end()
    rank.beat()
    (said,) = Rendezvous(tmp_path, "n").announced()
    assert said.ended


def test_one_that_leaves_while_it_still_writes_says_that_it_ended(tmp_path: Path) -> None:
    """A disk that answers only after the training's end: the process waits for its last word when it exits."""
    node = NodeOfRanks(tmp_path, processes=2)
    node.ranks.invite()
    subprocess.run([sys.executable, "-c", _LEAVES_WHILE_IT_WRITES, str(tmp_path)], check=True, timeout=60)
    (said,) = Rendezvous(tmp_path, "n").announced()
    assert said.ended


# What is registered last is called first at exit. Then it leaves at once, so that nothing is written by luck.
_LEAVES_WHILE_IT_WRITES = """
import atexit, os, sys, threading
from pathlib import Path
from cardcallback.processes.announcement import OwnDevices
from cardcallback.processes.follower import Follower
from cardcallback.errors import CardCallbackWarning
from cardcallback.processes.rendezvous import Rendezvous
from cardcallback.sensors.job_devices import JobDevices

class Slow(Rendezvous):
    answers = threading.Event()

    def announce(self, announcement):
        self.answers.wait()
        super().announce(announcement)

follower = Follower(Slow(Path(sys.argv[1]), "n"), OwnDevices(job=JobDevices(uses_cuda=False)), rank=1)
follower.start()
follower.end()
atexit.register(Slow.answers.set)
atexit._run_exitfuncs()
os._exit(0)
"""


def test_an_announcement_after_the_end_leaves_nothing(tmp_path: Path) -> None:
    """The measurer has removed its folder: whoever writes then finds nobody, and no file stays."""
    node = NodeOfRanks(tmp_path, processes=2)
    node.ranks.invite()
    rank = node.follower(1)
    rank.beat()
    Rendezvous(tmp_path, "n").remove()
    assert not rank.beat()
    assert not node.announced_files()


def test_what_killed_jobs_left_is_removed_when_it_is_old(tmp_path: Path) -> None:
    """Another job's folder of two hours ago goes, one that is in use stays."""
    for node, age_seconds in (("old", 7200), ("new", 60)):
        Rendezvous(tmp_path, node).invite("ab" * 16)
        folder = tmp_path / "_cardcallback" / f"ranks-{node}"
        for path in (folder / "invitation", folder):
            at = path.stat().st_mtime - age_seconds
            os.utime(path, (at, at))
    Rendezvous(tmp_path, "n").invite("cd" * 16)
    assert sorted(path.name for path in (tmp_path / "_cardcallback").iterdir()) == ["ranks-n", "ranks-new"]


def test_a_folder_that_another_measurer_has_just_made_stays(tmp_path: Path) -> None:
    """Two computers begin at once on one disk: the first's folder is still empty when the second removes old ones."""
    just_made = tmp_path / "_cardcallback" / "ranks-first"
    just_made.mkdir(parents=True)
    Rendezvous(tmp_path, "second").invite("cd" * 16)
    assert just_made.exists()


def test_a_folder_that_goes_while_it_is_empty_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process of the job before, which ends just now, removes its folder: it has the same name."""
    folder, make = tmp_path / "_cardcallback" / "ranks-n", Path.mkdir
    times: list[Path] = []

    def make_and_lose(path: Path, *args: Any, **options: Any) -> None:
        make(path, *args, **options)
        if path == folder and not times:
            times.append(path)
            path.rmdir()

    monkeypatch.setattr(Path, "mkdir", make_and_lose)
    Rendezvous(tmp_path, "n").invite("cd" * 16)
    assert times
    assert Rendezvous(tmp_path, "n").salt() == "cd" * 16


def test_a_folder_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    """A file stands where the folder should be: nobody is heard, everyone is named."""
    (tmp_path / "_cardcallback").write_text("")
    node = NodeOfRanks(tmp_path)
    node.ranks.invite()
    assert not node.follower(1).beat()
    node.ranks.look()
    assert node.ranks.select(DEVICES).partial_reason == "ranks 1 to 3 did not announce their GPUs"


def test_a_damaged_announcement_is_nobody_s(tmp_path: Path) -> None:
    """Anything may lie in the folder."""
    node = NodeOfRanks(tmp_path, processes=2)
    node.ranks.invite()
    folder = tmp_path / "_cardcallback" / "ranks-n"
    for name, content in (("rank-1.json", b"{"), ("rank-2.json", b"\xff"), ("rank-3.json", b" " * 100_000)):
        (folder / name).write_bytes(content)
    node.ranks.look()
    assert node.ranks.missing == (1,)


@pytest.mark.parametrize("error", [ValueError("of a person's own"), KeyboardInterrupt()])
def test_one_that_failed_is_named_with_its_exception(tmp_path: Path, error: BaseException) -> None:
    """Its kind only: the text of an exception may hold anything."""
    node = NodeOfRanks(tmp_path, processes=3)
    node.ranks.invite()
    failed, ended = node.follower(1), node.follower(2)
    failed.step_begins()
    failed.end(error)
    ended.end()
    for follower in (failed, ended):
        follower.beat()
    node.ranks.look()
    (sentence,) = node.ranks.troubles()
    assert sentence == f"Rank 1 ended by an exception ({type(error).__name__}), in its step 1 or later."


def test_a_process_that_nobody_invites_says_so_once(tmp_path: Path) -> None:
    """Where the callback was given to some ranks only: also by one that else leaves speaking to another."""
    node = NodeOfRanks(tmp_path, processes=2)
    alone = node.follower(1)
    alone._guard.quiet = True
    assert not alone.beat()
    with pytest.warns(CardCallbackWarning, match="give one to the trainer of every process") as told:
        alone.tell_if_alone()
        alone.tell_if_alone()
    assert len(told) == 1


def test_a_process_that_was_invited_leaves_speaking_to_the_measurer(tmp_path: Path) -> None:
    """Also where that one has ended before it."""
    node = NodeOfRanks(tmp_path, processes=2)
    node.ranks.invite()
    follower = node.follower(1)
    follower.beat()
    Rendezvous(tmp_path, "n").remove()
    assert not follower.beat()
    follower.tell_if_alone()
    assert follower._guard.sentences == []
