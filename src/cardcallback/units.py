"""Every conversion factor and every human format; the only place a 3600 or a 1024 appears."""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import ROUND_DOWN, Decimal
from itertools import groupby

SECONDS_PER_MILLISECOND = 1e-3
SECONDS_PER_MINUTE = 60
SECONDS_PER_HOUR = 3600
SECONDS_PER_DAY = 86400
SECONDS_PER_NANOSECOND = 1e-9
JOULES_PER_WATT_HOUR = 3600.0
JOULES_PER_KILOWATT_HOUR = 3.6e6
JOULES_PER_MILLIJOULE = 1e-3
JOULES_PER_MICROJOULE = 1e-6
WATTS_PER_KILOWATT = 1000.0
WATTS_PER_MILLIWATT = 1e-3
WATTS_PER_MICROWATT = 1e-6
HERTZ_PER_MEGAHERTZ = 1e6
BYTES_PER_KIBIBYTE = 1024
BYTES_PER_MEBIBYTE = 1024**2
BYTES_PER_GIBIBYTE = 1024**3
GRAMS_PER_POUND = 453.59237
WATT_HOURS_PER_KILOWATT_HOUR = 1000.0
GRAMS_PER_KILOGRAM = 1000.0

CARD_FIGURES = 3
EMISSIONS_FIGURES = 2
LONGEST_LINE = 2000
_JOULES_OF = {
    "MWh": JOULES_PER_KILOWATT_HOUR * 1e3,
    "kWh": JOULES_PER_KILOWATT_HOUR,
    "Wh": JOULES_PER_WATT_HOUR,
    "J": 1.0,
    "mJ": 1e-3,
}
_PLAIN_LIMIT = 1e15
_SMALL_AMOUNT = 0.1
_MOST_RANK_PARTS = 6


def format_number(value: float, figures: int = CARD_FIGURES) -> str:
    """``value`` with at most ``figures`` significant figures, as a plain decimal without exponent.

    Integers keep their digits before the decimal point rounded to the figures; trailing zeros after
    it are kept only where they are significant (1.0 stays "1.0" at two figures).

    Raises:
        ValueError: it is not finite.
    """
    if not math.isfinite(value):
        msg = f"cannot format {value!r}: unknown quantities are None with a reason"
        raise ValueError(msg)
    if value == 0:
        return "0"
    exponent = math.floor(math.log10(abs(value)))
    rounded = round(value, figures - 1 - exponent)
    if abs(rounded) >= _PLAIN_LIMIT:
        # A float of this size has digits of its own beyond the figures.
        return f"{Decimal(repr(rounded)):,.0f}"
    exponent = math.floor(math.log10(abs(rounded)))
    decimals = max(0, figures - 1 - exponent)
    return f"{rounded:,.{decimals}f}"


def format_result(value: float) -> str:
    """A loss or another result of training, which has no unit to change: "1.04", but "5.38e-9" far from 1."""
    if value == 0 or 1e-4 <= abs(value) < 1e6:
        return format_number(value)
    mantissa, exponent = f"{value:.{CARD_FIGURES - 1}e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def format_count(value: float) -> str:
    """An exact count with thousands separators ("5,000")."""
    return f"{value:,.0f}"


def format_setting(value: float) -> str:
    """A setting as people write it: "2e-4" and "0.001" rather than "0.0002" and "1e-3"."""
    if isinstance(value, int) or value == 0 or 1e-3 <= abs(value) < 1e6:
        return f"{value:,}" if isinstance(value, int) else f"{value:g}"
    mantissa, exponent = f"{value:.3e}".split("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"


def format_large(value: float) -> str:
    """A large count in three figures and a unit word's letter: "5.52 M", "1.20 G"."""
    for factor, suffix in ((1e9, " G"), (1e6, " M")):
        if abs(value) >= factor:
            return format_number(value / factor) + suffix
    return format_count(value)


def _scaled(value: float, steps: tuple[tuple[float, str], ...], figures: int = CARD_FIGURES) -> str:
    for factor, unit in steps[:-1]:
        # Compare what will be printed: 999.6 Wh is printed as 1.00 kWh, never as 1,000 Wh.
        if abs(float(format_number(value / factor, figures).replace(",", ""))) >= 1:
            return f"{format_number(value / factor, figures)} {unit}"
    factor, unit = steps[-1]
    return f"{format_number(value / factor, figures)} {unit}"


def format_energy(joules: float, beside_joules: float | None = None) -> str:
    """Joules as J (below 1 Wh), Wh, kWh or MWh in three figures; in the unit of another that they stand beside."""
    if beside_joules is not None:
        unit = energy_unit(beside_joules)
        return f"{format_number(energy_in(joules, unit))} {unit}"
    return _scaled(joules, tuple((factor, unit) for unit, factor in _JOULES_OF.items()))


def energy_unit(joules: float) -> str:
    """The unit in which so much energy is printed."""
    return format_energy(joules).rsplit(" ", 1)[1]


def energy_in(joules: float, unit: str) -> float:
    """Joules in a unit that ``energy_unit`` gives."""
    return joules / _JOULES_OF[unit]


def format_power(watts: float) -> str:
    """Watts in three figures."""
    return f"{format_number(watts)} W"


def format_bytes(size_bytes: float) -> str:
    """Bytes as GiB, or MiB below one GiB, in three figures."""
    return _scaled(size_bytes, ((BYTES_PER_GIBIBYTE, "GiB"), (BYTES_PER_MEBIBYTE, "MiB")))


def format_emissions(grams: float) -> str:
    """CO2e as g, kg or t in two figures."""
    if grams == 0:
        return "0 g"
    return _scaled(grams, ((1e6, "t"), (1e3, "kg"), (1.0, "g"), (1e-3, "mg")), EMISSIONS_FIGURES)


def format_money(amount: float) -> str:
    """An amount in whatever currency it is: two decimals, or below a tenth two figures."""
    return format_number(amount, 2) if 0 < abs(amount) < _SMALL_AMOUNT else f"{amount:,.2f}"


def format_multiple(ratio: float) -> str:
    """A ratio as a multiple ("3.2 times as much") or as a part of it ("1/1,000 as much"), in two figures."""
    return f"{format_number(ratio, 2)} times as much" if ratio >= 1 else f"1/{format_number(1 / ratio, 2)} as much"


def format_percent(share: float, figures: int = CARD_FIGURES) -> str:
    """A share (0.004) as a percentage ("0.4 %" at one figure)."""
    return f"{format_number(share * 100, figures)} %"


def format_coverage(share: float) -> str:
    """A covered share in three figures, rounded down: no more is said to be covered than was."""
    exact = Decimal(repr(share))  # of the digits that are printed: 0.57 * 100 is a little less than 57
    floored = exact.quantize(Decimal(1).scaleb(exact.adjusted() - CARD_FIGURES + 1), ROUND_DOWN)
    return format_percent(float(floored))


def format_duration(seconds: float) -> str:
    """Seconds as "48 s", "12 min 5 s", "1 h 52 min" or "2 d 3 h": two units at most."""
    if seconds < 10:
        return f"{format_number(seconds, 2)} s"
    whole = round(seconds)
    if whole < SECONDS_PER_MINUTE:
        return f"{whole} s"
    if whole < SECONDS_PER_HOUR:
        return _two_units(whole, SECONDS_PER_MINUTE, "min", 1, "s")
    whole = round(seconds / SECONDS_PER_MINUTE) * SECONDS_PER_MINUTE
    if whole < SECONDS_PER_DAY:
        return _two_units(whole, SECONDS_PER_HOUR, "h", SECONDS_PER_MINUTE, "min")
    whole = round(seconds / SECONDS_PER_HOUR) * SECONDS_PER_HOUR
    return _two_units(whole, SECONDS_PER_DAY, "d", SECONDS_PER_HOUR, "h")


def format_clock(seconds: float, form: str) -> str | None:
    """Seconds as "01:52:00", "01:52" or "112:00", as "hh:mm:ss", "HH:MM" or "mm:ss" says; None for any other form."""
    all_minutes, last = divmod(round(seconds), SECONDS_PER_MINUTE)
    hours, rest = divmod(round(seconds), SECONDS_PER_HOUR)
    minutes, left = divmod(rest, SECONDS_PER_MINUTE)
    whole = {"hh:mm:ss": f"{hours:02}:{minutes:02}:{left:02}", "hh:mm": f"{hours:02}:{minutes:02}"}
    whole["mm:ss"] = whole["m:ss"] = f"{all_minutes:02}:{last:02}"
    return whole.get(form.casefold()) or whole.get(f"h{form.casefold()}")


def _two_units(whole: int, large: int, large_name: str, small: int, small_name: str) -> str:
    first, rest = divmod(whole, large)
    second = rest // small
    return f"{first} {large_name} {second} {small_name}" if second else f"{first} {large_name}"


def one_line(text: str, longest: int = LONGEST_LINE) -> str:
    """``text`` on one line of at most ``longest`` characters, with what could steer a terminal made visible."""
    shown = printable(" ".join(text[: longest * 4].split()))
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}…"


def printable(text: str) -> str:
    """``text`` with what could steer a terminal made visible."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def format_ranks(ranks: Iterable[int]) -> str:
    """As "rank 3", "ranks 2 and 5", "ranks 8 to 15 and 20"; many separate ones are counted."""
    ordered = sorted(set(ranks))
    if len(ordered) == 1:
        return f"rank {ordered[0]}"
    runs = [[rank for _, rank in run] for _, run in groupby(enumerate(ordered), lambda pair: pair[1] - pair[0])]
    parts = [part for run in runs for part in _run_words(run)]
    if len(parts) > _MOST_RANK_PARTS:
        return f"{len(ordered):,} ranks, {ordered[0]} the first,"
    return f"ranks {', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else f"ranks {parts[0]}"


def _run_words(run: list[int]) -> list[str]:
    return [f"{run[0]} to {run[-1]}"] if len(run) > 2 else [str(rank) for rank in run]


def format_megahertz(hertz: float) -> str:
    """A clock, from hertz, in MHz."""
    return f"{format_number(hertz / HERTZ_PER_MEGAHERTZ)} MHz"


def format_parameters(count: int) -> str:
    """A model's size: in B (10^9), as the field has it, and not in the G of other large numbers."""
    return format_large(count).replace(" G", " B")


def first_upper(text: str) -> str:
    """``text`` as a sentence begins; the rest of it as it is."""
    return text[:1].upper() + text[1:]
