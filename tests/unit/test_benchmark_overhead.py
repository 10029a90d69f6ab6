"""The page that the cost of a run is written into, and the turns in which it is measured."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("torch", reason="the benchmark trains with PyTorch")

from transformers import Trainer, TrainerCallback, TrainerControl

from overhead import StepTimes, is_broken, share_table, step_table, table, with_block
from ratios import Ratio, Spent, ratio_of
from simulated import DrivenClock
from step_share import Added, StepShare, threads_added
from step_turns import Turn, TurnClock, Turns

PAGE = Path(__file__).parents[2] / "docs" / "overhead.md"
SURE, NARROW = Ratio(value=1.0, low=0.999, high=1.001), Ratio(value=1.003, low=1.002, high=1.004)


def test_the_table_takes_the_place_of_the_one_before() -> None:
    """Only that: what stands around it in the page stays, however often it is written."""
    page = PAGE.read_text()
    once = with_block(page, "| first |")
    twice = with_block(once, "| second |")
    assert "| first |" in once
    assert twice == once.replace("| first |", "| second |")
    assert twice.partition("<!--")[0] == page.partition("<!--")[0]


def test_a_page_without_a_place_is_refused() -> None:
    """Before it is written over."""
    with pytest.raises(SystemExit, match="no place"):
        with_block("# A page of somebody's", "| first |")


def test_each_figure_stands_beside_its_budget_and_the_peers() -> None:
    """One that codecarbon does not have is left open."""
    ours = {"on_train_begin_seconds": 0.051, "on_train_end_with_charts_seconds": 1.0}
    lines = table({"cardcallback": ours, "codecarbon": {"on_train_begin_seconds": 0.004}}).splitlines()
    cells = [re.split(r" ?\| ?", line.strip("| ")) for line in lines[2:]]
    assert cells[0] == ["on train begin", "51.0 ms", "4.0 ms", "≤ 50.0 ms", "BROKEN"]
    assert cells[1][0] == "on train end with charts"


def test_a_step_is_judged_by_what_chance_alone_shows() -> None:
    """Where turns without a callback differ from each other, or nobody knows by how much, no verdict is given."""
    assert NARROW.verdict(1.005, SURE) == "kept"
    assert NARROW.verdict(1.0005, SURE) == "BROKEN"
    assert NARROW.verdict(1.0005, Ratio(value=1.0, low=0.99, high=1.01)) == "not resolved"
    assert NARROW.verdict(1.003, SURE) == "not resolved"
    assert NARROW.verdict(1.005, Ratio(value=0.998, low=0.997, high=0.999)) == "not resolved"
    assert NARROW.verdict(1.005, Ratio(value=1.0, low=0.99, high=1.01)) == "not resolved"


def test_a_broken_budget_fails_the_benchmark() -> None:
    """A step that is surely too long, and an end that is."""
    dear = Ratio(value=1.02, low=1.01, high=1.03)
    steps = {name: StepTimes(0.0015, ratio, ratio, ratio) for name, ratio in steps_by(NARROW).items()}
    broken = steps | {"cardcallback": StepTimes(0.0015, dear, NARROW, NARROW)}
    small, large = (share_with(calls) for calls in (5e-6, 9e-6))
    assert not is_broken(steps, {"cardcallback": {"on_train_end_seconds": 0.15}}, small)
    assert is_broken(steps, {"cardcallback": {"on_train_end_seconds": 0.16}}, small)
    assert is_broken(steps, {"cardcallback": {"on_train_begin_first_seconds": 0.051}}, small)  # most people's only one
    assert is_broken(broken, {"cardcallback": {}}, small)
    assert is_broken(steps, {"cardcallback": {}}, large)
    assert "| cardcallback | 1.50 ms | 1.0200 (1.0100 to 1.0300) |" in step_table(broken)


def share_with(calls_seconds: float) -> StepShare:
    """A step of 1.5 ms with calls of that length, known to 0.1 µs, and threads of 2 µs."""
    calls = Added(value=calls_seconds, low=calls_seconds - 1e-7, high=calls_seconds + 1e-7)
    return StepShare(step_seconds=0.0015, calls=calls, threads=Added(value=2e-6, low=1.9e-6, high=2.1e-6))


def test_a_step_is_judged_by_what_is_added_to_it() -> None:
    """Kept only with all that the threads do, broken only without; what is between is not known."""
    assert share_with(5.2e-6).verdict(1.005) == "kept"
    assert share_with(5.4e-6).verdict(1.005) == "not resolved"
    assert share_with(7.5e-6).verdict(1.005) == "not resolved"
    assert share_with(7.7e-6).verdict(1.005) == "BROKEN"
    assert "| both | | 1.0033 to 1.0047 | ≤ 1.0050: kept |" in share_table(share_with(5e-6))


def test_threads_are_what_the_process_takes_beyond_its_training_thread() -> None:
    """What torch's threads take stands in the turns without a callback too, and is not ours."""
    bare = [Spent(0.0015, 0.0016, 0.0015)] * 10
    own = [Spent(0.0015, 0.0016 + (0.00001 if place % 5 == 0 else 0.0), 0.0015) for place in range(10)]
    found = threads_added(own, bare, 5)
    assert (found.value, found.low, found.high) == pytest.approx((2e-6, 2e-6, 2e-6))


def steps_by(own: Ratio) -> dict[str, Ratio]:
    """The ratios of a measurement in which ours is that."""
    return {"without": SURE, "without, again": SURE, "cardcallback": own}


def test_work_that_not_every_turn_has_counts() -> None:
    """What takes a turn in five twice as long is a fifth more, not nothing."""
    bare = [1.0] * 20
    own = [2.0 if place % 5 == 0 else 1.0 for place in range(20)]
    found = ratio_of(own, bare, 5)
    assert (found.value, found.low, found.high) == pytest.approx((1.2, 1.2, 1.2))
    varied = ratio_of([*own[:10], *bare[10:]], bare, 5)
    assert varied.low < varied.value < varied.high


def test_a_stopped_clock_holds_every_thread_but_the_training_one(tmp_path: Path) -> None:
    """Both find it where it was stopped, and so does the simulated device."""
    device = DrivenClock(tmp_path / "clock", 0)
    clock = TurnClock(device)
    clock.stop()
    stopped = clock.elapsed_seconds()
    seen: list[float] = []
    other = threading.Thread(target=lambda: seen.append(clock.elapsed_seconds()), daemon=True)
    other.start()
    assert clock.elapsed_seconds() == stopped == pytest.approx(device.nanoseconds * 1e-9, abs=1e-8)
    assert not seen
    clock.go_on()
    other.join(60.0)
    assert seen[0] >= stopped
    assert device.nanoseconds * 1e-9 == pytest.approx(seen[0], abs=1e-8)


def test_every_turn_comes_once_a_round_and_has_its_own_callback_alone() -> None:
    """What takes part begins with its turn, what does not is stopped; training ends when all rounds are over."""
    own, always, going, told = TrainerCallback(), TrainerCallback(), set(), []
    turns = {
        "without": Turn(),
        "own": Turn(callback=own, goes_on=lambda: going.add("own"), stops=lambda: going.discard("own")),
    }
    ticks = iter(range(1000))
    watch = Turns(turns=turns, rounds=3, seconds=2.0, warm_up_seconds=1.0, now=lambda: Spent(*[float(next(ticks))] * 3))
    watch.trainer = SimpleNamespace(callback_handler=SimpleNamespace(callbacks=[own, always, watch]))
    step, control = Trainer.training_step, TrainerControl()
    state: Any = SimpleNamespace(global_step=0)
    watch.on_train_begin()
    while not control.should_training_stop:
        state.global_step += 1
        watch.on_step_end(None, state, control)
        told.append((own in watch.trainer.callback_handler.callbacks, bool(going)))
    assert {name: len(spent) for name, spent in watch.spent.items()} == {"without": 3, "own": 3}
    assert set(told) == {(True, True), (False, False)}
    assert watch.trainer.callback_handler.callbacks == [own, always, watch]
    assert Trainer.training_step is step
