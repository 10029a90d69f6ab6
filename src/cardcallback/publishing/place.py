"""Where a card may be completed: what a place can do, and which place a person's words name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cardcallback.errors import CardCallbackError
from cardcallback.hub_id import is_hub_id
from cardcallback.record import Card

# A commit, a branch or a pull request of a repository, as the Hub's own file system writes it.
_ADDRESS = re.compile(r"(?:hf://(?:models/)?|https://(?:huggingface\.co|hf\.co)/)([^@?#]+?)/?(?:@(.+))?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One file of the place by its path there (with ``/``), as it was read (None: not there) and as it is to be.

    ``card`` is what we put into it, where the file is the card.
    """

    path: str
    before: bytes | None
    after: bytes
    card: Card | None = None


class Place(Protocol):
    """A folder or repository at one moment: every read is of that moment, and a write needs it to be unchanged."""

    @property
    def name(self) -> str:
        """What a message calls it."""

    def file_names(self) -> frozenset[str]:
        """Paths of the files in it, with ``/``; of a folder those at its top and one level below."""

    def read(self, path: str, largest_bytes: int) -> bytes | None:
        """A file's content, or None where there is none.

        Raises:
            CardCallbackError: it is too large, lies elsewhere or cannot be read.
        """

    def write(self, changes: Sequence[Change]) -> str:
        """Make all changes, or none; says where they are now.

        Raises:
            FileChangedError: somebody else changed one of the files meanwhile.
            CardCallbackError: they cannot be written.
        """


@dataclass(frozen=True, kw_only=True, slots=True)
class HubAddress:
    """A model repository, and the branch or pull request that was named with it."""

    repo_id: str
    revision: str | None


def parse_target(target: str) -> Path | HubAddress:
    """The folder or the repository that ``target`` names; a folder that is there always comes first.

    Raises:
        CardCallbackError: it names neither.
    """
    address = _ADDRESS.fullmatch(target)
    if address is not None:
        if not is_hub_id(address[1]) or "/" not in address[1]:
            msg = f"{target} is no model repository: write hf://owner/name"
            raise CardCallbackError(msg)
        return HubAddress(repo_id=address[1], revision=address[2])
    folder = Path(target).expanduser()
    if folder.is_dir():
        return folder
    if folder.exists():
        msg = f"{target} is a file: give the folder or the repository whose card is to be completed"
        raise CardCallbackError(msg)
    # Out of a misspelt folder no call to the network is made.
    is_repository = is_hub_id(target) and target.count("/") == 1 and not Path(target.partition("/")[0]).exists()
    if is_repository:
        return HubAddress(repo_id=target, revision=None)
    msg = f"there is no folder {target}: give one that is there, or a repository as hf://owner/name"
    raise CardCallbackError(msg, exit_code=3)


def open_place(target: Path | HubAddress, *, revision: str | None = None, create_pr: bool = False) -> Place:
    """Look at the folder or the repository as it is now.

    Args:
        target: what ``parse_target`` gave.
        revision: branch or pull request to write to, for a repository.
        create_pr: open a pull request instead of writing to the branch, for a repository.

    Raises:
        CardCallbackError: it cannot be reached.
    """
    # Loaded here, since only one of the two is wanted, and one of them loads the Hub's client.
    if isinstance(target, Path):
        from cardcallback.publishing.folder import FolderPlace  # noqa: PLC0415

        if revision is not None or create_pr:
            msg = f"{target} is a folder: --revision and --create-pr are for repositories of the Hub"
            raise CardCallbackError(msg)
        return FolderPlace(target)
    from cardcallback.publishing.hub import HubPlace  # noqa: PLC0415

    if revision is not None and target.revision is not None:
        msg = f"the target names the revision {target.revision} already: leave --revision out"
        raise CardCallbackError(msg)
    return HubPlace(target.repo_id, revision=revision or target.revision, create_pr=create_pr)
