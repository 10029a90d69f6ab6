"""``cardcallback run``: the command's own exit code, output and signals, and settings that travel to it."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from launched import SOURCE, environment

from cardcallback.launcher.starting import environment_of_command, unreached
from cardcallback.settings import as_variables, resolve_settings

# Prints what of the environment concerns us, by name, as it reached the command.
REPORT = (
    "import json, os; print(json.dumps({name: text for name, text in os.environ.items() "
    "if name.startswith('CARDCALLBACK_') or name == 'PYTHONPATH'}))"
)


def started(*arguments: str | Path, folder: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    """What ``cardcallback`` with these arguments leaves, in a process of its own since it becomes the command."""
    return subprocess.run(
        [sys.executable, "-m", "cardcallback", *map(str, arguments)],
        env=environment(SOURCE, launched=False, **variables),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder, with no settings of this machine's user."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("separator", [["--"], []])
def test_exit_code_output_and_arguments_are_the_commands_own(folder: Path, separator: list[str]) -> None:
    """What follows the command's name is its own, also what looks like an option of ours."""
    code = "import sys; print(sys.argv[1:]); print('aside', file=sys.stderr); sys.exit(7)"
    done = started("run", *separator, sys.executable, "-c", code, "--location", "--", "X", folder=folder)
    assert (done.returncode, done.stdout, done.stderr) == (7, "['--location', '--', 'X']\n", "aside\n")


@pytest.mark.parametrize("name", ["TERM", "INT", "KILL", "PIPE"])
def test_a_signal_ends_it_as_it_would_end_the_command(folder: Path, name: str) -> None:
    """Whoever waits sees the signal itself; one that Python ignores from its start is not ignored there."""
    done = started("run", "sh", "-c", f'kill -s {name} "$$"; echo survived', folder=folder)
    assert (done.returncode, done.stdout) == (-getattr(signal, f"SIG{name}"), "")


def test_ctrl_c_reaches_the_command_and_no_one_else(folder: Path) -> None:
    """A signal to the whole group is the command's to handle, and its exit code counts."""
    code = (
        "import sys, time\ntry:\n    print('ready', flush=True)\n    while True: time.sleep(0.05)\n"
        "except KeyboardInterrupt: sys.exit(42)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "cardcallback", "run", sys.executable, "-c", code],
        env=environment(SOURCE, launched=False),
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        os.killpg(process.pid, signal.SIGINT)
        try:
            output, errors = process.communicate(timeout=120)
        finally:
            process.kill()
    assert (process.returncode, output, errors) == (42, "", "")


def test_a_command_that_is_not_there(folder: Path) -> None:
    """127 and one line, which knows of a script in this folder."""
    done = started("run", "--", "no-such-command", folder=folder)
    assert (done.returncode, done.stderr) == (127, "cardcallback: no-such-command: command not found\n")
    (folder / "train.py").touch()
    done = started("run", "--", "train.py", folder=folder)
    assert done.returncode == 127
    assert "cardcallback run -- python train.py" in done.stderr


@pytest.mark.parametrize(
    ("text", "mode", "words"),
    [
        ("print(1)\n", 0o600, "it is not executable"),
        ("print(1)\n", 0o700, "names no interpreter"),
        ("#!/no/such/python\nprint(1)\n", 0o700, "the interpreter that its first line names is not there"),
    ],
)
def test_a_command_that_cannot_be_started(folder: Path, text: str, mode: int, words: str) -> None:
    """126 and one line with the reason."""
    script = folder / "train.py"
    script.write_text(text, encoding="utf-8")
    script.chmod(stat.S_IFREG | mode)
    done = started("run", "--", "./train.py", folder=folder)
    assert done.returncode == 126
    assert done.stderr.count("\n") == 1
    assert words in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="a shell closes the stream")
def test_a_closed_output_is_the_commands_own_matter(folder: Path) -> None:
    """As a service may start it: the command runs, and decides itself what to do without."""
    words = f"{sys.executable} -m cardcallback run -- {sys.executable} -c 'raise SystemExit(7)' >&-"
    done = subprocess.run(
        ["/bin/sh", "-c", words], env=environment(SOURCE, launched=False), cwd=folder, check=False, timeout=120
    )
    assert done.returncode == 7


def test_a_folder_is_called_one(folder: Path) -> None:
    """Not a script that could be started with an interpreter."""
    done = started("run", "--", str(folder), folder=folder)
    assert (done.returncode, done.stderr) == (126, f"cardcallback: {folder} cannot be started: it is a folder\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run"], "Missing argument"),
        (["run", "--no-such-option", "true"], "No such option"),
        (["run", "--location", "Atlantis", "true"], "cardcallback: location"),
        (["run", "--card", "card.txt", "true"], "cardcallback: card needs a bare file name"),
    ],
)
def test_a_wrong_option_starts_nothing(folder: Path, arguments: list[str], words: str) -> None:
    """2, which no check of ours has in common with the command."""
    done = started(*arguments, folder=folder)
    assert done.returncode == 2
    assert words in done.stderr


def test_settings_travel_whole(folder: Path) -> None:
    """Each option is in the command's environment, paths wherever it goes; what was there stays there."""
    (folder / "card.md").touch()
    options = [
        "--location",
        "DEU",
        "--pue",
        "1.25",
        "--stage",
        "DPO",
        "--template",
        "card.md",
        "--no-charts",
        "--quiet",
    ]
    done = started(
        "run", *options, "--", sys.executable, "-c", REPORT, folder=folder, CARDCALLBACK_STAGE="SFT", CARDCALLBACK_X="1"
    )
    reached = json.loads(done.stdout)
    path = reached.pop("PYTHONPATH").split(os.pathsep)
    assert (Path(path[0]).name, path[1:]) == ("first_on_path", [str(SOURCE)])
    assert reached == {
        "CARDCALLBACK_LOCATION": "DE",
        "CARDCALLBACK_PUE": "1.25",
        "CARDCALLBACK_STAGE": "DPO",
        "CARDCALLBACK_TEMPLATE": str(folder / "card.md"),
        "CARDCALLBACK_CHARTS": "0",
        "CARDCALLBACK_QUIET": "1",
        "CARDCALLBACK_X": "1",
    }


def test_the_settings_of_this_folder_travel_too(folder: Path) -> None:
    """The command may train elsewhere, where no relative path of this folder is right; an option still wins."""
    (folder / "card.md").touch()
    (folder / "own.csv").write_text("place,grams_per_kwh,source\nHall 3,41,Own study\n", encoding="utf-8")
    settings = 'location = "Hall 3"\ncarbon_factors = "own.csv"\nstage = "SFT"\nmodel_index = true\n'
    (folder / "cardcallback.toml").write_text(settings, encoding="utf-8")
    options = ["--stage", "DPO"]
    done = started("run", *options, "--", sys.executable, "-c", REPORT, folder=folder, CARDCALLBACK_TEMPLATE="card.md")
    reached = json.loads(done.stdout)
    del reached["PYTHONPATH"]
    assert reached == {
        "CARDCALLBACK_LOCATION": "Hall 3",
        "CARDCALLBACK_CARBON_FACTORS": str(folder / "own.csv"),
        "CARDCALLBACK_STAGE": "DPO",
        "CARDCALLBACK_MODEL_INDEX": "1",
        "CARDCALLBACK_TEMPLATE": str(folder / "card.md"),
    }


def test_what_travels_is_read_as_it_was_given(folder: Path) -> None:
    """Every setting means the same as an option and as a variable in another folder."""
    given = {
        "location": "FR",
        "carbon_intensity_grams_per_kwh": 1000 / 3,
        "pue": 1.1,
        "base_model": "google/gemma-3-1b-it",
        "previous": Path("sft"),
        "card": "CARD.md",
        "sampling_interval_seconds": 0.1,
        "charts": False,
        "estimate_rest": True,
        "publish": "card",
    }
    (folder / "sft").mkdir()
    kinds = {"working_directory": folder, "user_config_directory": folder / "none"}
    settings = resolve_settings(given, environ={}, **kinds)
    kinds["working_directory"] = folder / "elsewhere"
    assert resolve_settings({}, environ=as_variables(settings, given), **kinds) == settings


def test_switched_off_the_command_is_left_alone(folder: Path) -> None:
    """Nothing at all is put into its environment."""
    done = started("run", "--", sys.executable, "-c", REPORT, folder=folder, CARDCALLBACK_DISABLE="1")
    assert json.loads(done.stdout) == {"CARDCALLBACK_DISABLE": "1", "PYTHONPATH": str(SOURCE)}


def test_one_launcher_in_another_is_on_the_path_once() -> None:
    """A command that calls us again changes nothing."""
    once = environment_of_command({"PYTHONPATH": "/a"}, {})
    assert environment_of_command(once, {}) == once
    assert environment_of_command({}, {})["PYTHONPATH"] == once["PYTHONPATH"].split(os.pathsep)[0]


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("python -I train.py", "python -I does without PYTHONPATH"),
        ("/usr/bin/python3.12 -uS -m train", "python -S does without sitecustomize"),
        ("env -i python train.py", "env -i takes the environment away"),
        ("python -m IES", None),
        ("python -WIgnore -X importtime train.py -I", None),
        ("env A=1 python train.py", None),
        ("trl sft -I", None),
    ],
)
def test_what_its_first_words_show_to_be_out_of_reach(command: str, reason: str | None) -> None:
    """Said before the command begins, since nobody is left to say it afterwards."""
    assert unreached(command.split()) == reason


def test_out_of_reach_is_said_and_the_command_runs(folder: Path) -> None:
    """One line beside the command's output."""
    done = started("run", "--", sys.executable, "-I", "-c", "print(1)", folder=folder)
    assert (done.returncode, done.stdout) == (0, "1\n")
    assert done.stderr.startswith("cardcallback: not measured: python -I does without PYTHONPATH")
