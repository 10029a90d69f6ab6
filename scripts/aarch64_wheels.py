"""Check that every dependency, extras included, installs on aarch64 Linux from wheels alone.

pip resolves for that platform without installing anything; the exit code is 1 where something would have to
be compiled there. DGX OS 7 has Python 3.12 and glibc 2.39.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON_VERSIONS = ("3.10", "3.12")
# pip takes a platform literally, so each older glibc that a wheel may name is listed.
PLATFORMS = ["linux_aarch64", "manylinux2014_aarch64", *(f"manylinux_2_{minor}_aarch64" for minor in range(17, 40))]


def main() -> int:
    """Print what was resolved for each Python version; 1 where that failed."""
    failed = False
    for python_version in PYTHON_VERSIONS:
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report.json"
            result = subprocess.run(
                resolve_command(python_version, report), capture_output=True, text=True, check=False
            )
            if result.returncode:
                failed = True
                print(f"Python {python_version} on aarch64: {last_errors(result.stderr)}")
                continue
            print(f"Python {python_version} on aarch64: {summary(report)}")
    return 1 if failed else 0


def resolve_command(python_version: str, report: Path) -> list[str]:
    """The pip call that resolves this project for aarch64 and writes its report."""
    command = [sys.executable, "-m", "pip", "install", "-qq", "--dry-run", "--ignore-installed", "--only-binary=:all:"]
    command += ["--target", str(report.parent / "target"), "--report", str(report), "--python-version", python_version]
    for platform in PLATFORMS:
        command += ["--platform", platform]
    return [*command, "--constraint", str(ROOT / "constraints.txt"), f"{ROOT}[examples]"]


def summary(report: Path) -> str:
    """How many wheels were found, and how many of them are compiled for aarch64."""
    names = [item["download_info"]["url"].rsplit("/", 1)[-1] for item in json.loads(report.read_text())["install"]]
    compiled = [name for name in names if "aarch64" in name]
    return f"{len(names)} packages, {len(compiled)} of them compiled for aarch64, none to be built"


def last_errors(stderr: str) -> str:
    """The reason that pip gives, without its warnings."""
    lines = [line for line in stderr.splitlines() if line.startswith("ERROR")]
    return " / ".join(lines) or stderr.strip()


if __name__ == "__main__":
    sys.exit(main())
