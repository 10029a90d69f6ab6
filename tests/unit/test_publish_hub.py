"""``cardcallback publish`` into repositories, with the calls of huggingface_hub's own client recorded."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from card_inputs import metadata
from huggingface_hub import CommitInfo, HfApi
from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled, RepositoryNotFoundError, RevisionNotFoundError
from publish_inputs import MERGED_CARD, make_output, make_target, run

from cardcallback.hub_id import is_hub_id
from cardcallback.publishing import HubAddress, parse_target

REPO = "ada/scribe"


@dataclass
class Repository:
    """A repository's files, and each call that would have gone to the network; ``problem`` is raised by the next."""

    files: dict[str, bytes]
    commit: int = 1
    commits: list[dict[str, Any]] = field(default_factory=list)
    reads: list[tuple[str, str]] = field(default_factory=list)
    looks: list[str | None] = field(default_factory=list)
    meanwhile: list[bytes] = field(default_factory=list)
    problem: Exception | None = None

    def model_info(self, repo_id: str, *, revision: str | None = None, **_: Any) -> Any:
        """The newest commit and its files."""
        assert repo_id == REPO
        self.looks.append(revision)
        if self.problem is not None:
            raise self.problem
        siblings = [SimpleNamespace(rfilename=name, size=len(content)) for name, content in self.files.items()]
        return SimpleNamespace(sha=f"{self.commit:040x}", siblings=siblings)

    def hf_hub_download(self, repo_id: str, filename: str, *, revision: str, local_dir: str) -> str:
        """One file of a commit."""
        assert (repo_id, revision) == (REPO, f"{self.commit:040x}")
        self.reads.append((filename, revision))
        path = Path(local_dir) / filename
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.files[filename])
        return str(path)

    def create_commit(self, repo_id: str, operations: Any, **options: Any) -> CommitInfo:
        """Take a commit, unless another came in between."""
        assert repo_id == REPO
        if self.meanwhile:
            self.files["README.md"] = self.meanwhile.pop(0)
            self.commit += 1
        if options["parent_commit"] != f"{self.commit:040x}" and not options["create_pr"]:
            raise http_error(412)
        paths = {}
        for operation in operations:
            with operation.as_file() as file:
                paths[operation.path_in_repo] = file.read()
        self.commits.append({"files": paths, **options})
        if not options["create_pr"]:
            self.files |= paths
            self.commit += 1
        url = f"https://huggingface.co/{REPO}/commit/{self.commit:040x}"
        pr_url = f"https://huggingface.co/{REPO}/discussions/1" if options["create_pr"] else None
        return CommitInfo(
            commit_url=url, commit_message=options["commit_message"], commit_description="", oid="0", pr_url=pr_url
        )


def http_error(status: int, kind: type[HfHubHTTPError] = HfHubHTTPError) -> HfHubHTTPError:
    """What the client raises for a status."""
    # Which library's response it holds depends on the client's version.
    response: Any = SimpleNamespace(status_code=status, headers={}, request=None)
    return kind(f"{status} somewhere\nwith a second line", response=response)


@pytest.fixture
def repository(monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A repository into which a merged model was pushed."""
    files = {"README.md": MERGED_CARD.encode(), "config.json": b'{"model_type": "gemma3"}', "model.safetensors": b""}
    there = Repository(files)
    for name in ("model_info", "hf_hub_download", "create_commit"):
        monkeypatch.setattr(HfApi, name, recorded(getattr(HfApi, name), getattr(there, name)))
    return there


def recorded(real: Callable[..., Any], instead: Callable[..., Any]) -> Callable[..., Any]:
    """A method of the client that goes to the repository above, with what the real one would take."""
    signature = inspect.signature(real)

    def call(client: HfApi, *arguments: Any, **options: Any) -> Any:
        signature.bind(client, *arguments, **options)
        return instead(*arguments, **options)

    return call


def test_one_commit_holds_everything(tmp_path: Path, repository: Repository, capsys: Any) -> None:
    """Card, pictures and record, on top of the commit that was read, with the links leading to the files in it."""
    assert run(make_output(tmp_path), REPO, "--location", "DE") == 0
    (commit,) = repository.commits
    assert set(commit["files"]) == {
        "README.md",
        "training_run/record.json",
        "training_run/loss_curve.png",
        "training_run/power_and_memory.png",
    }
    card = commit["files"]["README.md"].decode()
    assert card.startswith(MERGED_CARD.partition("---\n\n# Uploaded")[0])
    assert "](training_run/loss_curve.png)" in card
    assert metadata(card)["co2_eq_emissions"]["emissions"] == 37
    assert commit["parent_commit"] == f"{1:040x}"
    assert (commit["revision"], commit["create_pr"]) == (None, False)
    assert f"wrote https://huggingface.co/{REPO}/commit/" in capsys.readouterr().out


def test_publishing_twice_makes_no_second_commit(tmp_path: Path, repository: Repository, capsys: Any) -> None:
    """Nothing to change is no commit, and each file was fetched once."""
    output = make_output(tmp_path)
    assert run(output, REPO) == 0
    repository.reads.clear()
    assert run(output, REPO) == 0
    assert len(repository.commits) == 1
    assert len(set(repository.reads)) == len(repository.reads)
    assert "nothing to change" in capsys.readouterr().out


def test_a_pull_request_on_a_branch(tmp_path: Path, repository: Repository, capsys: Any) -> None:
    """Options of the client go to it as they are."""
    assert run(make_output(tmp_path), f"hf://{REPO}", "--create-pr", "--revision", "dev") == 0
    (commit,) = repository.commits
    assert (commit["revision"], commit["create_pr"], repository.looks) == ("dev", True, ["dev"])
    assert f"wrote https://huggingface.co/{REPO}/discussions/1" in capsys.readouterr().out


def test_a_dry_run_asks_and_commits_nothing(tmp_path: Path, repository: Repository, capsys: Any) -> None:
    """Only reading calls are made."""
    assert run(make_output(tmp_path), REPO, "--dry-run") == 0
    assert repository.commits == []
    assert "changed: README.md" in capsys.readouterr().out


def test_somebodys_commit_in_between_is_not_overwritten(tmp_path: Path, repository: Repository) -> None:
    """The Hub refuses ours, and the newer card is completed instead."""
    repository.meanwhile = [MERGED_CARD.encode() + b"\nAda's words.\n"]
    assert run(make_output(tmp_path), REPO) == 0
    (commit,) = repository.commits
    assert b"Ada's words." in commit["files"]["README.md"]
    assert commit["parent_commit"] == f"{2:040x}"


def test_a_repository_that_never_rests_is_left(tmp_path: Path, repository: Repository, capsys: Any) -> None:
    """After three attempts the person decides."""
    repository.meanwhile = [MERGED_CARD.encode() + bytes([number]) for number in b"123456"]
    assert run(make_output(tmp_path), REPO) == 1
    assert repository.commits == []
    assert "changed by somebody else just now" in capsys.readouterr().err


def test_another_runs_record_is_kept_in_the_same_commit(tmp_path: Path, repository: Repository) -> None:
    """With --force its record goes aside together with the new one."""
    other = make_output(tmp_path, "other", run_id="other-run", duration_seconds=7200.0)
    assert run(other, REPO) == 0
    assert run(make_output(tmp_path), REPO) == 1
    assert run(make_output(tmp_path, "again"), REPO, "--force") == 0
    files = repository.commits[-1]["files"]
    assert files["training_run/record-other-run.json"] == repository.commits[0]["files"]["training_run/record.json"]


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (http_error(404, RepositoryNotFoundError), "there is no model repository ada/scribe for this token"),
        (http_error(404, RevisionNotFoundError), "no such revision"),
        (http_error(403), "hf auth login"),
        (http_error(500), "HTTP 500"),
        (OfflineModeIsEnabled("offline"), "HF_HUB_OFFLINE"),
        (ConnectionError("no route\nmore"), "cannot be reached (ConnectionError: no route)"),
        (TimeoutError(), "cannot be reached (TimeoutError"),
    ],
)
def test_what_the_client_raises_is_one_line(
    tmp_path: Path, repository: Repository, problem: Exception, words: str, capsys: Any
) -> None:
    """No traceback, and the cure where there is one."""
    repository.problem = problem
    assert run(make_output(tmp_path), REPO) == 1
    err = capsys.readouterr().err
    assert words in err
    assert err.count("\n") == 1
    assert repository.commits == []


def test_a_huge_file_is_not_fetched(tmp_path: Path, repository: Repository, capsys: Any) -> None:
    """Its size is known before."""
    repository.files["README.md"] = b"x" * 1_100_000
    assert run(make_output(tmp_path), REPO) == 1
    assert "larger than any such file" in capsys.readouterr().err
    assert ("README.md", f"{1:040x}") not in repository.reads


@pytest.mark.parametrize(
    ("target", "revision"),
    [
        ("ada/scribe", None),
        ("hf://ada/scribe", None),
        ("hf://models/ada/scribe@dev", "dev"),
        ("hf://ada/scribe@refs/pr/3", "refs/pr/3"),
        ("https://huggingface.co/ada/scribe/", None),
        ("https://hf.co/ada/scribe", None),
    ],
)
def test_forms_of_an_address(target: str, revision: str | None) -> None:
    """As people copy it from the Hub."""
    assert is_hub_id(REPO)
    assert parse_target(target) == HubAddress(repo_id=REPO, revision=revision)


def test_a_folder_comes_before_a_repository_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what was asked for goes to the network."""
    (tmp_path / "ada" / "scribe").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert parse_target(REPO) == Path(REPO)


def test_offline_the_real_client_is_refused_in_one_line(tmp_path: Path) -> None:
    """No recording here: the client itself, told to stay offline."""
    output = make_output(tmp_path)
    make_target(tmp_path)
    command = [sys.executable, "-m", "cardcallback", "publish", str(output), f"hf://{REPO}"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | {"HF_HUB_OFFLINE": "1"}, cwd=tmp_path
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "HF_HUB_OFFLINE" in done.stderr
