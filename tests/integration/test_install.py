"""Installing into a machine that NVIDIA prepared adds packages and changes none that is there.

The prepared machine is an environment with packages of a fixed, older version, a constraint file that pins
them as NVIDIA's images do, and a torch whose version has the form NVIDIA gives its builds. That torch is a
stand-in without code: pip judges by versions alone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NVIDIA_TORCH = "2.10.0a0+b558c986e8.nv25.11"
PREPARED = ["numpy==2.1.3", "packaging==25.0", "typing_extensions==4.14.1", "pyyaml==6.0.2", "psutil==6.1.1"]
LIST_PACKAGES = """
import importlib.metadata, json
found = {}
for item in importlib.metadata.distributions():
    found.setdefault(item.name.lower().replace("_", "-"), [item.version, str(item.locate_file(""))])
print(json.dumps(found))
"""

pytestmark = pytest.mark.matrix


def write_wheel(folder: Path, name: str, version: str, *, requires: tuple[str, ...] = ()) -> Path:
    """A wheel with one empty module, made without a build tool."""
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    requirements = "".join(f"Requires-Dist: {item}\n" for item in requires)
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"{name}/__init__.py", f"__version__ = {version!r}\n")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requirements}")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return wheel


def packages(python: Path) -> dict[str, list[str]]:
    """Version and folder of each package that ``python`` sees, the one that would be imported."""
    return json.loads(subprocess.check_output([str(python), "-c", LIST_PACKAGES], text=True))


def build(python: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Build an environment the way the Makefile does, from the prepared machine's Python."""
    pinned = python.parents[1] / "constraint.txt"
    return subprocess.run(
        [str(python), str(ROOT / "scripts/environment.py"), str(folder), *arguments],
        env=os.environ | {"PIP_CONSTRAINT": str(pinned)},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of the prepared machine."""
    folder = tmp_path_factory.mktemp("prepared")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = folder / "bin" / "python"
    torch = write_wheel(folder, "torch", NVIDIA_TORCH)
    (folder / "constraint.txt").write_text("\n".join([*PREPARED, f"torch=={NVIDIA_TORCH}"]) + "\n", encoding="utf-8")
    subprocess.run([str(python), "-m", "pip", "install", "-qq", str(torch), *PREPARED], check=True, timeout=600)
    return python


@pytest.fixture(scope="module")
def installed(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, list[str]], Path]:
    """What was there before, and the Python of the environment that was built around it."""
    before = packages(prepared)
    folder = tmp_path_factory.mktemp("environments") / "around"
    done = build(prepared, folder, "accelerate")
    assert done.returncode == 0, done.stderr
    assert f"around the torch {NVIDIA_TORCH} that is there" in done.stdout
    return before, folder / "bin" / "python"


def test_installing_changes_no_package_that_is_there(
    prepared: Path, installed: tuple[dict[str, list[str]], Path]
) -> None:
    """Every package of the prepared machine has the same version in the same place, seen from both sides."""
    before, python = installed
    assert packages(prepared) == before
    after = packages(python)
    kept = {name: after[name] for name in before if name not in {"pip", "setuptools"}}
    assert kept == {name: found for name, found in before.items() if name not in {"pip", "setuptools"}}
    assert after["torch"][0] == NVIDIA_TORCH


def test_what_was_installed_works(installed: tuple[dict[str, list[str]], Path]) -> None:
    """The command and the callback run in the new environment, beside packages of the old one."""
    before, python = installed
    after = packages(python)
    assert {"cardcallback", "transformers", "nvidia-ml-py", "accelerate"} <= set(after) - set(before)
    subprocess.run([str(python), "-m", "pip", "check"], check=True)
    subprocess.run([str(python), "-c", "import cardcallback; cardcallback.RunRecord"], check=True)


def test_pip_fails_rather_than_replace_torch(prepared: Path, tmp_path: Path) -> None:
    """A package that needs another torch cannot be installed, and the torch that is there stays."""
    before = packages(prepared)
    greedy = write_wheel(tmp_path, "greedy", "1.0", requires=("torch>=2.11",))
    done = build(prepared, tmp_path / "refused", str(greedy))
    assert done.returncode != 0
    assert f"pip could not keep the torch {NVIDIA_TORCH}" in done.stderr
    assert packages(prepared) == before
    assert packages(tmp_path / "refused/bin/python")["torch"] == before["torch"]
