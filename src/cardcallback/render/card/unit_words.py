"""Words for units as cards have them, in English and elsewhere, with the factor to the base unit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from cardcallback.units import (
    BYTES_PER_GIBIBYTE,
    BYTES_PER_MEBIBYTE,
    GRAMS_PER_POUND,
    JOULES_PER_KILOWATT_HOUR,
    JOULES_PER_WATT_HOUR,
    SECONDS_PER_DAY,
    SECONDS_PER_HOUR,
    SECONDS_PER_MINUTE,
)

_TIMES = {
    1.0: ("Sekunde", "Sekunden", "seconde", "secondes", "segundo", "segundos", "秒", "сек", "секунд", "saniye", "초"),
    float(SECONDS_PER_MINUTE): ("Minuten", "minuto", "minutos", "分", "分钟", "мин", "минут", "dakika", "분"),
    float(SECONDS_PER_HOUR): (
        *(
            "Std",
            "Stunde",
            "Stunden",
            "heure",
            "heures",
            "hora",
            "horas",
            "ore",
            "uur",
            "uren",
            "godz",
            "godzin",
            "saat",
        ),
        *("小时", "時間", "시간", "ч", "час", "часа", "часов", "ساعة", "ساعات"),
    ),
    float(SECONDS_PER_DAY): ("Tag", "Tage", "Tagen", "jour", "jours", "día", "días", "dia", "dias", "天", "日"),
}
_MASSES = {
    1.0: ("Gramm", "gramme", "grammes", "gramo", "gramos", "grama", "gramas", "克", "グラム"),
    1e3: ("Kilogramm", "kilogramme", "kilogrammes", "kilogramos", "quilogramas", "千克", "公斤", "кг", "chilogrammi"),
}
_ENERGIES = {
    JOULES_PER_KILOWATT_HOUR: ("кВт·ч", "кВтч", "кВт-ч", "千瓦时", "千瓦時", "キロワット時", "킬로와트시"),
    JOULES_PER_WATT_HOUR: ("Вт·ч", "Втч", "瓦时", "ワット時"),
}
_POWERS = {1.0: ("瓦", "瓦特", "ワット", "와트", "Вт"), 1e3: ("千瓦", "кВт")}


def _by_word(words: Mapping[float, tuple[str, ...]]) -> dict[str, float]:
    return {word: factor for factor, names in words.items() for word in names}


Dimension = Literal["time", "energy", "power", "emissions", "memory", "share"]

_KILOWATT_HOUR = JOULES_PER_KILOWATT_HOUR
UNITS: dict[Dimension, dict[str, float]] = {
    "time": {
        **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
        **dict.fromkeys(("min", "mins", "minute", "minutes"), float(SECONDS_PER_MINUTE)),
        **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), float(SECONDS_PER_HOUR)),
        **dict.fromkeys(("d", "day", "days"), float(SECONDS_PER_DAY)),
        **_by_word(_TIMES),
    },
    "energy": {
        "mJ": 1e-3,
        **dict.fromkeys(("J", "joule", "joules"), 1.0),
        **dict.fromkeys(("kJ", "kilojoule", "kilojoules"), 1e3),
        **dict.fromkeys(("MJ", "megajoule", "megajoules"), 1e6),
        **dict.fromkeys(("GJ", "gigajoule", "gigajoules"), 1e9),
        "mWh": 1e-3 * JOULES_PER_WATT_HOUR,
        **dict.fromkeys(("Wh", "watt-hours", "watt hours"), JOULES_PER_WATT_HOUR),
        **dict.fromkeys(("kWh", "kilowatt-hours", "kilowatt hours", "kilowatthours"), _KILOWATT_HOUR),
        **dict.fromkeys(("watt-hour", "watt hour", "W\N{MIDDLE DOT}h"), JOULES_PER_WATT_HOUR),
        **dict.fromkeys(("kilowatt-hour", "kilowatt hour", "kW\N{MIDDLE DOT}h"), _KILOWATT_HOUR),
        **dict.fromkeys(("MWh", "megawatt-hours", "megawatt hours"), 1e3 * _KILOWATT_HOUR),
        **dict.fromkeys(("megawatt-hour", "megawatt hour"), 1e3 * _KILOWATT_HOUR),
        **dict.fromkeys(("GWh", "gigawatt-hours", "gigawatt hours"), 1e6 * _KILOWATT_HOUR),
        "TWh": 1e9 * _KILOWATT_HOUR,
        **_by_word(_ENERGIES),
    },
    "power": {"mW": 1e-3, "W": 1.0, "watt": 1.0, "watts": 1.0, "kW": 1e3, "MW": 1e6, **_by_word(_POWERS)},
    "emissions": {
        "mg": 1e-3,
        **dict.fromkeys(("g", "gram", "grams"), 1.0),
        **dict.fromkeys(("kg", "kilogram", "kilograms", "kilos"), 1e3),
        **dict.fromkeys(("t", "ton", "tons", "tonne", "tonnes", "Mg"), 1e6),
        **dict.fromkeys(("metric ton", "metric tons", "metric tonne", "metric tonnes"), 1e6),
        **dict.fromkeys(("lb", "lbs", "pounds"), GRAMS_PER_POUND),
        **_by_word(_MASSES),
    },
    "memory": {
        "KB": 1e3,
        **dict.fromkeys(("MB", "Mo"), 1e6),
        **dict.fromkeys(("GB", "Go", "gigabytes"), 1e9),
        **dict.fromkeys(("TB", "To"), 1e12),
        "MiB": float(BYTES_PER_MEBIBYTE),
        "GiB": float(BYTES_PER_GIBIBYTE),
        "TiB": float(BYTES_PER_GIBIBYTE * 1024),
    },
    "share": {"%": 0.01, "percent": 0.01},
}
