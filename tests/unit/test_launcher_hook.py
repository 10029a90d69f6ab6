"""What the launcher does inside a command's Python: waits, attaches, and is gone; nothing of others is lost."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from launched import SOURCE, environment, python, stand_in_transformers

from cardcallback.launcher import starting

HOOK_FOLDER = Path(starting.__file__).parent / "first_on_path"
NAMES = "from transformers import Trainer; print(Trainer().names)"
LEFT = "import sys; print([type(one).__name__ for one in sys.meta_path if '_cardcallback_hook' in str(type(one))])"


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A folder with the stand-in for transformers."""
    return stand_in_transformers(tmp_path / "library")


def test_every_trainer_has_the_callback(library: Path) -> None:
    """Two trainers of one process have one each, and the hook is gone from the import system."""
    done = python(f"{NAMES}; print(Trainer().names); {LEFT}", environment(library, SOURCE))
    assert (done.stdout.splitlines(), done.stderr) == (["['CardCallback']", "['CardCallback']", "[]"], "")


def test_the_module_is_loaded_as_without_us(library: Path) -> None:
    """Its loader, source and spec are its own, for tools that read the source of what they patch."""
    code = (
        "import inspect, importlib.util, sys\n"
        "importlib.util.find_spec('transformers.trainer_callback')\n"
        "import transformers.trainer_callback as module\n"
        "print(type(module.__loader__).__name__, type(module.__spec__.loader).__name__)\n"
        "print('for callback in callbacks' in inspect.getsource(module.CallbackHandler.__init__))\n"
        "print(module.Trainer().names)\n"
    )
    done = python(code, environment(library, SOURCE))
    assert done.stdout.splitlines() == ["SourceFileLoader SourceFileLoader", "True", "['CardCallback']"], done.stderr


def test_a_finder_that_asks_all_others_is_no_trouble(library: Path) -> None:
    """Some tools' finders call importlib for the module that they are asked for: that comes back to ours."""
    code = (
        "import importlib.util, sys\n"
        "class Asking:\n"
        "    busy = False\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if self.busy: return None\n"
        "        self.busy = True\n"
        "        try: return importlib.util.find_spec(name)\n"
        "        finally: self.busy = False\n"
        "import transformers\n"
        "sys.meta_path.insert(PLACE, Asking())\n"
        "print(transformers.Trainer().names)\n"
    )
    for place in ("0", "1"):
        done = python(code.replace("PLACE", place), environment(library, SOURCE))
        assert (done.stdout.strip(), done.stderr) == ("['CardCallback']", "")


def test_a_module_that_fails_once_is_awaited_still(library: Path) -> None:
    """An import that broke is the command's own error; when it is tried again, the callback comes."""
    code = (
        "import builtins\n"
        "try: import transformers.trainer_callback\n"
        "except RuntimeError as error: print(error)\n"
        "builtins.ready = True\n"
        f"{NAMES}"
    )
    module = library / "transformers" / "trainer_callback.py"
    early = "import builtins\nif not hasattr(builtins, 'ready'): raise RuntimeError('not yet')\n"
    module.write_text(early + module.read_text(encoding="utf-8"), encoding="utf-8")
    done = python(code, environment(library, SOURCE))
    assert done.stdout.splitlines() == ["not yet", "['CardCallback']"]


@pytest.mark.parametrize("given", ["CardCallback", "CardCallback()"])
def test_a_persons_own_callback_is_the_only_one(library: Path, given: str) -> None:
    """Whoever gives one, at once or later, keeps it with its settings: ours stands aside without a word."""
    first = f"from transformers import Trainer; from cardcallback import CardCallback; own = {given}\n"
    done = python(f"{first}print(Trainer([own]).names)", environment(library, SOURCE))
    assert (done.stdout.strip(), done.stderr) == ("['CardCallback']", "")
    later = f"{first}trainer = Trainer([[]]); trainer.add_callback(own); trainer.add_callback({{}})\n"
    done = python(
        f"{later}print(trainer.names, own in trainer.callback_handler.callbacks)", environment(library, SOURCE)
    )
    is_that = given.endswith(")")
    assert (done.stdout.strip(), done.stderr) == (f"['list', 'CardCallback', 'dict'] {is_that}", "")


def test_a_trainer_whose_construction_fails_is_the_commands_own_matter(library: Path) -> None:
    """The exception of a subclass passes as it is, and the next trainer has its callback."""
    code = (
        "from transformers import Trainer\n"
        "class Failing(Trainer):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        raise ValueError('no data')\n"
        "try: Failing()\n"
        "except ValueError as error: print(error)\n"
        "print(Trainer().names)\n"
    )
    done = python(code, environment(library, SOURCE))
    assert (done.stdout.splitlines(), done.stderr) == (["no data", "['CardCallback']"], "")


def test_a_bad_setting_warns_and_the_trainer_is_made(library: Path, tmp_path: Path) -> None:
    """A settings file in a folder that the command goes to cannot stop it."""
    (tmp_path / "cardcallback.toml").write_text('location = "Atlantis"\n', encoding="utf-8")
    done = python(NAMES, environment(library, SOURCE), folder=tmp_path)
    assert done.stdout.strip() == "[]"
    assert done.stderr.count("\n") == 1
    assert "cardcallback could not attach to a trainer: location in cardcallback.toml" in done.stderr


@pytest.mark.parametrize("disabled", ["1", "true"])
def test_it_can_be_switched_off_in_the_command(library: Path, disabled: str) -> None:
    """A script that sets the switch itself trains without us."""
    code = f"import os; os.environ['CARDCALLBACK_DISABLE'] = '{disabled}'; {NAMES}"
    done = python(code, environment(library, SOURCE))
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


@pytest.mark.parametrize("kind", ["spawn", "fork", "forkserver"])
def test_children_attach_as_well(library: Path, tmp_path: Path, kind: str) -> None:
    """A trainer in a process of multiprocessing has the callback, however that was started."""
    script = tmp_path / "parent.py"
    script.write_text(
        "import multiprocessing\n"
        "def child():\n"
        "    from transformers import Trainer\n"
        "    print(Trainer().names, flush=True)\n"
        "if __name__ == '__main__':\n"
        f"    process = multiprocessing.get_context({kind!r}).Process(target=child)\n"
        "    process.start()\n"
        "    process.join()\n",
        encoding="utf-8",
    )
    done = python(f"import runpy; runpy.run_path({str(script)!r}, run_name='__main__')", environment(library, SOURCE))
    if kind != "fork":  # those import the main module, which runpy is not
        done = python("pass", environment(library, SOURCE), str(script))
    assert "['CardCallback']" in done.stdout, done.stderr


def test_a_python_without_cardcallback_says_so_once_and_goes_on(library: Path, tmp_path: Path) -> None:
    """The command of another environment: one line with the cure, from the first of its processes only."""
    older = tmp_path / "older"
    (older / "cardcallback").mkdir(parents=True)
    (older / "cardcallback" / "__init__.py").touch()
    done = python(f"{NAMES}; print(Trainer().names)", environment(library, older))
    assert done.stdout.splitlines() == ["[]", "[]"]
    assert done.returncode == 0
    assert done.stderr.startswith("cardcallback: not measured: the Python of this command has no cardcallback, or too")
    assert "-m pip install -U cardcallback" in done.stderr
    assert done.stderr.count("\n") == 1
    assert python(NAMES, environment(library, older, RANK="1")).stderr == ""


def test_the_hidden_sitecustomize_runs_as_ever(tmp_path: Path) -> None:
    """A distribution's or a profiler's own is run, is the one that others see, and its errors are Python's to tell."""
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.hidden = __file__\n", encoding="utf-8")
    code = "import sys, sitecustomize; print(sys.hidden == sitecustomize.__file__, 'first_on_path' in str(sys.path))"
    done = python(code, environment(tmp_path))
    assert (done.stdout.strip(), done.stderr) == ("True False", "")
    (tmp_path / "sitecustomize.py").write_text("import no_such_module_of_ours\n", encoding="utf-8")
    with_us, without = (python("print(1)", environment(tmp_path, launched=way)) for way in (True, False))
    assert (with_us.stdout, with_us.stderr) == (without.stdout, without.stderr)
    assert "no_such_module_of_ours" in with_us.stderr


def test_usercustomize_runs_too(tmp_path: Path) -> None:
    """The person's own start-up module is none of our business."""
    code = "import site, sys; print(site.ENABLE_USER_SITE, sys.modules.get('usercustomize') is not None)"
    (tmp_path / "usercustomize.py").touch()
    with_us, without = (python(code, environment(tmp_path, launched=way)) for way in (True, False))
    assert with_us.stdout == without.stdout


@pytest.mark.parametrize("option", ["-I", "-E", "-S"])
def test_what_python_is_told_to_ignore_is_unharmed(option: str) -> None:
    """Nothing attaches there, and nothing is said or broken."""
    done = python(LEFT, environment(), option)
    assert (done.stdout.strip(), done.stderr, done.returncode) == ("[]", "", 0)


def test_a_process_that_never_trains_loads_next_to_nothing() -> None:
    """No module is loaded into it but the two files of the launcher."""
    code = "import sys; print(*sorted(sys.modules))"
    with_us, without = (set(python(code, environment(launched=way)).stdout.split()) for way in (True, False))
    assert with_us - without <= {"_cardcallback_hook", "sitecustomize", "__future__"}
    assert "_cardcallback_hook" in with_us


@pytest.mark.parametrize("name", ["sitecustomize.py", "_cardcallback_hook.py"])
def test_older_pythons_understand_it(name: str) -> None:
    """A child of the command may be any Python 3: what comes by every one of them is written for that."""
    ast.parse((HOOK_FOLDER / name).read_text(encoding="utf-8"), feature_version=(3, 7))
