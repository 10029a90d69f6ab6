"""Where the journal lives: a setting of the machine, and no argument."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cardcallback import CardCallback
from cardcallback.errors import CardCallbackError
from cardcallback.settings import Settings, resolve_settings


def resolve(
    folder: Path, *, environ: Mapping[str, str] | None = None, arguments: Mapping[str, Any] | None = None
) -> Settings:
    """The settings, with ``folder`` as the working folder."""
    return resolve_settings(
        arguments or {}, environ=environ or {}, working_directory=folder, user_config_directory=folder / "none"
    )


def test_it_comes_from_the_environment_or_a_file(tmp_path: Path) -> None:
    """The variable goes before the file, whose relative path starts at the file."""
    (tmp_path / "local").mkdir()
    (tmp_path / "other").mkdir()
    assert resolve(tmp_path).journal_directory is None
    (tmp_path / "cardcallback.toml").write_text('journal_directory = "local"\n')
    assert resolve(tmp_path).journal_directory == tmp_path / "local"
    variable = {"CARDCALLBACK_JOURNAL_DIRECTORY": str(tmp_path / "other")}
    assert resolve(tmp_path, environ=variable).journal_directory == tmp_path / "other"


def test_a_folder_that_is_not_there_is_no_mistake(tmp_path: Path) -> None:
    """A setting for many computers stops no script on one of them, and nothing is made before a run begins."""
    variable = {"CARDCALLBACK_JOURNAL_DIRECTORY": str(tmp_path / "missing" / "inner")}
    assert resolve(tmp_path, environ=variable).journal_directory == tmp_path / "missing" / "inner"
    assert not (tmp_path / "missing").exists()


def test_what_is_no_path_is_refused(tmp_path: Path) -> None:
    """By the name the person wrote."""
    (tmp_path / "cardcallback.toml").write_text("journal_directory = 3\n")
    with pytest.raises(CardCallbackError, match=r"^journal_directory in cardcallback.toml needs a path"):
        resolve(tmp_path)


def test_it_is_no_argument(tmp_path: Path) -> None:
    """A training script does not know the node it will run on."""
    with pytest.raises(CardCallbackError, match="unknown argument: 'journal_directory'"):
        resolve(tmp_path, arguments={"journal_directory": tmp_path})
    assert "journal_directory" not in inspect.signature(CardCallback).parameters


def test_a_variable_that_is_misspelt_is_told(tmp_path: Path) -> None:
    """A near miss is not silence."""
    with pytest.raises(CardCallbackError, match="did you mean CARDCALLBACK_JOURNAL_DIRECTORY"):
        resolve(tmp_path, environ={"CARDCALLBACK_JOURNAL_DIRECTRY": str(tmp_path)})
