"""The random fault schedules of the accuracy benchmark: drawn from their seed, judged by the formula's truth."""

from __future__ import annotations

import json
import math
import random
import re
from dataclasses import replace

import pytest

from device_letters import letter
from profiles import configuration
from random_devices import KINDS, random_work, silenced
from schedule_report import counter_lives, described, gauge_sees_all, summarise, text, verdicts
from schedule_run import Outcome, Watch, run
from schedules import FAULTS, LONGEST_SECONDS, SHORTEST_SECONDS, draw
from simulator import build_problem
from waveforms import Waveform, constant, ramp, sine, square

SEEDS = range(60)
WHOLE = Watch(share=1.0, lead_seconds=0.0, tail_seconds=0.0, longest_pause_seconds=0.5)


def outcome(**details: object) -> Outcome:
    """A run of 100 J that was measured rightly, within 1 J."""
    fields = {
        "seed": 1,
        "device": "gb10",
        "faults": (),
        "duration": 60.0,
        "truth": 100.0,
        "value": 100.0,
        "low": 99.5,
        "high": 100.5,
        "method": "counter",
        "coverage": 1.0,
        "reason": None,
        "counter": WHOLE,
        "gauge": WHOLE,
        "gauge_sees_all": True,
        "gauge_window": 1.0,
        "notes": (),
    }
    return Outcome(**(fields | details))


def test_a_seed_gives_the_same_schedule_again() -> None:
    """Drawn twice, and the machine that the simulator is told of is equal."""
    for seed in SEEDS:
        first, second = draw(seed), draw(seed)
        assert first == second
        assert configuration(first.profile(), origin_nanoseconds=0) == configuration(
            second.profile(), origin_nanoseconds=0
        )


def test_every_device_and_every_fault_is_drawn() -> None:
    """Among 500 schedules, the number that the design names, each kind is met; samples fail where there are any."""
    drawn = [draw(seed) for seed in range(500)]
    of_samples = {name for name in FAULTS if name.startswith("samples")}
    sampled = {name for seed in range(200) for name in draw(seed, sampled=True).faults}
    assert sampled == {name for name in FAULTS if not name.startswith("counter")}
    assert {one.kind.name for one in drawn} == {kind.name for kind in KINDS}
    assert {name for one in drawn for name in one.faults} == set(FAULTS) - of_samples
    assert any(not one.faults for one in drawn)
    assert all(SHORTEST_SECONDS <= one.duration <= LONGEST_SECONDS + 1800.0 for one in drawn)


def test_a_device_without_a_counter_gets_no_fault_of_it() -> None:
    """What cannot happen is not drawn."""
    without = [one for one in map(draw, range(300)) if not one.kind.has_counter]
    assert without
    assert not any(name.startswith("counter") for one in without for name in one.faults)


def test_work_never_draws_less_than_nothing_nor_more_than_the_device() -> None:
    """Power over a whole run, looked at every tenth of a second."""
    for seed in range(40):
        work = random_work(random.Random(seed), 100.0, 10.0, 130.0)  # noqa: S311 - the same each time
        powers = [work.power_watts(at / 10) for at in range(1400)]
        assert min(powers) >= 0
        assert max(powers) <= 100.0 + 1e-9
        assert max(powers) > min(powers)


def test_silence_cuts_the_energy_out_and_nothing_else() -> None:
    """Of every kind of segment: what is left is the whole without the silence, plus what it draws then."""
    work = Waveform(
        (
            constant(5.0),
            square(10.0, 90.0, 1.7, duty=0.3, phase=0.4, begin=2.0, end=50.0),
            sine(4.0, 3.0, 7.1, phase=0.2, begin=1.0, end=60.0),
            ramp(0.0, 30.0, 10.0, 40.0),
        )
    )
    quiet = silenced(work, 20.0, 33.3, 2.0)
    whole, cut = work.energy_joules(0.0, 70.0), work.energy_joules(20.0, 33.3)
    assert quiet.energy_joules(20.0, 33.3) == pytest.approx(2.0 * 13.3)
    assert quiet.energy_joules(0.0, 70.0) == pytest.approx(whole - cut + 2.0 * 13.3)
    for at in (3.3, 19.9, 33.4, 45.2, 59.0):
        assert quiet.power_watts(at) == pytest.approx(work.power_watts(at))


@pytest.mark.parametrize(
    ("low", "high", "held"),
    [(99.0, 101.0, True), (100.5, 101.0, False), (98.0, 99.5, False), (99.0, None, True), (101.0, None, False)],
)
def test_an_interval_holds_only_what_lies_in_it(low: float, high: float | None, *, held: bool) -> None:
    """With and without an upper bound."""
    assert outcome(low=low, high=high).held is held


def test_no_upper_bound_is_the_widest_interval_of_all() -> None:
    """One lasting run in five without a bound leaves the 90th percentile without one."""
    summary = summarise([*[outcome()] * 4, outcome(high=None)])
    assert summary["width_median"] == pytest.approx(0.01)
    assert math.isinf(summary["width_90th_percentile"])
    assert summary["without_an_upper_bound"] == 1


def test_a_run_that_no_sensor_watched_is_told_apart() -> None:
    """Readings over less than 95 % of it: not in the widths, but counted."""
    brief = replace(WHOLE, share=0.9)
    summary = summarise([outcome(), outcome(counter=brief, gauge=brief, high=None)])
    assert (summary["lasting"], summary["excluded"], summary["excluded_without_an_upper_bound"]) == (1, 1, 1)
    assert summary["width_90th_percentile"] == pytest.approx(0.01)


def test_a_missed_interval_breaks_the_budget_and_is_listed() -> None:
    """One of fifty is more than one of a hundred."""
    summary = summarise([*[outcome()] * 49, outcome(seed=77, truth=90.0)])
    kept = {name: kept for name, *_, kept in verdicts(summary)}
    assert not kept["intervals that held"]
    assert kept["width where a sensor lasts, median"]
    assert [row["seed"] for row in summary["missed"]] == [77]
    assert "seed    77" in text(summary)


def test_no_output_names_a_product() -> None:
    """Simulated devices stand under letters, in the data, the text and the replay of one."""
    outcomes = [outcome(device=kind.name, truth=90.0) for kind in KINDS]
    summary = summarise(outcomes)
    shown = " ".join([json.dumps(summary), text(summary), *map(described, outcomes)]).lower()
    assert not any(re.search(rf"\b{kind.name}\b", shown) for kind in KINDS)
    assert {row["device"] for row in summary["missed"]} == {letter(kind.name) for kind in KINDS}


def test_no_figure_at_all_keeps_no_budget() -> None:
    """Nothing measured is not everything right."""
    summary = summarise([outcome(value=None, low=None, high=None, reason="lost")])
    assert summary["without_a_figure"] == 1
    assert not any(kept for *_, kept in verdicts(summary))


@pytest.mark.parametrize(
    ("details", "lives"),
    [
        ({}, True),
        ({"faults": ("power stale", "counter errors")}, True),
        ({"faults": ("counter reset",)}, False),
        ({"counter": None}, False),
        ({"counter": replace(WHOLE, tail_seconds=9.0)}, False),
    ],
)
def test_a_counter_lives_if_it_is_sound_and_read_at_both_ends(details: dict[str, object], *, lives: bool) -> None:
    """Else its value may be off, and only the interval has to hold."""
    assert counter_lives(outcome(**details)) is lives


@pytest.mark.parametrize(
    ("details", "sees"),
    [
        ({}, True),
        ({"faults": ("counter reset",)}, True),
        ({"faults": ("power spike",)}, False),
        ({"faults": ("counter gain",)}, False),
        ({"gauge_sees_all": False}, False),
        ({"gauge": replace(WHOLE, longest_pause_seconds=1.2)}, False),
    ],
)
def test_a_gauge_sees_all_if_no_moment_escapes_it(details: dict[str, object], *, sees: bool) -> None:
    """Honest, never blind, and read within its window."""
    assert gauge_sees_all(outcome(**details)) is sees


def test_intervals_hold_over_random_faults() -> None:
    """Sixty schedules through the simulated NVML, its binding and the recorder: intervals hold and are narrow.

    Wide are intervals in which the counter runs at a wrong rate, since they span both sensors, and those of a device
    without a counter whose gauge stood still or was not read for a while: up to what the device may draw.
    """
    if build_problem() is not None:
        pytest.skip(build_problem() or "")
    summary = summarise([run(draw(seed)) for seed in SEEDS])
    assert summary["missed"] == [], text(summary)
    assert summary["budget_class_share_within"] == 1.0, text(summary)
    assert summary["width_median"] <= 0.02, text(summary)
    assert summary["width_90th_percentile_without_gain"] <= 0.06, text(summary)
