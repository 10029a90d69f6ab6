"""What every test is bound by."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parent.parent


def test_a_test_that_waits_for_ever_has_an_end(tmp_path: Path) -> None:
    """Its process ends, and says where it stood, though what a test prints is captured."""
    (tmp_path / "test_hangs.py").write_text(
        "import threading\n\ndef test_hangs():\n    never_comes = threading.Event()\n    never_comes.wait()\n"
    )
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "conftest", "-q", "test_hangs.py"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path]), "LONGEST_TEST_SECONDS": "0.5"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert "Timeout (0:00:00.500000)!" in ended.stderr
    assert "in test_hangs" in ended.stderr
    assert "failed" not in ended.stdout
