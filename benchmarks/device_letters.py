"""Simulated devices by letter: no table sets one product's simulation beside another's by name."""

from __future__ import annotations

from collections.abc import Iterable

# What distinguishes them here is how their sensors behave; their watts are examples.
_DEVICES = {
    "gb10": ("A", "power is the mean of the past second; a counter whose refresh is not published"),
    "h100": ("B", "power is the mean of the past second; a counter"),
    "a100": ("C", "power is seen in 25 of every 100 ms; a counter"),
    "p100": ("D", "power is seen in 10 of every 20 ms; no counter"),
    "gh200": ("E", "power is the mean of the past second, of a whole module; a counter of the module"),
    "v100": ("F", "power is seen in 10 of every 20 ms; a counter"),
    "t4": ("G", "power is the mean of the past 100 ms; a counter"),
    "p100-samples": ("I", "as D, and its driver keeps the readings of the past seconds"),
    "ada": ("H", "power is the mean of the past second, asked in another way; a counter"),
}


_LETTERS = {sign for sign, _ in _DEVICES.values()}


def letter(name: str) -> str:
    """The letter under which a device stands in tables and data; of a letter, itself."""
    return name if name in _LETTERS else _DEVICES[name][0]


def legend(names: Iterable[str]) -> list[str]:
    """One line for each of these devices, named or by letter, in the order of their letters."""
    used = {letter(name) for name in names}
    return [f"{sign}: {words}" for sign, words in _DEVICES.values() if sign in used]
