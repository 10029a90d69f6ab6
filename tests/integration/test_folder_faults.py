"""Whatever happens to the output folder, training ends as it would have, and no card is left half written."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import shutil
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from tiny import STEPS, make_trainer
from transformers import TrainerCallback

from cardcallback import CardCallback, load_run
from cardcallback.errors import CardCallbackWarning
from cardcallback.sessions import lineage_of

pytestmark = [pytest.mark.training, pytest.mark.expects_failure]
SECTION = "## Training, hardware and environmental impact"
GOOD_CARD = "---\nlicense: mit\n---\n# Mine\n\nWritten by hand.\n"
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
Fault = Callable[[Path, pytest.MonkeyPatch], None]


class Outcome(NamedTuple):
    """How a training ended, and what we said."""

    error: str | None
    steps: int
    weights: dict[str, torch.Tensor]
    warnings: list[str]


class At(TrainerCallback):
    """Lets something happen after the second step."""

    def __init__(self, happen: Callable[[], None]) -> None:
        self._happen = happen

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Once."""
        del args, control, kwargs
        if state.global_step == 2:
            self._happen()


def train(folder: Path, base_folder: Path, happen: Callable[[], None], *, measured: bool, **options: Any) -> Outcome:
    """A training to its end, whichever it is."""
    callbacks = [CardCallback(quiet=True)] if measured else []
    trainer = make_trainer(
        "plain", folder, base_folder=base_folder, callbacks=[*callbacks, At(happen)], learning_rate=0.01, **options
    )
    error = None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            trainer.train()
        except Exception as raised:  # noqa: BLE001 - whatever ends it has to be the same without us
            error = type(raised).__name__
    said = [str(one.message) for one in caught if issubclass(one.category, CardCallbackWarning)]
    weights = {name: value.clone() for name, value in trainer.model.state_dict().items()}
    return Outcome(error, int(trainer.state.global_step), weights, said)


def is_same(measured: Outcome, bare: Outcome) -> bool:
    """The same end at the same step with the same weights."""
    return (measured.error, measured.steps) == (bare.error, bare.steps) and all(
        torch.equal(measured.weights[name], bare.weights[name]) for name in bare.weights
    )


def failing(original: Callable[..., Any], folder: Path, number: int, *, writes: bool) -> Callable[..., Any]:
    """An operating system's call that fails below ``folder``; ``os.open`` only where it would write."""

    def call(path: Any, *args: Any, **kwargs: Any) -> Any:
        ours = isinstance(path, (str, os.PathLike)) and Path(path).is_relative_to(folder)
        if ours and (not writes or args[0] & WRITES):
            raise OSError(number, os.strerror(number), str(path))
        return original(path, *args, **kwargs)

    return call


def refusing(number: int) -> Fault:
    """From now on nothing in the folder can be made, replaced or written."""

    def refuse(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "open", failing(os.open, folder, number, writes=True))
        for name in ("mkdir", "replace", "rename"):
            monkeypatch.setattr(os, name, failing(getattr(os, name), folder, number, writes=False))

    return refuse


def full_disk(_: Path, __: pytest.MonkeyPatch) -> None:
    """No file can grow beyond 2,000 bytes, as the operating system itself has it."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))


def vanished(folder: Path, _: pytest.MonkeyPatch) -> None:
    """Somebody tidies up."""
    shutil.rmtree(folder, ignore_errors=True)


def became_a_file(folder: Path, _: pytest.MonkeyPatch) -> None:
    """Somebody tidies up and puts a file there, at once: deleting takes time, in which a training may write."""
    folder.rename(folder.with_name("tidied away"))
    folder.write_text("mine")


def slow(_: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each file takes its time to reach the disk and its place."""
    for name in ("fsync", "replace"):
        original = getattr(os, name)

        def wait(*args: Any, original: Callable[..., Any] = original, **kwargs: Any) -> Any:
            time.sleep(0.05)
            return original(*args, **kwargs)

        monkeypatch.setattr(os, name, wait)


@contextlib.contextmanager
def as_it_was() -> Iterator[pytest.MonkeyPatch]:
    """Undoes what a fault did to the operating system's calls and limits."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with pytest.MonkeyPatch.context() as patched:
        yield patched
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.fixture
def both(tmp_path: Path, base_folder: Path) -> Callable[..., tuple[Path, Outcome, Outcome]]:
    """The same training with the same folder and fault, without and with us; the folder is the one with us."""

    def run(
        prepare: Callable[[Path], object], fault: Fault | None = None, **options: Any
    ) -> tuple[Path, Outcome, Outcome]:
        outcomes = []
        for name in ("without", "with"):
            folder = tmp_path / name / "out"
            folder.mkdir(parents=True)
            prepare(folder)
            with as_it_was() as patched:
                happen = partial(fault, folder, patched) if fault is not None else lambda: None
                outcomes.append(train(folder, base_folder, happen, measured=name == "with", **options))
        return tmp_path / "with" / "out", outcomes[0], outcomes[1]

    return run


def put(content: bytes | str) -> Callable[[Path], object]:
    """A card that is there before training."""
    data = content.encode() if isinstance(content, str) else content
    return lambda folder: (folder / "README.md").write_bytes(data)


@pytest.mark.parametrize(
    "fault",
    [refusing(errno.EROFS), refusing(errno.ENOSPC), refusing(errno.EACCES), refusing(errno.ESTALE), full_disk],
    ids=["read-only", "no space", "no permission", "stale", "full disk"],
)
def test_a_folder_that_takes_nothing_keeps_the_old_card(both: Any, fault: Fault) -> None:
    """Training ends with the same weights, the card is byte for byte the old one, and one warning says why."""
    folder, bare, measured = both(put(GOOD_CARD), fault)
    assert bare.error is None
    assert is_same(measured, bare)
    assert (folder / "README.md").read_text() == GOOD_CARD
    assert len(measured.warnings) == 1
    assert "Training goes on" in measured.warnings[0]
    assert not list(folder.rglob("*.tmp"))
    assert not (folder / "training_run" / "record.json").exists()


@pytest.mark.parametrize("save", ["no", "steps"])
@pytest.mark.parametrize("fault", [vanished, became_a_file])
def test_a_folder_that_goes_ends_nothing(both: Any, fault: Fault, save: str) -> None:
    """Without its folder a training ends as it would have: in an error of its own saving, or in none."""
    folder, bare, measured = both(put(GOOD_CARD), fault, save_strategy=save, save_steps=STEPS)
    assert is_same(measured, bare)
    if fault is became_a_file:
        assert folder.read_text() == "mine"
        assert len(measured.warnings) == 1
    else:
        # The figures are worth a new folder, and the person's words are still known.
        assert "Written by hand." in (folder / "README.md").read_text()
        assert load_run(folder).status == "completed"


def test_a_slow_folder_is_only_slow(both: Any) -> None:
    """A disk that takes its time costs time and nothing else."""
    folder, bare, measured = both(put(GOOD_CARD), slow)
    assert is_same(measured, bare)
    assert measured.warnings == []
    assert SECTION in (folder / "README.md").read_text()


UNUSABLE = {
    "broken front matter": b"---\nlicense: [mit\n---\n# Mine\n",
    "50 MB": b"# Mine\n" + b"x y\n" * (50 * 1024**2 // 4),
    "latin-1": "# Caf\xe9\n".encode("latin-1"),
    "utf-16": "# Mine\n".encode("utf-16"),
    "aliases of aliases": b"---\na: &a [x, x]\n"
    + b"".join(b"b%d: &b%d [*%s, *%s]\n" % (n, n, *[b"b%d" % (n - 1) if n else b"a"] * 2) for n in range(40))
    + b"---\n# Mine\n",
}


@pytest.mark.parametrize("content", UNUSABLE.values(), ids=UNUSABLE.keys())
def test_a_card_that_cannot_be_completed_stays(both: Any, content: bytes) -> None:
    """Byte for byte, with one warning, a sentence in the record, and a training that did not notice."""
    folder, bare, measured = both(put(content))
    assert bare.error is None
    assert is_same(measured, bare)
    assert (folder / "README.md").read_bytes() == content
    assert len(measured.warnings) == 1
    record = load_run(folder)
    assert record.status == "completed"
    assert any("could not" in note and "card" in note for note in record.notes)


def test_windows_line_ends_stay(both: Any) -> None:
    """The person's lines keep their ends, and ours have the same."""
    content = GOOD_CARD.replace("\n", "\r\n").encode()
    folder, bare, measured = both(put(content))
    assert is_same(measured, bare)
    written = (folder / "README.md").read_bytes()
    assert SECTION.encode() in written
    assert written.count(b"\n") == written.count(b"\r\n")
    assert b"# Mine\r\n\r\nWritten by hand.\r\n" in written


@pytest.mark.parametrize("name", ["README.md", "training_run", "_cardcallback"])
def test_a_link_out_of_the_folder_is_not_followed(both: Any, tmp_path: Path, name: str) -> None:
    """What it leads to stays as it is; one line says what to do, and training goes on."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious.md").write_text(GOOD_CARD)

    def link(folder: Path) -> None:
        (folder / name).symlink_to(outside / "precious.md" if name == "README.md" else outside)

    _, bare, measured = both(link)
    assert is_same(measured, bare)
    assert [path.name for path in outside.iterdir()] == ["precious.md"]
    assert (outside / "precious.md").read_text() == GOOD_CARD
    assert len(measured.warnings) == 1
    assert "is a link to a place outside" in measured.warnings[0]


def test_another_working_directory_leaves_every_file_of_ours_in_one_folder(
    tmp_path: Path, base_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The output folder is given relative and the program moves on: only what tells of a checkpoint goes with that."""
    first, then = tmp_path / "first", tmp_path / "then"
    first.mkdir()
    then.mkdir()
    monkeypatch.chdir(first)
    callbacks = [CardCallback(charts=False), At(lambda: os.chdir(then))]
    options = {"callbacks": callbacks, "save_strategy": "steps", "save_steps": STEPS - 1}
    make_trainer("plain", Path("out"), base_folder=base_folder, **options).train()
    record = load_run(first / "out")
    assert record.status == "completed"
    assert SECTION in (first / "out" / "README.md").read_text()
    assert f"cardcallback: {first / 'out' / 'README.md'}: " in capsys.readouterr().out
    assert sorted(path.name for path in (then / "out").iterdir()) == [f"checkpoint-{STEPS - 1}", f"checkpoint-{STEPS}"]
    carried = lineage_of(then / "out" / f"checkpoint-{STEPS - 1}")
    assert carried is not None
    assert carried.run_id == record.run_id


def test_a_working_directory_that_was_removed_costs_nothing(
    tmp_path: Path, base_folder: Path, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    """A script is started in a folder that a clean-up takes away; all that it names is named whole."""
    place = tmp_path / "place"
    place.mkdir()
    monkeypatch.chdir(place)
    place.rmdir()
    make_trainer("plain", tmp_path / "out", base_folder=base_folder, callbacks=[CardCallback(quiet=True)]).train()
    assert [str(one.message) for one in recwarn if one.category is CardCallbackWarning] == []
    assert SECTION in (tmp_path / "out" / "README.md").read_text()
