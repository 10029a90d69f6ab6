"""One run's record out of its sessions': sums, what counts as work, and what is said of unlike sessions."""

from __future__ import annotations

import functools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from session_records import RUN_ID, session_record

from cardcallback.record import Hardware, Machine, RunRecord, Scope, decode, encode, is_only_a_part
from cardcallback.record.sums import summed
from cardcallback.render.section import render_section
from cardcallback.sessions import STAGES_UNREAD, counted_steps, joined_sessions, steps_done_again, with_longer_accounts
from cardcallback.testing import make_record

H100 = Scope(gpu_core="yes", gpu_memory="yes")

sessions = st.builds(
    session_record,
    st.floats(10.0, 1e6),
    seconds=st.floats(1.0, 1e5),
    doubt=st.floats(0.0, 10.0),
    coverage=st.floats(0.5, 1.0),
    steps=st.tuples(st.integers(0, 50), st.integers(50, 100)),
)


@given(st.lists(sessions, min_size=2, max_size=5))
def test_the_order_of_joining_does_not_matter(parts: list[RunRecord]) -> None:
    """One by one from the first, or first the later ones: the sums are the same."""
    from_left = functools.reduce(joined_sessions, parts)
    from_right = functools.reduce(lambda later, earlier: joined_sessions(earlier, later), reversed(parts))
    assert from_left.energy.gpu.value == pytest.approx(from_right.energy.gpu.value, rel=1e-12)
    assert from_left.duration_seconds == pytest.approx(from_right.duration_seconds, rel=1e-12)
    assert from_left.energy.gpu.coverage == pytest.approx(from_right.energy.gpu.coverage, rel=1e-12)
    assert len(from_left.sessions) == len(from_right.sessions) == len(parts)


@given(st.lists(st.tuples(sessions, st.floats(-1.0, 1.0)), min_size=1, max_size=5))
def test_bounds_hold_the_sum_of_the_truths(parts: list[tuple[RunRecord, float]]) -> None:
    """Whatever the truth is within each session's interval, their sum is within the run's."""
    truth = 0.0
    for record, place in parts:
        gpu = record.energy.gpu
        assert gpu.value is not None
        assert gpu.recording_high is not None
        truth += gpu.value + place * (gpu.recording_high - gpu.value)
    joined = functools.reduce(joined_sessions, [record for record, _ in parts]).energy.gpu
    assert joined.recording_low is not None
    assert joined.recording_high is not None
    assert joined.recording_low * (1 - 1e-12) <= truth <= joined.recording_high * (1 + 1e-12)


def test_coverage_is_weighted_by_time() -> None:
    """A short session that nobody watched takes little of a long run's coverage."""
    joined = joined_sessions(session_record(coverage=0.5, seconds=100), session_record(coverage=1.0, seconds=900))
    assert joined.energy.gpu.coverage == pytest.approx(0.95)


def test_an_unknown_session_makes_the_sum_unknown() -> None:
    """Never a small number that looks whole: the reason names the session, a note what the others used."""
    joined = joined_sessions(session_record(7200.0), session_record(None, steps=(100, 200)))
    assert joined.energy.gpu.value is None
    assert joined.energy.gpu.reason == "session 2: the driver was lost"
    assert "GPU energy of session 1 alone: 2.00 Wh." in joined.notes
    assert joined.energy.per_step is not None
    assert joined.energy.per_step.value is None


def test_a_missing_bound_is_missing_in_the_sum() -> None:
    """What nothing bounds in one session nothing bounds in the run."""
    joined = joined_sessions(session_record(doubt=None), session_record())
    assert joined.energy.gpu.recording_high is None
    assert joined.energy.gpu.recording_low is None


@pytest.mark.parametrize(("gaps", "longest"), [((2.0, None), None), ((None, 0.0), None), ((2.0, 3.0), 3.0)])
def test_a_gap_of_unknown_length_may_be_the_longest(gaps: tuple[float | None, ...], longest: float | None) -> None:
    """Of one that a killed session left nobody knows how long it was."""
    gpu = session_record(coverage=0.9).energy.gpu
    assert summed([replace(gpu, longest_gap_seconds=gap) for gap in gaps], "").longest_gap_seconds == longest


def test_each_session_keeps_its_own() -> None:
    """Hardware, software, date, energy and status stand in the sessions as they were."""
    first = session_record(10.0, status="interrupted")
    second = session_record(20.0, steps=(100, 200))
    joined = joined_sessions(first, second)
    assert joined.sessions == (*first.sessions, *second.sessions)
    assert joined.status == "completed"
    assert joined.run_id == RUN_ID


def test_steps_done_again_are_spent_and_count_once() -> None:
    """Killed at 140 after a checkpoint at 100: 40 steps more were paid for than the weights have seen."""
    first = session_record(1400.0, steps=(0, 140), status="interrupted", tokens=100_000)
    joined = joined_sessions(first, session_record(1000.0, steps=(100, 200), tokens=100_000))
    assert steps_done_again(joined.sessions) == 40
    assert counted_steps(joined.sessions) == 200
    assert joined.energy.gpu.value == pytest.approx(2400.0)
    assert joined.energy.per_step is not None
    assert joined.energy.per_step.value == pytest.approx(2400.0 / 200)
    assert joined.energy.per_token is not None
    assert joined.energy.per_token.value == pytest.approx(2400.0 / 200_000)
    assert "40 steps were done again after a resume" in render_section(joined)


def test_what_is_told_of_the_steps_is_told_once() -> None:
    """A third session tells the sum anew, not beside the one that was told before."""
    joined = functools.reduce(
        joined_sessions, [session_record(steps=steps) for steps in ((0, 140), (100, 130), (120, 200))]
    )
    told = [note for note in joined.notes if "done again" in note]
    assert [note.split(" ", 1)[0] for note in told] == ["50"]
    assert counted_steps(joined.sessions) == 200


def test_unlike_scopes_are_no_figure_of_one_scope() -> None:
    """Yesterday a GPU's cores, today cores and memory: unknown where they differ, and the card says so."""
    joined = joined_sessions(session_record(), session_record(steps=(100, 200), scope=H100))
    scope = joined.energy.gpu.scope
    assert scope == Scope(gpu_core="yes", gpu_memory="unknown")
    text = render_section(joined)
    assert "unlike parts of the machine" in text
    assert "session 2: the GPU's cores and the GPU's memory" in text


def test_like_scopes_need_no_words() -> None:
    """Two sessions on one machine have the scope of each."""
    joined = joined_sessions(session_record(), session_record(steps=(100, 200)))
    assert joined.energy.gpu.scope == Scope(gpu_core="yes", gpu_memory="unknown")
    assert "unlike" not in render_section(joined)


def _on(record: RunRecord, name: str, machine: str) -> RunRecord:
    device = replace(record.hardware.accelerators[0], name=name, energy=record.energy.gpu)
    hardware = Hardware(accelerators=(device,), machine=Machine(name=machine))
    session = replace(record.sessions[0], hardware=hardware)
    return replace(record, hardware=hardware, sessions=(session,))


def test_unlike_hardware_is_all_told() -> None:
    """A run that moved from one machine to another ran on both."""
    first = _on(session_record(3600.0), "NVIDIA GB10", "NVIDIA DGX Spark")
    second = _on(session_record(7200.0, steps=(100, 200)), "NVIDIA H100 80GB HBM3", "GPU server")
    joined = joined_sessions(first, second)
    assert [device.name for device in joined.hardware.accelerators] == ["NVIDIA GB10", "NVIDIA H100 80GB HBM3"]
    assert joined.hardware.machine.name == "NVIDIA DGX Spark, then GPU server"
    text = render_section(joined)
    assert "one NVIDIA GB10, then one NVIDIA H100 80GB HBM3" in text
    assert "session 1 on NVIDIA GB10 (NVIDIA DGX Spark)" in text
    assert "together" not in text.split("GPU energy", 1)[1].split("\n", 1)[0]


def test_one_machine_again_is_one_device() -> None:
    """The same GPU in two sessions is one, with the energy of both and its mean power over both."""
    first = _on(session_record(3600.0, seconds=100), "NVIDIA GB10", "NVIDIA DGX Spark")
    second = _on(session_record(7200.0, seconds=100, steps=(100, 200)), "NVIDIA GB10", "NVIDIA DGX Spark")
    (device,) = joined_sessions(first, second).hardware.accelerators
    assert device.energy.value == pytest.approx(10_800.0)


def test_the_higher_peak_is_kept_with_its_session() -> None:
    """Peaks are no sums, and the baseline beside one is of the same session."""
    memory = make_record().memory
    low = replace(
        memory,
        system_peak=replace(memory.system_peak, value=1.0),
        system_baseline=replace(memory.system_baseline, value=0.5),
    )
    joined = joined_sessions(session_record(memory=memory), session_record(memory=low, steps=(100, 200))).memory
    assert joined.system_peak.value == memory.system_peak.value
    assert joined.system_baseline.value == memory.system_baseline.value
    assert joined.system_peak.window is not None
    assert joined.system_peak.window.name == "training, session 1"


def test_a_session_that_grew_after_its_checkpoint_is_named_once() -> None:
    """Its longer account is named when it is taken up, and not again when the next session joins."""
    checkpoint = session_record(steps=(0, 100), session_id="a", status="running")
    killed = session_record(steps=(0, 140), session_id="a", seconds=140.0, status="interrupted")
    grown = with_longer_accounts(checkpoint, [killed, killed], all_sessions=True)
    joined = joined_sessions(grown, session_record(steps=(100, 200), session_id="b"))
    assert joined.memory.torch_peak_allocated.window is not None
    assert joined.memory.torch_peak_allocated.window.name == "since process start, session 2"
    # Of equal peaks the later session's is told: the first one's stands in what it was joined from.
    assert grown.memory.torch_peak_allocated.window is not None
    assert grown.memory.torch_peak_allocated.window.name == "since process start, session 1"


def test_what_was_seen_of_a_counter_is_told_once_for_each_device() -> None:
    """Two sessions on one device tell what the second saw, which is the longer run; another device has its own."""
    seen = "{}: how often the energy counter is renewed is not published: it was seen to be about {} s."
    names = (("NVIDIA GB10", "0.1"), ("NVIDIA GB10", "0.102"), ("NVIDIA RTX PRO", "0.02"))
    parts = [session_record(notes=(seen.format(*name),), steps=(n, n + 1)) for n, name in enumerate(names)]
    joined = functools.reduce(joined_sessions, parts)
    assert [note for note in joined.notes if "renewed" in note] == [seen.format(*name) for name in names[1:]]


def test_curves_go_on_where_the_checkpoint_was() -> None:
    """What was logged after it is replaced by what the later session logged."""
    first = session_record(steps=(0, 140), curves={"loss": ((50.0, 3.0), (100.0, 2.0), (120.0, 1.9), (140.0, 1.8))})
    second = session_record(steps=(100, 200), curves={"loss": ((50.0, 3.0), (100.0, 2.0), (120.0, 1.7), (200.0, 1.0))})
    joined = joined_sessions(first, second)
    assert joined.curves["loss"] == ((50.0, 3.0), (100.0, 2.0), (120.0, 1.7), (200.0, 1.0))


def test_traces_know_their_session() -> None:
    """The second session's power stands after the first one's."""
    joined = joined_sessions(session_record(), session_record(steps=(100, 200)))
    assert {trace.session for trace in joined.traces} == {0, 1}
    assert {span.session for span in joined.phase_spans} == {0, 1}


def test_an_evaluation_before_is_the_first_session_s() -> None:
    """The weights before training are those before the first session; the newest evaluation is the result."""
    first, second = session_record(), session_record(steps=(100, 200))
    evaluation = first.evaluation
    assert evaluation.after is not None
    later = replace(evaluation, before=None, after=replace(evaluation.after, loss=0.5))
    joined = joined_sessions(first, replace(second, evaluation=later)).evaluation
    assert joined.before == evaluation.before
    assert joined.after is not None
    assert joined.after.loss == 0.5


def test_a_session_that_never_ended_is_the_least_that_was_used() -> None:
    """Killed without a trace after its checkpoint: no upper bound, and the card says at least."""
    first = session_record(3600.0, steps=(0, 100), status="running")
    joined = joined_sessions(first, session_record(3600.0, steps=(100, 200)))
    assert joined.sessions[0].rest_unknown
    assert joined.sessions[0].status == "interrupted"
    assert joined.energy.gpu.recording_high is None
    assert is_only_a_part(joined.energy.gpu)
    text = render_section(joined)
    assert "at least **2.00 Wh**" in text
    assert "What session 1 did after its checkpoint at step 100 is not known" in text


def test_phases_add() -> None:
    """A session in which nothing but training was marked is all training."""
    phases = make_record().energy.phases
    first = session_record(1000.0)
    energy = replace(first.energy, phases=phases)
    first = replace(first, energy=energy, sessions=(replace(first.sessions[0], energy=energy),))
    joined = joined_sessions(first, session_record(500.0, steps=(100, 200)))
    training = next(phase for phase in joined.energy.phases if phase.phase == "training")
    assert training.energy.value == pytest.approx((phases[0].energy.value or 0.0) + 500.0)
    assert training.visits == phases[0].visits + 1


def test_a_session_that_found_all_steps_done_had_no_tokens_to_count() -> None:
    """A script that is run again on a finished training; one that was broken off may have begun a step."""
    none = session_record(tokens=None, steps=(100, 100))
    joined = joined_sessions(session_record(tokens=500), none)
    assert joined.training.tokens.non_padding == 500
    assert joined.training.tokens.reason is None
    assert joined.energy.per_token is not None
    assert joined.energy.per_token.value is not None
    broken_off = session_record(tokens=None, steps=(100, 100), status="interrupted")
    assert joined_sessions(session_record(tokens=500), broken_off).training.tokens.non_padding is None


def test_tokens_nobody_counted_in_one_session_are_not_known() -> None:
    """A part of the tokens would make energy per token too large."""
    joined = joined_sessions(session_record(tokens=None), session_record(tokens=500, steps=(100, 200)))
    assert joined.training.tokens.non_padding is None
    assert joined.training.tokens.reason


def test_a_joined_record_survives_its_file() -> None:
    """What was joined can be written, read and joined again."""
    joined = joined_sessions(session_record(session_id="a"), session_record(steps=(100, 200), session_id="b"))
    assert decode(encode(joined).encode()).record == joined


def test_stages_that_a_session_could_not_read_are_the_next_ones_to_tell_of() -> None:
    """It looks for them itself: only its own word about them stands, every other note stays."""
    unread = f"{STAGES_UNREAD}."
    first, second = session_record(notes=("stays", unread)), session_record(steps=(100, 200))
    assert joined_sessions(first, second).notes.count(unread) == 0
    assert "stays" in joined_sessions(first, second).notes
    assert joined_sessions(first, replace(second, notes=(unread,))).notes.count(unread) == 1
