"""One sentence for each oddity of an energy account."""

from __future__ import annotations

from cardcallback.energy.comparison import Gauge, compare, is_impossible
from cardcallback.energy.counter import CounterAccount
from cardcallback.energy.intervals import Event
from cardcallback.energy.rates import RateChange
from cardcallback.energy.refresh import ASSUMED_REFRESH_SECONDS
from cardcallback.energy.result import Consistency, EnergyResult
from cardcallback.energy.sieve import ReadingSieve
from cardcallback.units import format_duration, format_multiple, format_percent

# A load that is steady to the milliwatt for so long is hardly one.
_LONG_STILLNESS_SECONDS = 60.0
# Shorter, what it may have missed is in the interval and not worth a sentence.
_SHORT_STILLNESS_SECONDS = 2.0
_SENTENCES: dict[Event, str] = {
    "reset": "the energy counter went back {times}; integrated power stands in for that time",
    "restart": "the energy counter may have begun anew {times} while nothing watched: what it shows of that time is "
    "the least that was used",
    "wrap": "the energy counter wrapped {times}, which was corrected",
    "turn": "the energy counter was left unread {times} for so long that it may have wrapped unseen",
    "standstill": "the energy counter stood still {times}; integrated power stands in for that time",
    "forbidden": "the energy counter moved {times} by far more than the device's power limit allows or by less than it "
    "can draw at rest; it is not used for that time",
    "jump": "the energy counter moved {times} in a way the power readings rule out; they stand in for that time",
    "dispute": "the energy counter and the power readings differed {times} by more than sampling explains; the "
    "recording interval holds both",
}
# What is less of how far down the interval reaches, or of the energy, does not explain its width.
_NOTABLE_PART, _NOTABLE_SHARE = 0.5, 0.001
# Two sensors further apart than this part of the counter's figure are told apart by a multiple.
_MULTIPLE_FROM = 0.5
LATE_NOTE = "the energy counter's last value came with a slow call, and is true of some moment within it"
LIMIT_NOTE = (
    "power stayed above the limit that the driver told at the begin: it was raised since, or is no limit of this "
    "device, and bounds nothing"
)
_ASLEEP = (
    "what the energy counter shows for {slept} in which the machine slept may be the device's draw or a step of the "
    "counter; the recording interval holds both"
)
_RENEWAL = "how often the energy counter is renewed is not published"


def counter_of_renewal(note: str) -> str | None:
    """What a note on how often a counter is renewed stands under, a device's name or number; None for other notes."""
    subject, found, _ = note.partition(_RENEWAL)
    return subject if found else None


def account_notes(account: CounterAccount, gauge: Gauge, change: RateChange | None = None) -> tuple[str, ...]:
    """What is not known of a counter, what went wrong with it, and how it was bridged."""
    notes, verdict = _refresh_note(account), compare(account, gauge)
    for event, sentence in _SENTENCES.items():
        count = account.events[event]
        throughout = change is not None or account.agreement.disagrees_throughout
        if count and not (throughout and event in {"jump", "dispute"}):
            notes.append(sentence.format(times="once" if count == 1 else f"{count} times"))
    notes += _standing_still(account)
    if account.without_gauge_seconds > 0:
        stuck = format_duration(account.without_gauge_seconds)
        notes.append(
            f"the power readings repeated one value for {stuck} while the energy counter went on: only it counts"
        )
    if account.unbridged.seconds > 0:
        notes.append(f"for {format_duration(account.unbridged.seconds)} no sensor told the energy")
    if change is not None:
        side = "more" if change.share > 0 else "less"
        notes.append(
            f"the energy counter began to count {format_percent(abs(change.share), 2)} {side} while power went on as "
            "before; integrated power stands in for it since then"
        )
    elif verdict is not None and verdict.verdict == "inconsistent":
        spanned = "goes as far as such a device can draw" if is_impossible(account, gauge) else "spans both"
        notes.append(f"{_apart(verdict)}; the recording interval {spanned}")
    return tuple(notes)


def sleep_notes(doubt_joules: float, slept_seconds: float, best: EnergyResult | None) -> tuple[str, ...]:
    """Where a counter may have stepped by so much in a sleep, if the interval is notably as wide as it is for that."""
    if best is None or best.method == "integrated_power":
        return ()
    if doubt_joules < max(_NOTABLE_PART * (best.joules - best.low), _NOTABLE_SHARE * best.joules):
        return ()
    return (_ASLEEP.format(slept=format_duration(slept_seconds)),)


def gauge_notes(sieve: ReadingSieve, still_seconds: float, *, spanned: bool) -> tuple[str, ...]:
    """What was left out of the power readings, and whether they stood still where nothing else tells.

    ``spanned``: the interval holds what the device may have used meanwhile.
    """
    notes = [LIMIT_NOTE] if sieve.limit_refuted else []
    if refused := sieve.left_out:
        what = "one was" if refused == 1 else f"{refused:,} were"
        notes.append(
            f"of the power readings {what} left out: more than the device may draw, or far above those that overlap it"
        )
    if still_seconds > (_SHORT_STILLNESS_SECONDS if spanned else _LONG_STILLNESS_SECONDS):
        unknown = "the recording interval holds both" if spanned else "there is no energy counter to tell"
        notes.append(
            f"the power reading did not change for {format_duration(still_seconds)}: either the load was steady to the "
            f"milliwatt or the sensor stood still, and {unknown}"
        )
    return tuple(notes)


def _standing_still(account: CounterAccount) -> list[str]:
    notes, first_seconds = [], account.late_start.still_seconds
    if first_seconds > account.stillness_seconds:
        notes.append(
            f"the energy counter stood still for the first {format_duration(first_seconds)}: what it showed then may "
            "have been used before the begin"
        )
    if account.still_at_the_end_seconds > account.stillness_seconds:
        stillness = format_duration(account.still_at_the_end_seconds)
        notes.append(f"the energy counter stood still for the last {stillness}")
    return notes


def _apart(verdict: Consistency) -> str:
    if verdict.apart < _MULTIPLE_FROM:
        return f"the energy counter and integrated power are {format_percent(verdict.apart, 2)} apart"
    joules = {"the energy counter": verdict.counter_joules, "integrated power": verdict.integrated_joules}
    less, more = sorted(joules, key=joules.__getitem__)
    if joules[less] <= 0:
        return f"{less} shows nothing where {more} does"
    return f"{more} shows {format_multiple(joules[more] / joules[less])} as {less}"


def _refresh_note(account: CounterAccount) -> list[str]:
    if account.traits.refresh_seconds is not None:
        return []
    seconds = format_duration(account.refresh.seconds or ASSUMED_REFRESH_SECONDS)
    if account.refresh.seconds is None:
        return [f"{_RENEWAL}: {seconds} were assumed"]
    closeness = "about" if account.refresh.saw_it_rest else "at most"
    return [f"{_RENEWAL}: it was seen to be {closeness} {seconds}"]
