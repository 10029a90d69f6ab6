"""What the callback costs a training run, with codecarbon's own callback beside it: step time, begin and end.

    python tests/simulator/run_simulated.py --profile gb10 -- python benchmarks/overhead.py --write docs/overhead.md

Runs without a callback, with ours and with codecarbon's (where it is installed) take turns in one process, so that a
drifting machine slows all alike. A ratio is the median over the rounds. The model is a small language model's, so that
its tokens are counted as any other's: an embedding and a head, as wide as makes a step take the time that is asked for.
The shorter a step, the more a fixed cost shows.

On a machine that others use too, the ratio of times wavers by more than its budget. The ratio of processor times
beside it does not count the time that others took; it counts the recorder's threads as if the step waited for them, so
that it is never the kinder of the two. That of the training thread alone leaves them out. ``--write`` puts the table
into a page, between its two comments.
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
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from transformers import TrainerCallback

from cardcallback import CardCallback
from simulated import nvidia_smi_in
from step_time import STEP_SECONDS, StepClock, train, width_for

BUDGETS = {
    "step_time_ratio": 1.005,
    "on_train_begin_seconds": 0.050,
    "on_train_end_seconds": 0.150,
    "on_train_end_with_charts_seconds": 1.5,
}

_BEGIN, _END = "<!-- make bench-steps: begin -->", "<!-- make bench-steps: end -->"


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
    """Measure, print a table or JSON; 1 where a budget is broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=21, help="runs of each (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=12.0, help="of a run after its warm-up (default: %(default)s)")
    parser.add_argument("--step", type=float, default=STEP_SECONDS, help="seconds one takes (default: %(default)s)")
    parser.add_argument("--width", type=int, help="of the model, instead of one that makes a step take that long")
    parser.add_argument("--json", action="store_true", help="print data only")
    parser.add_argument("--write", type=Path, help="the page that the table is put into")
    arguments = parser.parse_args()
    page = None if arguments.write is None else arguments.write.read_text(encoding="utf-8")
    load = os.getloadavg()[0]
    torch.set_num_threads(1)
    logging.getLogger("codecarbon").disabled = True
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PATH"] = os.pathsep.join([str(nvidia_smi_in(Path(folder))), os.environ.get("PATH", "")])
        width = arguments.width or width_for(arguments.step)
        print(f"a model of width {width}", file=sys.stderr)
        figures = measure(rounds=arguments.rounds, seconds=arguments.seconds, width=width)
    print(json.dumps(figures, indent=1) if arguments.json else table(figures))
    if page is not None:
        runs = f"{arguments.rounds} runs of each, {arguments.seconds:g} s a run after its warm-up, model {width} wide"
        circumstances = f"{runs}; {surroundings(load)}"
        arguments.write.write_text(with_block(page, f"{circumstances}\n\n{markdown(figures)}"), encoding="utf-8")
    return int(any(value > BUDGETS.get(name, value) for name, value in figures["cardcallback"].items()))


def measure(*, rounds: int, seconds: float, width: int) -> dict[str, dict[str, float]]:
    """By tool, every figure of this benchmark, times in seconds."""
    # The first run pays for loading the drawing library, as a person's only run does.
    first = TimedCardCallback(quiet=True)
    train(seconds=seconds, width=width, callback=first)
    makers: dict[str, Callable[[], TrainerCallback | None]] = {
        "nothing": lambda: None,
        "cardcallback": lambda: TimedCardCallback(quiet=True, charts=False),
    }
    codecarbon = peer()
    if codecarbon is not None:
        makers["codecarbon"] = codecarbon
    clocks: dict[str, list[StepClock]] = {name: [] for name in makers}
    callbacks: dict[str, list[Any]] = {name: [] for name in makers}
    for number in range(rounds):
        # Each comes first, second and last equally often.
        names = [*makers][number % len(makers) :] + [*makers][: number % len(makers)]
        for name in names:
            callback = makers[name]()
            clocks[name].append(train(seconds=seconds, width=width, callback=callback))
            callbacks[name].append(callback)
    bare = clocks.pop("nothing")
    figures = {name: _figures(own, bare, callbacks[name]) for name, own in clocks.items()}
    figures["cardcallback"] |= {
        "on_train_begin_first_seconds": first.begin_seconds,
        "on_train_end_with_charts_seconds": first.end_seconds,
        "pictures_drawn": first.pictures,
    }
    return figures


def _figures(own: list[StepClock], bare: list[StepClock], callbacks: list[Any]) -> dict[str, float]:
    pairs = list(zip(own, bare, strict=True))
    quartiles = _quartiles([one.mean_seconds / other.mean_seconds for one, other in pairs])
    processor = _quartiles([one.mean_processor_seconds / other.mean_processor_seconds for one, other in pairs])
    thread = _quartiles([one.mean_thread_seconds / other.mean_thread_seconds for one, other in pairs])
    return {
        "step_without_seconds": statistics.median(one.mean_seconds for one in bare),
        "step_time_ratio": quartiles[1],
        "step_time_ratio_lower_quartile": quartiles[0],
        "step_time_ratio_upper_quartile": quartiles[2],
        "processor_time_ratio": processor[1],
        "processor_time_ratio_lower_quartile": processor[0],
        "processor_time_ratio_upper_quartile": processor[2],
        "training_thread_time_ratio": thread[1],
        "training_thread_time_ratio_lower_quartile": thread[0],
        "training_thread_time_ratio_upper_quartile": thread[2],
        "making_the_trainer_seconds": statistics.median(one.construction_seconds for one in own),
        "on_train_begin_seconds": statistics.median(callback.begin_seconds for callback in callbacks),
        "on_train_end_seconds": statistics.median(callback.end_seconds for callback in callbacks),
    }


def _quartiles(ratios: list[float]) -> list[float]:
    return statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3


def table(figures: dict[str, dict[str, float]]) -> str:
    """One figure a line: ours beside its budget, and codecarbon's callback's where it ran."""
    ours, theirs = figures["cardcallback"], figures.get("codecarbon", {})
    lines = [f"{'':38} {'cardcallback':>12} {'codecarbon':>12}"]
    for name, value in ours.items():
        budget = BUDGETS.get(name)
        limit = "" if budget is None else f"{budget:.3f}" if "ratio" in name else f"{budget * 1e3:.0f} ms"
        verdict = "" if budget is None else f"budget {limit}: {'kept' if value <= budget else 'BROKEN'}"
        other = _shown(name, theirs[name]) if name in theirs else ""
        label = name.removesuffix("_seconds").replace("_", " ")
        lines.append(f"{label:38} {_shown(name, value):>12} {other:>12}  {verdict}".rstrip())
    return "\n".join(lines)


def markdown(figures: dict[str, dict[str, float]]) -> str:
    """The same table for a page."""
    ours, theirs = figures["cardcallback"], figures.get("codecarbon", {})
    lines = ["| simulated device | cardcallback | codecarbon | budget | |", "|---|---|---|---|---|"]
    for name, value in ((name, value) for name, value in ours.items() if name != "pictures_drawn"):
        budget = BUDGETS.get(name)
        other = _shown(name, theirs[name]) if name in theirs else ""
        limit = "" if budget is None else f"≤ {_shown(name, budget)}"
        verdict = "" if budget is None else "kept" if value <= budget else "BROKEN"
        label = name.removesuffix("_seconds").replace("_", " ")
        lines.append(f"| {label} | {_shown(name, value)} | {other} | {limit} | {verdict} |")
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


def _shown(name: str, value: float) -> str:
    return f"{value * 1e3:.1f} ms" if name.endswith("_seconds") else f"{value:.4f}"


if __name__ == "__main__":
    sys.exit(main())
