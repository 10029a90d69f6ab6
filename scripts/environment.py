"""Create or extend a virtual environment without ever touching a torch that is already there.

    python3 scripts/environment.py .venv --extra examples --group test

Where the Python that runs this script can import torch (NVIDIA's CUDA build on an aarch64 machine, say),
the new environment sees everything that Python sees, and the exact versions of torch and its companions
become constraints: pip can then only fail, never replace them. Elsewhere torch comes from
``constraints.txt``, if anything asked for needs it. Only the standard library is used.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import os
import site
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# These are compiled against one exact torch, so changing one of them breaks the others.
COMPANIONS = ("torch", "torchvision", "torchaudio", "triton", "pytorch-triton")
INHERITED_PTH = "_inherited.pth"
CONSTRAINTS_NAME = "inherited-constraints.txt"


def main() -> int:
    """Build the environment that the command line asks for; the exit code is pip's."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="the environment's folder; extended if it is there")
    parser.add_argument("--extra", action="append", default=[], help="an extra of the package to install")
    parser.add_argument("--group", action="append", default=[], help="a dependency group to install")
    parser.add_argument("--torch", action="store_true", help="install the pinned torch unless one is there")
    parser.add_argument("--project", type=Path, default=ROOT, help="what to install (default: this project)")
    parser.add_argument("also", nargs="*", help="further requirements, such as 'transformers<5'")
    arguments = parser.parse_args()
    folder: Path = arguments.folder.resolve()
    torch_version = importable_torch_version()
    python = prepare(folder, inherit=torch_version is not None)
    constraints = folder / CONSTRAINTS_NAME if torch_version else ROOT / "constraints.txt"
    if torch_version:
        constraints.write_text(companion_constraints(), encoding="utf-8")
    print(describe(folder, torch_version), flush=True)
    # Most of what is installed is never imported; the rest is compiled then, once.
    pip = [str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-compile"]
    # Dependency groups need pip 25.1; what a Python brings along is often older.
    code = subprocess.call([*pip, "--upgrade", "pip>=25.1"])
    if code:
        return code
    extras = f"[{','.join(arguments.extra)}]" if arguments.extra else ""
    command = [*pip, "--constraint", str(constraints), "--editable", f"{arguments.project}{extras}", *arguments.also]
    for group in arguments.group:
        command += ["--group", f"{arguments.project / 'pyproject.toml'}:{group}"]
    if arguments.torch:
        command.append("torch")
    code = subprocess.call(command)
    if code and torch_version:
        hint = f"pip could not keep the torch {torch_version} that is there, or failed otherwise; it is untouched"
        print(hint, file=sys.stderr)
    return code


def importable_torch_version() -> str | None:
    """The version of the torch that this Python can really import, or ``None``."""
    if importlib.util.find_spec("torch") is None:
        return None
    # A process of its own: a torch that crashes while loading counts as absent.
    works = subprocess.run([sys.executable, "-c", "import torch"], capture_output=True, check=False).returncode == 0
    return importlib.metadata.version("torch") if works else None


def companion_constraints() -> str:
    """One exact requirement a line for torch and whatever is compiled against it."""
    present = {item.name.lower(): item.version for item in importlib.metadata.distributions() if item.name}
    return "".join(f"{name}=={present[name]}\n" for name in COMPANIONS if name in present)


def prepare(folder: Path, *, inherit: bool) -> Path:
    """The Python of the environment in ``folder``, which is created if missing."""
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True, symlinks=os.name != "nt")
    if inherit:
        purelib = subprocess.check_output(
            [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True
        ).strip()
        # --system-site-packages would show the system's packages only, not those of an active environment.
        lines = [f"import site; site.addsitedir({path!r})" for path in site_folders()]
        (Path(purelib) / INHERITED_PTH).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return python


def site_folders() -> list[str]:
    """Where this Python keeps its packages, the ones that come first first."""
    folders = [path for path in site.getsitepackages() if Path(path).is_dir()]
    if site.ENABLE_USER_SITE and Path(site.getusersitepackages()).is_dir():
        folders.insert(0, site.getusersitepackages())
    return folders


def describe(folder: Path, torch_version: str | None) -> str:
    """What is about to happen, in one line."""
    if torch_version:
        return f"Building {folder.name} around the torch {torch_version} that is there (it will not be changed) ..."
    return f"Building {folder.name} (no torch found: where one is needed, the pinned version is installed) ..."


if __name__ == "__main__":
    sys.exit(main())
