"""What the callback costs a training run, with codecarbon's own callback beside it: step time, begin and end.

    python benchmarks/overhead.py --write docs/overhead.md

Beside a simulated GB10. Without a callback, with one that does nothing, with codecarbon's (where it is installed), with
ours, and with ours while its threads are held, a single training goes on in turns of a second (``step_turns``). Turns
without any stand there twice, so that the ratio of the two shows how far chance alone goes. The model is a small
language model's, so that its tokens are counted as any other's: an embedding and a head, as wide as makes a step take
the time that is asked for. The shorter a step, the more a fixed cost shows.

On a machine that others use too, the ratio of times wavers most. The ratio of processor times beside it does not count
the time that others took; it counts the recorder's threads as if the step waited for them, so that it is never the
kinder of the two. That of the training thread alone leaves them out. ``--write`` puts the tables into a page, between
its two comments.

The process is begun with an allocator that gives no memory back: whether glibc trims its heap at each step, which costs
a small step on a CPU 4 to 7 %, hangs on where some block happens to lie, with a callback or without one.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import logging
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
import transformers
from transformers import TrainerCallback

from cardcallback import CardCallback
from cardcallback.sensors.nvml import reset_nvml
from ratios import Ratio, Spent, ratio_of
from simulated import Simulation, nvidia_smi_in, profile_named
from step_calls import seconds_added
from step_share import Added, StepShare, threads_added
from step_time import STEP_SECONDS, StepClock, trainer_of, width_for
from step_turns import Turn, TurnClock, Turns

STEP_BUDGET = 1.005
BUDGETS = {
    "on_train_begin_seconds": 0.050,
    "on_train_begin_first_seconds": 0.050,
    "on_train_end_seconds": 0.150,
    "on_train_end_with_charts_seconds": 1.5,
}

_GIVES_NOTHING_BACK = {"MALLOC_TRIM_THRESHOLD_": str(2**30), "MALLOC_MMAP_THRESHOLD_": str(2**30)}
_BEGIN, _END = "<!-- make bench-steps: begin -->", "<!-- make bench-steps: end -->"
_TURN_SECONDS = 1.0
# A counter whose refresh nobody published is watched closely at first: a fixed cost of a run, not one of its steps.
_WARM_UP_SECONDS = 5.0
# So many turns of each make a block: in all of them the journal is written, sensors are read and tokens are counted.
_TURNS_A_BLOCK = 5
_SHORT_RUN_SECONDS = 1.0
_WITHOUT, _AGAIN, _OURS = "without", "without, again", "cardcallback"


@dataclass(frozen=True)
class StepTimes:
    """What a step took, and each kind of its time by that of a step without a callback."""

    seconds: float
    wall: Ratio
    processor: Ratio
    thread: Ratio


Steps = dict[str, StepTimes]


def timed(kind: type[TrainerCallback]) -> type[TrainerCallback]:
    """A callback of that kind which notes how long its begin and end take, and what it left in the output folder."""

    class Timed(kind):  # type: ignore[misc, valid-type]  # the base is only known here
        begin_seconds = end_seconds = 0.0
        pictures = 0

        def on_train_begin(self, *args: Any, **kwargs: Any) -> None:
            begin = perf_counter()
            super().on_train_begin(*args, **kwargs)
            self.begin_seconds = perf_counter() - begin

        def on_train_end(self, *args: Any, **kwargs: Any) -> None:
            begin = perf_counter()
            super().on_train_end(*args, **kwargs)
            self.end_seconds = perf_counter() - begin
            self.pictures = len(list(Path(args[0].output_dir, "training_run").glob("*.png")))

    return Timed


TimedCardCallback = timed(CardCallback)


def peer() -> Callable[[], TrainerCallback] | None:
    """Makes codecarbon's own callback for the Trainer, where codecarbon is installed."""
    if importlib.util.find_spec("codecarbon") is None:
        return None
    from transformers.integrations import CodeCarbonCallback  # noqa: PLC0415 - only where there is codecarbon

    return timed(CodeCarbonCallback)


def main() -> int:
    """Measure, print tables or JSON; 1 where a budget is broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=110, help="turns of each (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=11, help="short ones, for begin and end (default: %(default)s)")
    parser.add_argument("--calls", type=int, default=5120, help="steps of which they are timed (default: %(default)s)")
    parser.add_argument("--step", type=float, default=STEP_SECONDS, help="seconds one takes (default: %(default)s)")
    parser.add_argument("--width", type=int, help="of the model, instead of one that makes a step take that long")
    parser.add_argument("--json", action="store_true", help="print data only")
    parser.add_argument("--write", type=Path, help="the page that the tables are put into")
    arguments = parser.parse_args()
    page = None if arguments.write is None else arguments.write.read_text(encoding="utf-8")
    load = os.getloadavg()[0]
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    logging.getLogger("codecarbon").disabled = True
    with ExitStack() as machine:
        clock = simulated_gpu(machine)
        width = arguments.width or width_for(arguments.step)
        print(f"a model of width {width}", file=sys.stderr)
        ends = begin_and_end(runs=arguments.runs, width=width)
        spent = spent_in_turns(rounds=arguments.rounds, width=width, clock=clock)
        share = share_of_a_step(spent, calls=arguments.calls)
    steps = step_ratios(spent)
    tables = f"{step_table(steps)}\n\n{share_table(share)}\n\n{table(ends)}"
    figures = {
        "steps": {name: asdict(one) for name, one in steps.items()},
        "share_of_a_step": asdict(share),
        "begin_and_end": ends,
    }
    print(json.dumps(figures, indent=1) if arguments.json else tables)
    if page is not None:
        turns = f"{arguments.rounds} turns of {_TURN_SECONDS:g} s of each in one training, model {width} wide"
        runs = f"{arguments.runs} short trainings of each for begin and end"
        block = f"{turns}; {runs}; {surroundings(load)}\n\n{tables}"
        arguments.write.write_text(with_block(page, block), encoding="utf-8")
    return int(is_broken(steps, ends, share))


def begin_with_steady_heap() -> None:
    """Begin this command again where glibc, which reads its settings only then, would give memory back."""
    if any(os.environ.get(name) != value for name, value in _GIVES_NOTHING_BACK.items()):
        os.environ.update(_GIVES_NOTHING_BACK)
        os.execv(sys.executable, [sys.executable, *sys.argv])  # noqa: S606 - itself, again


def simulated_gpu(machine: ExitStack) -> TurnClock:
    """A GB10 beside this process until ``machine`` closes, and the clock that moves it, which all callbacks go by."""
    folder = Path(machine.enter_context(tempfile.TemporaryDirectory()))
    simulation = Simulation(profile_named("gb10"), folder, driven=True)
    machine.enter_context(simulation.in_process(reset_nvml))
    os.environ["PATH"] = os.pathsep.join([str(nvidia_smi_in(folder)), os.environ.get("PATH", "")])
    if simulation.clock is None:
        msg = "the clock must be driven"
        raise TypeError(msg)
    clock = TurnClock(simulation.clock)
    clock.take_over()
    return clock


def spent_in_turns(*, rounds: int, width: int, clock: TurnClock) -> dict[str, list[Spent]]:
    """What a step took in each turn, by what took part in it."""
    card = CardCallback(quiet=True, charts=False)
    turns = {
        _WITHOUT: Turn(),
        _AGAIN: Turn(),
        "a callback that does nothing": Turn(callback=TrainerCallback()),
        "cardcallback, threads held": Turn(callback=card, is_watched=True),
        _OURS: Turn(callback=card, is_watched=True, goes_on=clock.go_on, stops=clock.stop),
    }
    codecarbon = peer()
    if codecarbon is not None:
        other = codecarbon()
        follow = partial(_follow, other)
        turns["codecarbon"] = Turn(
            callback=other, goes_on=partial(follow, goes=True), stops=partial(follow, goes=False)
        )
    watch = Turns(turns=turns, rounds=rounds, seconds=_TURN_SECONDS, warm_up_seconds=_WARM_UP_SECONDS)
    told = [turn.callback for turn in turns.values() if turn.callback is not None]
    with tempfile.TemporaryDirectory() as folder:
        watch.trainer = trainer_of(folder, width, [*dict.fromkeys(told), watch])
        watch.trainer.train()
    return watch.spent


def step_ratios(spent: dict[str, list[Spent]]) -> Steps:
    """Steps by what took part in them."""
    return {name: _compared(own, spent[_WITHOUT]) for name, own in spent.items()}


def share_of_a_step(spent: dict[str, list[Spent]], *, calls: int) -> StepShare:
    """What ours adds to a step: its calls, timed over so many steps, and its threads in the turns."""
    return StepShare(
        # Of a processor, as the calls are: by the clock a step is the longer, and its share the kinder, the more
        # others have of the machine.
        step_seconds=statistics.median(one.thread for one in spent[_WITHOUT]),
        calls=seconds_added(lambda: CardCallback(quiet=True, charts=False), 1, True, steps=calls),  # noqa: FBT003 - a case
        threads=threads_added(spent[_OURS], spent[_WITHOUT], _TURNS_A_BLOCK),
    )


def _follow(callback: Any, *, goes: bool) -> None:
    """Whether codecarbon's thread measures when its time comes, which it does in its own turns alone."""
    scheduler = callback.tracker._scheduler  # noqa: SLF001 - there is no other way to hold it
    measure = vars(callback).setdefault("measure", scheduler.function)
    scheduler.function = measure if goes else bool


def _compared(own: list[Spent], bare: list[Spent]) -> StepTimes:
    ratios = [ratio_of([one[place] for one in own], [one[place] for one in bare], _TURNS_A_BLOCK) for place in range(3)]
    return StepTimes(statistics.median(one.wall for one in own), *ratios)


def begin_and_end(*, runs: int, width: int) -> dict[str, dict[str, float]]:
    """By tool, how long a training waits where it is made, at its begin and at its end, in seconds."""
    # The first run pays for loading the drawing library, as a person's only run does.
    first = TimedCardCallback(quiet=True)
    _short_run(first, width)
    makers: dict[str, Callable[[], TrainerCallback]] = {_OURS: lambda: TimedCardCallback(quiet=True, charts=False)}
    codecarbon = peer()
    if codecarbon is not None:
        makers["codecarbon"] = codecarbon
    taken: dict[str, list[tuple[float, Any]]] = {name: [] for name in makers}
    for number in range(runs):
        for name in sorted(makers, reverse=bool(number % 2)):
            callback = makers[name]()
            taken[name].append((_short_run(callback, width), callback))
    figures = {
        name: {
            "making_the_trainer_seconds": statistics.median(seconds for seconds, _ in own),
            "on_train_begin_seconds": statistics.median(callback.begin_seconds for _, callback in own),
            "on_train_end_seconds": statistics.median(callback.end_seconds for _, callback in own),
        }
        for name, own in taken.items()
    }
    figures[_OURS] |= {
        "on_train_begin_first_seconds": first.begin_seconds,
        "on_train_end_with_charts_seconds": first.end_seconds,
        "pictures_drawn": first.pictures,
    }
    return figures


def _short_run(callback: TrainerCallback, width: int) -> float:
    """Train for a moment; the seconds that making the trainer took."""
    with tempfile.TemporaryDirectory() as folder:
        begin = perf_counter()
        trainer = trainer_of(folder, width, [callback, StepClock(_SHORT_RUN_SECONDS, 0.0)])
        seconds = perf_counter() - begin
        trainer.train()
    return seconds


def is_broken(steps: Steps, ends: dict[str, dict[str, float]], share: StepShare) -> bool:
    """Whether any budget surely is."""
    late = [value for name, value in ends[_OURS].items() if value > BUDGETS.get(name, value)]
    return bool(late) or "BROKEN" in {step_verdict(steps), share.verdict(STEP_BUDGET)}


def step_verdict(steps: Steps) -> str:
    """Whether the time of a step with ours is within its budget, as far as turns without any tell."""
    return steps[_OURS].wall.verdict(STEP_BUDGET, steps[_AGAIN].wall)


def step_table(steps: Steps) -> str:
    """What took part in a step a line: its times by those without, each with its interval."""
    lines = [
        "| simulated device | step | step time ratio | processor time ratio | training thread time ratio | |",
        "|---|---|---|---|---|---|",
    ]
    for name, one in steps.items():
        told = (
            [""] * 3 if name == _WITHOUT else [_with_interval(ratio) for ratio in (one.wall, one.processor, one.thread)]
        )
        limit = f"≤ {STEP_BUDGET:.4f}: {step_verdict(steps)}" if name == _OURS else ""
        lines.append(f"| {name} | {1e3 * one.seconds:.2f} ms | {' | '.join(told)} | {limit} |")
    return "\n".join(lines)


def share_table(share: StepShare) -> str:
    """What ours adds to a step, by what does, and the ratio between whose bounds that puts it."""
    between = f"{share.least:.4f} to {share.most:.4f}"
    return "\n".join(
        [
            "| counted, simulated device | added to a step | step time ratio | |",
            "|---|---|---|---|",
            f"| calls in the training thread | {_microseconds(share.calls)} |  |  |",
            f"| threads, of a processor | {_microseconds(share.threads)} |  |  |",
            f"| both | | {between} | ≤ {STEP_BUDGET:.4f}: {share.verdict(STEP_BUDGET)} |",
        ]
    )


def _microseconds(added: Added) -> str:
    return f"{1e6 * added.value:.1f} µs ({1e6 * added.low:.1f} to {1e6 * added.high:.1f})"


def _with_interval(ratio: Ratio) -> str:
    return f"{ratio.value:.4f} ({ratio.low:.4f} to {ratio.high:.4f})"


def table(figures: dict[str, dict[str, float]]) -> str:
    """Begin and end a figure a line: ours beside its budget, and codecarbon's callback's where it ran."""
    ours, theirs = figures[_OURS], figures.get("codecarbon", {})
    lines = ["| simulated device | cardcallback | codecarbon | budget | |", "|---|---|---|---|---|"]
    for name, value in ((name, value) for name, value in ours.items() if name != "pictures_drawn"):
        budget = BUDGETS.get(name)
        other = _shown(theirs[name]) if name in theirs else ""
        limit = "" if budget is None else f"≤ {_shown(budget)}"
        verdict = "" if budget is None else "kept" if value <= budget else "BROKEN"
        label = name.removesuffix("_seconds").replace("_", " ")
        lines.append(f"| {label} | {_shown(value)} | {other} | {limit} | {verdict} |")
    return "\n".join(lines)


def surroundings(load: float) -> str:
    """What the figures depend on, without anything that names the machine; ``load`` is that of the minute before."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("transformers", "torch"))
    peers = f", codecarbon {version('codecarbon')}" if importlib.util.find_spec("codecarbon") else ""
    processors = f"{os.cpu_count()} {platform.machine()} processors, load {load:.1f} before the first run"
    return f"Python {platform.python_version()}, {versions}{peers}; {processors}."


def with_block(page: str, block: str) -> str:
    """The page with ``block`` between its comments.

    Raises:
        SystemExit: the page has no such comments.
    """
    before, begin, rest = page.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not (begin and end):
        msg = f"the page has no place for the table: put {_BEGIN} and {_END} into it"
        raise SystemExit(msg)
    return f"{before}{begin}\n{block}\n{end}{after}"


def _shown(value: float) -> str:
    return f"{value * 1e3:.1f} ms"


if __name__ == "__main__":
    begin_with_steady_heap()
    sys.exit(main())
