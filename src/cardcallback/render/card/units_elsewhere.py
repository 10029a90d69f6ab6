"""Words for units in languages other than English, as cards have them, with the factor to the base unit."""

from __future__ import annotations

from collections.abc import Mapping

from cardcallback.units import (
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


def _by_word(words: Mapping[float, tuple[str, ...]]) -> dict[str, float]:
    return {word: factor for factor, names in words.items() for word in names}


TIMES_ELSEWHERE, MASSES_ELSEWHERE, ENERGIES_ELSEWHERE = _by_word(_TIMES), _by_word(_MASSES), _by_word(_ENERGIES)
