"""A job of several processes where a person, or a container, has no thread left."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ranks_of_a_node import DEVICES, NodeOfRanks

from cardcallback import CardCallback, load_run


@pytest.fixture
def no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Python says it."""

    def too_many(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", too_many)


@pytest.mark.usefixtures("no_threads")
def test_processes_without_threads_find_each_other(tmp_path: Path) -> None:
    """The measurer looks whenever it makes a record, the others tell at the moments that they have."""
    node = NodeOfRanks(tmp_path, processes=3)
    node.ranks.start()
    first, second = node.follower(1), node.follower(2)
    first.start()
    second.start()
    node.ranks.look()
    assert node.ranks.all_heard
    assert node.ranks.select(DEVICES).indices == {0, 1, 2}
    first.end()
    node.ranks.finish()
    assert node.ranks.troubles() == ()
    assert node.announced_files() == []


@pytest.mark.usefixtures("no_threads")
@pytest.mark.parametrize("part", ["measurer", "follower"])
def test_only_one_of_them_has_no_threads(tmp_path: Path, part: str) -> None:
    """As where each process has a container of its own; by hand the other one does what its thread would."""
    node = NodeOfRanks(tmp_path, processes=2)
    other = node.follower(1)
    if part == "measurer":
        node.ranks.start()
        assert other.beat()
    else:
        node.ranks.invite()
        other.start()
    node.ranks.look()
    assert node.ranks.all_heard
    node.ranks.finish()


@pytest.mark.expects_failure
@pytest.mark.filterwarnings("ignore:cardcallback could not")
@pytest.mark.usefixtures("no_threads")
@pytest.mark.parametrize("rank", [0, 1])
def test_a_job_of_two_trains_without_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rank: int) -> None:
    """Time is measured, and the process that only announces ends as it would."""
    for name, value in {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 2, "LOCAL_WORLD_SIZE": 2}.items():
        monkeypatch.setenv(name, str(value))
    args = SimpleNamespace(
        output_dir=str(tmp_path), world_size=2, process_index=rank, local_process_index=rank, n_gpu=0, device="cpu"
    )
    state: Any = SimpleNamespace(
        global_step=2, max_steps=2, log_history=[], is_hyper_param_search=False, is_world_process_zero=rank == 0
    )
    callback = CardCallback(quiet=True, charts=False)
    callback.on_train_begin(args, state, None, model=None)
    callback.on_step_begin()
    callback.on_save()
    callback.on_train_end(args, state, None)
    if rank == 0:
        record = load_run(tmp_path)
        assert record.status == "completed"
        assert record.duration_seconds > 0
    else:
        assert not list(tmp_path.rglob("*.json"))
