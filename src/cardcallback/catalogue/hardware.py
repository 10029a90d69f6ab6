"""From what a person or a driver calls a GPU to its row of the catalogue."""

from __future__ import annotations

import csv
import difflib
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Literal, cast

from cardcallback.errors import CardCallbackError
from cardcallback.units import one_line

_LONGEST_NAME = 80
_MATCHES = 3
_CLOSE_ENOUGH = 0.6
_CURE = "give the power yourself with --watts"
# Words that vendors put before a name and people leave out.
_NO_PART_OF_A_NAME = frozenset({"nvidia", "geforce", "tesla", "gpu", "the", "a"})
# Words of many products, of which the catalogue has one: alone they name none.
_FAMILY_WORDS = frozenset({"agx", "dgx", "edition", "jetson", "max", "per", "q", "server", "workstation"})

# What follows the name that a family of GPUs shares.
_VARIANT = re.compile(r" (?:\(.*|SXM.*|PCIe.*|NVL.*|Blackwell.*)$")


@dataclass(frozen=True, kw_only=True, slots=True)
class GpuRow:
    """One kind of GPU.

    ``tdp_watts`` is the most it may draw in the long run, as the maker or who ``source`` names gives it: of the
    "gpu" with its memory, of a "chip" that holds the processor too, or of a "module" with both and their memory.
    ``embodied_kilograms`` is the CO2e of making one, ``None`` is "nobody published it". ``nvml_pattern`` finds the name
    that its driver reports.
    """

    name: str
    other_names: tuple[str, ...]
    nvml_pattern: str
    tdp_watts: float
    tdp_of: Literal["gpu", "chip", "module"]
    source: str
    embodied_kilograms: float | None
    embodied_source: str | None


@lru_cache(maxsize=1)
def gpu_rows() -> tuple[GpuRow, ...]:
    """Every row, in the order of the file."""
    text = resources.files("cardcallback.catalogue").joinpath("hardware.csv").read_text(encoding="utf-8")
    return tuple(
        GpuRow(
            name=line["name"],
            other_names=tuple(name for name in line["other_names"].split(";") if name),
            nvml_pattern=line["nvml_pattern"],
            tdp_watts=float(line["tdp_watts"]),
            tdp_of=cast("Literal['gpu', 'chip', 'module']", line["tdp_of"]),
            source=line["source"],
            embodied_kilograms=float(line["embodied_kilograms"]) if line["embodied_kilograms"] else None,
            embodied_source=line["embodied_source"] or None,
        )
        for line in csv.DictReader(text.splitlines())
    )


def gpu_of_nvml_name(name: str) -> GpuRow | None:
    """The row of a GPU by the name its driver reports; a variant that is not listed has none."""
    return next((row for row in gpu_rows() if re.search(row.nvml_pattern, name)), None)


def find_gpu(text: str) -> GpuRow:
    """The row that a person's name for a GPU means: every word of it must be in the row's names.

    Raises:
        CardCallbackError: unknown, or more than one; the message names the nearest.
    """
    if len(text) > _LONGEST_NAME:
        msg = f"that is no GPU ({len(text)} characters): {_CURE}"
        raise CardCallbackError(msg)
    exact = gpu_of_nvml_name(text.strip())
    if exact is not None:
        return exact
    words = _words(text)
    same = [row for row in gpu_rows() if any(words == _words(name) for name in _names(row))]
    telling = words - _FAMILY_WORDS
    found = same or [row for row in gpu_rows() if telling and any(words <= _words(name) for name in _names(row))]
    if len(found) == 1:
        return found[0]
    shown = repr(one_line(text))
    if found:
        msg = f"the GPU {shown} is more than one: give {' or '.join(row.name for row in found)}"
        raise CardCallbackError(msg)
    nearest = _nearest(text)
    near = f"nearest are {', '.join(nearest)}; or " if nearest else ""
    msg = f"the GPU {shown} is not in the catalogue: {near}{_CURE}"
    raise CardCallbackError(msg)


def gpus_named_in(text: str) -> tuple[GpuRow, ...]:
    """The rows that running text names; all of them where it names only what several have in common, as "H100"."""
    found: dict[str, GpuRow] = {}
    # The longer name comes first and takes its words, so that an H100 PCIe is no H100.
    for pattern, rows in _spoken_names():
        text, count = pattern.subn(" ", text)
        found |= {row.name: row for row in rows} if count else {}
    return tuple(found.values())


@lru_cache(maxsize=1)
def _spoken_names() -> tuple[tuple[re.Pattern[str], tuple[GpuRow, ...]], ...]:
    rows_of: dict[str, tuple[GpuRow, ...]] = {}
    for row in gpu_rows():
        for name in dict.fromkeys((*_names(row), _VARIANT.sub("", row.name))):
            rows_of[name] = (*rows_of.get(name, ()), row)
    # A word without a digit, such as Thor, may mean anything.
    spoken = [name for name in rows_of if " " in name or any(map(str.isdigit, name))]
    longest_first = sorted(spoken, key=len, reverse=True)
    return tuple((_spoken(name), rows_of[name]) for name in longest_first)


def _spoken(name: str) -> re.Pattern[str]:
    words = (re.escape(word) for word in name.split())
    return re.compile(rf"(?<!\w){'[ -]'.join(words)}(?!\w)", re.IGNORECASE)


def _names(row: GpuRow) -> tuple[str, ...]:
    return (row.name, *row.other_names)


def _words(name: str) -> frozenset[str]:
    joined = re.sub(r"(\d)\s+gb\b", r"\1gb", name.lower())
    return frozenset(re.findall(r"[a-z0-9]+", joined)) - _NO_PART_OF_A_NAME


def _nearest(text: str) -> list[str]:
    by_name = {name.lower(): row.name for row in gpu_rows() for name in _names(row)}
    close = difflib.get_close_matches(text.lower(), by_name, n=_MATCHES, cutoff=_CLOSE_ENOUGH)
    return list(dict.fromkeys(by_name[name] for name in close))
