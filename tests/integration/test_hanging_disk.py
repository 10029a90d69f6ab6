"""Trainings whose disk hangs for good: a file system of their own that is frozen, whose calls no signal reaches.

It takes the rights to mount one: ``make matrix-disk`` as root, on Linux.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cardcallback import load_run
from simulator import Simulation, build_problem, profile_named

pytestmark = [pytest.mark.training, pytest.mark.matrix]
_HERE = Path(__file__).resolve().parent
_SOURCE = _HERE.parent.parent / "src"
_SCRIPT = _HERE / "training_on_hanging_disk.py"
_MEBIBYTES = 64
_TIMEOUT_SECONDS = 900


def _run(*arguments: str | Path) -> bool:
    return subprocess.run([*map(str, arguments)], check=False, capture_output=True).returncode == 0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own."""
    image, folder = tmp_path / "image", tmp_path / "disk"
    folder.mkdir()
    with image.open("wb") as file:
        file.truncate(_MEBIBYTES << 20)
    has_tools = all(map(shutil.which, ("mkfs.ext4", "mount", "umount", "fsfreeze")))
    if not has_tools or not (_run("mkfs.ext4", "-q", "-F", image) and _run("mount", "-o", "loop", image, folder)):
        pytest.skip("a file system cannot be mounted here: it takes root's rights and a loop device")
    try:
        yield folder
    finally:
        _run("fsfreeze", "--unfreeze", folder)
        _run("umount", folder)


@pytest.mark.parametrize("when", ["begin", "middle", "end"])
def test_a_disk_that_hangs(when: str, disk: Path, tmp_path: Path) -> None:
    """Training ends while the disk still hangs, and says what is missing; what the journal had is had afterwards."""
    if build_problem() is not None:
        pytest.skip(str(build_problem()))
    environment = os.environ | Simulation(profile_named("gb10"), tmp_path).environment
    environment |= {"PYTHONPATH": os.pathsep.join([str(_SOURCE), str(_HERE)])}
    output = disk / "out"
    with subprocess.Popen(
        [sys.executable, str(_SCRIPT), str(output), str(tmp_path / "base"), when],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as training:
        try:
            assert training.stdout is not None
            told = []
            for line in training.stdout:  # until training is over, the disk still frozen
                told.append(line)
                if line.startswith("ended after: "):
                    break
            assert _is_frozen(disk)
            _run("fsfreeze", "--unfreeze", disk)
            told += training.stdout.readlines()
            assert training.wait(_TIMEOUT_SECONDS) == 0
        finally:
            _run("fsfreeze", "--unfreeze", disk)
            with contextlib.suppress(ProcessLookupError):
                training.kill()
    text = "".join(told)
    assert "the output folder did not answer within 10 s" in text
    assert "no record could be written" in text
    assert ("cardcallback recover" in text.rsplit("no record could be written", 1)[1]) is (when != "begin")
    if when != "begin":
        recover = [sys.executable, "-m", "cardcallback", "recover", str(output)]
        subprocess.run(recover, env=environment, check=True, capture_output=True, timeout=_TIMEOUT_SECONDS)
        record = load_run(output)
        assert record.energy.gpu.value is not None
        assert record.energy.gpu.value > 0


def _is_frozen(folder: Path) -> bool:
    """Freezing it again fails where it is frozen."""
    if _run("fsfreeze", "--freeze", folder):
        _run("fsfreeze", "--unfreeze", folder)
        return False
    return True
