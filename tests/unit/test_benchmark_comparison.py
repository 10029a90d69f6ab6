"""The comparison of tools: which cases there are, and how results become tables that hide no peer's win."""

from __future__ import annotations

from typing import Any

import pytest

from comparison import DEVICES, FAULTS, Case, cases
from comparison_report import beyond_refresh, closest, error, grouped, held, summary, text


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


def test_a_peer_that_is_closer_by_a_hair_is_named() -> None:
    """However little it is: the table says who was closest, and whether a refresh explains the lead."""
    rows = [ours(1001.0, 990.0, 1010.0), row("zeus", 1000.9)]
    best = closest(rows)
    assert best is not None
    assert best["tool"] == "zeus"
    assert not beyond_refresh(rows)
    assert beyond_refresh([ours(1010.0, 990.0, 1020.0), row("zeus", 1000.9)])
    assert summary({("gb10", "none"): rows})["closest"] == {"zeus": 1}


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
    assert beyond_refresh([ours(None), row("zeus", 1500.0)])


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
