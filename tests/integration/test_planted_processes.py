"""Nothing that tells on somebody is in any file of a job of several processes: while it runs, after it, recovered."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from loaded_python import Forked, LoadedPython
from planted import PLANTED, USER, told_by

from cardcallback import load_run
from simulator import Simulation, build_problem, profile_named

pytestmark = pytest.mark.training
_HERE = Path(__file__).resolve().parent
_SOURCE = _HERE.parent.parent / "src"
_TIMEOUT_SECONDS = 240
# What a job of two computers has on its disk only while it runs.
_LIVE_FILES = frozenset({"invitation", "rank-1.json", "rank-3.json", "job", "journal"})
_PROFILE = profile_named("h100x8")
_DEVICES = tuple(replace(one, serial=f"165012398765{place}") for place, one in enumerate(_PROFILE.devices))
# What firmware and kernel tell of one machine alone.
_SYSTEM = {
    "sys/class/dmi/id/product_name": "PowerEdge XE9680",
    "sys/class/dmi/id/sys_vendor": "Dell Inc.",
    "sys/class/dmi/id/product_serial": "7QX4WD3-SERIAL",
    "sys/class/dmi/id/board_serial": ".7QX4WD3.CNFCP00BOARD",
    "sys/class/dmi/id/product_uuid": "4c4c4544-0051-5810-8034-b7c04f574433",
    "sys/class/dmi/id/chassis_asset_tag": "ANALYTICAL-4711",
    "etc/machine-id": "5f0c2b9d8e7a46138b1d0c9e8f7a6b5c",
    "etc/hostname": "difference-engine-7",
    "etc/os-release": 'NAME="Ubuntu"\nVERSION_ID="24.04"\n',
    "proc/meminfo": "MemTotal: 2113388796 kB\nMemFree: 1900000000 kB\nMemAvailable: 2000000000 kB\n",
}
_BOOT = "0f2c8d9e-1a2b-4c3d-8e4f-5a6b7c8d9e0{}"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where the person works."""
    folder = tmp_path / "home" / USER
    (folder / "thesis-draft").mkdir(parents=True)
    rows = [json.dumps({"text": f"the quick brown fox {word}"}) for word in ("jumps", "over", "a", "dog")]
    (folder / "thesis-draft" / "confidential-patients.json").write_text("\n".join(rows))
    return folder


@pytest.fixture
def own_python(environ: dict[str, str], tmp_path: Path) -> Iterator[LoadedPython]:
    """One that loads its libraries as this person, whose folders they keep."""
    (tmp_path / "written").mkdir()
    with contextlib.closing(LoadedPython(tmp_path / "written", environ)) as python:
        yield python


@pytest.fixture
def environ(home: Path, tmp_path: Path) -> dict[str, str]:
    """The environment of a machine with eight GPUs, as this person has it."""
    if build_problem() is not None:
        pytest.skip(str(build_problem()))
    machine = Simulation(replace(_PROFILE, devices=_DEVICES), tmp_path).environment
    own = {"HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config"), "HF_HOME": str(home / "hub")}
    own |= {"PYTHONPATH": os.pathsep.join([str(_SOURCE), str(_HERE)]), "HF_HUB_OFFLINE": "1"}
    own |= {"CARDCALLBACK_SYSTEM_ROOT": str(_system(tmp_path, 0))}
    return os.environ | PLANTED | machine | own


def _system(folder: Path, computer: int) -> Path:
    root = folder / f"system-{computer}"
    for name, text in (_SYSTEM | {"proc/sys/kernel/random/boot_id": _BOOT.format(computer)}).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    return root


def secrets(home: Path) -> dict[str, str]:
    """Whatever may be in no file, by what it is."""
    hidden = PLANTED | {
        "home": str(home),
        "real host": socket.gethostname(),
        "private folder": "thesis-draft",
        "data": "confidential-patients",
        "e-mail": "analytical.example",
        "serial": "7QX4WD3",
        "asset tag": "ANALYTICAL-4711",
        "product UUID": "4c4c4544",
        "machine id": _SYSTEM["etc/machine-id"],
        "boot": _BOOT.partition("-")[0],
    }
    hidden |= {f"UUID {place}": device.uuid.removeprefix("GPU-") for place, device in enumerate(_DEVICES)}
    hidden |= {f"serial {place}": device.serial for place, device in enumerate(_DEVICES)}
    return {what: text for what, text in hidden.items() if len(text) > 4}


def _free_port() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])


def start(python: LoadedPython, home: Path, environ: dict[str, str], tmp_path: Path, ending: str) -> list[Forked]:
    """Two computers with two processes each, on one disk; each process sees one GPU, some by its UUID."""
    port, started = _free_port(), []
    private = home / "thesis-draft"
    for rank in range(4):
        own = {"RANK": str(rank), "WORLD_SIZE": "4", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        own |= {"LOCAL_RANK": str(rank % 2), "LOCAL_WORLD_SIZE": "2", "GROUP_RANK": str(rank // 2)}
        own |= {"CUDA_VISIBLE_DEVICES": _DEVICES[rank].uuid if rank % 2 else str(rank)}
        own |= {"CARDCALLBACK_SYSTEM_ROOT": str(_system(tmp_path, rank // 2))}
        files = [private / "out", private / "base", private / "confidential-patients.json", tmp_path / "seen"]
        command = [str(_HERE / "planted_rank.py"), *map(str, files), ending]
        started.append(python.start(command, environ | own, cwd=home))
    return started


def files_of_ours(output: Path) -> Iterator[tuple[str, bytes]]:
    """Each file that is ours or that we edit, as it is now."""
    # Passes over folders that go while it looks, as those of a job that ends do.
    found = [Path(folder, one) for folder, _, files in os.walk(output) for one in files]
    for path in sorted(found):
        name = path.relative_to(output)
        if {"_cardcallback", "training_run"} & set(name.parts) or name.name in {"README.md", "_cardcallback.json"}:
            try:
                yield str(name), path.read_bytes()
            except OSError:  # gone since
                continue


def names_of(files: dict[tuple[str, bytes], None]) -> set[str]:
    """Every file's and folder's name."""
    return {part for name, _ in files for part in Path(name).parts}


def watched(processes: list[Forked], output: Path, tmp_path: Path) -> dict[tuple[str, bytes], None]:
    """Every content that a file of ours had while they ran, and has at the end; they end when all were seen."""
    seen: dict[tuple[str, bytes], None] = {}
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    try:
        while any(process.poll() is None for process in processes) and time.monotonic() < deadline:
            seen |= dict.fromkeys(files_of_ours(output))
            if names_of(seen) >= _LIVE_FILES:
                (tmp_path / "seen").touch()
            time.sleep(0.3)
    finally:
        for process in processes:
            process.kill()
            process.wait()
    return seen | dict.fromkeys(files_of_ours(output))


def assert_nothing_told(files: dict[tuple[str, bytes], None], home: Path) -> None:
    """No content of any file tells anything."""
    hidden = secrets(home)
    texts = (".md", ".json")
    # The simulated GPU's clock in hertz, which could be seconds since 1970.
    plain = ((name, content.replace(b"1755000000.0", b"")) for name, content in files)
    telling = {name: told_by(content, hidden, is_text=name.endswith(texts)) for name, content in plain}
    assert {name: told for name, told in telling.items() if told} == {}


def run(home: Path, environ: dict[str, str], *arguments: str) -> bytes:
    """What one of our commands prints."""
    command = [sys.executable, "-m", "cardcallback", *arguments]
    done = subprocess.run(command, env=environ, cwd=home / "thesis-draft", capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_job_that_fails_tells_nothing(
    own_python: LoadedPython, home: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    """An exception whose words are full of secrets, in every process: neither live files nor the end's tell any."""
    output = home / "thesis-draft" / "out"
    files = watched(start(own_python, home, environ, tmp_path, "raises"), output, tmp_path)
    assert _LIVE_FILES | {"node-00002.json", "record.json"} <= names_of(files)
    assert load_run(output).status == "interrupted"
    assert_nothing_told(files, home)


def test_a_killed_job_tells_nothing_when_it_is_recovered(
    own_python: LoadedPython, home: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    """Journals, what is made of them, and what our commands print of it."""
    output = home / "thesis-draft" / "out"
    files = watched(start(own_python, home, environ, tmp_path, "killed"), output, tmp_path)
    assert names_of(files) >= _LIVE_FILES
    recovered = run(home, environ, "recover", "out")
    listed, examined = run(home, environ, "ls", "--json", "."), run(home, environ, "doctor", "--json")
    assert load_run(output).recovered
    assert json.loads(listed)["runs"][0]["recovered"]
    printed = {("recover.json", recovered): None, ("ls.json", listed): None, ("doctor.json", examined): None}
    assert_nothing_told(files | dict.fromkeys(files_of_ours(output)) | printed, home)
