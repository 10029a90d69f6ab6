"""What tells on a person or a machine, planted wherever a run could see it, and how a file is searched for it."""

from __future__ import annotations

import base64
import binascii
import contextlib
import getpass
import os
import platform
import re
import socket
import uuid
import zlib
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any

USER = "adalovelace"
HOST = "difference-engine-7"
TOKEN = "hf_" + "QqWwEeRrTtYyUuIiOoPpAaSsDdFfGgHhJj"
PLANTED = {
    "HOSTNAME": HOST,
    "USER": USER,
    "LOGNAME": USER,
    "HF_TOKEN": TOKEN,
    "WANDB_API_KEY": "0123456789abcdef0123456789abcdef01234567",
    "GIT_AUTHOR_EMAIL": "ada@analytical.example",
    "GIT_COMMITTER_NAME": "Countess Lovelace",
    "SLURM_JOB_ID": "77001234",
    "SLURM_JOB_NODELIST": "engine-rack-[07-08]",
    "SSH_CONNECTION": "198.51.100.23 50022 198.51.100.24 22",
}
MAC = 0x02_42_AC_FE_ED_07
# A time of day; "18:04" could also be a ratio, so no text of ours may hold one.
TIMES = re.compile(rb"\b[0-2]?\d:[0-5]\d(:[0-5]\d)?\b|\d{4}-\d\d-\d\dT\d")
# Of numbers that are as long as one in seconds since 1970 only those near now: a memory's bytes are as many.
_LONG_NUMBERS = re.compile(rb"\b\d{10}(?:\.\d+)?\b")
_NEAR_SECONDS = 30 * 86_400.0


def machine_names() -> list[tuple[Any, str, Any]]:
    """Functions by module and name that tell the machine's and the person's names, and what tells the planted ones."""
    system = os.uname()
    renamed = os.uname_result((system.sysname, HOST, system.release, system.version, system.machine))
    return [
        (os, "uname", lambda: renamed),
        (socket, "gethostname", lambda: HOST),
        (socket, "getfqdn", lambda name="": f"{name or HOST}.analytical.example"),
        (platform, "node", lambda: HOST),
        (getpass, "getuser", lambda: USER),
        (uuid, "getnode", lambda: MAC),
    ]


def readings(content: bytes) -> Iterator[bytes]:
    """The bytes, and what they may be packed: compressed streams and base64."""
    yield content
    for found in re.finditer(rb"x[\x01\x5e\x9c\xda]", content):
        with contextlib.suppress(zlib.error):
            yield zlib.decompressobj().decompress(content[found.start() :])
    for found in re.finditer(rb"[A-Za-z0-9+/]{16,}", content):
        with contextlib.suppress(binascii.Error):
            yield base64.b64decode(found.group() + b"=" * (-len(found.group()) % 4))


def told_by(content: bytes, hidden: Mapping[str, str], *, is_text: bool) -> list[str]:
    """Which of the ``hidden`` texts it tells, packed or not, and in text a time of day."""
    unpacked = [reading.lower() for reading in readings(content)]
    found = [what for what, text in hidden.items() if any(text.lower().encode() in one for one in unpacked)]
    return found + ([f"time {one!r}" for one in times_in(content)] if is_text else [])


def now() -> float:
    """In seconds since 1970."""
    return datetime.now(tz=timezone.utc).timestamp()


def times_in(content: bytes) -> list[bytes]:
    """The times of day in a text, and those as seconds since 1970 that are near now."""
    seconds = [number for number in _LONG_NUMBERS.findall(content) if abs(float(number) - now()) < _NEAR_SECONDS]
    return [time_of_day.group() for time_of_day in TIMES.finditer(content)] + seconds
