"""The examples that are trained on, made from a seed: every machine has the same bytes, and nothing is fetched."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable
from typing import Literal

Kind = Literal["questions", "pairs"]
Row = dict[str, str]
_SEED = 20260101
_SEPARATOR = "\n"


def make_rows(kind: Kind, *, examples: int, problems: int) -> list[Row]:
    """Examples of plain text: "prompt" with "completion", or with "chosen" and a wrong "rejected".

    Args:
        kind: questions to answer, or pairs of answers to prefer between.
        examples: how many.
        problems: how many problems each of them holds, which makes it longer.
    """
    varied = random.Random(_SEED)  # noqa: S311 - the same numbers everywhere is what is wanted
    return [_row(kind, varied, problems) for _ in range(examples)]


def json_lines(rows: list[Row]) -> str:
    """The rows as JSON Lines."""
    return "".join(json.dumps(row, sort_keys=True) + "\n" for row in rows)


def digest(rows: list[Row]) -> str:
    """SHA-256 of the JSON Lines."""
    return hashlib.sha256(json_lines(rows).encode()).hexdigest()


def _row(kind: Kind, varied: random.Random, problems: int) -> Row:
    solved = [_problem(varied) for _ in range(problems)]
    questions = [f"{number}. {question}" for number, (question, _, _) in enumerate(solved, start=1)]
    prompt = _SEPARATOR.join([*questions, "Answers:"])
    right = " " + _SEPARATOR.join(f"{number}. {answer}" for number, (_, answer, _) in enumerate(solved, start=1))
    if kind == "questions":
        return {"prompt": prompt, "completion": right}
    wrong = " " + _SEPARATOR.join(f"{number}. {answer}" for number, (_, _, answer) in enumerate(solved, start=1))
    return {"prompt": prompt, "chosen": right, "rejected": wrong}


def _problem(varied: random.Random) -> tuple[str, str, str]:
    """A question, its answer, and one that is wrong by a usual slip."""
    return _PROBLEMS[_below(varied, len(_PROBLEMS))](varied)


def _below(varied: random.Random, limit: int) -> int:
    # Only random() itself gives the same numbers in every version of Python.
    return int(varied.random() * limit)


def _fleet(varied: random.Random) -> tuple[str, str, str]:
    count, watts, hours = 2 + _below(varied, 7), 10 * (4 + _below(varied, 60)), 1 + _below(varied, 24)
    question = f"{count} GPUs draw a mean power of {watts} W each for {hours} h. How many watt hours is that?"
    return question, f"{count * watts * hours} Wh: {count} × {watts} W × {hours} h.", f"{watts * hours} Wh."


def _steps(varied: random.Random) -> tuple[str, str, str]:
    steps, joules = 10 * (1 + _below(varied, 90)), 5 * (1 + _below(varied, 100))
    question = f"A run of {steps} steps used {steps * joules} J. How many joules did a step use?"
    return question, f"{joules} J: {steps * joules} J / {steps}.", f"{steps * joules} J."


def _watt_hours(varied: random.Random) -> tuple[str, str, str]:
    watt_hours = 1 + _below(varied, 500)
    question = f"How many joules are {watt_hours} Wh?"
    return question, f"{watt_hours * 3600} J: {watt_hours} × 3,600.", f"{watt_hours * 60} J."


def _seconds(varied: random.Random) -> tuple[str, str, str]:
    hours, minutes = 1 + _below(varied, 30), 1 + _below(varied, 59)
    question = f"A training took {hours} h {minutes} min. How many seconds is that?"
    return question, f"{hours * 3600 + minutes * 60} s.", f"{hours * 60 + minutes} s."


_PROBLEMS: tuple[Callable[[random.Random], tuple[str, str, str]], ...] = (_fleet, _steps, _watt_hours, _seconds)
