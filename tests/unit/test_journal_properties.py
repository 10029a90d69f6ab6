"""Journals cut, damaged, doubled and mixed: nothing raises, and nothing is recovered that was not written."""

from __future__ import annotations

import re
import tempfile
from functools import cache
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from journalled import JournalledRun, path_in

from cardcallback.journal import Recovered, read_journal
from cardcallback.journal.lines import decode_lines
from cardcallback.journal.packing import unpack_record
from cardcallback.testing import make_record


@cache
def journal() -> tuple[bytes, frozenset[float]]:
    """A journal of two snapshots and the seconds between, and every energy of the GPU in it."""
    with tempfile.TemporaryDirectory() as folder:
        run = JournalledRun(make_record(status="running", traces=(), curves={}))
        run.live(run.keeper(Path(folder)), 25.0)
        content = path_in(Path(folder)).read_bytes()
    entries, damaged = decode_lines(content)
    assert damaged == 0
    written = {figure[0] for entry in entries if (figure := entry.e.get("gpu")) is not None}
    records = [unpack_record(entry.record) for entry in entries if entry.record is not None]
    written |= {record.energy.gpu.value or 0.0 for record in records if record is not None}
    return content, frozenset(written)


def read(content: bytes) -> Recovered | None:
    """What is recovered of a journal with that content."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "j"
        path.write_bytes(content)
        return read_journal(path)


def assert_not_invented(content: bytes) -> None:
    """The energy that is recovered, if any, was written, and is the newest of what is whole."""
    recovered = read(content)
    if recovered is None:
        return
    value = recovered.record.energy.gpu.value
    assert value in journal()[1]
    entries, damaged = decode_lines(content)
    newest = max((entry.p[0] for entry in entries if entry.p is not None), default=0.0)
    assert recovered.record.duration_seconds >= newest
    assert recovered.damaged_lines == damaged


def test_cut_at_every_byte() -> None:
    """Wherever a kill or power loss ends it: the lines before stand, and one line is damaged at most."""
    content = journal()[0]
    best = 0.0
    first_line = content.index(b"\n")
    # A snapshot is one long line, of whose bytes one is like another.
    last_snapshot = max(re.finditer(rb'"record":"[^"]*', content), key=lambda found: found.start())
    ends = range(last_snapshot.end() - 30, len(content))
    for length in (*range(0, first_line, 97), *range(first_line, last_snapshot.end() - 30, 41), *ends):
        recovered = read(content[:length])
        assert (recovered is None) == (length < first_line)
        if recovered is not None:
            value = recovered.record.energy.gpu.value or 0.0
            assert value in journal()[1]
            assert value >= best
            assert recovered.damaged_lines <= 1
            best = value


def test_blocks_of_zeros_at_its_end() -> None:
    """As a file system leaves them whose size was on disk before its content: what stood before them stands."""
    content = journal()[0]
    for length in range(content.index(b"\n") + 1, len(content), 211):
        before, after = read(content[:length]), read(content[:length] + bytes(4096 - length % 4096))
        assert before is not None
        assert after is not None
        assert after.record.energy == before.record.energy
        assert after.damaged_lines == 1


@settings(deadline=None, max_examples=200)
@given(data=st.data())
def test_flipped_bytes(data: st.DataObject) -> None:
    """A damaged line is left out whole."""
    content = bytearray(journal()[0])
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    assert_not_invented(bytes(content))


@settings(deadline=None, max_examples=100)
@given(data=st.data())
def test_doubled_and_mixed_lines(data: st.DataObject) -> None:
    """The order of lines means nothing, nor how often one is there: the same is recovered."""
    lines = journal()[0].splitlines(keepends=True)
    doubled = [line for line in lines for _ in range(data.draw(st.integers(1, 2)))]
    mixed = data.draw(st.permutations(doubled))
    recovered, usual = read(b"".join(mixed)), read(journal()[0])
    assert recovered is not None
    assert usual is not None
    assert recovered.record == usual.record


@settings(deadline=None, max_examples=100)
@given(data=st.data())
def test_missing_lines(data: st.DataObject) -> None:
    """Lines may be lost anywhere."""
    lines = journal()[0].splitlines(keepends=True)
    assert_not_invented(b"".join(line for line in lines if data.draw(st.booleans())))


@given(content=st.binary(max_size=300))
def test_any_bytes(content: bytes) -> None:
    """What never was a journal gives nothing."""
    assert read(content) is None
