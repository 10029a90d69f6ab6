"""What the pages of docs say of the code stays true: links, quotes, messages, options and examples."""

from __future__ import annotations

import ast
import inspect
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import typer
from docs_pages import DOCS, ROOT, blocks, links, messages, pages, quotes

from cardcallback import CardCallback
from cardcallback.cli import main
from cardcallback.cli.application import application

_SHELL = ("sh", "bash", "shell", "console")
_VARIABLE = re.compile(r"\u2026|\{[^{}]*\}")
_SHORTEST_FRAGMENT = 8


@cache
def texts_of_the_source() -> tuple[str, ...]:
    """Every text in the source, what differs from time to time as an ellipsis."""
    found = []
    for path in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = [str(one.value) if isinstance(one, ast.Constant) else "\u2026" for one in node.values]
                found.append("".join(parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return tuple(_VARIABLE.sub("\u2026", text) for text in found)


def is_said(message: str) -> bool:
    """Whether some text of the source has all fixed parts of the message, in their order."""
    fragments = [part.strip() for part in message.split("\u2026") if len(part.strip(" :;,.()")) > 1]
    assert max(map(len, fragments)) >= _SHORTEST_FRAGMENT, message
    return any(_has_in_order(text, fragments) for text in texts_of_the_source())


def _has_in_order(text: str, fragments: list[str]) -> bool:
    at = 0
    for one in fragments:
        found = text.find(one, at)
        if found < 0:
            return False
        at = found + len(one)
    return True


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link is a file of the repository."""
    assert [one for one in links(page) if not (page.parent / one).exists()] == []


def test_every_page_is_found_from_the_index() -> None:
    """docs/README.md names each page, and the README of the repository the index."""
    assert {page.name for page in pages()} - {"README.md"} <= set(links(DOCS / "README.md"))
    assert "docs/README.md" in links(ROOT / "README.md")


def test_every_message_of_the_troubleshooting_page_exists() -> None:
    """A message that the code no longer prints goes from the page too."""
    page = DOCS / "troubleshooting.md"
    assert len(messages(page)) > 30
    assert [one for one in messages(page) if not is_said(one)] == []


def test_a_message_that_nobody_prints_is_found() -> None:
    """The search can fail: other words, or the right ones in another order."""
    assert is_said("no record at \u2026: \u2026; give an output folder or its training_run/record.json")
    assert not is_said("give an output folder or its training_run/record.json \u2026 no record at")
    assert not is_said("no record was seen at \u2026")


def test_the_quoted_lines_are_of_the_card() -> None:
    """What docs/reading_a_card.md explains is what a card says."""
    quoted = quotes(DOCS / "reading_a_card.md")
    card = (ROOT / "tests" / "golden" / "section_simulated.md").read_text(encoding="utf-8").splitlines()
    assert len(quoted) > 8
    assert [line for line in quoted if line not in card] == []


def test_every_setting_is_explained() -> None:
    """The table of docs/trainer.md has each argument of the callback and no other."""
    text = (DOCS / "trainer.md").read_text(encoding="utf-8")
    table = text.partition("| Argument |")[2].partition("\n\n")[0]
    named = {name for line in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", line.split("|")[1])}
    assert named == set(inspect.signature(CardCallback).parameters)


def commands() -> Iterator[tuple[str, str]]:
    """Each ``cardcallback`` command of a shell block, with its page."""
    for page in [*pages(), ROOT / "README.md"]:
        for block in blocks(page, *_SHELL):
            for line in block.text.replace("\\\n", " ").splitlines():
                if line.strip().startswith("cardcallback "):
                    yield page.name, line.strip()


@pytest.mark.parametrize("name", ["dgx_spark.md", "elsewhere.md"])
def test_commands_that_need_no_run_work_as_they_stand(name: str) -> None:
    """What a page shows for any machine ends well on this one."""
    lines = [line for page, line in commands() if page == name]
    assert lines
    for line in lines:
        with pytest.raises(SystemExit) as stop:
            main(shlex.split(line)[1:])
        assert not stop.value.code, line


def options_of(name: str) -> set[str] | None:
    """The options of a command, ``None`` where there is no such command."""
    command = typer.main.get_command(application)
    found = getattr(command, "commands", {}).get(name)
    return None if found is None else {option for one in found.params for option in (*one.opts, *one.secondary_opts)}


def test_every_command_has_the_options_it_is_shown_with() -> None:
    """A command in the pages parses: its name and each option before "--" exist."""
    shown = list(commands())
    assert len(shown) > 5
    for page, line in shown:
        words = shlex.split(line, comments=True)
        words = words[: words.index("--")] if "--" in words else words
        known = options_of(words[1])
        assert known is not None, (page, line)
        asked = {word.split("=")[0] for word in words[2:] if word.startswith("--")}
        assert asked <= {*known, "--help"}, (page, line)


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_every_page_with_python_is_executed_by_a_test(page: Path) -> None:
    """Some test reads the page by its name and runs what stands there."""
    if not blocks(page, "python"):
        return
    tests = (path for path in (ROOT / "tests").rglob("test_*.py") if path != Path(__file__))
    assert any(page.name in path.read_text(encoding="utf-8") for path in tests), f"nothing runs docs/{page.name}"
