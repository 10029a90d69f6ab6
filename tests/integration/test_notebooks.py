"""Notebooks, executed: an interrupted cell, one run again, a kernel that dies, a second trainer, figures inline."""

from __future__ import annotations

import contextlib
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
import os, signal, sys, time
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


def kernel_environment() -> dict[str, str]:
    """This process's, with its modules where a kernel in a folder of its own finds them."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path)}


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[Notebook]:
    """A notebook whose kernel has imported what it needs."""
    notebook = Notebook(folder)
    with notebook.client.setup_kernel(env=kernel_environment()):
        assert errors(notebook.run(SETUP)) == []
        yield notebook


@pytest.fixture(scope="module")
def long_lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    """One whose kernel lives through all tests that do not kill it: loading torch takes longer than a test."""
    with opened(tmp_path_factory.mktemp("kernel")) as notebook:
        yield notebook


@pytest.fixture
def notebook(long_lived: Notebook, tmp_path: Path) -> Notebook:
    """It, in a folder of the test's own."""
    assert errors(long_lived.run(f"os.chdir({str(tmp_path)!r})")) == []
    long_lived.folder = tmp_path
    return long_lived


@pytest.fixture
def short_lived(tmp_path: Path) -> Iterator[Notebook]:
    """One to be killed."""
    with opened(tmp_path) as notebook:
        yield notebook


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


def test_an_interrupted_cell_shows_its_figures_and_goes_on_from_its_checkpoint(notebook: Notebook) -> None:
    """One table though it was stopped; the cell that resumes goes on with the same run, in the same kernel."""
    saving = "callbacks=[CardCallback(), AtStep({})], save_strategy='steps', save_steps=1"
    made = f"make_trainer('plain', Path('tiny'), base_folder=Path('base'), {saving})"
    cell = notebook.run(made.format("lambda: os.kill(os.getpid(), signal.SIGINT)") + ".train()")
    assert errors(cell) == ["KeyboardInterrupt"]
    (figures,) = shown(cell)
    assert "<td>Time</td>" in figures["text/html"]
    first = load_run(notebook.folder / "tiny")
    assert (first.training.published_step, first.training.published_reason) == (1, "last checkpoint")
    assert errors(notebook.run(made.format("lambda: None") + ".train(resume_from_checkpoint=True)")) == []
    second = load_run(notebook.folder / "tiny")
    assert (second.run_id, second.status, len(second.sessions)) == (first.run_id, "completed", 2)


def test_a_cell_that_fails_before_its_first_step(notebook: Notebook) -> None:
    """Its error is the person's own; the run is there with no step, and the good card of the one before stays."""
    assert errors(notebook.run("good = trainer(); good.train()")) == []
    card = (notebook.folder / "tiny" / "README.md").read_text()
    cell = notebook.run("bad = trainer(); bad.train_dataset = None; bad.train()")
    assert errors(cell) == ["ValueError"]
    assert (notebook.folder / "tiny" / "README.md").read_text() == card
    records = [load_run(path) for path in (notebook.folder / "tiny" / "training_run").glob("record*.json")]
    assert sorted((record.status, record.training.steps) for record in records) == [
        ("completed", 4),
        ("interrupted", 0),
    ]


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


def test_a_kernel_that_is_told_to_die(short_lived: Notebook) -> None:
    """The server ends a kernel by SIGTERM, whatever ipykernel makes of it: the record says interrupted at step 2."""
    with pytest.raises(nbclient.exceptions.DeadKernelError):
        short_lived.run("trainer(AtStep(lambda: os.kill(os.getpid(), signal.SIGTERM))).train()")
    record = load_run(short_lived.folder / "tiny")
    assert (record.status, record.training.steps) == ("interrupted", 2)


def test_a_kernel_that_dies_and_the_next_one(short_lived: Notebook, tmp_path: Path) -> None:
    """Killed outright, as when memory runs out: the next kernel's training makes the record, and names the run."""
    with pytest.raises(nbclient.exceptions.DeadKernelError):
        short_lived.run("trainer(AtStep(lambda: (time.sleep(2), os.kill(os.getpid(), signal.SIGKILL)))).train()")
    assert not (short_lived.folder / "tiny" / "training_run").exists()
    with opened(tmp_path) as again:
        assert errors(again.run("trainer().train()")) == []
    records = [load_run(path) for path in (tmp_path / "tiny" / "training_run").glob("record*.json")]
    assert sorted((record.status, record.recovered) for record in records) == [
        ("completed", False),
        ("interrupted", True),
    ]
    (completed,) = (record for record in records if record.status == "completed")
    assert any("Earlier unfinished runs in this folder, in no figure here: 1," in note for note in completed.notes)


def test_training_in_a_thread_of_the_kernel(notebook: Notebook) -> None:
    """A cell that starts a training and goes on: the record is complete, and the kernel lives."""
    cell = notebook.run(
        "import threading\nthread = threading.Thread(target=trainer().train); thread.start(); thread.join()"
    )
    assert errors(cell) == []
    assert load_run(notebook.folder / "tiny").status == "completed"


def test_quiet_shows_nothing(notebook: Notebook) -> None:
    """With ``quiet=True`` neither a line nor a table."""
    cell = notebook.run(
        "make_trainer('plain', Path('tiny'), base_folder=Path('base'), callbacks=[CardCallback(quiet=True)]).train()"
    )
    assert errors(cell) == []
    assert "cardcallback" not in printed(cell) + repr(shown(cell))
