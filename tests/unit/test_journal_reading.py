"""What a journal gives back, and that nothing in it contradicts the newest energy."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest
from journalled import SECONDS_PER_STEP, WATTS, JournalledRun, path_in
from msgspec.structs import replace
from section_energy import with_place
from section_records import RECORDS

from cardcallback.carbon import assess_footprint
from cardcallback.errors import CardCallbackError
from cardcallback.journal import Recovered, read_journal
from cardcallback.journal.lines import Entry, Figure, encode_line
from cardcallback.journal.packing import pack_record, unpack_record
from cardcallback.record import Energy, RunRecord, Tokens, encode
from cardcallback.render.section import render_section
from cardcallback.rest import with_rest_estimate
from cardcallback.testing import make_record

BEFORE, AFTER = 6720.0, 6768.0
SPENT = 107 * 3600.0 + 48 * WATTS
NEWEST = (SPENT, SPENT - 12, SPENT + 12, 1.0)
NEWER: dict[str, Figure | None] = {"gpu": NEWEST, "gpu_counter": NEWEST, "gpu_integrated": NEWEST}


def killed(path: Path, record: RunRecord, *progress: Entry, age: float = BEFORE) -> Recovered:
    """What is recovered of a run with this snapshot at ``age`` and these lines."""
    path.write_bytes(b"".join(map(encode_line, (Entry(t=age, record=pack_record(record)), *progress))))
    recovered = read_journal(path)
    assert recovered is not None
    return recovered


def running(**changes: object) -> RunRecord:
    """The made-up record while it runs."""
    record = replace(RECORDS["gb10"](), status="running", **changes)
    session = replace(record.sessions[0], status="running", energy=record.energy, hardware=record.hardware)
    return replace(record, sessions=(session,))


def later(figures: dict[str, Figure | None] = NEWER, step: int = 504) -> Entry:
    """The line of 48 s after the snapshot."""
    return Entry(p=(AFTER, 0.0, step), e=figures)


def test_the_newest_energy_time_and_step_count(tmp_path: Path) -> None:
    """Record, session, stage and device have them; status and notes say what happened."""
    record = killed(tmp_path / "j", running(), later()).record
    session = record.sessions[-1]
    energies = (record.energy.gpu, session.energy.gpu, record.stages[-1].energy, record.hardware.accelerators[0].energy)
    for energy in energies:
        assert energy is not None
        assert (energy.value, energy.recording_low, energy.recording_high) == (SPENT, SPENT - 12, SPENT + 12)
        assert energy.window is not None
        assert energy.window.end_seconds == AFTER
    assert (record.duration_seconds, session.duration_seconds, record.stages[-1].duration_seconds) == (AFTER,) * 3
    assert (session.last_step, record.training.steps, record.stages[-1].steps) == (504, 504, 504)
    assert (record.status, session.status, record.recovered) == ("interrupted", "interrupted", True)
    assert record.hardware == session.hardware
    assert record.notes[-1] == (
        "Recovered from the journal: energy and time reach to its last line, a second or so before the run was "
        "killed; curves, memory and phases to 48 s before that line."
    )


def test_what_is_divided_belongs_together(tmp_path: Path) -> None:
    """Watts follow the newest energy; a quotient by what was counted to the snapshot only is told no more."""
    before = running()
    record = killed(tmp_path / "j", before, later()).record
    power = record.hardware.accelerators[0].mean_power
    assert power is not None
    assert power.value == pytest.approx(SPENT / AFTER)
    assert record.energy.per_token is not None
    assert record.energy.per_token.value is None
    assert "killed before all of them were counted" in (record.energy.per_token.reason or "")
    assert record.training.tokens.non_padding is None
    assert record.training.tokens.at_least["non_padding"] == before.training.tokens.non_padding
    assert "were counted (at least" in render_section(record)
    assert (record.training.epochs, record.training.published_step) == (None, None)
    # The phases end with the snapshot, and so do the steps that this was divided by.
    assert record.energy.per_step == before.energy.per_step


def test_tokens_of_an_earlier_step_are_not_the_snapshots(tmp_path: Path) -> None:
    """Steps were counted on after the description was last brought up: the snapshot's own quotient is not told."""
    record = running()
    record = replace(record, training=replace(record.training, steps=490))
    recovered = killed(tmp_path / "j", record).record
    assert (recovered.training.steps, recovered.training.tokens.non_padding) == (500, None)
    assert recovered.energy.per_token is not None
    assert recovered.energy.per_token.value is None


def test_without_phases_a_step_is_the_newest_energy_by_the_newest_steps(tmp_path: Path) -> None:
    """Both are known to the last second."""
    record = running()
    energy = replace(record.energy, phases=())
    record = replace(record, energy=energy, sessions=(replace(record.sessions[0], energy=energy),))
    recovered = killed(tmp_path / "j", record, later()).record
    for found in (recovered.energy, recovered.sessions[-1].energy):
        assert found.per_step is not None
        assert found.per_step.value == pytest.approx(SPENT / 504)


def test_without_a_new_step_the_tokens_stand(tmp_path: Path) -> None:
    """Killed before the next step ended: every token is counted, and their energy is the newest."""
    recovered = killed(tmp_path / "j", running(), later(step=500)).record
    assert recovered.training.tokens == make_record().training.tokens
    assert recovered.energy.per_token is not None
    assert recovered.energy.per_token.value == pytest.approx(SPENT / 5_520_000)


def test_carbon_and_the_estimate_follow_the_energy(tmp_path: Path) -> None:
    """What was calculated from the older energy is calculated again."""
    record = with_rest_estimate(with_place(running(), "DE"))
    recovered = killed(tmp_path / "j", record, later()).record
    assert recovered.carbon is not None
    assert recovered.carbon == assess_footprint(recovered.energy, recovered.carbon.factor, None).carbon
    assert recovered.carbon.energy_joules == SPENT
    assert recovered.energy.rest_estimate == with_rest_estimate(recovered).energy.rest_estimate
    assert recovered.energy.rest_estimate != record.energy.rest_estimate


def test_a_snapshot_alone_is_a_record(tmp_path: Path) -> None:
    """Killed in the second after it: every figure is the snapshot's."""
    before = running()
    recovered = killed(tmp_path / "j", before)
    assert recovered.behind_seconds == 0
    assert recovered.record.energy == before.energy
    assert recovered.record.duration_seconds == before.duration_seconds
    assert recovered.record.notes == (
        "Recovered from the journal: energy and time reach to its last line, a second or so before the run was killed.",
    )


def test_lines_from_before_the_snapshot_change_nothing(tmp_path: Path) -> None:
    """The newest snapshot holds all of them already."""
    older = Entry(p=(BEFORE - 1, 0.0, 499), e={"gpu": (1.0, 1.0, 1.0, 1.0)})
    before = running()
    assert killed(tmp_path / "j", before, older).record.energy == before.energy


def test_a_figure_that_was_no_longer_measured_is_not_told(tmp_path: Path) -> None:
    """Neither its old value nor what would be divided out of it; the others stand."""
    recovered = killed(tmp_path / "j", running(), later({"gpu_counter": None, "gpu": None})).record
    assert recovered.energy.gpu.value is None
    assert recovered.energy.gpu.reason == "it was no longer measured when the run was killed"
    assert recovered.energy.gpu_integrated.value == running().energy.gpu_integrated.value
    assert recovered.energy.per_token is not None
    assert recovered.energy.per_token.value is None


def test_a_gap_that_grew_has_no_known_length(tmp_path: Path) -> None:
    """The longest gap of the snapshot is not the longest any more."""
    figure = (SPENT, SPENT - 12, None, 0.995)
    gpu = killed(tmp_path / "j", running(), later({"gpu": figure})).record.energy.gpu
    assert (gpu.coverage, gpu.recording_high, gpu.longest_gap_seconds) == (0.995, None, None)


def test_of_several_sessions_the_last_one_grows(tmp_path: Path) -> None:
    """The run's sums grow by what the session's did; the sessions before it stay."""
    whole = running()
    half = replace(whole.energy.gpu, value=53.5 * 3600.0, recording_low=53.5 * 3600 - 6, recording_high=53.5 * 3600 + 6)
    energy = replace(whole.energy, gpu=half)
    first = replace(whole.sessions[0], duration_seconds=3360.0, last_step=250, status="interrupted", energy=energy)
    second = replace(first, first_step=250, last_step=500, status="running")
    figure = (53.5 * 3600 + 48 * WATTS, 53.5 * 3600 + 48 * WATTS - 7, 53.5 * 3600 + 48 * WATTS + 7, 1.0)
    line = Entry(p=(3360.0 + 48.0, 0.0, 504), e={"gpu": figure})
    recovered = killed(tmp_path / "j", replace(whole, sessions=(first, second)), line, age=3360.0).record
    gpu = recovered.energy.gpu
    assert gpu.value == pytest.approx(107 * 3600 + 48 * WATTS)
    assert gpu.recording_high == pytest.approx(107 * 3600 + 48 * WATTS + 12 + 1)
    assert gpu.coverage == pytest.approx(1.0)
    assert recovered.duration_seconds == AFTER
    assert recovered.sessions[0] == first
    assert recovered.sessions[1].energy.gpu.value == pytest.approx(figure[0])


def test_a_run_that_had_ended_keeps_its_end(tmp_path: Path) -> None:
    """Where only the record could not be written, its status and its published step stand."""
    record = killed(tmp_path / "j", make_record()).record
    assert (record.status, record.recovered, record.training.published_step) == ("completed", True, 450)


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_every_kind_of_record_is_recovered_and_rendered(tmp_path: Path, name: str) -> None:
    """Whatever a run was, its recovered record can be written, and its section is a section."""
    record = replace(RECORDS[name](), status="running")
    age = record.sessions[-1].duration_seconds
    recovered = killed(tmp_path / "j", record, Entry(p=(age + 20.0, 0.0, 10**6), e=NEWER), age=age).record
    assert encode(recovered)
    assert render_section(recovered, pictures=False).startswith("## Training")
    assert isinstance(recovered.energy, Energy)
    assert recovered.duration_seconds == pytest.approx(record.duration_seconds + 20.0)


def test_packing_thins_and_keeps_the_rest() -> None:
    """All but points and visits is as it was."""
    record = make_record()
    packed = unpack_record(pack_record(record))
    assert packed is not None
    less = {"traces": (), "curves": {}, "phase_spans": ()}
    assert replace(packed, **less) == replace(record, **less)
    assert [len(one.points) for one in packed.traces] == [112, 112]


@pytest.mark.parametrize("text", ["", "no base64", pack_record(make_record())[:200]])
def test_what_is_no_packed_record_is_none(text: str) -> None:
    """A damaged snapshot is left out."""
    assert unpack_record(text) is None


def test_a_run_without_known_tokens_says_why_as_before(tmp_path: Path) -> None:
    """The reason that they were not counted is not replaced by another."""
    record = running()
    record = replace(record, training=replace(record.training, tokens=Tokens(reason="nobody counted")))
    assert killed(tmp_path / "j", record, later()).record.training.tokens.reason == "nobody counted"


def test_a_journal_that_is_not_there_is_nothing_to_work_on(tmp_path: Path) -> None:
    """One line and exit code 3; a link is not followed."""
    with pytest.raises(CardCallbackError, match="cannot read missing") as raised:
        read_journal(tmp_path / "missing")
    assert raised.value.exit_code == 3
    (tmp_path / "real").write_bytes(b"")
    (tmp_path / "link").symlink_to("real")
    with pytest.raises(CardCallbackError, match="cannot read link"):
        read_journal(tmp_path / "link")
    assert read_journal(tmp_path / "real") is None


def test_steps_of_a_run_are_those_of_its_last_second(tmp_path: Path) -> None:
    """Through the keeper: the step is the one of the line, not of the snapshot."""
    run = JournalledRun()
    run.live(run.keeper(tmp_path), 400.0)
    recovered = read_journal(path_in(tmp_path))
    assert recovered is not None
    assert recovered.record.sessions[-1].last_step >= int((run.seconds - 1.01) / SECONDS_PER_STEP)


def test_a_packed_record_comes_back_whatever_its_texts() -> None:
    """Half a character is replaced and a text that is far too long is cut, as in the record's own file."""
    record = running()
    for name, kept in (("half \ud800", "half \ufffd"), ("x" * 300_000, "x" * 9_999 + "…")):
        odd = replace(record, training=replace(record.training, method=name))
        back = unpack_record(pack_record(odd))
        assert back is not None
        assert back.training.method == kept


def test_a_figure_that_is_not_finite_is_refused() -> None:
    """It would come back as one that is not known, without a reason."""
    record = running()
    gpu = replace(record.energy.gpu, value=float("nan"))
    with pytest.raises(ValueError, match=r"record\.energy\.gpu\.value is nan"):
        pack_record(replace(record, energy=replace(record.energy, gpu=gpu)))


def test_points_are_finite_each_and_not_in_sum() -> None:
    """A quantity that stands at the largest number is a curve; of one that has none nothing is packed."""
    largest, record = ((1.0, sys.float_info.max), (2.0, sys.float_info.max)), running()
    back = unpack_record(pack_record(replace(record, curves={"best": largest})))
    assert back is not None
    assert [value for _, value in back.curves["best"]] == pytest.approx([sys.float_info.max] * 2, rel=1e-5)
    for point in ((1.0, math.inf), (math.nan, 1.0)):
        with pytest.raises(ValueError, match="not finite"):
            pack_record(replace(record, curves={"best": (point,)}))
