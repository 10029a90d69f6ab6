"""The comparison of tools: which cases there are, and how results become tables that hide no peer's win."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from comparison import DEVICES, FAULTS, Case, cases
from comparison_report import closest, error, grouped, held, kept, lead, summary, text
from simulated import ROOT, Simulation, build_problem, profile_named


def row(tool: str, joules: float | None, **details: Any) -> dict[str, Any]:
    """What one tool said of a minute on a GB10 that used 1000 J."""
    fields = {"tool": tool, "device": "gb10", "fault": "none", "seconds": 60.0, "truth": 1000.0, "measurable": 1000.0}
    costs = {"construction_seconds": 0.1, "start_seconds": 0.2, "stop_seconds": 0.3, "processor_seconds": 0.04}
    return fields | costs | {"joules": joules} | details


def ours(joules: float | None, low: float | None = None, high: float | None = None, **details: Any) -> dict[str, Any]:
    """The same of cardcallback, with its interval."""
    return row("cardcallback", joules, low=low, high=high, **details)


def test_every_device_meets_every_fault_that_it_can_have() -> None:
    """The P100 has no counter, so that none of its faults can happen there."""
    found = cases(15.0)
    assert {case.device for case in found} == set(DEVICES)
    assert {case.fault for case in found if case.device == "gb10"} == set(FAULTS)
    assert {case.fault for case in found if case.device == "p100"} == {"none", "lost", "slow calls"}


@pytest.mark.parametrize("device", DEVICES)
def test_work_begins_with_the_run(device: str) -> None:
    """Before the lead is over the device idles; after it, it works."""
    case = Case(device=device, fault="none", seconds=20.0)
    machine = case.profile(30.0).devices[0]
    work = machine.module_waveform if case.rail == "module" else machine.waveform
    assert work is not None
    idle, busy = (work.energy_joules(begin, begin + 20.0) for begin in (5.0, 30.0))
    assert idle == pytest.approx(20.0 * work.power_watts(1.0))
    assert busy > 1.5 * idle


def test_faults_come_half_way() -> None:
    """Loss and reset are in the middle of the run, a wrong gain holds throughout."""
    lost, reset, gain = (
        Case(device="h100", fault=fault, seconds=20.0).profile(30.0)
        for fault in ("lost", "counter reset", "counter gain")
    )
    assert [fault.at for fault in lost.faults] == [40.0]
    counters = [profile.devices[0].counter for profile in (reset, gain)]
    assert [counter.faults[0].at for counter in counters if counter is not None] == [40.0, -1000.0]


def test_error_of_a_lost_device_is_against_the_part_before() -> None:
    """Nobody can measure what followed; the whole window still has to lie in the interval."""
    found = ours(500.0, 490.0, None, measurable=500.0)
    assert error(found) == pytest.approx(0.0)
    assert held(found)
    assert not held(ours(500.0, 490.0, 510.0, measurable=500.0))


@pytest.mark.parametrize(
    ("own", "peer", "whose", "clear", "ties"),
    [
        (1001.0, 1000.9, "tie", {}, 1),
        (1000.9, 1001.0, "tie", {}, 1),
        (1010.0, 1000.9, "peers", {"zeus": 1}, 0),
        (1000.9, 1010.0, "ours", {"cardcallback": 1}, 0),
    ],
)
def test_a_lead_within_a_refresh_is_a_tie(
    own: float, peer: float, whose: str, clear: dict[str, int], ties: int
) -> None:
    """A tenth of a second at both ends of a minute is 0.33 %: less than that is a tie, whichever side leads."""
    rows = [ours(own, 900.0, 1100.0), row("zeus", peer)]
    best = closest(rows)
    assert best is not None
    assert best["tool"] == ("zeus" if abs(peer - 1000) < abs(own - 1000) else "cardcallback")
    assert lead(rows) == whose
    counted = summary({("gb10", "none"): rows})
    assert (counted["closest"], counted["ties"]) == (clear, ties)
    assert ("tie: " in text(rows)) is (whose == "tie")


def test_a_tool_that_raised_wins_nothing_and_is_quoted() -> None:
    """Its message is in the text, and its figure is none."""
    rows = [ours(1200.0, 900.0, 1300.0), row("zeus", None, raised="GpuLost: gone", stage="stop")]
    best = closest(rows)
    assert best is not None
    assert best["tool"] == "cardcallback"
    shown = text(rows)
    assert "raises at stop" in shown
    assert "GpuLost: gone" in shown


def test_zero_joules_are_an_error_of_the_whole() -> None:
    """A tool that reports nothing used is told as it is."""
    rows = [ours(1000.0, 990.0, 1010.0), row("codecarbon", 0.0)]
    assert "-100%" in text(rows)
    assert error(rows[1]) == -1.0


def test_an_interval_that_missed_is_shouted() -> None:
    """NO in the table, and counted as stated but not held."""
    rows = [ours(1100.0, 1090.0, 1110.0)]
    assert "NO" in text(rows)
    counted = summary({("gb10", "none"): rows})
    assert (counted["intervals_stated"], counted["intervals_held"]) == (1, 0)


def test_no_figure_of_ours_loses_to_any_peer() -> None:
    """Where we say nothing and a peer does, the peer leads clearly."""
    assert lead([ours(None), row("zeus", 1500.0)]) == "peers"


@pytest.mark.parametrize(
    ("rows", "good"),
    [
        ([ours(1000.0, 990.0, None), row("zeus", None, raised="GpuLost: gone")], True),
        ([ours(1000.0, 990.0, 1010.0), ours(1000.0, 1001.0, 1010.0)], False),
        ([ours(1000.0, 990.0, 1010.0), ours(1000.0)], False),
        ([ours(1000.0, 990.0, 1010.0), ours(None, raised="TypeError: x")], False),
        ([ours(1000.0, 990.0, 1010.0, raised="TypeError: x")], False),
        ([row("zeus", 1000.0)], False),
        ([], False),
    ],
)
def test_the_comparison_fails_where_ours_did(rows: list[dict[str, Any]], *, good: bool) -> None:
    """An interval that missed, none stated, an error raised, or no run of ours at all; what peers do is theirs."""
    assert kept(rows) is good


def test_the_tool_measures_as_the_callback_does(tmp_path: Path) -> None:
    """A second of it in a process of its own, against the simulated NVML: a figure with an interval, nothing raised."""
    if build_problem() is not None:
        pytest.skip(build_problem() or "")
    simulation = Simulation(profile_named("gb10"), tmp_path)
    command = [sys.executable, str(ROOT / "benchmarks" / "one_tool.py"), "cardcallback", "--seconds", "1"]
    environment = os.environ | simulation.environment | {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60
    )
    result = json.loads(done.stdout.splitlines()[-1])
    assert "raised" not in result, result
    begin, end = (result[name] - simulation.origin_nanoseconds * 1e-9 for name in ("begin", "end"))
    truth = simulation.true_joules(begin, end, rail="gpu")
    assert truth > 0
    assert result["low"] <= truth <= result["high"]
    assert result["method"] == "counter"


def test_tables_for_documents_say_simulated() -> None:
    """Every title carries the word, for each length of run."""
    rows = [ours(1000.0, 990.0, 1010.0), ours(1000.0, 990.0, 1010.0) | {"seconds": 600.0}]
    titles = [line for line in text(rows, markdown=True).splitlines() if line.startswith("####")]
    assert len(titles) == 4
    assert all("simulated" in title for title in titles)
    assert list(grouped(rows)) == [60.0, 600.0]


def test_tables_name_no_product() -> None:
    """A simulated device stands under a letter, with how its sensors behave."""
    rows = [ours(1000.0, 990.0, 1010.0) | {"device": name} for name in DEVICES]
    shown = text(rows).lower()
    assert not any(name in shown for name in DEVICES)
    assert "a: power is the mean of the past second" in shown
