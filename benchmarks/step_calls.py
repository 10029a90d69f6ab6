"""What the calls of one step add in the training thread, right after work that has emptied the processor's caches.

    python tests/simulator/run_simulated.py --profile gb10 -- python benchmarks/step_calls.py

The events of a step and a ``training_step`` that does nothing, with a callback and without, in turns; between any two
a small training step, a sweep over 8 MB and the making of a batch, in the Trainer's order. It takes some ten
microseconds at a time, so that it is steady where other work on the machine makes the ratios of overhead.py waver. As
many batches as are counted together make a block; of each step of a block, the one that counts them too, the median
over all blocks is taken, which leaves out those in which something else ran, and of these medians the mean. The
interval, which holds it in 95 of 100 cases, is by drawing the blocks anew.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from time import perf_counter_ns
from typing import Any

import numpy as np
import torch
from transformers import PretrainedConfig, PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from cardcallback import CardCallback
from step_share import Added, added_by
from step_time import SmallForCausalLM

# As many as are kept to be counted together, at most.
_BLOCK_STEPS = 256
_CASES: dict[str, tuple[Callable[[], TrainerCallback], int, bool]] = {
    "a callback that does nothing": (TrainerCallback, 1, True),
    "cardcallback, batches without tokens": (lambda: CardCallback(quiet=True, charts=False), 1, False),
    "cardcallback": (lambda: CardCallback(quiet=True, charts=False), 1, True),
    "cardcallback, gradients accumulated": (lambda: CardCallback(quiet=True, charts=False), 4, True),
}


class Bare(Trainer):  # type: ignore[misc]  # transformers is typed Any here
    """Its steps do nothing."""

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> None:
        """Nothing."""


class Watched(Trainer):  # type: ignore[misc]  # as above
    """Its steps do nothing either, in a method that is wrapped apart from the other's."""

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> None:
        """Nothing."""


def main() -> None:
    """Measure each case and print a line of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=5120, help="of each (default: %(default)s)")
    steps = parser.parse_args().steps
    torch.set_num_threads(1)
    for name, case in _CASES.items():
        added = seconds_added(*case, steps=steps)
        print(f"{name:40} {1e6 * added.value:6.1f} µs ({1e6 * added.low:.1f} to {1e6 * added.high:.1f})")


def seconds_added(make: Callable[[], TrainerCallback], accumulated: int, has_tokens: bool, *, steps: int) -> Added:  # noqa: FBT001 - a case
    """How much longer the calls of a step take with that callback, over so many steps."""
    with tempfile.TemporaryDirectory() as bare, tempfile.TemporaryDirectory() as own:
        trainers = [trainer_in(bare, accumulated, None), trainer_in(own, accumulated, make())]
        return blocks_added(trainers, steps, has_tokens=has_tokens)


def trainer_in(folder: str, accumulated: int, callback: TrainerCallback | None) -> Trainer:
    """A trainer whose training has begun."""
    settings = TrainingArguments(
        output_dir=folder,
        max_steps=10,
        gradient_accumulation_steps=accumulated,
        report_to="none",
        disable_tqdm=True,
        use_cpu=True,
    )
    model = SmallForCausalLM(PretrainedConfig(vocab_size=16, width=8))
    kind, callbacks = (Bare, []) if callback is None else (Watched, [callback])
    trainer = kind(model=model, args=settings, train_dataset=[batch(has_tokens=True)], callbacks=callbacks)
    trainer.remove_callback(PrinterCallback)
    trainer.state.max_steps = 10
    trainer.callback_handler.on_train_begin(settings, trainer.state, trainer.control)
    return trainer


def batch(*, has_tokens: bool) -> dict[str, torch.Tensor]:
    """Four rows of 16, in tensors of their own."""
    rows = torch.ones(4, 16, dtype=torch.long)
    return {"input_ids": rows, "attention_mask": rows.clone(), "labels": rows.clone()} if has_tokens else {"rows": rows}


def blocks_added(trainers: list[Trainer], steps: int, *, has_tokens: bool) -> Added:
    """How much longer the second one's calls take a step; both of them end their training."""
    layer, sweep = torch.nn.Linear(96, 96), torch.ones(2_000_000)
    optimizer = torch.optim.AdamW(layer.parameters())
    spent: list[list[int]] = [[], []]
    for step in range(2 * steps):
        which = (step + step // 2) % 2  # each comes first as often as the other
        optimizer.zero_grad()
        layer(torch.ones(8, 96)).square().mean().backward()
        optimizer.step()
        sweep.add_(1.0)
        # In the order of the Trainer: a batch is made, and its targets are counted, between two steps.
        inputs = batch(has_tokens=has_tokens)
        targets = next(iter(inputs.values()))[..., 1:].ne(-100).sum()
        spent[which].append(_step(trainers[which], inputs, targets))
    for trainer in trainers:
        trainer.callback_handler.on_train_end(trainer.args, trainer.state, trainer.control)
    bare, own = (_blocks(one) for one in spent)
    return added_by([*zip(bare, own, strict=True)], _typical_difference)


def _blocks(spent: list[int]) -> list[list[int]]:
    return [spent[begin : begin + _BLOCK_STEPS] for begin in range(0, len(spent) - _BLOCK_STEPS + 1, _BLOCK_STEPS)]


def _typical_difference(blocks: Sequence[tuple[list[int], list[int]]]) -> float:
    """In seconds, of a step with the callback from one without."""
    bare, own = (np.median([block[which] for block in blocks], axis=0).mean() for which in (0, 1))
    return float(own - bare) / 1e9


def _step(trainer: Trainer, inputs: dict[str, torch.Tensor], targets: torch.Tensor) -> int:
    handler, told = trainer.callback_handler, (trainer.args, trainer.state, trainer.control)
    begin = perf_counter_ns()
    handler.on_step_begin(*told)
    trainer.training_step(trainer.model, inputs, targets)
    handler.on_pre_optimizer_step(*told)
    handler.on_optimizer_step(*told)
    handler.on_step_end(*told)
    return perf_counter_ns() - begin


if __name__ == "__main__":
    main()
