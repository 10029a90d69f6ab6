"""Which place a person's words name, and that place as it is now."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from cardcallback.errors import CardCallbackError
from cardcallback.hub_id import is_hub_id
from cardcallback.publishing.folder import FolderPlace
from cardcallback.publishing.hub import HubPlace
from cardcallback.publishing.place import Place

# A commit, a branch or a pull request of a repository, as the Hub's own file system writes it.
_ADDRESS = re.compile(r"(?:hf://(?:models/)?|https://(?:huggingface\.co|hf\.co)/)([^@?#]+?)/?(?:@(.+))?")


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
    if isinstance(target, Path):
        if revision is not None or create_pr:
            msg = f"{target} is a folder: --revision and --create-pr are for repositories of the Hub"
            raise CardCallbackError(msg)
        return FolderPlace(target)
    if revision is not None and target.revision is not None:
        msg = f"the target names the revision {target.revision} already: leave --revision out"
        raise CardCallbackError(msg)
    return HubPlace(target.repo_id, revision=revision or target.revision, create_pr=create_pr)
