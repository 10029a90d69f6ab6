"""Stages in order, each once; pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from cardcallback.record import RunRecord, Stage, stage_of


def stages_up_to(record: RunRecord, weights_step: int | None) -> tuple[Stage, ...]:
    """The run of ``record`` and those before it.

    Args:
        record: of the run that some weights are of.
        weights_step: the step whose weights they are, None where that is not known.
    """
    own = msgspec.structs.replace(stage_of(record), weights_step=weights_step)
    return (*record.stages[:-1], own)


def joined_chains(chains: Sequence[Sequence[Stage]]) -> tuple[Stage, ...]:
    """Several chains as one, each in its own order: a run that is in more than one counts once, by its longest account.

    A stage that only a later chain has comes after those of the chains before, unless its own order forbids it.
    """
    joined: dict[object, Stage] = {}
    order: list[object] = []
    for chain in chains:
        keys = [stage.run_id or (number, stage) for number, stage in enumerate(chain)]
        for number, (key, stage) in enumerate(zip(keys, chain, strict=True)):
            if key in joined:
                joined[key] = _one_of(joined[key], stage)
                continue
            following = (order.index(later) for later in keys[number + 1 :] if later in joined)
            order.insert(min(following, default=len(order)), key)
            joined[key] = stage
    return tuple(joined[key] for key in order)


def before_run(stages: Sequence[Stage], run_id: str) -> tuple[Stage, ...]:
    """The stages up to that run, which is not a stage before itself."""
    place = next((place for place, stage in enumerate(stages) if stage.run_id == run_id), len(stages))
    return tuple(stages[:place])


def _one_of(one: Stage, other: Stage) -> Stage:
    longest = max(one, other, key=lambda stage: stage.duration_seconds or 0.0)
    step = one.weights_step if one.weights_step == other.weights_step else None
    return msgspec.structs.replace(longest, weights_step=step)
