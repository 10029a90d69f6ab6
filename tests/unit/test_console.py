"""The line a person sees at the end: its energy is told as the card tells it."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace
from recorded import sensor
from section_records import RECORDS, with_energy

from cardcallback.console import begin_line, end_line, say
from cardcallback.render.section import render_section
from cardcallback.sensors import DeviceInfo, SensorSet
from cardcallback.settings import Settings
from cardcallback.testing import make_record

CARD = Path("README.md")
FILE = Path("training_run/record.json")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gb10", "GPU 107 Wh"),
        ("unused_gpu", " drawn by the GPU, which this job did not use, peak memory"),
        ("shared_gpu", " drawn by the whole GPU, shared with other work, peak memory"),
        ("module", " drawn by the module (GPU and CPU), peak memory"),
        ("cpu_only", ", GPU energy not measured, "),
    ],
)
def test_the_energy_is_called_as_on_the_card(name: str, words: str) -> None:
    """A GPU the job did not use, a shared one and a whole module are not "GPU 107 Wh"."""
    line = end_line(RECORDS[name](), CARD, written=True, file=FILE)
    assert words in line
    assert ("GPU 107 Wh" in line) == (name == "gb10")


@pytest.mark.parametrize(
    ("coverage", "high", "part"), [(0.97, None, True), (0.97, 400_000.0, True), (1.0, None, False), (0.4, None, True)]
)
def test_at_least_is_said_where_the_card_says_it(coverage: float, high: float | None, part: bool) -> None:  # noqa: FBT001 - a case
    """One rule for both: a stretch that was not seen is missing, whether its energy is bounded or not."""
    record = make_record()
    record = with_energy(record, gpu=replace(record.energy.gpu, coverage=coverage, recording_high=high))
    assert ("GPU at least 107 Wh" in end_line(record, CARD, written=True, file=FILE)) == part
    assert ("used at least 107 Wh" in render_section(record)) == part


def test_an_interrupted_run_with_a_card_says_where_it_ended() -> None:
    """One stopped by a signal after a checkpoint has a card, and is no completed run all the same."""
    record = RECORDS["interrupted"]()
    line = end_line(record, Path("out/README.md"), written=True, file=FILE)
    assert line.startswith(f"cardcallback: out/README.md: interrupted at step {record.sessions[-1].last_step}, ")
    assert "interrupted" not in end_line(make_record(), Path("out/README.md"), written=True, file=FILE)


def test_a_run_without_a_step_offers_no_card() -> None:
    """There are no weights to describe: the line says where such a run is listed."""
    record = RECORDS["interrupted"]()
    failed = replace(record.sessions[0], last_step=0)
    record = replace(record, sessions=(failed,), training=replace(record.training, steps=0))
    line = end_line(record, Path("out/README.md"), written=False, file=FILE)
    assert line.startswith("cardcallback: ended before its first step: ")
    assert line.endswith("; to see it: cardcallback ls out")
    assert "No optimiser step was taken, so no weights are of this run." in render_section(record)


def test_a_run_without_a_record_offers_what_is_true() -> None:
    """Nothing can be rendered where there is no record: its journal can be recovered, if there is one."""
    record, card = make_record(), Path("out/README.md")
    kept = end_line(record, card, written=False, file=None, journal_folder=Path("own-disk"))
    lost = end_line(record, card, written=False, file=None)
    assert kept.startswith("cardcallback: no record could be written: 1 h 52 min, ")
    assert kept.endswith("; once it can be: cardcallback recover own-disk")
    assert lost.endswith("; these figures are nowhere else")
    assert "render" not in kept + lost


@pytest.mark.parametrize(
    ("name", "source"),
    [("record.json", "out"), ("record-0f2c.json", "out/training_run/record-0f2c.json")],
)
def test_a_run_beside_a_good_record_names_its_own(name: str, source: str) -> None:
    """By the folder alone the good run's card would be rendered again."""
    record = RECORDS["interrupted"]()
    line = end_line(record, Path("out/README.md"), written=False, file=Path("out/training_run", name))
    assert line.endswith(f"; for a card: cardcallback render {source} --card NEW.md")


def test_a_name_from_outside_steers_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """A device's or folder's name is printed as its characters, on the one line that is ours."""
    say("cardcallback: \x1b[2J\x9b GB10\n\u202egnp", Settings())
    printed = capsys.readouterr().out
    assert printed.count("\n") == 1
    assert printed.strip().isprintable()


def test_the_first_line_does_not_pass_one_process_s_gpu_for_the_job_s() -> None:
    """The others announce theirs a moment later, and nobody waits for that."""
    seen = SensorSet(sensors=(sensor("gpu_energy", 0.0, 0),), devices=(DeviceInfo(index=0, name="NVIDIA A"),))
    assert "(1 x NVIDIA A)" in begin_line(seen, Settings())
    line = begin_line(seen, Settings(), processes=4)
    assert "(1 x NVIDIA A; of the job's 4 processes the others tell theirs soon)" in line


class _Gone(io.StringIO):
    """A terminal that was closed, or a pipe that nobody reads any more."""

    def write(self, text: str, /) -> int:
        raise BrokenPipeError(text)


@pytest.mark.parametrize("gone", [_Gone(), None])
def test_a_line_that_nobody_can_hear_harms_nothing(gone: io.StringIO | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said while a run begins: a failure there would leave the run unmeasured."""
    monkeypatch.setattr(sys, "stdout", gone)
    say("cardcallback: measuring time", Settings())
