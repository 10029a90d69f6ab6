"""The computer by product and parts; no host name, no serial number, nothing that tells two of a kind apart."""

from __future__ import annotations

import platform
import re
from collections import Counter
from functools import cache
from pathlib import Path

from cardcallback import handlers, portable
from cardcallback.observe.machine_elsewhere import observe_machine_elsewhere
from cardcallback.observe.plain import PRODUCT, product_name
from cardcallback.record import Machine
from cardcallback.units import BYTES_PER_KIBIBYTE

# The part numbers of Arm's implementer code 0x41, from the cores' technical reference manuals (MIDR_EL1).
_ARM_CORES = {
    "0xd03": "Cortex-A53",
    "0xd08": "Cortex-A72",
    "0xd0b": "Cortex-A76",
    "0xd0c": "Neoverse N1",
    "0xd40": "Neoverse V1",
    "0xd42": "Cortex-A78AE",
    "0xd49": "Neoverse N2",
    "0xd4f": "Neoverse V2",
    "0xd83": "Neoverse V3AE",
    "0xd84": "Neoverse V3",
    "0xd85": "Cortex-X925",
    "0xd87": "Cortex-A725",
}
_ARM_IMPLEMENTER = "0x41"
_DGX_SPARK = "NVIDIA DGX Spark"
_PLACEHOLDER = re.compile(
    r"(to be filled|system (product|manufacturer)|default string|not (specified|applicable)|unknown|none|o\.e\.m)",
    re.IGNORECASE,
)
# What some clouds put in the product's place tells one machine from another.
_UUID = re.compile(r"[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}", re.IGNORECASE)
_LEGAL_FORM = re.compile(r",? *(Inc\.?|Corp(oration)?\.?|Co\.?,? Ltd\.?|Ltd\.?|GmbH|LLC)$", re.IGNORECASE)


def observe_machine(system_root: Path) -> Machine:
    """Product, processor, memory and operating system from ``proc``, ``sys`` and ``etc`` under ``system_root``.

    A file that is missing or unreadable leaves its part ``None``. The name "NVIDIA DGX Spark" is used only
    where the firmware's product name says so; the same chip is sold in other machines.
    """
    processors = _processor_blocks(system_root)
    if not processors and system_root == Path("/"):
        return observe_machine_elsewhere()
    name = _product(system_root)
    return Machine(
        name=name,
        processor=_processor(processors),
        processor_count=len(processors) or None,
        architecture=_architecture(processors),
        memory_total_bytes=_memory_total_bytes(system_root),
        unified_memory=True if name == _DGX_SPARK else None,
        operating_system=_with_wsl(_operating_system(system_root), system_root),
    )


# The computer stays as it is while a process lives, and a journal asks for a record every few seconds.
machine_once = cache(observe_machine)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        handlers.pass_on(error)
        return ""


def _processor_blocks(root: Path) -> list[dict[str, str]]:
    blocks: list[dict[str, str]] = []
    for line in _text(root / "proc/cpuinfo").splitlines():
        key, colon, value = line.partition(":")
        if key.strip() == "processor":
            blocks.append({})
        if colon and blocks:
            blocks[-1][key.strip()] = value.strip()
    return blocks


def _processor(blocks: list[dict[str, str]]) -> str | None:
    """The model's name, or an Arm machine's cores by kind ("10 x Cortex-X925, 10 x Cortex-A725")."""
    if not blocks:
        return None
    model = product_name(blocks[0].get("model name"))
    if model is not None and not _PLACEHOLDER.match(model):
        return model
    cores = Counter(_arm_core(block) for block in blocks)
    known = [f"{count} x {core}" for core, count in sorted(cores.items(), key=_fastest_first) if core]
    return ", ".join(known) if known and None not in cores else None


def _fastest_first(item: tuple[str | None, int]) -> tuple[bool, str]:
    # Arm's X cores are the fast ones of a mixed set.
    return "-X" not in (item[0] or ""), item[0] or ""


def _arm_core(block: dict[str, str]) -> str | None:
    if block.get("CPU implementer") != _ARM_IMPLEMENTER:
        return None
    return _ARM_CORES.get(block.get("CPU part", ""))


def _architecture(blocks: list[dict[str, str]]) -> str | None:
    if blocks and "CPU implementer" in blocks[0]:
        return "aarch64"
    if blocks and "vendor_id" in blocks[0]:
        return "x86_64"
    return platform.machine() or None


def _memory_total_bytes(root: Path) -> int | None:
    found = re.search(r"^MemTotal:\s+(\d+) kB$", _text(root / "proc/meminfo"), re.MULTILINE)
    return int(found.group(1)) * BYTES_PER_KIBIBYTE if found else None


def _product(root: Path) -> str | None:
    folder = root / "sys/class/dmi/id"
    product = _named(folder / "product_name")
    if product is None:
        # Arm boards without such firmware (Jetson, Raspberry Pi) are named with their maker in the device tree.
        return _named(root / "sys/firmware/devicetree/base/model")
    if "DGX Spark" in product:
        return _DGX_SPARK
    vendor = _named(folder / "sys_vendor")
    if vendor is None or product.lower().startswith(vendor.lower()):
        return product
    return f"{vendor} {product}"


def _named(path: Path) -> str | None:
    text = _LEGAL_FORM.sub("", " ".join(_text(path).rstrip("\0").replace("_", " ").split()))
    told = PRODUCT.fullmatch(text) and not _PLACEHOLDER.match(text) and not _UUID.search(text)
    return text if told else None


def _operating_system(root: Path) -> str | None:
    fields = dict(
        re.findall(r'^(NAME|VERSION_ID)="?([A-Za-z0-9][A-Za-z0-9 ./_-]{0,39})"?$', _os_release(root), re.MULTILINE)
    )
    return " ".join(fields[key] for key in ("NAME", "VERSION_ID") if key in fields) or None


def _with_wsl(name: str | None, root: Path) -> str | None:
    return f"{name} on WSL2" if name and portable.is_wsl(root) else name


def _os_release(root: Path) -> str:
    return _text(root / "etc/os-release") or _text(root / "usr/lib/os-release")
