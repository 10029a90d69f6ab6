"""Files are replaced whole or not at all."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardcallback.errors import CardCallbackError
from cardcallback.writing import read_card, write_atomically


def names(folder: Path) -> list[str]:
    """Every name in a folder."""
    return sorted(path.name for path in folder.iterdir())


def test_a_new_file_holds_the_text_and_nothing_else_remains(tmp_path: Path) -> None:
    """Line ends and a byte order mark reach the disk as they are given."""
    text = "\ufeffone\r\ntwo\nthree é"
    assert write_atomically(tmp_path / "README.md", text)
    assert (tmp_path / "README.md").read_bytes() == text.encode()
    assert names(tmp_path) == ["README.md"]


def test_what_is_the_same_already_is_not_written(tmp_path: Path) -> None:
    """An unchanged file keeps its inode, so that nothing watching it wakes up."""
    card = tmp_path / "README.md"
    write_atomically(card, "same")
    before = card.stat().st_ino
    assert not write_atomically(card, "same")
    assert card.stat().st_ino == before


def test_the_mode_of_the_old_file_stays(tmp_path: Path) -> None:
    """A card that only its group may read stays so."""
    card = tmp_path / "README.md"
    card.write_text("old")
    card.chmod(0o640)
    write_atomically(card, "new")
    assert stat.S_IMODE(card.stat().st_mode) == 0o640


def test_a_new_file_respects_the_umask(tmp_path: Path) -> None:
    """A new card is as readable as any other new file of the person."""
    write_atomically(tmp_path / "card.md", "new")
    (tmp_path / "other.md").touch()
    assert (tmp_path / "card.md").stat().st_mode == (tmp_path / "other.md").stat().st_mode


def test_a_link_inside_the_folder_is_followed(tmp_path: Path) -> None:
    """The link stays a link and its file is replaced."""
    (tmp_path / "real.md").write_text("old")
    (tmp_path / "README.md").symlink_to("real.md")
    write_atomically(tmp_path / "README.md", "new")
    assert (tmp_path / "README.md").is_symlink()
    assert (tmp_path / "real.md").read_text() == "new"


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    """A link planted in the output folder cannot make us overwrite another file."""
    outside = tmp_path / "outside.md"
    outside.write_text("precious")
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "README.md").symlink_to(outside)
    with pytest.raises(CardCallbackError, match="outside its folder"):
        write_atomically(folder / "README.md", "new")
    assert outside.read_text() == "precious"
    assert names(folder) == ["README.md"]


@pytest.mark.parametrize("target", ["missing/README.md", "folder"])
def test_what_cannot_be_written_is_one_clear_line(tmp_path: Path, target: str) -> None:
    """No folder, or a folder in the file's place: the cause is named and no temporary file remains."""
    (tmp_path / "folder").mkdir()
    with pytest.raises(CardCallbackError, match=r"^cannot write [^\n]+ unchanged$"):
        write_atomically(tmp_path / target, "new")
    assert names(tmp_path) == ["folder"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_leaves_the_old_card(tmp_path: Path) -> None:
    """The old card is whole where no new one may be made."""
    card = tmp_path / "README.md"
    card.write_text("old")
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(CardCallbackError, match="permission denied"):
            write_atomically(card, "new")
    finally:
        tmp_path.chmod(0o700)
    assert card.read_text() == "old"


def test_a_full_disk_leaves_the_old_card(tmp_path: Path) -> None:
    """A write that fails half way removes its own traces only."""
    pytest.importorskip("resource")
    card = tmp_path / "README.md"
    card.write_text("old")
    program = (
        "import resource, signal, sys, pathlib\n"
        "from cardcallback.writing import write_atomically\n"
        "from cardcallback.errors import CardCallbackError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try:\n"
        "    write_atomically(pathlib.Path(sys.argv[1]), 'x' * 100_000)\n"
        "except CardCallbackError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(card)], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("cannot write README.md: file too large")
    assert card.read_text() == "old"
    assert names(tmp_path) == ["README.md"]


@settings(deadline=None)
@given(text=st.text())
def test_any_text_is_read_back_as_it_was_written(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Reading a card changes no line end."""
    card = tmp_path_factory.mktemp("card") / "README.md"
    write_atomically(card, text)
    assert read_card(card) == text


def test_a_card_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    """Bytes that are no text are not guessed at."""
    (tmp_path / "README.md").write_bytes(b"caf\xe9")
    with pytest.raises(CardCallbackError, match="not UTF-8"):
        read_card(tmp_path / "README.md")


def test_a_missing_card_is_nothing_to_work_on(tmp_path: Path) -> None:
    """The command line returns 3 for it."""
    with pytest.raises(CardCallbackError, match="no such file") as raised:
        read_card(tmp_path / "README.md")
    assert raised.value.exit_code == 3
