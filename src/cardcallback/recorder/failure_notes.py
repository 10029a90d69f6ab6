"""One sentence for each cause that cost sensors some of their readings."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from cardcallback.recorder.schedule import Appointment


def failure_notes(appointments: Iterable[Appointment], withheld: Collection[int | None]) -> list[str]:
    """What failed for whom; a sensor that never gave a reading has its reason in the figure itself.

    Args:
        appointments: all sensors that were read.
        withheld: the devices whose readings count for nothing.
    """
    by_cause: dict[str, list[Appointment]] = {}
    for one in appointments:
        if one.reads > one.failures > 0 and one.sensor.spec.device not in withheld:
            by_cause.setdefault(one.last_failure, []).append(one)
    return [_sentence(cause, failed) for cause, failed in by_cause.items()]


def _sentence(cause: str, failed: list[Appointment]) -> str:
    *others, last = dict.fromkeys(one.sensor.spec.source for one in failed)
    sources = f"{', '.join(others)} and {last}" if others else last
    failures, reads = sum(one.failures for one in failed), sum(one.reads for one in failed)
    return f"{sources}: {failures:,} of {reads:,} readings failed (last: {cause})."
