"""Names of devices that can be compared and not read: a UUID tells one machine from all others."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable

from cardcallback.sensors.base import DeviceInfo

_DIGITS = 32
_PREFIXES = ("MIG-GPU-", "MIG-", "GPU-")
_NUMBER = re.compile(r"[+-]?[0-9]+", re.ASCII)
_HIDDEN = re.compile(rf"(?P<prefix>(?:MIG-)?(?:GPU-)?)(?P<length>\d{{1,3}}):(?P<digest>[0-9a-f]{{{_DIGITS}}})")
_NO_DEVICE = "x"


def new_salt() -> str:
    """A random number that makes one run's hashes unlike every other's."""
    return secrets.token_hex(16)


def digest(salt: str, text: str) -> str:
    """A hash of ``text`` that only whoever has both can make again."""
    return hashlib.sha256(f"{salt}\n{text}".encode()).hexdigest()[:_DIGITS]


def hide(name: str, salt: str) -> str:
    """A device's name, or the beginning of one, as its kind, its length and a hash."""
    prefix = next((one for one in _PREFIXES if name.startswith(one)), "")
    return f"{prefix}{len(name)}:{digest(salt, name)}"


def hide_visible(visible_devices: str, salt: str) -> str:
    """The text of CUDA_VISIBLE_DEVICES with its names hidden; its numbers stay, other words name no device."""
    return ",".join(_hidden_entry(entry, salt) for entry in visible_devices.split(","))


def reveal(hidden: str, salt: str, devices: Iterable[DeviceInfo]) -> str:
    """The name again, where one of ``devices`` has it or begins with it; otherwise ``hidden``, which none has."""
    match = _HIDDEN.fullmatch(hidden)
    if match is None:
        return hidden
    length = int(match["length"])
    for device in devices:
        for uuid in (device.uuid, *device.mig_uuids):
            for name in _spellings(uuid or ""):
                if len(name) >= length and digest(salt, name[:length]) == match["digest"]:
                    return name[:length]
    return hidden


def reveal_visible(hidden: str, salt: str, devices: Iterable[DeviceInfo]) -> str:
    """What ``hide_visible`` hid, as far as ``devices`` have those names."""
    known = tuple(devices)
    return ",".join(reveal(entry, salt, known) for entry in hidden.split(","))


def _hidden_entry(entry: str, salt: str) -> str:
    if entry.startswith(_PREFIXES):
        return hide(entry, salt)
    number = _NUMBER.match(entry.strip())
    return number.group() if number is not None else _NO_DEVICE


def _spellings(uuid: str) -> Iterable[str]:
    # PyTorch tells a UUID without the driver's "GPU-".
    yield uuid
    for prefix in _PREFIXES:
        if uuid.startswith(prefix):
            yield uuid.removeprefix(prefix)
