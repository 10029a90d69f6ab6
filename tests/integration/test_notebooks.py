"""Notebooks, executed: an interrupted cell, one run again, a kernel that dies, a second trainer, figures inline."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cardcallback import load_run

nbclient = pytest.importorskip("nbclient", reason="nbclient and ipykernel are not installed")
pytest.importorskip("ipykernel", reason="nbclient and ipykernel are not installed")
nbformat = pytest.importorskip("nbformat")

pytestmark = pytest.mark.training

SETUP = """
import os, signal, sys
from pathlib import Path
from tiny import make_trainer
from transformers import TrainerCallback
from cardcallback import CardCallback

class AtStep(TrainerCallback):
    def __init__(self, action):
        self.action = action
    def on_step_end(self, args, state, control, **kwargs):
        if state.global_step == 2:
            self.action()

def trainer(*others, name="tiny"):
    return make_trainer("plain", Path(name), base_folder=Path("base"), callbacks=[CardCallback(), *others])
"""
INTERRUPTED = "trainer(AtStep(lambda: os.kill(os.getpid(), signal.SIGINT))).train()"


class Notebook:
    """Cells executed one by one in one kernel, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.notebook = nbformat.v4.new_notebook()
        self.client = nbclient.NotebookClient(
            self.notebook, timeout=240, allow_errors=True, resources={"metadata": {"path": str(folder)}}
        )

    def run(self, source: str) -> Any:
        """Execute one more cell; the cell with its outputs."""
        self.notebook.cells.append(nbformat.v4.new_code_cell(source))
        return self.client.execute_cell(self.notebook.cells[-1], len(self.notebook.cells) - 1)


@pytest.fixture
def notebook(tmp_path: Path) -> Iterator[Notebook]:
    """A notebook whose kernel has imported what it needs."""
    opened = Notebook(tmp_path)
    with opened.client.setup_kernel(env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}):
        assert errors(opened.run(SETUP)) == []
        yield opened


def shown(cell: Any) -> list[Any]:
    """What a cell displays, without what it printed."""
    return [
        output.data for output in cell.outputs if output.output_type == "display_data" and "text/html" in output.data
    ]


def printed(cell: Any) -> str:
    """What a cell printed."""
    return "".join(output.text for output in cell.outputs if output.output_type == "stream")


def errors(cell: Any) -> list[str]:
    """The names of the exceptions that a cell ended with."""
    return [output.ename for output in cell.outputs if output.output_type == "error"]


def test_the_figures_are_shown_inline_once(notebook: Notebook) -> None:
    """A finished training shows one table with the card's rows, and prints no closing line beside it."""
    cell = notebook.run("trainer().train()")
    assert errors(cell) == []
    (figures,) = [data for data in shown(cell) if "README.md" in data["text/plain"]]
    assert "<table>" in figures["text/html"]
    assert "<td>Time</td>" in figures["text/html"]
    assert printed(cell).count("cardcallback:") == 1  # the line at the begin
    assert load_run(notebook.folder / "tiny").status == "completed"


def test_an_interrupted_cell_and_the_same_cell_again(notebook: Notebook) -> None:
    """The stop button leaves an interrupted record at once; the cell run again is a run of its own, completed."""
    cell = notebook.run(INTERRUPTED)
    assert errors(cell) == ["KeyboardInterrupt"]
    first = load_run(notebook.folder / "tiny")
    assert (first.status, first.training.steps) == ("interrupted", 2)
    assert not (notebook.folder / "tiny" / "README.md").exists()
    cell = notebook.run("again = trainer(); again.train()")
    assert errors(cell) == []
    second = load_run(notebook.folder / "tiny")
    assert second.status == "completed"
    assert second.run_id != first.run_id
    assert any(
        note.startswith("Earlier unfinished runs in this folder, in no figure here: 1,") for note in second.notes
    )
    assert errors(notebook.run("again.train()")) == []
    assert load_run(notebook.folder / "tiny").status == "completed"


def test_a_second_trainer_in_one_kernel(notebook: Notebook) -> None:
    """Each trainer has its own record and card; the signals' handlers are as they were before the first."""
    before = "{signum: signal.getsignal(signum) for signum in (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)}"
    notebook.run(f"before = {before}")
    for name in ("one", "two"):
        assert errors(notebook.run(f"trainer(name={name!r}).train()")) == []
    assert errors(notebook.run(f"assert before == {before}")) == []
    one, two = load_run(notebook.folder / "one"), load_run(notebook.folder / "two")
    assert one.run_id != two.run_id
    assert (one.status, two.status) == ("completed", "completed")


def test_a_kernel_that_is_told_to_die(notebook: Notebook) -> None:
    """The server ends a kernel by SIGTERM, whatever ipykernel makes of it: the record says interrupted at step 2."""
    with pytest.raises(nbclient.exceptions.DeadKernelError):
        notebook.run("trainer(AtStep(lambda: os.kill(os.getpid(), signal.SIGTERM))).train()")
    record = load_run(notebook.folder / "tiny")
    assert (record.status, record.training.steps) == ("interrupted", 2)


def test_quiet_shows_nothing(notebook: Notebook) -> None:
    """With ``quiet=True`` neither a line nor a table."""
    cell = notebook.run(
        "make_trainer('plain', Path('tiny'), base_folder=Path('base'), callbacks=[CardCallback(quiet=True)]).train()"
    )
    assert errors(cell) == []
    assert "cardcallback" not in printed(cell) + repr(shown(cell))
