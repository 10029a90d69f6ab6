"""Builds the simulated NVML and points this process, or another, at it."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import mmap
import os
import shutil
import struct
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from machines import PROFILE_NAMES, profile_named
from profiles import Profile, configuration
from waveforms import Waveform

__all__ = ["PROFILE_NAMES", "Simulation", "Waveform", "build", "build_problem", "environment", "profile_named"]

_HERE = Path(__file__).resolve().parent
_FIXTURES = _HERE.parent / "fixtures"
_LIBRARY = "libnvidia-ml.so.1"
_FLAGS = ("-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", f"-Wl,-soname,{_LIBRARY}")
_NANOSECONDS = 1_000_000_000


def build() -> Path | None:
    """The simulated library, compiled if need be; ``None`` where it cannot be (see ``build_problem``)."""
    return _built()[0]


def build_problem() -> str | None:
    """Why there is no simulated library, for a test's skip."""
    return _built()[1]


@functools.cache
def _built() -> tuple[Path | None, str | None]:
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if compiler is None:
        return None, "no C compiler (cc, gcc or clang): the simulated NVML cannot be built"
    sources = sorted((_HERE / "c").glob("*.[ch]"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    folder = _own_folder(Path(tempfile.gettempdir()) / f"cardcallback-simulator-{os.getuid()}")
    target = folder / digest / _LIBRARY
    if not target.exists():
        problem = _compile(compiler, [path for path in sources if path.suffix == ".c"], target)
        if problem is not None:
            return None, problem
    return target, None


def _own_folder(folder: Path) -> Path:
    folder.mkdir(mode=0o700, exist_ok=True)
    # A library is loaded from here: a folder that another user made in the shared directory is not used.
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        return Path(tempfile.mkdtemp(prefix="cardcallback-simulator-"))
    return folder


def _compile(compiler: str, sources: list[Path], target: Path) -> str | None:
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{os.getpid()}.so")
    command = [compiler, *_FLAGS, "-o", str(partial), *map(str, sources), "-lm", "-lpthread"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return f"the simulated NVML does not compile here: {(done.stderr.splitlines() or ['no message'])[0]}"
    partial.replace(target)
    return None


class DrivenClock:
    """The simulator's clock, in a file that it maps; moves only when told."""

    def __init__(self, path: Path, nanoseconds: int) -> None:
        path.write_bytes(struct.pack("=q", nanoseconds))
        self.path = path
        with path.open("r+b") as file:
            self._page = mmap.mmap(file.fileno(), 8)

    @property
    def nanoseconds(self) -> int:
        """Now, on the clock's own scale."""
        return int(struct.unpack_from("=q", self._page)[0])

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass."""
        struct.pack_into("=q", self._page, 0, self.nanoseconds + round(seconds * _NANOSECONDS))


@dataclass
class Simulation:
    """One simulated machine: its environment variables, its clock and its truth.

    The origin of the waveforms is the moment of construction on CLOCK_BOOTTIME, or zero on a driven
    clock, which starts there.
    """

    profile: Profile
    folder: Path
    driven: bool = False

    def __post_init__(self) -> None:
        """Write the configuration, and the clock where it is driven."""
        self.clock = DrivenClock(self.folder / "clock", 0) if self.driven else None
        self.origin_nanoseconds = 0 if self.driven else time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        path = str(self.clock.path) if self.clock is not None else None
        text = configuration(self.profile, origin_nanoseconds=self.origin_nanoseconds, clock=path)
        self.configuration_path = self.folder / "simulator.conf"
        self.configuration_path.write_text(text, encoding="utf-8")

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs in its environment to meet this machine."""
        library = build()
        if library is None:
            raise RuntimeError(build_problem())
        search = [str(library.parent), *filter(None, [os.environ.get("LD_LIBRARY_PATH")])]
        variables = {
            "LD_LIBRARY_PATH": os.pathsep.join(search),
            "NVML_SIMULATOR": str(self.configuration_path),
            "CARDCALLBACK_SIMULATED": "1",
        }
        if self.profile.system_root is not None:
            variables["CARDCALLBACK_SYSTEM_ROOT"] = str(_FIXTURES / self.profile.system_root)
        return variables

    def now_seconds(self) -> float:
        """Seconds since the origin."""
        now = self.clock.nanoseconds if self.clock is not None else time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        return (now - self.origin_nanoseconds) / _NANOSECONDS

    def advance(self, seconds: float) -> None:
        """Move a driven clock.

        Raises:
            TypeError: the clock is the machine's own.
        """
        if self.clock is None:
            msg = "only a driven clock can be moved"
            raise TypeError(msg)
        self.clock.advance(seconds)

    def true_joules(self, begin: float, end: float, *, device: int = 0, rail: str = "gpu") -> float:
        """The energy a rail really used between two instants in seconds since the origin, by its formula."""
        return self.waveform(device, rail).energy_joules(begin, end)

    def waveform(self, device: int = 0, rail: str = "gpu") -> Waveform:
        """The formula of a device's rail."""
        found = self.profile.devices[device]
        by_rail = {"gpu": found.waveform, "module": found.module_waveform, "memory": found.memory_waveform}
        waveform = by_rail[rail]
        if waveform is None:
            msg = f"{found.name} has no {rail} rail"
            raise KeyError(msg)
        return waveform

    @contextlib.contextmanager
    def in_process(self, reset: Callable[[], None]) -> Iterator[Simulation]:
        """Make this process meet the machine; ``reset`` lets NVML go before and after.

        Raises:
            RuntimeError: another libnvidia-ml is loaded in this process already.
        """
        before = dict(os.environ)
        library = _preload()
        reset()
        library.simulator_forget()
        os.environ.update({key: value for key, value in self.environment.items() if key != "LD_LIBRARY_PATH"})
        try:
            yield self
        finally:
            library.simulator_release(1)  # a call that hangs holds what the reset needs
            reset()
            library.simulator_forget()
            os.environ.clear()
            os.environ.update(before)


def calls(name: str) -> int:
    """How often the NVML call ``name`` (without version) was made in this process since initialisation."""
    function = _preload().simulator_calls
    function.restype = ctypes.c_long
    return int(function(name.encode()))


def release() -> None:
    """Let every call that hangs in this process go on."""
    _preload().simulator_release(0)


def hanging() -> int:
    """How many calls hang in this process."""
    return int(_preload().simulator_hanging())


@functools.cache
def _preload() -> ctypes.CDLL:
    library = build()
    if library is None:
        raise RuntimeError(build_problem())
    ctypes.CDLL(str(library))
    # The loader answers by soname: whoever was loaded first is what pynvml gets.
    loaded = ctypes.CDLL(_LIBRARY)
    if not hasattr(loaded, "simulator_calls"):
        msg = "a real libnvidia-ml.so.1 is loaded in this process: run the simulator in a new one"
        raise RuntimeError(msg)
    return loaded


def environment(profile: Profile, folder: Path | None = None) -> dict[str, str]:
    """The variables under which a command meets ``profile``, its waveforms beginning now.

    ``folder`` holds the configuration; without one a temporary folder is made and left behind.
    """
    place = folder if folder is not None else Path(tempfile.mkdtemp(prefix="cardcallback-simulated-"))
    return Simulation(profile, place).environment
