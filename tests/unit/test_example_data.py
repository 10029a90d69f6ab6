"""The data sets of the examples: their columns, and their figures computed again."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest

DATA = Path(__file__).parents[2] / "examples" / "data"
# Such as "2 kWh: 4 times 250 W times 2 h are 2,000 Wh." or "72 mJ: 3,600 J divided by 50,000 tokens."
_NUMBER = r"[\d,]*\d(?:\.\d+)?"
_CALCULATED = re.compile(rf"({_NUMBER}) (\S+)[^:]*: (.* (?:times|divided by) .*?)(?: are ({_NUMBER}) \S+)?\.")
_PREFIXES = {"million": 1_000_000, "kWh": 1000, "kg": 1000, "mJ": 0.001}


@pytest.mark.parametrize(
    ("name", "columns", "answer"),
    [
        ("energy_questions.jsonl", {"prompt", "completion"}, "completion"),
        ("energy_preferences.jsonl", {"prompt", "chosen", "rejected"}, "chosen"),
    ],
)
def test_the_figures_of_an_answer_are_right(name: str, columns: set[str], answer: str) -> None:
    """Every row has its columns, no question comes twice, and what an answer says it calculates comes out."""
    rows = [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]
    assert all(set(row) == columns and all(row.values()) for row in rows)
    assert len({row["prompt"] for row in rows}) == len(rows)
    assert all(row["chosen"] != row["rejected"] for row in rows if "chosen" in row)
    calculated = [found for row in rows if (found := _CALCULATED.fullmatch(row[answer]))]
    assert len(calculated) >= len(rows) // 2
    for found in calculated:
        value, unit, factors, base_value = found.groups()
        result = _result(factors)
        # The factors' units hold the prefix themselves ("60 kWh times 1.4"), or do not.
        plain = _number(value)
        assert any(math.isclose(one, result) for one in (plain, plain * _PREFIXES.get(unit, 1))), found[0]
        assert base_value is None or math.isclose(_number(base_value), result), found[0]


def _result(factors: str) -> float:
    """What "4 times 250 W" or "3,600 J divided by 50,000 tokens" comes to, in the units without a prefix."""
    if " divided by " in factors:
        over, under = map(_number, factors.split(" divided by "))
        return over / under
    return math.prod(map(_number, factors.split(" times ")))


def _number(words: str) -> float:
    return float(re.match(_NUMBER, words)[0].replace(",", ""))  # type: ignore[index]
