"""Which pictures a record gives, and what each shows in words; drawing itself is in ``charts``."""

from __future__ import annotations

import math

import msgspec

from cardcallback.record import RECORD_FOLDER, Point, RunRecord, Trace
from cardcallback.render.energy_words import power_noun
from cardcallback.render.method_words import REWARD, is_reinforced
from cardcallback.render.run_words import loss_ended_finite, same_held_out_set
from cardcallback.render.text import join_words
from cardcallback.units import format_bytes, format_duration, format_number, format_power

FEWEST_SMOOTHED = 20
_SMOOTHED_SHARE = 0.1

LOSS_PICTURE = "loss_curve.png"
POWER_PICTURE = "power_and_memory.png"
PICTURES = (LOSS_PICTURE, POWER_PICTURE)

TRAIN_LOSS, HELD_OUT_LOSS = "loss", "eval_loss"
REWARD_CURVES = ("rewards/chosen", "rewards/rejected", "rewards/margins", "reward", "margin", "mean_reward")
SYSTEM_MEMORY = "system_memory"
MEMORY_TRACES = (SYSTEM_MEMORY, "gpu_process_memory", "torch_reserved", "torch_allocated")


def pictures_of(record: RunRecord) -> tuple[str, ...]:
    """File names of the pictures worth drawing, in the order of the card."""
    names = []
    if any(len(curve(record, name)) > 1 for name in (TRAIN_LOSS, HELD_OUT_LOSS)):
        names.append(LOSS_PICTURE)
    if any(
        len(trace.points) > 1 for trace in (*power_traces(record), *computers_power(record), *memory_traces(record))
    ):
        names.append(POWER_PICTURE)
    return tuple(names)


def picture_address(name: str) -> str:
    """Where the card finds a picture, relative to itself."""
    return f"{RECORD_FOLDER}/{name}"


def curve(record: RunRecord, name: str) -> tuple[Point, ...]:
    """The finite points of a curve, in order of step."""
    points = record.curves.get(name, ())
    return tuple(sorted((step, value) for step, value in points if math.isfinite(step) and math.isfinite(value)))


def held_out_curve(record: RunRecord) -> tuple[Point, ...]:
    """The held-out losses, with the one before training at step 0 where it is of the same set."""
    points = curve(record, HELD_OUT_LOSS)
    before, after = record.evaluation.before, record.evaluation.after
    if before is None or after is None or before.loss is None or before.step != 0:
        return points
    alike = before.kind == after.kind and same_held_out_set(before, after)
    return ((0.0, before.loss), *points) if alike and points and points[0][0] > 0 else points


def reward_curves(record: RunRecord) -> dict[str, tuple[Point, ...]]:
    """Reward curves by name, training before held-out, those with fewer than two points left out."""
    names = [prefix + name for name in REWARD_CURVES for prefix in ("", "eval_")]
    return {name: points for name in names if len(points := curve(record, name)) > 1}


def rewards_come_first(record: RunRecord) -> bool:
    """Whether the reward is what the run is about, and its loss only beside it."""
    return is_reinforced(record.training) and len(curve(record, REWARD)) > 1


def smooth(points: tuple[Point, ...]) -> tuple[Point, ...]:
    """Centred moving average over about a tenth of the points.

    The ends, where only one side has neighbours, are left out: a one-sided mean would bend the curve.
    """
    reach = max(2, round(len(points) * _SMOOTHED_SHARE / 2))
    width = 2 * reach + 1
    windows = (points[place : place + width] for place in range(len(points) - width + 1))
    return tuple((window[reach][0], sum(value for _, value in window) / width) for window in windows)


def power_traces(record: RunRecord) -> tuple[Trace, ...]:
    """The GPU's power traces, by session and device."""
    return _traces(record, ("gpu_power",))


def computers_power(record: RunRecord) -> tuple[Trace, ...]:
    """A trace of the GPUs together of each computer of a job, numbered by their place, where several told theirs.

    None of a run of several sessions: of those before the last one only the first computer's is known.
    """
    found = [(place, node.gpu_power) for place, node in enumerate(record.nodes) if node.gpu_power]
    if len(found) < 2 or len(record.sessions) > 1:
        return ()
    one = Trace(quantity="gpu_power", unit="watts", source="", session=0, reduction="mean", points=())
    return tuple(msgspec.structs.replace(one, device=place, points=points) for place, points in found)


def has_several_computers(record: RunRecord) -> bool:
    """Whether what is drawn of a machine needs a word on which of the job's it is of."""
    return len({place if node.computer is None else node.computer for place, node in enumerate(record.nodes)}) > 1


def power_words(traces: tuple[Trace, ...]) -> str:
    """What the power traces are of: "GPU power", or "module power" where one reading is a whole module's."""
    nouns = [power_noun(None, trace.source) for trace in traces]
    return f"{'module' if 'module' in nouns else 'GPU'} power"


def memory_traces(record: RunRecord) -> tuple[Trace, ...]:
    """Memory traces: the whole machine, then this process on the accelerator, then PyTorch."""
    return _traces(record, MEMORY_TRACES)


def picture_alt_text(record: RunRecord, name: str) -> str:
    """What a picture shows, with its main figures, for those who cannot see it; Markdown-safe."""
    text = _loss_alt_text(record) if name == LOSS_PICTURE else _power_alt_text(record)
    return f"{text} (simulated device)" if record.simulated else text


def _traces(record: RunRecord, quantities: tuple[str, ...]) -> tuple[Trace, ...]:
    found = [trace for trace in record.traces if trace.quantity in quantities and trace.points]
    return tuple(sorted(found, key=lambda t: (quantities.index(t.quantity), t.device or 0, t.session)))


def _loss_alt_text(record: RunRecord) -> str:
    train, held_out = curve(record, TRAIN_LOSS), held_out_curve(record)
    if rewards_come_first(record):
        points = curve(record, REWARD)
        return f"Reward over {points[-1][0]:,.0f} steps; reward while training{_course(points)}; loss below"
    shown = [word for word, points in (("training", train), ("held-out", held_out)) if points]
    last_step = max(points[-1][0] for points in (train, held_out) if points)
    text = f"{join_words(shown).capitalize()} loss over {last_step:,.0f} steps"
    if train:
        text += f"; training loss{_course(train)}"
        text += "" if loss_ended_finite(record) else ", not a finite number at other steps"
    if held_out:
        step, loss = min(held_out, key=lambda point: point[1])
        text += f"; lowest held-out loss {format_number(loss)} at step {step:,.0f}"
    if reward_curves(record):
        text += "; rewards below"
    return text


def _course(train: tuple[Point, ...]) -> str:
    """From where to where the loss went, by the curve that is drawn: one noisy step is no end of a run."""
    smoothed = len(train) >= FEWEST_SMOOTHED
    shown = smooth(train) if smoothed else train
    if len(shown) == 1:
        return f" {format_number(shown[0][1])}"
    return f"{', smoothed,' if smoothed else ''} from {format_number(shown[0][1])} to {format_number(shown[-1][1])}"


def _power_alt_text(record: RunRecord) -> str:
    parts = []
    each, memory = computers_power(record), memory_traces(record)
    power = each or power_traces(record)
    first_alone = " of the computer of rank 0" if has_several_computers(record) else ""
    if power:
        highest = max(value for trace in power for _, value in trace.points)
        whose = f" in each of {len(each)} parts of the job" if each else first_alone
        noun = power_words(power_traces(record) or power)
        time = format_duration(record.duration_seconds)
        parts.append(f"{noun}{whose} over {time}, up to about {format_power(highest)}")
    if memory:
        first = [trace for trace in memory if trace.quantity == memory[0].quantity]
        highest = max(value for trace in first for _, value in trace.points)
        words = "memory in use" if memory[0].quantity == SYSTEM_MEMORY else "accelerator memory"
        parts.append(f"{words}{first_alone}, at most {format_bytes(highest)}")
    phases = {span.phase for span in record.phase_spans} & {"evaluation", "saving"}
    text = "; ".join(parts)
    text = text[:1].upper() + text[1:]
    return f"{text}; {join_words(sorted(phases))} shaded" if phases else text
