"""What importing each part may load."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version

import pytest

FRAMEWORKS = frozenset({"torch", "transformers", "peft", "trl"})
HEAVY = FRAMEWORKS | {"pandas", "numpy", "matplotlib", "pynvml", "huggingface_hub"}
# Answers with the loaded top-level modules, in an interpreter that nothing else has imported into.
REPORT = "import json, sys; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"


def loaded_by(statement: str) -> set[str]:
    """The top-level modules that an interpreter holds after ``statement``."""
    done = subprocess.run(
        [sys.executable, "-c", f"{statement}; {REPORT}"], capture_output=True, text=True, check=True, timeout=120
    )
    return set(json.loads(done.stdout))


def test_the_package_itself_loads_nothing_heavy() -> None:
    """`import cardcallback` costs milliseconds: no framework, no plotting, no driver binding."""
    loaded = loaded_by("import cardcallback")
    assert "cardcallback" in loaded
    assert not loaded & HEAVY


PARTS = (
    "record render cli carbon energy sensors recorder observe settings curves sessions journal processes testing "
    "impact detailed_card"
)


_LOADS_TRAINER = version("transformers").startswith("4.")


@pytest.mark.parametrize("module", PARTS.split())
def test_no_part_but_the_callback_loads_a_framework(module: str) -> None:
    """Rendering, measuring and the commands work where torch and transformers are absent or slow to load."""
    loaded = loaded_by(f"import cardcallback.{module}")
    assert not loaded & FRAMEWORKS


@pytest.mark.parametrize("module", ["cli", "render", "recorder"])
def test_the_drawing_library_is_loaded_only_to_draw(module: str) -> None:
    """A command that draws nothing does not pay for matplotlib."""
    assert "matplotlib" not in loaded_by(f"import cardcallback.{module}")


def test_reading_a_record_loads_no_framework() -> None:
    """`from cardcallback import RunRecord, load_run` stays free of torch and transformers."""
    assert not loaded_by("from cardcallback import RunRecord, load_run, Sensor") & FRAMEWORKS


def test_the_callback_does_not_load_torch_by_itself() -> None:
    """The callback's own modules import transformers only; torch comes with a trainer, never through us."""
    # With transformers 4 only its Trainer loads PEFT, and is loaded for that: an adapter may come before a trainer.
    before = loaded_by("import transformers.trainer" if _LOADS_TRAINER else "from transformers import TrainerCallback")
    assert not (loaded_by("from cardcallback import CardCallback") - before) & {"torch", "peft", "trl", "pandas"}


def test_every_public_name_is_there() -> None:
    """Each name of ``__all__`` can be imported, so that the lazy table and the list agree."""
    loaded_by("import cardcallback; [getattr(cardcallback, name) for name in cardcallback.__all__]")


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A misspelt name fails as in any module."""
    done = subprocess.run(
        [sys.executable, "-c", "import cardcallback; cardcallback.CardCallbak"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "AttributeError: module 'cardcallback' has no attribute 'CardCallbak'" in done.stderr
