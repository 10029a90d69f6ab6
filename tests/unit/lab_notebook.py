"""The lab notebook's own code, with its two classes taken out and ours in their place."""

from __future__ import annotations

import ast
import contextlib
import io
from pathlib import Path
from typing import Any

NOTEBOOK = Path(__file__).parents[1] / "fixtures" / "notebooks" / "lab_4_2_6_solutions.txt"
_CELL = "In [None]:"
_OURS = frozenset({"DetailedModelCard", "EnvironmentalImpact"})


def cells() -> list[str]:
    """The notebook's code cells, as they are written."""
    text = NOTEBOOK.read_text(encoding="utf-8")
    return [_code(part) for part in text.split(_CELL)[1:]]


def run_with(**classes: Any) -> tuple[str, dict[str, Any]]:
    """What the notebook prints, and its variables, with ``classes`` imported in place of its own."""
    names: dict[str, Any] = {"__name__": "notebook", **classes}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        for cell in cells():
            exec(_without_classes(cell), names)  # noqa: S102  a fixture of ours
    return printed.getvalue(), names


def _code(part: str) -> str:
    """The longest beginning of ``part`` that is Python: prose follows the code of some cells."""
    lines = part.splitlines()
    for end in range(len(lines), 0, -1):
        code = "\n".join(lines[:end])
        if _is_python(code):
            return code
    msg = "a cell without code"
    raise AssertionError(msg)


def _is_python(code: str) -> bool:
    try:
        ast.parse(code)
    except SyntaxError:
        return False
    return True


def _without_classes(cell: str) -> Any:
    tree = ast.parse(cell)
    tree.body = [node for node in tree.body if not (isinstance(node, ast.ClassDef) and node.name in _OURS)]
    return compile(tree, "notebook", "exec")
