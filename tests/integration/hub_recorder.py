"""The Hub's write calls, recorded: each commit with its texts as they were when the upload read them."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

REPO_ID = "someone/tiny"


@dataclass(frozen=True)
class Commit:
    """One commit: its message and, by path in the repository, the text of each Markdown or JSON file."""

    message: str
    paths: tuple[str, ...]
    texts: dict[str, str]
    thread: str

    @property
    def cards(self) -> dict[str, str]:
        """Every model card in it, the one of a checkpoint included."""
        return {path: text for path, text in self.texts.items() if Path(path).name == "README.md"}


@dataclass
class HubRecorder:
    """Stands where the network would be; everything above it is huggingface_hub's own code.

    While ``gate`` is clear an upload that was begun has not read a file yet.
    """

    commits: list[Commit] = field(default_factory=list)
    repositories: list[str] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)

    def create_repo(self, repo_id: str, **_: Any) -> Any:
        """What ``HfApi.create_repo`` returns, without a repository."""
        from huggingface_hub import RepoUrl  # noqa: PLC0415 - as late as the code under test imports it

        self.repositories.append(repo_id)
        return RepoUrl(f"https://huggingface.co/{repo_id}")

    def create_commit(self, repo_id: str, operations: Any, *, commit_message: str, **_: Any) -> Any:
        """Read what a commit would upload, at the moment it would."""
        from huggingface_hub import CommitInfo  # noqa: PLC0415 - as above

        assert self.gate.wait(60), "the test never let the upload begin"
        texts, paths = {}, []
        for operation in operations:
            paths.append(operation.path_in_repo)
            if Path(operation.path_in_repo).suffix in {".md", ".json"}:
                with operation.as_file() as file:
                    texts[operation.path_in_repo] = file.read().decode("utf-8")
        thread = threading.current_thread().name
        self.commits.append(Commit(message=commit_message, paths=tuple(sorted(paths)), texts=texts, thread=thread))
        url = f"https://huggingface.co/{repo_id}/commit/{len(self.commits):040x}"
        return CommitInfo(commit_url=url, commit_message=commit_message, commit_description="", oid=url[-40:])


def validate_yaml(_: object, content: str, **__: object) -> None:
    """What the Hub does before an upload: a card's front matter must be a YAML mapping."""
    import yaml  # noqa: PLC0415 - as above; huggingface_hub brings it

    if content.startswith("---"):
        assert isinstance(yaml.safe_load(content.split("---")[1]), dict), content


def install_recorder(monkeypatch: pytest.MonkeyPatch) -> HubRecorder:
    """Replace the three calls that reach the network, for the methods and for the functions bound to them."""
    import huggingface_hub  # noqa: PLC0415 - only where a training test runs
    import transformers.trainer  # noqa: PLC0415 - as above
    from huggingface_hub import HfApi, constants  # noqa: PLC0415 - as above

    recorder = HubRecorder()
    recorder.gate.set()

    def create_repo(_: HfApi, repo_id: str, **options: Any) -> Any:
        return recorder.create_repo(repo_id, **options)

    def create_commit(_: HfApi, repo_id: str, operations: Any, **options: Any) -> Any:
        return recorder.create_commit(repo_id, operations, **options)

    monkeypatch.setattr(HfApi, "create_repo", create_repo)
    monkeypatch.setattr(HfApi, "create_commit", create_commit)
    monkeypatch.setattr(HfApi, "_validate_yaml", validate_yaml)
    # Chunked storage has a pipeline of its own; without it uploads end in create_commit in every version.
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(huggingface_hub, "create_repo", recorder.create_repo)
    if hasattr(transformers.trainer, "create_repo"):
        monkeypatch.setattr(transformers.trainer, "create_repo", recorder.create_repo)
    return recorder
