"""Named values of the data a run saw and of how well it went, and the same as rows of a table or list."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cardcallback.hub_id import is_hub_id
from cardcallback.record import TOKEN_CROSS_ENTROPY, EvaluationResult, Point, RunRecord, Stage
from cardcallback.render.card.quantities import Value
from cardcallback.render.energy_words import power_noun
from cardcallback.render.method_words import REWARD, is_reinforced
from cardcallback.render.run_words import loss_ended_finite, plural, same_held_out_set
from cardcallback.render.section.stages import all_stages, stage_energy, stage_time
from cardcallback.render.text import escape_markdown, public_reason
from cardcallback.units import format_count, format_number

_LOWER_IS_BETTER = "lower is better"


def _training_loss(record: RunRecord) -> Value | None:
    points = record.curves.get("loss")
    if not points:
        return None
    ended = "" if loss_ended_finite(record) else "; it was not a finite number at other steps"
    loss = format_number(points[-1][1])
    return Value(text=f"{loss} (last logged, step {format_count(points[-1][0])}{ended})", short=loss)


def _first_training_loss(record: RunRecord) -> Value | None:
    points = record.curves.get("loss")
    loss = format_number(points[0][1]) if points else ""
    return Value(text=f"{loss} (first logged, step {format_count(points[0][0])})", short=loss) if points else None


def _final_loss(record: RunRecord) -> str | None:
    """Of both sets, since "final loss" says of neither."""
    training, held_out = _training_loss(record), _validation_loss(record)
    parts = [f"{training.text} in training"] if training else []
    parts += [f"{held_out} on held-out data"] if held_out else []
    return "; ".join(parts) or None


def _validation_loss(record: RunRecord) -> str | None:
    return _loss(record.evaluation.after)


def _best_validation_loss(record: RunRecord) -> Value | str | None:
    """The lowest of all evaluations, with its step where it is not the one of these weights."""
    kept = _validation_loss(record)
    lowest = _lower_elsewhere(record)
    if kept is None or lowest is None:
        return kept
    loss = format_number(lowest[1])
    return Value(text=f"{loss} (at step {format_count(lowest[0])}; {kept} with these weights)", short=loss)


def _best_perplexity(record: RunRecord) -> Value | None:
    """That of these weights, where no other evaluation had a lower loss."""
    return None if _lower_elsewhere(record) is not None else _perplexity("after")(record)


def _lower_elsewhere(record: RunRecord) -> Point | None:
    """The evaluation with the lowest loss, where that is visibly lower than the one of these weights."""
    after = record.evaluation.after
    lowest = min(record.curves.get("eval_loss", ()), key=lambda point: point[1], default=None)
    if after is None or after.loss is None or lowest is None or lowest[1] >= after.loss:
        return None
    return None if format_number(lowest[1]) == format_number(after.loss) else lowest


def _base_loss(record: RunRecord) -> str | None:
    before, after = record.evaluation.before, record.evaluation.after
    if before is not None and after is not None and not same_held_out_set(before, after):
        return None
    loss = _loss(before)
    # Of a later stage that is no figure of the base model's.
    return None if loss is None else loss + (" (before this stage)" if len(record.stages) > 1 else "")


def _loss(result: EvaluationResult | None) -> str | None:
    return None if result is None or result.loss is None else format_number(result.loss)


def _held_out_results(record: RunRecord) -> str | None:
    before, after = record.evaluation.before, record.evaluation.after
    if after is None or after.loss is None or is_reinforced(record.training):
        return None if after is None else _held_out_reward(record, after)
    words = f"Held-out loss {format_number(after.loss)}"
    about = [escape_markdown(after.kind)] if after.kind else []
    about += [plural(after.examples, "example")] if after.examples else []
    about += [escape_markdown(after.covers)] if after.covers else []
    words += f" ({', '.join(about)})" if about else ""
    if after.perplexity is not None and after.kind == TOKEN_CROSS_ENTROPY:
        words += f", perplexity {format_number(after.perplexity)}"
    if before is not None and before.loss is not None and same_held_out_set(before, after):
        words += f"; before training {format_number(before.loss)}"
    return words


def _held_out_reward(record: RunRecord, after: EvaluationResult) -> str | None:
    """Where the model learns from rewards: its loss says nothing of how good its answers are."""
    reward = after.metrics.get(f"eval_{REWARD}")
    if reward is None or not is_reinforced(record.training):
        return None
    about = f" ({plural(after.examples, 'example')})" if after.examples else ""
    before = record.evaluation.before
    earlier = before.metrics.get(f"eval_{REWARD}") if before and same_held_out_set(before, after) else None
    return f"Held-out reward {format_number(reward)}{about}" + (
        "" if earlier is None else f"; before training {format_number(earlier)}"
    )


def _perplexity(which: str) -> Callable[[RunRecord], Value | None]:
    def make(record: RunRecord) -> Value | None:
        result = getattr(record.evaluation, which)
        if result is None or result.perplexity is None or result.kind != TOKEN_CROSS_ENTROPY:
            return None
        about = [f"{escape_markdown(result.weights)} weights"] if result.weights else []
        before, after = record.evaluation.before, record.evaluation.after
        if before is not None and after is not None and not same_held_out_set(before, after):
            size = f"{plural(result.examples, 'example')}, " if result.examples else ""
            about.append(f"{size}another set than the other figure's")
        about += ["before this stage"] if which == "before" and len(record.stages) > 1 else []
        figure = format_number(result.perplexity)
        return Value(text=figure + (f" ({', '.join(about)})" if about else ""), short=figure)

    return make


def _examples(record: RunRecord) -> Value | None:
    return _counted(record.training.dataset.training_examples)


def _held_out_examples(record: RunRecord) -> Value | None:
    after = record.evaluation.after
    return _counted((after.examples if after else None) or record.training.dataset.evaluation_examples)


def _counted(count: int | None) -> Value | None:
    if not count:
        return None
    return Value(text=plural(count, "example"), short=plural(count, "example"), amount=float(count), kind="examples")


def dataset_link(name: str | None) -> str | None:
    """The data set as a link to its page on the Hub, or that it was a file; None where its name is not known."""
    if is_hub_id(name):
        return f"[{escape_markdown(str(name))}](https://huggingface.co/datasets/{name})"
    return escape_markdown(name) if name == "local file" else None


def _dataset(record: RunRecord) -> Value | None:
    found = dataset_link(record.training.dataset.name)
    return None if found is None else Value(text=found, short="a local file" if found == "local file" else found)


def _data(record: RunRecord) -> str | None:
    """Where the data is from and how much of it there was, in a sentence's words."""
    data = record.training.dataset
    sizes = [
        f"{format_count(count)} {words}"
        for count, words in ((data.training_examples, "training"), (data.evaluation_examples, "held-out"))
        if count
    ]
    name, size = dataset_link(data.name), f"{' and '.join(sizes)} examples" if sizes else ""
    if data.streamed:
        origin = "a local file" if name == "local file" else name or "a source whose name is not known"
        return f"Streamed from {origin}" + (f", with {size}" if size else "")
    if name == "local file":
        return "A local file" + (f" with {size}" if size else "")
    return ": ".join(part for part in (name, size) if part) or None


def _stages(record: RunRecord) -> str | None:
    return "; ".join(stage["description"] for stage in stage_items(record)) or None


def stage_items(record: RunRecord) -> list[dict[str, str]]:
    """The stages in order, each by its parts and as one line ("description")."""
    return [_stage_item(stage) for stage in all_stages(record)] if record.stages else []


def _stage_item(stage: Stage) -> dict[str, str]:
    parts = {
        "name": escape_markdown(stage.name),
        "method": escape_markdown(stage.method) if stage.method else None,
        "data": dataset_link(stage.dataset),
        "steps": format_count(stage.steps) if stage.steps else None,
        "time": stage_time(stage) if stage.duration_seconds else None,
        "energy": stage_energy(stage),
    }
    known = {name: text for name, text in parts.items() if text}
    words = known["name"] + (f" with {known['method']}" if "method" in known else "")
    words += f" on {known['data']}".replace(" on local file", " on a local file") if "data" in known else ""
    figures = [f"{known['steps']} steps"] if "steps" in known else []
    figures += [known["time"]] if "time" in known else []
    energy = stage_energy(stage, names_part=False)
    figures += [f"{power_noun(stage.energy)} energy {energy}"] if energy else []
    reasons = (stage.reason, stage.energy_partial_reason)
    missing = [escape_markdown(public_reason(reason)) for reason in reasons if reason]
    known["description"] = words + (f" ({', '.join([*figures, *missing])})" if figures or missing else "")
    return known


def dataset_items(record: RunRecord) -> list[dict[str, str]]:
    """The data of this run, then that of the stages before it, where those are known."""
    data, examples = record.training.dataset, _examples(record)
    purpose = record.training.stage or record.training.objective
    own = {
        "name": dataset_link(data.name) if is_hub_id(data.name) else "Training data" if examples else None,
        "size": examples.text if examples else None,
        "count": _bare(examples),
        "source": _source(data.name),
        "purpose": escape_markdown(purpose) if purpose else None,
    }
    earlier = [
        {
            "name": dataset_link(stage.dataset) if is_hub_id(stage.dataset) else None,
            "source": _source(stage.dataset),
            "purpose": escape_markdown(stage.name),
        }
        for stage in record.stages[:-1]
    ]
    return [_known(item) for item in (own, *earlier) if item["name"]]


def _source(name: str | None) -> str | None:
    return "Hugging Face Hub" if is_hub_id(name) else "local file" if name == "local file" else None


def _bare(examples: Value | None) -> str | None:
    return None if examples is None or examples.amount is None else format_count(int(examples.amount))


def held_out_items(record: RunRecord) -> list[dict[str, str]]:
    """The held-out set, with what of it counted."""
    examples, after = _held_out_examples(record), record.evaluation.after
    covers = f"loss and perplexity on {escape_markdown(after.covers)}" if after and after.covers else None
    if examples is None:
        return []
    return [_known({"name": "Held-out set", "size": examples.text, "count": _bare(examples), "description": covers})]


def result_items(record: RunRecord) -> list[dict[str, str]]:
    """Held-out loss and perplexity after training, before it where on the same examples, and the change."""
    before, after = record.evaluation.before, record.evaluation.after
    if after is None or after.loss is None:
        return []
    base = before if before is not None and same_held_out_set(before, after) else None
    items = [_result("Held-out loss", after.loss, base.loss if base else None)]
    if after.perplexity is not None and after.kind == TOKEN_CROSS_ENTROPY:
        items.append(_result("Held-out perplexity", after.perplexity, base.perplexity if base else None))
    return items


def _result(name: str, after: float, before: float | None) -> dict[str, str]:
    is_same = before is not None and format_number(after) == format_number(before)
    change = "none in the digits shown" if is_same else None
    if before and not is_same:
        sign = "\N{MINUS SIGN}" if after < before else "+"
        change = f"{sign}{format_number(abs(after - before) / before * 100, 2)} % ({_LOWER_IS_BETTER})"
    base = None if before is None else f"{format_number(before)} (before training)"  # "baseline" alone says too little
    notes, score = f"held-out set, {_LOWER_IS_BETTER}", format_number(after)
    return _known({"name": name, "score": score, "baseline": base, "change": change, "notes": notes})


def _known(item: Mapping[str, str | None]) -> dict[str, str]:
    return {name: text for name, text in item.items() if text}


RESULT_VALUES: Mapping[str, Callable[[RunRecord], Value | str | None]] = {
    "base_loss": _base_loss,
    "best_perplexity": _best_perplexity,
    "best_validation_loss": _best_validation_loss,
    "data": _data,
    "dataset": _dataset,
    "final_loss": _final_loss,
    "first_training_loss": _first_training_loss,
    "held_out_examples": _held_out_examples,
    "held_out_results": _held_out_results,
    "perplexity_base": _perplexity("before"),
    "perplexity_tuned": _perplexity("after"),
    "stages": _stages,
    "training_examples": _examples,
    "training_loss": _training_loss,
    "validation_loss": _validation_loss,
}
# What rows of example rows and lists are filled with, and the parts that each may have.
ITEM_PARTS: Mapping[str, frozenset[str]] = {
    "datasets": frozenset({"name", "size", "count", "source", "purpose"}),
    "held_out_sets": frozenset({"name", "size", "count", "description"}),
    "results": frozenset({"name", "score", "baseline", "change", "notes"}),
    "stages": frozenset({"name", "method", "data", "steps", "time", "energy", "description"}),
}
ITEMS: Mapping[str, Callable[[RunRecord], list[dict[str, str]]]] = {
    "datasets": dataset_items,
    "held_out_sets": held_out_items,
    "results": result_items,
    "stages": stage_items,
}
