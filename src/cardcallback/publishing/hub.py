"""A model repository of the Hub, through its client's public calls: one commit, never over somebody's newer one."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cardcallback.errors import CardCallbackError
from cardcallback.publishing.place import Change
from cardcallback.writing import FileChangedError

COMMIT_MESSAGE = "Add what training took: hardware, time, energy"
_CHANGED_MEANWHILE = frozenset({409, 412})
_REFUSED = frozenset({401, 403})


class HubPlace:
    """A repository at its newest commit, as a ``Place``; the token comes from where the client keeps it.

    Args:
        repo_id: ``owner/name``.
        revision: branch or pull request; the main branch unless given.
        create_pr: whether a write opens a pull request.

    Raises:
        CardCallbackError: there is no such repository, no network, or no permission.
    """

    def __init__(self, repo_id: str, *, revision: str | None = None, create_pr: bool = False) -> None:
        from huggingface_hub import HfApi  # noqa: PLC0415 - takes longer to load than all else a command needs

        self._repo_id, self._revision, self._create_pr = repo_id, revision, create_pr
        self._api = HfApi(library_name="cardcallback")
        with _told(repo_id):
            info = self._api.model_info(repo_id, revision=revision, files_metadata=True)
        self._commit = info.sha
        self._contents: dict[str, bytes] = {}
        self._sizes = {file.rfilename: file.size for file in info.siblings or ()}

    @property
    def name(self) -> str:
        """The repository."""
        return self._repo_id

    def file_names(self) -> frozenset[str]:
        """Paths of all files in it."""
        return frozenset(self._sizes)

    def read(self, path: str, largest_bytes: int) -> bytes | None:
        """A file's content at the commit that was looked at, or None where there is none.

        Raises:
            CardCallbackError: it is too large or cannot be fetched.
        """
        if path not in self._sizes:
            return None
        if (self._sizes[path] or 0) > largest_bytes:
            msg = f"{path} in {self._repo_id} is larger than any such file: nothing was changed"
            raise CardCallbackError(msg)
        if path not in self._contents:
            with tempfile.TemporaryDirectory() as folder, _told(self._repo_id):
                found = self._api.hf_hub_download(self._repo_id, path, revision=self._commit, local_dir=folder)
                self._contents[path] = Path(found).read_bytes()
        return self._contents[path]

    def write(self, changes: Sequence[Change]) -> str:
        """All changes as one commit, or as one pull request; returns its address.

        Raises:
            FileChangedError: the branch has a newer commit than the one that was looked at.
            CardCallbackError: the Hub refuses it, or cannot be reached.
        """
        from huggingface_hub import CommitOperationAdd  # noqa: PLC0415 - as above

        operations = [CommitOperationAdd(path_in_repo=one.path, path_or_fileobj=one.after) for one in changes]
        with _told(self._repo_id):
            commit = self._api.create_commit(
                self._repo_id,
                operations,
                commit_message=COMMIT_MESSAGE,
                revision=self._revision,
                create_pr=self._create_pr,
                parent_commit=self._commit,
            )
        return str(commit.pr_url or commit.commit_url)


@contextlib.contextmanager
def _told(repo_id: str) -> Iterator[None]:
    """Whatever the client raises as one line with a cure."""
    try:
        yield
    except CardCallbackError:
        raise
    except Exception as error:
        # The client lets its HTTP library's own errors through, and which library that is depends on its version.
        raise _as_ours(error, repo_id) from error


def _as_ours(error: Any, repo_id: str) -> CardCallbackError:
    from huggingface_hub import errors  # noqa: PLC0415 - as above

    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, errors.OfflineModeIsEnabled):
        return CardCallbackError(f"{repo_id} cannot be reached: unset HF_HUB_OFFLINE, or publish into a folder")
    if status in _CHANGED_MEANWHILE:
        return FileChangedError(f"{repo_id} was changed by somebody else just now: it stays as it is, try again")
    if isinstance(error, errors.RevisionNotFoundError):
        return CardCallbackError(f"{repo_id} has no such revision: make the branch first, or leave it out")
    # A gated one too is "not found" to who may not see it.
    if isinstance(error, errors.RepositoryNotFoundError) or status in _REFUSED:
        cure = "create it, or log in with a token that may write to it (hf auth login)"
        return CardCallbackError(f"there is no model repository {repo_id} for this token: {cure}")
    if status is not None:
        return CardCallbackError(
            f"the Hub refused it for {repo_id} (HTTP {status}): nothing was changed, try again later"
        )
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    return CardCallbackError(f"{repo_id} cannot be reached ({type(error).__name__}: {reason}): nothing was changed")
