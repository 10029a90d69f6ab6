"""What holds for the source files themselves."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
LONGEST = 300


def imported_modules(path: Path) -> set[str]:
    """Every module that a file imports anywhere, by its top-level name."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


def test_there_are_sources() -> None:
    """The checks below look at real files."""
    assert len(SOURCES) > 20


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_no_file_is_longer_than_it_can_be_read(path: Path) -> None:
    """A source file has at most 300 lines."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST


def test_only_one_file_talks_to_the_driver() -> None:
    """The binding pynvml is imported in sensors/nvml.py and nowhere else, not even inside a function."""
    users = {str(path.relative_to(ROOT / "src/cardcallback")) for path in SOURCES if "pynvml" in imported_modules(path)}
    assert users == {"sensors/nvml.py"}


def test_frameworks_are_found_never_imported() -> None:
    """torch, peft and trl are looked up where the trainer has loaded them; no file of ours imports them."""
    users = {path.name: imported_modules(path) & {"torch", "peft", "trl"} for path in SOURCES}
    assert not {name: found for name, found in users.items() if found}


def test_the_changelog_and_the_rules_are_short_enough_to_be_read() -> None:
    """CONTRIBUTING stays below 100 lines, README below 150."""
    assert len((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines()) < 100
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 150
