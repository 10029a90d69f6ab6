"""Writes a journal where an open file cannot be moved, in a process of its own: journal_elsewhere.py FOLDER."""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.modules["fcntl"] = None  # type: ignore[assignment]  # as where it does not exist

from cardcallback.journal.file import JournalFile  # noqa: E402 - after what it must not find


def main() -> None:
    """Begin, append, begin anew; then fail to begin anew, and append all the same."""
    path = Path(sys.argv[1]) / "_cardcallback" / "journal" / "run-1.journal"
    file = JournalFile(path)
    file.replace(b"first\n")
    file.append(b"second\n")
    file.replace(b"third\n")
    replace = Path.replace

    def refused(*_: Path) -> Path:
        raise PermissionError(13, "in use")

    Path.replace = refused  # type: ignore[method-assign]
    try:
        file.replace(b"never\n")
    except PermissionError:
        file.append(b"fourth\n")
    Path.replace = replace  # type: ignore[method-assign]
    file.sync()
    sys.stdout.write(path.read_text() + " ".join(os.listdir(path.parent)) + "\n")  # noqa: PTH208 - names alone
    file.remove()
    sys.stdout.write(f"{path.exists()}\n")


if __name__ == "__main__":
    main()
