"""Reading other libraries' objects without trusting them: what a value is decides whether it is kept.

Nothing here imports those libraries. Generated and renamed classes (Unsloth's) are known by their names.
"""

from __future__ import annotations

import enum
import math
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from cardcallback import handlers
from cardcallback.record import Scalar

Listing = Sequence[tuple[str, Any]]  # a model's submodules with their dotted names
Reader = Callable[[object], Scalar]  # one setting from the value that a trainer's arguments hold
PRODUCT = re.compile(r"[A-Za-z0-9][A-Za-z0-9 .,()+/_-]{0,59}")
_TRADE_MARK = re.compile(r"\((R|TM|C)\)", re.IGNORECASE)
_LARGEST_WHOLE = 2**63 - 1  # of what other tools read from JSON
TRAINING_LIBRARIES = frozenset(
    {"transformers", "trl", "unsloth", "axolotl", "llamafactory", "sentence_transformers", "setfit"}
)
_INSTALLED = frozenset({"site-packages", "dist-packages"})
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_.+-]{0,39}")
_IDENTIFYING = re.compile(
    r"(^|[^A-Za-z0-9])(home|users|root|mnt|tmp|var|private|volumes)[/\\]"  # the start of a path
    r"|\\|~|@|:|\.\."
    r"|\b(hf|sk|ghp|github_pat|xox[abp])[_-][A-Za-z0-9]{8,}"  # access tokens by their prefixes
    r"|[0-9a-f]{32,}|[A-Za-z0-9]{40,}",  # keys and UUIDs
    re.IGNORECASE,
)


def read(source: object, name: str) -> Any:
    """The attribute, or a mapping's entry; ``None`` where there is none or reading it fails."""
    if isinstance(source, dict):
        return source.get(name)
    try:
        return getattr(source, name, None)
    except Exception as error:  # noqa: BLE001  a property of a foreign object may raise anything; it is then unknown
        handlers.pass_on(error)
        return None


def number(value: object) -> float | int | None:
    """A finite int or float (also of numpy and torch scalars); no bool, NaN or infinity."""
    if isinstance(value, bool) or value is None or isinstance(value, (str, bytes)):
        return None
    if not isinstance(value, (int, float)):
        value = _scalar(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if abs(value) <= _LARGEST_WHOLE else None


def _scalar(value: object) -> object:
    item = read(value, "item")
    if not callable(item):
        return None
    try:
        return item()
    except (TypeError, ValueError, RuntimeError) as error:
        handlers.pass_on(error)
        return None  # an array of several elements is not a figure


def integer(value: object) -> int | None:
    """A whole number, also one held as a float (512.0)."""
    found = number(value)
    if found is None or found != int(found):
        return None
    return int(found)


def flag(value: object) -> bool | None:
    """A real bool and nothing that only behaves like one."""
    return value if isinstance(value, bool) else None


def word(value: object) -> str | None:
    """A short technical term: an enumeration's value or a plain identifier, never a path, token or sentence."""
    if isinstance(value, enum.Enum):
        value = value.value
    if not isinstance(value, str) or not _WORD.fullmatch(value) or _IDENTIFYING.search(value):
        return None
    return value


def choice(value: object, allowed: frozenset[str]) -> str | None:
    """The value where it is one of ``allowed``."""
    found = word(value)
    return found if found in allowed else None


def one_of(allowed: frozenset[str]) -> Reader:
    """A reader of the values that ``allowed`` holds, enumerations' too."""
    return lambda value: choice(getattr(value, "value", value), allowed)


def product_name(text: str | None) -> str | None:
    """A product's name without its trade marks and the clock behind it; ``None`` where it is no plain name."""
    bare = " ".join(_TRADE_MARK.sub("", text or "").partition("@")[0].split())
    return bare if PRODUCT.fullmatch(bare) else None


def dtype_name(value: object) -> str | None:
    """A torch dtype or its name as the field abbreviates it: "bf16", "fp16", "fp32"."""
    text = str(value).removeprefix("torch.") if value is not None else ""
    known = {
        "bfloat16": "bf16",
        "float16": "fp16",
        "half": "fp16",
        "float32": "fp32",
        "float": "fp32",
        "float64": "fp64",
        "float8_e4m3fn": "fp8",
        "float8_e5m2": "fp8",
    }
    return known.get(text)


def lineage(source: object) -> Iterator[type]:
    """The classes of an object from its own to its last base, without ``object``."""
    for cls in type(source).__mro__:
        if cls is not object:
            yield cls


def class_names(source: object) -> tuple[str, ...]:
    """The names of ``lineage``; empty for ``None``."""
    return () if source is None else tuple(cls.__name__ for cls in lineage(source))


def top_package(cls: Any) -> str:
    """The distribution-like first part of where a class or function was defined."""
    return str(getattr(cls, "__module__", "") or "").partition(".")[0]


def is_of_script(function: object) -> bool:
    """Whether it was written for this run: part of no library that trains, not generated by Unsloth, not installed."""
    package = top_package(function)
    known = package in TRAINING_LIBRARIES or package.lower().startswith("unsloth")
    return function is not None and not known and not _is_installed(function)


def _is_installed(function: object) -> bool:
    """Whether pip put it there."""
    name = str(read(function, "__module__"))
    file = None if name == "__main__" else getattr(sys.modules.get(name), "__file__", None)
    return isinstance(file, str) and not _INSTALLED.isdisjoint(Path(file).parts)


def unwrapped(model: object) -> Any:
    """The model inside data-parallel and compiling wrappers (``module``, ``_orig_mod``)."""
    for _ in range(8):  # wrappers nest a few deep; a bound keeps a hostile chain from holding us
        inner = read(model, "_orig_mod") if read(model, "_orig_mod") is not None else read(model, "module")
        if inner is None or not callable(read(inner, "parameters")):
            return model
        model = inner
    return model


def modules(model: object) -> Listing:
    """Every submodule once with its dotted name, parents first; empty for an object that has none.

    torch's own walk recurses through generators: a tenth of a second for a large adapted model, which
    training's begin may not cost. Hence this one, over the table in which every module keeps its children.
    """
    if own_table(model, "_modules") is None:
        named = read(model, "named_modules")
        return tuple(named()) if callable(named) else ()
    listing: list[tuple[str, Any]] = []
    waiting: list[tuple[str, Any]] = [("", model)]
    seen: set[int] = set()
    while waiting:
        name, module = waiting.pop()
        if module is None or id(module) in seen:
            continue
        seen.add(id(module))
        listing.append((name, module))
        children = own_table(module, "_modules")
        if children:
            prefix = f"{name}." if name else ""
            waiting.extend([(prefix + child, children[child]) for child in reversed(children)])
    return tuple(listing)


def own_table(source: object, name: str) -> dict[str, Any] | None:
    """A mapping the object itself holds (a module's ``_modules``, ``_parameters``)."""
    found = getattr(source, "__dict__", {}).get(name)
    return found if isinstance(found, dict) else None


def holds(module: object, name: str) -> bool:
    """Whether a module has this attribute or child of its own."""
    return name in getattr(module, "__dict__", {}) or name in (own_table(module, "_modules") or {})
