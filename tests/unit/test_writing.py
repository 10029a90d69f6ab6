"""Files are replaced whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from open_files import inodes_open_here

from cardcallback import portable
from cardcallback.errors import CardCallbackError
from cardcallback.temporary_files import remove_abandoned
from cardcallback.writing import (
    FileChangedError,
    own_folder,
    read_card,
    read_ordinary,
    write_atomically,
    write_bytes_atomically,
)


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


def test_what_somebody_else_wrote_meanwhile_is_not_written_over(tmp_path: Path) -> None:
    """A card that changed, appeared or went since it was read stays as it is, and no temporary file remains."""
    card = tmp_path / "README.md"
    card.write_text("theirs")
    for read in ("ours", None):
        with pytest.raises(FileChangedError, match="changed by somebody else"):
            write_atomically(card, "new", unless_changed_from=read)
    assert card.read_text() == "theirs"
    assert write_atomically(card, "new", unless_changed_from="theirs")
    card.unlink()
    with pytest.raises(FileChangedError):
        write_atomically(card, "newer", unless_changed_from="new")
    assert names(tmp_path) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file away")
def test_the_owner_and_the_group_stay(tmp_path: Path) -> None:
    """A card of a shared folder still belongs to the one who made it and to the group, mode and all."""
    card = tmp_path / "README.md"
    card.write_text("old")
    os.chown(card, 1234, 5678)
    card.chmod(0o2664)
    write_atomically(card, "new")
    found = card.stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (1234, 5678, 0o2664)


def test_a_copy_is_no_more_open_than_its_original(tmp_path: Path) -> None:
    """The kept copy of a card that only its owner may read is as closed."""
    card = tmp_path / "README.md"
    card.write_text("secret")
    card.chmod(0o600)
    write_bytes_atomically(tmp_path / "copy.md", b"secret", as_open_as=card)
    assert stat.S_IMODE((tmp_path / "copy.md").stat().st_mode) == 0o600


@pytest.mark.parametrize("there", [True, False])
def test_a_folder_of_ours_that_leads_elsewhere_is_refused(tmp_path: Path, *, there: bool) -> None:
    """A linked ``training_run`` is named in one line; a linked output folder above it is the person's choice."""
    (tmp_path / "large-disk").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "large-disk")
    assert own_folder(tmp_path / "out" / "training_run").is_dir()
    elsewhere = tmp_path / "elsewhere"
    if there:
        elsewhere.mkdir()
    (tmp_path / "out" / "_cardcallback").symlink_to(elsewhere)
    with pytest.raises(CardCallbackError, match=r"^_cardcallback is a link to a place outside the output folder: "):
        own_folder(tmp_path / "out" / "_cardcallback")
    assert elsewhere.exists() == there


def test_a_file_in_a_folders_place_is_one_clear_line(tmp_path: Path) -> None:
    """No folder can be made where a file stands."""
    (tmp_path / "training_run").write_text("mine")
    with pytest.raises(CardCallbackError, match=r"^cannot make the folder training_run: file exists$"):
        own_folder(tmp_path / "training_run")
    assert (tmp_path / "training_run").read_text() == "mine"


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="only Linux lists a process's open files")
def test_a_disk_that_fails_beside_a_new_file_leaves_nothing_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Held open and locked it would lie there as long as the process lives."""

    def fail(_: int) -> None:
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    before = inodes_open_here()
    with monkeypatch.context() as failing:
        failing.setattr(os, "fstat", fail)
        with pytest.raises(CardCallbackError, match="cannot write"):
            write_atomically(tmp_path / "README.md", "new")
    assert inodes_open_here() == before
    assert names(tmp_path) == []


def test_links_in_a_circle_are_one_clear_line(tmp_path: Path) -> None:
    """As any other file that cannot be had: nobody has to expect another kind of error."""
    (tmp_path / "README.md").symlink_to("README.md")
    (tmp_path / "training_run").symlink_to("training_run")
    for fails in (
        lambda: read_card(tmp_path / "README.md"),
        lambda: read_ordinary(tmp_path / "README.md", 100),
        lambda: write_atomically(tmp_path / "README.md", "new"),
        lambda: own_folder(tmp_path / "training_run"),
    ):
        with pytest.raises(CardCallbackError):
            fails()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """A named pipe in the card's place would keep a reader for ever."""
    os.mkfifo(tmp_path / "README.md")
    with pytest.raises(CardCallbackError, match="no ordinary file"):
        read_card(tmp_path / "README.md")
    with pytest.raises(CardCallbackError, match="no ordinary file"):
        write_atomically(tmp_path / "README.md", "new")


def test_a_card_larger_than_any_is_refused_unread(tmp_path: Path) -> None:
    """Fifty megabytes of Markdown would hold up the end of training; the message says what to do."""
    with (tmp_path / "README.md").open("wb") as file:
        file.truncate(50 * 1024**2)
    with pytest.raises(CardCallbackError, match=r"^README\.md is larger than 1 MiB: shorten it"):
        read_card(tmp_path / "README.md")


def test_half_a_character_is_one_clear_line(tmp_path: Path) -> None:
    """A text that has no UTF-8 form is refused like any other that cannot be written."""
    with pytest.raises(CardCallbackError, match=r"^cannot write README\.md: [^\n]+ unchanged$"):
        write_atomically(tmp_path / "README.md", "a\ud800b")
    assert names(tmp_path) == []


_WRITES_FOR_EVER = """
import os, sys
from pathlib import Path
from cardcallback import writing

def _slow_disk(file):
    print("writing", flush=True)
    sys.stdin.read()

os.fsync = _slow_disk
writing.write_atomically(Path(sys.argv[1]), "new")
"""


def _refusing(number: int) -> Any:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return refuse


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.ENOSYS])
def test_a_file_system_that_syncs_nothing_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Some in user space answer so to every file; a disk that failed is told."""
    monkeypatch.setattr(os, "fsync", _refusing(number))
    write_atomically(tmp_path / "README.md", "new")
    assert (tmp_path / "README.md").read_text() == "new"
    monkeypatch.setattr(os, "fsync", _refusing(errno.EIO))
    with pytest.raises(CardCallbackError, match="what was there is unchanged"):
        write_atomically(tmp_path / "README.md", "newer")


def test_a_file_system_with_one_mode_and_one_owner_takes_a_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither can be set there, nor in a container for an owner that it does not know."""
    card = tmp_path / "README.md"
    card.write_text("old")
    like = card.stat()
    monkeypatch.setattr(Path, "chmod", _refusing(errno.EPERM))
    monkeypatch.setattr(os, "chown", _refusing(errno.EINVAL))
    monkeypatch.setattr(Path, "stat", _as_of_somebody_else(card, like.st_uid + 1))
    write_atomically(card, "new")
    assert card.read_text() == "new"


def _as_of_somebody_else(path: Path, owner: int) -> Any:
    stat = Path.stat

    def told(self: Path, **options: Any) -> os.stat_result:
        found = stat(self, **options)
        return os.stat_result((*found[:4], owner, *found[5:])) if self == path else found

    return told


def test_what_was_closed_to_others_is_not_opened_to_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A card that only its owner may read stays the old one where a new one cannot be closed."""
    card = tmp_path / "README.md"
    card.write_text("old")
    card.chmod(0o600)
    monkeypatch.setattr(Path, "chmod", _refusing(errno.EPERM))
    before = os.umask(0o022)
    try:
        with pytest.raises(CardCallbackError, match="operation not permitted"):
            write_atomically(card, "new")
    finally:
        os.umask(before)
    assert card.read_text() == "old"


def test_a_folder_of_ours_that_is_somebody_elses_costs_no_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One run of a container's root left it, and the next is another person's: the output folder itself will do."""
    private, open_file = own_folder(tmp_path / "_cardcallback"), os.open

    def open_as_person(path: str | Path, *options: int) -> int:
        if Path(path).parent == private:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return open_file(path, *options)

    monkeypatch.setattr(os, "open", open_as_person)
    write_atomically(tmp_path / "README.md", "new")
    assert (tmp_path / "README.md").read_text() == "new"
    assert list(private.iterdir()) == []


def test_a_folder_of_ours_on_another_disk_costs_no_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person keeps it on a larger one, mounted there: nothing can be moved from one disk to the other."""
    private = tmp_path / "_cardcallback"
    private.mkdir()
    card = tmp_path / "README.md"
    card.write_text("old\n")
    replace = os.replace

    def refuse(source: Any, target: Any, **options: Any) -> None:
        if Path(source).parent == private:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), str(source))
        replace(source, target, **options)

    monkeypatch.setattr(os, "replace", refuse)
    assert write_atomically(card, "new\n")
    assert card.read_text() == "new\n"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["README.md", "_cardcallback"]


def test_a_folder_that_moves_no_open_file_takes_a_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the folders that a virtual machine shares with its host."""
    replace = os.replace

    def replace_closed(source: Path, target: Path) -> None:
        if source.stat().st_ino in inodes_open_here():
            raise OSError(errno.ETXTBSY, os.strerror(errno.ETXTBSY))
        replace(source, target)

    monkeypatch.setattr(os, "replace", replace_closed)
    write_atomically(tmp_path / "README.md", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]


@pytest.mark.parametrize("own", [False, True])
def test_what_a_killed_writer_left_goes_and_what_is_being_written_stays(tmp_path: Path, *, own: bool) -> None:
    """The old card is whole, and its folder has no more in it than before; a living writer is not disturbed."""
    card = tmp_path / "README.md"
    card.write_text("old")
    if own:
        own_folder(tmp_path / "_cardcallback")
    command = [sys.executable, "-c", _WRITES_FOR_EVER, str(card)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "writing\n"
        remove_abandoned(tmp_path)
        assert len(list(tmp_path.rglob("*.tmp"))) == 1
        writer.kill()
    remove_abandoned(tmp_path)
    assert list(tmp_path.rglob("*.tmp")) == []
    assert card.read_text() == "old"


def test_only_what_carries_our_name_is_cleaned_up(tmp_path: Path) -> None:
    """A person's own temporary file, and a link with our name, stay."""
    (tmp_path / "notes.tmp").write_text("mine")
    (tmp_path / "_cardcallback-link.tmp").symlink_to(tmp_path / "notes.tmp")
    remove_abandoned(tmp_path)
    assert names(tmp_path) == ["_cardcallback-link.tmp", "notes.tmp"]


def test_a_journal_that_was_never_begun_goes(tmp_path: Path) -> None:
    """Its process was killed before it was in place; one whose writer lives stays, and so does what a link leads to."""
    journals = tmp_path / "_cardcallback" / "journal"
    journals.mkdir(parents=True)
    for name in ("a.journal", "a.journal.new", "b.journal.new"):
        (journals / name).write_text("")
    with (journals / "b.journal.new").open("a") as held:
        portable.lock(held.fileno(), wait=False)
        remove_abandoned(tmp_path)
        assert names(journals) == ["a.journal", "b.journal.new"]
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "_cardcallback").symlink_to(journals.parent, target_is_directory=True)
    remove_abandoned(tmp_path / "other")
    assert names(journals) == ["a.journal", "b.journal.new"]
