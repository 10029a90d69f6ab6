"""The files by which a job's processes find each other lead nowhere else, and nothing of others is removed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from node_records import node_record
from ranks_of_a_node import NodeOfRanks, uses

from cardcallback.errors import CardCallbackError
from cardcallback.processes import load_summaries, summarize_node, write_summary
from cardcallback.processes.node import MeasuredNode
from cardcallback.processes.place import Place
from cardcallback.processes.rendezvous import Rendezvous, read_small
from cardcallback.testing import FakeClock

SALT = "ab" * 16


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder of the person's, beside the output folder, with a file named like each of ours."""
    folder = tmp_path / "outside"
    folder.mkdir()
    for name in ("thesis.txt", "invitation", "rank-1.json", "node-00008.json"):
        (folder / name).write_text("the person's own")
    return folder


def names(folder: Path) -> set[str]:
    """What lies in it."""
    return {path.name for path in folder.rglob("*")}


def unchanged(folder: Path) -> bool:
    """Whether the person's files are those of the fixture."""
    texts = {path.read_text() for path in folder.iterdir()}
    return names(folder) == {"thesis.txt", "invitation", "rank-1.json", "node-00008.json"} and len(texts) == 1


def test_our_folder_as_a_link_out_of_the_output_folder_is_not_followed(tmp_path: Path, outside: Path) -> None:
    """Neither invitation, announcement, job number nor summary is written through it, and nothing is removed."""
    output = tmp_path / "output"
    output.mkdir()
    (output / "_cardcallback").symlink_to(outside)
    place = Place(processes=2, local_processes=1, node="n")
    node = MeasuredNode(place, output, uses("0aaa-bbbb"), clock=FakeClock(), on_change=lambda: None)
    node.ranks.invite()
    node._begin()
    with pytest.raises(CardCallbackError, match="link"):
        write_summary(output, summarize_node(node_record(range(8, 16))))
    assert unchanged(outside)


def test_a_folder_of_ranks_that_is_a_link_is_neither_used_nor_emptied(tmp_path: Path, outside: Path) -> None:
    """Whoever put it there, and also where the invitation behind it looks like one of ours."""
    (tmp_path / "_cardcallback").mkdir()
    (tmp_path / "_cardcallback" / "ranks-n").symlink_to(outside)
    node = NodeOfRanks(tmp_path, processes=2)
    with pytest.raises(CardCallbackError, match="remove it"):
        Rendezvous(tmp_path, "n").invite(SALT)
    Rendezvous(tmp_path, "n").remove()
    assert unchanged(outside)
    (outside / "invitation").write_text(SALT)
    node.follower(1).beat()
    assert (outside / "rank-1.json").read_text() == "the person's own"


def test_only_files_of_ours_are_removed(tmp_path: Path) -> None:
    """Announcements, the invitation and what a killed process had begun to write; another's file keeps its folder."""
    node = NodeOfRanks(tmp_path, processes=2)
    node.ranks.invite()
    node.follower(1).beat()
    folder = tmp_path / "_cardcallback" / "ranks-n"
    for name in (".rank-1.json-0123abcd", ".invitation-0123abcd", "notes.txt", "rank-x.json"):
        (folder / name).write_text("")
    Rendezvous(tmp_path, "n").remove()
    assert names(folder) == {"notes.txt", "rank-x.json"}


def test_a_pipe_in_a_file_s_place_keeps_nobody_waiting(tmp_path: Path) -> None:
    """Nobody ever writes into it; it is no file of ours."""
    private = tmp_path / "_cardcallback"
    private.mkdir()
    os.mkfifo(private / "node-00008.json")
    assert load_summaries(tmp_path) == ()
    assert read_small(private / "node-00008.json") is None


def test_a_link_in_a_file_s_place_is_not_read(tmp_path: Path) -> None:
    """It may lead to anything."""
    write_summary(tmp_path / "elsewhere", summarize_node(node_record(range(8, 16))))
    (tmp_path / "_cardcallback").mkdir()
    (tmp_path / "_cardcallback" / "node-00008.json").symlink_to(tmp_path / "elsewhere/_cardcallback/node-00008.json")
    assert len(load_summaries(tmp_path / "elsewhere")) == 1
    assert load_summaries(tmp_path) == ()
